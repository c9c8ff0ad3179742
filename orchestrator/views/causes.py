"""Why a variable is what it is: every share of its change, who or what it came from, and what that read.

A share is what an event recorded of one cause (`state.share_of`). The shares of all causes, a clamp that bit and
the rest that rounding leaves add up to the change. What a cause reads is taken from its compiled expressions;
how far each of those variables moved in the same time, and through which causes, is the next level.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import AnyEvent, Change
from orchestrator.core.expr import Compiled, compile_derived
from orchestrator.core.exprtypes import PAIR
from orchestrator.core.law import CEffects, Law
from orchestrator.core.state import RunState, happen, share_of

Json = dict[str, Any]
Place = tuple[str, str]
"""(entity or process instance, variable)."""
TOP = 4
"""Causes and readings that are followed further down; the others are named without their own causes."""


class Share(NamedTuple):
    """One cause's part in one change of one variable."""

    seq: int
    round: int
    date: str
    kind: str
    """move, rule, process, set (by hand), clamp, ..."""
    cause: str
    """Rule; seat and action; process instance; path."""
    share: float | None
    before: Any
    value: Any
    cites: tuple[str, ...]
    die: float | None
    text: str


@dataclass
class Past:
    """Everything that changed in a run, by variable, and the state before and after."""

    start: RunState
    end: RunState
    shares: dict[Place, list[Share]] = field(default_factory=dict[Place, list[Share]])
    first: dict[Place, Any] = field(default_factory=dict[Place, Any])
    """Its first value: at the start, or when its instance began."""

    def change(self, place: Place) -> tuple[Any, Any]:
        """The first and the last value."""
        return self.first.get(place), self.end.values.get(place[0], {}).get(place[1])


def past_of(law: Law, events: Sequence[AnyEvent], upto: int | None = None) -> Past:
    """Folds the events (of rounds up to `upto`) and keeps every share."""
    state = RunState()
    past = Past(RunState(), state)
    for seq, event in enumerate(events):
        if upto is not None and event.round > upto:
            break
        for kind, cause, cites, change in _changes(law, event):
            place = change.entity, change.variable
            before = state.values.get(change.entity, {}).get(change.variable)
            share = share_of(change, state.values)
            made = Share(
                seq, event.round, event.to, kind, cause, share, before, change.value, cites, event.die, event.text
            )
            past.shares.setdefault(place, []).append(made)
        happen(state, event)
        if event.round == 0:
            past.start = copy(state)
        match event:
            case ev.RunStarted():
                past.first |= _places(event.values)
            case ev.ProcessStarted():
                past.first |= _places({event.instance: event.values})
            case ev.ProcessEnded() | ev.StageEntered():
                stage = event.stage if isinstance(event, ev.StageEntered) else "end"
                made = Share(
                    seq, event.round, event.to, event.cause.kind, event.cause.id, None, None, stage, event.cites,
                    event.die, event.text,
                )  # fmt: skip
                past.shares.setdefault((event.instance, "stage"), []).append(made)
            case _:
                pass
    past.end = state
    return past


def _places(values: Mapping[str, Mapping[str, Any]]) -> dict[Place, Any]:
    return {(entity, name): value for entity, held in values.items() for name, value in held.items()}


def _changes(law: Law, event: AnyEvent) -> Iterator[tuple[str, str, tuple[str, ...], Change]]:
    """(kind of cause, cause, sources, change) of an event."""
    if isinstance(event, ev.NumbersMoved):
        for rule, changes in event.by_rule():
            cites = next((held.effects.cites for held in law.rules if held.id == rule), ())
            for change in changes:
                yield "rule", rule, cites, change
        return
    kind, cause = event.cause
    match event:
        case ev.Clamped():
            kind = "clamp"
        case ev.ValueSet():
            kind, cause = "set", event.path
        case _:
            pass
    for change in event.changes:
        yield kind, cause, event.cites, change


def explained(law: Law, past: Past, place: Place, depth: int = 2) -> Json:
    """Why a variable has its last value.

    `{"entity", "variable", "label", "unit", "from", "to", "change", "causes": [...], "rounding", "source",
    "reads": [...]}`; a cause: `{"kind", "id", "share", "part", "times", "first", "last", "cites", "dice",
    "says", "reads"}`, `part` its share of the change (of the sum of all shares' sizes where nothing changed).
    Derived variables have `reads` instead of causes.
    """
    return _node(law, past, place, depth, frozenset())


def is_derived(law: Law, past: Past, place: Place) -> bool:
    """Whether the variable is computed at each reading; False where there is no such variable."""
    kind = law.names.entities.get(place[0]) or past.end.instances.get(place[0], "")
    info = law.variables.get((kind, place[1]))
    return info is not None and info.derived


def _derived(law: Law, past: Past, place: Place, depth: int, above: frozenset[Place]) -> Json:
    """A derived variable changes because what it reads does."""
    entity, variable = place
    kind = law.kind_of(entity, past.end.instances)
    text = law.scenario.kinds[kind].variables[variable].is_ or "0"
    info = law.variables[kind, variable]
    ends: list[Any] = []
    for state in (past.start, past.end):
        try:
            ends.append(law.derived[f"{kind}.{variable}"](scene_of(law, state), state.values, entity))
        except ARITHMETIC:
            ends.append(None)
    made: Json = {"entity": entity, "variable": variable, "label": info.label, "unit": info.unit, "is": text}
    made |= {"from": ends[0], "to": ends[1]}
    made["change"] = ends[1] - ends[0] if _number(ends[0]) and _number(ends[1]) else None
    reads = _places_read(law, past, compile_derived(text, law.names, kind), place)
    made["reads"] = [
        _node(law, past, read, depth, above | {place}) for read in reads if read in past.shares and read not in above
    ]
    return made


