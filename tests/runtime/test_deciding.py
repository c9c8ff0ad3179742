"""How a seat decides in each style, and what is recorded where its answers are not what was asked for."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.core.call import Reply
from orchestrator.core.events import SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.speakcalls import HOTTEST
from orchestrator.core.turn import FREE
from orchestrator.runtime.deciding import Decided, decide, tempered
from tests.support.asking import Answering, Script, menu_reply
from tests.support.prompting import CHOOSE, COMPOSE, POLICY, seated
from tests.support.worlds import SECRET, begun, law_of, of_kind, opened, persona, world

BUY = {
    "label": "Buy things",
    "purpose": "more",
    "by": ["ann"],
    "stem": "We have bought, because",
    "params": {"n": {"low": 1, "high": 3}},
}
DATA = world(
    actions={
        "buy": BUY,
        "hide": {"label": "Hide", "purpose": "be quiet", "by": "ann", "visibility": "self"},
        "hit": {"label": "Attack {target}", "purpose": "harm", "by": "ann", "target": {"kind": "firm"}},
    },
    free={"at_most": 2, "by": "ann", "may": {"rest": {"label": "rest", "add": {"self.x": "1"}}}},
)
LAW = law_of(DATA)
LINE = "we need them for our work."
COMPOSED = {"reason": "because", "action": "buy", "n": 2, "attempt": "", "statement": "We buy what our work needs."}


def decided(answers: Mapping[str, Answering], play: SeatPlay = COMPOSE, law: Law = LAW) -> tuple[Decided, Script]:
    """Ann's decision in round 1; the keys of the script are without `r1/ann/`."""
    script = Script({f"r1/ann/{key}": answer for key, answer in answers.items()})
    found = asyncio.run(decide(seated(law, "ann", play), script))
    assert len(script.asked) == len(answers), "every answer of the script is asked for"
    return found, script


def kinds(found: Decided) -> list[str]:
    return [event.kind for event in found.events]


# --- policy -------------------------------------------------------------------------------------------------


def test_a_seat_on_policy_asks_nothing() -> None:
    law = law_of(DATA, {"ann": persona("ann", {"do": "hide"})})
    found, _ = decided({}, POLICY, law)
    assert (found.move.action, found.move.style, found.line) == ("hide", "policy", "")
    [event] = found.events
    assert (event.kind, event.cause.kind) == ("move_chosen", "move")


# --- choose -------------------------------------------------------------------------------------------------


def test_choosing_multiplies_the_masses_with_the_weights_and_rolls_a_die() -> None:
    law = law_of(DATA, {"ann": persona("ann", {"do": "hide", "weight": 3})})
    top = {"Buy": 0.4, "Hide": 0.2, "Attack": 0.1, "Wait": 0.1, "The": 0.2}
    script = Script(lambda call: menu_reply("Hide", top) if "/decide/" in call.key else LINE)
    found = asyncio.run(decide(seated(law, "ann", CHOOSE), script))
    [event] = of_kind(found.events, "move_chosen")
    chances = dict(event.menu)
    total = 0.4 + 0.2 * 4 + 0.1 + 0.1
    assert chances["Buy things"] == pytest.approx(0.4 / total)
    assert chances["Hide"] == pytest.approx(0.8 / total)
    assert (event.mass, event.offered, event.style) == (pytest.approx(0.8), 4, "choose")


def test_temperature_nought_takes_the_likeliest() -> None:
    cold = CHOOSE.model_copy(update={"temperature": 0.0})
    found, _ = decided({"decide/1": menu_reply("Hide", {"Buy": 0.2, "Hide": 0.5})}, cold)
    assert found.move.action == "hide"


def test_a_public_move_is_spoken_about_in_a_call_of_its_own() -> None:
    found, script = decided({"decide/1": menu_reply("Buy", {"Buy": 1.0}), "speak/1": LINE}, CHOOSE)
    assert found.line == f"We have bought, because {LINE}"
    assert kinds(found) == ["move_chosen", "line_spoken"]
    assert script.asked[1].begun == "We have bought, because"
    assert SECRET not in "".join(message.content for message in script.asked[1].messages)


