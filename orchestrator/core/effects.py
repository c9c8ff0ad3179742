"""What falls on one date, applied together.

Every cause reads the state before the date; `settling` joins what they want. Each event carries its own
cause's share of every change and the value after the whole date.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.draft import Draft
from orchestrator.core.events import AnyEvent, Cause, Change, Happening
from orchestrator.core.expr import Scene, Values
from orchestrator.core.law import CAsk, CEffects, CTransfer
from orchestrator.core.reports import Report, report_of, send
from orchestrator.core.settling import Moved, Wish, leaks, settle, settle_in_order, transfers
from orchestrator.core.state import share_of, with_changes
from orchestrator.core.text import render

MOST_MOVED = 1e300
"""In one transfer: sums of any number of them stay finite, so none can be lost on one side only."""
ARITHMETIC = (ZeroDivisionError, ValueError, OverflowError, KeyError, TypeError)
"""What an expression raises where it has no result (a null reference is a KeyError or TypeError)."""


_FIRST_DIE = {"": 0, "yes": 100, "no": 200, "neither": 300}
"""Numbers of the dice of reports: what a rule tells, and what it tells once its question is decided."""


class Impact(NamedTuple):
    """One cause that takes effect on a date."""

    cause: Cause
    effects: CEffects
    bound: Mapping[str, Any]
    make: Callable[..., AnyEvent]
    """Builds its event from the common fields."""
    event: Mapping[str, Any] | None = None
    """Parameters of the happening it follows."""
    costs: tuple[tuple[str, str, float], ...] = ()
    """(entity, variable, amount) taken off."""
    die: float | None = None
    text: str | None = None
    """The sentence, where the effects have none."""
    audience: tuple[str, ...] | None = None
    silent: bool = True
    """Leaves no event where nothing came of it."""
    emits: tuple[Happening, ...] = ()
    asks: CAsk | None = None
    """A question that is put on this date."""
    way: str = ""
    """The way in which a question was decided, where this follows of it: it has an event and dice of its own."""


class Told(NamedTuple):
    """An impact with everything that it read before the date."""

    impact: Impact
    happened: tuple[Happening, ...]
    starts: tuple[tuple[str, dict[str, Any]], ...]
    sends: tuple[tuple[str, str], ...]
    reports: tuple[Report, ...]


class Applied(NamedTuple):
    """What a date's batch leads to on the same date."""

    happenings: tuple[tuple[Happening, Cause], ...]
    starts: tuple[tuple[str, dict[str, Any], Cause, tuple[str, ...]], ...]
    sends: tuple[tuple[str, str, Cause], ...]
    asks: tuple[Impact, ...] = ()


def apply(draft: Draft, impacts: list[Impact], *, in_order: bool = False) -> Applied:
    """Applies a batch, writes its events, and returns what follows. `in_order`: each effect is clamped at once."""
    told: list[Told] = []
    wishes: list[Wish] = []
    moves: list[Moved] = []
    scene = draft.scene()
    for impact in impacts:
        index = len(told)
        scene.bound, scene.event = impact.bound, impact.event or {}
        try:
            wanted = _wishes(impact, index, scene)
            moved = [_moved(move, index, scene) for move in impact.effects.moves]
            told.append(_read(draft, impact, scene))
        except ARITHMETIC as error:
            draft.failed(impact.cause, f"{type(error).__name__}: {str(error)[:80]}", impact.effects.cites)
            continue
        wishes += wanted
        moves += moved
    causes = [one.impact.cause for one in told]
    shifts = transfers(draft, causes, moves)
    changes, after_events = (settle_in_order if in_order else settle)(draft, causes, wishes + shifts)
    if shifts:
        after_events += leaks(draft, causes, shifts, changes)
    before = draft.state.values
    plain = [index for index, one in enumerate(told) if _plain(one)]
    if plain:
        _move_numbers(draft, [(told[index], changes.get(index, ())) for index in plain])
    after = with_changes(before, [change for held in changes.values() for change in held])
    for index, one in enumerate(told):
        if not _plain(one):
            _write(draft, one, tuple(changes.get(index, ())), before, after)
    for event in after_events:
        draft.emit(event)
    return _followers(told)


def _plain(one: Told) -> bool:
    """A rule that only moves numbers: what all such rules do on one date makes one event."""
    impact, effects = one.impact, one.impact.effects
    if impact.cause.kind != "rule" or not impact.silent or impact.die is not None or impact.way:
        return False
    return not (impact.text or effects.says or effects.ends or one.happened or one.starts or one.sends or one.reports)


