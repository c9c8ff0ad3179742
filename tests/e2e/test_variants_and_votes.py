"""`run --variant`, and questions whose answers a model gives, through the command line."""

import json
import re

import pytest

from tests.support.lab import Lab
from tests.support.playing import DUEL
from tests.support.work import Work

SLOW = """\
variant: a court that never sits, and a longer race
clock: {rounds: 6}
entities: {alpha: {money: 250}}
rules:
  boom: null
  follow: null
personas:
  seat_b: {policy: [{do: spy}]}
"""
CREW = """\
---
seat: crew
organisation: the crew
goals: [come home]
draws: {nerve: {low: 1, mode: 2, high: 4}}
policy:
  - {asked: sail, when: "my.nerve > 2", do: yes}
---
You are one of the crew.
"""
ASKING = """\
seats:
  crew: {label: the crew, plays: alpha, members: 3, member: sailor}
"""
SAIL = """\
rules:
  sail:
    every: quarter
    source: M1
    asks: {seats: crew, question: the ship may sail, decides: unanimous, yes: {add: {alpha.money: 7}}}
"""


@pytest.fixture
def slow(work: Work) -> Work:
    """A working folder whose scenario has a variant."""
    folder = work.folder / "scenarios" / "duel" / "variants"
    folder.mkdir()
    (folder / "slow.yaml").write_text(SLOW, "utf-8")
    return work


@pytest.fixture
def crew(work: Work) -> Work:
    """A working folder whose scenario asks a crew of three at the end of each quarter."""
    text = DUEL.replace("seats:\n", ASKING).replace("rules:\n", SAIL)
    (work.folder / "scenarios" / "duel" / "scenario.yaml").write_text(text, "utf-8")
    (work.folder / "personas" / "duel" / "crew.md").write_text(CREW, "utf-8")
    return work


def all_policy(work: Work, *words: str) -> dict[str, object]:
    return work("run", "--scenario", "duel", "--policy", "all", *words, "--json").json


def test_a_run_of_a_variant_is_its_own_design_and_says_so(slow: Work) -> None:
    plain, run = all_policy(slow), all_policy(slow, "--variant", "slow")
    assert (plain["variant"], run["variant"]) == (None, "slow")
    assert (plain["rounds"], run["rounds"]) == (4, 6)
    start = slow("runs", "state", "last", "--round", "0", "--json").json["rounds"][0]["values"]
    assert start["alpha"]["money"] == 250
    assert slow("verify", "--json").json["ok"]
    assert "(variant slow)" in slow("runs", "show", "last").out
    assert "Variant slow" in slow("story", "last").out
    assert "Alpha's capability passes" not in slow("story", "last").out


def test_a_stored_variant_is_played_on_from_its_copy_and_held_against_its_file(slow: Work) -> None:
    all_policy(slow, "--variant", "slow", "--rounds", "2")
    file = slow.folder / "scenarios" / "duel" / "variants" / "slow.yaml"
    assert slow("replay", "last", "--current", "--json").json["diverged"] is None
    file.write_text(SLOW.replace("money: 250", "money: 251"), "utf-8")
    assert slow("replay", "last", "--current", "--json", code=5).json["diverged"] is not None
    file.unlink()
    assert slow("replay", "last", "--current", "--json", code=6).error["kind"] == "unknown_variant"
    assert slow("replay", "last", "--json").json["diverged"] is None
    assert slow("resume", "last", "--rounds", "6", "--json").json["rounds"] == 6


def test_variants_are_shown_and_checked_with_the_scenario(slow: Work) -> None:
    document = slow("scenarios", "show", "duel", "--json").json
    assert document["variants"] == [{"id": "slow", "title": "a court that never sits, and a longer race"}]
    assert "  slow: a court that never sits, and a longer race" in slow("scenarios", "show", "duel").out
    assert slow("scenarios", "check", "duel", "--json").json["ok"]
    file = slow.folder / "scenarios" / "duel" / "variants" / "slow.yaml"
    file.write_text(SLOW.replace("  boom: null", "  boom: null\n  bloom: {add: {alpha.monkey: 1}}"), "utf-8")
    found = slow("scenarios", "check", "duel", "--json", code=2).json["problems"]
    assert found == [
        {
            "where": "scenarios/duel/variants/slow.yaml:6",
            "message": "variant slow: rules.bloom.add.alpha.monkey: a lab has no 'monkey'; did you mean 'money'?",
        }
    ]


