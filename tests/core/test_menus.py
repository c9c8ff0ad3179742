"""What a model is asked where a turn has several moves: by action, then for a target, or for a list."""

from orchestrator.core.menus import choose_action, choose_target, compose_moves
from orchestrator.core.turns import groups
from tests.support.duel import DUEL, PERSONAS
from tests.support.prompting import CHOOSE, COMPOSE, seated
from tests.support.worlds import law_of

LAW = law_of(DUEL, PERSONAS)


def test_an_action_is_asked_for_by_its_name_each_beginning_with_another_word() -> None:
    at = seated(LAW, "ann", CHOOSE)
    call, shown, names = choose_action(at.prompter, at.state, at.seen, at.play, "r1/ann/decide/1", [])
    assert call.shape.choices == names
    assert len(names) == len(shown) == 6
    assert {"Give", "Halve", "Lift our own", "Wait", "Address all", "Write to Beta"} == set(names)
    asked = call.messages[-1].content
    assert "- Give: they gain" in asked
    assert "You have chosen already" not in asked


def test_a_further_action_is_asked_for_with_what_was_chosen() -> None:
    at = seated(LAW, "ann", CHOOSE)
    call, _, names = choose_action(at.prompter, at.state, at.seen, at.play, "r1/ann/decide/3", ["give to Beta"])
    assert "You have chosen already: give to Beta." in call.messages[-1].content
    assert "Nothing more" in names
    assert "Wait" not in names


def test_the_target_is_asked_for_by_name() -> None:
    at = seated(LAW, "ann", CHOOSE)
    group = next(group for group in groups(at.seen.options) if group.action == "give")
    call, names = choose_target(at.prompter, at.state, at.seen, at.play, "r1/ann/decide/2", group, [])
    assert names == call.shape.choices == ("Alpha", "Beta")
    assert "You have decided to give. Whom shall it concern?" in call.messages[-1].content


def test_a_list_is_composed_under_a_schema_of_all_actions_and_targets() -> None:
    at = seated(LAW, "ann", COMPOSE)
    call = compose_moves(at.prompter, at.state, at.seen, at.play, "r1/ann/decide/1")
    schema = call.shape.json_schema
    assert schema is not None
    moves = schema["properties"]["moves"]
    assert moves["maxItems"] == 10
    move = moves["items"]["properties"]
    assert set(move["action"]["enum"]) == {"lift", "give", "halve", "write", "cry"}
    assert move["target"]["enum"] == ["alpha", "beta", "none"]
    asked = call.messages[-1].content
    assert "- give (alpha, beta): they gain" in asked
    assert "- lift, Lift our own: more" in asked
    assert "at most 2 moves, and of write, cry as many as you need (at most 8)" in asked


def test_moves_of_one_action_that_differ_stand_one_by_one() -> None:
    give = {**DUEL["actions"]["give"], "purpose": "{target} gains"}
    at = seated(law_of({**DUEL, "actions": {**DUEL["actions"], "give": give}}, PERSONAS), "ann", COMPOSE)
    asked = compose_moves(at.prompter, at.state, at.seen, at.play, "r1/ann/decide/1").messages[-1].content
    assert "- give alpha, Give to Alpha: Alpha gains; give beta, Give to Beta: Beta gains" in asked
