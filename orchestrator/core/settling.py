"""From what the causes of one date want to what changes: transfers are cut, adds and scales joined, sets compared.

For a number: start value times the product of the scales plus the sum of the adds (`math.fsum`), clamped once
to its range; `set` stands alone, equal ones agree, others conflict and change nothing. Transfers are cut to what
the payer has (pro rata where several draw on one payer) and what the receiver may hold. Every cause keeps its
own share of every change.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.draft import Draft
from orchestrator.core.events import AnyEvent, Cause, Change
from orchestrator.core.value import rounded


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
    variables: Mapping[str, str]
    """Kind -> its variable in this ledger."""


def _range(draft: Draft, entity: str, variable: str) -> tuple[float, float] | None:
    return draft.law.variables[draft.law.kind_of(entity, draft.state.instances), variable].range


def _holder(draft: Draft, move: Moved, entity: str) -> str:
    """The variable of the ledger that the entity holds."""
    return move.variables[draft.law.kind_of(entity, draft.state.instances)]


def transfers(draft: Draft, causes: list[Cause], moves: list[Moved]) -> list[Wish]:
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
            variable = _holder(draft, move, move.payer)
            bounds = _range(draft, move.payer, variable)
            has = max(0.0, draft.state.values[move.payer][variable] - (bounds[0] if bounds else 0.0))
            amount = amount * min(1.0, has / total) if total > 0 else 0.0
        if move.receiver is not None:
            variable = _holder(draft, move, move.receiver)
            bounds = _range(draft, move.receiver, variable)
            if bounds is not None:
                left = room.setdefault(
                    (move.receiver, move.ledger), bounds[1] - draft.state.values[move.receiver][variable]
                )
                amount = min(amount, max(0.0, left))
                room[move.receiver, move.ledger] = left - amount
        cause = causes[move.impact]
        if amount < move.amount * (1 - 1e-9):
            draft.emit(
                ev.TransferCut(
                    **draft.common(cause, ledger=move.ledger, asked=rounded(move.amount), moved=rounded(amount))
                )
            )
        if move.payer is not None:
            wanted.append(Wish(move.impact, move.payer, _holder(draft, move, move.payer), "add", -amount))
        if move.receiver is not None:
            wanted.append(Wish(move.impact, move.receiver, _holder(draft, move, move.receiver), "add", amount))
    return wanted


def settle(draft: Draft, causes: list[Cause], wishes: list[Wish]) -> tuple[dict[int, list[Change]], list[AnyEvent]]:
    """Each impact's changes, and the events of clamping and conflict."""
    grouped: dict[tuple[str, str], list[Wish]] = {}
    for wish in wishes:
        grouped.setdefault((wish.entity, wish.variable), []).append(wish)
    changes: dict[int, list[Change]] = {}
    extra: list[AnyEvent] = []
    for (entity, variable), held in grouped.items():
        start = draft.state.values[entity][variable]
        sets = () if len(held) == 1 and held[0].how != "set" else [wish for wish in held if wish.how == "set"]
        first = causes[held[0].impact]
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
                part = None if share is None or len(sets) == 1 else rounded(share / len(sets))
                for wish in sets:
                    changes.setdefault(wish.impact, []).append(Change(entity, variable, value, part))
            continue
        _number(draft, (entity, variable), start, held, first, changes, extra)
    return changes, extra


