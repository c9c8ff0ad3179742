"""A composed list of moves: what is read from it, what is on no list, what no longer fits into the turn."""

import json
from typing import Any

import pytest

from orchestrator.core.call import Reply
from orchestrator.core.movelist import MoveList, composed_moves
from orchestrator.core.observe import observe
from orchestrator.core.parse import Malformed
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import begun, law_of, opened

LAW = law_of(DUEL, PERSONAS)
OPTIONS = observe(LAW, opened(LAW, begun(LAW)), "ann").options


def read(*moves: Any, **more: Any) -> MoveList:
    found = composed_moves(LAW, "ann", Reply(text=json.dumps({"reason": "so", "moves": moves, **more})), OPTIONS)
    assert isinstance(found, MoveList), found
    return found


def test_moves_are_read_in_the_order_written() -> None:
    found = read({"action": "give", "target": "beta", "words": " take  it "}, {"action": "lift", "target": "none"})
    assert [(move.n, move.action, move.target, move.statement) for move in found.moves] == [
        (1, "give", "beta", "take it"),
        (2, "lift", None, ""),
    ]
    assert (found.reason, found.repaired, found.over) == ("so", False, 0)


def test_an_entity_may_be_named_by_its_label_and_an_id_with_dashes() -> None:
    [move] = read({"action": "give", "target": "Beta"}).moves
    assert move.target == "beta"


def test_what_is_on_no_list_stays_as_it_was_named() -> None:
    found = read({"action": "Give up"}, {"action": "give", "target": "World"})
    assert [(move.action, move.unlisted, move.missing) for move in found.moves] == [
        ("Give up", True, None),
        ("give", False, "World"),
    ]


def test_a_full_turn_leaves_out_the_rest_and_waiting_is_no_move() -> None:
    found = read({"action": "wait"}, *[{"action": "give", "target": "beta"}] * 3, {"action": "cry"})
    assert [move.action for move in found.moves] == ["give", "give", "cry"]
    assert [move.n for move in found.moves] == [1, 2, 3]
    assert found.over == 1


def test_moves_beside_the_turn_have_a_bound_of_their_own() -> None:
    found = read(*[{"action": "write", "words": "hello"}] * 12)
    assert (len(found.moves), found.over) == (8, 4)
    assert {move.target for move in found.moves} == {"beta"}, "the one whom it can concern"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "it held no JSON object"),
        ('{"reason": "x"}', '"moves" should be a list'),
        ('{"moves": {"action": "lift"}}', '"moves" should be a list'),
        ('{"moves": ["lift"]}', 'each of "moves" should be an object with an "action"'),
        ('{"moves": [{"action": 3}]}', 'each of "moves" should be an object with an "action"'),
    ],
)
def test_what_is_no_list_of_moves_is_malformed(text: str, why: str) -> None:
    found = composed_moves(LAW, "ann", Reply(text=text), OPTIONS)
    assert isinstance(found, Malformed)
    assert found.why == why


def test_a_wrong_parameter_is_malformed() -> None:
    lift = {**DUEL["actions"]["lift"], "params": {"by": {"low": 1, "high": 3}}}
    law = law_of({**DUEL, "actions": {**DUEL["actions"], "lift": lift}}, PERSONAS)
    options = observe(law, opened(law, begun(law)), "ann").options
    reply = Reply(text=json.dumps({"moves": [{"action": "lift", "by": 9}]}))
    found = composed_moves(law, "ann", reply, options)
    assert isinstance(found, Malformed)
    assert found.why == '"by" of lift should be one of 1, 2, 3'
