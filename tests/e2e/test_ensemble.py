"""`run --runs N`: many seeds in one command, each run the same as if it had been played alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger.store import Ledger
from tests.support.lab import Lab
from tests.support.work import Work, environment, rows

MANY = ("run", "--scenario", "duel", "--policy", "all", "--json", "--runs")
ENOUGH = "8"
"""More than are played within the command's own process."""


def stored(work: Work) -> list[Any]:
    return rows(work.store, "SELECT name, seed, status, reason, outcome, rounds FROM runs ORDER BY created_at, id")


def bodies(work: Work, run: str) -> list[Any]:
    return rows(work.store, f"SELECT seq, round, kind, body, hash FROM events WHERE run = '{run}' ORDER BY seq")


@pytest.mark.parametrize("count", ["3", ENOUGH])
def test_each_run_is_the_one_that_its_seed_gives_alone(work: Work, count: str) -> None:
    many = work(*MANY, count, "--seed", "5", "--name", "x").json
    assert set(many) == {"runs", "finished", "paused", "failed", "outcomes", "seconds"}
    assert (len(many["runs"]), many["finished"], many["paused"], many["failed"]) == (int(count), int(count), 0, 0)
    assert sum(many["outcomes"].values()) == int(count)
    found = stored(work)
    assert [row[:4] for row in found] == [(f"x-{n + 1:04d}", 5 + n, "finished", "ending") for n in range(int(count))]
    for at in (0, int(count) - 1):
        alone = work("run", "--scenario", "duel", "--policy", "all", "--seed", str(5 + at), "--json").json
        shown = work("runs", "show", many["runs"][at], "--json").json
        assert {**shown, "run": "", "name": "", "seconds": ""} == {**alone, "run": "", "name": "", "seconds": ""}
        assert bodies(work, many["runs"][at]) == bodies(work, alone["run"])
    verified = work("verify", "--json").json
    assert verified["ok"]
    assert [one["run"] for one in verified["runs"][: int(count)]] == many["runs"]
    assert all(one["rederived"] for one in verified["runs"])


def test_a_single_one_has_the_form_of_many(work: Work) -> None:
    done = work(*MANY, "1", "--rounds", "2").json
    assert (len(done["runs"]), done["finished"], done["outcomes"]) == (1, 1, {})
    assert stored(work) == [(None, 1, "finished", "rounds", None, 2)]


def test_people_get_the_endings_and_the_next_command(work: Work) -> None:
    done = work("run", "--scenario", "duel", "--policy", "all", "--runs", "3")
    assert "3 runs, " in done.out
    assert "100.0 %" in done.out
    assert "orchestrate story " in done.out
    assert done.err == ""


def test_the_same_command_goes_on_where_it_stopped(work: Work) -> None:
    first = work(*MANY, "2", "--name", "x").json["runs"]
    assert work(*MANY, "4", "--name", "x").json["runs"][:2] == first
    assert [row[0] for row in stored(work)] == ["x-0001", "x-0002", "x-0003", "x-0004"]
    refused = work(*MANY, "4", "--name", "x", "--rounds", "1", code=2).error
    assert "x-0001" in refused["message"]
    assert work(*MANY, "4", "--name", "x", "--seed", "2", code=2).error["kind"] == "bad_usage"
    assert len(stored(work)) == 4


@pytest.mark.parametrize(
    "words",
    [
        ("0",),
        ("-1",),
        ("x",),
        ("1000000",),
        ("2", "--seed", str(2**63 - 1)),
        ("2", "--name", "x" * 62),
        ("2", "--name", "0x"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(work: Work, words: tuple[str, ...]) -> None:
    error = work(*MANY, *words, code=2).error
    assert error["kind"] == "bad_usage"
    assert not work.store.exists()


def test_a_dry_run_says_how_many(work: Work) -> None:
    assert work(*MANY, "9", "--dry-run").json["runs"] == 9
    assert not work.store.exists()


def test_runs_with_models_follow_each_other(lab: Lab, work: Work) -> None:
    done = work("run", "--scenario", "duel", "--rounds", "1", "--runs", "2", "--name", "m", "--json").json
    assert (len(done["runs"]), done["finished"]) == (2, 2)
    assert [row[:2] for row in stored(work)] == [("m-0001", 1), ("m-0002", 2)]
    alone = work("run", "--scenario", "duel", "--rounds", "1", "--seed", "2", "--json").json
    assert work("runs", "show", done["runs"][1], "--json").json["hash"] == alone["hash"]


def test_a_budget_is_each_run_s_own(lab: Lab, work: Work) -> None:
    words = ("run", "--scenario", "duel", "--rounds", "1", "--runs", "2", "--json", "--name", "m")
    done = work(*words, "--max-calls", "1", code=3).json
    assert (done["finished"], done["paused"], len(done["runs"])) == (0, 2, 2)
    assert [row[2:4] for row in stored(work)] == [("paused", "budget_exhausted")] * 2


def test_a_backend_that_fails_for_good_stops_them_all(work: Work) -> None:
    work.config("", toml=SILENT)
    (work.folder / "answers.jsonl").write_text('{"key": "r9/alpha_ceo/decide/1", "text": "Build."}\n', "utf-8")
    done = work("run", "--scenario", "duel", "--rounds", "1", "--runs", "3", "--json", code=4).json
    assert (done["failed"], len(done["runs"])) == (1, 1)


SILENT = """\
[backends.lab]
kind = "script"
path = "answers.jsonl"
[seats]
default = "lab"
seat_b = "lab"
"""


def test_the_list_reads_no_run_by_itself(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work(*MANY, "3")
    read: list[str] = []
    real = Ledger._read  # pyright: ignore[reportPrivateUsage]

    def counted(self: Ledger, look: Any, *asked: Any, **also: Any) -> Any:
        read.append(look.__name__)
        return real(self, look, *asked, **also)

    monkeypatch.setattr(Ledger, "_read", counted)
    listed = work("runs", "list", "--json").json["runs"]
    assert [one["seed"] for one in listed] == [1, 2, 3]
    assert read == ["designs", "asked", "events_of", "all_runs"]


def start(work: Work, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", *words],
        cwd=work.folder, env=environment(work.folder), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def those_in(folder: Path) -> list[int]:
    """The processes that stand in a folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(folder):
                    found.append(int(entry.name))
            except OSError:
                continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to see what is left")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_stops_in_the_middle_leaves_whole_runs_and_no_process(work: Work, number: signal.Signals) -> None:
    with start(work, *MANY, "5000", "--name", "x") as process:
        until(lambda: work.store.exists() and work.written() > 3)
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    until(lambda: not those_in(work.folder))
    if number == signal.SIGINT:
        assert process.returncode == 3
        assert time.monotonic() - began < 20  # in truth a second or two; machines of tests are slow
        assert '"kind": "run_paused"' in out
        assert "goes on with the rest" in out
    found = stored(work)
    assert 3 < len(found) < 5000
    assert [row[0] for row in found] == [f"x-{n + 1:04d}" for n in range(len(found))]
    assert {row[2] for row in found} == {"finished"}
    first = [str(row[0]) for row in found[:2]]
    assert work("verify", *first, "--json").json["ok"]
    more = work(*MANY, str(len(found) + 1), "--name", "x").json
    assert (more["finished"], len(stored(work))) == (len(found) + 1, len(found) + 1)
