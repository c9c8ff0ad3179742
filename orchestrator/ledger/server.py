"""Talking to a PostgreSQL server, through SQLAlchemy and psycopg 3. Imported only for a store with such an address."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from orchestrator.errors import BadDatabase
from orchestrator.ledger.schema import VERSION_TABLE, create_all
from orchestrator.ledger.transactions import SqlOn, fault_of

_WRITERS = int.from_bytes(b"orchest")
"""The advisory lock that makes the writers of one database take turns, as SQLite's do. Without it two of them could
insert the same texts in opposite orders, or one sweep a text that the other links."""


class ServerReaders:
    """Reading connections from a pool."""

    def __init__(self, url: URL) -> None:
        self.engine = _engine(url, "REPEATABLE READ")

    @contextmanager
    def reading(self) -> Generator[SqlOn, None, None]:
        try:
            with self.engine.connect() as connection:
                yield SqlOn(connection, "postgresql")
        except DBAPIError as error:
            raise fault_of(error) from error

    def close(self) -> None:
        self.engine.dispose()


class ServerWriting:
    """The writing connection; its transactions wait until no other process writes."""

    def __init__(self, url: URL) -> None:
        self._engine = _engine(url, "READ COMMITTED")
        event.listen(self._engine, "begin", _take_turns)
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Generator[SqlOn, None, None]:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                yield SqlOn(self._connection, "postgresql")
        except DBAPIError as error:
            raise fault_of(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):  # a server that is gone cannot be told
                connection.invalidate()
                connection.close()
        self._engine.dispose()


def has_tables(readers: ServerReaders, ours: frozenset[str], place: str) -> bool:
    """Whether a store is there. Raises BadDatabase for a part of one, DatabaseFault."""
    try:
        with readers.engine.connect() as connection:
            found = ours & set(inspect(connection).get_table_names())
    except DBAPIError as error:
        raise fault_of(error) from error
    if found and found != ours:
        raise BadDatabase(
            f"{place} has a table {min(found)!r} but not all tables of a store; nothing was changed",
            hint="name a database of its own with --db",
            where=place,
        )
    return bool(found)


def create_tables(url: URL) -> None:
    """Makes a store where there is none. Raises DatabaseFault."""
    writing = ServerWriting(url)
    try:
        with writing.transaction() as on:  # the writers' lock is held: a second first start waits
            if not inspect(on.connection).has_table(VERSION_TABLE):
                create_all(on.connection)
    finally:
        writing.close()


def _take_turns(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})


def _engine(url: URL, isolation_level: Literal["REPEATABLE READ", "READ COMMITTED"]) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, isolation_level=isolation_level)
    except (ImportError, NoSuchModuleError) as error:
        place = url.render_as_string(hide_password=True)
        raise BadDatabase(
            f"the store {place} needs the driver psycopg, which is not installed",
            hint="pip install 'orchestrator[postgres]'",
            where=place,
        ) from error
