"""What the flags of `run` and `resume` do: who answers, who judges, how far, and from what start."""

import json
from typing import Any

import pytest

from tests.support.lab import Lab
from tests.support.work import DUEL, Work

SCRIPT = """\
{"match": "r*/*/decide/*", "json": {"reason": "It serves us.", "action": "wait", "statement": ""}}
{"match": "r*/*/judge/*", "json": {"reason": "It can pay.", "resources": 4, "incentive": 4, "information": 3,\
 "timing": 4, "authority": 5, "plausibility": 4}}
{"match": "*", "text": "our model needs it"}
"""
CANNED = """\
[backends.canned]
kind = "script"
path = "answers.jsonl"
[backends.local]
kind = "llama"
model = "qwen2.5-coder-1.5b"
"""


@pytest.fixture
def canned(work: Work, lab: Lab) -> Work:
    """A working folder that also has a script to answer from."""
    (work.folder / "answers.jsonl").write_text(SCRIPT, "utf-8")
    work.config(lab.base_url, CANNED)
    return work


def players(document: dict[str, Any]) -> dict[str, str]:
    return {seat["seat"]: seat["backend"] for seat in document["seats"]}


@pytest.mark.parametrize(
    ("flags", "seats", "judge", "asked"),
    [
        ((), {"seat_a": "lab", "seat_b": "lab"}, "lab", 8),
        (("--judge", "off"), {"seat_a": "lab", "seat_b": "lab"}, None, 4),
        (("--policy", "seat_b"), {"seat_a": "lab", "seat_b": "policy"}, "lab", 4),
        (("--policy", "seat-b"), {"seat_a": "lab", "seat_b": "policy"}, "lab", 4),
        (("--policy", "seat_b", "--judge-policy"), {"seat_a": "lab", "seat_b": "policy"}, "lab", 5),
        (("--policy", "all"), {"seat_a": "policy", "seat_b": "policy"}, None, 0),
        (("--policy", "all", "--judge-policy"), {"seat_a": "policy", "seat_b": "policy"}, "lab", 3),
        (("--backend", "seat_b=policy"), {"seat_a": "lab", "seat_b": "policy"}, "lab", 4),
        (("--backend", "seat_b=canned"), {"seat_a": "lab", "seat_b": "canned"}, "lab", 6),
        (("--backend", "canned"), {"seat_a": "canned", "seat_b": "lab"}, "canned", 2),
        (("--backend", "canned", "--backend", "seat_b=canned"), {"seat_a": "canned", "seat_b": "canned"}, "canned", 0),
        (("--judge", "canned"), {"seat_a": "lab", "seat_b": "lab"}, "canned", 4),
    ],
)
def test_who_answers_and_who_judges(
    canned: Work, lab: Lab, flags: tuple[str, ...], seats: dict[str, str], judge: str | None, asked: int
) -> None:
    document = canned(*DUEL, *flags, "--no-download", "--json").json
    assert players(document) == seats
    assert (document["judge"] or {"backend": None})["backend"] == judge
    # Beta waits once where it is on policy, and who waits on policy is not judged.
    # A statement that is refused is asked for again, so more may be asked than decisions and verdicts.
    spoken = document["calls"]["by_kind"].get("speak", 0)
    assert asked <= len(lab.seeds) <= asked + spoken
    assert canned("replay", "last", "--json").json["diverged"] is None
    assert canned("verify", "--json").json["ok"]


@pytest.mark.parametrize("limit", [("--max-calls", "3"), ("--max-tokens", "70")])
def test_a_limit_stops_cleanly_and_a_higher_one_goes_on_to_the_same_end(
    work: Work, lab: Lab, limit: tuple[str, str]
) -> None:
    whole = work(*DUEL, "--json").json
    lab.reset()
    stopped = work(*DUEL, *limit, "--json", code=3).json
    assert (stopped["status"], stopped["reason"], stopped["error"]["kind"]) == (
        "paused", "budget_exhausted", "budget_exhausted",
    )  # fmt: skip
    assert stopped["error"]["hint"].startswith(f"orchestrate resume {stopped['run']} {limit[0]}")
    used = stopped["calls"]["total"]
    assert used == len(lab.seeds) == (3 if limit[0] == "--max-calls" else 4)
    again = work("resume", "last", code=3)  # the limit counts over all sessions
    assert len(lab.seeds) == used
    assert f"orchestrate resume {stopped['run']}" in again.out
    done = work("resume", "last", limit[0], "100000", "--json").json
    assert (done["status"], done["hash"]) == ("finished", whole["hash"])
    assert len(lab.seeds) == whole["calls"]["total"]


