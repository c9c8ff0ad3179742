"""The one way to the outside: kept before it is read, the tape first, then the parent, then the backend."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orchestrator.backends.protocol import Backend
from orchestrator.core.call import Answer, Call, Reply, Usage
from orchestrator.errors import BackendFailed, BudgetExhausted, OrchestratorError, ReplayDiverged, RunPaused
from orchestrator.runtime.ask import GRACE_S, Asker, Books, Keep, Kept, Stop, first_difference
from tests.support.calls import a_call
from tests.support.games import Rule


class Shelf:
    """Keeps what is stored, with the moment in the order of things."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.reused: list[str] = []

    async def __call__(
        self, call: Call, answer: Answer, backend: str, started: float, ended: float, *, reused: bool
    ) -> None:
        await asyncio.sleep(0)
        self.log.append(f"kept {call.key}")
        self.reused += [call.key] if reused else []
        assert started <= ended


def call(key: str = "r1/ann/decide/1", asked: str = "What now?") -> Call:
    return a_call(key, asked=asked).model_copy(update={"backend_kind": "script", "model": "m"})


def asker(backend: Rule | None = None, keep: Keep | None = None, **more: Any) -> Asker:
    backends: dict[tuple[str, str], tuple[str, Backend]] = {}
    if backend is not None:
        backends["script", "m"] = "rule", backend
    return Asker(keep=keep or Shelf(), stop=Stop(), backends=backends, **more)


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        return await work()

    return asyncio.run(go())


def test_an_answer_is_kept_before_it_is_given() -> None:
    async def go() -> list[str]:
        shelf = Shelf()
        found = await asker(Rule(lambda _: "yes"), keep=shelf)(call())
        shelf.log.append(f"read {found.text}")
        return shelf.log

    assert run(go) == ["kept r1/ann/decide/1", "read yes"]


def test_an_answer_that_could_not_be_kept_is_never_read() -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RunPaused("the disk is full")

    async def go() -> Stop:
        one = asker(Rule(lambda _: "yes"), keep=broken)
        with pytest.raises(RunPaused, match="disk"):
            await one(call())
        return one.stop

    assert isinstance(run(go).reason, RunPaused)


def test_the_tape_answers_first_and_nothing_is_kept_again() -> None:
    async def go() -> tuple[str, Any, Any]:
        backend, shelf = Rule(), Shelf()
        one = asker(backend, keep=shelf, tape={call().key: Kept(call().fingerprint, Reply(text="as before"))})
        return (await one(call())).text, backend.asked, shelf.log

    assert run(go) == ("as before", [], [])


def test_another_question_under_a_key_of_the_tape_is_a_divergence() -> None:
    async def go() -> None:
        stored = call(asked="What then?")
        tape = {stored.key: Kept(stored.fingerprint, Reply(text="as before"))}

        def explain(now: Call) -> str:
            return first_difference(stored, now)

        await asker(Rule(), tape=tape, explain=explain)(call())

    with pytest.raises(ReplayDiverged, match=r"message 2 \(user\) differs at character 5") as caught:
        run(go)
    assert caught.value.key == "r1/ann/decide/1"


def test_a_parent_s_answer_is_copied_where_the_question_is_the_same() -> None:
    async def go() -> tuple[str, str, Any, Any]:
        backend, shelf = Rule(lambda _: "new"), Shelf()
        old = Answer(reply=Reply(text="old"), usage=Usage(prompt=5))
        parent = {
            key: Kept(call(key).fingerprint, old.reply, old, "rule") for key in ("r1/ann/decide/1", "r1/bob/decide/1")
        }
        one = asker(backend, keep=shelf, parent=parent)
        first, second = await one(call()), await one(call("r1/bob/decide/1", "Something else?"))
        return first.text, second.text, backend.asked, shelf.reused

    assert run(go) == ("old", "new", ["r1/bob/decide/1"], ["r1/ann/decide/1"])


def test_without_a_backend_nothing_falls_through() -> None:
    with pytest.raises(ReplayDiverged, match="holds no answer"):
        run(lambda: asker()(call()))


