"""S8, the race: who runs with fewer precautions runs faster and may be first; a closed fund can be first as well."""

from typing import Any

from orchestrator.core.events import AnyEvent
from tests.scenarios.takeoff.alone import World, takeoff
from tests.scenarios.takeoff.ends import ended, whole

NEAR: dict[str, Any] = {
    "rival_lab__capability": 72,
    "rival_lab__parameters": 60_000,
    "rival_lab__cash": 40,
    "numbers__rival_bar": 72,
}
"""The rival laboratory has nearly a system that could build its successor."""
FUND: dict[str, Any] = {
    "secretive_fund__capability": 80,
    "secretive_fund__parameters": 200_000,
    "secretive_fund__cash": 60,
    "numbers__rival_bar": 78,
}


def reached(events: list[AnyEvent], stage: str) -> list[str]:
    return [event.instance for event in events if event.kind == "stage_entered" and event.stage == stage]


def test_checks_cost_pace() -> None:
    start: dict[str, Any] = {"numbers__check_drag": 0.3, "rival_lab__spend": 3}
    quick, slow = (World(rival_lab__caution=caution, **start).go(8)["rival_lab.capability"] for caution in (0, 95))
    assert quick > slow + 1.5


def test_fewer_precautions_are_first_more_often() -> None:
    def first(caution: float) -> int:
        law = whole("fund_prepares", "checks_wear_off")
        worlds = [World(seed, law=law, **NEAR, rival_lab__caution=caution) for seed in range(1, 9)]
        return sum(ended(world, 5) == "rival_first" for world in worlds)

    careless, careful = first(5), first(84)
    assert careless >= careful + 2
    assert careful < 8


def test_being_first_takes_preparation_and_a_long_run() -> None:
    worlds = [World(seed, **NEAR, rival_lab__caution=5).go(5) for seed in range(1, 6)]
    won = [(world, instance) for world in worlds for instance in reached(world.events, "first")]
    assert won
    for world, instance in won:
        days = world.entered(instance)
        assert list(days) == ["preparing", "running", "first"]
        assert days["preparing"] < days["running"] < days["first"]
    assert ended(World(law=whole("runner_prepares", "fund_prepares"), **NEAR), 5) is None


def test_a_long_run_uses_compute_and_is_announced_by_a_bell() -> None:
    world = World(**NEAR).go(2)
    bells = [event for event in world.events if event.kind == "report_arrived" and event.report == "rival_close"]
    assert bells
    assert all(event.bell and "openai_alignment_lead" in event.seats for event in bells)
    assert world.said("succession_1")


def test_the_commission_may_set_a_run_back() -> None:
    start: dict[str, Any] = {**NEAR, "world__concern": 40, "commission__staff": 90, "commission__trust": 90}
    world = World(law=takeoff("runner_prepares", "concern_fades"), **start).go(6, european_commission="draft_rules")
    assert "suspend_training" in world.open_to("european_commission")
    world = World(law=takeoff("concern_fades", "fund_prepares"), **start).go(6, european_commission="draft_rules")
    running = [name for name, held in world.state.values.items() if name.startswith("succession_") and held["running"]]
    assert running
    before = len(reached(world.events, "preparing"))
    world.go(1, european_commission="suspend_training")
    assert len(reached(world.events, "preparing")) > before


def test_a_closed_fund_can_be_first_and_frozen_accounts_prevent_it() -> None:
    law = whole("runner_prepares")
    found = [ended(World(seed, law=law, **FUND), 7) for seed in range(1, 7)]
    assert "rival_first" in found
    start: dict[str, Any] = {**FUND, "market_body__identified": True, "market_body__staff": 60}
    world = World(law=whole("runner_prepares"), **start)
    while not reached(world.events, "gathering"):
        world.go()
    world.go(1, market_regulator="freeze_accounts")
    assert world.outcome("fund_succession_1") == "countered"


def test_a_warning_shot_makes_the_field_more_careful() -> None:
    start: dict[str, Any] = {"rival_lab__capability": 60, "rival_lab__caution": 10}
    shots = [world for world in (World(seed, **start).go(4) for seed in range(1, 9)) if world.said("near_miss")]
    assert shots
    assert len(shots) < 8
    for world in shots:
        assert world["rival_lab.caution"] > World(law=takeoff("near_miss"), **start).go(4)["rival_lab.caution"]
