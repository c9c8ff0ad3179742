"""The moves that a recorded log holds for a round, in the recorded order and with the events that tell of them.

Nobody is asked. A seat that a fork has given to somebody else leaves its rows unused, and its own moves stand
where the first of them stood.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.events import AnyEvent, Cause, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.logs import Logged, moves_of
from orchestrator.core.moves import readers_of
from orchestrator.core.observe import words_of
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Move


class Recorded(NamedTuple):
    """What a log holds for one round."""

    moves: tuple[Move, ...] = ()
    """Of the seats that the log plays."""
    events: tuple[AnyEvent, ...] = ()
    places: Mapping[str, int] = {}
    """Seat that has rows, and is played otherwise -> before which of `moves` its first row stood."""

    def of(self, seat: str) -> "Recorded":
        """One seat's part."""
        own = tuple(move for move in self.moves if move.seat == seat)
        return Recorded(own, tuple(event for event in self.events if getattr(event, "seat", "") == seat))

    def among(self, others: Sequence[tuple[str, Sequence[Move]]]) -> list[Move]:
        """All moves of the round in the order in which they apply; `others`: (seat, its moves) in seat order."""
        last = len(self.moves)
        found: list[Move] = []
        for place in range(last + 1):
            for seat, moves in others:
                if self.places.get(seat, last) == place:
                    found += moves
            found += self.moves[place : place + 1]
        return found


def recorded_for(law: Law, state: RunState, plays: Mapping[str, SeatPlay], log: Sequence[Logged]) -> Recorded:
    """The part of a log that the round under way plays."""
    if not log:
        return Recorded()
    moves: list[Move] = []
    events: list[AnyEvent] = []
    places: dict[str, int] = {}
    for move in moves_of(law, [row for row in log if row.day == state.round]):
        if plays[move.seat].by == "log":
            moves.append(move)
            events += _told(law, state, move)
        else:
            places.setdefault(move.seat, len(moves))
    return Recorded(tuple(moves), tuple(events), places)


def _told(law: Law, state: RunState, move: Move) -> list[AnyEvent]:
    """That the move was named, and what was said with it."""
    first, _ = span_of(law.start, law.scenario.clock.step, state.round)
    cause = Cause(kind="log", id=f"r{state.round}/{move.seat}/{move.n}")
    common: dict[str, Any] = {"round": state.round, "to": iso(first), "cause": cause}
    if move.unlisted:
        return [ev.OffList(**common, audience=(move.seat,), seat=move.seat, n=move.n, action=move.action)]
    words = "" if move.action == WAIT else words_of(law, state, move)
    told: list[AnyEvent] = [
        ev.MoveChosen(
            **common,
            audience=(move.seat,),
            text=f"We chose to {words[:1].lower()}{words[1:]}." if words else "",
            seat=move.seat,
            n=move.n,
            action=move.action,
            target=move.target,
            params=move.params,
            style="log",
        )
    ]
    if move.missing is None and move.statement.strip():
        line = " ".join(move.statement.split())
        told.append(ev.LineSpoken(**common, audience=readers_of(law, move), seat=move.seat, n=move.n, line=line))
    return told
