"""How a seat decides where a turn has several moves, in each style, and what is recorded of it."""

import asyncio
from collections.abc import Mapping

import pytest

from orchestrator.core.call import Reply
from orchestrator.core.events import SeatPlay
from orchestrator.core.state import fold
from orchestrator.core.turn import WAIT
from orchestrator.runtime.deciding import Decided
from orchestrator.runtime.several import decide_several
from tests.support.asking import Answering, Script, menu_reply
from tests.support.duel import DUEL, PERSONAS
from tests.support.prompting import CHOOSE, COMPOSE, POLICY, seated
from tests.support.worlds import begun, law_of, of_kind, opened, persona

LAW = law_of(DUEL, {**PERSONAS, "ann": persona("ann")})


def decided(answers: Mapping[str, Answering], play: SeatPlay = COMPOSE) -> tuple[Decided, Script]:
    """Ann's turn in round 1; the keys of the script are without `r1/ann/`."""
    script = Script({f"r1/ann/{key}": answer for key, answer in answers.items()})
    found = asyncio.run(decide_several(seated(LAW, "ann", play), script))
    assert script.keys == [f"r1/ann/{key}" for key in answers], "each answer is asked for, in this order"
    return found, script


def moves(found: Decided) -> list[tuple[int, str, str | None]]:
    return [(move.n, move.action, move.target) for move, _ in found.all]


def kinds(found: Decided) -> list[str]:
    return [event.kind for event in found.events]


def listed(*moves: Mapping[str, str]) -> Answering:
    return {"reason": "so it must be", "moves": list(moves)}


# --- policy -------------------------------------------------------------------------------------------------


def test_a_seat_on_policy_asks_nothing_and_tells_each_move() -> None:
    law = law_of(DUEL, PERSONAS)
    found = asyncio.run(decide_several(seated(law, "ann", POLICY), Script({})))
    assert [move.action for move, _ in found.all] == [event.action for event in of_kind(found.events, "move_chosen")]
    assert len(found.all) == 2


def test_a_seat_on_policy_that_waits_tells_nothing() -> None:
    found, _ = decided({}, POLICY)
    assert (moves(found), found.events) == ([(1, WAIT, None)], ())


# --- compose ------------------------------------------------------------------------------------------------


def test_a_composed_list_is_chosen_move_by_move_with_the_reason_once() -> None:
    found, _ = decided({"decide/1": listed({"action": "give", "target": "beta"}, {"action": "lift"})})
    assert moves(found) == [(1, "give", "beta"), (2, "lift", None)]
    assert [event.reason for event in of_kind(found.events, "move_chosen")] == ["so it must be", ""]


def test_an_empty_list_waits() -> None:
    found, _ = decided({"decide/1": listed()})
    assert moves(found) == [(1, WAIT, None)]
    assert kinds(found) == ["move_chosen"]


def test_words_of_a_public_move_stand_where_the_checks_let_them() -> None:
    found, _ = decided({"decide/1": listed({"action": "cry", "words": "We want peace with all our neighbours."})})
    assert found.line == "We want peace with all our neighbours."
    [line] = of_kind(found.events, "line_spoken")
    assert (line.audience, line.n) == (None, 1)


def test_words_to_one_seat_reach_it_alone() -> None:
    words = "We would rather talk about our border in private."
    found, _ = decided({"decide/1": listed({"action": "write", "target": "beta", "words": words})})
    [line] = of_kind(found.events, "line_spoken")
    assert line.audience == ("bob",)
    state = fold(found.events, opened(LAW, begun(LAW)))
    assert [(held.text, held.speaker) for held in state.notebook["bob"]] == [(words, "ann")]
    assert not state.record
    assert not [held for held in state.notebook["ann"] if held.speaker]
    asked = seated(LAW, "bob", COMPOSE, state)
    assert f"Ann: {asked.prompter.open}{words}{asked.prompter.close}" in asked.prompter.desk(asked.seen, brief=True)


def test_words_that_fail_the_checks_are_asked_for_once_more() -> None:
    found, _ = decided(
        {
            "decide/1": listed({"action": "cry", "words": "They will all regret it."}),
            "speak/1": "our door is open to whoever wants to come.",
        }
    )
    assert found.line == "We say that our door is open to whoever wants to come."