def test_reused_answers_cost_nothing() -> None:
    async def go() -> Books:
        old = Answer(reply=Reply(text="old"), usage=Usage(prompt=500))
        one = asker(
            Rule(), parent={call().key: Kept(call().fingerprint, old.reply, old, "rule")}, books=Books(max_calls=0)
        )
        await one(call())
        return one.books

    assert (run(go).calls, run(go).tokens) == (0, 0)


def test_the_budget_of_calls_counts_those_in_flight() -> None:
    async def go() -> tuple[Any, Any, Asker]:
        backend = Rule(lambda _: "yes", delay=0.01)
        one = asker(backend, books=Books(calls=1, max_calls=3))
        keys = [f"r1/s{number}/decide/1" for number in range(5)]
        found = await asyncio.gather(*(one(call(key)) for key in keys), return_exceptions=True)
        return [type(item).__name__ for item in found], backend.asked, one

    found, asked, one = run(go)
    assert found == ["Reply", "Reply", "BudgetExhausted", "BudgetExhausted", "BudgetExhausted"]
    assert len(asked) == 2
    assert (one.books.calls, one.books.in_flight) == (3, 0)
    assert isinstance(one.stop.reason, BudgetExhausted)


def test_the_budget_of_tokens_stops_the_next_call() -> None:
    async def go() -> Asker:
        one = asker(Rule(lambda _: "yes"), books=Books(max_tokens=12))
        await one(call())
        with pytest.raises(BudgetExhausted, match="12 tokens is reached"):
            await one(call("r1/ann/speak/1"))
        return one

    assert run(go).books.tokens == 12


def test_a_failed_backend_stops_the_run() -> None:
    class Gone(Rule):
        async def answer(self, call: Call) -> Answer:
            raise BackendFailed("nothing listens there")

    async def go() -> Asker:
        one = asker(Gone())
        with pytest.raises(BackendFailed):
            await one(call())
        with pytest.raises(BackendFailed):
            await one(call("r1/ann/speak/1"))
        return one

    found = run(go)
    assert (found.books.calls, found.books.in_flight) == (0, 0)


def test_a_stop_waits_for_those_that_answer_soon_and_cancels_the_rest() -> None:
    async def go() -> tuple[list[Any], float, list[str]]:
        cancelled: list[str] = []

        class Slow(Rule):
            async def answer(self, call: Call) -> Answer:
                try:
                    await asyncio.sleep(0.1 if call.key.startswith("r1/quick") else 60)
                except asyncio.CancelledError:
                    cancelled.append(call.key)
                    raise
                return Answer(reply=Reply(text="in time"))

        one = asker(Slow())
        work = [asyncio.ensure_future(one(call(key))) for key in ("r1/quick/decide/1", "r1/slow/decide/1")]
        await asyncio.sleep(0.02)
        one.stop.now(RunPaused("Ctrl-C"))
        one.stop.now(BudgetExhausted("the first reason stands"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await asyncio.gather(*work, return_exceptions=True)
        with pytest.raises(RunPaused):
            await one(call("r1/late/decide/1"))
        return [getattr(item, "text", type(item).__name__) for item in found], loop.time() - began, cancelled

    found, took, cancelled = run(go)
    assert found == ["in time", "RunPaused"]
    assert cancelled == ["r1/slow/decide/1"]
    assert GRACE_S * 0.9 < took < GRACE_S + 0.5


def test_alternatives_nobody_reads_are_not_kept() -> None:
    from tests.support.asking import menu_reply

    reply = menu_reply("Buy", {"Buy": 0.5})
    more = reply.model_copy(update={"tokens": (*reply.tokens, *reply.tokens)})
    found = run(lambda: asker(Rule(lambda _: more))(call()))
    assert [bool(token.top) for token in found.tokens] == [True, False]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": ()}, "2 messages were asked, now 0"),
        ({"seed": 8}, "seed differs: 7 was asked, now 8"),
        ({"begun": "We"}, "begun differs"),
        ({"model": "other"}, "model differs"),
        ({}, "nothing visible differs"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, Any], said: str) -> None:
    assert said in first_difference(call(), call().model_copy(update=change))


def test_errors_of_ours_say_their_kind() -> None:
    assert OrchestratorError("x").kind == "orchestrator_error"
