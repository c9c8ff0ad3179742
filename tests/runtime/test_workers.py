"""Processes that work for another one: in order, and gone with it."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadDatabase, OrchestratorError, RunPaused
from orchestrator.runtime.workers import Workers
from tests.support.games import begin, store


def verifying(db: Path) -> dict[str, Any]:
    return {"work": "verify", "db": str(db)}


def never() -> bool:
    return False


def test_answers_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    db = tmp_path / "o.db"
    with store(tmp_path) as ledger:
        db = Path(ledger.place)
        runs = [begin(ledger).id for _ in range(5)]
    with Workers(2, verifying(db)) as workers:
        found = list(workers.answers(runs, never))
    assert [one["run"] for one in found] == runs
    assert all(one["ok"] for one in found)


def test_an_error_of_ours_is_raised_here(tmp_path: Path) -> None:
    with Workers(1, verifying(tmp_path / "none.db")) as workers, pytest.raises(BadDatabase, match="no store"):
        list(workers.answers(["x"], never))


def test_any_other_error_is_a_defect(tmp_path: Path) -> None:
    with Workers(1, {"work": "nothing"}) as workers, pytest.raises(OrchestratorError, match="defect of ours: KeyError"):
        list(workers.answers([1], never))


def test_a_worker_that_is_killed_is_noticed(tmp_path: Path) -> None:
    with Workers(2, verifying(tmp_path / "none.db")) as workers:
        for worker in workers._all:  # pyright: ignore[reportPrivateUsage]
            os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(RunPaused, match="ended with code -9"):
            list(workers.answers(["x"], never))


def test_nothing_is_begun_once_all_is_to_stop(tmp_path: Path) -> None:
    with Workers(1, verifying(tmp_path / "none.db")) as workers:
        assert list(workers.answers(["x"] * 3, lambda: True)) == []
        process = workers._all[0].process  # pyright: ignore[reportPrivateUsage]
    assert process.returncode is not None