def test_words_of_a_move_that_is_seen_without_words_are_left_out() -> None:
    found, _ = decided({"decide/1": listed({"action": "give", "target": "beta", "words": "They will regret it."})})
    assert found.line == ""
    assert "words_refused" in kinds(found)


def test_what_is_on_no_list_is_kept_by_event_and_not_repaired() -> None:
    found, _ = decided({"decide/1": listed({"action": "Sue them"}, {"action": "lift"})})
    assert kinds(found) == ["off_list", "move_chosen"]
    assert [event.action for event in of_kind(found.events, "off_list")] == ["Sue them"]
    assert [move.unlisted for move, _ in found.all] == [True, False]


def test_a_list_that_is_none_is_repaired_and_then_passes() -> None:
    found, script = decided({"decide/1": "no", "repair/1": '{"moves": 3}', "repair/2": listed({"action": "lift"})})
    assert moves(found) == [(1, "lift", None)]
    assert kinds(found) == ["answer_degraded", "answer_degraded", "move_chosen"]
    assert '"moves" should be a list' in script.asked[-1].messages[-1].content
    failed, _ = decided({"decide/1": "no", "repair/1": "no", "repair/2": "no"})
    assert (moves(failed), failed.judged) == ([(1, WAIT, None)], False)
    assert kinds(failed)[-1] == "seat_failed"


def test_what_is_more_than_a_turn_holds_is_told() -> None:
    found, _ = decided({"decide/1": listed(*[{"action": "lift"}] * 3)})
    assert [event.detail for event in of_kind(found.events, "answer_degraded")] == [
        "1 more moves than a turn holds are left out"
    ]


# --- choose -------------------------------------------------------------------------------------------------

GIVE, LIFT, BETA, DONE = (menu_reply(name, {name: 0.99}) for name in ("Give", "Lift", "Beta", "Nothing"))


def test_a_choice_is_made_of_an_action_and_a_target_until_the_turn_is_full() -> None:
    found, script = decided({"decide/1": GIVE, "decide/2": BETA, "decide/3": LIFT, "speak/1": "we can bear it well.",
                             "decide/4": DONE}, CHOOSE)  # fmt: skip
    assert moves(found) == [(1, "give", "beta"), (2, "lift", None)]
    assert [line for _, line in found.all] == ["", "We lift, because we can bear it well."]
    assert "You have chosen already: give to Beta; lift our own." in script.asked[-1].messages[-1].content
    assert "- Halve" not in script.asked[-1].messages[-1].content, "the turn has no room for it"


def test_waiting_first_is_a_choice_and_later_the_end() -> None:
    found, _ = decided({"decide/1": menu_reply("Wait", {"Wait": 1.0})}, CHOOSE)
    assert (moves(found), kinds(found)) == ([(1, WAIT, None)], ["move_chosen"])
    found, _ = decided({"decide/1": GIVE, "decide/2": BETA, "decide/3": DONE}, CHOOSE)
    assert (moves(found), kinds(found)) == ([(1, "give", "beta")], ["move_chosen"])


@pytest.mark.parametrize(
    ("reply", "what"), [("something else", "off_menu"), (Reply(text="", outcome="refused"), "refused")]
)
def test_an_answer_that_names_nothing_ends_the_turn_with_what_there_is(reply: Answering, what: str) -> None:
    found, _ = decided({"decide/1": reply}, CHOOSE)
    assert (moves(found), found.judged, kinds(found)) == ([(1, WAIT, None)], False, ["answer_degraded", "seat_failed"])
    assert [event.what for event in of_kind(found.events, "answer_degraded")] == [what]
    found, _ = decided({"decide/1": GIVE, "decide/2": BETA, "decide/3": reply}, CHOOSE)
    assert (moves(found), found.judged) == ([(1, "give", "beta")], True)
    assert kinds(found) == ["move_chosen", "answer_degraded", "seat_failed"]
    found, _ = decided({"decide/1": GIVE, "decide/2": reply}, CHOOSE)
    assert kinds(found) == ["answer_degraded", "seat_failed"]
