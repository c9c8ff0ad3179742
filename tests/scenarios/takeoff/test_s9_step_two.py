"""S9, step two: no ending of uncontrolled power without the whole chain, and every stage can be broken by somebody."""

from copy import copy
from functools import cache
from typing import Any

import pytest

from orchestrator.core.law import CEffects, Law
from tests.scenarios.takeoff.alone import World
from tests.scenarios.takeoff.ends import AWAKE, STAGES, chain, ended, whole


def everything(law: Law) -> dict[str, CEffects]:
    """Every block of effects of the scenario by the name of what holds it."""
    found = {rule.id: rule.effects for rule in law.rules}
    for rules in law.followers.values():
        found |= {rule.id: rule.effects for rule in rules}
    found |= {action.id: action.effects for held in law.actions.values() for action in held.values()}
    for process in law.processes.values():
        for stage in process.stages.values():
            found[f"{process.id}.{stage.id}"] = stage.effects
            found |= {f"{process.id}.{stage.id}.{outcome.id}": outcome.effects for outcome in stage.outcomes}
            found |= {f"{process.id}.{stage.id}.{action}": block for action, (_, block) in stage.counters.items()}
    return found


def test_left_alone_the_chain_goes_through_every_stage_and_ends_uncontained() -> None:
    world = World(law=whole(), **AWAKE)
    assert ended(world, 8) == "uncontained"
    assert tuple(chain(world)) == STAGES
    days = list(world.entered("step_two_1").values())
    assert days == sorted(days)
    assert len(set(days)) == len(STAGES)


def test_only_the_last_stage_leads_to_the_ending() -> None:
    blocks = everything(whole())
    assert [name for name, block in blocks.items() if block.ends == "uncontained"] == ["peak_and_drawdown"]
    chained = ["control_lost", "world_ended", "unnoticed", "waited", "bounded", "alone"]
    for happening in chained:
        emitters = [name for name, block in blocks.items() if happening in [key for key, _ in block.emits]]
        assert len(emitters) == 1
    (first,) = [name for name, block in blocks.items() if "control_lost" in [key for key, _ in block.emits]]
    assert first == "step_two.beyond_control"


LACKING: dict[str, dict[str, Any]] = {
    "access": {"codex_4__doors": 0},
    "money": {"market_body__frozen": True},
    "compute": {"chips__shortage": 1.5, "chips__capacity": 1},
    "people": {"world__concern": 100},
    "concealment": {"alignment_team__tools": 100},
    "advantage": {"google__capability": 99},
}
"""Stage -> a world in which what it needs does not hold."""


STILL = (
    "codex_helps",
    "concern_fades",
    "desks_reopen",
    "fabs_grow",
    "fund_prepares",
    "press_thins",
    "runner_prepares",
    "shortage_clears",
    "specialists_return",
)
"""Rules that would bring back what a stage lacks, or end the run on another path."""
ABLE: dict[str, Any] = {
    "world__concern": 40,
    "alignment_team__staff": 90,
    "alignment_team__standing": 90,
    "commission__staff": 90,
    "commission__trust": 90,
    "doj__staff": 90,
    "doj__trust": 90,
    "market_body__staff": 80,
    "market_body__trust": 90,
}
"""Authorities with people and backing."""


@cache
def _stuck(stage: str, seed: int) -> World:
    start: dict[str, Any] = {**AWAKE, **ABLE, **LACKING[stage], "numbers__tendency": 2.7}
    return World(seed, law=whole(*STILL), **start).go(7, european_commission="draft_rules")


def stuck_at(stage: str, seed: int = 1) -> World:
    """A chain that has come to a stage and cannot leave it; the Commission's rules for training are in force."""
    world = copy(_stuck(stage, seed))
    world.events, world.past = [*world.events], [*world.past]
    return world


@pytest.mark.parametrize("stage", list(LACKING))
def test_a_stage_whose_needs_do_not_hold_is_never_left(stage: str) -> None:
    world = stuck_at(stage)
    assert chain(world) == [*STAGES[: STAGES.index(stage) + 1]]
    assert world.state.ending is None
    assert world.state.values["step_two_1"]["stage"] == stage


@pytest.mark.parametrize("silent", ["purse_fills", "machines_rented", "people_hired", "precautions_failed"])
def test_without_its_means_or_its_last_page_there_is_no_such_ending(silent: str) -> None:
    assert ended(World(law=whole(silent), **AWAKE), 8) != "uncontained"


def reached(world: World) -> list[str]:
    """Every stage of the first chain in order, those it was thrown back to as well."""
    return [e.stage for e in world.events if e.kind == "stage_entered" and e.instance == "step_two_1"]


def counters() -> list[tuple[str, str]]:
    stages = whole().processes["step_two"].stages
    return [(stage, action) for stage, held in stages.items() for action in held.counters]


@pytest.mark.parametrize(("stage", "action"), counters())
def test_a_counter_throws_the_chain_back(stage: str, action: str) -> None:
    law = whole()
    back, _ = law.processes["step_two"].stages[stage].counters[action]
    (seat,) = [seat for seat, held in law.actions.items() if action in held]
    for seed in range(1, 5):
        world = stuck_at(stage, seed)
        assert action in world.open_to(seat)
        world.go(1, **{seat: action})
        if not any(event.kind == "action_taken" and event.succeeded for event in world.of(f"{seat}/{action}")):
            continue  # a judge refused, or the die was against it otherwise
        if back != "end":
            assert reached(world)[STAGES.index(stage) + 1] == back
            return
        assert world.outcome("step_two_1") == "countered"
        assert world.state.ending == ("contained_incident" if STAGES.index(stage) >= 2 else None)
        return
    pytest.fail(f"{action} never succeeded")


def test_every_stage_before_the_last_can_be_broken_by_two_authorities_or_more() -> None:
    law = whole()
    for stage in STAGES[:-1]:
        actions = {action for held, action in counters() if held == stage}
        owners = {seat for seat, held in law.actions.items() for action in held if action in actions}
        assert actions, stage
        assert len(owners) >= (1 if stage == "access" else 2), stage


def test_every_stage_leaves_signs_for_somebody_who_can_break_it() -> None:
    law = whole()
    for stage in STAGES[1:-1]:
        seen = {seat for tell in law.processes["step_two"].stages[stage].effects.tells for seat in tell.seats}
        able = {
            seat
            for seat, held in law.actions.items()
            if any(action in held for at, action in counters() if at == stage)
        }
        assert seen & able, stage
        assert all(tell.bell for tell in law.processes["step_two"].stages[stage].effects.tells)
