"""Each command's JSON document has exactly the keys that were promised, and its text fits people."""

import json
from typing import Any

from tests.support.lab import Lab
from tests.support.work import DUEL, Work

RUN = {
    "run", "name", "scenario", "seed", "status", "reason", "rounds", "outcome", "hash", "parent", "fork_round",
    "seats", "calls", "tokens", "cost_usd", "seconds", "failures", "judge", "engine", "variant",
}  # fmt: skip
EVENT = {"seq", "round", "from", "to", "kind", "cause", "hash", "cites"}
CALL = {"key", "round", "seat", "kind", "backend", "model", "fingerprint", "outcome", "tokens", "seconds"}


def is_run(document: dict[str, Any], *more: str) -> None:
    """Holds a run's document against what was promised of it."""
    assert set(document) == RUN | set(more)
    assert {frozenset(seat) for seat in document["seats"]} == {frozenset({"seat", "persona", "backend", "model"})}
    assert set(document["calls"]) == {"total", "asked", "reused", "by_kind"}
    assert set(document["tokens"]) == {"prompt", "cached", "completion"}
    assert set(document["seconds"]) == {"wall", "model"}
    assert 0 <= document["seconds"]["model"] <= document["seconds"]["wall"]
    assert set(document["judge"]) == {"backend", "model", "method", "calibration"}


def test_run_resume_fork_and_show_give_a_run_s_document(work: Work, lab: Lab) -> None:
    first = work(*DUEL, "--name", "first", "--seed", "3", "--json").json
    is_run(first)
    assert (first["name"], first["seed"], first["status"], first["reason"]) == ("first", 3, "finished", "rounds")
    assert (first["rounds"], first["outcome"], first["parent"], first["fork_round"]) == (2, None, None, None)
    assert first["calls"]["total"] == first["calls"]["asked"] == len(lab.seeds)
    assert sum(first["calls"]["by_kind"].values()) == first["calls"]["total"]
    assert first["tokens"] == {
        "prompt": 30 * len(lab.seeds),
        "cached": 20 * len(lab.seeds),
        "completion": 2 * len(lab.seeds),
    }
    assert first["judge"] == {"backend": "lab", "model": "m", "method": "sampled", "calibration": None}
    assert first["cost_usd"] is None  # nobody said what this model costs
    whole = work("resume", "first", "--rounds", "4", "--json").json
    is_run(whole)
    assert (whole["run"], whole["reason"], whole["outcome"]) == (first["run"], "ending", "out")
    assert work("resume", "first", "--json").json == whole  # a finished run is printed
    child = work("fork", "first", "--at", "2", "--json").json
    is_run(child)
    assert (child["parent"], child["fork_round"], child["hash"] == whole["hash"]) == (first["run"], 2, False)
    is_run(work("runs", "show", "last", "--json").json)
    listed = work("runs", "list", "--json").json
    assert set(listed) == {"runs"}
    assert [set(run) for run in listed["runs"]] == [RUN - {"seats"}] * 2


def test_the_documents_of_looking_at_a_run(work: Work, lab: Lab) -> None:
    run = work(*DUEL, "--json").json
    again = work("replay", "last", "--json").json
    is_run(again, "diverged")
    assert again == {**run, "diverged": None}
    checked = work("verify", "--json").json
    assert set(checked) == {"runs", "ok"}
    assert checked["ok"] is True
    assert [set(one) for one in checked["runs"]] == [{"run", "ok", "events", "calls", "rederived", "problem"}]
    assert checked["runs"][0]["calls"] == run["calls"]["total"]
    states = work("runs", "state", "last", "--every-round", "--json").json
    assert set(states) == {"run", "rounds"}
    assert [set(one) for one in states["rounds"]] == [{"round", "from", "to", "values"}] * 3
    assert states["rounds"][0]["values"]["alpha"]["money"] == 100
    events = [set(line) for line in _lines(work("runs", "events", "last", "--json").out)]
    assert all(line >= EVENT for line in events)
    calls = _lines(work("runs", "calls", "last", "--json").out)
    assert all(set(line) >= CALL for line in calls)
    assert len(calls) == run["calls"]["total"]
    full = _lines(work("runs", "calls", "last", "--full", "--json").out)
    assert all(set(line) >= CALL | {"messages", "reply"} for line in full)
    work(*DUEL, "--set", "richer=200", "--json")
    different = work("runs", "diff", run["run"], "last", "--json").json
    assert set(different) >= {"runs", "first", "indicators"}
    assert set(different["first"]) == {"seq", "round", "what"}


def test_a_run_travels_as_a_file_and_is_told(work: Work, lab: Lab) -> None:
    run = work(*DUEL, "--json").json
    work("runs", "export", "last", "--out", "run.jsonl", "--json")
    assert work("runs", "delete", "last", "--yes", "--json").json == {"deleted": run["run"]}
    assert work("runs", "list", "--json").json == {"runs": []}
    is_run(work("runs", "import", "run.jsonl", "--json").json)
    assert work("replay", "last", "--json").json["hash"] == run["hash"]
    story = work("story", "last").out
    assert story.startswith("# ")
    assert "orchestrate replay" in work("runs", "show", run["run"]).out + work("resume", "last").out


def test_the_documents_of_what_there_is(work: Work, lab: Lab) -> None:
    names = [one["id"] for one in work("scenarios", "list", "--json").json["scenarios"]]
    assert "duel" in names
    assert "takeoff" in names
    assert {"ok", "problems"} <= set(work("scenarios", "check", "duel", "--json").json)
    covered = work("scenarios", "check", "duel", "--coverage", "--json").json
    assert set(covered) >= {"ok", "problems", "entries", "missing"}
    assert {one["name"] for one in work("backends", "list", "--json").json["backends"]} == {"lab", "local"}
    assert "settings" in work("config", "show", "--json").json
    assert {one["state"] for one in work("models", "list", "--json").json["models"]} == {"absent"}


def test_the_shipped_scenario_is_played_on_policy_alike_each_time(work: Work) -> None:
    command = ("run", "--scenario", "takeoff", "--policy", "all", "--judge", "off", "--rounds", "3", "--json")
    one, two, other = (work(*command, "--seed", seed).json for seed in ("7", "7", "8"))
    assert one["hash"] == two["hash"] != other["hash"]
    assert one["judge"] is None
    assert one["calls"] == {"total": 0, "asked": 0, "reused": 0, "by_kind": {}}
    assert work("verify", "last", "--json").json["ok"]


def _lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]
