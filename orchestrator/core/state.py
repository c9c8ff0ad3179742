"""The state of a run and the one function that changes it: `state = fold(events)`."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core import said
from orchestrator.core.calendar import iso
from orchestrator.core.events import AnyEvent
from orchestrator.core.grown import plus
from orchestrator.core.value import rounded


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
    false: bool = False


class Open(NamedTuple):
    """A question that is put and not decided yet: nothing more of the round happens before it is."""

    n: int
    question: str
    place: str
    seats: tuple[str, ...]
    about: str
    bound: Mapping[str, Any]
    params: Mapping[str, Any] | None
    cause: ev.Cause
    date: str
    """ISO."""
    opening: bool
    """See `events.QuestionAsked`."""
    answers: Mapping[str, str] = {}
    """Member -> `yes`, `no`, or nothing where its answer failed."""


@dataclass(slots=True)
class RunState:
    """Everything that the next round depends on.

    To its holders a state is frozen: only `evolve`, `fold` and a `Draft` write the fields, each of a copy that
    is its own, and mappings are replaced, never changed in place, so that copies share them.
    """

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
    open: tuple[Open, ...] = ()
    """Questions that wait for answers."""
    asked: int = 0
    """Questions put in this round."""
    draws: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    """Member -> what it drew for itself (`my`)."""
    promises: tuple[said.Standing, ...] = ()
    """Neither kept nor broken yet."""
    muted: frozenset[str] = frozenset()
    """Seats that send no messages and make no promises."""
    ending: str | None = None
    ending_rank: int = 0
    ending_date: str = ""
    """Date of the ending, ISO."""
    ended: bool = False
    groups: Any = field(default=None, compare=False, repr=False)
    """Kept by `draft.members_of`, which alone knows what it means; no part of the state."""


def fold(events: Iterable[AnyEvent], start: RunState | None = None) -> RunState:
    """The state after these events."""
    state = RunState() if start is None else copy(start)
    for event in events:
        happen(state, event)
    return state


def evolve(state: RunState, event: AnyEvent) -> RunState:
    """The state after one more event."""
    return fold((event,), state)


def happen(state: RunState, event: AnyEvent) -> None:  # noqa: C901 - one case a kind of event
    """Brings a state that is the caller's own up to one more event."""
    if event.changes:
        state.values = with_changes(state.values, event.changes)
    if event.text:
        _tell(state, event.audience, Line(event.round, event.to, event.text))
    match event:
        case ev.NumbersMoved():
            pass  # the most frequent first
        case ev.RuleFired():
            if event.once:
                state.fired |= {(event.cause.id, event.on or "")}
        case ev.RunStarted():
            state.seed, state.scenario = event.seed, event.scenario
            state.values = state.was = state.before = event.values
        case ev.NumbersDrawn():
            state.numbers, state.draws = event.numbers, event.draws
        case ev.ValueSet() if event.number is not None:
            state.numbers = {**state.numbers, event.path.removeprefix("numbers."): event.number}
        case ev.RunForked():
            state.seats = {**state.seats, **event.seats}
            state.muted |= frozenset(event.mutes)
        case ev.RoundStarted():
            state.round, state.was, state.before, state.asked = event.round, state.values, state.was, 0
        case ev.MessageSent():
            _tell(state, event.recipients, Line(event.round, event.to, event.words, event.seat))
        case ev.PromiseMade() | ev.PromiseKept() | ev.PromiseBroken():
            _promised(state, event)
        case ev.LineSpoken():
            _tell(state, event.audience, Line(event.round, event.to, event.line, event.seat))
        case ev.AnswerDegraded(what="dropped"):
            state.dropped |= {(event.seat, event.detail)}
        case ev.ActionTaken():
            own = {**state.taken.get(event.seat, {}), event.action: event.round}
            state.taken = {**state.taken, event.seat: own}
            if state.promises:
                state.promises = said.after_move(state.promises, event.seat, event.action, event.target, event.round)
        case ev.ConditionTurned():
            this = {(event.cause.id, event.on or "")}
            state.holding = state.holding | this if event.holds else state.holding - this
        case ev.ProcessStarted() | ev.StageEntered() | ev.ProcessEnded():
            _process(state, event)
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
                event.false,
            )
            state.pending = (*state.pending, sent)
        case ev.ReportArrived():
            _arrived(state, event)
        case ev.QuestionAsked() | ev.AnswerGiven() | ev.AnswerFailed() | ev.QuestionDecided():
            _question(state, event)
        case ev.EndingReached():
            if state.ending is None or event.rank < state.ending_rank:
                state.ending, state.ending_rank, state.ending_date = event.ending, event.rank, event.to
        case ev.RunEnded():
            state.ended = True
        case _:
            pass


