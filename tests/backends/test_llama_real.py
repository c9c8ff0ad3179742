"""The embedded backend on the real model: only what a stand-in cannot show. Run with `-m real_model`."""

import asyncio
import json
import math
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from orchestrator.backends.fetch import Progress, pull
from orchestrator.backends.grammar import INSIDE
from orchestrator.backends.llama import LlamaBackend
from orchestrator.backends.models import DEFAULT, find_model
from orchestrator.core.call import Answer, Call, Message, Sampling, Shape
from orchestrator.errors import BackendFailed, BadModelFile

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

T = TypeVar("T")

MENU = ("Raise the fine", "Wait for the court", "Settle with the firm")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 60},
        "action": {"type": "string", "enum": ["wait", "raise"]},
        "sure": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["reason", "action", "sure"],
    "additionalProperties": False,
}
LONG = " ".join(f"Item {n}: the commission set proposal {n * 7} aside." for n in range(40))


@pytest.fixture(scope="module")
def model() -> Path:
    def silent(_: Progress) -> None:
        """A test has no screen."""

    try:
        return find_model(DEFAULT, Path())
    except BadModelFile:
        return pull(DEFAULT, progress=silent)


def put(asked: str, *, shape: Shape | None = None, begun: str = "", max_tokens: int = 24, top: int = 0) -> Call:
    return Call(
        key="r1/commission/decide/1",
        messages=(
            Message(role="system", content="You are a commissioner. Answer in English."),
            Message(role="user", content=asked),
        ),
        shape=shape or Shape(),
        begun=begun,
        sampling=Sampling(max_tokens=max_tokens, temperature=0.7, top_logprobs=top),
        seed=7,
        backend_kind="llama",
        model="m",
    )


def on(model: Path, play: Callable[[LlamaBackend], Awaitable[T]], **options: Any) -> T:
    """Plays on a freshly loaded model."""

    async def whole() -> T:
        backend = LlamaBackend(model, **options)
        try:
            return await play(backend)
        finally:
            await backend.aclose()

    return asyncio.run(whole())


BEGUN = put(
    "Say in one line why you raise the fine.",
    shape=Shape(line=90),
    max_tokens=50,
    begun="We have raised the fine, because",
)
CHOICE = put(
    f"Choose one of: {', '.join(MENU)}. Write only its name.",
    shape=Shape(choices=MENU),
    max_tokens=1,
    top=20,
)
JSON = put("Give reason, action and sure as JSON.", shape=Shape(json_schema=SCHEMA), max_tokens=80)
CALLS = (BEGUN, CHOICE, JSON)
SENTENCE = "We have held back our next model, because it could lead to great harm and to nothing else."


@pytest.fixture(scope="module")
def answers(model: Path) -> list[Answer]:
    async def play(backend: LlamaBackend) -> list[Answer]:
        return [await backend.answer(call) for call in CALLS]

    return on(model, play)


def test_begun_words_are_gone_on_from_and_not_repeated(answers: list[Answer]) -> None:
    text = answers[0].reply.text
    assert 0 < len(text) <= 90
    assert "We have raised" not in text
    assert text.startswith(" ")  # the model saw a sentence that goes on, not one that ended
    assert re.fullmatch(f"[{INSIDE}]+", text)
    assert re.fullmatch(r"[^.!?]+[.!?]", text)  # one sentence, ended


def test_one_token_of_a_choice_carries_the_distribution_before_the_grammar(answers: list[Answer]) -> None:
    reply = answers[1].reply
    assert reply.outcome == "ok"
    assert any(name.startswith(reply.text) for name in MENU)
    assert len(reply.tokens) == 1
    top = dict(reply.tokens[0].top)
    assert len(top) == 20
    mass = sum(math.exp(value) for value in top.values())
    on_menu = sum(math.exp(top[word]) for word in ("Raise", "Wait", "Settle") if word in top)
    assert 0.2 < on_menu < mass <= 1.001  # something lies outside the menu: no grammar yet


def test_json_keeps_its_schema_and_order(answers: list[Answer]) -> None:
    reply = answers[2].reply
    assert (reply.outcome, reply.dropped) == ("ok", ())
    found = json.loads(reply.text)
    assert list(found) == ["reason", "action", "sure"]
    assert found["action"] in ("wait", "raise")
    assert found["sure"] in range(1, 6)
    assert len(found["reason"]) <= 60


def test_the_shared_prefix_comes_from_the_cache(answers: list[Answer]) -> None:
    first, second = answers[0].usage, answers[1].usage
    assert first.cached == 0
    assert 10 < second.cached < second.prompt
    assert second.completion == 1


def test_a_fresh_process_gives_the_same_replies(model: Path, answers: list[Answer]) -> None:
    async def play(backend: LlamaBackend) -> list[Answer]:
        found = [await backend.answer(call) for call in CALLS]
        # The library listens on a loopback port; nobody else may use the model through it.
        address = backend._server.listening_address  # pyright: ignore[reportPrivateUsage]
        closed = httpx.post(f"{address}/v1/chat/completions", json={"messages": []}, trust_env=False)
        assert closed.status_code == 401
        return found

    again = on(model, play)
    assert [answer.reply for answer in again] == [answer.reply for answer in answers]


def test_copying_of_the_prompt_is_discouraged(model: Path) -> None:
    plain = put(f"Copy this sentence exactly: {SENTENCE}", max_tokens=30)
    held_off = plain.model_copy(update={"sampling": plain.sampling.model_copy(update={"copying": 3.0})})

    async def play(backend: LlamaBackend) -> list[str]:
        return [(await backend.answer(call)).reply.text for call in (plain, held_off)]

    copied, other = on(model, play)
    assert SENTENCE in copied
    assert SENTENCE not in other
    assert re.search("[a-z]{3}", other)


def test_cancelling_in_the_prompt_and_in_the_answer(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def play(backend: LlamaBackend) -> list[float]:
        await backend.start()
        took: list[float] = []
        for call, after in ((put(LONG), 0.6), (put("Count to 900.", max_tokens=2000), 4.0)):
            task = asyncio.create_task(backend.answer(call))
            await asyncio.sleep(after)
            assert not task.done()
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            took.append(time.monotonic() - began)
            assert (await backend.answer(put("Say yes.", max_tokens=2))).reply.text
        with pytest.raises(BackendFailed, match="context of the embedded model local holds 1,024"):
            await backend.answer(put(LONG * 4))
        return took

    assert max(on(model, play, context=1024)) < 0.3
    assert capfd.readouterr() == ("", "")  # nothing of llama.cpp's own log, at the file descriptors
