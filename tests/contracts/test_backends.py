"""What every backend owes the program, tried on each that runs without a real model."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.backends.protocol import Backend
from orchestrator.core.call import Outcome, TokenChoice
from orchestrator.errors import OrchestratorError
from tests.contracts.backend_cases import CASES, SECRET, SECRET_ENV, Plan, Planned
from tests.support.calls import a_call

KEY = "r1/alpha_ceo/decide/1"
Scene = Callable[[Backend], Awaitable[None]]
Stage = Callable[[Plan, Scene], None]


@pytest.fixture(params=sorted(CASES))
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Plays a scene on a started backend that is planned to answer so, and closes it."""
    monkeypatch.setenv(SECRET_ENV, SECRET)

    async def play(plan: Plan, scene: Scene) -> None:
        async with CASES[request.param](tmp_path, plan) as backend:
            await backend.start()
            try:
                await scene(backend)
            finally:
                await backend.aclose()

    def run(plan: Plan, scene: Scene) -> None:
        asyncio.run(play(plan, scene))

    return run


def test_it_says_what_it_is(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        assert backend.kind in CASES
        assert backend.model == backend.model != ""
        assert backend.abilities.concurrency >= 1

    stage({KEY: Planned("x")}, scene)


@pytest.mark.parametrize("text", ["yes", "é 😀 \u202e", 'a "quoted"\n\tline', '{"a": 1}', "  kept  ", "x" * 100_000])
def test_the_text_comes_back_as_it_was(stage: Stage, text: str) -> None:
    async def scene(backend: Backend) -> None:
        answer = await backend.answer(a_call(asked=KEY))
        assert (answer.reply.text, answer.reply.outcome) == (text, "ok")
        assert answer.seconds >= 0
        assert answer.tries == 1

    stage({KEY: Planned(text)}, scene)


@pytest.mark.parametrize("outcome", ["length", "refused", "filtered", "empty"])
@pytest.mark.parametrize("text", ["", "half a sen"])
def test_an_outcome_is_an_answer_and_no_exception(stage: Stage, outcome: Outcome, text: str) -> None:
    text = "" if outcome == "empty" else text

    async def scene(backend: Backend) -> None:
        reply = (await backend.answer(a_call(asked=KEY))).reply
        assert reply.outcome == outcome
        assert reply.text == text or (outcome == "refused" and not text)

    stage({KEY: Planned(text, outcome)}, scene)


def test_log_probabilities_where_asked_for(stage: Stage) -> None:
    tokens = (TokenChoice(token="4", logprob=-0.5, top=(("4", -0.5), ("5", -1.25))),)

    async def scene(backend: Backend) -> None:
        assert backend.abilities.logprobs
        with_them = (await backend.answer(a_call(asked=KEY, top_logprobs=2))).reply
        assert (with_them.tokens, with_them.dropped) == (tokens, ())
        assert (await backend.answer(a_call(asked=KEY))).reply.tokens == ()

    stage({KEY: Planned("4", tokens=tokens)}, scene)


def test_a_setting_that_was_not_honoured_is_named(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        reply = (await backend.answer(a_call(asked=KEY, top_logprobs=2))).reply
        assert "logprobs" in reply.dropped

    stage({KEY: Planned("4")}, scene)


def test_many_calls_at_once_each_get_their_own_answer(stage: Stage) -> None:
    keys = [f"r{n}/alpha_ceo/decide/1" for n in range(1, 41)]

    async def scene(backend: Backend) -> None:
        answers = await asyncio.gather(*(backend.answer(a_call(key, asked=key)) for key in keys))
        assert [answer.reply.text for answer in answers] == [f"to {key}" for key in keys]

    stage({key: Planned(f"to {key}") for key in keys}, scene)


def test_cancelling_leaves_it_usable(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        for pause in (0.0, 0.001, 0.003, 0.01):
            task = asyncio.create_task(backend.answer(a_call(asked=KEY)))
            await asyncio.sleep(pause)
            task.cancel()
            began = time.monotonic()
            await asyncio.wait({task})
            assert time.monotonic() - began < 1
            assert (await backend.answer(a_call(asked=KEY))).reply.text == "here"

    stage({KEY: Planned("here")}, scene)


def test_what_cannot_be_answered_is_an_error_with_a_next_step(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        with pytest.raises(OrchestratorError) as caught:
            await backend.answer(a_call("r9/nobody/decide/1", asked="r9/nobody/decide/1"))
        error = caught.value
        assert error.code in (3, 4)
        assert error.message
        assert error.hint
        assert "\n" not in error.message
        assert (await backend.answer(a_call(asked=KEY))).reply.text == "here"

    stage({KEY: Planned("here")}, scene)


def test_no_secret_shows(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        answer = await backend.answer(a_call(asked=KEY))
        with pytest.raises(OrchestratorError) as caught:
            await backend.answer(a_call("r9/nobody/decide/1", asked=f"r9/{SECRET}"))
        error = caught.value
        shown = [backend, vars(backend), answer, error, vars(error), error.__cause__, error.__context__]
        assert SECRET not in " ".join(map(repr, shown))

    stage({KEY: Planned("here")}, scene)


def test_started_twice_and_closed_twice(stage: Stage) -> None:
    async def scene(backend: Backend) -> None:
        await backend.start()
        assert (await backend.answer(a_call(asked=KEY))).reply.text == "here"
        await backend.aclose()
        await backend.aclose()

    stage({KEY: Planned("here")}, scene)