def _promised(state: RunState, event: ev.PromiseMade | ev.PromiseKept | ev.PromiseBroken) -> None:
    """A promise begins or ceases to stand, and those who hear of it know of one more such event."""
    if isinstance(event, ev.PromiseMade):
        state.promises = (*state.promises, said.standing(event))
    else:
        state.promises = tuple(one for one in state.promises if one.id != event.promise)
    _known(state, event.kind, event.heard, 1.0, event.round)


def share_of(change: ev.Change, before: Mapping[str, Mapping[str, Any]]) -> float | None:
    """This cause's share of a change: as recorded, else the whole difference from the values before it.

    None where the variable is no number. `before`: the values before the change's date.
    """
    if change.delta is not None:
        return change.delta
    was = before.get(change.entity, {}).get(change.variable)
    if isinstance(change.value, bool) or not isinstance(change.value, (int, float)) or was is None:
        return None
    return rounded(change.value - was)


def with_changes(values: Mapping[str, Mapping[str, Any]], changes: Iterable[ev.Change]) -> dict[str, Mapping[str, Any]]:
    """A copy of the values with these changes; entities that do not change are shared."""
    result = dict(values)
    for change in changes:
        result[change.entity] = {**result[change.entity], change.variable: change.value}
    return result


def _tell(state: RunState, audience: tuple[str, ...] | None, line: Line) -> None:
    """The line into the record, or into the notebooks of those who may read it."""
    if audience is None:
        state.record = plus(state.record, line)
    elif audience:
        state.notebook = {**state.notebook, **{seat: plus(state.notebook.get(seat, ()), line) for seat in audience}}


def _process(state: RunState, event: ev.ProcessStarted | ev.StageEntered | ev.ProcessEnded) -> None:
    own = state.values.get(event.instance, {})
    match event:
        case ev.ProcessStarted():
            state.values = {**state.values, event.instance: event.values}
            state.was = {**state.was, event.instance: event.values}
            state.instances = {**state.instances, event.instance: event.process}
        case ev.StageEntered():
            due = {k: v for k, v in state.due.items() if k != event.instance}
            state.due = due if event.due is None else {**due, event.instance: event.due}
            state.values = {**state.values, event.instance: {**own, "stage": event.stage}}
        case ev.ProcessEnded():
            over = {**own, "stage": "end", "running": False, "outcome": event.outcome}
            state.values = {**state.values, event.instance: over}
            state.due = {k: v for k, v in state.due.items() if k != event.instance}


def _question(state: RunState, event: ev.QuestionAsked | ev.AnswerGiven | ev.AnswerFailed | ev.QuestionDecided) -> None:
    match event:
        case ev.QuestionAsked():
            put = (event.n, event.question, event.place, event.seats, event.about, event.bound, event.params)
            state.open = (*state.open, Open(*put, event.cause, event.to, event.opening))
            state.asked = event.n
            if event.cause.id in state.due:  # its time is over: from now on its beats look again
                state.due = {k: v for k, v in state.due.items() if k != event.cause.id}
        case ev.AnswerGiven() | ev.AnswerFailed():
            answer = event.answer if isinstance(event, ev.AnswerGiven) else ""
            state.open = tuple(
                held._replace(answers={**held.answers, event.member: answer}) if held.n == event.n else held
                for held in state.open
            )
        case ev.QuestionDecided():
            state.open = tuple(held for held in state.open if held.n != event.n)


def _is_this(item: Pending, event: ev.ReportArrived) -> bool:
    sent = (item.report, item.seats, item.value, item.says, item.cause, item.false)
    came = (event.report, event.seats, event.value, event.text, event.cause, event.false)
    return sent == came and iso(item.due) <= event.to


def _known(state: RunState, report: str, seats: Iterable[str], value: float, round_: int) -> None:
    """One more report of this name for these seats."""
    known = dict(state.known)
    for seat in seats:
        held = known.get(seat, {}).get(report)
        known[seat] = {**known.get(seat, {}), report: Known((held.count if held else 0) + 1, value, round_)}
    state.known = known


def _arrived(state: RunState, event: ev.ReportArrived) -> None:
    _known(state, event.report, event.seats, event.value, event.round)
    for at, item in enumerate(state.pending):
        if _is_this(item, event):
            state.pending = (*state.pending[:at], *state.pending[at + 1 :])
            break
