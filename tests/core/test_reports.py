"""Reports and false alarms: who is told what, when, and what the event alone says of it."""

from typing import Any

import pytest

from orchestrator.core.events import AnyEvent, ReportArrived, event_from
from orchestrator.core.observe import observe
from orchestrator.core.state import fold
from tests.support.worlds import begun, first_round, law_of, of_kind, opened, play_round, problems, world

NEVER = "alpha.money < 0"


def alarm(**more: Any) -> dict[str, Any]:
    return {"to": "ann", "report": "odd", "says": "odd traffic, {value:.0f}", "value": "alpha.cap", **more}


def arrivals(rule: dict[str, Any], rounds: int = 3, **sections: Any) -> list[ReportArrived]:
    """What arrives in so many rounds of a world with one rule."""
    law = law_of(world(rules={"watch": {"every": "day", **rule}}, **sections))
    state, events = begun(law), list[AnyEvent]()
    for _ in range(rounds):
        happened, state = play_round(law, state)
        events += happened
    return of_kind(events, "report_arrived")


def test_a_report_without_a_chance_of_false_alarm_needs_its_occasion() -> None:
    assert arrivals({"when": NEVER, "tells": alarm()}) == []
    assert len(arrivals({"tells": alarm()}, rounds=1)) == 31


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        ({"when": NEVER, "tells": alarm(false="1")}, 31),
        ({"tells": alarm(when=NEVER, false="1")}, 31),
        ({"becomes": NEVER, "tells": alarm(false="1")}, 31),
        ({"chance": "0", "tells": alarm(false="1")}, 31),
        ({"when": NEVER, "with": {"f": {"first": "firm"}}, "tells": alarm(false="1", value="f.cap")}, 31),
        ({"when": NEVER, "with": {"f": {"first": "firm", "where": "f.money > 900"}}, "tells": alarm(false="1")}, 0),
        ({"becomes": "alpha.money > 0", "tells": alarm(chance="0", false="1")}, 0),
        ({"once": True, "tells": alarm(chance="0", false="1")}, 0),
    ],
)  # fmt: skip
def test_a_false_alarm_comes_where_a_rule_is_looked_at_and_its_occasion_is_not_there(
    rule: dict[str, Any], dates: int
) -> None:
    found = arrivals(rule, rounds=1)
    assert len(found) == dates
    assert all(event.false for event in found)


def test_true_and_false_reports_read_alike_and_only_the_event_tells_them_apart() -> None:
    rule = {"when": "clock.month == 1", "tells": alarm(false="1", lag={"days": 2}, bell=True)}
    law = law_of(world(rules={"watch": {"every": "month", **rule}}))
    state, events = begun(law), list[AnyEvent]()
    for _ in range(3):
        happened, state = play_round(law, state)
        events += happened
    sent, came = of_kind(events, "report_sent"), of_kind(events, "report_arrived")
    assert [event.false for event in sent] == [False, True, True]
    assert [event.false for event in came] == [False, True]
    assert [(event.text, event.bell) for event in came] == [("odd traffic, 10", True)] * 2
    assert state.known["ann"]["odd"].count == 2
    assert len(state.pending) == 1
    notes = [line.text for line in observe(law, opened(law, state), "ann").notebook]
    assert notes == ["odd traffic, 10"] * 2
    assert '"false":true' in came[1].body()
    assert "false" not in came[0].body()
    assert event_from(came[1].body()) == came[1]
    assert fold(events, begun(law)).known == state.known


def test_chances_are_those_that_are_written_and_the_true_reports_dice_stay() -> None:
    rule = {"when": "clock.month > 6", "tells": alarm(chance="0.5", false="0.1")}
    found = arrivals(rule, rounds=12, clock={"rounds": 12})
    true, false = ([event for event in found if event.false is wanted] for wanted in (False, True))
    assert 0.4 < len(true) / 184 < 0.6
    assert 0.04 < len(false) / 181 < 0.16
    plain = arrivals({**rule, "tells": alarm(chance="0.5")}, rounds=12, clock={"rounds": 12})
    assert [event.to for event in plain] == [event.to for event in true]


def test_a_followers_false_alarm_stands_on_the_event_it_follows() -> None:
    rules = {
        "each": {"for": "firm", "every": "month", "emits": {"seen": {"who": "self"}}},
        "heard": {
            "upon": "seen",
            "tells": alarm(when="event.who == alpha", value="event.who.cap", false="1"),
        },
    }
    events, _ = first_round(world(rules=rules))
    assert [(event.value, event.false) for event in of_kind(events, "report_arrived")] == [(10, False), (20, True)]


def test_arithmetic_without_a_result_is_told_of_a_false_alarm_too() -> None:
    rule = {"when": NEVER, "tells": alarm(value="1 / (alpha.cap - alpha.cap)", false="1")}
    events, _ = first_round(world(rules={"watch": {"every": "month", **rule}}))
    assert [event.what for event in of_kind(events, "rule_failed")] == [
        "condition: ZeroDivisionError: division by zero"
    ]


def test_a_chance_is_a_number() -> None:
    (found,) = problems(world(rules={"watch": {"every": "month", "tells": alarm(false="alpha.open")}}))
    assert found == "rules.watch.tells.false: 'alpha.open' is a yes or no, where a number is needed"
