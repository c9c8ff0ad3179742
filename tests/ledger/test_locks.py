"""The lock of a run dies with its process, and only one process ever holds it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import BadDatabase, RunBusy, UnknownRun
from orchestrator.ledger.ids import checked_name, is_run_id, new_run_id
from orchestrator.ledger.locks import FileLocks
from orchestrator.ledger.store import Ledger
from tests.ledger.making import begun

HOLD = (
    "import sys; from orchestrator.ledger.store import Ledger\n"
    "ledger = Ledger.open(sys.argv[1]); lock = ledger.lock(sys.argv[2]); print('held', flush=True); sys.stdin.read()"
)
RACE = (
    "import sys, time; from pathlib import Path; from orchestrator.ledger.locks import FileLocks\n"
    "from orchestrator.errors import RunBusy\n"
    "locks, count = FileLocks(Path(sys.argv[1])), Path(sys.argv[3])\n"
    "done = 0\n"
    "while done < 30:\n"
    "    try: lock = locks.lock(sys.argv[2])\n"
    "    except RunBusy: continue\n"
    "    n = int(count.read_text()); time.sleep(0.0005); count.write_text(str(n + 1)); lock.release(); done += 1\n"
)


def test_a_killed_player_leaves_the_run_free(tmp_path: Path) -> None:
    path = str(tmp_path / "o.db")
    with Ledger.open(path) as ledger:
        run = begun(ledger)
        player = subprocess.Popen(
            [sys.executable, "-c", HOLD, path, run.id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert player.stdin is not None
        assert player.stdout is not None
        assert player.stdout.readline() == "held\n"
        with pytest.raises(RunBusy, match=f"run {run.id} is being played by process {player.pid}"):
            ledger.lock(run.id)
        assert ledger.status_of(run) == "running"
        player.send_signal(signal.SIGKILL)
        player.wait()
        player.stdin.close()
        player.stdout.close()
        assert ledger.status_of(run) == "interrupted"
        ledger.lock(run.id).release()
    assert list((tmp_path / "o.db.locks").iterdir()) == []


def test_two_processes_never_hold_one_lock(tmp_path: Path) -> None:
    run, count = new_run_id(), tmp_path / "count"
    count.write_text("0")
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path / "locks"), run, str(count)]) for _ in range(2)
    ]
    assert [racer.wait(60) for racer in racers] == [0, 0]
    assert count.read_text() == "60"


def test_looking_at_a_lock_makes_nothing(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    assert not locks.is_locked(new_run_id())
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_a_path_is_no_run(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    for bad in ("../x", "a/b", "", "0" * 99, "0123456789ab\n"):
        with pytest.raises(UnknownRun):
            locks.lock(bad)
        with pytest.raises(UnknownRun):
            locks.is_locked(bad)


def test_a_place_that_cannot_hold_locks_is_a_sentence() -> None:
    with pytest.raises(BadDatabase, match="cannot be taken"):
        FileLocks(Path("/proc/nowhere")).lock(new_run_id())


def test_ids_sort_by_creation_and_are_no_names() -> None:
    made = [new_run_id() for _ in range(500)]
    assert made == sorted(made)
    assert len(set(made)) == 500
    assert all(is_run_id(one) and len(one) == 13 for one in made)
    for one in made[:3]:
        with pytest.raises(Exception, match="begins with a letter"):
            checked_name(one)
    assert checked_name("Base.line_1-b") == "Base.line_1-b"
