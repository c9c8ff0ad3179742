"""Where two runs part: the first event that differs, and what their worlds differ in at the end.

Two designs always differ in their hash, which says nothing; so the hash and the seed are passed over, the
designs are compared field by field, and the first event that tells of another course is looked for.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from orchestrator.core.design import Design
from orchestrator.core.events import AnyEvent
from orchestrator.ledger.rows import EventRow
from orchestrator.views.projections import model_name, plays_now

_PASSED_OVER = ("design", "seed")


def first_difference(one: Sequence[EventRow], two: Sequence[EventRow], designs: Sequence[str]) -> dict[str, Any] | None:
    """`{"seq", "round", "what"}` of the first event that differs, in the numbering of the first run.

    What a fork says of itself is passed over as long as anything else differs; where only the designs do, it
    is event 0. None: the runs tell the same.
    """
    found = _first([row for row in one if not _of_fork(row)], [row for row in two if not _of_fork(row)])
    if found is None and (raw := _first(one, two)) is not None:
        found = {**raw, "what": "what a fork says of itself, and nothing else"}
    if found is None and designs:
        return {"seq": 0, "round": 0, "what": f"the designs: {'; '.join(designs)}"}
    return found


def _of_fork(row: EventRow) -> bool:
    return '"cause":["fork",' in row.body


def _first(one: Sequence[EventRow], two: Sequence[EventRow]) -> dict[str, Any] | None:
    for a, b in zip(one, two, strict=False):
        if a.body == b.body:
            continue
        left, right = (_fields(row) for row in (a, b))
        if a.kind == b.kind == "run_started" and left == right:
            continue
        return {"seq": a.seq, "round": a.round, "what": _what(left, right)}
    if len(one) != len(two):
        longer, which = (one, "first") if len(one) > len(two) else (two, "second")
        row = longer[min(len(one), len(two))]
        return {"seq": row.seq, "round": row.round, "what": f"only the {which} run goes on, with {row.kind}"}
    return None


def _fields(row: EventRow) -> dict[str, Any]:
    found: Any = json.loads(row.body)
    body = cast("dict[str, Any]", found)
    return {k: v for k, v in body.items() if not (row.kind == "run_started" and k in _PASSED_OVER)}


def _what(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """One sentence on how two events differ."""
    if _named(left) != _named(right):
        return f"{_named(left)} / {_named(right)}"
    # The cause names a call or a move; what the event says differently tells more, so it comes last.
    names = sorted(dict.fromkeys((*left, *right)), key=lambda name: name == "cause")
    name = next(name for name in names if left.get(name) != right.get(name))
    return f"{_named(left)}: {_inner(name, left.get(name), right.get(name))}"


def _named(body: Mapping[str, Any]) -> str:
    seat = f" of {body['seat']}" if "seat" in body else ""
    what = body.get("action") or body["cause"][1]
    return f"{body['kind']} {what}{seat}"


def _inner(name: str, a: Any, b: Any) -> str:
    """The first place within two values where they differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        left, right = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        key = next(key for key in dict.fromkeys((*left, *right)) if left.get(key) != right.get(key))
        return _inner(f"{name}.{key}", left.get(key), right.get(key))
    if isinstance(a, list) and isinstance(b, list):
        ones, twos = cast("list[Any]", a), cast("list[Any]", b)
        at = next((i for i, (x, y) in enumerate(zip(ones, twos, strict=False)) if x != y), None)
        if at is not None:
            place = ones[at]
            if name == "changes" and place[:2] == twos[at][:2] and place[2] != twos[at][2]:
                return _inner(".".join(place[:2]), place[2], twos[at][2])
            return _inner(f"{name}[{at}]", place, twos[at])
    return f"{name} {_short(a)} / {_short(b)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 90 else text[:89] + "…"


def design_differences(one: Design, two: Design) -> list[str]:
    """What the designs differ in, a clause each."""
    found: list[str] = []
    if one.data != two.data:
        found.append("scenario, personas or prompts")
    if one.variant != two.variant:
        found.append(f"variant {one.variant or 'none'} / {two.variant or 'none'}")
    if one.rules_version != two.rules_version:
        found.append(f"rules version {one.rules_version} / {two.rules_version}")
    if one.seed != two.seed:
        found.append(f"seed {one.seed} / {two.seed}")
    plays = plays_now(one), plays_now(two)
    for seat in dict.fromkeys((*plays[0], *plays[1])):
        a, b = plays[0].get(seat), plays[1].get(seat)
        if a != b:
            names = [("nobody" if play is None else model_name(play) or play.by) for play in (a, b)]
            found.append(f"{seat} {names[0]} / {names[1]}" if names[0] != names[1] else f"how {seat} is asked")
    if one.judge != two.judge:
        found.append("judge")
    sets = [{**design.sets, **{k: v for point in design.forks for k, v in point.sets.items()}} for design in (one, two)]
    return found + [
        f"{path} {_short(sets[0].get(path))} / {_short(sets[1].get(path))}"
        for path in dict.fromkeys((*sets[0], *sets[1]))
        if sets[0].get(path) != sets[1].get(path)
    ]


def dice_shared(one: Sequence[AnyEvent], two: Sequence[AnyEvent]) -> dict[str, int]:
    """`{"shared", "differing", "only_first", "only_second"}`: dice that events record, by what rolled them when.

    A die is addressed by its cause, what it is for and its date. Two runs of one seed share every die that both
    rolled; the others were rolled in one of them alone.
    """
    ones, twos = _dice(one), _dice(two)
    both = ones.keys() & twos.keys()
    shared = sum(ones[address] == twos[address] for address in both)
    return {
        "shared": shared,
        "differing": len(both) - shared,
        "only_first": len(ones) - len(both),
        "only_second": len(twos) - len(both),
    }


def _dice(events: Sequence[AnyEvent]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for event in events:
        if event.die is not None:
            about = str(getattr(event, "on", "") or getattr(event, "target", "") or "")
            address = (event.kind, *event.cause, about, event.to)
            while address in found:  # several members of one group on one date
                address = (*address, "again")
            found[address] = event.die
    return found


def differing(
    one: Mapping[str, Mapping[str, Any]], two: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, list[Any]]]:
    """Entity -> variable -> the two values, of every variable whose values differ; null where one lacks it."""
    found: dict[str, dict[str, list[Any]]] = {}
    for entity in dict.fromkeys((*one, *two)):
        left, right = one.get(entity, {}), two.get(entity, {})
        pairs = {
            name: [left.get(name), right.get(name)]
            for name in dict.fromkeys((*left, *right))
            if left.get(name) != right.get(name)
        }
        if pairs:
            found[entity] = pairs
    return found
