"""Connections: how each kind of database is spoken to, and the pragmas that go with it.

SQLite is given its BEGIN by us (Python's driver would begin late and commit early around DDL). A reader
sees one snapshot for as long as its transaction lasts; the one writer takes its lock at BEGIN.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool, QueuePool

from orchestrator.errors import BadDatabase
from orchestrator.ledger.place import Place, sqlite_uri

BUSY_SECONDS = 30.0
"""How long a statement waits for another process that writes."""
_WRITERS = int.from_bytes(b"orchest")
"""The advisory lock that makes the writers of one PostgreSQL database take turns, as SQLite's do. Without
it two of them could insert the same texts in opposite orders, or one sweep a text that the other links."""


def reader(place: Place) -> Engine:
    """An engine for reading only; it makes no file that outlives it."""
    if place.path is None:
        return _postgres(place, isolation_level="REPEATABLE READ")
    path = place.path
    engine = create_engine("sqlite://", creator=lambda: _sqlite_reader(path), poolclass=QueuePool, max_overflow=-1)
    event.listen(engine, "begin", _begin)
    return engine


def writer(place: Place) -> Engine:
    """An engine for the one write connection of this process."""
    if place.path is None:
        engine = _postgres(place, isolation_level="READ COMMITTED")
        event.listen(engine, "begin", _take_turns)
        return engine
    return file_writer(place.path, wal=True)


def file_writer(path: Path, *, wal: bool) -> Engine:
    """An engine for one write connection to an existing SQLite file."""
    engine = create_engine("sqlite://", creator=lambda: sqlite_writer(path, wal=wal), poolclass=NullPool)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def sqlite_writer(path: Path, *, wal: bool) -> sqlite3.Connection:
    """A raw write connection to an existing file. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        sqlite_uri(path, "mode=rw"),
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _sqlite_reader(path: Path) -> sqlite3.Connection:
    """Opened for writing but kept from it: only so does SQLite take its -wal and -shm away afterwards.
    In a folder that cannot be written the file is read alone, which is right while nobody writes it."""
    try:
        return _ready(sqlite_uri(path, "mode=rw"))
    except sqlite3.OperationalError:
        wal = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (wal.exists() and wal.stat().st_size):
            raise
        return _ready(sqlite_uri(path, "mode=ro&immutable=1"))


def _ready(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # damaged UTF-8 must be readable, to be reported with its place: its hash will not fit
    connection.text_factory = _readable
    try:
        connection.execute("PRAGMA query_only=ON")
        with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as rows:
            rows.fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _readable(raw: bytes) -> str:
    return str(raw, "utf-8", "surrogateescape")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _take_turns(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})


def _postgres(place: Place, isolation_level: Literal["REPEATABLE READ", "READ COMMITTED"]) -> Engine:
    assert place.url is not None
    try:
        return create_engine(place.url, pool_pre_ping=True, isolation_level=isolation_level)
    except (ImportError, NoSuchModuleError) as error:
        raise BadDatabase(
            f"the store {place.name} needs the driver psycopg, which is not installed",
            hint="pip install 'orchestrator[postgres]'",
            where=place.name,
        ) from error
