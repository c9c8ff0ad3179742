"""A seat at its turn, and the events that say what became of its answers."""

from typing import Any, Literal, NamedTuple, Protocol, cast

from orchestrator.core import events as ev
from orchestrator.core.call import Call, Reply
from orchestrator.core.events import AnyEvent, Cause, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.prompts import Prompter
from orchestrator.core.state import RunState
from orchestrator.core.turn import Observation

Degraded = Literal["repaired", "malformed", "length", "refused", "filtered", "empty", "off_menu", "dropped"]


class Ask(Protocol):
    """The seam: a call goes out, its reply comes back, recorded."""

    async def __call__(self, call: Call) -> Reply: ...


class Seated(NamedTuple):
    """Everything a seat's turn is played with."""

    law: Law
    prompter: Prompter
    state: RunState
    seen: Observation
    play: SeatPlay

    @property
    def seat(self) -> str:
        return self.seen.seat

    def common(self, cause: Cause, **more: Any) -> dict[str, Any]:
        """The fields of every event of this turn: it falls on the day of the observation."""
        return {"round": self.state.round, "to": self.seen.date, "cause": cause, **more}

    def degraded(self, key: str, what: str, detail: str = "") -> AnyEvent:
        """A recorded flaw of an answer."""
        kind = key.split("/")[2]
        return ev.AnswerDegraded(
            **self.common(Cause(kind="call", id=key)),
            seat=self.seat,
            call=kind,
            what=cast(Degraded, what),
            detail=detail[:200],
        )

    def dropped(self, key: str, reply: Reply, *, matters: tuple[str, ...]) -> list[AnyEvent]:
        """Settings that the backend did not honour, each recorded once for a seat."""
        new = [name for name in reply.dropped if name in matters and (self.seat, name) not in self.state.dropped]
        return [self.degraded(key, "dropped", name) for name in new]


class Keys:
    """Numbers the calls of a turn in program order, per kind."""

    def __init__(self, round_: int, seat: str) -> None:
        self._at = f"r{round_}/{seat}"
        self._counts: dict[str, int] = {}

    def next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{self._at}/{kind}/{self._counts[kind]}"
