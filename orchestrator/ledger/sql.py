"""What the ledger says to a database: SQL that SQLite and PostgreSQL both read, with parameters `:name`.

Text, and not built by a library: building and compiling a statement takes longer than SQLite takes to run it, and
importing the builder a third of a second. Columns are those of the rows in `rows`.
"""

from collections.abc import Iterable

from orchestrator.ledger.rows import CallCost, CallRow, EventRow, RunRow

RUN_COLUMNS = tuple(RunRow.model_fields)
CALL_COLUMNS = tuple(CallRow.model_fields)
EVENT_COLUMNS = EventRow._fields


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(columns)


def _insert(table: str, columns: Iterable[str]) -> str:
    names = tuple(columns)
    return f"INSERT INTO {table} ({_listed(names)}) VALUES ({_listed(f':{name}' for name in names)})"  # noqa: S608


_RUN = f"SELECT {_listed(RUN_COLUMNS)} FROM runs"  # noqa: S608
_CALL = f"SELECT {_listed(CALL_COLUMNS)} FROM calls"  # noqa: S608
_EVENT = f"SELECT {_listed(EVENT_COLUMNS)} FROM events"  # noqa: S608

VERSION = "SELECT version_num FROM alembic_version"

# Reading.
RUNS = f"{_RUN} ORDER BY created_at, id"
RUN = f"{_RUN} WHERE id = :run"
KNOWN = "SELECT id, name FROM runs ORDER BY created_at, id"
EVENTS = f"{_EVENT} WHERE run = :run ORDER BY seq LIMIT :most OFFSET :skip"
EVENTS_BETWEEN = f"{_EVENT} WHERE run = :run AND seq >= :first AND round <= :last ORDER BY seq LIMIT :most OFFSET :skip"
CALLS = f"{_CALL} WHERE run = :run ORDER BY ord LIMIT :most OFFSET :skip"
CALL = f"{_CALL} WHERE run = :run AND key = :key"
COSTS = f"SELECT {_listed(CallCost._fields)} FROM calls WHERE run = :run ORDER BY ord"  # noqa: S608
ASKED = "SELECT DISTINCT run FROM calls"
DESIGNS = "SELECT runs.id, texts.text FROM runs JOIN texts ON texts.hash = runs.design"
TEXT = "SELECT text FROM texts WHERE hash = :hash"
TEXTS_OF = (
    "SELECT run_texts.hash, texts.text FROM run_texts LEFT JOIN texts ON texts.hash = run_texts.hash "
    "WHERE run_texts.run = :run ORDER BY run_texts.hash"
)

# Writing.
NAMED = "SELECT id FROM runs WHERE name = :name"
NEW_RUN = _insert("runs", RUN_COLUMNS)
NEW_CALL = _insert("calls", CALL_COLUMNS)
NEW_EVENT = _insert("events", EVENT_COLUMNS)
NEW_TEXT = "INSERT INTO texts (hash, text) VALUES (:hash, :text) ON CONFLICT DO NOTHING"
NEW_LINK = "INSERT INTO run_texts (run, hash) VALUES (:run, :hash) ON CONFLICT DO NOTHING"
NEXT_CALL = "SELECT (SELECT coalesce(max(ord) + 1, 0) FROM calls WHERE run = :run) FROM runs WHERE id = :run"
TOTALS = "SELECT events, last_hash, rounds FROM runs WHERE id = :run"
"""The writers take turns, so nothing changes them before the transaction ends."""
USED = "SELECT hash FROM run_texts WHERE run = :run"
DELETE_RUN = "DELETE FROM runs WHERE id = :run"
SWEEP = "DELETE FROM texts WHERE hash = :hash AND NOT EXISTS (SELECT 1 FROM run_texts WHERE run_texts.hash = :hash)"


def events_of_kinds(count: int, *, of_one: bool) -> str:
    """Run, kind and body of the events of the kinds `:kind0` and on; with `of_one` of the run `:run` alone."""
    which = "run = :run AND " if of_one else ""
    kinds = _listed(f":kind{number}" for number in range(count))
    return f"SELECT run, kind, body FROM events WHERE {which}kind IN ({kinds}) ORDER BY run, seq"  # noqa: S608


def update_run(columns: Iterable[str]) -> str:
    """These columns of the run `:run` (names of ours, never of a user's)."""
    return f"UPDATE runs SET {_listed(f'{name} = :{name}' for name in columns)} WHERE id = :run"  # noqa: S608
