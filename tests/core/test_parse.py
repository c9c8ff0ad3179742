"""From replies to values: strict first, mended only with a record of it, never guessed."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core import parse
from orchestrator.core.call import Outcome, Reply, TokenChoice
from orchestrator.core.parse import Chosen, Malformed
from orchestrator.core.turn import Option

BUY = Option("buy", None, "Buy things", "p", (), True, "", {"n": (1, 2, 3), "how": ("soft", "hard")})
HIT = Option("hit", "beta", "Hit Beta", "p", (), True, "", {})
OPTIONS = (BUY, HIT)
GOOD = {"reason": "r", "action": "buy", "n": 2, "how": "hard", "statement": "We buy."}


def reply(text: Any, outcome: Outcome = "ok") -> Reply:
    return Reply(text=text if isinstance(text, str) else json.dumps(text), outcome=outcome)


# --- objects ------------------------------------------------------------------------------------------------


def test_a_strict_object_is_not_mended() -> None:
    assert parse.obj(reply({"a": 1})) == ({"a": 1}, False)
    assert parse.obj(reply('  {"a": 1}\n')) == ({"a": 1}, False)


@pytest.mark.parametrize(
    "text",
    [
        'Sure: {"a": 1}',
        '```json\n{"a": 1}\n```',
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": 1',
        '{"a": 1, "a": 1}',
        "{a: 1}",
    ],
)
def test_what_had_to_be_mended_says_so(text: str) -> None:
    assert parse.obj(reply(text)) == ({"a": 1}, True)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": -Infinity}', '{"a": 12345678901234567890}'])
def test_numbers_that_are_no_json_are_never_taken_as_they_stand(text: str) -> None:
    found = parse.obj(reply(text))
    assert isinstance(found, Malformed) or found[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "[1, 2]",
        "3",
        '"text"',
        "null",
        "{" * 5000,
        "[" * 5000 + "]" * 5000,
        '{"a":' * 12 + "1" + "}" * 12,
        "{" + "x" * 50_000,
    ],
)
def test_what_holds_no_object_is_malformed(text: str) -> None:
    found = parse.obj(reply(text))
    assert isinstance(found, Malformed)
    assert found.kind == "malformed"


@pytest.mark.parametrize("outcome", ["refused", "filtered", "empty"])
def test_an_outcome_without_an_answer_is_named(outcome: Outcome) -> None:
    found = parse.obj(reply({"a": 1}, outcome))
    assert isinstance(found, Malformed)
    assert found.kind == outcome


def test_an_answer_that_was_cut_off_says_so() -> None:
    found = parse.obj(reply("once upon a", "length"))
    assert isinstance(found, Malformed)
    assert found.kind == "length"


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text('{}[]",:01ab \\', max_size=60)))
def test_no_text_makes_the_parser_fall_over(text: str) -> None:
    parse.obj(reply(text))
    parse.composed(reply(text), OPTIONS, free=True)
    parse.verdict(reply(text))
    parse.effects(reply(text), {"a": ("a", None)}, 2)
    parse.named(reply(text), ["Buy", "Hit"])
    parse.spoken_words(reply(text), "We have")


# --- composed moves -----------------------------------------------------------------------------------------


def composed(*, free: bool = True, **more: Any) -> Chosen | Malformed:
    return parse.composed(reply({**GOOD, **more}), OPTIONS, free=free)


def test_a_composed_move() -> None:
    assert composed() == Chosen(BUY, {"n": 2, "how": "hard"}, "r", "We buy.", "", repaired=False)


@pytest.mark.parametrize("action", ["hit beta", "Hit Beta", " hit beta "])
def test_an_action_is_named_by_its_id_or_its_label(action: str) -> None:
    found = composed(action=action)
    assert isinstance(found, Chosen)
    assert found.option is HIT


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"action": "sell"}, "off_menu"),
        ({"action": "hit"}, "off_menu"),
        ({"action": 3}, "malformed"),
        ({"action": None}, "malformed"),
        ({"n": 9}, "malformed"),
        ({"n": "2"}, "malformed"),
        ({"n": None}, "malformed"),
        ({"how": ["soft"]}, "malformed"),
        ({"action": "free", "attempt": "  "}, "malformed"),
        ({"action": "free"}, "malformed"),
    ],
)
def test_what_is_no_move(more: dict[str, Any], kind: str) -> None:
    found = composed(**more)
    assert isinstance(found, Malformed)
    assert found.kind == kind


def test_texts_of_another_type_are_dropped_and_odd_numbers_made_plain() -> None:
    found = composed(reason=3, statement=["x"], n=2.0)
    assert isinstance(found, Chosen)
    assert (found.reason, found.statement, repr(found.params["n"])) == ("", "", "2")


def test_a_free_move_is_one_only_where_it_is_open() -> None:
    found = composed(action="free", attempt="we try")
    assert isinstance(found, Chosen)
    assert (found.option, found.attempt) == (None, "we try")
    assert isinstance(composed(free=False, action="free", attempt="we try"), Malformed)


def test_effects_of_a_referee() -> None:
    ids = {"lift beta": ("lift", "beta"), "rest": ("rest", None)}
    assert parse.effects(reply({"effects": ["rest", "rest", "lift beta"]}), ids, 3) == (
        ("rest", None),
        ("lift", "beta"),
    )
    assert parse.effects(reply({"effects": ["rest", "lift beta"]}), ids, 1) == (("rest", None),)
    assert parse.effects(reply({"effects": []}), ids, 1) == ()
    for wrong in ("rest", ["other"], [1], [["rest"]], None):
        assert isinstance(parse.effects(reply({"effects": wrong}), ids, 3), Malformed)


# --- verdicts -----------------------------------------------------------------------------------------------

RATINGS = {"resources": 4, "incentive": 3, "information": 2, "timing": 5, "authority": 1, "plausibility": 3}


def weighed(pieces: list[str], top: dict[str, float]) -> Reply:
    """A reply in these tokens; a piece that is a bare digit has this distribution."""
    dist = tuple((text, math.log(p)) for text, p in top.items())
    tokens = tuple(
        TokenChoice(token=piece, logprob=-0.5, top=dist if piece.strip().isdigit() else ()) for piece in pieces
    )
    return Reply(text="".join(pieces), tokens=tokens)


def pieces(digit: str = "{}", sep: str = ":") -> list[str]:
    """The verdict as a tokenizer may cut it: `digit` and `sep` say how."""
    made = ['{"', "reason", '":"', "why", '"']
    for name, value in RATINGS.items():
        made += [',"', name[:3], name[3:], '"' + sep, digit.format(value)]
    return [*made, "}"]


TOP = {"4": 0.5, "2": 0.25, " x": 0.2, " 5": 0.05}
MEAN = (4 * 0.5 + 2 * 0.25 + 5 * 0.05) / 0.8


@pytest.mark.parametrize(("digit", "sep"), [("{}", ":"), (" {}", ":"), ("{}", ": "), ("{}", " : ")])
def test_a_rating_is_the_mean_under_its_token_s_probabilities(digit: str, sep: str) -> None:
    found = parse.verdict(weighed(pieces(digit, sep), TOP))
    assert not isinstance(found, Malformed)
    verdict, repaired = found
    assert not repaired
    assert verdict.method == "logprobs"
    assert verdict.score == round(MEAN, 3)
    assert set(verdict.ratings.values()) == {round(MEAN, 3)}


def test_a_digit_that_shares_its_token_is_read_as_written() -> None:
    cut = pieces()
    at = cut.index('":') if '":' in cut else 0
    joined = [*cut[:at], '":' + cut[at + 1], *cut[at + 2 :]]
    found = parse.verdict(weighed(joined, TOP))
    assert not isinstance(found, Malformed)
    verdict, _ = found
    assert verdict.method == "sampled"
    assert verdict.ratings["resources"] == 4
    assert verdict.ratings["incentive"] == round(MEAN, 3)


def test_without_probabilities_the_written_number_counts() -> None:
    found = parse.verdict(reply({"reason": "  because\nof  it. ", **RATINGS}))
    assert not isinstance(found, Malformed)
    assert found[0] == parse.Verdict(
        3, {name: value for name, value in RATINGS.items() if name != "plausibility"}, "because of it.", "sampled"
    )


def test_mass_outside_one_to_five_does_not_count() -> None:
    assert parse.expected(weighed(pieces(), {"7": 0.9, "x": 0.05}), "timing") is None
    assert parse.expected(weighed(pieces(), {"3": 0.1, "9": 0.9}), "timing") == 3


@pytest.mark.parametrize("wrong", [0, 6, 3.5, "3", True, None, [3]])
def test_a_rating_out_of_range_is_malformed(wrong: Any) -> None:
    assert isinstance(parse.verdict(reply({**RATINGS, "timing": wrong})), Malformed)


def test_a_mended_verdict_uses_the_written_numbers_and_says_so() -> None:
    found = parse.verdict(weighed([*pieces(), " ok?"], TOP))
    assert not isinstance(found, Malformed)
    assert found[1]
    assert found[0].method == "sampled"


# --- menus --------------------------------------------------------------------------------------------------


def first(top: dict[str, float], text: str = "Buy") -> Reply:
    dist = tuple((token, math.log(p)) for token, p in top.items())
    return Reply(text=text, tokens=(TokenChoice(token="Buy", logprob=-0.1, top=dist),))


def test_the_masses_of_a_menu_are_those_of_the_first_token() -> None:
    found = parse.menu_masses(
        first({"Buy": 0.5, " hit": 0.25, "B": 0.05, "We": 0.1, "The": 0.1}), ["Buy things", "Hit Beta"]
    )
    assert found is not None
    assert found[0] == pytest.approx([0.55 / 0.8, 0.25 / 0.8])
    assert found[1] == pytest.approx(0.8)


def test_a_token_that_begins_several_names_is_shared() -> None:
    found = parse.menu_masses(first({"S": 1.0}), ["Sue", "Sell", "Buy"])
    assert found is not None
    assert found[0] == pytest.approx([0.5, 0.5, 0])


def test_no_masses_without_probabilities_or_with_none_on_the_menu() -> None:
    assert parse.menu_masses(reply("Buy"), ["Buy"]) is None
    assert parse.menu_masses(first({"No": 0.9, " ": 0.1}), ["Buy"]) is None


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Buy", 0),
        ("buy things", 0),
        ('"Hit"', 1),
        ("- Hit Beta.", 1),
        ("Hit Beta, because", 1),
        ("", None),
        ("Sell", None),
        ("B", None),
    ],
)
def test_a_name_is_recognised_by_its_beginning(text: str, index: int | None) -> None:
    assert parse.named(reply(text), ["Buy things", "Hit Beta", "Bow"]) == index


@pytest.mark.parametrize(
    ("text", "outcome", "words"),
    [
        ("we must.", "ok", "we must."),
        ("we must", "ok", "we must."),
        ("We have bought, because we must. And more.", "ok", "we must."),
        ('"we must"', "ok", "we must."),
        ("we must buy all of these things, and then the", "length", "we must buy all of these things."),
        ("", "ok", ""),
        ("  two\nlines ", "ok", "two lines."),
    ],
)
def test_spoken_words_are_one_clause_without_the_stem(text: str, outcome: Outcome, words: str) -> None:
    assert parse.spoken_words(reply(text, outcome), "We have bought, because") == words


def test_alternatives_are_kept_only_where_they_are_read() -> None:
    top = (("4", -0.1),)
    tokens = tuple(TokenChoice(token=token, logprob=-0.1, top=top) for token in ("{", '"a"', ":", " 4", "}"))
    kept = parse.lean(Reply(text='{"a": 4}', tokens=tokens))
    assert [bool(token.top) for token in kept.tokens] == [True, False, False, True, False]


def test_a_kept_reply_is_text_that_any_store_holds() -> None:
    odd = TokenChoice(token="a\x00\ud800", logprob=-math.inf, top=(("\ud800", -math.inf),))
    kept = parse.lean(Reply(text="a\x00\ud800", tokens=(odd,)))
    assert kept.text == kept.tokens[0].token == "a\ufffd?"
    assert kept.tokens[0].logprob == kept.tokens[0].top[0][1] == -1e4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('it is needed."', "it is needed."),
        ("it helps the overall '.", "it helps the overall."),
        ("it is needed. And more", "it is needed."),
        ("x" * 30 + ", and this part was cut by the cap because it is very long indeed " + "y" * 80, "x" * 30 + "."),
        ("it helps " + "x" * 141 + " and it comes to an end as.", "it helps " + "x" * 141 + "."),
        ("it is what " + "x" * 150 + " wants of the of.", "it is what " + "x" * 150 + " wants."),
    ],
)
def test_words_end_at_a_whole_clause(text: str, words: str) -> None:
    assert parse.spoken_words(parse.Reply(text=text), "") == words