def test_a_run_is_made_longer_and_the_same_as_one_played_whole(work: Work, lab: Lab) -> None:
    whole = work("run", "--scenario", "duel", "--json").json
    assert (whole["rounds"], whole["outcome"]) == (4, "out")
    for rounds in ("1", "2", "9"):
        part = work(*(DUEL[:3] if rounds == "1" else ("resume", "last")), "--rounds", rounds, "--json").json
    assert part["hash"] == whole["hash"]
    assert work("resume", "last", "--rounds", "1", "--json").json == part  # it has ended: it is printed
    work("fork", "last", "--at", "2", "--rounds", "3", "--json")
    assert work("resume", "last", "--rounds", "1", code=2).err.startswith("error: --rounds 1: 3 rounds are played")


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("richer=250", ("alpha", "money"), 250),
        ("alpha.money=250", ("alpha", "money"), 250),
        ("beta.phase=busy", ("beta", "phase"), "busy"),
    ],
)
def test_another_start_by_the_menu_or_by_a_path(work: Work, text: str, path: tuple[str, str], value: object) -> None:
    plain = work("run", "--scenario", "duel", "--policy", "all", "--rounds", "1", "--json").json
    other = work("run", "--scenario", "duel", "--policy", "all", "--rounds", "1", "--set", text, "--json").json
    assert other["hash"] != plain["hash"]
    start = work("runs", "state", "last", "--round", "0", "--json").json["rounds"][0]["values"]
    assert start[path[0]][path[1]] == value
    assert work("verify", "--json").json["ok"]


def test_a_dry_run_shows_what_would_be_asked_and_leaves_nothing(work: Work, lab: Lab) -> None:
    before = sorted(path.name for path in work.folder.iterdir())
    document = work(*DUEL, "--dry-run", "--json").json
    assert (lab.seeds, sorted(path.name for path in work.folder.iterdir())) == ([], before)
    assert (document["scenario"], document["rounds"], document["calls"]["per_round"][0]) == ("duel", 2, 4)
    assert [prompt["key"] for prompt in document["prompts"]] == ["r1/seat_a/decide/1", "r1/seat_b/decide/1"]
    assert "You lead Alpha." in json.dumps(document["prompts"][0])
    text = work(*DUEL, "--dry-run").out
    assert "nothing was asked" in text
    played = work(*DUEL, "--json").json
    assert played["calls"]["asked"] == 8
    first = json.loads(work("runs", "calls", "last", "--full", "--json").out.splitlines()[0])
    asked = {prompt["key"]: prompt["messages"] for prompt in document["prompts"]}
    assert first["messages"] == asked[first["key"]]  # what was shown is what was asked


def test_a_dry_run_needs_no_model_on_disk_and_fetches_none(work: Work) -> None:
    document = work("run", "--scenario", "takeoff", "--dry-run", "--json").json
    models = {seat["model"] for seat in document["seats"] if seat["played_by"] == "local"}
    assert models == {"qwen2.5-coder-1.5b"}
    assert len(document["prompts"]) == 6
    assert not (work.folder / "runs").exists()
    assert not list(work.folder.rglob("*.gguf*"))
    work("run", "--scenario", "takeoff", "--dry-run", "--policy", "all")
    done = work("run", "--scenario", "takeoff", "--no-download", "--json", code=2)
    assert "orchestrate models pull" in done.error["hint"]
    assert not (work.folder / "runs").exists()


def test_a_name_finds_a_run_and_is_given_once(work: Work) -> None:
    play = ("run", "--scenario", "duel", "--policy", "all", "--rounds", "1")
    run = work(*play, "--name", "monday", "--json").json["run"]
    assert work("runs", "show", "monday", "--json").json["run"] == run
    assert work("runs", "show", run[:6], "--json").json["run"] == run
    assert work(*play, "--name", "monday", "--json", code=2).error["where"] == "--name"
    assert work.written() == 1