def _move_numbers(draft: Draft, held: list[tuple[Told, Sequence[Change]]]) -> None:
    """One event for the changes of all plain rules of this date, rule by rule in the order of the file."""
    rules: dict[str, list[Change]] = {}
    cites: dict[str, None] = {}
    for one, changes in held:
        if changes:
            rules.setdefault(one.impact.cause.id, []).extend(changes)
            cites.update(dict.fromkeys(one.impact.effects.cites))
    if rules:
        clock = Cause(kind="clock", id=f"r{draft.state.round}")
        draft.emit(
            ev.NumbersMoved(
                **draft.common(clock, cites=tuple(cites)),
                changes=tuple(change for changes in rules.values() for change in changes),
                rules=tuple((rule, len(changes)) for rule, changes in rules.items()),
            )
        )


def _wishes(impact: Impact, index: int, scene: Scene) -> list[Wish]:
    effects = impact.effects
    wanted = [Wish(index, entity, variable, "add", -amount) for entity, variable, amount in impact.costs]
    for how, block in (("scale", effects.scales), ("add", effects.adds), ("set", effects.sets)):
        for place, code in block:
            value = code.run(scene)
            if isinstance(value, float):
                _finite(value)
            if place.pair is None:
                entity, variable = _entity(place.owner.run(scene), scene), place.variable
            else:
                entity, variable = place.kind, _pair(place.pair.run(scene), place.kind, scene)
            wanted.append(Wish(index, entity, variable, how, value))
    return wanted


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise OverflowError("not a finite number")
    return value


def _kept(value: Any) -> Any:
    """A value that an event can hold."""
    return _finite(value) if isinstance(value, float) else value


def _entity(found: Any, scene: Scene) -> str:
    if found not in scene.values:
        raise KeyError("a reference that points to nothing")
    return found


def _pair(found: str, relation: str, scene: Scene) -> str:
    if found not in scene.values[relation]:
        raise KeyError("a pair that there is not")
    return found


def _moved(move: CTransfer, index: int, scene: Scene) -> Moved:
    payer = None if move.payer is None else _entity(move.payer.run(scene), scene)
    receiver = None if move.receiver is None else _entity(move.receiver.run(scene), scene)
    amount = float(move.amount.run(scene))
    if not abs(amount) <= MOST_MOVED:  # also for what is no number
        raise OverflowError("more than can be moved at once")
    return Moved(index, move.ledger, payer, receiver, max(0.0, amount), move.variables)


def _read(draft: Draft, impact: Impact, scene: Scene) -> Told:
    effects = impact.effects
    if effects.still:
        return Told(impact, impact.emits, (), (), ())
    happened = tuple(
        Happening(name=name, params={key: _kept(code.run(scene)) for key, code in params})
        for name, params in effects.emits
    )
    starts = tuple((name, {role: code.run(scene) for role, code in roles}) for name, roles in effects.starts)
    sends = tuple((code.run(scene), stage) for code, stage in effects.sends)
    first = _FIRST_DIE[impact.way]
    made = [report_of(draft, tell, number, impact.cause, scene) for number, tell in enumerate(effects.tells, first)]
    reports = tuple(report for report in made if report is not None)
    return Told(impact, (*impact.emits, *happened), starts, sends, reports)


def _write(draft: Draft, one: Told, changes: tuple[Change, ...], before: Values, after: Values) -> None:
    """Writes the impact's event, its reports and its ending."""
    impact, effects = one.impact, one.impact.effects
    text = impact.text or ""
    if effects.says is not None:
        added = (share_of(changes[0], before) or 0.0) if changes else 0.0
        scene = draft.scene({**impact.bound, "added": added}, impact.event, before=before, values=after)
        try:
            text = render(effects.says, scene, draft.label)
        except ARITHMETIC as error:
            draft.failed(impact.cause, f"the sentence has no value: {type(error).__name__}", effects.cites)
    text = text[:1].upper() + text[1:]  # labels may begin with a small letter
    quiet = not (changes or text or one.happened or one.starts or one.sends or one.reports or effects.ends)
    if not (quiet and impact.silent):
        audience = impact.audience if effects.audience is None else effects.audience
        common = draft.common(
            impact.cause,
            cites=effects.cites,
            changes=changes,
            emits=one.happened,
            text=text,
            audience=audience,
            die=impact.die,
        )
        draft.emit(impact.make(**common))
    send(draft, impact.cause, effects.cites, one.reports)
    if effects.ends is not None:
        draft.emit(
            ev.EndingReached(**draft.common(impact.cause, cites=effects.cites, ending=effects.ends, rank=effects.rank))
        )


def _followers(told: list[Told]) -> Applied:
    happenings = tuple((happening, one.impact.cause) for one in told for happening in one.happened)
    starts = tuple(
        (name, roles, one.impact.cause, one.impact.effects.cites) for one in told for name, roles in one.starts
    )
    sends = tuple((instance, stage, one.impact.cause) for one in told for instance, stage in one.sends)
    return Applied(happenings, starts, sends, tuple(one.impact for one in told if one.impact.asks is not None))
