"""What is sent, what is read from a good answer, and what a server's refusals teach."""

import asyncio
import json
from typing import Any

import pytest

from orchestrator.backends.openai import OpenAIBackend
from orchestrator.core.call import TokenChoice, Usage
from orchestrator.errors import BackendFailed, BadConfig, MissingKey, OrchestratorError, QuotaExhausted
from tests.support import fault_server as fs
from tests.support.calls import a_call
from tests.support.fault_server import answers, completion, says, status
from tests.support.served import ask, served

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"enum": ["x"]}}}
KEY = "sk-test-0123456789"


def test_the_request_is_the_call() -> None:
    call = a_call(schema=SCHEMA, top_logprobs=5)
    exchange = asyncio.run(ask(answers(), call=call)).server.exchanges[0]
    assert exchange.method == "POST"
    assert exchange.path == "/v1/chat/completions"
    assert "authorization" not in exchange.headers
    assert "cookie" not in exchange.headers
    assert exchange.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You sit at a table."},
            {"role": "user", "content": "What now?"},
        ],
        "max_tokens": 50,
        "stream": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
        },
        "logprobs": True,
        "top_logprobs": 5,
        "seed": 7,
        "temperature": 0.7,
    }


def test_what_no_server_can_be_asked_for_is_named_as_dropped() -> None:
    asked = asyncio.run(ask(answers("yes"), call=a_call(choices=("yes", "no"), begun="We say", copying=1.0)))
    assert asked.good.reply.dropped == ("choices", "begun", "copying")
    assert set(asked.server.exchanges[0].body) == {
        "model", "messages", "max_tokens", "stream", "seed", "temperature",
    }  # fmt: skip


def test_a_good_answer_with_its_accounting() -> None:
    answer = asyncio.run(ask(answers("Yes, now. é😀"))).good
    assert answer.reply.model_dump() == {
        "text": "Yes, now. é😀",
        "outcome": "ok",
        "tokens": (),
        "dropped": (),
    }
    assert answer.usage == Usage(prompt=30, cached=20, completion=2)
    assert (answer.served_by, answer.tries) == ("served", 1)
    assert answer.facts == {"id": "c-1", "system_fingerprint": "fp"}
    assert 0 < answer.seconds < 1


@pytest.mark.parametrize(
    ("behaviour", "outcome", "text"),
    [
        (answers("cut sho", "length"), "length", "cut sho"),
        (answers(None, "length"), "length", ""),
        (answers("", "content_filter"), "filtered", ""),
        (answers(None, message={"refusal": "I will not."}), "refused", "I will not."),
        (answers(None, "refusal"), "refused", ""),
        (answers(None), "empty", ""),
        (answers(""), "empty", ""),
        (answers(" \n"), "empty", " \n"),
        (says(json.dumps({**completion(), "choices": []}).encode()), "empty", ""),
        (fs.packed("small"), "ok", "small"),
        (answers(None, message={"content": [{"type": "text", "text": part} for part in ("in ", "parts")]}),
         "ok", "in parts"),
        (says(b'{"choices":[{"message":{"content":"half \\ud83d pair"}}]}'), "ok", "half \ufffd pair"),
        (answers("x", choice={"finish_reason": None}, usage=None, id=None, model=None), "ok", "x"),
    ],
)  # fmt: skip
def test_what_went_wrong_inside_an_answer_is_an_outcome(behaviour: fs.Behaviour, outcome: str, text: str) -> None:
    asked = asyncio.run(ask(behaviour))
    assert (asked.good.reply.outcome, asked.good.reply.text) == (outcome, text)
    assert len(asked.server.exchanges) == 1


@pytest.mark.parametrize("count", [-1, 2**80, 1e300, "many", None, True, [1]])
def test_senseless_counts_are_no_counts(count: Any) -> None:
    usage = {
        "prompt_tokens": count,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": count},
    }
    assert asyncio.run(ask(answers(usage=usage))).good.usage == Usage(completion=4)


def test_log_probabilities_likeliest_first() -> None:
    listed = [{"token": "2", "logprob": -1.5}, {"token": "4", "logprob": -0.2, "bytes": [52]}]
    content = [
        {"token": "4", "logprob": -0.2, "top_logprobs": listed},
        {"token": "\\xf0\\x9f", "logprob": -3, "bytes": [240, 159], "top_logprobs": None},
        {"token": "é", "logprob": 0},
    ]
    behaviour = answers("4", choice={"logprobs": {"content": content}})
    reply = asyncio.run(ask(behaviour, call=a_call(top_logprobs=2))).good.reply
    assert reply.tokens == (
        TokenChoice(token="4", logprob=-0.2, top=(("4", -0.2), ("2", -1.5))),
        TokenChoice(token="\\xf0\\x9f", logprob=-3.0),
        TokenChoice(token="é", logprob=0.0),
    )
    assert reply.dropped == ()


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": [{"token": "4", "logprob": 10**400}]},
        {"content": None},
        {"content": []},
        {"content": [{"token": "4", "logprob": None}]},
        "x",
    ],
)
def test_missing_log_probabilities_are_named(logprobs: Any) -> None:
    behaviour = answers("4", choice={"logprobs": logprobs})
    reply = asyncio.run(ask(behaviour, call=a_call(top_logprobs=2))).good.reply
    assert reply.tokens == ()
    assert reply.dropped == ("logprobs",)


