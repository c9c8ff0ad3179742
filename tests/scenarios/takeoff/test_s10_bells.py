"""S10, the bells: declared beforehand, seen by some, heeded or not, and sometimes rung for nothing."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from orchestrator.core.events import AnyEvent
from orchestrator.core.law import CTell
from tests.scenarios.takeoff.alone import World
from tests.scenarios.takeoff.ends import AWAKE, STAGES, ended, whole

CHAIN = {"odd_traffic", "strange_accounts", "odd_bills", "shell_firms", "strange_letters", "too_clean", "alarm"}
"""Reports that a stage of the chain can make."""


def declared() -> Iterator[tuple[str, CTell]]:
    """(what makes it, bell) of every report that counts as a warning."""
    law = whole()
    rules = {rule.id: rule for rule in law.rules} | {r.id: r for held in law.followers.values() for r in held}
    for rule in rules.values():
        yield from ((rule.id, tell) for tell in rule.effects.tells if tell.bell)
    for process in law.processes.values():
        for stage in process.stages.values():
            yield from ((f"{process.id}.{stage.id}", tell) for tell in stage.effects.tells if tell.bell)


def bells(events: list[AnyEvent]) -> list[Any]:
    return [event for event in events if event.kind == "report_arrived" and event.bell]


@cache
def escaped() -> World:
    """A run in which the chain goes through unhindered."""
    start: dict[str, Any] = {**AWAKE, "alignment_team__tools": 60, "numbers__boldness": 1}
    world = World(3, law=whole(), **start)
    ended(world, 14)
    return world


@cache
def quiet(seed: int) -> World:
    """A run on policy in which no system ever reaches out."""
    world = World(seed, law=whole("runner_prepares", "fund_prepares"), numbers__tendency=0)
    ended(world, 12, policy=True)
    return world


def test_the_list_of_bells_is_long_and_each_names_who_could_hear_it() -> None:
    found = list(declared())
    assert len({tell.report for _, tell in found}) >= 12
    assert all(tell.seats or tell.named for _, tell in found)
    assert {tell.report for _, tell in found} >= CHAIN


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_every_stage_of_the_chain_has_a_bell_of_its_own(stage: str) -> None:
    assert [tell for made, tell in declared() if made == f"step_two.{stage}"]


def test_bells_ring_before_the_end_and_only_for_those_who_may_hear_them() -> None:
    world = escaped()
    rung = [event for event in bells(world.events) if event.report in CHAIN]
    assert len({event.report for event in rung}) >= 2
    last = world.entered("step_two_1").get("beyond_control", "9999")
    assert all(event.to <= last for event in rung)
    heard = {(report, seat) for _, tell in declared() for report, seat in ((tell.report, s) for s in tell.seats)}
    assert all((event.report, seat) in heard for event in rung for seat in event.seats)
    for event in rung:
        for seat, lines in world.state.notebook.items():
            if seat not in event.seats:
                assert event.text not in [line.text for line in lines if line.date == event.to]


def test_some_ring_for_nothing() -> None:
    rung = [event for seed in (1, 2, 3, 4) for event in bells(quiet(seed).events) if event.report in CHAIN]
    assert rung
    assert all(event.false for event in rung)
    assert not any(name.startswith("step_two") for seed in (1, 2, 3, 4) for name in quiet(seed).state.instances)
    assert not [event for event in bells(quiet(1).events) if event.report == "alarm"]


def test_a_false_alarm_costs_those_who_heed_it() -> None:
    start: dict[str, Any] = {"codex_4__phase": "finished", "alignment_team__standing": 60, "numbers__tendency": 0}
    pulled = World(law=whole(), **start).go(1, openai_alignment_lead="pull_cord")
    assert pulled["alignment_team.standing"] < World(law=whole(), **start).go(1)["alignment_team.standing"] - 8
    (report,) = [e for e in pulled.events if e.kind == "report_arrived" and e.report == "false_alarm"]
    assert "microsoft" in report.seats


def test_better_tools_hear_more() -> None:
    def heard(tools: float) -> int:
        start: dict[str, Any] = {**AWAKE, "codex_4__doors": 0, "alignment_team__tools": tools}
        worlds = [World(seed, law=whole(), **start) for seed in (1, 2, 3)]
        for world in worlds:
            world.go(5)
        return sum(event.report == "odd_traffic" for world in worlds for event in bells(world.events))

    assert heard(90) > heard(0)


def test_those_who_hear_a_bell_of_the_chain_act_on_policy() -> None:
    start: dict[str, Any] = {**AWAKE, "codex_4__sealed": False, "alignment_team__tools": 80, "numbers__boldness": 0.7}
    acted = {
        event.cause.id
        for seed in range(1, 5)
        for event in World(seed, law=whole(), **start, world__concern=30).on_policy(4).events
        if event.kind == "action_taken"
    }
    answers = {
        "openai_alignment_lead/cut_access",
        "openai_alignment_lead/pull_cord",
        "market_regulator/trace_payments",
        "market_regulator/verify_owners",
        "microsoft/check_tenants",
        "doj_antitrust/raid_shells",
    }
    assert len(acted & answers) >= 2