def _node(law: Law, past: Past, place: Place, depth: int, above: frozenset[Place]) -> Json:
    if is_derived(law, past, place):
        return _derived(law, past, place, depth, above)
    entity, variable = place
    kind = law.kind_of(entity, past.end.instances)
    info = law.variables.get((kind, variable))
    first, last = past.change(place)
    made: Json = {
        "entity": entity,
        "variable": variable,
        "label": variable if info is None else info.label,
        "unit": "" if info is None else info.unit,
        "from": first,
        "to": last,
    }
    shares = past.shares.get(place, [])
    numeric = all(share.share is not None for share in shares) and _number(first) and _number(last)
    change = last - first if numeric else None
    sizes = math.fsum(abs(share.share or 0.0) for share in shares)
    causes: list[Json] = []
    for (cause_kind, cause), held in _grouped(shares).items():
        share = math.fsum(one.share or 0.0 for one in held) if numeric else None
        causes.append(
            {
                "kind": cause_kind,
                "id": cause,
                "share": share,
                "part": None if share is None or not (change or sizes) else share / (change or sizes),
                "times": len(held),
                "first": held[0].date,
                "last": held[-1].date,
                "round": held[0].round,
                "cites": list(dict.fromkeys(entry for one in held for entry in one.cites)),
                "dice": [one.die for one in held if one.die is not None],
                "says": next((one.text for one in reversed(held) if one.text), ""),
                "to": held[-1].value,
            }
        )
    causes.sort(key=lambda one: -abs(one["share"] or 0.0))
    if depth > 0:
        for cause in causes[:TOP]:
            cause["reads"] = _reads(law, past, cause, place, depth - 1, above | {place})
    made |= {"change": change, "causes": causes}
    if change is not None:
        made["rounding"] = change - math.fsum(cause["share"] for cause in causes)
    return made


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _grouped(shares: Iterable[Share]) -> dict[tuple[str, str], list[Share]]:
    found: dict[tuple[str, str], list[Share]] = {}
    for share in shares:
        found.setdefault((share.kind, share.cause), []).append(share)
    return found


def _reads(law: Law, past: Past, cause: Json, place: Place, depth: int, above: frozenset[Place]) -> list[Json]:
    """What a cause read that moved in this time, the largest change in its own terms first."""
    found: list[Json] = []
    for read in read_places(law, past, cause["kind"], cause["id"], place):
        if read in above:
            continue
        first, last = past.change(read)
        if first != last or read in past.shares:
            node = (
                _node(law, past, read, depth, above)
                if depth > 0 and len(found) < TOP
                else {"entity": read[0], "variable": read[1], "from": first, "to": last}
            )
            found.append(node)
    return found


def read_places(law: Law, past: Past, kind: str, cause: str, place: Place) -> list[Place]:
    """The variables that a cause's expressions for this place read: of the same entity where its kind is read,
    else of every entity of that kind that changed."""
    found: dict[Place, None] = {}
    for code in _codes(law, past, kind, cause, place[1]):
        found |= dict.fromkeys(_places_read(law, past, code, place))
    return list(found)


def _places_read(law: Law, past: Past, code: Compiled, place: Place) -> list[Place]:
    own = law.names.entities.get(place[0]) or past.end.instances.get(place[0], "")
    found: dict[Place, None] = {}
    for read_kind, variable in sorted(code.reads):
        if read_kind == own:
            found[place[0], variable] = None
            continue
        for entity, name in past.shares:
            # Of a relation every pair that changed.
            if variable in (name, PAIR) and law.kind_of(entity, past.end.instances) == read_kind:
                found[entity, name] = None
    return [read for read in found if read != place]


def _codes(law: Law, past: Past, kind: str, cause: str, variable: str) -> Iterator[Compiled]:
    if kind == "rule":
        for rule in law.rules:
            if rule.id == cause:
                yield from (rule.when, rule.chance, *([rule.becomes] if rule.becomes else []))
                yield from _effect_codes(rule.effects, variable)
    elif kind == "move":
        seat, _, action = cause.partition("/")
        held = law.actions.get(seat, {}).get(action)
        if held is not None:
            yield from (*held.needs, held.chance)
            yield from _effect_codes(held.effects, variable)
    elif kind == "process" and cause in past.end.instances:
        for stage in law.processes[past.end.instances[cause]].stages.values():
            yield from (*stage.needs, stage.chance)
            yield from _effect_codes(stage.effects, variable)
            for outcome in stage.outcomes:
                yield from (outcome.when, outcome.chance)
                yield from _effect_codes(outcome.effects, variable)


def _effect_codes(effects: CEffects, variable: str) -> Iterator[Compiled]:
    for place, code in (*effects.adds, *effects.scales, *effects.sets):
        if place.variable == variable or (place.pair is not None and "." in variable):
            yield code
    for move in effects.moves:
        if variable in move.variables.values():
            yield move.amount
