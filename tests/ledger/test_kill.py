"""Real SIGKILL and real disk faults at exact system calls, injected by strace.

strace is a requirement of these tests (`apt-get install strace`): without it they fail rather than pass.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.ledger.store import Ledger
from tests.ledger.making import record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace is a program of Linux")
ROOT = Path(__file__).resolve().parents[2]


class Victims:
    """Children of one warm process, each traced from its first instruction."""

    def __init__(self) -> None:
        strace = shutil.which("strace")
        if strace is None:
            pytest.fail("these tests need strace: apt-get install strace")
        self._strace = strace
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.victim"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def run(self, task: str, path: Path, fault: str) -> int:
        """Runs the task under an injected fault; gives the signal that ended it, 0 for none."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{task} {path}\n")
        self._nursery.stdin.flush()
        child = self._nursery.stdout.readline().strip()
        trace, inject = f"trace={fault.split(':')[0]}", f"inject={fault}"
        traced = subprocess.run(
            [self._strace, "-f", "-qq", "-o", "/dev/null", "-e", trace, "-e", inject, "-p", child],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert "Operation not permitted" not in traced.stderr, "this machine does not let strace attach"
        return os.waitstatus_to_exitcode(int(self._nursery.stdout.readline())) * -1

    def close(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.close()
        self._nursery.stdout.close()
        self._nursery.wait(20)


@pytest.fixture(scope="module")
def victims() -> Generator[Victims, None, None]:
    made = Victims()
    yield made
    made.close()


def _said(path: Path) -> list[str]:
    said = path.with_name(path.name + ".said")
    return said.read_text().splitlines() if said.exists() else []


def _hold(path: Path, said: list[str]) -> None:
    """What was promised is there, and the record holds together."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Ledger.open(str(path), create=False) as ledger:
        assert ledger.storage_problems() == []
        for run in ledger.runs():
            assert ledger.integrity(run.id) == []
            there = {f"kept {call.key}" for call in ledger.calls(run.id)}
            rounds = {f"round {n}" for n in range(1, run.rounds + 1)}
            assert {line for line in said if line.startswith("kept")} <= there
            assert {line for line in said if line.startswith("round")} <= rounds
            assert not ledger.is_locked(run.id)
            if "finished" in said:
                assert run.status == "finished"
            else:
                assert ledger.status_of(run) in ("interrupted", "finished")


@pytest.mark.parametrize(
    ("call", "points"),
    [("pwrite64", range(1, 200, 19)), ("fdatasync,fsync", range(1, 6)), ("rename,unlink,ftruncate", range(1, 5))],
)
def test_a_kill_at_first_start_leaves_no_store_or_a_whole_one(
    victims: Victims, tmp_path: Path, call: str, points: range
) -> None:
    killed = survived = 0
    for point in points:
        path = tmp_path / str(point) / "runs" / "orchestrate.db"
        path.parent.mkdir(parents=True)
        if victims.run("create", path, f"{call}:signal=SIGKILL:when={point}") != signal.SIGKILL:
            survived += 1
            if survived > 1:
                break  # there are no more calls than that
            continue
        killed += 1
        if path.exists():
            assert Ledger.exists(str(path))
            _hold(path, [])
        else:
            assert _said(path) == []
        with Ledger.open(str(path)) as ledger:
            assert len(ledger.runs()) in ((1,) if "begun" in _said(path) else (0, 1))
        assert not [left for left in path.parent.iterdir() if ".creating" in left.name]
    assert killed >= 3


@pytest.mark.parametrize(("call", "points"), [("pwrite64", range(1, 400, 17)), ("fdatasync,fsync", range(1, 30, 2))])
def test_a_kill_between_writes_loses_nothing_that_was_promised(
    victims: Victims, tmp_path: Path, call: str, points: range
) -> None:
    killed = 0
    empty = tmp_path / "empty.db"
    Ledger.open(str(empty)).close()
    for point in points:
        path = tmp_path / f"{point}.db"
        shutil.copy(empty, path)
        if victims.run("play", path, f"{call}:signal=SIGKILL:when={point}") != signal.SIGKILL:
            break
        killed += 1
        said = _said(path)
        _hold(path, said)
        # and it can be gone on with, to the same end
        assert victims.run("play", path, "pwrite64:when=1+:delay_enter=0") == 0
        _hold(path, _said(path))
        with Ledger.open(str(path)) as ledger:
            run = ledger.find("first")
            assert (run.status, run.rounds, run.events) == ("finished", 3, 7)
            assert [call.key for call in ledger.calls(run.id)] == [
                record(6 * (round_ - 1) + n).call.key for round_ in (1, 2, 3) for n in range(3)
            ]
    assert killed >= 5


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(("call", "first"), [("pwrite64", 3), ("pwrite64", 30), ("fdatasync", 2), ("fdatasync", 6)])
def test_a_full_or_failing_disk_is_a_sentence_and_nothing_half_written(
    victims: Victims, tmp_path: Path, error: str, call: str, first: int
) -> None:
    path = tmp_path / "o.db"
    Ledger.open(str(path)).close()
    assert victims.run("play", path, f"{call}:error={error}:when={first}+") == 0
    said = _said(path)
    assert said[-1].startswith("store_failed: the store")
    assert "Traceback" not in said[-1]
    _hold(path, said)
    assert victims.run("play", path, "pwrite64:when=1+:delay_enter=0") == 0
    assert _said(path)[-1] == "finished"
    _hold(path, _said(path))


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "rename"])
def test_a_store_that_cannot_be_made_is_refused_and_leaves_nothing(
    victims: Victims, tmp_path: Path, call: str, error: str
) -> None:
    path = tmp_path / "runs" / "o.db"
    path.parent.mkdir()
    assert victims.run("create", path, f"{call}:error={error}:when=1+") == 0
    assert _said(path)[0].startswith("bad_database: no store can be made at")
    assert not path.exists()
    assert [left.name for left in path.parent.iterdir() if left.is_file()] == ["o.db.said"]
