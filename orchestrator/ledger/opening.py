"""Opening a store: made where there is none, refused where it is not ours, brought up to date where old.

A new SQLite file is built under another name (schema and version in one transaction, then the write-ahead
log switched on), synced, and moved into place. So a kill at any instant of the first start leaves either
no store or a whole one, and two first starts at once give one store.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import DBAPIError

from orchestrator.errors import BadDatabase
from orchestrator.ledger.engines import file_writer, reader, sqlite_writer, writer
from orchestrator.ledger.faults import store_fault
from orchestrator.ledger.locks import only_one
from orchestrator.ledger.place import Place, look
from orchestrator.ledger.schema import RECORD_TABLES, VERSIONS, create_all, version


def exists(place: Place) -> bool:
    """Whether a store is there. Raises BadDatabase for anything else that is in its place."""
    if place.path is not None:
        return look(place.path) == "ours"
    engine = reader(place)
    try:
        return _has_tables(engine, place)
    except DBAPIError as error:
        raise _unreachable(error, place) from error
    finally:
        engine.dispose()


def opened(place: Place, *, create: bool) -> Engine:
    """The reading engine of a store that is there and at our version; see `Ledger.open`."""
    if not exists(place):
        if not create:
            raise BadDatabase(
                f"there is no store at {place.name}", hint="`orchestrate run` makes one", where=place.name
            )
        if place.path is not None:
            _create_file(place, place.path)
        else:
            _create_tables(place)
    engine = reader(place)
    try:
        _up_to_date(engine, place)
    except DBAPIError as error:
        engine.dispose()
        raise store_fault(error, place.name) from error
    except BadDatabase:
        engine.dispose()
        raise
    return engine


def _up_to_date(engine: Engine, place: Place) -> None:
    with engine.connect() as connection:
        found = list(connection.execute(select(version.c.version_num)).scalars())
    if found == [VERSIONS[-1]]:
        return
    if len(found) != 1 or found[0] not in VERSIONS:
        raise BadDatabase(
            f"the store {place.name} has the schema version {', '.join(map(str, found)) or 'none'}, "
            f"and this program knows {VERSIONS[0]} to {VERSIONS[-1]}",
            hint="use the newer program that wrote it, or name another store with --db",
            where=place.name,
        )
    engine.dispose()  # no reader of ours may hold the file while its tables change
    from orchestrator.ledger.migrations.upgrade import upgrade  # Alembic: 0.5 s, wanted only here

    changing = writer(place)
    try:
        with changing.begin() as connection:
            upgrade(connection)
    finally:
        changing.dispose()


def _create_file(place: Place, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}.creating")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with only_one(place.locks / "creating"):
            if look(path) == "ours":
                return  # another process was first
            for left in ("", "-journal", "-wal", "-shm"):  # of a start that was killed
                unfinished.with_name(unfinished.name + left).unlink(missing_ok=True)
            unfinished.touch(mode=0o644)
            _build(unfinished)
            os.replace(unfinished, path)
            _sync_folder(path.parent)
    except (OSError, sqlite3.Error, DBAPIError) as error:
        unfinished.unlink(missing_ok=True)
        said = (error.strerror or str(error)) if isinstance(error, OSError) else str(getattr(error, "orig", error))
        raise BadDatabase(
            f"no store can be made at {path}: {said}",
            hint="name another place with --db or ORCHESTRATE_DB",
            where=str(path),
        ) from error


def _build(path: Path) -> None:
    with file_writer(path, wal=False).begin() as connection:
        create_all(connection)
    sqlite_writer(path, wal=True).close()  # the log is switched on in the file for good
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _has_tables(engine: Engine, place: Place) -> bool:
    ours = RECORD_TABLES | {version.name}
    with engine.connect() as connection:
        found = ours & set(inspect(connection).get_table_names())
    if found and found != ours:
        raise BadDatabase(
            f"{place.name} has a table {min(found)!r} but not all tables of a store; nothing was changed",
            hint="name a database of its own with --db",
            where=place.name,
        )
    return bool(found)


def _create_tables(place: Place) -> None:
    engine = writer(place)
    try:
        with engine.begin() as connection:  # the writers' lock is held: a second first start waits
            if not inspect(connection).has_table(version.name):
                create_all(connection)
    except DBAPIError as error:
        raise _unreachable(error, place) from error
    finally:
        engine.dispose()


def _unreachable(error: DBAPIError, place: Place) -> BadDatabase:
    said = str(error.orig).strip().splitlines()[0]
    return BadDatabase(
        f"the store {place.name} cannot be opened: {said}",
        hint="is the server running, and may this user create tables?",
        where=place.name,
    )
