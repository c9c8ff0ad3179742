"""Where a store is: a path or URL read into a place, and what lies there looked at without touching it."""

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import BadDatabase
from orchestrator.ledger.schema import TABLES, VERSION_TABLE
from orchestrator.ledger.sqlite import uri_of

if TYPE_CHECKING:
    from sqlalchemy import URL

_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Place:
    """A SQLite file (`path`) or a PostgreSQL database (`url`); exactly one is set."""

    path: Path | None = None
    url: "URL | None" = None

    @property
    def name(self) -> str:
        """For people: the path, or the URL without its password."""
        return self.url.render_as_string(hide_password=True) if self.url is not None else str(self.path)

    @property
    def locks(self) -> Path:
        """The folder of the lock files beside a SQLite file."""
        assert self.path is not None
        return self.path.with_name(self.path.name + ".locks")


def place_of(url_or_path: str) -> Place:
    """Reads a plain path, a `sqlite:///` URL or a `postgresql://` URL (psycopg 3). Raises BadDatabase."""
    if "://" not in url_or_path:
        return Place(path=_file(url_or_path))
    from sqlalchemy import make_url  # a third of a second: a plain path needs none of it
    from sqlalchemy.exc import ArgumentError

    wanted = "expected a path, sqlite:///PATH or postgresql://USER@HOST/NAME"
    try:
        url = make_url(url_or_path)
    except (ArgumentError, ValueError) as error:
        raise BadDatabase(f"the address of the store cannot be read; {wanted}", where="db") from error
    shown = url.render_as_string(hide_password=True)
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if url.host or not url.database or url.database == ":memory:":
                raise BadDatabase(
                    f"{shown} names no file: a store is kept on disk; {wanted}",
                    hint="sqlite:///runs/orchestrate.db is relative, sqlite:////srv/o.db absolute",
                    where="db",
                )
            return Place(path=_file(url.database))
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return Place(url=url.set(drivername="postgresql+psycopg"))
        case other:
            raise BadDatabase(f"a store cannot be kept in {other!r}; {wanted}", where="db")


def _file(text: str) -> Path:
    if not text or "\x00" in text:
        raise BadDatabase("the path of the store is empty or holds a zero byte", where="db")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise BadDatabase(f"the path of the store {text!r} cannot be followed: {error}", where="db") from error


def look(path: Path) -> Literal["missing", "empty", "ours"]:
    """What lies at the path, told without a lock, a write or a new file beside it.

    Raises BadDatabase for a folder, a device, a file that is not SQLite, a database without our tables.
    """
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise _not_ours(path, "is a folder")
        if not stat.S_ISREG(kind):
            raise _not_ours(path, "is no regular file")
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise _not_ours(path, f"cannot be read ({error.strerror})") from error
    if not head:
        return "empty"
    if head != _MAGIC:
        raise _not_ours(path, "is no SQLite database")
    try:
        # `immutable` reads the file alone: no lock, no -wal, no -shm. Ours never gets its first tables
        # through a write-ahead log (`opening.create`), so the main file is enough to know it.
        with closing(sqlite3.connect(uri_of(path, "mode=ro&immutable=1"), uri=True)) as connection:
            found = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise _not_ours(path, f"is a SQLite file that cannot be read ({error})") from error
    if not found >= TABLES | {VERSION_TABLE}:
        raise _not_ours(path, "is a SQLite database without the tables of a store")
    return "ours"


def _not_ours(path: Path, what: str) -> BadDatabase:
    return BadDatabase(
        f"{path} {what}; nothing was changed",
        hint="name another store with --db or ORCHESTRATE_DB",
        where=str(path),
    )
