"""Talks, promises and agreements from the command line: asked for by a flag, muted and enforced by a fork."""

import json
from typing import Any

import pytest

from tests.support.work import Work

SCRIPT = """\
{"match": "r*/upper_farmer/talk/*", "json": {"to": ["mill_farmer"], "message": "We would sign if you did."}}
{"match": "r*/*/talk/*", "json": {"to": [], "message": ""}}
{"match": "r1/upper_farmer/decide/*", "json": {"reason": "Somebody must.", "action":\
 "offer_ditch_pact ditch_pact_terms_1", "promise": "will not stay_home", "promise_rounds": 2, "promise_to": "everyone",\
 "statement": ""}}
{"match": "r2/*/decide/*", "json": {"reason": "It helps.", "action": "sign_ditch_pact ditch_pact_1", "promise": "none",\
 "promise_rounds": 1, "promise_to": "everyone", "statement": ""}}
{"match": "r*/*/decide/*", "json": {"reason": "It pays.", "action": "stay_home", "promise": "none",\
 "promise_rounds": 1, "promise_to": "everyone", "statement": ""}}
{"match": "*", "text": "nothing"}
"""
CANNED = """\
db = "runs/orchestrate.db"
[backends.canned]
kind = "script"
path = "answers.jsonl"
"""
COMMONS = ("run", "--scenario", "commons", "--backend", "canned", "--judge", "off", "--rounds", "3")


@pytest.fixture
def farms(work: Work) -> Work:
    """A working folder with a script that answers for all four farms."""
    (work.folder / "answers.jsonl").write_text(SCRIPT, "utf-8")
    (work.folder / "orchestrate.toml").write_text(CANNED, "utf-8")
    return work


def events(work: Work, *kinds: str) -> list[dict[str, Any]]:
    lines = work("runs", "events", "last", "--json").out.splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] in kinds]


def test_talks_are_off_until_they_are_asked_for(farms: Work) -> None:
    assert "talk" not in farms(*COMMONS, "--json").json["calls"]["by_kind"]
    assert events(farms, "message_sent") == []
    document = farms(*COMMONS, "--talk", "1", "--json").json
    assert document["calls"]["by_kind"]["talk"] == 12
    sent = events(farms, "message_sent")
    assert [(event["round"], event["seat"], event["recipients"]) for event in sent] == [
        (round_, "upper_farmer", ["mill_farmer"]) for round_ in (1, 2, 3)
    ]
    assert farms("verify", "--json").json["ok"]
    story = farms("story", "last").out
    assert "The upper farmer to The mill farmer: “We would sign if you did.”" in story


def test_a_dry_run_counts_the_talks(farms: Work) -> None:
    calls = [farms(*COMMONS, *more, "--dry-run", "--json").json["calls"]["total"][0] for more in ((), ("--talk", "2"))]
    assert calls == [12, 36]


def test_a_promise_of_a_model_is_kept_or_broken_by_its_moves(farms: Work) -> None:
    farms(*COMMONS, "--json")
    (made,) = events(farms, "promise_made")
    assert (made["promise"], made["until"]) == ("r1/upper_farmer/1", 3)
    (broken,) = events(farms, "promise_broken")
    assert (broken["round"], broken["seat"]) == (3, "upper_farmer")


def test_a_fork_mutes_a_seat(farms: Work) -> None:
    farms(*COMMONS, "--talk", "1", "--json")
    farms("fork", "last", "--at", "1", "--mute", "upper-farmer", "--json")
    assert [event["round"] for event in events(farms, "message_sent")] == [1]
    assert events(farms, "run_forked")[0]["mutes"] == ["upper_farmer"]
    assert "sends no more messages" in farms("story", "last").out
    assert farms("verify", "--json").json["ok"]


def test_a_fork_changes_the_enforcement_alone(farms: Work) -> None:
    farms(*COMMONS, "--json")
    assert len(events(farms, "action_refused")) == 0
    farms("fork", "last", "--at", "2", "--set", "agreements.ditch-pact.enforced=binding", "--json")
    failed = events(farms, "answer_degraded")
    assert failed, "what is bound is no longer on the menu"
    assert {event["what"] for event in failed if event["call"] == "decide"} == {"off_menu"}
    assert events(farms, "value_set")[0]["path"] == "ditch_pact_agreement.enforced"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*COMMONS, "--talk", "5"), 2, "--talk should be a whole number from 0 to 4"),
        ((*COMMONS, "--talk", "some"), 2, "--talk should be a whole number"),
        ((*COMMONS, "--set", "agreements.ditch_pact.enforced=strictly"), 2, "none of none, declared, binding"),
        (
            (*COMMONS, "--set", "agreements.dike_pact.enforced=binding"),
            2,
            "no agreement is called 'dike_pact'; did you mean 'ditch_pact'?",
        ),
    ],
)
def test_what_cannot_be_is_refused(farms: Work, words: tuple[str, ...], code: int, said: str) -> None:
    done = farms(*words, code=code)
    assert said in done.err


def test_a_seat_that_is_not_there_cannot_be_muted(farms: Work) -> None:
    farms(*COMMONS, "--json")
    assert "did you mean 'mill_farmer'?" in farms("fork", "last", "--at", "1", "--mute", "mill_farmr", code=2).err
