"""The transport by itself, the strict reading of bytes, and the waits that headers ask for."""

import asyncio
import tracemalloc
from datetime import UTC, datetime

import httpx
import pytest

from orchestrator.backends.faults import Fault, FaultClass, Health, Patience, Tries, class_inside, class_of, told_wait
from orchestrator.backends.http import Raw, Wire
from orchestrator.backends.wire import one_line, storable, strict_json
from tests.support import fault_server as fs


async def _post(*behaviours: fs.Behaviour, cap: int = 1000) -> Raw:
    async with fs.FaultServer(*behaviours) as server:
        wire = Wire(httpx.URL(server.base_url), {}, body_cap=cap)
        try:
            return await wire.post(b"{}")
        finally:
            await wire.aclose()


def test_a_body_up_to_the_cap_is_whole() -> None:
    assert asyncio.run(_post(fs.says(b"x" * 1000)))[2:] == (b"x" * 1000, True, False)


def test_a_larger_body_is_not_read_on() -> None:
    assert asyncio.run(_post(fs.says(b"x" * 1001)))[2:] == (b"x" * 1000, False, False)


@pytest.mark.parametrize("cap", [10, 1 << 20])
def test_a_bomb_is_unpacked_only_up_to_the_cap(cap: int) -> None:
    tracemalloc.start()
    raw = asyncio.run(_post(fs.bomb(64), cap=cap))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(raw.body), raw.whole, raw.packed) == (cap, False, True)
    assert peak < 8 * (1 << 20)


def test_a_status_is_no_failure_of_the_transport() -> None:
    raw = asyncio.run(_post(fs.says(b"no", 503, retry_after="4")))
    assert (raw.status, raw.headers["Retry-After"], raw.body) == (503, "4", b"no")


def test_a_gzip_body_that_is_cut_is_broken() -> None:
    async def half(exchange: fs.Exchange) -> None:
        await exchange.send(200, fs.gzip.compress(b"abc" * 100)[:-9], {"content-encoding": "gzip"})

    with pytest.raises(Fault, match="cut off"):
        asyncio.run(_post(half))


def test_a_connection_is_used_again() -> None:
    async def scene() -> None:
        ports: set[int] = set()

        async def note(exchange: fs.Exchange) -> None:
            ports.add(exchange.writer.get_extra_info("peername")[1])
            await exchange.send(200, b"{}", {"set-cookie": "a=b"})

        async with fs.FaultServer(note) as server:
            wire = Wire(httpx.URL(server.base_url), {})
            for _ in range(3):
                await wire.post(b"{}")
            assert len(ports) == 1
            assert all("cookie" not in exchange.headers for exchange in server.exchanges)
            await wire.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize(("data", "value"), [
    (b'{"a":[1,2.5,"\\u00e9"]}', {"a": [1, 2.5, "é"]}), (b" null ", None), (b'"[[[["', "[[[["),
    (b"[" * 64 + b"]" * 64, None),
    (b'["' + b"[" * 500 + b'\\"{"]', None), (b"[" + b"[]," * 500 + b"[]]", None),
])  # fmt: skip
def test_json_that_is_read(data: bytes, value: object) -> None:
    read = strict_json(data)
    assert value is None or read == value


@pytest.mark.parametrize(("data", "why"), [
    (b"", "invalid JSON"), (b"{", "invalid JSON"), (b"{}{}", "invalid JSON"), (b"\xff", "UTF-8"),
    (b'{"a":1,"b":2,"a":3}', "duplicate key 'a'"), (b'[{"x":{"a":1,"a":1}}]', "duplicate key"),
    (b"[NaN]", "NaN"), (b"[-Infinity]", "-Infinity"), (b"[1e999]", "too large"), (b"[-1e999]", "too large"),
    (b"[" * 65 + b"]" * 65, "deeper"), (b'{"a":' * 100_000, "deeper"), (b"9" * 5000, "digits"),
    (b'["' + b"a" * 100 + b'", ' + b"[" * 64 + b"]" * 64 + b"]", "deeper"),
])  # fmt: skip
def test_json_that_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        strict_json(data)


