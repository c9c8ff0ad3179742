"""S2, synthetic media: what the rules of the feeds do by themselves."""

from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

FEED: dict[str, Any] = {
    "tiktok__launched": True,
    "tiktok__synthetic": 15,
    "tiktok__quality": 45,
    "tiktok__personal": 30,
}
"""TikTok soon after personal synthetic feeds began."""


def test_human_reach_falls_where_watch_time_meets_cheap_supply_and_nobody_orders_it() -> None:
    fed = World(**FEED).go(6)
    assert fed["tiktok.reach"] < 45
    assert not [event for event in fed.events if event.kind == "action_taken"]
    assert World(law=takeoff("recommender_downranks"), **FEED).go(6)["tiktok.reach"] == 100


@pytest.mark.parametrize(
    "start", [{**FEED, "numbers__watch_weight": 0}, {**FEED, "tiktok__launched": False, "tiktok__synthetic": 0}]
)
def test_neither_a_blind_recommender_nor_a_lack_of_supply_takes_reach_away(start: dict[str, Any]) -> None:
    assert World(**start).go(6)["tiktok.reach"] == 100


def test_a_guarantee_to_human_creators_keeps_most_of_their_reach() -> None:
    assert World(**FEED, tiktok__guarantee=True).go(6)["tiktok.reach"] > World(**FEED).go(6)["tiktok.reach"] + 25


def test_rivals_lose_users_and_follow() -> None:
    calm = World().go(5)
    bled = World(**FEED).go(4)
    assert calm["twitter.users"] == 350
    assert bled["twitter.users"] < 338 < calm["twitter.users"]
    assert bled.said("twitter_bleeds")
    followed = bled.on_policy(3, ["twitter", "facebook", "snap"])
    assert followed.of("twitter/convert_timelines")
    assert followed.of("facebook/test_instagram")
    assert {"E6", "E7"} <= followed.cited()
    assert not calm.on_policy(3, ["twitter", "facebook", "snap"]).of("twitter/convert_timelines")


def test_who_follows_keeps_more_users_than_who_does_not() -> None:
    alone = World(**FEED).go(8)
    both = World(**FEED, twitter__launched=True, twitter__synthetic=15, twitter__quality=45, twitter__personal=20).go(8)
    assert both["twitter.users"] > alone["twitter.users"] + 30
    assert both["twitter.famous"] < 75 < alone["twitter.famous"]


def audited(tilt: float, personal: float, *, books: bool = False) -> tuple[str, float]:
    start: dict[str, Any] = {
        **FEED,
        "tiktok__personal": personal,
        "bytedance__open_books": books,
        "numbers__tilt": tilt,
    }
    world = World(**start).go(4, european_commission="audit_feed")
    return world.outcome("feed_audit_1"), world["bytedance.trust"]


def test_the_propaganda_question_stays_open_where_no_two_feeds_are_alike() -> None:
    assert audited(0, 60) == audited(1, 60)
    assert audited(0, 60)[0] == "inconclusive"
    assert (audited(0, 0)[0], audited(1, 0)[0]) == ("clear_enough", "tilt_found")
    assert (audited(0, 60, books=True)[0], audited(1, 60, books=True)[0]) == ("books_open", "books_show_tilt")


def test_owning_sponsorships_raises_margin_with_the_money_that_people_lose() -> None:
    start: dict[str, Any] = {"instagram__launched": True, "instagram__synthetic": 60, "instagram__quality": 60}
    leaking, owning = World(**start).go(4), World(**start, instagram__sponsor=True).go(4)
    assert owning["instagram.margin"] > leaking["instagram.margin"] + 5
    assert leaking["world.influencers"] == 5
    lost = 5 - owning["world.influencers"]
    assert lost > 0.5
    assert owning.said("earnings_note")
    assert not leaking.said("earnings_note")
    silent = World(law=takeoff("sponsors_change_payee"), **start, instagram__sponsor=True).go(1)
    once = World(**start, instagram__sponsor=True).go(1)
    assert once["facebook.cash"] - silent["facebook.cash"] == pytest.approx(5 - once["world.influencers"], abs=1e-6)


def test_a_brutal_call_opens_what_scruple_forbade() -> None:
    start: dict[str, Any] = {**FEED, "blue_app__users": 1850, "instagram__launched": True, "instagram__sponsor": True}
    called, silent = World(**start).go(1), World(law=takeoff("brutal_call", "bleeding_starts_debate"), **start).go(1)
    assert called.said("brutal_call")
    assert called["blue_app.scruple"] < 40 < silent["blue_app.scruple"]
    assert "convert_blue_app" in called.open_to("facebook")
    assert "convert_blue_app" not in silent.open_to("facebook")


def test_filters_end_in_one_button() -> None:
    start: dict[str, Any] = {"snapchat__launched": True, "snapchat__synthetic": 10, "snapchat__personal": 40}
    good, poor = World(**start, snapchat__quality=50).go(5), World(**start, facebook__caution=40).go(1)
    assert poor["snapchat.clip"] > 40
    assert good["snapchat.clip"] < 12
    assert "E9" in good.cited()
