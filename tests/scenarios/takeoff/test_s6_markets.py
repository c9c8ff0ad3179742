"""S6, markets: a counterparty that is better and not fraudulent, seen by one fund that cannot say why it loses."""

from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

TRADING: dict[str, Any] = {
    "secretive_fund__active": True,
    "secretive_fund__experience": 12,
    "secretive_fund__capability": 34,
    "numbers__climb": 0.6,
    "numbers__second_rung": 24,
}
"""The undisclosed fund has just begun to trade in the thinnest market."""
APPS = ("toutiao", "douyin", "tiktok", "twitter", "instagram", "snapchat", "blue_app")
FEEDS: dict[str, Any] = {f"{name}__synthetic": 90 for name in APPS}
HOUSE = {"medallion_risk_team", "medallion_management", "medallion_researchers"}


def markets(world: World) -> list[tuple[str, str]]:
    """(day, market) of each that was entered, in order."""
    return [
        (event.to, happening.params["where"]) for event in world.of("climbs_the_ladder") for happening in event.emits
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_playbook_draws_blanks_where_the_counterparty_is_better(seed: int) -> None:
    world = World(seed, **TRADING).go(2)
    (first,) = [
        name
        for name, held in world.state.values.items()
        if name.startswith("playbook_") and held["place"] == "thin_commodity"
    ]
    assert list(world.entered(first)) == ["questions", "backchannels", "notice", "reassessment"]
    assert world["medallion.diagnosis"] == "better_trader"
    assert world.outcome(first) == "done"


def test_the_playbook_finds_who_is_merely_a_crook() -> None:
    ends = [
        world.outcome(name)
        for world in (World(seed).go(5) for seed in range(1, 5))
        for name, held in world.state.values.items()
        if name.startswith("playbook_") and not held["running"]
    ]
    assert len(ends) > 8
    assert set(ends) <= {"confessed", "named", "convicted"}
    assert World().go(5)["medallion.diagnosis"] == "none"


def test_the_anomaly_is_flagged_at_once_taken_for_front_running_and_private() -> None:
    world = World(**TRADING).go(1)
    entry, market = markets(world)[0]
    (report,) = [e for e in world.events if e.kind == "report_arrived" and e.report == "anomaly" and e.value == 1]
    assert market == "thin_commodity"
    assert report.to == entry
    assert set(report.seats) <= HOUSE
    assert "front-running" in report.text
    playing = [e for e in world.events if e.kind == "report_arrived" and e.report in ("anomaly", "playbook")]
    assert all(set(event.seats) <= HOUSE for event in playing)
    assert not [line for line in world.state.record if "commodity" in line.text]


def test_it_climbs_the_ladder_of_liquidity_with_experience() -> None:
    world = World(**TRADING).go(8)
    entered = markets(world)
    liquid = [world[f"{market}.liquidity"] for _, market in entered]
    assert len(entered) >= 10
    assert liquid == sorted(liquid)
    assert entered[1][0] > entered[0][0]
    assert len(markets(World(**TRADING, law=takeoff("experience_gathers")).go(8))) == 1


def test_a_dozen_follow_within_weeks_at_a_cost_of_a_few_basis_points() -> None:
    keen: dict[str, Any] = {**TRADING, "numbers__climb": 0.7}
    world = World(**keen).go(2)
    days = {market: day for day, market in markets(world)}
    (arrived,) = [e for e in world.events if e.kind == "report_arrived" and e.report == "dozen"][:1]
    assert arrived.to == days["coffee"]
    assert len([day for day, _ in markets(world) if days["second_commodity"] < day <= days["coffee"]]) >= 10
    lost = [
        change.value
        for event in world.events
        if event.to < days["coffee"]
        for change in event.changes
        if (change.entity, change.variable) == ("medallion", "losses")
    ]
    assert max(lost) < 10


def test_disclosed_neutral_funds_lose_while_the_market_rises() -> None:
    start: dict[str, Any] = {**TRADING, **FEEDS, "secretive_fund__experience": 60}
    world = World(**start).go(8)
    idle: dict[str, Any] = {**start, "secretive_fund__active": False}
    without = World(**idle).go(8)
    assert world["world.neutral"] < 95 < without["world.neutral"]
    assert world["world.sp500"] > 130
    assert world["medallion.losses"] > 10 > without["medallion.losses"]


def test_opacity_guards_a_signal_and_hides_a_fault() -> None:
    def analysed(opacity: float) -> int:
        found = [
            World(seed, medallion__diagnosis="better_trader", medallion__opacity=opacity).go(
                1, medallion_risk_team="analyse_market"
            )
            for seed in range(1, 16)
        ]
        return sum(world["medallion.clues"] > 0 for world in found)

    assert analysed(0) > analysed(100) + 2
    open_, closed = (World(medallion__opacity=opacity).go(6)["medallion.edge"] for opacity in (0, 80))
    assert open_ < closed - 10


@pytest.mark.parametrize("sign", ["market_body__frozen", "market_body__halted"])
def test_authority_stops_the_climb(sign: str) -> None:
    start: dict[str, Any] = {**TRADING, sign: True}
    assert markets(World(law=takeoff("halt_lifted"), **start).go(3)) == []


def test_the_index_follows_a_few_companies_and_doubles_within_a_year_of_a_rush() -> None:
    rich: dict[str, Any] = {
        **FEEDS,
        "saas__share": 60,
        "saas__live": True,
        "world__big_tech": 250,
        "world__sp500": 190,
        "numbers__repricing": 0.7,
    }
    rush = World(**rich, law=takeoff("market_jitters")).go(7)
    calm = World(**rich, law=takeoff("repricing_begins", "market_jitters")).go(7)
    assert rush["world.sp500"] > 1.4 * calm["world.sp500"]
    assert rush.said("index_doubles")
    assert World(**rich, numbers__index_weight=0, law=takeoff("market_jitters")).go(3)["world.sp500"] < 110