def test_a_line_for_the_terminal() -> None:
    assert one_line("a\x1b[31m\r\nb\u202e\u200bc\x9b d") == "a [31m b c d"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert one_line("\x00" * 100_000 + "x", 10) == "…"
    assert one_line("") == ""


def test_text_that_no_store_would_take() -> None:
    assert storable("a\ud83db\udc00😀") == "a\ufffdb\ufffd😀"


NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"retry-after": "7"}, 7), ({"retry-after": " 1.5 "}, 1.5), ({"retry-after": "0"}, 0),
    ({"retry-after": "-3"}, None), ({"retry-after": "nan"}, None), ({"retry-after": "1e9"}, None),
    ({"retry-after": "soon"}, None), ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ({"retry-after": "Wed, 01 May 2024 12:00:30 GMT"}, 30),
    ({"retry-after": "Wed, 01 May 2024 11:00:00 GMT"}, 0),
    ({"retry-after": "Wed, 01 May 2024 09:00:05 GMT", "date": "Wed, 01 May 2024 09:00:00 GMT"}, 5),
    ({"x-ratelimit-reset-requests": "6m0s"}, 360), ({"x-ratelimit-reset-tokens": "1m30.5s"}, 90.5),
    ({"x-ratelimit-reset-tokens": "120ms"}, 0.12), ({"x-ratelimit-reset-requests": "59"}, 59),
    ({"x-ratelimit-reset-requests": "1714560000000"}, None),
    ({"x-ratelimit-reset-requests": "5 apples"}, None),
    ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "2s"}, 2),
    ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-tokens": "2s", "x-ratelimit-remaining-tokens": "500"}, 360),
])  # fmt: skip
def test_the_wait_that_headers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert told_wait(headers, now=NOON) == seconds


@pytest.mark.parametrize(("status", "words", "kind"), [
    (429, "", "busy"), (503, "", "busy"), (529, "overloaded_error", "busy"),
    (429, "insufficient_quota", "broke"),
    (402, "", "broke"), (401, "", "broke"), (403, "", "broke"), (500, "", "broken"), (502, "", "broken"),
    (504, "", "broken"), (520, "", "broken"), (408, "", "broken"), (400, "", "rejected"),
    (404, "", "rejected"),
    (422, "", "rejected"), (400, "billing_hard_limit_reached", "broke"),
])  # fmt: skip
def test_classes_by_status(status: int, words: str, kind: FaultClass) -> None:
    assert class_of(status, words) == kind


@pytest.mark.parametrize(("code", "words", "kind"), [
    (429, "429", "busy"), (0, "rate_limit_exceeded", "busy"), (0, "overloaded_error", "busy"),
    (0, "insufficient_quota", "broke"), (0, "authentication_error", "broke"), (0, "server_error", "broken"),
    (0, "", "broken"), (0, "invalid_request_error", "rejected"),
    (400, "exceed_context_size_error", "rejected"),
])  # fmt: skip
def test_classes_of_an_error_inside_an_answer(code: int, words: str, kind: FaultClass) -> None:
    assert class_inside(code, words) == kind


def test_backoff_doubles_up_to_its_limit_and_is_spread() -> None:
    patience = Patience(first_wait_s=1, longest_wait_s=8)
    for times, whole in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (5000, 8)):
        waits = [patience.backoff(times) for _ in range(50)]
        assert whole / 2 <= min(waits) < max(waits) <= whole


def test_one_burst_of_busy_answers_counts_once() -> None:
    health = Health(Patience(first_wait_s=1, longest_wait_s=64))
    for _ in range(20):
        health.was_busy(1.0, None)
    assert health.busy_times == 1


def test_any_answer_ends_the_time_in_which_nothing_listened() -> None:
    health = Health(Patience())
    tries = Tries(health)
    tries.note(Fault("refused", ""), 5.0)
    tries.note(Fault("refused", ""), 6.0)
    assert health.refused_since == 5.0
    tries.note(Fault("broken", ""), 0.0)
    assert health.refused_since is None