def settle_in_order(
    draft: Draft, causes: list[Cause], wishes: list[Wish]
) -> tuple[dict[int, list[Change]], list[AnyEvent]]:
    """The same where effects apply one after the other, each clamped at once: as they stand, scales before adds."""
    now: dict[tuple[str, str], Any] = {}
    often = Counter((wish.entity, wish.variable) for wish in wishes)
    changes: dict[int, list[Change]] = {}
    held_back: dict[tuple[str, str], tuple[Cause, float]] = {}
    extra: list[AnyEvent] = []
    for wish in wishes:
        place = entity, variable = wish.entity, wish.variable
        start = now.get(place, draft.state.values[entity][variable])
        try:
            wanted = start * wish.value if wish.how == "scale" else wish.value
            wanted = rounded(start + wish.value) if wish.how == "add" else wanted
            value, share = _assigned(draft, entity, variable, start, wanted)
        except OverflowError:
            what = f"{entity}.{variable} would be no finite number, and stays as it was"
            extra.append(ev.RuleFailed(**draft.common(causes[wish.impact], what=what)))
            continue
        if value == start:
            continue
        now[place] = value
        asked = share if share is None or wish.how == "set" else rounded(wanted - start)
        if asked is not None and share is not None and abs(asked - share) > 1e-12 * max(1.0, abs(start), abs(asked)):
            first, more = held_back.get(place, (causes[wish.impact], 0.0))
            held_back[place] = first, more + share - asked
        else:
            asked = None if often[place] == 1 else share
        part = None if asked is None else rounded(asked)
        changes.setdefault(wish.impact, []).append(Change(entity, variable, value, part))
    for (entity, variable), (cause, more) in held_back.items():
        held = (Change(entity, variable, now[entity, variable], rounded(more)),)
        extra.append(ev.Clamped(**draft.common(cause, changes=held)))
    return changes, extra


def leaks(draft: Draft, causes: list[Cause], shifts: list[Wish], changes: Mapping[int, list[Change]]) -> list[AnyEvent]:
    """An event for each ledger whose sum changed by anything but what its sources gave and its sinks took.

    `shifts`: the transfers as wishes, all that may touch a ledger's holders; `changes`: what came of this date.
    """
    new = {(change.entity, change.variable): change.value for index in sorted(changes) for change in changes[index]}
    planned: dict[str, list[float]] = {}
    happened: dict[str, list[float]] = {}
    first: dict[str, Cause] = {}
    seen: set[tuple[str, str]] = set()
    for wish in shifts:
        place = (wish.entity, wish.variable)
        kind = draft.law.kind_of(wish.entity, draft.state.instances)
        ledger = draft.law.variables[kind, wish.variable].ledger or ""
        first.setdefault(ledger, causes[wish.impact])
        planned.setdefault(ledger, []).append(wish.value)
        if place not in seen:
            seen.add(place)
            start = draft.state.values[wish.entity][wish.variable]
            happened.setdefault(ledger, []).extend((new.get(place, start), -start))
    found: list[AnyEvent] = []
    for ledger, moved in planned.items():
        scale = max(map(abs, (*happened[ledger], *moved))) or 1.0
        leak = math.fsum(amount / scale for amount in (*happened[ledger], *(-amount for amount in moved)))
        # Values are stored with 12 digits: what each holder may miss by that is no leak.
        if abs(leak) > 1e-11 * (len(moved) + len(happened[ledger])):
            by = rounded(max(-1e300, min(1e300, leak * scale)))
            found.append(ev.LedgerLeaked(**draft.common(first[ledger], ledger=ledger, by=by)))
    return found


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
    try:
        added = [wish.value for wish in held if wish.how == "add"]
        raw = start * product + (added[0] if len(added) == 1 else math.fsum(added))
        whole = rounded(raw)
    except OverflowError:
        what = f"{entity}.{variable} would be no finite number, and stays as it was"
        extra.append(ev.RuleFailed(**draft.common(first, what=what)))
        return
    bounds = _range(draft, entity, variable)
    kept = raw if bounds is None else max(bounds[0], min(bounds[1], raw))
    value = whole if kept == raw else rounded(kept)
    # Sums of floats miss their bound by a last digit: that is no bite.
    bites = value != whole and abs(kept - raw) > 1e-12 * max(1.0, abs(start), *map(abs, shares))
    if bites and value == start and (min(shares) >= 0 or max(shares) <= 0):
        return  # it stood at its bound already, and all that fell on this date pushed against it
    alone = len(held) == 1 and not bites
    for wish, share in zip(held, shares, strict=True):
        if share != 0 and not (alone and value == start):
            part = None if alone else rounded(share)
            changes.setdefault(wish.impact, []).append(Change(entity, variable, value, part))
    if bites:
        extra.append(
            ev.Clamped(
                **draft.common(
                    first,
                    changes=(Change(entity, variable, value, rounded(kept - raw)),),
                )
            )
        )
