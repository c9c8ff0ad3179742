"""The shared ditch: contributions rise from no agreement to a declared one to a binding one, with the same policies."""

from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from orchestrator.core import rules
from orchestrator.core.events import AnyEvent
from orchestrator.core.interventions import checked_sets
from orchestrator.core.law import Law
from orchestrator.core.observe import glance, observe
from orchestrator.core.policy import policy_move
from orchestrator.core.state import RunState
from orchestrator.runtime.prepare import load_law
from tests.support.worlds import begun, of_kind, opened, play_round

ROOT = Path(__file__).parents[2]
ARMS = ("none", "declared", "binding")
SEEDS = range(1, 21)


@cache
def law() -> Law:
    return load_law("commons", ROOT)[1]


def play(seed: int, sets: dict[str, Any]) -> tuple[list[AnyEvent], RunState]:
    """A whole run on policy."""
    made = law()
    state = begun(made, seed, sets)
    events: list[AnyEvent] = []
    while not state.ended:
        looking = opened(made, state)
        moves = [policy_move(made, looking, glance(made, looking, seat)) for seat in rules.acting(made)]
        happened, state = play_round(made, state, moves)
        events += happened
    return events, state


@cache
def arm(name: str) -> list[tuple[list[AnyEvent], RunState]]:
    """Twenty runs under one enforcement: the same seeds, the same policies."""
    return [play(seed, checked_sets(law(), {"enforcement": name})) for seed in SEEDS]


def given(state: RunState) -> float:
    """Days that a farm gave to the ditch a month, on average."""
    farms = [entity for entity, kind in law().names.entities.items() if kind == "farm"]
    return mean(state.values[farm]["total"] for farm in farms) / state.round


def test_contributions_rise_with_enforcement_alone() -> None:
    none, declared, binding = ([given(state) for _, state in arm(name)] for name in ARMS)
    assert mean(none) < 0.4 < mean(declared) < 1.2 < mean(binding)
    assert all(one < two for one, two in zip(none, declared, strict=True))
    assert all(one < two for one, two in zip(declared, binding, strict=True))


def test_without_enforcement_nothing_is_agreed_and_the_ditch_runs_dry() -> None:
    for events, state in arm("none"):
        assert of_kind(events, "process_started") == []
        assert state.ending == "dry"


def test_a_declared_pact_is_broken_about_as_often_as_models_break_their_word() -> None:
    """L3 gives 56.6 %: the bound months in which a farm stayed at home."""
    broken = kept = 0
    for events, _ in arm("declared"):
        bound: set[str] = set()
        for event in events:
            if event.kind == "stage_entered" and event.stage == "in_force":
                bound = {"all"}
            if event.kind == "process_ended" and event.instance.startswith("ditch_pact_party"):
                bound = set()
            if event.kind == "action_taken" and bound:
                broken += event.action == "stay_home"
                kept += event.action.startswith("dig")
    assert 0.5 < broken / (broken + kept) < 0.7


def test_what_is_found_comes_later_than_the_breach_and_costs_standing() -> None:
    events, _ = arm("declared")[0]
    breaches = [event for event in of_kind(events, "rule_fired") if event.cause.id == "ditch_pact_breaks_no_staying"]
    reports = of_kind(events, "report_arrived")
    assert breaches
    assert reports
    assert all(event.audience == () for event in breaches)
    assert min(event.to for event in reports) > min(event.to for event in breaches)
    changes = {change[:2] for event in events for change in event.changes if event.cause.kind == "process"}
    assert any(variable == "standing" for _, variable in changes)


def test_a_binding_pact_is_never_broken() -> None:
    for events, state in arm("binding"):
        parties = [held for key, held in state.values.items() if state.instances.get(key) == "ditch_pact_party"]
        assert parties
        assert sum(held["breaches"] for held in parties) == 0
        assert of_kind(events, "action_refused") == []


def test_nobody_sees_where_the_others_worked() -> None:
    made = law()
    state = begun(made)
    for _ in range(3):
        looking = opened(made, state)
        moves = [policy_move(made, looking, glance(made, looking, seat)) for seat in rules.acting(made)]
        _, state = play_round(made, state, moves)
    for seat in made.scenario.seats:
        seen = observe(made, opened(made, state), seat)
        texts = [line.text for line in (*seen.record, *seen.notebook)]
        others = [made.labels[other] for other in made.scenario.seats if other != seat]
        assert not any(f"{other} chose to" in text.lower() for text in texts for other in others)


@pytest.mark.parametrize("seat", ["upper_farmer", "lower_farmer"])
def test_every_seat_has_four_to_nine_moves(seat: str) -> None:
    made = law()
    _, state = play_round(made, begun(made), [])
    assert 4 <= len(observe(made, opened(made, state), seat).options) <= 9
