"""Opening a store: made where there is none, refused where it is not ours, brought up to date where old.

A new SQLite file is built under another name (schema and version in one transaction, then the write-ahead
log switched on), synced, and moved into place. So a kill at any instant of the first start leaves either
no store or a whole one, and two first starts at once give one store.
"""

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import BadDatabase
from orchestrator.ledger import sql
from orchestrator.ledger.faults import store_fault
from orchestrator.ledger.locks import only_one
from orchestrator.ledger.place import Place, look
from orchestrator.ledger.schema import TABLES, VERSION_TABLE, VERSIONS, create_all
from orchestrator.ledger.sqlite import SqliteReaders, SqliteWriting
from orchestrator.ledger.sqlite import opened as opened_file
from orchestrator.ledger.talk import DatabaseFault, Readers

if TYPE_CHECKING:
    from sqlalchemy import URL

_ALL = TABLES | {VERSION_TABLE}


def exists(place: Place) -> bool:
    """Whether a store is there. Raises BadDatabase for anything else that is in its place."""
    if place.url is None:
        assert place.path is not None
        return look(place.path) == "ours"
    from orchestrator.ledger import server

    readers = server.ServerReaders(place.url)
    try:
        return server.has_tables(readers, _ALL, place.name)
    except DatabaseFault as fault:
        raise _unreachable(fault, place) from fault
    finally:
        readers.close()


def opened(place: Place, *, create: bool) -> Readers:
    """The readers of a store that is there and at our version; see `Ledger.open`."""
    if not exists(place):
        if not create:
            raise BadDatabase(
                f"there is no store at {place.name}", hint="`orchestrate run` makes one", where=place.name
            )
        if place.path is not None:
            _create_file(place, place.path)
        elif place.url is not None:
            _create_on_server(place, place.url)
    readers = readers_of(place)
    try:
        _up_to_date(readers, place)
    except DatabaseFault as fault:
        readers.close()
        raise store_fault(fault, place.name) from fault
    except BadDatabase:
        readers.close()
        raise
    return readers


def readers_of(place: Place) -> Readers:
    """What reads a place; nothing is opened yet."""
    if place.url is None:
        assert place.path is not None
        return SqliteReaders(place.path)
    from orchestrator.ledger.server import ServerReaders

    return ServerReaders(place.url)


def _up_to_date(readers: Readers, place: Place) -> None:
    with readers.reading() as on:
        found = [row[0] for row in on.rows(sql.VERSION)]
    if found == [VERSIONS[-1]]:
        return
    if len(found) != 1 or found[0] not in VERSIONS:
        raise BadDatabase(
            f"the store {place.name} has the schema version {', '.join(map(str, found)) or 'none'}, "
            f"and this program knows {VERSIONS[0]} to {VERSIONS[-1]}",
            hint="use the newer program that wrote it, or name another store with --db",
            where=place.name,
        )
    readers.close()  # no reader of ours may hold the file while its tables change
    from orchestrator.ledger.migrations.upgrade import upgrade_store  # Alembic: half a second, wanted only here

    upgrade_store(place)


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
    except (OSError, sqlite3.Error, DatabaseFault) as error:
        unfinished.unlink(missing_ok=True)
        said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise BadDatabase(
            f"no store can be made at {path}: {said}",
            hint="name another place with --db or ORCHESTRATE_DB",
            where=str(path),
        ) from error


def _build(path: Path) -> None:
    writing = SqliteWriting(path, wal=False)
    try:
        with writing.transaction() as on:
            create_all(on.connection)
    finally:
        writing.close()
    opened_file(path, wal=True).close()  # the log is switched on in the file for good
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


def _create_on_server(place: Place, url: "URL") -> None:
    from orchestrator.ledger.server import create_tables as create_on_server

    try:
        create_on_server(url)
    except DatabaseFault as fault:
        raise _unreachable(fault, place) from fault


def _unreachable(fault: DatabaseFault, place: Place) -> BadDatabase:
    said = str(fault.origin).strip().splitlines()[0]
    return BadDatabase(
        f"the store {place.name} cannot be opened: {said}",
        hint="is the server running, and may this user create tables?",
        where=place.name,
    )
