"""Promises: made with a move, heard by whom they are made to, kept or broken by what was carried out."""

from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.core import rules
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.observe import glance, observe
from orchestrator.core.policy import policy_move
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Move, Promise
from tests.support.worlds import begun, law_of, move, of_kind, opened, persona, play_round, problems, world

BOTH = ["ann", "bob"]
ACTIONS: dict[str, Any] = {
    "build": {"label": "Build", "purpose": "more", "by": BOTH, "repeat": True, "needs": ["self.money > 0"]},
    "hit": {"label": "Attack {target}", "purpose": "harm", "by": BOTH, "repeat": True, "target": {"kind": "firm"}},
    "plot": {"label": "Plot", "purpose": "harm", "by": BOTH, "repeat": True, "visibility": "self"},
}  # fmt: skip
DATA = world(actions=ACTIONS, promises={"rounds": 3}, clock={"rounds": 6})
NONE = {"ann": persona("ann"), "bob": persona("bob")}


def law(**sections: Any) -> Law:
    return law_of({**DATA, **sections}, NONE)


def promising(will: bool, action: str, rounds: int = 2, target: str | None = None, to: Any = None) -> Move:
    return Move("ann", 1, WAIT, promises=(Promise(will, action, target, rounds, to),))


def after(made: Law, first: Move, *later: Sequence[Move]) -> tuple[list[AnyEvent], list[list[AnyEvent]], RunState]:
    """(events of the round of the promise, those of each later round, the state)."""
    events, state = play_round(made, begun(made), [first])
    rounds: list[list[AnyEvent]] = []
    for moves in later:
        happened, state = play_round(made, state, moves)
        rounds.append(happened)
    return events, rounds, state


def settled(events: Sequence[AnyEvent]) -> list[str]:
    return [event.kind for event in of_kind(events, "promise_kept", "promise_broken")]


def test_a_promise_is_an_event_with_an_id_of_round_seat_and_number() -> None:
    events, _, state = after(law(), promising(True, "build"))
    (made,) = of_kind(events, "promise_made")
    assert (made.promise, made.until, made.heard, made.audience) == ("r1/ann/1", 3, ("bob",), None)
    assert made.text == "Ann promises to build by the end of round 3."
    assert [one.id for one in state.promises] == ["r1/ann/1"]
    assert state.known["bob"]["promise_made"].count == 1
    assert "ann" not in state.known


@pytest.mark.parametrize(
    ("will", "moves", "expected"),
    [
        (True, [["build"], ["wait"]], [["promise_kept"], []]),
        (True, [["wait"], ["build"]], [[], ["promise_kept"]]),
        (True, [["wait"], ["wait"]], [[], ["promise_broken"]]),
        (False, [["wait"], ["wait"]], [[], ["promise_kept"]]),
        (False, [["build"], ["wait"]], [["promise_broken"], []]),
        (False, [["wait"], ["build"]], [[], ["promise_broken"]]),
    ],
)
def test_a_promise_is_kept_or_broken_by_what_was_done(
    will: bool, moves: list[list[str]], expected: list[list[str]]
) -> None:
    later = [[move("ann", action) for action in actions] for actions in moves]
    _, rounds, state = after(law(), promising(will, "build"), *later)
    assert [settled(events) for events in rounds] == expected
    assert state.promises == ()


def test_what_was_done_in_the_round_of_the_promise_or_by_others_does_not_count() -> None:
    both = [promising(False, "build"), Move("ann", 2, "build")]
    made = law()
    events, state = play_round(made, begun(made), both)
    assert settled(events) == []
    events, state = play_round(made, state, [move("bob", "build")])
    assert settled(events) == []
    assert not state.promises[0].taken


def test_a_refused_move_keeps_no_promise() -> None:
    broke = law(entities={**DATA["entities"], "alpha": {"kind": "firm", "label": "Alpha", "money": 0}})
    _, rounds, _ = after(broke, promising(True, "build", rounds=1), [move("ann", "build")])
    assert [event.kind for event in of_kind(rounds[0], "action_refused", "promise_broken")] == [
        "action_refused",
        "promise_broken",
    ]


