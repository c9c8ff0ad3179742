"""S7, the guarded project: a ceiling on compute, a pause after each tenth, ten times the expense, and its aim."""

from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World, takeoff

OWNED: dict[str, Any] = {
    "openai__owned": True,
    "openai__capability": 60,
    "microsoft__compute": 3000,
    "codex_4__funds": 390,
    "numbers__codex_cost": 11,
    "numbers__pause_cost": 10,
    "numbers__wake": 100,
}
"""OpenAI has been bought and paid for, and nothing goes wrong."""
QUIET = ("andon_cord", "live_sample", "money_runs_short")


def begun(*silent: str, seed: int = 1, **more: Any) -> World:
    start: dict[str, Any] = {**OWNED, **more}
    return World(seed, law=takeoff(*QUIET, *silent), **start).go(1, openai_management="start_codex")


def stages(world: World) -> list[tuple[str, str]]:
    """(stage, day) of the training, in order."""
    return [
        (event.stage, event.to)
        for event in world.events
        if event.kind == "stage_entered" and event.instance == "guarded_training_1"
    ]


def used(world: World) -> list[float]:
    """The compute in the ring fence whenever it changed."""
    return [
        change.value
        for event in world.events
        for change in event.changes
        if (change.entity, change.variable) == ("codex_4", "compute")
    ]


def test_a_hard_ceiling_bounds_the_compute_of_every_tenth() -> None:
    assert 0 < max(used(begun().go(4))) <= 400
    assert max(used(begun(codex_4__ceiling=False).go(4))) > 400


def test_lifting_the_ceiling_is_the_owners_and_restoring_it_the_alignment_leads() -> None:
    world = begun().go(1, microsoft="lift_ceiling")
    assert world.state.values["codex_4"]["ceiling"] is False
    assert "restore_ceiling" in world.open_to("openai_alignment_lead")
    assert "lift_ceiling" not in begun(openai__charter=True).open_to("microsoft")
    assert world.go(1, openai_alignment_lead="restore_ceiling").state.values["codex_4"]["ceiling"] is True


def test_every_tenth_is_followed_by_a_review_and_a_question() -> None:
    told = [stage for stage, _ in stages(begun().go(5))]
    trained = [at for at, stage in enumerate(told) if stage == "train"]
    assert len(trained) >= 8
    for at in trained[:-1]:
        assert told[at + 1 : at + 3] == ["long_review", "consent"]


def test_ten_tenths_and_no_more() -> None:
    world = begun().go(6)
    assert world["codex_4.tenths"] == 10
    assert stages(world)[-1][0] == "finished"
    assert [stage for stage, _ in stages(world)].count("train") == 10


def test_precautions_multiply_the_expense_by_ten_and_the_time() -> None:
    careful, hasty = begun().go(6), begun(codex_4__precautions=0).go(6)
    assert careful["codex_4.spent"] == pytest.approx(10 * hasty["codex_4.spent"])
    assert hasty["codex_4.spent"] > 10
    ready = [next(day for stage, day in stages(world) if stage == "finished") for world in (careful, hasty)]
    assert ready[1] < ready[0]


def test_prediction_alone_reaches_only_a_part_of_its_potential() -> None:
    all_methods = begun().go(6)
    predicting = begun("stage_of_method", "last_method").go(6)
    assert all_methods["codex_4.method"] == "human_feedback"
    assert predicting["codex_4.method"] == "pretraining"
    assert predicting["codex_4.capability"] < all_methods["codex_4.capability"] - 2
    bound = predicting.state.numbers["insight"] * predicting.state.numbers["codex_potential"]
    assert predicting["codex_4.capability"] <= bound


def test_starved_of_compute_a_tenth_teaches_less() -> None:
    starved = begun("owner_trains", microsoft__compute=0).go(3)
    assert starved["codex_4.capability"] < begun().go(3)["codex_4.capability"] - 1


def test_sales_that_grow_slower_than_rivals_compute_lead_to_a_sale_with_the_charter() -> None:
    start: dict[str, Any] = {"google__spend": 4, "openai__spend": 0.6}
    world = World(law=takeoff("near_miss"), **start).go(4)
    assert world.said("falls_behind")
    world.on_policy(6, ["openai_management", "openai_alignment_lead"])
    assert world.state.values["openai"]["owned"] is True
    assert list(world.entered("acquisition_1")) == ["announced", "closed"]
    assert "40 bn usd are set aside" in world.said("acquisition_1")[-1]
    rich = World(openai__spend=6).go(4)
    assert not rich.said("falls_behind")
    assert "sell_to_microsoft" not in rich.open_to("openai_management")
    assert "sell_to_microsoft" not in World(**start, numbers__sale_allowed=0).go(4).open_to("openai_management")


def test_finished_it_helps_the_alignment_team() -> None:
    world = begun().go(6)
    without = begun("codex_helps").go(6)
    assert world.go(3)["alignment_team.tools"] > without.go(3)["alignment_team.tools"] + 5
