"""What a database or disk says, as one of our errors with a sentence.

disk full, I/O error, lost server   StoreFailed  nothing half-written; `resume` goes on
another process writes too long     RunBusy
damaged, foreign, read-only         BadDatabase
any other complaint                 OrchestratorError: a defect of ours
"""

import sqlite3

from orchestrator.errors import BadDatabase, OrchestratorError, RunBusy, StoreFailed
from orchestrator.ledger.talk import DatabaseFault

_PASSING = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_BAD = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_SCHEMA")


def is_of_the_store(error: Exception) -> bool:
    """Whether the store as a whole is at fault, so that the same write alone would fail as well."""
    return isinstance(error, DatabaseFault) and error.kind == "store"


def store_fault(error: DatabaseFault | sqlite3.Error, place: str) -> OrchestratorError:
    """The error to raise for a fault of the database at `place` (an address without its password)."""
    origin = error.origin if isinstance(error, DatabaseFault) else error
    passing = isinstance(error, DatabaseFault) and error.passing
    said = str(origin).strip().splitlines()[0] if str(origin).strip() else type(origin).__name__
    name = str(getattr(origin, "sqlite_errorname", ""))
    if name.startswith(_BUSY):
        return RunBusy(
            f"the store {place} is being written by another process ({said})",
            hint="wait until it is done, then `orchestrate resume last`",
            where=place,
        )
    if name.startswith(_BAD) or (isinstance(origin, sqlite3.DatabaseError) and not name):
        return BadDatabase(
            f"the store {place} cannot be used: {said}",
            hint="look at the file's permissions, restore a copy, or name another store with --db",
            where=place,
        )
    if name.startswith(_PASSING) or (not name and passing):
        return StoreFailed(
            f"the store {place} could not be read or written: {said}; what was recorded before is kept",
            hint="free some space or bring the server back, then `orchestrate resume last`",
            where=place,
        )
    return OrchestratorError(f"the store {place} refused a statement: {said}", where=place)