def test_a_line_that_fails_is_tried_again_with_the_reason_and_then_left_out() -> None:
    bad = "with 4,000 points behind us."
    found, script = decided(
        {
            "decide/1": menu_reply("Buy", {"Buy": 1.0}),
            "speak/1": bad,
            "speak/2": Reply(text="", outcome="empty"),
            "speak/3": bad,
        },
        CHOOSE,
    )
    assert found.line == ""
    assert kinds(found) == ["move_chosen", "answer_degraded", "words_refused"]
    assert of_kind(found.events, "answer_degraded")[0].what == "empty"
    assert of_kind(found.events, "words_refused")[0].why == ("a figure that the record does not hold",)
    assert "a figure that the record does not hold" in script.asked[2].messages[-1].content


def test_a_further_try_is_told_the_words_it_may_not_use_and_is_drawn_more_freely() -> None:
    found, script = decided(
        {
            "decide/1": menu_reply("Buy", {"Buy": 1.0}),
            "speak/1": "it is said plainly and without figures.",
            "speak/2": f"in truth {SECRET}.",
            "speak/3": LINE,
        },
        CHOOSE,
    )
    assert found.line.endswith(LINE)
    first, second, third = script.asked[1:]
    assert "Never again" not in first.messages[-1].content
    for again in (second, third):
        assert "Never again say plainly and without figures." in again.messages[-1].content
        assert SECRET not in again.messages[-1].content
    assert [call.sampling.copying for call in (first, second, third)] == [1.5, 3.0, 4.5]
    heats = [call.sampling.temperature for call in (first, second, third)]
    assert heats[0] < heats[1] <= heats[2] <= HOTTEST


def test_a_setting_for_words_that_is_not_honoured_is_recorded() -> None:
    reply = Reply(text=LINE, dropped=("begun", "copying"))
    found, _ = decided({"decide/1": menu_reply("Buy", {"Buy": 1.0}), "speak/1": reply}, CHOOSE)
    assert kinds(found) == ["move_chosen", "answer_degraded", "line_spoken"]
    assert of_kind(found.events, "answer_degraded")[0].detail == "copying"


def test_a_line_that_was_cut_stands_and_says_so() -> None:
    cut = Reply(text=LINE, outcome="length")
    found, _ = decided({"decide/1": menu_reply("Buy", {"Buy": 1.0}), "speak/1": cut}, CHOOSE)
    assert kinds(found) == ["move_chosen", "answer_degraded", "line_spoken"]
    assert of_kind(found.events, "answer_degraded")[0].what == "length"


def test_the_second_try_may_stand() -> None:
    found, _ = decided(
        {"decide/1": menu_reply("Buy", {"Buy": 1.0}), "speak/1": "我们 must act now.", "speak/2": LINE}, CHOOSE
    )
    assert found.line.endswith(LINE)


def test_without_probabilities_the_written_name_counts() -> None:
    reply = Reply(text="Hide", dropped=("logprobs",))
    found, _ = decided({"decide/1": reply}, CHOOSE)
    assert found.move.action == "hide"
    assert kinds(found) == ["answer_degraded", "move_chosen"]
    assert of_kind(found.events, "answer_degraded")[0].what == "dropped"
    assert of_kind(found.events, "move_chosen")[0].mass is None


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (Reply(text="Dance"), "off_menu"),
        (Reply(text="", outcome="refused"), "refused"),
        (Reply(text="", outcome="filtered"), "filtered"),
        (Reply(text="", outcome="empty"), "empty"),
    ],
)
def test_no_usable_choice_is_a_seat_that_failed(reply: Reply, what: str) -> None:
    found, _ = decided({"decide/1": reply}, CHOOSE)
    assert (found.move.action, found.judged) == ("wait", False)
    assert kinds(found) == ["answer_degraded", "seat_failed"]
    assert of_kind(found.events, "answer_degraded")[0].what == what


def test_tempered_chances() -> None:
    assert tempered([0.5, 0.3, 0.2], 1.0) == pytest.approx([0.5, 0.3, 0.2])
    assert tempered([0.5, 0.5, 0.0], 0.0) == [1.0, 0.0, 0.0]
    assert tempered([0.6, 0.3, 0.1], 0.5) == pytest.approx([36 / 46, 9 / 46, 1 / 46])


# --- compose ------------------------------------------------------------------------------------------------


def test_a_composed_move_with_its_statement() -> None:
    found, _ = decided({"decide/1": COMPOSED})
    move = found.move
    assert (move.action, move.params, move.reason, move.style) == ("buy", {"n": 2}, "because", "compose")
    assert found.line == COMPOSED["statement"]
    assert kinds(found) == ["move_chosen", "line_spoken"]
    assert of_kind(found.events, "move_chosen")[0].audience == ("ann",)


