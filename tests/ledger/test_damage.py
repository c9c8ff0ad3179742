"""One changed byte in any column that matters is found, and the place is named."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.ledger.schema import metadata
from orchestrator.ledger.store import Ledger
from tests.ledger.making import played

ACCOUNTING = {
    "calls": {"backend", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds", "started_at"}
    | {"ended_at", "tries", "served_by", "reused", "facts"},
    # what the design or the events say again is compared with them by `verify`, which knows the rules
    "runs": {"name", "scenario", "seed", "parent", "parent_hash", "fork_round", "rounds_limit", "rules_version"}
    | {"engine", "reason", "outcome", "wall_s", "created_at", "updated_at", "error"},
}
"""Columns under no hash of the ledger."""
MATTERS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if column.name not in ACCOUNTING.get(table.name, set())
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("whole") / "o.db"
    with Ledger.open(str(path)) as ledger:
        run = played(ledger)
        played(ledger)  # a second run, which must stay whole
    return path, run.id


def _problems(path: Path, run: str) -> list[str]:
    with Ledger.open(str(path), create=False) as ledger:
        return ledger.integrity(run)


def _change(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(sql, values).rowcount == 1, "the test itself changed nothing"


def _other(value: object, dice: random.Random) -> object:
    """The value with one byte changed; a number moved far."""
    if isinstance(value, int | float):
        return value + 1000
    raw = bytearray(str(value).encode())
    at = dice.randrange(len(raw)) if raw else 0
    raw[at : at + 1] = bytes([(raw[at] if raw else 65) ^ (1 << dice.randrange(7))])
    return raw.decode(errors="surrogateescape").encode(errors="surrogateescape")


@pytest.mark.parametrize(("table", "column"), MATTERS)
def test_a_changed_byte_is_found(whole: tuple[Path, str], tmp_path: Path, table: str, column: str) -> None:
    source, run = whole
    path = Path(shutil.copy(source, tmp_path))
    dice = random.Random(f"{table}.{column}")
    owner = {"runs": f"id = '{run}'", "texts": f"hash IN (SELECT hash FROM run_texts WHERE run = '{run}')"}
    where = owner.get(table, f"run = '{run}'")
    with closing(sqlite3.connect(path)) as connection:
        key = ", ".join(c.name for c in metadata.tables[table].primary_key)
        rows = connection.execute(f"SELECT {key}, {column} FROM {table} WHERE {where}").fetchall()
    assert rows
    for *place, value in dice.sample(rows, min(3, len(rows))):
        shutil.copy(source, path)
        at = " AND ".join(f"{c.name} = ?" for c in metadata.tables[table].primary_key)
        changed = _other(value, dice)
        stored = "CAST(? AS TEXT)" if isinstance(changed, bytes) else "?"
        _change(path, f"UPDATE {table} SET {column} = {stored} WHERE {at}", changed, *place)
        if (table, column) == ("runs", "id"):
            with closing(sqlite3.connect(path)) as connection:
                (renamed,) = connection.execute(
                    "SELECT id FROM runs WHERE id != ? ORDER BY created_at", (run,)
                ).fetchone()
            assert _problems(path, renamed), "a run under another id has no events"
        else:
            assert _problems(path, run), f"{table}.{column} at {place}: {value!r} became {changed!r}"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM events WHERE run = ? AND seq = 6", "counts 7 events, and 6 are there"),
        ("DELETE FROM events WHERE run = ? AND seq = 3", "events: 4 stands where 3 is due"),
        ("UPDATE events SET body = replace(body, 'word', 'wort') WHERE run = ? AND seq = 4", "chain broken at event 4"),
        ("DELETE FROM calls WHERE run = ? AND ord = 5", "number 6 stands where 5 is due"),
        (
            "UPDATE calls SET reply = replace(reply, 'publish', 'punish') WHERE run = ? AND ord = 2",
            "r1/seat_2/decide/1",
        ),
        (
            "UPDATE calls SET request = (SELECT request FROM calls WHERE ord = 4) WHERE run = ? AND ord = 3",
            "fingerprint",
        ),
        ("DELETE FROM texts WHERE text LIKE '{\"prompt\"%' AND ? <> ''", "is missing"),
        ("UPDATE texts SET text = text || ' ' WHERE text LIKE '%You hold seat 3.' AND ? <> ''", "its hash is another"),
        ("UPDATE events SET seq = 'x' WHERE run = ? AND seq = 5", "'x'"),
        ("UPDATE events SET body = NULL || 'x' || ? WHERE seq = 0", ""),
    ],
)
def test_lost_and_altered_rows_are_named(whole: tuple[Path, str], tmp_path: Path, sql: str, says: str) -> None:
    source, run = whole
    path = Path(shutil.copy(source, tmp_path))
    if not says:
        with pytest.raises(sqlite3.IntegrityError), closing(sqlite3.connect(path)) as connection:
            connection.execute(sql, (run,))
        return
    _change(path, sql, run)
    assert any(says in problem for problem in _problems(path, run)), _problems(path, run)


def test_the_database_reports_its_own_damage(whole: tuple[Path, str], tmp_path: Path) -> None:
    source, _ = whole
    path = Path(shutil.copy(source, tmp_path))
    _change(path, "DELETE FROM texts WHERE text LIKE '{\"prompt\"%'")
    with Ledger.open(str(path), create=False) as ledger:
        assert any("texts" in problem for problem in ledger.storage_problems())


def test_a_whole_run_has_no_problems(whole: tuple[Path, str]) -> None:
    with Ledger.open(str(whole[0]), create=False) as ledger:
        assert [ledger.integrity(run.id) for run in ledger.runs()] == [[], []]