def test_log_probabilities_that_nobody_asked_for_are_not_kept() -> None:
    content = [{"token": "4", "logprob": -0.2}]
    assert asyncio.run(ask(answers("4", choice={"logprobs": {"content": content}}))).good.reply.tokens == ()


REFUSALS = [
    (status(400, "This response_format type is unavailable now", type="invalid_request_error"),
     "schema", {"response_format"}),
    (status(422, "bad value", param="response_format.type", code="unsupported_value"),
     "schema", {"response_format"}),
    (status(400, "We don't support logprobs. Please remove 'logprobs'/'top_logprobs'."),
     "logprobs", {"logprobs", "top_logprobs"}),
    (says(b'{"detail":[{"loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}', 422),
     "seed", {"seed"}),
    (status(400, "Unsupported value: 'temperature' does not support 0.7", param="temperature"),
     "temperature", {"temperature"}),
    (says(b'{"object":"error","message":"seed is not supported","code":400}', 400), "seed", {"seed"}),
    (says(b'{"error":"json_schema is not supported by this model"}', 400), "schema", {"response_format"}),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "setting", "fields"), REFUSALS)
def test_an_unsupported_setting_is_left_out_and_remembered(
    refusal: fs.Behaviour, setting: str, fields: set[str]
) -> None:
    async def scene() -> None:
        content = {"content": [{"token": "4", "logprob": -0.2}]}
        async with served(refusal, answers(choice={"logprobs": content})) as (server, backend):
            call = a_call(schema=SCHEMA, top_logprobs=2)
            for tries in (2, 1):
                answer = await backend.answer(call)
                assert answer.reply.dropped == (setting,)
                assert answer.tries == tries
            sent = [set(e.body) for e in server.exchanges]
            assert sent[0] - sent[1] == fields
            assert sent[1] == sent[2]

    asyncio.run(scene())


def test_what_was_learned_shows_in_the_abilities() -> None:
    async def scene() -> None:
        async with served(REFUSALS[0][0], answers()) as (_, backend):
            assert backend.abilities.schema_enforced
            await backend.answer(a_call(schema=SCHEMA))
            assert not backend.abilities.schema_enforced
            assert backend.abilities.seed

    asyncio.run(scene())


def test_one_schema_that_is_refused_does_not_end_the_others() -> None:
    async def scene() -> None:
        refusal = status(400, "Invalid schema for response_format 'answer': ...", code="invalid_json_schema")
        async with served(refusal, answers()) as (server, backend):
            assert (await backend.answer(a_call(schema=SCHEMA))).reply.dropped == ("schema",)
            other: dict[str, Any] = {"type": "object", "properties": {}}
            assert (await backend.answer(a_call(schema=other))).reply.dropped == ()
            assert "response_format" in server.exchanges[-1].body

    asyncio.run(scene())


def test_another_name_for_the_room_is_learned_once_for_all_calls() -> None:
    async def picky(exchange: fs.Exchange) -> None:
        words = "Unsupported parameter: 'max_tokens' ... Use 'max_completion_tokens' instead."
        refusal = status(400, words, param="max_tokens", code="unsupported_parameter")
        await (refusal if "max_tokens" in exchange.body else answers())(exchange)

    async def scene() -> None:
        async with served(picky) as (server, backend):
            got = await asyncio.gather(*(backend.answer(a_call()) for _ in range(4)))
            assert {answer.reply.dropped for answer in got} == {()}
            await backend.answer(a_call())
            assert len(server.exchanges) == 9
            assert server.exchanges[-1].body["max_completion_tokens"] == 50

    asyncio.run(scene())


def test_two_lessons_that_arrive_together_are_both_kept() -> None:
    async def picky(exchange: fs.Exchange) -> None:
        await asyncio.sleep(0.05)  # both calls are under way before either hears a refusal
        wrong = "seed" if exchange.asked == "seed" else "temperature"
        refusal = status(400, f"{wrong} is not supported", param=wrong)
        await (refusal if wrong in exchange.body else answers())(exchange)

    async def scene() -> None:
        async with served(picky) as (server, backend):
            await asyncio.gather(*(backend.answer(a_call(asked=asked)) for asked in ("seed", "temperature")))
            assert (await backend.answer(a_call())).reply.dropped == ("seed", "temperature")
            assert len(server.exchanges) == 5

    asyncio.run(scene())


def test_a_setting_that_was_not_sent_teaches_nothing() -> None:
    failed = asyncio.run(ask(status(400, "logprobs is not supported"))).failed
    assert isinstance(failed, BackendFailed)


def test_a_prompt_that_is_too_long_is_said_in_the_servers_words() -> None:
    failed = asyncio.run(ask(status(400, "the request exceeds the context size", n_ctx=4096))).failed
    assert "exceeds the context size" in failed.message


# --- keys, addresses, concurrency, closing


