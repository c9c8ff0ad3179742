"""What falls on one date, applied together.

Every cause reads the state before the date; `settling` joins what they want. Each event carries its own
cause's share of every change and the value after the whole date.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft
from orchestrator.core.events import AnyEvent, Cause, Change, Happening
from orchestrator.core.expr import Scene, Values
from orchestrator.core.law import CEffects, CTell, CTransfer
from orchestrator.core.settling import Moved, Wish, settle, transfers
from orchestrator.core.spans import after_span
from orchestrator.core.state import with_changes
from orchestrator.core.text import render
from orchestrator.core.value import rounded

MOST_PENDING = 5_000
"""Reports on their way: every date looks through them."""
ARITHMETIC = (ZeroDivisionError, ValueError, OverflowError, KeyError, TypeError)
"""What an expression raises where it has no result (a null reference is a KeyError or TypeError)."""


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


class Told(NamedTuple):
    """An impact with everything that it read before the date."""

    impact: Impact
    scene: Scene
    happened: tuple[Happening, ...]
    starts: tuple[tuple[str, dict[str, Any]], ...]
    sends: tuple[tuple[str, str], ...]
    reports: tuple[tuple[CTell, tuple[str, ...], float, str], ...]


class Applied(NamedTuple):
    """What a date's batch leads to on the same date."""

    happenings: tuple[tuple[Happening, Cause], ...]
    starts: tuple[tuple[str, dict[str, Any], Cause, tuple[str, ...]], ...]
    sends: tuple[tuple[str, str, Cause], ...]


def apply(draft: Draft, impacts: list[Impact]) -> Applied:
    """Applies a batch, writes its events, and returns what follows."""
    told: list[Told] = []
    wishes: list[Wish] = []
    moves: list[Moved] = []
    for impact in impacts:
        index = len(told)
        scene = draft.scene(impact.bound, impact.event)
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
    wishes += transfers(draft, causes, moves)
    changes, after_events = settle(draft, causes, wishes)
    before = draft.state.values
    after = with_changes(before, [change for held in changes.values() for change in held])
    plain: dict[str, list[int]] = {}
    for index, one in enumerate(told):
        if _plain(one):
            plain.setdefault(one.impact.cause.id, []).append(index)
    for index, one in enumerate(told):
        alike = plain.get(one.impact.cause.id, [index]) if _plain(one) else [index]
        if index == alike[0]:
            merged = [change for held in alike for change in changes.get(held, ())]
            _write(draft, one, tuple(merged), before, after, shared=len(alike) > 1)
    for event in after_events:
        draft.emit(event)
    return _followers(told)


def _plain(one: Told) -> bool:
    """A rule that only moves numbers: its firings for several entities on one date make one event."""
    effects = one.impact.effects
    said = one.impact.text or effects.says or effects.ends or one.happened or one.starts or one.sends or one.reports
    return one.impact.cause.kind == "rule" and one.impact.silent and one.impact.die is None and not said


def _wishes(impact: Impact, index: int, scene: Scene) -> list[Wish]:
    effects = impact.effects
    wanted = [Wish(index, entity, variable, "add", -amount) for entity, variable, amount in impact.costs]
    for how, block in (("scale", effects.scales), ("add", effects.adds), ("set", effects.sets)):
        for place, code in block:
            value = code.run(scene)
            if isinstance(value, float):
                _finite(value)
            wanted.append(Wish(index, _entity(place.owner.run(scene), scene), place.variable, how, value))
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


def _moved(move: CTransfer, index: int, scene: Scene) -> Moved:
    payer = None if move.payer is None else _entity(move.payer.run(scene), scene)
    receiver = None if move.receiver is None else _entity(move.receiver.run(scene), scene)
    return Moved(index, move.ledger, payer, receiver, max(0.0, _finite(float(move.amount.run(scene)))), move.variables)


def _read(draft: Draft, impact: Impact, scene: Scene) -> Told:
    effects = impact.effects
    happened = tuple(
        Happening(name=name, params={key: _kept(code.run(scene)) for key, code in params})
        for name, params in effects.emits
    )
    starts = tuple((name, {role: code.run(scene) for role, code in roles}) for name, roles in effects.starts)
    sends = tuple((code.run(scene), stage) for code, stage in effects.sends)
    reports: list[tuple[CTell, tuple[str, ...], float, str]] = []
    for number, tell in enumerate(effects.tells):
        if not tell.when.run(scene):
            continue
        die = roll(
            draft.state.seed,
            f"r{draft.state.round}",
            "tells",
            impact.cause.id,
            str(impact.bound.get("self", "")),
            number,
            draft.date,
        )
        if die < tell.chance.run(scene):
            seats = tuple(dict.fromkeys([*tell.seats, *(code.run(scene) for code in tell.named)]))
            value = rounded(tell.value.run(scene))
            reports.append((tell, seats, value, render(tell.says, scene.with_bound(value=value), draft.label)))
    return Told(impact, scene, (*impact.emits, *happened), starts, sends, tuple(reports))


def _write(
    draft: Draft, one: Told, changes: tuple[Change, ...], before: Values, after: Values, *, shared: bool
) -> None:
    """Writes the impact's event (`shared`: it stands for several firings), its reports and its ending."""
    impact, effects = one.impact, one.impact.effects
    text = impact.text or ""
    if effects.says is not None:
        added = math.fsum(change.delta or 0.0 for change in changes[:1])
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
        event = impact.make(**common)
        draft.emit(event.model_copy(update={"on": None}) if shared else event)
    for tell, seats, value, says in one.reports:
        if len(draft.state.pending) >= MOST_PENDING:
            draft.failed(impact.cause, f"{MOST_PENDING:,} reports are on their way already", effects.cites)
            break
        due = (
            draft.day
            if tell.lag is None
            else after_span(draft, tell.lag, draft.day, ("lag", impact.cause.id, tell.report, draft.date))
        )
        draft.emit(
            ev.ReportSent(
                **draft.common(
                    impact.cause,
                    cites=effects.cites,
                    report=tell.report,
                    seats=seats,
                    value=value,
                    says=says,
                    due=due,
                    bell=tell.bell,
                )
            )
        )
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
    return Applied(happenings, starts, sends)
