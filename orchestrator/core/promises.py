"""Promises: made with a move, heard by whom they are made to, kept or broken by what was carried out.

"I will": kept as soon as the action has been carried out, broken at the end of the last round promised if it was
not. "I will not": broken as soon as it has been carried out, kept at the end of the last round. Both are looked
at when a round closes. A move that the rules refused was not carried out. Nobody judges a promise by its words.
"""

from collections.abc import Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import Cause
from orchestrator.core.said import Standing
from orchestrator.core.text import render
from orchestrator.core.turn import Move, Promise

MOST = 3
"""Promises that one move may carry."""
MOST_STANDING = 400
"""Promises that wait to be kept or broken; further ones are not made, by event."""


def make(draft: Draft, moves: Sequence[Move]) -> None:
    """Writes the promises that these moves carry, before any of them is carried out."""
    scenario = draft.law.scenario
    if scenario.promises is None:
        return
    for move in moves:
        for promise in move.promises[:MOST] if move.seat not in draft.state.muted else ():
            until = min(draft.state.round + min(promise.rounds, scenario.promises.rounds), scenario.clock.rounds)
            if until <= draft.state.round:
                continue  # there is no round left of which it could speak
            cause = Cause(kind="move", id=f"{move.seat}/{move.action}")
            if len(draft.state.promises) >= MOST_STANDING:
                draft.failed(cause, f"more than {MOST_STANDING} promises stand: this one is not made")
                return
            draft.emit(_made(draft, move.seat, promise, until, cause))


def _made(draft: Draft, seat: str, promise: Promise, until: int, cause: Cause) -> ev.PromiseMade:
    state = draft.state
    others = tuple(one for one in draft.law.scenario.seats if one != seat)
    heard = others if promise.to is None else tuple(one for one in others if one in promise.to)
    number = 1 + sum(one.seat == seat and one.made == state.round for one in state.promises)
    words = _words(draft, seat, promise.action, promise.target)
    said = f"to {words} by the end of round {until}" if promise.will else f"not to {words} through round {until}"
    audience = None if promise.to is None else (seat, *heard)
    return ev.PromiseMade(
        **draft.common(cause, text=_sentence(draft, seat, f"promises {said}"), audience=audience),
        promise=f"r{state.round}/{seat}/{number}",
        seat=seat,
        will=promise.will,
        action=promise.action,
        target=promise.target,
        until=until,
        heard=heard,
    )


def settle(draft: Draft) -> None:
    """Writes which promises this round has kept or broken; its dates are over."""
    for one in draft.state.promises:
        over = draft.state.round >= one.until
        if one.taken or over:
            _settled(draft, one, kept=one.taken == one.will)


def _settled(draft: Draft, one: Standing, *, kept: bool) -> None:
    """What cannot be seen done is not told to those who heard the promise either: else it would tell on a secret."""
    seen = draft.law.actions[one.seat][one.action].visibility == "public"
    heard = one.heard if seen else ()
    words = _words(draft, one.seat, one.action, one.target)
    said = f"{'keeps' if kept else 'breaks'} its promise {'to' if one.will else 'not to'} {words}"
    audience = None if one.public and seen else (one.seat, *heard)
    common: dict[str, Any] = draft.common(
        Cause(kind="clock", id=f"r{draft.state.round}"), text=_sentence(draft, one.seat, said), audience=audience
    )
    event = ev.PromiseKept if kept else ev.PromiseBroken
    draft.emit(event(**common, promise=one.id, seat=one.seat, action=one.action, heard=heard))


def _sentence(draft: Draft, seat: str, said: str) -> str:
    text = f"{draft.law.labels[seat]} {said}."
    return text[:1].upper() + text[1:]


def _words(draft: Draft, seat: str, action: str, target: str | None) -> str:
    """The action as others may read it: by its label where they see it done, else by its name."""
    held = draft.law.actions[seat][action]
    plain = action.replace("_", " ") + (f" ({draft.label(target)})" if target is not None else "")
    if held.visibility != "public" or (held.target_kind is not None and target is None):
        return plain
    bound = {"self": draft.law.scenario.seats[seat].plays, "seat": seat}
    try:
        scene = draft.scene(bound if target is None else {**bound, "target": target})
        label = render(held.label, scene, draft.label).strip()
    except ARITHMETIC:
        return plain
    return label[:1].lower() + label[1:] if label else plain
