"""A call as llama.cpp's request, and its chunks as an answer."""

import math
from typing import Any

import pytest

from orchestrator.backends.llama_wire import LEAST_LOGPROB, read, request
from orchestrator.core.value import canonical
from orchestrator.errors import BackendFailed
from tests.support.calls import a_call


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish, **more}]}


USAGE: dict[str, Any] = {
    "choices": [],
    "usage": {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 30}},
    "timings": {"prompt_ms": 12.5, "predicted_ms": 3.0, "cache_n": 30},
}
PROGRESS: dict[str, Any] = {**chunk(), "prompt_progress": {"total": 40, "processed": 16}}


def test_a_request_is_streamed_with_progress_and_fixed_samplers() -> None:
    body = request(a_call())
    assert body["stream"]
    assert body["return_progress"]
    assert body["stream_options"] == {"include_usage": True}
    assert body["seed"] == 7
    assert body["temperature"] == 0.7
    assert body["max_tokens"] == 50
    assert body["repeat_penalty"] == 1.0
    assert body["top_k"] == 40
    assert "grammar" not in body
    assert "logprobs" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_copying_is_discouraged_only_where_that_is_asked_for() -> None:
    assert request(a_call())["dry_multiplier"] == 0.0
    assert "dry_base" not in request(a_call())
    body = request(a_call(copying=2.0))
    assert body["dry_multiplier"] == 2.0
    assert body["dry_allowed_length"] == 3


def test_begun_words_come_last_as_the_assistants() -> None:
    body = request(a_call(begun="We wait, because"))
    assert body["messages"][-1] == {"role": "assistant", "content": "We wait, because"}


def test_json_is_not_begun_and_that_is_said() -> None:
    call = a_call(begun="We wait", schema={"type": "object"})
    assert request(call)["messages"][-1]["role"] == "user"
    assert read(call, [chunk("{}", "stop")], 0.1, "local").reply.dropped == ("begun",)


def test_an_answer_is_put_together() -> None:
    answer = read(a_call(), [PROGRESS, chunk("Hel"), chunk("lo"), chunk(None, "stop"), USAGE], 1.5, "local")
    assert answer.reply.text == "Hello"
    assert answer.reply.outcome == "ok"
    assert (answer.usage.prompt, answer.usage.cached, answer.usage.completion) == (40, 30, 3)
    assert answer.seconds == 1.5
    assert answer.served_by == "m"
    assert answer.facts == {"prompt_ms": 12.5, "predicted_ms": 3.0}


def test_log_probabilities_are_kept_and_finite() -> None:
    top = [{"token": "Wait", "logprob": -0.1}, {"token": "Raise", "logprob": -math.inf}]
    entry = {"token": "Wait", "logprob": -0.1, "top_logprobs": [*top, {"token": "", "logprob": None}]}
    answer = read(a_call(), [chunk("Wait", logprobs={"content": [entry]}), chunk(None, "stop")], 0.1, "local")
    assert answer.reply.tokens[0].top == (("Wait", -0.1), ("Raise", LEAST_LOGPROB), ("", LEAST_LOGPROB))
    assert canonical(answer.reply.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("text", "finish", "outcome", "dropped"),
    [
        ("Raise", "length", "ok", ()),
        (" Raise the fine", "stop", "ok", ()),
        ("Wait", "stop", "ok", ()),
        ("Rai", "stop", "ok", ("choices",)),
        ("I would", "length", "length", ("choices",)),
        ("", "stop", "empty", ("choices",)),
    ],
)
def test_choices(text: str, finish: str, outcome: str, dropped: tuple[str, ...]) -> None:
    call = a_call(choices=("Raise the fine", "Wait"), max_tokens=1)
    reply = read(call, [chunk(text, finish)], 0.1, "local").reply
    assert (reply.outcome, reply.dropped) == (outcome, dropped)
    assert reply.text == text.strip()


@pytest.mark.parametrize(
    ("text", "finish", "outcome", "dropped"),
    [
        ('{"a":1}', "stop", "ok", ()),
        ('{"a":', "length", "length", ()),
        ("The answer is", "length", "length", ("schema",)),
        ('{"a":', "stop", "ok", ("schema",)),
    ],
)
def test_a_schema_that_was_passed_over_is_noticed(
    text: str, finish: str, outcome: str, dropped: tuple[str, ...]
) -> None:
    reply = read(a_call(schema={"type": "object"}), [chunk(text, finish)], 0.1, "local").reply
    assert (reply.outcome, reply.dropped) == (outcome, dropped)


def failure(*chunks: Any) -> BackendFailed:
    with pytest.raises(BackendFailed) as caught:
        read(a_call(), chunks, 0.1, "local")
    return caught.value


def test_too_long_a_prompt_names_both_numbers() -> None:
    error = failure(
        {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 12023, "n_ctx": 8192}}
    )
    assert "12,023 tokens" in error.message
    assert "8,192" in error.message
    assert "r1/alpha_ceo" in error.message
    assert "[backends.local]" in error.hint


def test_other_errors_and_broken_answers_are_failures() -> None:
    assert "bad grammar" in failure({"error": {"message": "bad grammar", "type": "x"}}).message
    assert "broke off" in failure(chunk("Hel")).message
    assert "broke off" in failure().message
    assert "unknown form" in failure({"choices": "?"}).message
