"""What falls on one date: joined, clamped once, shared out, conserved."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import AnyEvent, Change
from orchestrator.core.state import RunState
from tests.support.worlds import begun, deltas, first_round, law_of, move, of_kind, play_round, world

STEP = {"every": "step"}


def after(*rules: dict[str, Any], **sections: Any) -> tuple[list[AnyEvent], RunState]:
    """The first round of the bench with these rules, each once at the end of the step."""
    named = {f"rule_{index}": {**STEP, **rule} for index, rule in enumerate(rules)}
    return first_round(world(rules=named, **sections))


def test_scales_multiply_the_start_and_adds_come_after_whatever_their_order() -> None:
    rules = [
        {"add": {"alpha.x": "1"}},
        {"scale": {"alpha.x": "2"}},
        {"add": {"alpha.x": "0.5"}},
        {"scale": {"alpha.x": "3"}},
    ]
    for order in (rules, rules[::-1]):
        events, state = after(*order)
        assert state.values["alpha"]["x"] == 8 * 6 + 1.5
        assert math.fsum(deltas(events, "alpha", "x")) == 48 + 1.5 - 8


def test_adds_are_summed_without_loss() -> None:
    _, state = after(*({"add": {"alpha.x": "0.1"}} for _ in range(10)))
    assert state.values["alpha"]["x"] == 9


def test_every_cause_reads_the_state_before_the_date() -> None:
    _, state = after({"add": {"alpha.x": "alpha.cap"}}, {"add": {"alpha.cap": "alpha.x"}})
    assert (state.values["alpha"]["x"], state.values["alpha"]["cap"]) == (18, 18)


def test_one_clamp_at_the_end_is_an_event_and_the_shares_add_up() -> None:
    events, state = after({"add": {"alpha.cap": "60"}}, {"add": {"alpha.cap": "-5"}}, {"scale": {"alpha.cap": "2"}})
    assert state.values["alpha"]["cap"] == 50
    [clamped] = of_kind(events, "clamped")
    assert clamped.changes[0].delta == 50 - (10 * 2 + 55)
    assert math.fsum(deltas(events, "alpha", "cap")) == 40


def test_no_clamp_where_the_sum_lies_inside() -> None:
    events, state = after({"add": {"alpha.cap": "60"}}, {"add": {"alpha.cap": "-55"}})
    assert state.values["alpha"]["cap"] == 15
    assert not of_kind(events, "clamped")


def test_pushing_against_a_bound_changes_nothing_and_says_nothing() -> None:
    events, state = after({"add": {"alpha.cap": "1"}}, entities={"alpha": {"cap": 50}})
    assert state.values["alpha"]["cap"] == 50
    assert deltas(events, "alpha", "cap") == []
    assert not of_kind(events, "clamped", "rule_fired")


def test_pushes_from_both_sides_at_a_bound_are_shared_out() -> None:
    events, _ = after({"add": {"alpha.cap": "5"}}, {"add": {"alpha.cap": "-2"}}, entities={"alpha": {"cap": 50}})
    assert math.fsum(deltas(events, "alpha", "cap")) == 0
    assert len(of_kind(events, "clamped")) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "scale"]), st.integers(-30, 60)), min_size=1, max_size=6))
def test_shares_always_add_up_to_the_change(parts: list[tuple[str, int]]) -> None:
    rules = [{how: {"alpha.cap": str(value if how == "add" else value / 20)}} for how, value in parts]
    events, state = after(*rules)
    kept = state.values["alpha"]["cap"]
    product = math.prod(value / 20 for how, value in parts if how == "scale")
    raw = 10 * product + sum(value for how, value in parts if how == "add")
    assert kept == pytest.approx(max(0, min(50, raw)))
    assert math.fsum(deltas(events, "alpha", "cap")) == pytest.approx(
        kept - 10, abs=1e-9 + 3e-11 * abs(raw)
    )  # shares have 12 digits
    for event in events:
        for change in event.changes:
            assert change.value == kept


def test_equal_sets_agree_and_share_the_change() -> None:
    events, state = after({"set": {"alpha.x": "20"}}, {"set": {"alpha.x": "20"}})
    assert state.values["alpha"]["x"] == 20
    assert deltas(events, "alpha", "x") == [6, 6]
    assert not of_kind(events, "conflict")


@pytest.mark.parametrize("other", [{"set": {"alpha.x": "21"}}, {"add": {"alpha.x": "1"}}, {"scale": {"alpha.x": "2"}}])
def test_a_set_beside_anything_else_is_a_conflict_and_changes_nothing(other: dict[str, Any]) -> None:
    events, state = after({"set": {"alpha.x": "20"}}, other)
    assert state.values["alpha"]["x"] == 8
    [conflict] = of_kind(events, "conflict")
    assert (conflict.entity, conflict.variable) == ("alpha", "x")
    assert deltas(events, "alpha", "x") == []


def test_enums_truth_values_and_references_are_set() -> None:
    rule = {"set": {"alpha.phase": "busy", "alpha.open": "false", "alpha.owner": "null", "beta.owner": "alpha"}}
    _, state = after(rule)
    alpha = state.values["alpha"]
    assert (alpha["phase"], alpha["open"], alpha["owner"]) == ("busy", False, None)
    assert state.values["beta"]["owner"] == "alpha"


def test_a_set_is_clamped_to_the_range() -> None:
    _, state = after({"set": {"alpha.cap": "99"}})
    assert state.values["alpha"]["cap"] == 50


def test_an_effect_reaches_through_a_reference() -> None:
    _, state = after({"add": {"alpha.owner.x": "2"}})
    assert state.values["beta"]["x"] == 10


@pytest.mark.parametrize(
    "rule",
    [
        {"add": {"alpha.x": "1 / (alpha.cap - 10)"}},
        {"add": {"beta.owner.x": "1"}},
        {"add": {"alpha.x": "1e15 ** 8 * 1e15 ** 8 * 1e15 ** 8"}},
        {"set": {"alpha.x": "1e15 ** 8 * 1e15 ** 8 * 1e15 ** 8"}},
        {"scale": {"alpha.x": "1e15 ** 8 * 1e15 ** 8 * 1e15 ** 8 * 0"}},
        {"move": {"compute": {"from": "fab", "to": "alpha", "amount": "1e15 ** 8 * 1e15 ** 8 * 1e15 ** 8"}}},
        {"tells": {"to": "ann", "report": "r", "says": "{1 / (alpha.cap - 10)}"}},
        {"emits": {"thing": {"size": "log(0)"}}},
    ],
)
def test_arithmetic_without_a_result_is_recorded_and_nothing_of_it_happens(rule: dict[str, Any]) -> None:
    both = {**rule, "add": {**rule.get("add", {}), "beta.x": "5"}}
    events, state = after(both, {"add": {"alpha.money": "1"}})
    [failed] = of_kind(events, "rule_failed")
    assert failed.cause.id == "rule_0"
    assert state.values["beta"]["x"] == 8
    assert state.values["alpha"]["x"] == 8
    assert state.values["alpha"]["money"] == 101


def test_a_sum_beyond_all_numbers_is_recorded_and_changes_nothing() -> None:
    events, state = after(
        {"add": {"alpha.x": "1e15 ** 8"}},
        {"scale": {"alpha.x": "1e15 ** 8 * 1e15 ** 8"}},
        {"scale": {"alpha.x": "1e15 ** 8"}},
    )
    assert len(of_kind(events, "rule_failed")) == 1
    assert state.values["alpha"]["x"] == 8


# --- ledgers ------------------------------------------------------------------------------------------------


def transfer(payer: str, receiver: str, amount: str) -> dict[str, Any]:
    return {"move": {"compute": {"from": payer, "to": receiver, "amount": amount}}}


def chips(state: RunState) -> tuple[Any, Any]:
    return state.values["alpha"]["chips"], state.values["beta"]["chips"]


def test_a_transfer_moves_what_it_says() -> None:
    events, state = after(transfer("alpha", "beta", "4"))
    assert chips(state) == (6, 14)
    assert not of_kind(events, "transfer_cut")


def test_a_transfer_is_cut_to_what_the_payer_has() -> None:
    events, state = after(transfer("alpha", "spent", "25"))
    assert chips(state) == (0, 10)
    [cut] = of_kind(events, "transfer_cut")
    assert (cut.ledger, cut.asked, cut.moved) == ("compute", 25, 10)


def test_several_that_draw_on_one_payer_are_cut_pro_rata() -> None:
    events, state = after(transfer("alpha", "beta", "5"), transfer("alpha", "spent", "15"))
    assert chips(state) == (0, 12.5)
    assert [cut.moved for cut in of_kind(events, "transfer_cut")] == [2.5, 7.5]


def test_a_transfer_is_cut_to_the_room_of_the_receiver() -> None:
    events, state = after(transfer("fab", "beta", "6"), transfer("alpha", "beta", "8"))
    assert chips(state) == (6, 20)
    assert [cut.moved for cut in of_kind(events, "transfer_cut")] == [4]


def test_the_lower_bound_of_a_payer_is_no_credit() -> None:
    floor = {"firm": {"chips": {"range": [3, 20]}}}
    events, state = after(transfer("alpha", "beta", "9"), kinds=floor)
    assert chips(state) == (3, 17)
    assert not of_kind(events, "clamped")


def test_a_negative_amount_moves_nothing() -> None:
    _, state = after(transfer("alpha", "beta", "-4"))
    assert chips(state) == (10, 10)


AMOUNTS = st.floats(0, 30).map(lambda amount: f"{amount:.6f}")
ENDS = st.sampled_from([("alpha", "beta"), ("beta", "alpha")])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ENDS, AMOUNTS), min_size=1, max_size=5))
def test_a_ledger_is_conserved(parts: list[tuple[tuple[str, str], str]]) -> None:
    events, state = after(*(transfer(payer, receiver, amount) for (payer, receiver), amount in parts))
    one, two = chips(state)
    assert one + two == pytest.approx(20, abs=1e-9)
    assert 0 <= one <= 20
    assert 0 <= two <= 20
    assert not of_kind(events, "clamped")


# --- in order -----------------------------------------------------------------------------------------------

BOTH = {
    "rise": {"label": "Rise", "purpose": "p", "by": "ann", "add": {"alpha.cap": "60"}},
    "fall": {"label": "Fall", "purpose": "p", "by": "bob", "add": {"alpha.cap": "-20"}},
}


def test_in_order_applies_and_clamps_each_effect_at_once() -> None:
    law = law_of(world(actions=BOTH, turns={"apply": "in_order"}))
    events, state = play_round(law, begun(law), [move("ann", "rise"), move("bob", "fall")])
    assert state.values["alpha"]["cap"] == 30
    assert len(of_kind(events, "clamped")) == 1


def test_together_clamps_once() -> None:
    _, state = first_round(world(actions=BOTH), move("ann", "rise"), move("bob", "fall"))
    assert state.values["alpha"]["cap"] == 50


# --- sentences ----------------------------------------------------------------------------------------------


def test_a_sentence_has_the_values_after_the_change_before_it_and_what_was_added() -> None:
    rule = {
        "for": "firm",
        "add": {"self.cap": "5"},
        "says": "{self}: {before(self.cap):.0f} {self.cap:.0f} {added:+.0f}",
    }
    _, state = after(rule)
    assert [line.text for line in state.record[:2]] == ["Alpha: 10 15 +5", "Beta: 20 25 +5"]


def test_the_audience_alone_reads_the_sentence() -> None:
    _, state = after({"says": "for Bob", "audience": ["bob"]}, {"says": "for nobody", "audience": "hidden"})
    assert [line.text for line in state.record] == []
    assert [line.text for line in state.notebook["bob"]] == ["For Bob"]
    assert "ann" not in state.notebook


def test_firings_that_only_move_numbers_make_one_event() -> None:
    events, _ = after({"for": "firm", "add": {"self.cap": "1"}}, {"add": {"alpha.x": "2"}, "source": "M2"})
    [moved] = of_kind(events, "numbers_moved")
    assert moved.rules == (("rule_0", 2), ("rule_1", 1))
    assert moved.by_rule() == [
        ("rule_0", (Change("alpha", "cap", 11), Change("beta", "cap", 21))),
        ("rule_1", (Change("alpha", "x", 10),)),
    ]
    assert moved.cites == ("M2",)
    assert not of_kind(events, "rule_fired")


def test_only_a_share_that_is_not_the_whole_difference_is_written() -> None:
    events, _ = after({"add": {"alpha.cap": "2"}}, {"add": {"alpha.cap": "3", "beta.cap": "1"}})
    [moved] = of_kind(events, "numbers_moved")
    assert moved.changes == (Change("alpha", "cap", 15, 2), Change("alpha", "cap", 15, 3), Change("beta", "cap", 21))


def test_an_event_names_its_cause_its_source_and_its_date() -> None:
    events, _ = after({"add": {"alpha.x": "1"}, "says": "It grows.", "source": ["M1", "M2"]})
    [fired] = of_kind(events, "rule_fired")
    assert (fired.cause.kind, fired.cause.id, fired.cites) == ("rule", "rule_0", ("M1", "M2"))
    assert (fired.from_, fired.to) == ("", "2023-01-31")
