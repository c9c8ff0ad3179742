"""Effects that apply one after the other: each is clamped at once, and every share is kept."""

import math

import pytest

from orchestrator.core.turn import Move
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import begun, deltas, law_of, of_kind, play_round

LAW = law_of(DUEL, PERSONAS)


def caps(*moves: tuple[str, str, str | None]) -> tuple[float, float]:
    """What Alpha (10 at first) and Beta (20) have after these moves, in their order."""
    numbered = [Move(seat, n, action, target) for n, (seat, action, target) in enumerate(moves, start=1)]
    _, state = play_round(LAW, begun(LAW), numbered)
    return state.values["alpha"]["cap"], state.values["beta"]["cap"]


@pytest.mark.parametrize(
    ("moves", "alpha", "beta"),
    [
        ([("ann", "lift", None), ("ann", "give", "beta")], 35, 40),  # 55 is 50 at once, and only then 35
        ([("ann", "give", "beta"), ("ann", "lift", None)], 45, 40),  # -5 is 0 at once
        ([("ann", "give", "alpha")], 20, 20),  # one's own other: both effects, 0 in between
        ([("ann", "halve", "alpha")], 2.5, 20),
        ([("ann", "halve", "beta"), ("bob", "give", "alpha")], 25, 0),
        ([("ann", "give", "beta"), ("ann", "give", "beta")], 0, 50),  # the same row twice counts twice
    ],
)  # fmt: skip
def test_the_order_of_moves_decides(moves: list[tuple[str, str, str | None]], alpha: float, beta: float) -> None:
    assert caps(*moves) == (alpha, beta)


def test_the_shares_of_every_variable_add_up_to_its_change() -> None:
    moves = [Move("ann", 1, "give", "alpha"), Move("bob", 1, "lift"), Move("bob", 2, "give", "alpha")]
    events, state = play_round(LAW, begun(LAW), moves)
    for entity, start in (("alpha", 10), ("beta", 20)):
        assert math.fsum(deltas(events, entity, "cap")) == pytest.approx(state.values[entity]["cap"] - start)
    held = of_kind(events, "clamped")
    assert [[change.entity for change in event.changes] for event in held] == [["alpha"], ["beta"]]
    assert all(change.value == 20 for change in held[0].changes), "the value after the whole move"


def test_a_move_against_a_bound_alone_leaves_neither_change_nor_clamp() -> None:
    state = begun(LAW, sets={"beta.cap": 50})
    events, after = play_round(LAW, state, [Move("ann", 1, "give", "beta")])
    assert after.values["beta"]["cap"] == 50
    assert all(change.entity == "alpha" for event in of_kind(events, "action_taken") for change in event.changes)
    assert [[change.entity for change in event.changes] for event in of_kind(events, "clamped")] == [["alpha"]]


def test_a_later_move_is_held_against_what_the_earlier_one_left() -> None:
    dear = {**DUEL["actions"], "halve": {**DUEL["actions"]["halve"], "costs": {"self.cap": "30"}}}
    law = law_of({**DUEL, "actions": dear}, PERSONAS)
    moves = [Move("ann", 1, "lift"), Move("ann", 2, "halve", "beta"), Move("bob", 1, "halve", "alpha")]
    events, state = play_round(law, begun(law), moves)
    assert [event.why for event in of_kind(events, "action_refused")] == ["it is no longer open"]
    assert state.values["beta"]["cap"] == 10
    assert state.values["alpha"]["cap"] == pytest.approx((50 - 30) * 0.5), "a cost is taken off before what it pays for"
