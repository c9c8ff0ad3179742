"""Why a variable is what it is: shares that add up, causes that are named, readings that are followed."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.views.causes import explained, past_of
from tests.support.worlds import begun, law_of, move, play_policy, play_round, world


def played(data: Any, rounds: int = 2, *moves: Any) -> tuple[Law, list[AnyEvent]]:
    from orchestrator.core import rules

    law = law_of(data)
    events = rules.open_run(law, 1, "design", {})
    state = begun(law)
    for _ in range(rounds):
        happened, state = play_round(law, state, moves)
        events += happened
    return law, events


GROWING = world(
    rules={
        "grow": {"add": {"alpha.cap": "alpha.x / 4"}, "source": "M1"},
        "feed": {"add": {"alpha.x": "4"}, "source": "M2"},
        "shrink": {"add": {"alpha.cap": "-1"}},
    }
)


def test_each_cause_has_its_share_and_the_shares_add_up() -> None:
    law, events = played(GROWING)
    found = explained(law, past_of(law, events), ("alpha", "cap"))
    assert (found["from"], found["to"], found["change"]) == (10, 13, 3)
    assert {cause["id"]: cause["share"] for cause in found["causes"]} == {"grow": 5, "shrink": -2}
    grow = found["causes"][0]
    assert (grow["kind"], grow["times"], grow["first"], grow["last"]) == ("rule", 2, "2023-01-31", "2023-02-28")
    assert grow["cites"] == ["M1"]
    assert grow["part"] == pytest.approx(5 / 3)
    assert found["rounding"] == 0


def test_what_a_cause_read_is_followed_to_its_own_causes() -> None:
    law, events = played(GROWING)
    found = explained(law, past_of(law, events), ("alpha", "cap"))
    [read] = found["causes"][0]["reads"]
    assert (read["entity"], read["variable"], read["from"], read["to"]) == ("alpha", "x", 8, 16)
    assert [(cause["id"], cause["share"]) for cause in read["causes"]] == [("feed", 8)]
    assert "reads" not in explained(law, past_of(law, events), ("alpha", "cap"), 0)["causes"][0]


def test_an_earlier_round_is_explained_by_what_had_happened_until_then() -> None:
    law, events = played(GROWING)
    assert explained(law, past_of(law, events, 1), ("alpha", "cap"))["change"] == 1


def test_a_clamp_is_a_cause_of_its_own() -> None:
    law, events = played(world(rules={"grow": {"add": {"alpha.cap": "70"}}}), 1)
    found = explained(law, past_of(law, events), ("alpha", "cap"))
    assert {(cause["kind"], cause["share"]) for cause in found["causes"]} == {("rule", 70), ("clamp", -30)}
    assert found["change"] == 40


def test_a_move_is_named_by_seat_and_action_with_its_sentence() -> None:
    buy = {"by": "ann", "label": "Buy", "purpose": "more", "costs": {"self.money": "30"}, "says": "Alpha buys."}
    law, events = played(world(actions={"buy": buy}), 1, move("ann", "buy"))
    [cause] = explained(law, past_of(law, events), ("alpha", "money"))["causes"]
    assert (cause["kind"], cause["id"], cause["share"], cause["says"]) == ("move", "ann/buy", -30, "Alpha buys.")


def test_what_is_no_number_is_told_by_its_causes_alone() -> None:
    law, events = played(world(rules={"start": {"set": {"alpha.phase": "'busy'"}}}), 1)
    found = explained(law, past_of(law, events), ("alpha", "phase"))
    assert (found["from"], found["to"], found["change"]) == ("idle", "busy", None)
    assert [(cause["id"], cause["share"], cause["to"]) for cause in found["causes"]] == [("start", None, "busy")]


def test_a_derived_variable_is_explained_by_what_it_reads() -> None:
    law, events = played(GROWING)
    found = explained(law, past_of(law, events), ("alpha", "twice"))
    assert (found["from"], found["to"], found["is"]) == (20, 26, "self.cap * 2")
    [read] = found["reads"]
    assert (read["variable"], read["change"]) == ("cap", 3)


PARTS = st.lists(
    st.tuples(st.sampled_from(["add", "scale"]), st.integers(-30, 60), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=40, deadline=None)
@given(PARTS)
def test_shares_add_up_whatever_falls_on_one_date(parts: list[tuple[str, int, bool]]) -> None:
    rules = {
        f"rule_{n}": {
            how: {"alpha.cap": str(value if how == "add" else value / 20)},
            "every": "week" if weekly else "month",
        }
        for n, (how, value, weekly) in enumerate(parts)
    }
    law, events = played(world(rules=rules), 2)
    found = explained(law, past_of(law, events), ("alpha", "cap"))
    if found["causes"]:
        total = math.fsum(cause["share"] for cause in found["causes"])
        assert total + found["rounding"] == pytest.approx(found["change"])
        assert abs(found["rounding"]) < 1e-8


def test_no_change_is_without_a_cause() -> None:
    law = law_of(GROWING)
    events, state = play_policy(law, 3)
    past = past_of(law, events)
    assert past.end == state
    for entity, held in state.values.items():
        for variable, value in held.items():
            if past.first[entity, variable] != value:
                assert past.shares[entity, variable], (entity, variable)
