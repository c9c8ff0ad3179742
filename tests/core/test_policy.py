"""A persona's own rules: weights as chances, one die a rule."""

from typing import Any

import pytest

from orchestrator.core.observe import observe
from orchestrator.core.policy import policy_move, weights
from orchestrator.core.turn import Move
from tests.support.worlds import begun, law_of, opened, persona, play_round, world

PARAMS = {"n": {"low": 1, "high": 5}, "how": {"enum": ["soft", "hard"]}}
ACTIONS: dict[str, Any] = {
    "buy": {"label": "Buy", "purpose": "p", "by": ["ann", "bob"], "params": PARAMS},
    "sell": {"label": "Sell", "purpose": "p", "by": "ann", "needs": "self.cap > 9"},
    "hit": {"label": "Hit {target}", "purpose": "p", "by": "ann", "target": {"kind": "firm", "self": True}},
}


def chosen(policy: list[dict[str, Any]], seed: int = 1, **sections: Any) -> Move:
    law = law_of(world(actions=ACTIONS, **sections), {"ann": persona("ann", *policy)})
    state = opened(law, begun(law, seed))
    return policy_move(law, state, observe(law, state, "ann"))


def test_no_rule_that_holds_means_waiting() -> None:
    assert chosen([]).action == "wait"
    assert chosen([{"do": "buy", "when": "self.cap > 99"}]).action == "wait"
    assert chosen([{"do": "buy", "when": "log(0) > 1"}]).action == "wait"


def test_a_rule_for_a_move_that_is_not_open_does_not_hold() -> None:
    assert chosen([{"do": "sell"}], entities={"alpha": {"cap": 5}}).action == "wait"


def test_weights_are_chances() -> None:
    policy = [{"do": "buy", "weight": 3}, {"do": "sell", "weight": 1}]
    picked = [chosen(policy, seed).action for seed in range(600)]
    assert picked.count("buy") / 600 == pytest.approx(0.75, abs=0.06)


def test_a_rule_added_moves_no_other_draw_wherever_it_stands() -> None:
    one, two = {"do": "buy", "weight": 2}, {"do": "sell", "weight": 1}
    never = {"do": "hit", "when": "self.cap > 99"}
    for seed in range(60):
        plain = chosen([one, two], seed).action
        assert chosen([never, one, two], seed).action == plain
        assert chosen([two, one], seed).action == plain
        rare = chosen([{"do": "hit", "weight": 0.5}, one, two], seed).action
        assert rare in (plain, "hit")


def test_rounds_and_seats_have_dice_of_their_own() -> None:
    policy = [{"do": "buy"}, {"do": "sell"}]
    law = law_of(world(actions={key: {**held, "repeat": True} for key, held in ACTIONS.items()}, clock={"rounds": 40}),
                 {"ann": persona("ann", *policy)})  # fmt: skip
    state = begun(law)
    found: list[str] = []
    for _ in range(30):
        now = opened(law, state)
        found.append(policy_move(law, now, observe(law, now, "ann")).action)
        _, state = play_round(law, state)
    assert {"buy", "sell"} == set(found)


def test_a_target_is_narrowed_and_else_picked_by_a_die() -> None:
    assert chosen([{"do": "hit", "target": "target.cap > 15"}]).target == "beta"
    assert {chosen([{"do": "hit"}], seed).target for seed in range(30)} == {"alpha", "beta"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"n": 1, "how": "soft"}),
        ({"n": "2 + 1", "how": "hard"}, {"n": 3, "how": "hard"}),
        ({"n": "6 / 2", "how": "'hard'"}, {"n": 3, "how": "hard"}),
        ({"n": "99"}, {"n": 1, "how": "soft"}),
        ({"n": "1 / (self.cap - 10)"}, {"n": 1, "how": "soft"}),
    ],
)
def test_parameters_are_given_or_the_first_possible(params: dict[str, str], expected: dict[str, Any]) -> None:
    assert chosen([{"do": "buy", "params": params}]).params == expected


def test_what_a_seat_was_told_is_known_to_its_policy() -> None:
    data = world(
        actions=ACTIONS,
        rules={
            "note": {
                "on": "01-05",
                "tells": {"to": "ann", "report": "sign", "says": "x", "value": "7", "lag": {"days": 3}},
            }
        },
    )
    policy = [{"do": "buy", "when": "known.sign.count == 1 and known.sign.value == 7 and known.sign.rounds_ago == 1"}]
    law = law_of(data, {"ann": persona("ann", *policy)})
    state = begun(law)
    assert policy_move(law, opened(law, state), observe(law, opened(law, state), "ann")).action == "wait"
    _, state = play_round(law, state)
    assert policy_move(law, opened(law, state), observe(law, opened(law, state), "ann")).action == "buy"


def test_the_weights_of_a_menu_are_one_plus_those_that_hold() -> None:
    policy = [
        {"do": "buy", "weight": 4},
        {"do": "hit", "target": "target == beta", "weight": 2},
        {"do": "sell", "when": "false"},
    ]
    law = law_of(world(actions=ACTIONS), {"ann": persona("ann", *policy)})
    state = opened(law, begun(law))
    seen = observe(law, state, "ann")
    found = dict(zip([option.id for option in seen.options], weights(law, state, seen), strict=True))
    assert found == {"buy": 5, "sell": 1, "hit alpha": 1, "hit beta": 3, "wait": 1}
