"""Turns of several moves: what may still be added, menus by action, and what a persona's own rules make of one."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core.observe import observe
from orchestrator.core.turn import WAIT
from orchestrator.core.turns import BESIDE, groups, left, policy_turn, several
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import begun, law_of, opened, persona, world

LAW = law_of(DUEL, PERSONAS)
STATE = opened(LAW, begun(LAW))
SEEN = observe(LAW, STATE, "ann")


def turn(*policy: Mapping[str, Any], seed: int = 1) -> list[tuple[str, str | None]]:
    law = law_of(DUEL, {**PERSONAS, "ann": persona("ann", *policy)})
    state = opened(law, begun(law, seed))
    return [(move.action, move.target) for move in policy_turn(law, state, observe(law, state, "ann"))]


def test_a_plain_scenario_has_one_move_a_turn() -> None:
    assert not several(law_of(world()))
    assert several(LAW)
    assert several(law_of(world(turns={"menu": 10})))


def test_a_long_menu_is_told_by_action() -> None:
    assert [(group.action, group.targets) for group in groups(SEEN.options)] == [
        ("lift", ()),
        ("give", ("alpha", "beta")),
        ("halve", ("alpha", "beta")),
        ("write", ("beta",)),
        ("cry", ()),
        (WAIT, ()),
    ]


def test_what_is_chosen_or_no_longer_fits_is_left_out() -> None:
    def ids(*chosen: tuple[str, str | None]) -> list[str]:
        return [option.id for option in left(LAW, "ann", SEEN.options, chosen)]

    assert "give beta" not in ids(("give", "beta"))
    assert "give alpha" in ids(("give", "beta"))
    assert ids(("give", "beta"), ("lift", None)) == ["write beta", "cry", "wait"]
    assert ids(*[("write", f"{n}") for n in range(BESIDE)]) == [
        "lift", "give alpha", "give beta", "halve alpha", "halve beta", "wait",
    ]  # fmt: skip


def test_a_persona_draws_until_the_turn_is_full_or_it_waits() -> None:
    assert turn({"do": "lift"}) == [("lift", None)]
    assert sorted(turn({"do": "lift"}, {"do": "give", "target": "target == beta"})) == [
        ("give", "beta"),
        ("lift", None),
    ]
    assert turn({"do": "wait", "weight": 1000}, {"do": "lift", "weight": 0.0001}) == [("wait", None)]
    assert turn() == [("wait", None)]
    assert len(turn({"do": "give"}, {"do": "halve"}, {"do": "write"}, {"do": "cry"})) == 4


def test_the_draws_of_a_turn_are_addressed_and_differ_from_move_to_move() -> None:
    policy = ({"do": "lift"}, {"do": "give"}, {"do": "halve"})
    assert turn(*policy) == turn(*policy)
    assert len({tuple(turn(*policy, seed=seed)) for seed in range(20)}) > 4
