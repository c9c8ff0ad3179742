"""`explain` on a run of the shipped scenario: every change has its causes, and bad names get a sentence."""

import math

import pytest

from tests.support.work import Work

RUN = ("run", "--scenario", "takeoff", "--policy", "all", "--seed", "1", "--rounds", "6", "--name", "six", "--json")


@pytest.fixture
def played(work: Work) -> Work:
    work(*RUN)
    return work


def test_every_variable_that_moved_is_explained_to_the_last_digit(played: Work) -> None:
    rounds = played("runs", "state", "six", "--every-round", "--json").json["rounds"]
    first, last = rounds[0]["values"], rounds[-1]["values"]
    moved = [
        (entity, name)
        for entity, held in first.items()
        for name, value in held.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value != last[entity][name]
    ]
    assert len(moved) > 40
    for entity, name in moved[::7]:
        found = played("explain", "six", f"{entity}.{name}", "--depth", "0", "--json").json
        assert (found["from"], found["to"]) == (first[entity][name], last[entity][name])
        if "causes" in found:
            assert math.fsum(cause["share"] for cause in found["causes"]) == pytest.approx(found["change"], abs=1e-6)


def test_it_is_told_to_people_with_sources_and_what_was_read(played: Work) -> None:
    said = played("explain", "six", "world.sp500").out
    assert "world.sp500: 100 ->" in said
    assert "rule index_follows" in said
    assert "M32" in said
    assert "world.big_tech" in said
    assert played("explain", "six", "world.sp500", "--round", "0", "--json").json["change"] == 0


def test_a_run_cut_short_has_no_outcome_to_explain(played: Work) -> None:
    assert played("explain", "six", "outcome", "--json").json["outcome"] is None
    assert "cut short" in played("explain", "six", "outcome").out


def test_bells_are_listed_whether_they_rang_or_not(played: Work) -> None:
    bells = played("explain", "six", "bells", "--json").json["bells"]
    assert len(bells) >= 5
    assert {"report", "rang", "noticed", "acted", "days_left", "false"} <= set(bells[0])
    assert "FIRST RANG" in played("explain", "six", "bells").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("explain", "six", "world.sp50"), 2, "did you mean 'world.sp500'"),
        (("explain", "six", "world"), 2, "there is no variable 'world'"),
        (("explain", "six", "world.sp500", "--round", "9"), 6, "has completed 6 rounds"),
        (("explain", "none", "world.sp500"), 6, "none"),
    ],
)
def test_bad_names_get_a_sentence(played: Work, words: tuple[str, ...], code: int, said: str) -> None:
    done = played(*words, code=code)
    assert said in done.err
    assert "Traceback" not in done.err
