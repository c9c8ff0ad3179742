"""S4, synthetic software: from a demo to a market, and who is shielded for how long."""

from datetime import date
from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

LIVE: dict[str, Any] = {"saas__live": True, "saas__quality": 50, "saas__discount": 60, "saas__share": 12}
"""The widget some months after its launch."""


def shown(seed: int = 1, *, ordered: bool = True) -> World:
    """A world in which Google prepares its demo in the fourth round, and orders the launch or does not."""
    world = World(seed).go(3).go(1, google="show_demo")
    return world.go(6, google="launch_widget") if ordered else world.go(6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_demo_months_of_silence_and_a_product_a_year_later(seed: int) -> None:
    world = shown(seed)
    stages = world.entered("from_demo_to_product_1")
    demo, dismissed, live = (date.fromisoformat(stages[stage]) for stage in ("silence", "dismissed", "live"))
    assert (demo.month, demo.day) == (5, 14)
    assert 80 <= (dismissed - demo).days <= 160
    assert 300 <= (live - demo).days <= 410
    assert world["saas.discount"] == 60
    assert world["saas.share"] > 3
    told = [event.to for event in world.events if "demo" in event.text and event.audience is None]
    assert [day for day in told if stages["silence"] < day < stages["live"]] == [stages["dismissed"]]
    assert {"E11", "E12", "E13", "N4"} <= world.cited()


def test_without_an_order_nothing_is_launched() -> None:
    world = shown(ordered=False)
    assert not world["saas.live"]
    assert world["saas.share"] == 0
    assert world.state.values["from_demo_to_product_1"]["stage"] == "ready"


@pytest.mark.parametrize(
    "less", [{"saas__discount": 10}, {"saas__quality": 10, "google__capability": 5}, {"saas__placement": 0.3}]
)
def test_discount_quality_and_place_each_pull_business_demand_in(less: dict[str, Any]) -> None:
    full = World(**LIVE).go(2)["saas.share"]
    assert full > 20
    assert 12 <= World(**{**LIVE, **less}).go(2)["saas.share"] < full - 3


def test_generated_apps_improve_every_few_months_until_they_change_themselves() -> None:
    world = World(**LIVE, google__capability=60)
    seen = [world.go()["saas.quality"] for _ in range(8)]
    assert seen == sorted(seen)
    assert seen[-1] > 62
    assert world["saas.selfmod"]
    assert len(world.said("apps_change_themselves")) == 1


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_batch_collapses_in_the_numbers_of_the_source(seed: int) -> None:
    world = World(seed, **LIVE).go(6)
    assert world["saas.accepted"] > 200  # N6
    assert world["saas.pitching"] < 100  # N7
    assert 24 <= world["saas.closed"] <= 48  # N8, a few dozen
    assert world["saas.valuation"] < 15  # N9
    assert world["saas.funding"] < 120
    assert {"N6", "N7", "N8", "N9", "E14"} <= world.cited()


def test_without_a_widget_the_batch_stays_whole() -> None:
    world = World().go(6)
    assert world["saas.pitching"] > 190
    assert world["saas.closed"] > 120
    assert world["saas.valuation"] > 15
    assert not world.said("demo_day")


def test_roll_ups_fall_first_and_lock_in_shields_deep_vendors_at_first() -> None:
    locked, open_ = World(**LIVE).go(5), World(**LIVE, saas__lock_in=10).go(5)
    assert locked["saas.margin"] < 62
    assert locked["saas.rollups"] < 80
    assert locked["saas.deep_margin"] > 73 > open_["saas.deep_margin"] + 4
    assert locked.said("rollups_under_pressure")
    later = World(**LIVE, google__capability=65).go(14)
    assert later["saas.lock_in"] < 55
    assert later["saas.deep_margin"] < 70
    assert later.said("deep_vendors_reached")


def test_vendors_automate_what_costs_them_most() -> None:
    world = World(**LIVE).go(9)
    assert "E17" in world.cited()
    assert world.outcome("crash_program_1") == "none"
    assert world["saas.developers"] < 85
    assert world["saas.automation"] > 25
    kept = World(law=takeoff("salaries_are_cut"), **LIVE).go(9)
    assert kept["saas.developers"] == 100
    assert kept["saas.margin"] < world["saas.margin"]


def test_generated_apps_wait_for_the_release_with_that_number_and_end_disputes() -> None:
    early = World(**LIVE, ios__ordered=True, ios__release=15).go(2)
    late = World(**LIVE, ios__ordered=True, ios__release=18).go(2)
    assert not early["ios.generated"]
    assert late["ios.generated"]
    assert late["ios.release"] == 19  # N10
    assert late["ios.disputes"] < early["ios.disputes"] - 25
    assert {"E18", "N10", "M28"} <= late.cited()


@pytest.mark.parametrize(("developers", "outcome", "walled"), [(100, "wall_falls", False), (55, "fizzles", True)])
def test_a_protest_succeeds_only_while_developers_have_leverage(developers: int, outcome: str, walled: bool) -> None:
    world = World(saas__developers=developers).go(2, github="wall_repositories")
    assert world.outcome("code_protest_1") == outcome
    assert world["code_host.walled"] is walled
    assert "E19" in world.cited()


def test_a_wall_around_code_takes_data_from_rivals_only() -> None:
    wall = World(saas__developers=50).go(1, github="wall_repositories").go(4)
    calm = World(saas__developers=50).go(5)
    assert wall["rival_lab.data"] < calm["rival_lab.data"]
    assert wall["openai.data"] > calm["openai.data"]
