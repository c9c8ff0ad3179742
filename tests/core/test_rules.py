"""When rules fire: beats, dates, conditions that turn, followers, chances, endings."""

from typing import Any

import pytest

from orchestrator.core import rules
from orchestrator.core.calendar import day_number
from orchestrator.core.events import AnyEvent
from orchestrator.core.state import RunState, fold
from tests.support.worlds import begun, first_round, law_of, move, of_kind, play_policy, play_round, world

QUARTER = {"start": "2023-07-01", "step": "quarter", "rounds": 6, "ends": "out"}


def fired(events: list[AnyEvent], rule: str) -> list[str]:
    """The dates on which a rule fired."""
    """The dates of a rule's firings, silent ones (once a date) among them."""
    silent = [event.to for event in of_kind(events, "numbers_moved") if rule in dict(event.rules)]
    return sorted(silent + [event.to for event in of_kind(events, "rule_fired") if event.cause.id == rule])


def rounds(data: dict[str, Any], count: int, seed: int = 1) -> tuple[list[AnyEvent], RunState]:
    law = law_of(data)
    state, events = begun(law, seed), list[AnyEvent]()
    for _ in range(count):
        happened, state = play_round(law, state)
        events += happened
    return events, state


@pytest.mark.parametrize(
    ("when", "dates"),
    [
        ({}, ["2023-09-30"]),
        ({"every": "step"}, ["2023-09-30"]),
        ({"every": "month"}, ["2023-07-31", "2023-08-31", "2023-09-30"]),
        ({"every": "quarter"}, ["2023-09-30"]),
        ({"every": "year"}, []),
        ({"on": "08-15"}, ["2023-08-15"]),
        ({"on": "12-15"}, []),
    ],
)
def test_a_rule_fires_on_its_beats(when: dict[str, Any], dates: list[str]) -> None:
    events, _ = first_round(world(clock=QUARTER, rules={"beat": {**when, "says": "tick"}}))
    assert fired(events, "beat") == dates


def test_days_and_weeks() -> None:
    events, _ = first_round(
        world(rules={"daily": {"every": "day", "says": "d"}, "weekly": {"every": "week", "says": "w"}})
    )
    assert len(fired(events, "daily")) == 31
    assert fired(events, "weekly") == ["2023-01-07", "2023-01-14", "2023-01-21", "2023-01-28"]


def test_when_is_looked_at_on_each_beat() -> None:
    data = world(
        rules={"up": {"add": {"alpha.x": "1"}}, "late": {"when": "alpha.x >= 10", "says": "now"}}, clock={"rounds": 9}
    )
    events, _ = rounds(data, 4)
    assert fired(events, "late") == ["2023-03-31", "2023-04-30"]


def test_becomes_fires_when_it_turns_true_and_again_after_it_was_false() -> None:
    swing = {"set": {"alpha.open": "clock.month % 2 == 0"}}
    data = world(rules={"swing": swing, "turned": {"becomes": "alpha.open", "says": "opened"}}, clock={"rounds": 9})
    events, _ = rounds(data, 5)
    # It is open at the start, so it turns once then; later it is read a month after the swing.
    assert fired(events, "turned") == ["2023-01-31", "2023-03-31", "2023-05-31"]
    assert [event.holds for event in of_kind(events, "condition_turned")] == [True, False, True, False, True]


def test_becomes_is_looked_at_for_each_entity() -> None:
    rule = {"for": "firm", "becomes": "self.cap > 15", "says": "{self} passes"}
    data = world(rules={"grow": {"for": "firm", "add": {"self.cap": "4"}}, "pass": rule}, clock={"rounds": 9})
    _, state = rounds(data, 3)
    assert [(line.round, line.text) for line in state.record] == [(1, "Beta passes"), (3, "Alpha passes")]


def test_was_is_the_value_at_the_start_of_the_round() -> None:
    fall = {"add": {"alpha.x": "-1"}, "every": "week"}
    data = world(rules={"fall": fall, "shrank": {"becomes": "alpha.x < was(alpha.x) * 0.7", "says": "shrank"}})
    events, _ = rounds(data, 1)
    assert fired(events, "shrank") == ["2023-01-31"]


def test_once_is_once_for_each_entity() -> None:
    events, state = rounds(world(rules={"first": {"for": "firm", "once": True, "add": {"self.x": "1"}}}), 3)
    assert len(fired(events, "first")) == 2
    assert state.values["alpha"]["x"] == state.values["beta"]["x"] == 9