def test_a_statement_about_a_hidden_move_is_not_spoken() -> None:
    found, _ = decided({"decide/1": {**COMPOSED, "action": "hide"}})
    assert found.line == ""
    assert kinds(found) == ["move_chosen"]


@pytest.mark.parametrize("statement", [f"Know that {SECRET}.", "We hold 4,000 points now.", "He buys it all today."])
def test_a_statement_that_fails_a_check_is_asked_for_once_more(statement: str) -> None:
    found, script = decided({"decide/1": {**COMPOSED, "statement": statement}, "speak/1": LINE})
    assert found.line.endswith(LINE)
    assert script.keys == ["r1/ann/decide/1", "r1/ann/speak/1"]
    found, _ = decided({"decide/1": {**COMPOSED, "statement": statement}, "speak/1": SECRET})
    assert kinds(found) == ["move_chosen", "words_refused"]


def test_a_malformed_answer_is_repaired_by_asking_with_the_reason() -> None:
    found, script = decided({"decide/1": {**COMPOSED, "action": "dance"}, "repair/1": "no", "repair/2": COMPOSED})
    assert found.move.action == "buy"
    assert [event.what for event in of_kind(found.events, "answer_degraded")] == ["off_menu", "malformed"]
    first, second, third = script.asked
    assert second.messages[:2] == first.messages
    assert '"dance" is not among the open moves' in second.messages[-1].content
    assert third.messages[-2].content == "no"


def test_three_answers_without_use_are_a_seat_that_failed() -> None:
    found, _ = decided({"decide/1": "no", "repair/1": "no", "repair/2": Reply(text="", outcome="refused")})
    assert (found.move.action, found.judged, found.line) == ("wait", False, "")
    assert kinds(found) == ["answer_degraded"] * 3 + ["seat_failed"]
    assert [event.what for event in of_kind(found.events, "answer_degraded")] == ["malformed", "malformed", "refused"]


def test_json_that_had_to_be_mended_is_recorded() -> None:
    found, _ = decided({"decide/1": "Sure! {'action': 'hide', 'reason': 'r'}"})
    assert found.move.action == "hide"
    assert [event.what for event in of_kind(found.events, "answer_degraded")] == ["repaired"]


def test_settings_that_were_dropped_are_recorded_once_for_a_seat() -> None:
    reply = Reply(text='{"action": "hide"}', dropped=("schema", "seed"))
    found, _ = decided({"decide/1": reply})
    [event] = of_kind(found.events, "answer_degraded")
    assert (event.what, event.detail) == ("dropped", "schema")
    from orchestrator.core.state import fold

    state = fold([event], opened(LAW, begun(LAW)))
    again = asyncio.run(decide(seated(LAW, "ann", COMPOSE, state), Script({"r1/ann/decide/1": reply})))
    assert not of_kind(again.events, "answer_degraded")


FREE_MOVE: dict[str, Any] = {
    "reason": "r",
    "action": "free",
    "attempt": "We ask everyone to rest.",
    "statement": "We rest.",
}


def test_a_free_move_goes_to_the_referee() -> None:
    found, script = decided({"decide/1": FREE_MOVE, "referee/1": {"effects": ["rest"]}})
    assert (found.move.action, found.move.effects, found.line) == (FREE, (("rest", None),), "")
    assert kinds(found) == ["move_chosen", "free_move_mapped"]
    assert "We ask everyone to rest." in script.asked[1].messages[-1].content
    assert script.asked[1].sampling.temperature == 0


def test_a_referee_without_a_usable_answer_maps_onto_nothing_by_event() -> None:
    found, _ = decided({"decide/1": FREE_MOVE, "referee/1": {"effects": ["everything"]}})
    assert found.move.effects == ()
    assert kinds(found) == ["move_chosen", "answer_degraded", "free_move_mapped"]


def test_a_free_move_where_none_is_open_is_off_the_menu() -> None:
    law = law_of({key: value for key, value in DATA.items() if key != "free"})
    found, _ = decided({"decide/1": FREE_MOVE, "repair/1": COMPOSED}, COMPOSE, law)
    assert [event.what for event in of_kind(found.events, "answer_degraded")] == ["off_menu"]
