"""What falls on one date, applied together.

Every cause reads the state before the date. For a number: start value times the product of the scales plus
the sum of the adds (`math.fsum`), clamped once to its range; `set` stands alone, equal ones agree, others
conflict and change nothing. Transfers are cut to what the payer has (pro rata where several draw on one
payer) and what the receiver may hold. Each event carries its own cause's share of every change and the
value after the whole date.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.calendar import later
from orchestrator.core.dice import roll, triangular
from orchestrator.core.draft import Draft
from orchestrator.core.events import AnyEvent, Cause, Change, Happening
from orchestrator.core.expr import Scene
from orchestrator.core.law import CEffects, CTell, CTransfer
from orchestrator.core.parts import Duration, Spread
from orchestrator.core.state import with_changes
from orchestrator.core.text import render
from orchestrator.core.value import rounded

ARITHMETIC = (ZeroDivisionError, ValueError, OverflowError, KeyError, TypeError)
"""What an expression raises where it has no result (a null reference is a KeyError or TypeError)."""


Values = Mapping[str, Mapping[str, Any]]


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


class Wish(NamedTuple):
    """One assignment that an impact wants."""

    impact: int
    entity: str
    variable: str
    how: str
    """`add`, `scale` or `set`."""
    value: Any


class Moved(NamedTuple):
    impact: int
    ledger: str
    payer: str | None
    receiver: str | None
    amount: float


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
    wishes += _transfers(draft, told, moves)
    changes, after_events = _settle(draft, told, wishes)
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
            _write(draft, one, tuple(merged), before, after, alone=len(alike) == 1)
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
            if how != "set" and value - value != 0:
                raise OverflowError("not a finite number")
            wanted.append(Wish(index, _entity(place.owner.run(scene), scene), place.variable, how, value))
    return wanted


def _entity(found: Any, scene: Scene) -> str:
    if found not in scene.values:
        raise KeyError("a reference that points to nothing")
    return found


def _moved(move: CTransfer, index: int, scene: Scene) -> Moved:
    payer = None if move.payer is None else _entity(move.payer.run(scene), scene)
    receiver = None if move.receiver is None else _entity(move.receiver.run(scene), scene)
    return Moved(index, move.ledger, payer, receiver, max(0.0, float(move.amount.run(scene))))


def _read(draft: Draft, impact: Impact, scene: Scene) -> Told:
    effects = impact.effects
    happened = tuple(
        Happening(name=name, params={key: code.run(scene) for key, code in params}) for name, params in effects.emits
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


def _holder(draft: Draft, ledger: str, entity: str) -> str:
    kind = draft.law.kind_of(entity, draft.state.instances)
    return next(
        variable for (held, variable), info in draft.law.variables.items() if held == kind and info.ledger == ledger
    )


def _transfers(draft: Draft, told: list[Told], moves: list[Moved]) -> list[Wish]:
    """The transfers as wishes, cut pro rata to what payers have and to the room of receivers."""
    asked: dict[tuple[str, str], list[float]] = {}
    for move in moves:
        if move.payer is not None:
            asked.setdefault((move.payer, move.ledger), []).append(move.amount)
    wanted: list[Wish] = []
    room: dict[tuple[str, str], float] = {}
    for move in moves:
        amount = move.amount
        if move.payer is not None:
            total = math.fsum(asked[move.payer, move.ledger])
            has = draft.state.values[move.payer][_holder(draft, move.ledger, move.payer)]
            amount = amount * min(1.0, has / total) if total > 0 else 0.0
        if move.receiver is not None:
            variable = _holder(draft, move.ledger, move.receiver)
            bounds = draft.law.variables[draft.law.kind_of(move.receiver, draft.state.instances), variable].range
            if bounds is not None:
                left = room.setdefault(
                    (move.receiver, move.ledger), bounds[1] - draft.state.values[move.receiver][variable]
                )
                amount = min(amount, max(0.0, left))
                room[move.receiver, move.ledger] = left - amount
        one = told[move.impact].impact
        if amount < move.amount * (1 - 1e-9):
            draft.emit(
                ev.TransferCut(
                    **draft.common(one.cause, ledger=move.ledger, asked=rounded(move.amount), moved=rounded(amount))
                )
            )
        if move.payer is not None:
            wanted.append(Wish(move.impact, move.payer, _holder(draft, move.ledger, move.payer), "add", -amount))
        if move.receiver is not None:
            wanted.append(Wish(move.impact, move.receiver, _holder(draft, move.ledger, move.receiver), "add", amount))
    return wanted


def _settle(draft: Draft, told: list[Told], wishes: list[Wish]) -> tuple[dict[int, list[Change]], list[AnyEvent]]:
    """Each impact's changes, and the events of clamping and conflict."""
    grouped: dict[tuple[str, str], list[Wish]] = {}
    for wish in wishes:
        grouped.setdefault((wish.entity, wish.variable), []).append(wish)
    changes: dict[int, list[Change]] = {}
    extra: list[AnyEvent] = []
    for (entity, variable), held in grouped.items():
        start = draft.state.values[entity][variable]
        sets = [wish for wish in held if wish.how == "set"]
        first = told[held[0].impact].impact.cause
        if sets:
            if len(sets) < len(held) or any(wish.value != sets[0].value for wish in sets):
                extra.append(
                    ev.Conflict(
                        **draft.common(
                            first, entity=entity, variable=variable, values=tuple(wish.value for wish in held)
                        )
                    )
                )
                continue
            value, share = _assigned(draft, entity, variable, start, sets[0].value)
            if value != start:
                for wish in sets:
                    part = None if share is None else rounded(share / len(sets))
                    changes.setdefault(wish.impact, []).append(
                        Change(entity=entity, variable=variable, delta=part, value=value)
                    )
            continue
        _number(draft, (entity, variable), start, held, first, changes, extra)
    return changes, extra


