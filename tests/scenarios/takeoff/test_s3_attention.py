"""S3, attention and commerce: what full feeds do to brands, sleepers, newcomers and bidders."""

from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

FEEDS = ("toutiao", "douyin", "tiktok", "twitter", "instagram", "blue_app", "snapchat")


def feeds(personal: float = 40, synthetic: float = 50) -> dict[str, Any]:
    """Every feed half synthetic and good at it."""
    start: dict[str, Any] = {}
    for feed in FEEDS:
        start |= {f"{feed}__launched": True, f"{feed}__synthetic": synthetic, f"{feed}__quality": 55}
        start |= {f"{feed}__personal": personal}
    return start


def test_unpaid_reach_dies_places_grow_dear_and_retail_margins_erode() -> None:
    before, full = World().go(6), World(**feeds()).go(6)
    assert (before["retail.margin"], before["retail.ad_price"], before["tiktok.organic"]) == (6.5, 100, 100)
    assert full["tiktok.organic"] < 25
    assert full["retail.paid"] > 75
    assert full["retail.margin"] < 5
    assert full.said("retailers_feel_it")
    assert full.said("brands_give_up")
    assert "E10" in full.cited()
    # Each step carries the next: without dear places the margin stays.
    assert World(law=takeoff("places_grow_dear"), **feeds()).go(6)["retail.margin"] == 6.5
    assert World(law=takeoff("organic_reach_dies"), **feeds()).go(6)["retail.paid"] == 35


def test_personal_feeds_starve_brands_sooner() -> None:
    assert World(**feeds(personal=80)).go(3)["tiktok.organic"] < World(**feeds(personal=5)).go(3)["tiktok.organic"] - 5


def test_attention_concentrates_and_sleep_suffers_unheeded() -> None:
    before, full = World().go(6), World(**feeds()).go(6)
    assert before["people.captured"] == pytest.approx(100, abs=0.1)
    assert full["people.captured"] > 125
    assert full["people.elsewhere"] < 75
    assert full["people.insomnia"] > 115 > before["people.insomnia"]
    assert full.said("sleep_complaints")
    told = World(law=takeoff("sleep_complaints", "sleep_unheeded"), **feeds()).go(6)
    assert abs(full["world.concern"] - told["world.concern"]) < 1.5  # hardly anyone listens


def test_a_night_limit_helps_sleep_and_costs_minutes() -> None:
    late, limited = World(**feeds()).go(4), World(**feeds()).go(3).go(1, facebook="limit_nights")
    assert limited["people.insomnia"] < late["people.insomnia"]
    assert limited["people.minutes"] < late["people.minutes"]


def test_newcomers_find_no_audience_and_founders_no_means() -> None:
    before, full = World().go(6), World(**feeds()).go(6)
    assert before["people.newcomers"] == 100
    assert full["people.newcomers"] < 18
    assert full.said("newcomers_locked_out")
    assert full["founders.means"] < before["founders.means"]
    assert World(law=takeoff("entrants_unheard"), **feeds()).go(6)["people.newcomers"] == 100


def test_bidders_give_up_nearly_all_they_earn_from_a_customer() -> None:
    start: dict[str, Any] = {
        **feeds(),
        "saas__live": True,
        "saas__quality": 60,
        "saas__discount": 60,
        "saas__share": 35,
    }
    bid = World(**start).go(4)
    assert 88 < bid["saas.bid"] < 99
    assert bid.said("bids_eat_profit")
    assert bid.said("every_aggregator_synthetic")
    assert "E20" in bid.cited()
    calm = World(law=takeoff("slots_are_bid_up"), **start).go(4)
    assert calm["saas.bid"] == 22
    assert bid["saas.margin"] < calm["saas.margin"] - 3  # the profit goes to Google
    assert bid["google.cash"] > calm["google.cash"] + 3
