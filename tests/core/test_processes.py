"""Processes: stages by the clock or by what they need, outcomes, failure, counters, limits."""

from typing import Any

import pytest

from orchestrator.core.events import AnyEvent
from orchestrator.core.state import RunState
from tests.support.worlds import begun, law_of, move, of_kind, play_round, world

ROLES = {"plaintiff": "seat", "defendant": "firm"}
OPEN = {"case": {"plaintiff": "ann", "defendant": "beta"}}


def case(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"label": "the case against {defendant}", "roles": ROLES, "stages": list(stages), **more}


def played(data: dict[str, Any], rounds: int = 1, seed: int = 1) -> tuple[list[AnyEvent], RunState]:
    law = law_of(data)
    state, events = begun(law, seed), list[AnyEvent]()
    for _ in range(rounds):
        happened, state = play_round(law, state)
        events += happened
    return events, state


def court(*stages: dict[str, Any], rules: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A world in which one case begins on 2 January."""
    start = {"on": "01-02", "once": True, "starts": OPEN}
    return world(processes={"case": case(*stages, **more)}, rules={"start": start, **(rules or {})})


def stages(events: list[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.to, event.stage) for event in of_kind(events, "stage_entered")]


def test_stages_end_by_the_clock_and_follow_each_other() -> None:
    first = {"id": "first", "lasts": {"days": 5}, "says": "It begins against {defendant}."}
    second = {"id": "second", "after": ["first"], "lasts": {"days": 7}, "add": {"defendant.x": "2"}}
    events, state = played(court(first, second))
    assert stages(events) == [("2023-01-02", "first"), ("2023-01-07", "second")]
    assert [event.to for event in of_kind(events, "process_ended")] == ["2023-01-14"]
    values = state.values["case_1"]
    assert (values["stage"], values["running"], values["outcome"]) == ("end", False, "done")
    assert (values["plaintiff"], values["defendant"]) == ("ann", "beta")
    assert state.values["beta"]["x"] == 10
    assert not state.due


@pytest.mark.parametrize(
    ("lasts", "due"),
    [
        ({"days": 3}, "2023-01-05"),
        ({"weeks": 1.5}, "2023-01-13"),
        ({"months": 1}, "2023-02-02"),
        ({"months": 1.5}, "2023-02-16"),
        ({"quarters": 1}, "2023-04-02"),
        ({"years": 1}, "2024-01-02"),
        ({"days": 0}, "2023-01-03"),
    ],
)
def test_a_duration_is_a_span_of_the_calendar(lasts: dict[str, Any], due: str) -> None:
    from orchestrator.core.calendar import iso

    events, _ = played(court({"id": "only", "lasts": lasts}))
    assert iso(of_kind(events, "stage_entered")[0].due) == due


def test_a_band_is_drawn_once_when_the_stage_begins() -> None:
    data = court({"id": "only", "lasts": {"days": {"low": 10, "mode": 20, "high": 200}}})
    law = law_of(data)
    due = [of_kind(play_round(law, begun(law, seed))[0], "stage_entered")[0].due for seed in range(40)]
    start = 19359 + 1
    assert all(start + 9 <= day <= start + 201 for day in due)
    assert len(set(due)) > 20


def test_outcomes_are_tried_in_order_and_the_last_takes_the_rest() -> None:
    outcomes = {
        "closed": {"when": "defendant.open", "chance": "0"},
        "guilty": {"chance": "0.5", "set": {"defendant.phase": "busy"}, "says": "Guilty."},
        "free": {"says": "Free."},
    }
    law = law_of(court({"id": "only", "lasts": {"days": 2}, "outcomes": outcomes}))
    found: dict[str, int] = {}
    for seed in range(120):
        _, state = play_round(law, begun(law, seed))
        outcome = state.values["case_1"]["outcome"]
        found[outcome] = found.get(outcome, 0) + 1
        assert (state.values["beta"]["phase"] == "busy") == (outcome == "guilty")
    assert set(found) == {"guilty", "free"}
    assert 40 < found["guilty"] < 80


def test_an_outcome_leads_to_a_stage_or_the_end() -> None:
    first = {"id": "first", "lasts": {"days": 2}, "outcomes": {"appeal": {"next": "second"}}}
    events, state = played(court(first, {"id": "second", "lasts": {"days": 3}, "outcomes": {"settled": {}}}))
    assert stages(events)[-1] == ("2023-01-04", "second")
    assert state.values["case_1"]["outcome"] == "settled"


def test_a_stage_without_a_clock_waits_for_all_it_needs() -> None:
    stage: dict[str, Any] = {
        "id": "only",
        "every": "week",
        "needs": ["alpha.x > 9", "defendant.open"],
        "outcomes": {"met": {}},
    }
    events, state = played(court(stage, rules={"grow": {"every": "week", "add": {"alpha.x": "1"}}}))
    assert state.values["case_1"]["outcome"] == "met"
    assert of_kind(events, "process_ended")[0].to == "2023-01-21"


def test_a_stage_fails_where_its_condition_holds() -> None:
    stage: dict[str, Any] = {"id": "only", "every": "week", "needs": ["false"], "fails_if": "alpha.x > 9"}
    follow = {"upon": "case_ended", "says": "{event.instance} is over: {event.instance.outcome}."}
    rules = {"grow": {"every": "week", "add": {"alpha.x": "1"}}, "follow": follow}
    _, state = played(court(stage, rules=rules))
    assert state.values["case_1"]["outcome"] == "failed"
    assert state.record[-1].text == "The case against Beta is over: failed."


def test_failure_comes_before_a_clock_that_has_not_run_out() -> None:
    stage: dict[str, Any] = {"id": "only", "every": "day", "lasts": {"days": 9}, "fails_if": "clock.month == 1"}
    events, _ = played(court(stage))
    assert of_kind(events, "process_ended")[0].to == "2023-01-03"


def test_started_is_something_to_follow() -> None:
    rule = {"upon": "case_started", "add": {"event.instance.defendant.x": "1"}}
    _, state = played(court({"id": "only"}, rules={"follow": rule}))
    assert state.values["beta"]["x"] == 9


def test_an_instance_is_an_entity_with_variables_of_its_own() -> None:
    rule = {"for": "case", "every": "week", "add": {"self.weight": "1"}, "says": "{self} weighs {self.weight:.0f}"}
    data = court(
        {"id": "only", "every": "month"},
        holds={"weight": {"start": 2}, "double": {"is": "self.weight * 2"}},
        rules={"press": rule},
    )
    _, state = played(data)
    assert state.values["case_1"]["weight"] == 6
    assert state.record[-1].text == "The case against Beta weighs 6"


def test_rules_for_a_process_leave_ended_instances_alone() -> None:
    rule = {"for": "case", "every": "week", "add": {"beta.x": "1"}}
    _, state = played(court({"id": "only", "lasts": {"days": 10}}, rules={"press": rule}))
    assert state.values["beta"]["x"] == 9


def test_one_more_than_the_limit_is_refused_by_event() -> None:
    start = {"every": "week", "starts": OPEN}
    data = world(processes={"case": case({"id": "only", "every": "year"}, limit=2)}, rules={"start": start})
    events, state = played(data)
    assert list(state.instances) == ["case_1", "case_2"]
    assert len(of_kind(events, "process_refused")) == 2


DROP = {"label": "Drop the case", "purpose": "p", "by": "ann"}


@pytest.mark.parametrize(("back", "stage", "outcome"), [("first", "first", "none"), ("end", "end", "countered")])
def test_an_action_counters_a_stage(back: str, stage: str, outcome: str) -> None:
    first = {"id": "first", "lasts": {"days": 2}}
    second = {
        "id": "second",
        "after": ["first"],
        "lasts": {"days": 90},
        "countered_by": {"drop": {"back_to": back, "says": "Thrown back."}},
    }
    law = law_of(court({**first}, second) | {"actions": {"drop": DROP}})
    _, state = play_round(law, begun(law))
    assert state.values["case_1"]["stage"] == "second"
    events, state = play_round(law, state, [move("ann", "drop")])
    assert "Thrown back." in [line.text for line in state.record]
    if back == "first":
        assert [event.stage for event in of_kind(events, "stage_entered")] == ["first", "second"]
    assert state.values["case_1"]["outcome"] == outcome
    assert (state.values["case_1"]["stage"] == stage) == (back == "end")


def test_an_action_without_success_counters_nothing() -> None:
    drop = {**DROP, "chance": "0"}
    stage: dict[str, Any] = {"id": "only", "lasts": {"days": 90}, "countered_by": {"drop": {}}}
    law = law_of(court(stage) | {"actions": {"drop": drop}})
    _, state = play_round(law, begun(law))
    _, state = play_round(law, state, [move("ann", "drop")])
    assert state.values["case_1"]["running"]


def test_an_action_against_one_instance_counters_only_that() -> None:
    drop = {**DROP, "label": "Drop {target}", "target": {"process": "case"}}
    stage: dict[str, Any] = {"id": "only", "lasts": {"days": 90}, "countered_by": {"drop": {}}}
    start = {"starts": OPEN, "every": "month"}
    law = law_of(world(processes={"case": case(stage)}, rules={"start": start}, actions={"drop": drop}))
    _, state = play_round(law, begun(law))
    _, state = play_round(law, state)
    _, state = play_round(law, state, [move("ann", "drop", "case_2")])
    assert [state.values[name]["running"] for name in ("case_1", "case_2")] == [True, False]


def test_sends_moves_an_instance_to_a_stage() -> None:
    rule = {"on": "01-20", "with": {"held": {"first": "case"}}, "sends": {"held": "last"}}
    _, state = played(
        court({"id": "first", "lasts": {"days": 90}}, {"id": "last", "lasts": {"days": 90}}, rules={"push": rule})
    )
    assert state.values["case_1"]["stage"] == "last"
    assert len(state.due) == 1


def test_an_outcome_without_a_value_ends_the_process_as_failed_by_event() -> None:
    outcomes = {"odd": {"chance": "1 / (alpha.cap - 10)"}, "rest": {}}
    events, state = played(court({"id": "only", "lasts": {"days": 2}, "outcomes": outcomes}))
    assert state.values["case_1"]["outcome"] == "failed"
    assert len(of_kind(events, "rule_failed")) == 1
