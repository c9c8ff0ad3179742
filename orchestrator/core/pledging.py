"""The promise in a composed move: what may be promised, and its part of the JSON schema.

A promise is one of a list, so nothing is read into words: `will ID` or `will not ID` for the seat's own actions.
"""

from typing import Any

from orchestrator.core.law import Law
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Observation

NONE, EVERYONE = "none", "everyone"
MOST = 16
"""Actions that may be promised: those open now first."""


def ahead(law: Law, state: RunState) -> int:
    """How many rounds a promise made now may reach; 0: none can be made."""
    held = law.scenario.promises
    return 0 if held is None else max(0, min(held.rounds, law.scenario.clock.rounds - state.round))


def choices(law: Law, state: RunState, seen: Observation) -> dict[str, tuple[bool, str, str | None]]:
    """What this seat may promise: the words that stand for it -> (will it, action, target)."""
    if ahead(law, state) == 0 or seen.seat in state.muted:
        return {}
    ids = {option.id: (option.action, option.target) for option in seen.options if option.action != WAIT}
    ids |= {action: (action, None) for action in law.actions[seen.seat] if action not in ids}
    return {
        f"{'will' if will else 'will not'} {key}": (will, action, target)
        for key, (action, target) in list(ids.items())[:MOST]
        for will in (True, False)
    }


def schema(law: Law, state: RunState, seen: Observation) -> dict[str, Any]:
    """The properties that a promise adds to the JSON object of a move; empty where none can be made."""
    listed = choices(law, state, seen)
    if not listed:
        return {}
    others = [seat for seat in law.scenario.seats if seat != seen.seat]
    return {
        "promise": {"type": "string", "enum": [NONE, *listed]},
        "promise_rounds": {"type": "integer", "enum": list(range(1, ahead(law, state) + 1))},
        "promise_to": {"type": "string", "enum": [EVERYONE, *others]},
    }
