"""Forks reuse what still holds; replays need nobody; `--current` says where today's files part from the record."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import Lab
from tests.support.work import DUEL, Work, rows

OTHER = """\
[backends.other]
kind = "openai"
base_url = "{url}"
model = "other"
[backends.twin]
kind = "openai"
base_url = "{url}"
model = "m"
"""


@pytest.fixture
def parent(work: Work, lab: Lab) -> dict[str, Any]:
    """A finished run of four rounds."""
    work.config(lab.base_url, OTHER.format(url=lab.base_url))
    document = work("run", "--scenario", "duel", "--json").json
    lab.reset()
    return document


def test_a_fork_that_changes_nothing_asks_nothing_and_says_so(work: Work, lab: Lab, parent: dict[str, Any]) -> None:
    child = work("fork", "last", "--at", "2", "--json").json
    assert lab.seeds == []
    assert child["calls"] == {**parent["calls"], "asked": 0, "reused": parent["calls"]["total"]}
    assert child["tokens"] == {"prompt": 0, "cached": 0, "completion": 0}
    work("fork", parent["run"], "--at", "1")
    told = work("fork", parent["run"], "--at", "1").out
    assert f"{parent['calls']['total']} calls ({parent['calls']['total']} reused)" in told
    assert work("verify", "--json").json["ok"]


def test_another_backend_for_one_seat_asks_that_seat_only_until_the_worlds_part(
    work: Work, lab: Lab, parent: dict[str, Any]
) -> None:
    child = work("fork", "last", "--at", "3", "--backend", "seat_a=other", "--json").json
    calls = [json.loads(line) for line in work("runs", "calls", "last", "--json").out.splitlines()]
    last = {call["key"]: (call["model"], call["reused"]) for call in calls if call["round"] == 4}
    assert last["r4/seat_a/decide/1"] == ("other", False)
    assert last["r4/seat_b/decide/1"] == ("m", True)  # it saw the same, so its reply stands
    assert all(call["reused"] for call in calls if call["round"] < 4)
    assert child["calls"]["asked"] == len(lab.seeds) > 0
    assert {seat["seat"]: seat["backend"] for seat in child["seats"]} == {"seat_a": "other", "seat_b": "lab"}
    assert work("replay", "last", "--json").json["diverged"] is None


def test_the_same_model_under_another_name_keeps_the_replies(work: Work, lab: Lab, parent: dict[str, Any]) -> None:
    child = work("fork", "last", "--at", "2", "--backend", "twin", "--json").json
    assert (child["calls"]["asked"], lab.seeds) == (0, [])


@pytest.mark.parametrize(
    "change", [("--policy", "seat_a"), ("--set", "alpha.money=500"), ("--policy", "all"), ("--rounds", "3")]
)
def test_a_fork_keeps_the_prefix_and_holds_together(
    work: Work, parent: dict[str, Any], change: tuple[str, str]
) -> None:
    child = work("fork", "last", "--at", "2", *change, "--name", "child", "--json").json
    mine, theirs = (
        rows(work.store, f"SELECT hash FROM events WHERE run = '{run}' AND kind = 'round_ended' AND round <= 2")
        for run in (child["run"], parent["run"])
    )
    assert mine == theirs
    assert (child["parent"], child["fork_round"]) == (parent["run"], 2)
    assert child["rounds"] == (3 if change[0] == "--rounds" else 4)
    assert child["calls"]["reused"] >= 8
    assert work("verify", "--json").json["ok"]
    assert work("replay", "child", "--json").json["diverged"] is None


def test_a_fork_of_a_fork_is_played_as_its_seats_were_at_that_round(
    work: Work, lab: Lab, parent: dict[str, Any]
) -> None:
    work("fork", "last", "--at", "3", "--policy", "all", "--name", "late")
    child = work("fork", "late", "--at", "1", "--json").json
    assert {seat["backend"] for seat in child["seats"]} == {"lab"}
    assert child["calls"]["by_kind"]["decide"] == 8
    assert work("verify", "--json").json["ok"]


def test_a_parent_s_removal_leaves_its_fork_whole(work: Work, parent: dict[str, Any]) -> None:
    child = work("fork", "last", "--at", "2", "--policy", "seat_b", "--json").json
    work("runs", "delete", parent["run"], "--yes")
    assert work("replay", "last", "--json").json["hash"] == child["hash"]
    assert work("verify", "--json").json["ok"]


def test_nobody_is_needed_to_see_a_run_again(work: Work, lab: Lab, parent: dict[str, Any]) -> None:
    """No server, no configuration, no scenario, persona or prompt on disk."""
    shown = work("replay", "last").out
    for name in ("orchestrate.toml", "scenarios", "personas", "prompts"):
        (work.folder / name).rename(work.folder / f"gone-{name}")
    assert work("replay", "last", "--json").json == {**parent, "diverged": None}
    assert work("replay", "last").out == shown
    assert "the same" in shown
    assert lab.seeds == []
    one = work("replay", "last", "--round", "2").out
    assert "Round 2" in one
    assert "Round 3" not in one
    assert work("verify", "--json").json["ok"]
    assert work("story", "last").out


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_today_s_files_as_they_were_give_the_same(work: Work, parent: dict[str, Any]) -> None:
    assert work("replay", "last", "--current", "--json").json["diverged"] is None


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "what"),
    [
        ("prompts/compose.j2", "", "An added line. ", "r1/seat_a/decide/1", "An added line."),
        ("personas/duel/seat_a.md", "You lead Alpha.", "You lead Alpha well.", "r1/seat_a/decide/1", "well"),
        ("personas/duel/seat_b.md", "[not to lose]", "[not to win]", "r1/seat_b/decide/1", "not to win"),
        ("scenarios/duel/scenario.yaml", "label: Buy compute", "label: Buy chips", "r1/seat_a/decide/1", "chips"),
        ("scenarios/duel/scenario.yaml", "{low: 5, mode: 6, high: 9}", "{low: 50, mode: 60, high: 90}", "event", ""),
        ("scenarios/duel/scenario.yaml", "money: {start: 100", "money: {start: 101", "r1/seat_a", "101"),
    ],
)
def test_a_changed_file_is_told_with_the_place_and_the_first_difference(
    work: Work, parent: dict[str, Any], file: str, old: str, new: str, key: str, what: str
) -> None:
    edit(work.folder / file, old, new)
    document = work("replay", "last", "--current", "--json", code=5).json
    found = document["diverged"]
    assert set(found) == {"key", "what"}
    assert found["key"].startswith(key)
    assert what in found["what"]
    done = work("replay", "last", "--current", code=5)
    assert found["key"] in done.err
    assert "Traceback" not in done.err
    assert work("replay", "last", "--json").json["diverged"] is None  # the record itself does not care


def test_a_run_does_not_go_on_with_another_model(work: Work, lab: Lab) -> None:
    run = work(*DUEL, "--max-calls", "2", "--json", code=3).json["run"]
    text = (work.folder / "orchestrate.toml").read_text("utf-8")
    (work.folder / "orchestrate.toml").write_text(text.replace('model = "m"', 'model = "n"'), "utf-8")
    before = len(lab.seeds)
    error = work("resume", "last", "--max-calls", "99", "--json", code=2).error
    assert "openai m" in error["message"]
    assert "openai n" in error["message"]
    assert error["hint"].startswith("orchestrate fork ")
    assert len(lab.seeds) == before
    assert json.loads(rows(work.store, "SELECT limits FROM runs")[0][0])["max_calls"] == 2  # nothing was written
    (work.folder / "orchestrate.toml").write_text("", "utf-8")
    assert "'lab'" in work("resume", run, "--json", code=6).error["message"]
    (work.folder / "orchestrate.toml").write_text(text.replace('model = "m"', 'model = "n"'), "utf-8")
    # As the hint says, a fork goes on: the seats and the judge that the new model takes.
    assert work("replay", "last", "--json").json["rounds"] == 0
