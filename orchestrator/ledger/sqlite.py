"""Talking to a SQLite file, through SQLAlchemy.

SQLite is given its BEGIN by us (the driver would begin late and commit early around DDL). A reader sees one
snapshot for as long as its transaction lasts; the one writer takes its lock at BEGIN.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from orchestrator.ledger.transactions import SqlOn, fault_of

BUSY_SECONDS = 30.0
"""How long a statement waits for another process that writes."""


class SqliteReaders:
    """Reading connections to a file; no file that they make outlives them."""

    def __init__(self, path: Path) -> None:
        self._engine = create_engine("sqlite://", creator=lambda: _reader(path), poolclass=QueuePool, max_overflow=-1)
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Generator[SqlOn, None, None]:
        try:
            with self._engine.connect() as connection:
                yield SqlOn(connection, "sqlite")
        except DBAPIError as error:
            raise fault_of(error) from error

    def close(self) -> None:
        self._engine.dispose()


class SqliteWriting:
    """The writing connection to an existing file."""

    def __init__(self, path: Path, *, wal: bool = True) -> None:
        self._engine = file_engine(path, wal=wal)
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Generator[SqlOn, None, None]:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                yield SqlOn(self._connection, "sqlite")
        except DBAPIError as error:
            raise fault_of(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def file_engine(path: Path, *, wal: bool) -> Engine:
    """An engine for one write connection to an existing file."""
    engine = create_engine("sqlite://", creator=lambda: opened(path, wal=wal), poolclass=NullPool)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def opened(path: Path, *, wal: bool) -> sqlite3.Connection:
    """A raw write connection to an existing file. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        uri_of(path, "mode=rw"),
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


def uri_of(path: Path, query: str) -> str:
    """The path as a SQLite URI; any character of it is safe."""
    return f"file:{quote(str(path))}?{query}"


def _reader(path: Path) -> sqlite3.Connection:
    """Opened for writing but kept from it: only so does SQLite take its -wal and -shm away afterwards.
    In a folder that cannot be written the file is read alone, which is right while nobody writes it."""
    try:
        return _ready(uri_of(path, "mode=rw"))
    except sqlite3.OperationalError:
        wal = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (wal.exists() and wal.stat().st_size):
            raise
        return _ready(uri_of(path, "mode=ro&immutable=1"))


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