def test_a_promise_about_one_target_looks_at_that_target() -> None:
    first = promising(False, "hit", target="beta")
    events, rounds, _ = after(law(), first, [move("ann", "hit", "beta")])
    assert of_kind(events, "promise_made")[0].text == "Ann promises not to attack Beta through round 3."
    assert settled(rounds[0]) == ["promise_broken"]
    assert of_kind(rounds[0], "promise_broken")[0].text == "Ann breaks its promise not to attack Beta."


def test_only_those_who_heard_it_learn_what_became_of_it() -> None:
    more = law_of(
        {**DATA, "seats": {**DATA["seats"], "cid": {"label": "Cid", "plays": "beta"}}},
        {**NONE, "cid": persona("cid")},
    )
    events, rounds, state = after(more, promising(True, "build", to=("bob",)), [move("ann", "build")])
    assert of_kind(events, "promise_made")[0].audience == ("ann", "bob")
    assert of_kind(rounds[0], "promise_kept")[0].audience == ("ann", "bob")
    assert not any("promise" in line.text for line in state.record)
    assert set(state.known) == {"bob"}
    assert not any("promise" in line.text for line in observe(more, opened(more, state), "cid").notebook)


def test_a_promise_about_what_nobody_sees_is_settled_in_silence() -> None:
    events, rounds, state = after(law(), promising(False, "plot"), [move("ann", "plot")])
    assert of_kind(events, "promise_made")[0].text == "Ann promises not to plot through round 3."
    broken = of_kind(rounds[0], "promise_broken")[0]
    assert (broken.audience, broken.heard) == (("ann",), ())
    assert "promise_broken" not in state.known["bob"]


def test_a_promise_reaches_no_further_than_the_scenario_allows_and_the_clock_goes() -> None:
    made = law()
    events, _, _ = after(made, promising(True, "build", rounds=9))
    assert of_kind(events, "promise_made")[0].until == 4
    state = begun(made)
    for _ in range(5):
        _, state = play_round(made, state)
    events, _ = play_round(made, state, [promising(True, "build")])
    assert of_kind(events, "promise_made") == [], "nothing is left of which it could speak"


def test_a_muted_seat_makes_none_and_a_scenario_without_promises_hears_none() -> None:
    made = law()
    state = opened(made, begun(made))
    state.muted = frozenset({"ann"})
    assert of_kind(rules.carry_out(made, state, [promising(True, "build")]), "promise_made") == []
    silent = law(promises=None)
    assert of_kind(after(silent, promising(True, "build"))[0], "promise_made") == []


def test_a_policy_line_makes_its_promises_and_its_die_stays_where_it_was() -> None:
    line = {"when": "known.promise_broken.count == 0", "do": "build"}
    promised = {**line, "promises": [{"wont": "hit", "rounds": 2, "to": "bob"}, {"will": "plot"}]}
    plain, made = (law_of(DATA, {**NONE, "ann": persona("ann", one)}) for one in (line, promised))
    assert plain.policies["ann"][0].id == made.policies["ann"][0].id
    state = opened(made, begun(made))
    chosen = policy_move(made, state, glance(made, state, "ann"))
    assert chosen.promises == (Promise(False, "hit", None, 2, ("bob",)), Promise(True, "plot", None, 1, None))
    events = rules.carry_out(made, state, [chosen])
    assert [event.promise for event in of_kind(events, "promise_made")] == ["r1/ann/1", "r1/ann/2"]
    assert of_kind(events, "promise_made")[0].text == "Ann promises not to hit through round 3."


@pytest.mark.parametrize(
    ("promise", "what"),
    [
        ({"will": "bild"}, "promises.0.will: ann has no action 'bild'; did you mean 'build'?"),
        ({"will": "build", "rounds": 4}, "promises.0.rounds: a promise reaches at most 3 rounds ahead here"),
        ({"will": "build", "to": "zoe"}, "promises.0.to: no seat, group or kind of player is called 'zoe'"),
    ],
)
def test_a_promise_of_a_policy_is_checked(promise: dict[str, Any], what: str) -> None:
    found = problems(DATA, {**NONE, "ann": persona("ann", {"do": "build", "promises": promise})})
    assert any(what in problem for problem in found), found


def test_promises_need_the_scenario_to_know_them() -> None:
    held = {**NONE, "ann": persona("ann", {"do": "build", "promises": {"will": "build"}})}
    assert any("the scenario knows no promises" in one for one in problems({**DATA, "promises": None}, held))