def test_with_takes_the_first_that_fits_by_order_and_none_means_no_firing() -> None:
    pick = {"rich": {"first": "firm", "where": "rich.cap < 25", "by": "-rich.cap"}}
    events, state = rounds(world(rules={"take": {"with": pick, "add": {"rich.cap": "15"}}}), 3)
    assert len(fired(events, "take")) == 2
    assert (state.values["alpha"]["cap"], state.values["beta"]["cap"]) == (25, 35)
    assert fired(events, "take") == ["2023-01-31", "2023-02-28"]


def test_upon_follows_on_the_same_date_with_the_parameters() -> None:
    data = world(
        rules={
            "cause": {"on": "01-10", "for": "firm", "emits": {"grew": {"who": "self", "size": "self.cap"}}},
            "effect": {"upon": "grew", "add": {"event.who.x": "event.size"}, "emits": {"echo": {"who": "event.who"}}},
            "second": {"upon": "echo", "when": "event.who == beta", "says": "{event.who} echoes"},
        }
    )
    events, state = first_round(data)
    assert fired(events, "effect") == ["2023-01-10", "2023-01-10"]  # it emits, so each firing is told
    assert (state.values["alpha"]["x"], state.values["beta"]["x"]) == (18, 28)
    assert [line.text for line in state.record] == ["Beta echoes"]


def test_a_follower_reads_what_its_cause_did() -> None:
    data = world(
        rules={
            "cause": {"add": {"alpha.x": "1"}, "emits": {"done": {}}},
            "effect": {"upon": "done", "set": {"beta.x": "alpha.x"}},
        }
    )
    assert first_round(data)[1].values["beta"]["x"] == 9


def test_upon_an_action_knows_seat_actor_target_and_parameters() -> None:
    action = {
        "label": "Hit {target}",
        "purpose": "p",
        "by": "ann",
        "target": {"kind": "firm"},
        "params": {"n": {"low": 1, "high": 3}},
    }
    rule = {"upon": "hit", "add": {"event.target.x": "event.n", "event.actor.x": "1"}, "says": "{event.seat} hit"}
    _, state = first_round(world(actions={"hit": action}, rules={"after": rule}), move("ann", "hit", "beta", n=3))
    assert (state.values["alpha"]["x"], state.values["beta"]["x"]) == (9, 11)
    assert state.record[-1].text == "Ann hit"


def test_a_chain_without_end_is_cut_and_recorded() -> None:
    data = world(
        rules={
            "start": {"on": "01-10", "emits": {"ping": {}}},
            "pong": {"upon": "ping", "add": {"alpha.x": "1"}, "emits": {"ping": {}}},
        }
    )
    events, state = first_round(data)
    [failed] = of_kind(events, "rule_failed")
    assert "batches" in failed.what
    assert state.values["alpha"]["x"] == 8 + rules.CHAIN - 1


def test_a_condition_without_a_value_is_recorded_and_the_others_go_on() -> None:
    rule = {"for": "firm", "when": "self.owner.cap > 0", "add": {"self.x": "1"}}
    events, state = first_round(world(rules={"odd": rule}))
    assert state.values["alpha"]["x"] == 9
    [failed] = of_kind(events, "rule_failed")
    assert failed.what.startswith("beta:")


def test_a_chance_rolls_one_addressed_die_an_entity() -> None:
    law = law_of(world(rules={"maybe": {"for": "firm", "chance": "0.5", "once": True, "says": "yes"}}))
    found = [of_kind(play_round(law, begun(law, seed))[0], "rule_fired") for seed in range(200)]
    assert 60 < sum(1 for events in found if any(event.on == "alpha" for event in events)) < 140
    assert all(event.die is not None and event.die < 0.5 for events in found for event in events)
    both = sum(1 for events in found if len(events) == 2)
    assert 25 < both < 80


def test_a_rule_added_moves_no_other_die() -> None:
    plain = world(
        rules={"maybe": {"for": "firm", "every": "day", "chance": "0.2", "add": {"self.x": "1"}, "says": "x"}}
    )
    more = world(rules={"other": {"every": "day", "chance": "0.5", "says": "y"}, **plain["rules"]})
    assert fired(first_round(plain)[0], "maybe") == fired(first_round(more)[0], "maybe")


def test_of_two_endings_on_one_date_the_smaller_rank_stands() -> None:
    data = world(
        rules={
            "lose": {"ends": "lost", "rank": 5, "says": "lost it"},
            "win": {"ends": "won", "rank": 1, "says": "won it"},
        }
    )
    events, state = first_round(data)
    assert (state.ending, state.ended) == ("won", True)
    assert [event.outcome for event in of_kind(events, "run_ended")] == ["won"]
    assert state.record[-1].text == "Alpha has won."


def test_the_earlier_date_ends_the_run_and_nothing_comes_after_it() -> None:
    data = world(
        rules={"lose": {"on": "01-05", "ends": "lost", "rank": 9}, "win": {"on": "01-06", "ends": "won", "rank": 1}}
    )
    events, state = first_round(data)
    assert state.ending == "lost"
    assert not fired(events, "win")


