"""S1, the scaling law: simple architectures at scale, wide data, and compute at a price that a shortage raises."""

from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

EQUAL: dict[str, Any] = {
    "openai__parameters": 300,
    "openai__capability": 20,
    "openai__compute": 400,
    "openai__spend": 3,
}
"""OpenAI with enough compute to come near what its architecture and its data allow."""


def test_the_simpler_architecture_wins_at_scale() -> None:
    plain = World(**EQUAL, openai__simplicity=1.0).go(10)
    clever = World(**EQUAL, openai__simplicity=0.6).go(10)
    assert plain["openai.capability"] > clever["openai.capability"] + 6


def test_a_clever_architecture_helps_only_while_models_are_small() -> None:
    def potential(parameters: float, simplicity: float) -> float:
        return World(openai__parameters=parameters, openai__simplicity=simplicity)["openai.potential"]

    assert potential(2, 0.6) > potential(2, 1.0)
    assert potential(20_000, 1.0) > potential(20_000, 0.6) + 20


def test_the_lesson_narrows_the_gap_and_who_learned_it_first_leads_early() -> None:
    world = World()
    gap = world["openai.simplicity"] - world["facebook.simplicity"]
    world.go(8)
    assert world["openai.simplicity"] - world["facebook.simplicity"] < gap / 1.5
    assert world["rival_lab.spend"] > World(law=takeoff("early_edge")).go(8)["rival_lab.spend"]
    assert World(law=takeoff("lesson_sinks_in")).go(8)["facebook.simplicity"] < world["facebook.simplicity"]


def test_cleaning_hardly_matters_and_diversity_does() -> None:
    def limited(**start: Any) -> float:
        full: dict[str, Any] = {"openai__parameters": 50_000, "openai__compute": 20_000, "openai__capability": 5}
        return World(**full, **start).go(6)["openai.capability"]

    usual = limited()
    assert abs(limited(openai__cleaning=0) - limited(openai__cleaning=1)) < 1.5
    assert usual - limited(openai__diversity=0.2) > 8


def test_a_quadrillion_trivial_games_teach_less_than_a_little_of_everything() -> None:
    games = World(openai__data=1000, openai__diversity=0.0)["openai.data_limit"]
    words = World(openai__data=20, openai__diversity=0.9)["openai.data_limit"]
    assert games < words - 20


@pytest.mark.parametrize("months", [4, 12])
def test_the_shortage_raises_the_price_and_clears_within_about_a_year(months: int) -> None:
    world = World(numbers__shortage_months=months)
    prices = [world["chips.price"]]
    assert prices[0] > 115
    prices += [world.go()["chips.price"] for _ in range(5)]
    assert world["chips.shortage"] == 0
    assert min(prices[:2]) > prices[-1]
    (day,) = [event.to for event in world.of("shortage_is_over") if event.text]
    assert day <= "2024-07-31"


def test_a_longer_shortage_slows_every_laboratory() -> None:
    short, long = (World(numbers__shortage_months=months).go(5) for months in (3, 24))
    for lab in ("openai", "google", "rival_lab"):
        assert long[f"{lab}.capability"] < short[f"{lab}.capability"]


def test_compute_comes_from_the_chip_makers_and_is_used_up() -> None:
    starved = World(law=takeoff("fab_delivers")).go(8)
    assert starved["google.compute"] < 1
    assert starved["google.capability"] < World().go(8)["google.capability"] - 5
