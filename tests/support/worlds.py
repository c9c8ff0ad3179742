"""Small worlds for tests of the core and the runtime: a scenario as data, its law, and rounds played by hand."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from orchestrator.core import rules
from orchestrator.core.answering import policy_answers
from orchestrator.core.compile import compile_law
from orchestrator.core.draft import scene_of
from orchestrator.core.events import AnyEvent
from orchestrator.core.expr import Scene
from orchestrator.core.law import Law
from orchestrator.core.observe import observe
from orchestrator.core.policy import policy_move
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.state import RunState, fold, share_of
from orchestrator.core.turn import WAIT, Move

BASE: dict[str, Any] = {
    "scenario": "bench",
    "title": "Bench",
    "about": "Two firms.",
    "clock": {"start": "2023-01-01", "step": "month", "rounds": 3, "ends": "out"},
    "sources": {"M1": "one", "M2": "two"},
    "kinds": {
        "firm": {
            "money": {"start": 100, "range": [0, 1000]},
            "cap": {"start": 10, "range": [0, 50]},
            "x": {"start": 8},
            "phase": {"enum": ["idle", "busy", "over"]},
            "open": {"bool": True, "start": True},
            "owner": {"ref": "firm"},
            "chips": {"ledger": "compute", "start": 10, "range": [0, 20]},
            "secret": {"start": 777, "visible_to": "hidden"},
            "private": {"start": 555, "visible_to": ["ann"]},
            "twice": {"is": "self.cap * 2"},
        }
    },
    "entities": {
        "alpha": {"kind": "firm", "label": "Alpha", "owner": "beta"},
        "beta": {"kind": "firm", "label": "Beta", "money": 50, "cap": 20},
    },
    "ledgers": {"compute": {"unit": "day", "sources": ["fab"], "sinks": ["spent"]}},
    "numbers": {"k": {"value": 3}, "band": {"low": 1, "mode": 2, "high": 4}},
    "indicators": {"cap": {"label": "Capability of Alpha", "is": "alpha.cap"}},
    "actions": {},
    "seats": {"ann": {"label": "Ann", "plays": "alpha", "by": "model"}, "bob": {"label": "Bob", "plays": "beta"}},
    "endings": {
        "out": {"label": "out of time", "says": "Time is up with {alpha.cap:.0f}."},
        "won": {"label": "won", "says": "Alpha has won."},
        "lost": {"label": "lost", "says": "Alpha has lost."},
    },
}
"""Two firms with one variable of each sort, two seats, a month a round."""

SECRET = "we have read the rival's letters since spring"
"""The private fact of Ann, whose words nobody else may see."""


def world(**sections: Any) -> dict[str, Any]:
    """The base with sections laid over it: mappings are merged key by key, all else is replaced."""
    return cast("dict[str, Any]", _merged(copy.deepcopy(BASE), sections))


def _merged(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, Mapping):
        held = cast("dict[str, Any]", base)
        for key, value in cast("Mapping[str, Any]", over).items():
            held[key] = _merged(held[key], value) if key in held else copy.deepcopy(value)
        return held
    return copy.deepcopy(over)


def persona(seat: str, *policy: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A persona as data."""
    base = {"seat": seat, "organisation": f"{seat} and friends", "goals": ["win"], "prose": f"You are {seat}."}
    return {**base, "policy": list(policy), **more}


def personas(given: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Persona]:
    """Ann and Bob; `given` replaces either."""
    ann = persona("ann", private=[{"fact": SECRET, "source": "M1"}])
    held = {"ann": ann, "bob": persona("bob"), **(given or {})}
    return {seat: Persona.model_validate(data) for seat, data in held.items()}


def law_of(data: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]] | None = None) -> Law:
    """The law of a scenario that has no problems."""
    compiled = compile_law(Scenario.model_validate(data), personas(given))
    assert compiled.law is not None, compiled.problems
    return compiled.law


def problems(data: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
    """Every problem as `path: message`."""
    found = compile_law(Scenario.model_validate(data), personas(given)).problems
    return [f"{'.'.join(problem.path)}: {problem.message}" for problem in found]


def begun(law: Law, seed: int = 1, sets: Mapping[str, Any] | None = None) -> RunState:
    """The state before the first round."""
    return fold(rules.open_run(law, seed, "design", sets or {}))


def opened(law: Law, state: RunState) -> RunState:
    """The state once its next round has been opened."""
    return fold(rules.open_round(law, state), state)


Answering = Callable[[Law, RunState], Sequence[AnyEvent]]
"""Answers everything that is asked in a state."""


def play_round(
    law: Law, state: RunState, moves: Sequence[Move] = (), answering: Answering = policy_answers
) -> tuple[list[AnyEvent], RunState]:
    """One whole round with these moves; what is asked within it is answered on policy, or by `answering`."""
    events = rules.open_round(law, state)
    state = fold(events, state)
    happened = rules.carry_out(law, state, moves)
    happened += rules.pass_time(law, fold(happened, state))
    events, state = events + happened, fold(happened, state)
    while rules.pending(law, state):
        happened = list(answering(law, state))
        happened += rules.advance(law, fold(happened, state))
        events, state = events + happened, fold(happened, state)
    happened = rules.close_round(law, state)
    return events + happened, fold(happened, state)


def first_round(data: Mapping[str, Any], *moves: Move, seed: int = 1) -> tuple[list[AnyEvent], RunState]:
    """The first round of a scenario with these moves."""
    law = law_of(data)
    return play_round(law, begun(law, seed), moves)


def play_policy(law: Law, seed: int = 1, rounds: int | None = None) -> tuple[list[AnyEvent], RunState]:
    """A whole run with every seat on policy."""
    events = rules.open_run(law, seed, "design", {})
    state = fold(events)
    while not state.ended and (rounds is None or state.round < rounds):
        seen = [observe(law, opened(law, state), seat) for seat in rules.acting(law)]
        moves = [policy_move(law, opened(law, state), each) for each in seen]
        happened, state = play_round(law, state, moves)
        events += happened
    return events, state


def scene(law: Law, state: RunState | None = None, **bound: Any) -> Scene:
    """What an expression reads at the start."""
    return scene_of(law, state or begun(law), bound)


def move(seat: str, action: str = WAIT, target: str | None = None, **params: Any) -> Move:
    return Move(seat, 1, action, target, params)


def of_kind(events: Sequence[AnyEvent], *kinds: str) -> list[Any]:
    """The events of these kinds, in order."""
    return [event for event in events if event.kind in kinds]


def deltas(events: Sequence[AnyEvent], entity: str, variable: str) -> list[float]:
    """Every share of a variable's changes, in order; the base's value is the one before the first."""
    value = BASE["entities"][entity].get(variable, BASE["kinds"]["firm"][variable].get("start"))
    found: list[float] = []
    for event in events:
        for change in event.changes:
            if (change.entity, change.variable) == (entity, variable):
                share = share_of(change, {entity: {variable: value}})
                value = change.value
                found += [] if share is None else [share]
    return found