def test_an_ending_by_a_move_skips_the_round_s_dates() -> None:
    action = {"label": "Stop", "purpose": "p", "by": "ann", "ends": "won"}
    events, state = first_round(world(actions={"stop": action}, rules={"beat": {"says": "tick"}}), move("ann", "stop"))
    assert state.ending == "won"
    assert not fired(events, "beat")


def test_time_runs_out_with_the_clock_s_ending() -> None:
    events, state = play_policy(law_of(world()))
    assert (state.round, state.ending) == (3, "out")
    assert state.record[-1].text == "Time is up with 10."
    assert [event.kind for event in events[-3:]] == ["round_ended", "ending_reached", "run_ended"]


def test_a_closing_sentence_without_a_value_still_closes() -> None:
    data = world(endings={"out": {"label": "out of time", "says": "{1 / (alpha.cap - 10)}"}}, clock={"rounds": 1})
    events, state = first_round(data)
    assert state.ended
    assert state.record[-1].text == "out of time."
    assert len(of_kind(events, "rule_failed")) == 1


# --- reports ------------------------------------------------------------------------------------------------


def tell(**more: Any) -> dict[str, Any]:
    return {"tells": {"to": "bob", "report": "sign", "says": "saw {value:.0f}", "value": "alpha.cap", **more}}


def test_a_report_arrives_at_once_or_after_its_lag_and_only_at_its_seats() -> None:
    data = world(
        rules={
            "now": {"on": "01-10", **tell()},
            "later": {"on": "01-10", **tell(report="slow", lag={"days": 40}, says="slow")},
            "grow": {"on": "01-09", "add": {"alpha.cap": "5"}},
        }
    )
    law = law_of(data)
    events, state = play_round(law, begun(law))
    assert [line.text for line in state.notebook["bob"]] == ["saw 15"]
    assert set(state.notebook) == {"bob"}
    assert state.known["bob"]["sign"].value == 15
    assert [item.report for item in state.pending] == ["slow"]
    sent = of_kind(events, "report_sent")[0]
    assert sent.due == day_number("2023-01-10") + 40
    events, state = play_round(law, state)
    assert [event.to for event in of_kind(events, "report_arrived")] == ["2023-02-19"]
    assert not state.pending
    assert not state.record


def test_a_report_keeps_the_value_of_the_day_it_was_sent() -> None:
    data = world(
        rules={"look": {"on": "01-10", **tell(lag={"days": 5})}, "grow": {"on": "01-12", "add": {"alpha.cap": "9"}}}
    )
    assert first_round(data)[1].known["bob"]["sign"].value == 10


def test_a_report_that_is_due_after_the_round_s_last_date_comes_in_the_next_round() -> None:
    law = law_of(world(rules={"look": {"on": "01-31", **tell(lag={"days": 0})}}))
    _, state = play_round(law, begun(law))
    _, state = play_round(law, state)
    assert state.known["bob"]["sign"].count == 1


def test_equal_reports_under_way_are_told_apart_by_their_dates() -> None:
    rules_ = {"slow": {"on": "01-02", **tell(lag={"days": 20})}, "fast": {"on": "01-03", **tell(lag={"days": 1})}}
    events, state = first_round(world(rules=rules_))
    assert [event.to for event in of_kind(events, "report_arrived")] == ["2023-01-04", "2023-01-22"]
    assert state.known["bob"]["sign"].count == 2


def test_a_report_has_its_own_condition_and_chance() -> None:
    never = world(rules={"look": {"every": "day", "says": "x", **tell(when="alpha.cap > 10")}})
    assert not of_kind(first_round(never)[0], "report_arrived")
    some = world(rules={"look": {"every": "day", **tell(chance="0.3")}})
    assert 3 <= len(of_kind(first_round(some)[0], "report_arrived")) <= 16


# --- the state is the fold ----------------------------------------------------------------------------------


def test_numbers_are_drawn_once_inside_their_band() -> None:
    law = law_of(world())
    drawn = [begun(law, seed).numbers for seed in range(50)]
    assert all(numbers["k"] == 3 and 1 <= numbers["band"] <= 4 for numbers in drawn)
    assert len({numbers["band"] for numbers in drawn}) == 50


def test_interventions_are_events_of_round_0() -> None:
    law = law_of(world())
    events = rules.open_run(law, 1, "design", {"numbers.k": 7, "alpha.cap": 33})
    state = fold(events)
    assert (state.numbers["k"], state.values["alpha"]["cap"]) == (7, 33)
    assert [event.path for event in of_kind(events, "value_set")] == ["numbers.k", "alpha.cap"]