def _backend(**given: Any) -> OpenAIBackend:
    usual: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key_env": None}
    return OpenAIBackend(name="lab", **(usual | given))


@pytest.mark.parametrize("value", [None, "", "  ", "two\nlines", "clé"])
def test_a_key_that_is_not_there(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY_VAR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_SUCH_KEY_VAR", value)
    with pytest.raises(MissingKey, match="NO_SUCH_KEY_VAR") as caught:
        asyncio.run(_backend(api_key_env="NO_SUCH_KEY_VAR").start())
    assert not (value and value.strip() and value in caught.value.message)


@pytest.mark.parametrize("behaviour", [
    status(400, f"key {KEY} is odd"), status(401, f"Incorrect API key provided: {KEY}"), status(500, KEY),
    says(KEY.encode()), says(b"", 302, location=f"/?key={KEY}"), answers(f"I saw {KEY}"),
])  # fmt: skip
def test_a_key_that_the_server_echoes_goes_no_further(behaviour: fs.Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TEST_KEY", f" {KEY}\n")
    asked = asyncio.run(ask(behaviour, api_key_env="LAB_TEST_KEY"))
    assert asked.server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
    error = asked.error
    chain: list[Any] = [asked.answer, error, error and error.__cause__, error and vars(error)]
    assert KEY not in " ".join(map(repr, chain))


@pytest.mark.parametrize("given", [
    {"base_url": "ftp://127.0.0.1/v1"}, {"base_url": "127.0.0.1:8000"}, {"base_url": "http://"},
    {"base_url": "http://me:secret@127.0.0.1/v1"}, {"base_url": "http://[::1"}, {"concurrency": 0},
    {"timeout_s": 0}, {"timeout_s": float("nan")}, {"timeout_s": float("inf")},
])  # fmt: skip
def test_arguments_that_cannot_be_honoured(given: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match="backend lab") as caught:
        _backend(**given)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(("tail", "path"), [
    ("", "/v1/chat/completions"), ("/", "/v1/chat/completions"),
    ("/chat/completions", "/v1/chat/completions"),
    ("?api-version=1", "/v1/chat/completions?api-version=1"),
])  # fmt: skip
def test_addresses(tail: str, path: str) -> None:
    async def scene() -> None:
        async with fs.FaultServer(answers()) as server:
            backend = _backend(base_url=server.base_url + tail)
            await backend.start()
            await backend.answer(a_call())
            await backend.aclose()
            assert server.exchanges[0].path == path

    asyncio.run(scene())


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert asyncio.run(ask(answers())).good.reply.text == "yes"


def test_at_most_so_many_calls_at_once() -> None:
    async def scene() -> None:
        async with served(fs.late(0.02, answers()), concurrency=3) as (server, backend):
            await asyncio.gather(*(backend.answer(a_call()) for _ in range(20)))
            assert server.peak == 3

    asyncio.run(scene())


def test_more_than_a_hundred_calls_at_once() -> None:
    async def scene() -> None:
        async with served(fs.late(0.5, answers()), concurrency=150) as (server, backend):
            await asyncio.gather(*(backend.answer(a_call()) for _ in range(150)))
            assert server.peak == 150

    asyncio.run(scene())


def test_cancelled_calls_give_their_places_back() -> None:
    async def scene() -> None:
        slow, quick = fs.silent, answers("after")
        async with served(slow, slow, slow, fs.drip, quick, concurrency=4) as (server, backend):
            tasks = [asyncio.create_task(backend.answer(a_call())) for _ in range(6)]
            while len(server.exchanges) < 4:
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
            assert all(isinstance(one, asyncio.CancelledError) for one in done)
            again = await asyncio.gather(*(backend.answer(a_call()) for _ in range(6)))
            assert {answer.reply.text for answer in again} == {"after"}

    asyncio.run(scene())


def test_a_call_that_is_cancelled_while_it_waits_ends_at_once() -> None:
    async def scene() -> None:
        async with served(status(429, headers={"retry-after": "9"}), timeout_s=60) as (server, backend):
            task = asyncio.create_task(backend.answer(a_call()))
            while not server.exchanges:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 1)

    asyncio.run(scene())


def test_closed_and_started_again() -> None:
    async def scene() -> None:
        async with served(answers()) as (_, backend):
            await backend.start()
            await backend.aclose()
            with pytest.raises(OrchestratorError, match="before it was started"):
                await backend.answer(a_call())
            await backend.start()
            assert (await backend.answer(a_call())).reply.text == "yes"

    asyncio.run(scene())


def test_one_backend_in_two_loops() -> None:

    async def scene() -> None:
        async with fs.FaultServer(status(402)).at(address):
            await backend.start()
            got = await asyncio.gather(*(backend.answer(a_call()) for _ in range(3)), return_exceptions=True)
            assert all(isinstance(one, QuotaExhausted) for one in got)
            await backend.aclose()

    async def free() -> str:
        async with fs.FaultServer(answers()) as server:
            return server.base_url

    address = asyncio.run(free())
    backend = _backend(base_url=address, concurrency=1)
    asyncio.run(scene())
    asyncio.run(scene())
