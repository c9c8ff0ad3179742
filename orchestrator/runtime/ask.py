"""The one way to the outside: every answer is on disk before anyone reads it.

A run's own calls are a tape: the same key and fingerprint give the stored reply, another fingerprint is a
divergence. A parent's calls after the fork point are a cache: where key and fingerprint are the same they are
copied and marked. Only then is a backend asked. To resume is to run the same code with a tape, to replay is
the same with no backend behind.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from orchestrator.backends.protocol import Backend
from orchestrator.core.call import Answer, Call, Reply
from orchestrator.core.parse import lean
from orchestrator.core.value import Value, canonical
from orchestrator.errors import BudgetExhausted, OrchestratorError, ReplayDiverged, RunPaused

GRACE_S = 1.0
"""How long calls in flight that may have been paid for may still answer once a run stops."""


class Kept(NamedTuple):
    """A stored call, as far as it is needed again."""

    fingerprint: str
    reply: Reply
    answer: Answer | None = None
    """With its accounting, where it may be copied into a fork."""
    backend: str = ""


class Keep(Protocol):
    """Stores an answer; returns once it is on disk."""

    async def __call__(
        self, call: Call, answer: Answer, backend: str, started: float, ended: float, *, reused: bool
    ) -> None: ...


class Watch(Protocol):
    """Whoever looks on while a run is played: looking changes nothing."""

    def asking(self, call: Call) -> None: ...

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None: ...


class Stop:
    """Why and since when a run is to stop; the first reason stands."""

    def __init__(self) -> None:
        self.reason: OrchestratorError | None = None
        self.tell: Callable[[str], None] | None = None
        """Told once, in words, that the run is about to stop."""
        self._event = asyncio.Event()

    def now(self, reason: OrchestratorError) -> None:
        if self.reason is None:
            self.reason = reason
            self._event.set()
            if self.tell is not None:
                self.tell("stopping: no further question is asked")

    async def wait(self) -> None:
        await self._event.wait()


@dataclass
class Books:
    """What a run has used so far, over all its sessions, and what it may use."""

    calls: int = 0
    tokens: int = 0
    max_calls: int | None = None
    max_tokens: int | None = None
    in_flight: int = 0

    def reserve(self) -> None:
        """Raises BudgetExhausted where one more call would pass a limit."""
        if self.max_calls is not None and self.calls + self.in_flight >= self.max_calls:
            raise BudgetExhausted(
                f"the limit of {self.max_calls} calls is reached",
                hint="orchestrate resume RUN --max-calls N with a higher N",
            )
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            raise BudgetExhausted(
                f"the limit of {self.max_tokens} tokens is reached ({self.tokens} used)",
                hint="orchestrate resume RUN --max-tokens N with a higher N",
            )
        self.in_flight += 1

    def settle(self, answer: Answer | None) -> None:
        self.in_flight -= 1
        if answer is not None:
            self.calls += 1
            self.tokens += answer.usage.prompt + answer.usage.completion


@dataclass
class Asker:
    """`await ask(call)` for one run."""

    keep: Keep
    stop: Stop
    backends: Mapping[tuple[str, str], tuple[str, Backend]] = field(
        default_factory=dict[tuple[str, str], tuple[str, Backend]]
    )
    """(kind, model) -> (configured name, backend); empty: a replay."""
    tape: Mapping[str, Kept] = field(default_factory=dict[str, Kept])
    """The run's own calls by key."""
    parent: Mapping[str, Kept] = field(default_factory=dict[str, Kept])
    """The parent's calls after the fork point, by key."""
    books: Books = field(default_factory=Books)
    watch: Watch | None = None
    explain: Callable[[Call], str] | None = None
    """Says the first difference between a call and the stored one of its key."""
    used: set[str] = field(default_factory=set[str])
    """Keys asked for so far."""

    async def __call__(self, call: Call) -> Reply:
        """The reply to a call. Raises ReplayDiverged, RunPaused, BudgetExhausted, BackendFailed, QuotaExhausted."""
        self.used.add(call.key)
        kept = self.tape.get(call.key)
        if kept is not None:
            if kept.fingerprint != call.fingerprint:
                what = "the question is another one" if self.explain is None else self.explain(call)
                raise ReplayDiverged(
                    call.key, what, hint="orchestrate fork RUN --at ROUND plays on under today's files"
                )
            return kept.reply
        inherited = self.parent.get(call.key)
        if inherited is not None and inherited.fingerprint == call.fingerprint and inherited.answer is not None:
            now = time.time()
            await self.keep(call, inherited.answer, inherited.backend, now, now, reused=True)
            if self.watch is not None:
                self.watch.answered(call, inherited.answer, reused=True)
            return inherited.reply
        if (call.backend_kind, call.model) not in self.backends:
            raise ReplayDiverged(
                call.key, "the record holds no answer to it", hint="orchestrate resume RUN goes on asking"
            )
        return await self._put(call)

    async def _put(self, call: Call) -> Reply:
        name, backend = self.backends[call.backend_kind, call.model]
        if self.stop.reason is not None:
            raise self.stop.reason
        try:
            self.books.reserve()
        except BudgetExhausted as error:
            self.stop.now(error)
            raise
        settled: Answer | None = None
        started = time.time()
        try:
            if self.watch is not None:
                self.watch.asking(call)
            answer = await self._answer(backend, call)
            answer = settled = answer.model_copy(update={"reply": lean(answer.reply)})
            await self.keep(call, answer, name, started, time.time(), reused=False)
        except OrchestratorError as error:
            self.stop.now(error)
            raise
        finally:
            self.books.settle(settled)
        if self.watch is not None:
            self.watch.answered(call, answer, reused=False)
        return answer.reply

    async def _answer(self, backend: Backend, call: Call) -> Answer:
        """The backend's answer, or the end of waiting for it once the run stops."""
        work = asyncio.ensure_future(backend.answer(call))
        halt = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and backend.abilities.paid:
                await asyncio.wait({work}, timeout=GRACE_S)
            if work.done():
                return work.result()
            raise self.stop.reason or RunPaused("the run was stopped")
        finally:
            halt.cancel()
            if not work.done():
                work.cancel()
            await asyncio.gather(work, halt, return_exceptions=True)


def first_difference(stored: Call, now: Call) -> str:
    """One clause on where two questions part."""
    for index, (one, two) in enumerate(zip(stored.messages, now.messages, strict=False)):
        if one != two:
            at = next(
                (i for i, (a, b) in enumerate(zip(one.content, two.content, strict=False)) if a != b),
                min(len(one.content), len(two.content)),
            )
            begin = max(0, at - 20)
            asked, wanted = one.content[begin : at + 40], two.content[begin : at + 40]
            return f"message {index + 1} ({one.role}) differs at character {at}: {asked!r} was asked, now {wanted!r}"
    if len(stored.messages) != len(now.messages):
        return f"{len(stored.messages)} messages were asked, now {len(now.messages)}"
    for name in ("shape", "begun", "sampling", "seed", "backend_kind", "model"):
        one, two = getattr(stored, name), getattr(now, name)
        if one != two:
            return f"{name} differs: {_short(one)} was asked, now {_short(two)}"
    return "nothing visible differs"


def _short(value: object) -> str:
    text = canonical(value.model_dump(mode="json")) if isinstance(value, Value) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
