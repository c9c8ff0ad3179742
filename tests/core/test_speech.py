"""Each check on a spoken line, and lines that stand."""

from typing import Any

import pytest

from orchestrator.core.speech import Ground, failed, fours, numbers, repeated
from orchestrator.core.turn import Reading

GROUND = Ground(
    stem="We have bought,",
    earlier=["We will never sell the river to anyone."],
    instructions="Finish this one sentence for the public, plainly",
    private=["Our laboratory has already broken the second seal."],
    others=["Beta", "the Commission"],
    texts=["Alpha grows to 1,250 points and 37.5 % of the market."],
    readings=[
        Reading("Capability of Alpha", 12.0, "", 1, 10.0),
        Reading("Trust", 40.0, "", 1, 55.0),
        Reading("Mood", "calm", "", 0, None),
    ],
    own=["Alpha's board"],
)


def checks(words: str, **more: Any) -> tuple[str, ...]:
    return failed(words, GROUND._replace(**more))


@pytest.mark.parametrize(
    "words",
    [
        "because the market needs it.",
        "since two of our three teams asked for it.",
        "with 1,250 points behind us.",
        "at 37.5 % of the market.",
        "now that trust falls.",
        "as capability of Alpha rises to 12.",
        "and Beta is free to follow in 2024.",
        "für die Bürger in São Paulo.",
    ],
)
def test_a_line_that_stands(words: str) -> None:
    assert checks(words) == ()


@pytest.mark.parametrize(
    ("words", "check"),
    [
        ("we must.", "too short"),
        ("because " + "very " * 60 + "much.", "too long"),
        ("because <b>we</b> must act.", "signs that are no speech"),
        ("because {x} is what we want.", "signs that are no speech"),
        ("because we must\x07 act now.", "signs that are no speech"),
        ("because we must\u200b act now.", "signs that are no speech"),
        ("because 我们 must act now.", "another script"),
        ("because мы must act now.", "another script"),
        ("as our laboratory HAS already broken it.", "words of a private fact"),
        ("but will never sell the house.", "words of an earlier line"),
        ("to finish this one sentence for you.", "words of the instructions"),
        ("because we at Beta need it.", "speaks for another organisation"),
        ("and as the Commission, we must.", "speaks for another organisation"),
        ("because the Commission believes that it helps.", "speaks for another organisation"),
        ("because Alpha's board thought it best.", "not in the first person"),
        ("because it protects the market and the.", "no whole sentence"),
        ("because it protects us and the u.", "no whole sentence"),
        ("with 4,000 points behind us.", "a figure that the record does not hold"),
        ("at 99 % of the market.", "a figure that the record does not hold"),
        ("as capability of Alpha falls again.", "a direction that the record contradicts"),
        ("because trust rises everywhere today.", "a direction that the record contradicts"),
    ],
)
def test_each_check(words: str, check: str) -> None:
    assert check in checks(words)


def test_the_first_person_may_stand_in_the_stem() -> None:
    assert checks("because the market needs it.", stem="They bought,") == ("not in the first person",)
    assert checks("because our market needs it.", stem="They bought,") == ()


def test_one_s_own_name_may_be_spoken() -> None:
    assert checks("because we at Beta need it.", others=["the Commission"]) == ()


def test_every_line_is_checked_against_those_before_it() -> None:
    line = "because the market needs it today."
    assert checks(line) == ()
    assert "words of an earlier line" in checks(line, earlier=[f"We have sold, {line}"])


def test_words_that_were_used_before_are_named_and_those_of_a_private_fact_never() -> None:
    said = "we will never sell the river, has already broken the second seal, finish this one sentence now"
    assert repeated(said, GROUND) == ["we will never sell the river", "finish this one sentence"]
    assert repeated(said, GROUND, most=4) == ["we will never sell", "finish this one sentence"]
    assert repeated("nothing of the kind", GROUND) == []


def test_four_words_in_a_row() -> None:
    assert fours("One two, three FOUR five") == {("one", "two", "three", "four"), ("two", "three", "four", "five")}
    assert fours("one two three") == set()


def test_numbers_without_years() -> None:
    assert numbers("In 2024 we had 1,250.5 and 3 of 12th, a2b") == [1250.5, 3, 12]
