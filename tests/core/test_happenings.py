"""What rules may follow beside what a scenario emits: what was named, what is on no list, how a run begins."""

import pytest

from orchestrator.core import rules
from orchestrator.core.turn import Move
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import begun, law_of, of_kind, play_round, problems, world

LAW = law_of(DUEL, PERSONAS)


def counted(*moves: Move) -> tuple[float, float, float]:
    """Alpha's points, names on the list and names astray."""
    _, state = play_round(LAW, begun(LAW), moves)
    held = state.values["alpha"]
    return held["points"], held["named"], held["astray"]


def test_what_is_named_counts_whatever_comes_of_it() -> None:
    assert counted(Move("ann", 1, "lift"), Move("ann", 2, "give", "beta")) == (6, 2, 0)
    assert counted(Move("ann", 1, "give", None, missing="World")) == (3, 1, 0)


def test_what_is_on_no_list_is_counted_apart_and_does_nothing() -> None:
    assert counted(Move("ann", 1, "Lift", unlisted=True), Move("ann", 2, "lift")) == (3, 1, 1)
    events, state = play_round(LAW, begun(LAW), [Move("ann", 1, "lift ", unlisted=True)])
    assert state.values["alpha"]["cap"] == 10
    assert not of_kind(events, "action_taken", "action_refused")


def test_a_target_that_does_not_exist_refuses_the_move_by_event() -> None:
    events, state = play_round(LAW, begun(LAW), [Move("ann", 1, "give", None, missing="World")])
    assert [event.why for event in of_kind(events, "action_refused")] == ["there is nobody called 'World'"]
    assert (state.values["alpha"]["cap"], state.values["beta"]["cap"]) == (10, 20)


def test_a_rule_may_follow_the_beginning_once_what_was_set_holds() -> None:
    rule = {
        "upon": "start",
        "when": "alpha.cap > 30",
        "says": "Alpha begins with {alpha.cap:.0f}.",
        "add": {"beta.x": 1},
    }
    law = law_of(world(rules={"opens": rule}))
    assert not of_kind(rules.open_run(law, 1, "d", {}), "rule_fired")
    [event] = of_kind(rules.open_run(law, 1, "d", {"alpha.cap": 40}), "rule_fired")
    assert (event.round, event.text) == (0, "Alpha begins with 40.")
    assert begun(law, sets={"alpha.cap": 40}).values["beta"]["x"] == 9


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"upon": ["lift", "lfit"]}, "rules.r.upon: nothing emits 'lfit'; did you mean 'lift'?"),
        ({"upon": ["lift", "give"], "add": {"event.target.x": 1}}, "rules.r.add.event.target.x: "),
        ({"upon": "give_chosen", "add": {"event.target.x": 1}}, "rules.r.add.event.target.x: "),
        ({"upon": "start", "add": {"event.actor.x": 1}}, "rules.r.add.event.actor.x: "),
    ],
)
def test_a_rule_knows_of_several_happenings_what_all_of_them_have(rule: dict[str, object], told: str) -> None:
    found = problems({**DUEL, "rules": {"r": rule}}, PERSONAS)
    assert any(problem.startswith(told) for problem in found), found


def test_several_happenings_share_what_they_have() -> None:
    law = law_of({**DUEL, "rules": {"r": {"upon": ["give", "halve"], "add": {"event.target.x": 1}}}}, PERSONAS)
    _, state = play_round(law, begun(law), [Move("ann", 1, "give", "beta"), Move("bob", 1, "halve", "beta")])
    assert state.values["beta"]["x"] == 10
