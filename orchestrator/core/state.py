"""The state of a run and the one function that changes it: `state = fold(events)`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.calendar import iso
from orchestrator.core.events import AnyEvent
from orchestrator.core.grown import plus


class Line(NamedTuple):
    """One line of a record."""

    round: int
    date: str
    text: str
    speaker: str = ""
    """The seat, where the line is speech."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a seat holds of one report."""

    count: int
    value: float
    round: int
    """Round of the latest arrival."""


class Pending(NamedTuple):
    """A report on its way."""

    due: int
    report: str
    seats: tuple[str, ...]
    value: float
    says: str
    bell: bool
    cause: ev.Cause
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that the next round depends on. Mappings are replaced, never changed in place."""

    seed: int = 0
    scenario: str = ""
    round: int = 0
    """The round under way or just ended; 0 before the first."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Entity or process instance -> variable -> value."""
    was: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """`values` when the round under way began."""
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """`values` when the round before it began: what those who decide now compare with."""
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])
    instances: Mapping[str, str] = field(default_factory=dict[str, str])
    """Process instance -> process, in order of beginning."""
    due: Mapping[str, int] = field(default_factory=dict[str, int])
    """Instance -> day number on which its stage ends by the clock."""
    pending: tuple[Pending, ...] = ()
    known: Mapping[str, Mapping[str, Known]] = field(default_factory=dict[str, Mapping[str, Known]])
    """Seat -> report -> what it holds."""
    record: Sequence[Line] = ()
    """What everyone may read."""
    notebook: Mapping[str, Sequence[Line]] = field(default_factory=dict[str, Sequence[Line]])
    """Seat -> what only it may read."""
    fired: frozenset[tuple[str, str]] = frozenset()
    """(rule, entity) that have fired and may not again."""
    holding: frozenset[tuple[str, str]] = frozenset()
    """(rule, entity) whose `becomes` held when last looked at."""
    taken: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Seat -> action -> round in which it was last carried out."""
    seats: Mapping[str, ev.SeatPlay] = field(default_factory=dict[str, ev.SeatPlay])
    """Seats that a fork plays otherwise than the design."""
    dropped: frozenset[tuple[str, str]] = frozenset()
    """(seat, setting) that a backend was found not to honour."""
    ending: str | None = None
    ending_rank: int = 0
    ending_date: str = ""
    """Date of the ending, ISO."""
    ended: bool = False


def fold(events: Iterable[AnyEvent], start: RunState | None = None) -> RunState:
    """The state after these events."""
    state = start or RunState()
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: RunState, event: AnyEvent) -> RunState:  # noqa: C901 - one case a kind of event
    """The state after one more event."""
    if event.changes:
        state = replace(state, values=with_changes(state.values, event.changes))
    if event.text:
        state = told(state, event.audience, Line(event.round, event.to, event.text))
    match event:
        case ev.RunStarted():
            state = replace(state, seed=event.seed, scenario=event.scenario, values=event.values, was=event.values)
            state = replace(state, before=event.values)
        case ev.NumbersDrawn():
            state = replace(state, numbers=event.numbers)
        case ev.ValueSet() if event.number is not None:
            state = replace(state, numbers={**state.numbers, event.path.removeprefix("numbers."): event.number})
        case ev.RunForked():
            state = replace(state, seats={**state.seats, **event.seats})
        case ev.RoundStarted():
            state = replace(state, round=event.round, was=state.values, before=state.was)
        case ev.LineSpoken():
            state = replace(state, record=plus(state.record, Line(event.round, event.to, event.line, event.seat)))
        case ev.AnswerDegraded(what="dropped"):
            state = replace(state, dropped=state.dropped | {(event.seat, event.detail)})
        case ev.ActionTaken():
            own = {**state.taken.get(event.seat, {}), event.action: event.round}
            state = replace(state, taken={**state.taken, event.seat: own})
        case ev.RuleFired() if event.once:
            state = replace(state, fired=state.fired | {(event.cause.id, event.on or "")})
        case ev.ConditionTurned():
            this = {(event.cause.id, event.on or "")}
            state = replace(state, holding=state.holding | this if event.holds else state.holding - this)
        case ev.ProcessStarted() | ev.StageEntered() | ev.ProcessEnded():
            state = _process(state, event)
        case ev.ReportSent():
            sent = Pending(
                event.due,
                event.report,
                event.seats,
                event.value,
                event.says,
                event.bell,
                event.cause,
                event.cites,
            )
            state = replace(state, pending=(*state.pending, sent))
        case ev.ReportArrived():
            state = _arrived(state, event)
        case ev.EndingReached():
            if state.ending is None or event.rank < state.ending_rank:
                state = replace(state, ending=event.ending, ending_rank=event.rank, ending_date=event.to)
        case ev.RunEnded():
            state = replace(state, ended=True)
        case _:
            pass
    return state


def with_changes(values: Mapping[str, Mapping[str, Any]], changes: Iterable[ev.Change]) -> dict[str, Mapping[str, Any]]:
    """A copy of the values with these changes; entities that do not change are shared."""
    result = dict(values)
    for change in changes:
        result[change.entity] = {**result[change.entity], change.variable: change.value}
    return result


def told(state: RunState, audience: tuple[str, ...] | None, line: Line) -> RunState:
    """The line in the record, or in the notebooks of those who may read it."""
    if audience is None:
        return replace(state, record=plus(state.record, line))
    if not audience:
        return state
    return replace(
        state,
        notebook={**state.notebook, **{seat: plus(state.notebook.get(seat, ()), line) for seat in audience}},
    )


def _process(state: RunState, event: ev.ProcessStarted | ev.StageEntered | ev.ProcessEnded) -> RunState:
    own = state.values.get(event.instance, {})
    match event:
        case ev.ProcessStarted():
            return replace(
                state,
                values={**state.values, event.instance: event.values},
                was={**state.was, event.instance: event.values},
                instances={**state.instances, event.instance: event.process},
            )
        case ev.StageEntered():
            due = {k: v for k, v in state.due.items() if k != event.instance}
            if event.due is not None:
                due[event.instance] = event.due
            return replace(state, values={**state.values, event.instance: {**own, "stage": event.stage}}, due=due)
        case ev.ProcessEnded():
            over = {**own, "stage": "end", "running": False, "outcome": event.outcome}
            return replace(
                state,
                values={**state.values, event.instance: over},
                due={k: v for k, v in state.due.items() if k != event.instance},
            )


def _is_this(item: Pending, event: ev.ReportArrived) -> bool:
    sent = (item.report, item.seats, item.value, item.says, item.cause)
    return sent == (event.report, event.seats, event.value, event.text, event.cause) and iso(item.due) <= event.to


def _arrived(state: RunState, event: ev.ReportArrived) -> RunState:
    known = dict(state.known)
    for seat in event.seats:
        held = known.get(seat, {}).get(event.report)
        latest = Known((held.count if held else 0) + 1, event.value, event.round)
        known[seat] = {**known.get(seat, {}), event.report: latest}
    rest = list(state.pending)
    for item in rest:
        if _is_this(item, event):
            rest.remove(item)
            break
    return replace(state, known=known, pending=tuple(rest))
