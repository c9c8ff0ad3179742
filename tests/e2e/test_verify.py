"""`verify` finds one changed byte, wherever it stands in a table that matters."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import Lab, serving
from tests.support.playing import desk
from tests.support.work import DUEL, Work

CHANGES = {
    "events": ["body", "hash", "kind", "round", "seq"],
    "calls": [
        "key", "round", "seat", "kind", "backend_kind", "model", "fingerprint", "request", "reply", "reply_hash",
        "outcome",
    ],
    "texts": ["text", "hash"],
    "runs": ["seed", "scenario", "design", "rounds", "events", "last_hash", "rules_version", "outcome", "reason"],
}  # fmt: skip
"""Tables and their columns whose every byte matters: what was asked, answered, and concluded."""
PLACES = [(table, column) for table, columns in CHANGES.items() for column in columns]
_WHOLE: list[bytes] = []


@pytest.fixture
def played(work: Work, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """A working folder with one finished run, the same for each test."""
    if not _WHOLE:
        with serving() as lab:
            work.config(lab.base_url)
            work("run", "--scenario", "duel", "--json")
        _WHOLE.append(work.store.read_bytes())
    work.store.parent.mkdir(exist_ok=True)
    for extra in ("", "-wal", "-shm"):
        work.store.with_name(work.store.name + extra).unlink(missing_ok=True)
    work.store.write_bytes(_WHOLE[0])
    return work


def changed(value: Any) -> Any:
    """The value with one byte (or one in a number) changed."""
    if value is None:
        return "x"
    if isinstance(value, int):
        return value + 1
    middle = len(value) // 2
    return value[:middle] + ("5" if value[middle] != "5" else "6") + value[middle + 1 :]


def damage(store: Path, table: str, column: str, row: int) -> None:
    """Changes one byte of one row, past every constraint of ours."""
    with closing(sqlite3.connect(store)) as on, on:
        on.execute("PRAGMA foreign_keys = OFF")
        for (trigger,) in on.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            on.execute(f'DROP TRIGGER "{trigger}"')
        cells = on.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        names = [name for _, name, *_ in on.execute(f"PRAGMA table_info({table})")]
        cell = dict(zip(names, cells[row % len(cells)], strict=True))
        where = " AND ".join(f"{name} IS ?" for name in names)
        done = on.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [changed(cell[column]), *cell.values()])
        assert done.rowcount == 1


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_one_changed_byte_is_found(played: Work, table: str, column: str) -> None:
    assert played("verify", "--json").json["ok"]
    for row in (0, 7) if table in ("events", "calls", "texts") else (0,):
        played.store.write_bytes(_WHOLE[0])
        try:
            damage(played.store, table, column, row)
        except sqlite3.IntegrityError:
            damage(played.store, table, column, -1)  # its neighbour bears that number: the last row is free
        document = played("verify", "--json", code=5).json
        assert document["ok"] is False
        assert [one["problem"] for one in document["runs"] if not one["ok"]] or document.get("storage")
        told = played("verify", code=5)
        assert "DAMAGED" in told.out


@pytest.mark.parametrize("table", ["events", "calls", "texts"])
def test_a_row_that_is_gone_is_found(played: Work, table: str) -> None:
    with closing(sqlite3.connect(played.store)) as on, on:
        on.execute("PRAGMA foreign_keys = OFF")
        on.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})" if table != "events" else
                   "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")  # fmt: skip
    assert played("verify", "--json", code=5).json["ok"] is False


def test_a_damaged_run_is_neither_replayed_nor_resumed_as_if_it_were_whole(played: Work) -> None:
    damage(played.store, "calls", "reply", 3)
    done = played("replay", "last", code=5)
    assert done.err.startswith("error: ")


def test_runs_are_verified_one_by_one(played: Work, lab: Lab) -> None:
    other = played(*DUEL, "--seed", "2", "--json").json["run"]
    damage(played.store, "events", "body", 7)
    document = played("verify", "--json", code=5).json
    assert sorted(one["ok"] for one in document["runs"]) == [False, True]
    assert played("verify", other, "--json").json["ok"]


def test_without_a_store_there_is_nothing_to_verify(work: Work) -> None:
    desk(work.folder)
    assert work("verify", "--json").json == {"runs": [], "ok": True}
    assert not (work.folder / "runs").exists()
