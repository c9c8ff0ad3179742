"""S5, law and regulators: each body has evidence, staff and a clock of its own; what a court weighs is computed."""

from datetime import date
from functools import cache
from typing import Any

import pytest

from orchestrator.core.law import Law
from tests.scenarios.takeoff.alone import World, only, takeoff

LIVE: dict[str, Any] = {
    "saas__live": True, "saas__quality": 60, "saas__discount": 60, "saas__share": 30, "doj__evidence": 6,
    "commission__evidence": 6, "commission__fine": 3,
}  # fmt: skip


def sued(seed: int, law: Law | None = None, **more: Any) -> World:
    """A world in which the Division sues, up to the end of the case."""
    world = World(seed, law, **{**LIVE, **more}).go(1, doj_antitrust="sue_google")
    while world.outcome("antitrust_case_1") == "none":
        world.go()
    return world


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_suit_takes_years_through_three_courts(seed: int) -> None:
    world = sued(seed)
    stages = world.entered("antitrust_case_1")
    district, appeal, supreme = (date.fromisoformat(stages[stage]) for stage in ("district", "appeal", "supreme"))
    assert 170 <= (appeal - district).days <= 650
    assert 170 <= (supreme - appeal).days <= 380
    assert world.outcome("antitrust_case_1") in ("no_harm", "harm_found")
    ruled = date.fromisoformat(max(event.to for event in world.of("antitrust_case_1") if "E15" in event.cites))
    assert 80 <= (ruled - supreme).days <= 290
    assert "A23" in world.cited()


@cache
def rulings(**more: Any) -> int:
    """How many of twelve highest courts see no harm, in a world where nothing but the case moves."""
    return sum(sued(seed, only(), **more).outcome("antitrust_case_1") == "no_harm" for seed in range(1, 13))


def test_the_highest_court_counts_price_listing_and_switching() -> None:
    cheap, dear = World(**LIVE), World(**LIVE | {"saas__discount": 0})
    hidden = World(**LIVE, saas__ranked=False)
    stuck = World(**LIVE, saas__switching=0)
    assert cheap["saas.benefit"] > 0.8
    for worse in (dear, hidden, stuck):
        assert worse["saas.benefit"] < cheap["saas.benefit"] - 0.1
    assert rulings() >= 9
    assert rulings(saas__discount=0, saas__ranked=False, saas__switching=0) <= 4


def test_a_ruling_for_google_brings_an_outcry_and_then_a_bill() -> None:
    world = next(one for seed in range(1, 9) if (one := sued(seed)).outcome("antitrust_case_1") == "no_harm")
    deaf = sued(world.state.seed, takeoff("outcry"))
    assert world.said("outcry")
    assert not deaf.said("outcry")
    assert world["congress.heat"] > deaf["congress.heat"] + 10
    assert world["world.reform"] > deaf["world.reform"] + 10
    assert "considers a bill" in " ".join(world.go(3).said("reform_considered"))


def test_cloud_holdings_slow_the_legislators() -> None:
    start: dict[str, Any] = {"world__concern": 60, "congress__heat": 60}
    free, bound = World(**start, congress__stake=0).go(6), World(**start, congress__stake=70).go(6)
    assert free["world.reform"] > bound["world.reform"] * 1.3
    calm = World(law=takeoff("holdings_grow"), **start, world__big_tech=250).go(6)
    assert World(**start, world__big_tech=250).go(6)["congress.stake"] > calm["congress.stake"]


def test_a_fine_and_equal_space_change_nothing_and_a_ban_of_the_place_does() -> None:
    quiet = World(**LIVE).go(9)
    settled = World(**LIVE).go(1, european_commission="proceed_google").go(8)
    banned = World(**LIVE).go(1, european_commission="proceed_google").go(8, european_commission="prohibit_placement")
    assert settled.outcome("eu_case_1") == "no_effect"
    assert settled["saas.equal_space"]
    assert settled["google.cash"] < quiet["google.cash"] - 2
    assert abs(settled["saas.share"] - quiet["saas.share"]) < 1
    assert banned["saas.share"] < quiet["saas.share"] - 5
    assert {"E16", "M24"} <= settled.cited()


def test_the_ruling_turns_on_what_a_mobile_page_shows() -> None:
    def ruling(**more: Any) -> str:
        world = World(**{**LIVE, **more}).go(7, european_commission="proceed_google")
        return " ".join(world.said("eu_case_1"))

    assert "only offer fully visible" in ruling()
    assert "only offer fully visible" not in ruling(saas__fold=False)
    assert "dropped" in ruling(commission__evidence=3, saas__fold=False, saas__share=0, saas__placement=0)


def test_each_body_has_its_own_evidence_staff_and_clock() -> None:
    assert "sue_google" in World(**LIVE).open_to("doj_antitrust")
    assert "sue_google" not in World(**LIVE | {"doj__evidence": 2}).open_to("doj_antitrust")
    assert "sue_google" not in World(**LIVE, doj__staff=20).open_to("doj_antitrust")
    assert "proceed_google" in World(**LIVE | {"doj__staff": 0, "doj__evidence": 0}).open_to("european_commission")
    world = World(**LIVE)
    before = world["doj.staff"]
    world.go(1, doj_antitrust="sue_google")
    assert world["doj.staff"] < before - 20
    budget = {
        rule: {event.to[5:] for event in World().go(4).events if rule in str(event.body())}
        for rule in ("us_budget_year", "eu_budget_year")
    }
    assert budget == {"us_budget_year": {"10-01"}, "eu_budget_year": {"01-01"}}


def test_a_wider_law_makes_harm_likelier() -> None:
    assert rulings(world__widened=True) < rulings()