@pytest.mark.parametrize(
    ("name", "code", "kind", "said"),
    [
        ("slwo", 6, "unknown_variant", "duel has no variant 'slwo': did you mean 'slow'? (it has: slow)"),
        ("../slow", 6, "unknown_variant", "duel has no variant '../slow'"),
        ("broken", 2, "bad_scenario", "clock.rounds must be at least 1, not 0"),
    ],
)
def test_a_variant_that_cannot_be_played_is_told_in_a_sentence(
    slow: Work, name: str, code: int, kind: str, said: str
) -> None:
    folder = slow.folder / "scenarios" / "duel" / "variants"
    if name == "broken":
        (folder / "broken.yaml").write_text("variant: x\nclock: {rounds: 0}\n", "utf-8")
    error = slow("run", "--scenario", "duel", "--variant", name, "--json", code=code).error
    assert error["kind"] == kind
    assert error["message"].startswith(said)
    assert not (slow.folder / "runs").exists()


def test_votes_on_policy_ask_nobody(crew: Work) -> None:
    document = all_policy(crew)
    assert document["calls"] == {"total": 0, "asked": 0, "reused": 0, "by_kind": {}}
    lines = crew("runs", "events", "last", "--rule", "sail", "--json").out.splitlines()
    kinds = [json.loads(line)["kind"] for line in lines[:5]]
    shown = crew("runs", "events", "last", "--rule", "sail").out
    assert re.search(r"answer_given +sail  crew_2: (yes|no)", shown)
    assert "the ship may sail" in shown
    assert kinds == ["question_asked", "answer_given", "answer_given", "answer_given", "question_decided"]


def test_a_model_answers_for_each_member_and_the_run_is_whole(crew: Work, lab: Lab) -> None:
    document = crew(
        "run",
        "--scenario",
        "duel",
        "--policy",
        "all",
        "--backend",
        "crew=lab",
        "--rounds",
        "2",
        "--no-download",
        "--json",
    ).json
    assert document["calls"]["by_kind"] == {"vote": 6}
    assert document["judge"] is None, "there is no move of a model to be judged"
    assert {seat["seat"]: seat["backend"] for seat in document["seats"]}["crew"] == "lab"
    assert len(lab.seeds) == 6
    assert crew("verify", "--json").json["ok"]
    assert crew("replay", "last", "--json").json["diverged"] is None
    keys = [json.loads(line)["key"] for line in crew("runs", "calls", "last", "--json").out.splitlines()]
    assert sorted(keys) == [f"r{r}/crew_{n}/vote/1" for r in (1, 2) for n in (1, 2, 3)]
    text = crew("story", "last").out
    assert "The crew are asked whether the ship may sail: " in text
    assert "asked whether the ship may sail, sailor 1" in " ".join(text.split())
    fork = crew("fork", "last", "--at", "1", "--policy", "crew", "--json").json
    assert fork["calls"]["asked"] == 0
    assert crew("verify", "--json").json["ok"]


def test_a_dry_run_says_what_votes_cost(crew: Work, lab: Lab) -> None:
    words = ("run", "--scenario", "duel", "--backend", "crew=lab", "--judge", "off", "--dry-run")
    document = crew(*words, "--json").json
    assert document["votes"] == {"sail": 3}
    assert document["calls"]["per_round"] == [2, 2]
    assert "each time it is put, sail takes 3 calls more" in crew(*words).out


def test_a_group_is_shown_with_what_it_answers(crew: Work) -> None:
    seats = {seat["seat"]: seat for seat in crew("scenarios", "show", "duel", "--json").json["seats"]}
    assert (seats["crew"]["members"], seats["crew"]["answers"], seats["crew"]["actions"]) == (3, ["sail"], [])
    assert "  answers, each of its 3 members: sail" in crew("scenarios", "show", "duel").out.splitlines()


def test_a_group_without_a_persona_is_told(crew: Work) -> None:
    (crew.folder / "personas" / "duel" / "crew.md").unlink()
    found = crew("scenarios", "check", "duel", "--json", code=2).json["problems"]
    assert found[0]["message"] == "the seat 'crew' has no persona: expected personas/duel/crew.md"
