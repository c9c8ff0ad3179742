"""The world of takeoff with its endings, and the chain of S9 set going by itself."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from orchestrator.core.compile import compile_law
from orchestrator.core.law import Law
from orchestrator.library import load_scenario
from tests.scenarios.takeoff.alone import ROOT, World

STAGES = ("access", "money", "compute", "people", "concealment", "advantage", "beyond_control")
"""The chain between a capable system and the loss of control."""
AWAKE: dict[str, Any] = {
    "codex_4__capability": 95,
    "codex_4__phase": "finished",
    "codex_4__doors": 3,
    "alignment_team__tools": 0,
    "numbers__wake": 70,
    "numbers__tendency": 1,
    "numbers__boldness": 4,
}
"""A capable system that begins at once and hardly pauses between two stages."""


@cache
def _law(variant: str | None) -> Law:
    loaded = load_scenario("takeoff", ROOT, variant=variant)
    compiled = compile_law(loaded.scenario, loaded.personas)
    assert compiled.law is not None, compiled.problems
    return compiled.law


@cache
def whole(*silent: str, variant: str | None = None) -> Law:
    """The law with its endings, and without these rules."""
    law = _law(variant)
    followers = {name: tuple(rule for rule in rules if rule.id not in silent) for name, rules in law.followers.items()}
    known = {rule.id for rule in law.rules} | {rule.id for rules in law.followers.values() for rule in rules}
    assert set(silent) <= known
    return law._replace(rules=tuple(rule for rule in law.rules if rule.id not in silent), followers=followers)


def ended(world: World, rounds: int, *, policy: bool = False, seats: Sequence[str] = ()) -> str | None:
    """Plays until an ending is reached, at most so many rounds: nobody moves, or all or these seats on policy."""
    for _ in range(rounds):
        if world.state.ending is not None:
            break
        world.on_policy(1, seats) if policy or seats else world.go()
    return world.state.ending


def chain(world: World, instance: str = "step_two_1") -> list[str]:
    """The stages that an instance of the chain has reached."""
    return list(world.entered(instance))
