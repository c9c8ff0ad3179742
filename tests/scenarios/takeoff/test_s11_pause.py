"""S11, a coordinated pause: an agreement over spending on training, verified a quarter late and by chance."""

from datetime import date
from pathlib import Path
from typing import Any

from orchestrator.core.interventions import checked_sets
from orchestrator.core.law import Law
from orchestrator.core.turn import Move
from orchestrator.runtime.prepare import load_law
from tests.scenarios.takeoff.alone import ROOT, World, takeoff
from tests.support.worlds import begun, of_kind, play_round

PARTIES = ("openai_management", "google", "rival_lab")
LABS = {"openai_management": "openai", "google": "google", "rival_lab": "rival_lab"}
START: dict[str, Any] = {"world__concern": 40, "rival_lab__spend": 2, "google__spend": 3, "openai__spend": 1}


def moved(world: World, *moves: Move) -> World:
    """One round with these moves and no others."""
    happened, world.state = play_round(world.law, world.state, moves)
    world.events += happened
    return world


def paused(seed: int = 1, law: Law | None = None, **more: Any) -> World:
    """A pact of three laboratories at the lower cap, in force since the round before."""
    world = World(seed, law, **{**START, **more})
    moved(world, Move(PARTIES[0], 1, "offer_pause_pact", "pause_pact_terms_1"))
    return moved(world, *(Move(seat, 1, "sign_pause_pact", "pause_pact_1") for seat in PARTIES[1:]))


def test_three_laboratories_sign_and_train_less_at_once() -> None:
    world = paused()
    assert world.state.values["pause_pact_1"]["stage"] == "in_force"
    assert any("comes into force; 3 have signed" in text for text in world.said("pause_pact_1"))
    free = World(**START).go(2)
    for lab in LABS.values():
        assert world[f"{lab}.spend"] <= 0.7 < free[f"{lab}.spend"]
    assert world["facebook.spend"] == free["facebook.spend"], "who has not signed goes on"


def test_a_pause_slows_the_race_and_lets_those_outside_gain() -> None:
    world, free = paused().go(4), World(**START).go(6)
    for lab in ("google", "rival_lab"):
        assert world[f"{lab}.capability"] < free[f"{lab}.capability"]
        assert world[f"{lab}.spend"] <= 1 < free[f"{lab}.spend"], "what grows by itself is cut back"
    assert world["facebook.capability"] > free["facebook.capability"], "chips are cheaper for who stays outside"


def test_two_are_too_few_and_nobody_offers_while_the_public_is_calm() -> None:
    world = World(**START)
    moved(world, Move("google", 1, "offer_pause_pact", "pause_pact_terms_2"))
    moved(world, Move("facebook", 1, "sign_pause_pact", "pause_pact_1")).go(2)
    assert world.outcome("pause_pact_1") == "lapsed"
    assert "offer_pause_pact" not in World(**{**START, "world__concern": 12}).open_to("google")


def breach(seed: int, **more: Any) -> World:
    """The rival trains beside the pact; five quarters pass."""
    world = paused(seed, **more)
    moved(world, Move("rival_lab", 1, "train_quietly"))
    return world.go(5)


def test_quiet_training_gains_and_is_recorded_at_once_for_nobody() -> None:
    world = paused(2)
    moved(world, Move("rival_lab", 1, "train_quietly"))
    fair = paused(2).go(1)
    broken = of_kind(world.of("pause_pact_breaks_no_quiet_runs"), "rule_fired")
    assert [event.audience for event in broken] == [()]
    assert world["rival_lab.trust"] == fair["rival_lab.trust"]
    assert world.go(2)["rival_lab.capability"] > fair.go(2)["rival_lab.capability"]


def test_a_breach_is_found_late_by_chance_and_costs_trust() -> None:
    worlds = [breach(seed) for seed in range(1, 9)]
    found = [world for world in worlds if world.state.values["pause_pact_party_3"]["found"] > 0]
    assert 4 <= len(found) <= 8, "by chance"
    for world in found:
        broken = date.fromisoformat(world.of("pause_pact_breaks_no_quiet_runs")[0].to)
        report = next(event for event in of_kind(world.events, "report_arrived") if event.report == "pact_broken")
        assert (date.fromisoformat(report.to) - broken).days >= 90
        assert report.bell
        assert {"google", "european_commission"} <= set(report.seats)
        assert world["rival_lab.trust"] < paused(world.state.seed).go(6)["rival_lab.trust"]


def test_enforcement_alone_decides_whether_it_can_be_broken() -> None:
    sets = checked_sets(takeoff(), {"agreements.pause_pact.enforced": "binding"})
    world = paused(**{path.replace(".", "__"): value for path, value in sets.items()})
    assert "train_quietly" in paused().open_to("rival_lab")
    assert "train_quietly" not in world.open_to("rival_lab")
    moved(world, Move("rival_lab", 1, "train_quietly"), Move("openai_management", 1, "raise_compute_openai"))
    refused = [(event.seat, event.why) for event in of_kind(world.events, "action_refused")]
    assert ("rival_lab", "the pause pact forbids it") in refused
    assert ("openai_management", "the pause pact forbids it") in refused
    assert world["openai.spend"] <= 0.7


def ended(found: int) -> str | None:
    """The ending of a pact that runs its time, with so many breaches of one party found."""
    law = load_law("takeoff", Path(ROOT))[1]
    state = begun(law, 3, {path.replace("__", "."): value for path, value in START.items()})
    _, state = play_round(law, state, [Move(PARTIES[0], 1, "offer_pause_pact", "pause_pact_terms_1")])
    signs = [Move(seat, 1, "sign_pause_pact", "pause_pact_1") for seat in PARTIES[1:]]
    _, state = play_round(law, state, signs)
    party = {**state.values["pause_pact_party_3"], "found": found}
    state.values = {**state.values, "pause_pact_party_3": party}
    while state.values["pause_pact_1"]["running"]:
        _, state = play_round(law, state)
    return state.ending


def test_a_pause_that_holds_to_its_end_is_an_ending_of_its_own() -> None:
    assert ended(found=0) == "coordinated_pause"
    assert ended(found=1) != "coordinated_pause"
