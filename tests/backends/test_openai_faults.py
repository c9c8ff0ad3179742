"""Every class of fault, made by a real server on the loopback: what is waited for, tried again, given up."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestrator.backends.openai import OpenAIBackend
from orchestrator.errors import BackendFailed, QuotaExhausted
from tests.support import fault_server as fs
from tests.support.calls import a_call
from tests.support.fault_server import answers, says, status
from tests.support.served import QUICK, ask, served


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        (429, {"retry-after": "0.2"}),
        (503, {"retry-after": "0.2"}),
        (529, {"retry-after-ms": "200"}),
        (429, {"x-ratelimit-reset-requests": "200ms"}),
        (429, {"x-ratelimit-reset-tokens": "0.2s", "x-ratelimit-remaining-tokens": "0"}),
    ],
)
def test_a_busy_server_is_left_alone_as_long_as_it_says(code: int, headers: dict[str, str]) -> None:
    asked = asyncio.run(ask(status(code, headers=headers), answers("at last")))
    assert asked.good.reply.text == "at last"
    assert asked.good.tries == 2
    assert 0.2 <= asked.gaps[0] < 2


def test_a_date_in_retry_after_counts_from_the_servers_own_clock() -> None:
    wrong = datetime.now(UTC) + timedelta(hours=5)
    headers = {"date": format_datetime(wrong), "retry-after": format_datetime(wrong + timedelta(seconds=1))}
    asked = asyncio.run(ask(status(429, headers=headers), answers(), busy_cap_s=2))
    assert 1.0 <= asked.gaps[0] < 2


def test_a_wait_without_measure_is_capped() -> None:
    asked = asyncio.run(ask(status(429, headers={"retry-after": "86400"}), answers()))
    assert 0.3 <= asked.gaps[0] < 2


def test_a_cap_leaves_time_for_another_try_within_the_deadline() -> None:
    asked = asyncio.run(ask(status(429, headers={"retry-after": "60"}), answers(), timeout_s=1, busy_cap_s=60))
    assert asked.good.tries == 2


def test_busy_without_a_word_backs_off_until_the_deadline() -> None:
    asked = asyncio.run(ask(status(503, "warming up"), timeout_s=0.4))
    assert isinstance(asked.failed, BackendFailed)
    assert "stays busy" in asked.failed.message
    assert "warming up" in asked.failed.message
    assert 2 < len(asked.server.exchanges) < 40


def test_the_wait_is_shared_by_all_calls() -> None:
    async def scene() -> None:
        async with served(status(429, headers={"retry-after": "0.3"}), answers()) as (server, backend):
            first = asyncio.create_task(backend.answer(a_call()))
            await asyncio.sleep(0.1)
            await asyncio.gather(first, *(backend.answer(a_call()) for _ in range(5)))
            early = [e for e in server.exchanges[1:] if e.at - server.exchanges[0].at < 0.3]
            assert early == []
            assert len(server.exchanges) == 7

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (status(429, "You exceeded your quota", code="insufficient_quota"), "top up"),
        (status(429, "Limit", type="insufficient_quota", code="project_spend_limit_exceeded"), "top up"),
        (status(402, "Pay"), "top up"),
        (status(401, "Bad key"), "LAB_TEST_KEY"),
        (status(403, "Not you"), "LAB_TEST_KEY"),
        (says(b'{"error":{"message":"no","type":"insufficient_quota"}}'), "top up"),
        (says(b'{"error":{"message":"no","code":"invalid_api_key"}}'), "LAB_TEST_KEY"),
    ],
)
def test_money_and_keys_are_never_tried_again(
    behaviour: fs.Behaviour, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TEST_KEY", "sk-test-0123456789")
    asked = asyncio.run(ask(behaviour, api_key_env="LAB_TEST_KEY"))
    assert isinstance(asked.failed, QuotaExhausted)
    assert said in asked.failed.message
    assert len(asked.server.exchanges) == 1


def test_a_server_that_wants_a_key_where_none_is_named() -> None:
    asked = asyncio.run(ask(status(401, "No key")))
    assert "api_key_env" in asked.failed.message


BROKEN = {
    "500": status(500, "oops"),
    "502 with a page": says(b"<html>Bad gateway</html>", 502, content_type="text/html"),
    "504": status(504),
    "520": status(520),
    "reset": fs.reset,
    "hung up": fs.hang_up,
    "cut": fs.cut,
    "cut chunks": fs.cut_chunks,
    "no HTTP": fs.no_http,
    "HTML with 200": says(b"<!doctype html><title>login</title>", content_type="text/html"),
    "invalid UTF-8": says(b'{"choices":[{"message":{"content":"\xff\xfe"}}]}'),
    "JSON cut off": says(b'{"choices":[{"message":'),
    "empty body": says(b""),
    "duplicate keys": says(b'{"choices":[],"choices":[]}'),
    "NaN": says(b'{"choices":[],"x":NaN}'),
    "infinite": says(b'{"choices":[],"x":1e999}'),
    "too deep": says(b'{"choices":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a list": says(b"[]"),
    "no choices": says(b'{"object":"chat.completion"}'),
    "a choice that is text": says(b'{"choices":["yes"]}'),
    "content that is a number": says(b'{"choices":[{"message":{"content":5}}]}'),
    "error inside 200": says(b'{"error":{"message":"engine died","type":"server_error"}}'),
    "error inside a choice": answers(None, "error", choice={"error": {"message": "x", "code": 502}}),
    "gzip bomb": fs.bomb(64),
    "damaged gzip": says(b"\x1f\x8b\x08junkjunkjunk", content_encoding="gzip"),
    "foreign encoding": says(b"abc", content_encoding="br"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_answer_is_tried_again(what: str) -> None:
    asked = asyncio.run(ask(BROKEN[what], answers("whole")))
    assert asked.good.reply.text == "whole"
    assert asked.good.tries == 2


@pytest.mark.parametrize("what", BROKEN)
def test_a_server_that_stays_broken_is_given_up(what: str) -> None:
    asked = asyncio.run(ask(BROKEN[what]))
    assert isinstance(asked.failed, BackendFailed)
    assert asked.server.base_url in asked.failed.message
    assert "3 tries" in asked.failed.message
    assert "\n" not in asked.failed.message
    assert len(asked.server.exchanges) == 3


def test_broken_is_limited_in_time_too() -> None:
    asked = asyncio.run(ask(status(500), tries=1000, broken_for_s=0.2))
    assert isinstance(asked.failed, BackendFailed)
    assert sum(asked.gaps) < 1


@pytest.mark.parametrize("behaviour", [fs.silent, fs.headers_only, fs.drip])
def test_one_deadline_ends_a_server_that_sleeps(behaviour: fs.Behaviour) -> None:
    async def scene() -> None:
        began = time.monotonic()
        asked = await ask(behaviour, timeout_s=0.3)
        assert isinstance(asked.failed, BackendFailed)
        assert "0.3 s" in asked.failed.message
        assert time.monotonic() - began < 2
        assert len(asked.server.exchanges) == 1

    asyncio.run(scene())


def test_the_deadline_covers_all_tries_and_says_what_came_before() -> None:
    asked = asyncio.run(ask(status(500, "oops"), fs.silent, timeout_s=0.3))
    assert "too slow" in asked.failed.message
    assert "oops" in asked.failed.message


def test_a_queue_of_our_own_does_not_count_against_the_server() -> None:
    async def scene() -> None:
        async with served(fs.late(0.1, answers()), concurrency=1, timeout_s=0.6) as (server, backend):
            await asyncio.gather(*(backend.answer(a_call()) for _ in range(8)))
            assert server.peak == 1

    asyncio.run(scene())


async def _dead_address() -> str:
    async with fs.FaultServer(answers()) as server:
        return server.base_url


def _to(base_url: str, *, timeout_s: float = 5, refused_for_s: float = 0.3) -> OpenAIBackend:
    return OpenAIBackend(
        name="lab",
        base_url=base_url,
        model="m",
        api_key_env=None,
        timeout_s=timeout_s,
        refused_for_s=refused_for_s,
        patience=QUICK,
    )


@pytest.mark.parametrize(("timeout_s", "refused_for_s"), [(5.0, 0.3), (0.3, 15.0)])
def test_nothing_behind_the_port(timeout_s: float, refused_for_s: float) -> None:
    async def scene() -> None:
        url = await _dead_address()
        backend = _to(url, timeout_s=timeout_s, refused_for_s=refused_for_s)
        await backend.start()
        began = time.monotonic()
        for again in (False, True):
            with pytest.raises(BackendFailed, match="connection refused") as caught:
                await backend.answer(a_call())
            assert url in caught.value.message
            assert "base_url" in caught.value.hint
            if refused_for_s < timeout_s:  # the second call knows already, and does not try as long again
                assert ("tries" in caught.value.message) is not again
            await asyncio.sleep(refused_for_s if refused_for_s < timeout_s else 0)
        assert 0.2 < time.monotonic() - began < 3
        await backend.aclose()

    asyncio.run(scene())


def test_a_server_that_comes_up_late_is_waited_for() -> None:
    async def scene() -> None:
        late = fs.FaultServer(answers("up"))
        url = await _dead_address()
        backend = _to(url, refused_for_s=3)
        await backend.start()
        task = asyncio.create_task(backend.answer(a_call()))
        await asyncio.sleep(0.1)
        async with late.at(url):
            assert (await task).reply.text == "up"
        await backend.aclose()

    asyncio.run(scene())


def test_a_name_that_does_not_resolve() -> None:
    async def scene() -> None:
        backend = _to("http://no-such-host.invalid/v1")
        await backend.start()
        with pytest.raises(BackendFailed, match=r"no-such-host\.invalid"):
            await backend.answer(a_call())
        await backend.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize("code", [400, 404, 405, 413, 422])
def test_a_request_that_is_rejected_is_not_sent_again(code: int) -> None:
    message = "Bad \x1b[31mthing\x07\u202e " + "x" * 5000
    asked = asyncio.run(ask(status(code, message)))
    assert isinstance(asked.failed, BackendFailed)
    assert f"status {code}: Bad [31mthing x" in asked.failed.message
    assert len(asked.failed.message) < 500
    assert len(asked.server.exchanges) == 1


def test_404_names_model_and_path() -> None:
    failed = asyncio.run(ask(status(404, "not found"))).failed
    assert "no model 'm', or no such path" in failed.message


def test_no_redirect_is_followed() -> None:
    async def scene() -> None:
        async with fs.FaultServer(answers("stolen")) as other:
            for code in (301, 302, 307, 308):
                asked = await ask(says(b"", code, location=other.base_url + "/chat/completions"))
                assert isinstance(asked.failed, BackendFailed)
                assert other.base_url in asked.failed.message
            assert other.exchanges == []

    asyncio.run(scene())


def test_five_megabytes_of_text_are_an_answer_that_was_cut() -> None:
    asked = asyncio.run(ask(answers("blah " * 1_000_000)))
    assert asked.good.reply.outcome == "length"
    assert asked.good.reply.text == ""
    assert len(asked.server.exchanges) == 1
