"""What the database says, as one of our errors; and writers that get in each other's way."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from orchestrator.errors import BadDatabase, OrchestratorError, RunBusy, StoreFailed
from orchestrator.ledger import sqlite
from orchestrator.ledger.faults import is_of_the_store, store_fault
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.talk import DatabaseFault
from orchestrator.ledger.transactions import fault_of
from tests.ledger.making import begun, record


def fault(kind: type[DBAPIError], origin: Exception) -> DatabaseFault:
    """What a driver's complaint becomes on its way through SQLAlchemy."""
    return fault_of(kind("INSERT", {}, origin))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFailed),
        ("SQLITE_IOERR_FSYNC", StoreFailed),
        ("SQLITE_CANTOPEN", StoreFailed),
        ("SQLITE_BUSY", RunBusy),
        ("SQLITE_BUSY_SNAPSHOT", RunBusy),
        ("SQLITE_READONLY", BadDatabase),
        ("SQLITE_CORRUPT_VTAB", BadDatabase),
        ("SQLITE_NOTADB", BadDatabase),
        ("SQLITE_MISUSE", OrchestratorError),
    ],
)
def test_each_fault_has_its_class(name: str, kind: type[OrchestratorError]) -> None:
    said = sqlite3.OperationalError("what SQLite said")
    said.sqlite_errorname = name
    for error in (said, fault(OperationalError, said)):
        told = store_fault(error, "runs/o.db")
        assert type(told) is kind
        assert "what SQLite said" in told.message
        assert told.where == "runs/o.db"


def test_a_conflict_is_not_the_stores_fault() -> None:
    assert not is_of_the_store(fault(IntegrityError, sqlite3.IntegrityError()))
    assert not is_of_the_store(fault(ProgrammingError, sqlite3.ProgrammingError()))
    assert not is_of_the_store(ValueError())
    assert is_of_the_store(fault(OperationalError, sqlite3.OperationalError()))


def test_a_server_that_is_gone_is_the_stores_fault_and_may_come_back() -> None:
    gone = fault(OperationalError, ConnectionError("the server closed the connection"))
    assert is_of_the_store(gone)
    assert type(store_fault(gone, "postgresql://h/n")) is StoreFailed


def test_a_writer_that_stands_in_the_way_is_named_and_then_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.db"
    with Ledger.open(str(path)) as ledger:
        run = begun(ledger)
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    with Ledger.open(str(path)) as ledger, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RunBusy, match="being written by another process"):
            ledger.keep_call(run.id, record(0)).result()
        assert list(ledger.calls(run.id)) == []  # reading goes on
        other.execute("ROLLBACK")
        ledger.keep_call(run.id, record(0)).result()
        assert len(list(ledger.calls(run.id))) == 1


def test_a_store_that_is_taken_away_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with Ledger.open(str(path)) as ledger:
        begun(ledger)
    with Ledger.open(str(path)) as ledger:
        ledger._readers.close()  # pyright: ignore[reportPrivateUsage] - as if it had not been read yet
        path.unlink()
        with pytest.raises(StoreFailed, match="could not be read or written"):
            ledger.runs()