def _assigned(draft: Draft, entity: str, variable: str, start: Any, value: Any) -> tuple[Any, float | None]:
    info = draft.law.variables[draft.law.kind_of(entity, draft.state.instances), variable]
    if info.type.name != "num":
        return value, None
    if info.range is not None:
        value = max(info.range[0], min(info.range[1], value))
    value = rounded(value)
    return value, value - start


def _number(
    draft: Draft,
    place: tuple[str, str],
    start: float,
    held: list[Wish],
    first: Cause,
    changes: dict[int, list[Change]],
    extra: list[AnyEvent],
) -> None:
    entity, variable = place
    product = 1.0
    shares: list[float] = []
    for wish in held:
        if wish.how == "scale":
            shares.append(start * product * (wish.value - 1))
            product *= wish.value
        else:
            shares.append(wish.value)
    raw = start * product + math.fsum(wish.value for wish in held if wish.how == "add")
    bounds = draft.law.variables[draft.law.kind_of(entity, draft.state.instances), variable].range
    kept = raw if bounds is None else max(bounds[0], min(bounds[1], raw))
    value = rounded(kept)
    for wish, share in zip(held, shares, strict=True):
        if share != 0:
            changes.setdefault(wish.impact, []).append(
                Change(entity=entity, variable=variable, delta=rounded(share), value=value)
            )
    if kept != raw and value != start:
        extra.append(
            ev.Clamped(
                **draft.common(
                    first,
                    changes=(Change(entity=entity, variable=variable, delta=rounded(kept - raw), value=value),),
                )
            )
        )


def _write(draft: Draft, one: Told, changes: tuple[Change, ...], before: Values, after: Values, *, alone: bool) -> None:
    """Writes the impact's event, its reports and the ending it brings."""
    impact, effects = one.impact, one.impact.effects
    text = impact.text or ""
    if effects.says is not None:
        added = math.fsum(change.delta or 0.0 for change in changes[:1])
        scene = draft.scene({**impact.bound, "added": added}, impact.event, before=before, values=after)
        try:
            text = render(effects.says, scene, draft.label)
        except ARITHMETIC as error:
            draft.failed(impact.cause, f"the sentence has no value: {type(error).__name__}", effects.cites)
    quiet = not (changes or text or one.happened or one.starts or one.sends or one.reports or effects.ends)
    if not (quiet and impact.silent):
        audience = impact.audience if effects.audience is None else effects.audience
        draft.emit(
            impact.make(
                **draft.common(
                    impact.cause,
                    cites=effects.cites,
                    changes=changes,
                    emits=one.happened,
                    text=text,
                    audience=audience,
                    die=impact.die,
                )
            )
        )
    for tell, seats, value, says in one.reports:
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


def after_span(draft: Draft, span: Duration, start: int, address: tuple[str, ...]) -> int:
    """The day a span ends; a band is drawn by the die at this address."""
    for step in ("days", "weeks", "months", "quarters", "years"):
        length = getattr(span, step)
        if length is None:
            continue
        if isinstance(length, Spread):
            length = triangular(
                length.low,
                length.mode,
                length.high,
                roll(draft.state.seed, f"r{draft.state.round}", *address),
            )
        if step == "days":
            return start + max(0, round(length))
        whole = math.floor(length)
        day = later(start, step[:-1], whole)  # type: ignore[arg-type]
        return day + round((length - whole) * (later(day, step[:-1], 1) - day))  # type: ignore[arg-type]
    raise ValueError("a span without a length")


def _followers(told: list[Told]) -> Applied:
    happenings = tuple((happening, one.impact.cause) for one in told for happening in one.happened)
    starts = tuple(
        (name, roles, one.impact.cause, one.impact.effects.cites) for one in told for name, roles in one.starts
    )
    sends = tuple((instance, stage, one.impact.cause) for one in told for instance, stage in one.sends)
    return Applied(happenings, starts, sends)
