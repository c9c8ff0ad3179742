"""Opening a SQLite store: ours is opened, nothing else is touched, reading changes nothing."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from orchestrator.errors import BadDatabase
from orchestrator.ledger import schema, sql, sqlite
from orchestrator.ledger.migrations.upgrade import configured, upgrade
from orchestrator.ledger.place import place_of
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.talk import DatabaseFault
from tests.ledger.making import begun, played


def _folder(path: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.is_file()}


def _foreign(path: Path, *, wal: bool) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE runs (id, note)")
        connection.execute("INSERT INTO runs VALUES (1, 'somebody else''s')")


@pytest.mark.parametrize("what", ["text", "other tables", "other tables in wal", "no tables", "cut", "head only"])
def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path, what: str) -> None:
    path = tmp_path / "notes.db"
    match what:
        case "text":
            path.write_text("dear diary\n" * 100)
        case "other tables":
            _foreign(path, wal=False)
        case "other tables in wal":
            _foreign(path, wal=True)
        case "no tables":
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA user_version=3")
        case "cut":
            _foreign(path, wal=False)
            path.write_bytes(path.read_bytes()[:3000])
        case _:
            path.write_bytes(b"SQLite format 3\x00")
    before = _folder(tmp_path)
    for create in (True, False):
        with pytest.raises(BadDatabase, match=r"notes\.db is .*nothing was changed") as refused:
            Ledger.open(str(path), create=create)
        assert refused.value.code == 2
        assert "--db" in refused.value.hint
    with pytest.raises(BadDatabase):
        Ledger.exists(f"sqlite:///{path}")
    assert _folder(tmp_path) == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["notes.db"]


def test_a_foreign_database_that_is_open_elsewhere_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    _foreign(path, wal=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("INSERT INTO runs VALUES (2, 'in the log')")
        before = _folder(tmp_path)
        with pytest.raises(BadDatabase):
            Ledger.open(str(path))
        assert _folder(tmp_path) == before


def test_a_folder_a_device_and_a_place_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDatabase, match="is a folder"):
        Ledger.open(str(tmp_path))
    with pytest.raises(BadDatabase, match="is no regular file"):
        Ledger.open("/dev/null")
    with pytest.raises(BadDatabase, match=r"no store can be made at /proc/nowhere/o\.db"):
        Ledger.open("/proc/nowhere/o.db")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadDatabase, match=r"cannot be read|no store can be made"):
        Ledger.open(str(tmp_path / "file" / "o.db"))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://a:secret@b/c", "cannot be kept in 'mysql'"),
        ("http://", "cannot be"),
        ("", "empty"),
        ("a\x00b", "zero byte"),
        ("postgresql://u:secret@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(address: str, says: str) -> None:
    with pytest.raises(BadDatabase, match=says) as refused:
        Ledger.open(address)
    assert "secret" not in f"{refused.value.message} {refused.value.hint} {refused.value.where}"


def test_a_path_and_its_url_are_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = (tmp_path / "runs" / "o?#%20.db").resolve()
    assert place_of("runs/o?#%20.db").path == place_of(str(wanted)).path == wanted
    assert place_of("sqlite:///runs/o.db").path == place_of(f"sqlite:///{tmp_path}/runs/o.db").path
    with Ledger.open("runs/o?#%20.db") as ledger:
        run = begun(ledger)
    with Ledger.open(str(wanted), create=False) as ledger:
        assert ledger.find("last").id == run.id


def test_a_missing_store_is_not_made_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "orchestrate.db"
    assert not Ledger.exists(str(path))
    with pytest.raises(BadDatabase, match="no store at"):
        Ledger.open(str(path), create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    path.touch()
    assert not Ledger.exists(str(path))
    with Ledger.open(str(path)) as ledger:
        begun(ledger)
    assert Ledger.exists(str(path))


def test_reading_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with Ledger.open(str(path)) as ledger:
        run = played(ledger)
    before = _folder(tmp_path)
    assert list(before) == ["o.db"]
    stamp = path.stat().st_mtime_ns
    with Ledger.open(str(path), create=False) as reading:
        assert reading.integrity(run.id) == []
        assert reading.status_of(run) == "finished"
        assert reading.find("last") == run
        with pytest.raises(DatabaseFault), reading._readers.reading() as on:  # pyright: ignore[reportPrivateUsage]
            on.change("DELETE FROM runs")
    assert _folder(tmp_path) == before
    assert path.stat().st_mtime_ns == stamp


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to read as somebody else")
def test_a_store_in_a_folder_that_cannot_be_written_can_be_read() -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        path = Path(name) / "o.db"
        with Ledger.open(str(path)) as ledger:
            run = played(ledger)
        Path(name).chmod(0o755)
        user = os.fork()
        if user == 0:
            os.setuid(65534)
            with Ledger.open(str(path), create=False) as reading:
                os._exit(0 if reading.integrity(run.id) == [] and reading.runs() == [run] else 1)
        assert os.waitpid(user, 0)[1] == 0


@pytest.mark.parametrize(("stored", "says"), [("'0099'", "version 0099"), ("''", "version"), (None, "version none")])
def test_another_version_of_the_schema_is_refused(tmp_path: Path, stored: str | None, says: str) -> None:
    path = tmp_path / "o.db"
    Ledger.open(str(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        sql = "DELETE FROM alembic_version" if stored is None else f"UPDATE alembic_version SET version_num={stored}"
        connection.execute(sql)
    before = path.read_bytes()
    with pytest.raises(BadDatabase, match=says):
        Ledger.open(str(path))
    assert path.read_bytes() == before


def test_a_damaged_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with Ledger.open(str(path)) as ledger:
        run = played(ledger)
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 :] = b"\x7f" * (len(whole) - 4096 * 3)
    path.write_bytes(whole)
    with pytest.raises(BadDatabase, match=r"cannot be (used|read)"):
        _look_through(path, run.id)


def _look_through(path: Path, run: str) -> None:
    with Ledger.open(str(path)) as ledger:
        assert ledger.integrity(run) != []
        ledger.runs()


def test_the_pragmas_hold(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    Ledger.open(str(path)).close()
    with closing(sqlite.opened(path, wal=True)) as connection:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 30_000),
        ):
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_migrating_from_nothing_gives_the_schema_that_a_first_start_makes(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    Ledger.open(str(made)).close()
    migrated.touch()
    with sqlite.file_engine(migrated, wal=True).begin() as connection:
        upgrade(connection)
    with create_engine(f"sqlite:///{migrated}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []

    def shape(path: Path) -> list[object]:
        with closing(sqlite3.connect(path)) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
            asked = ("table_xinfo", "index_list", "foreign_key_list", "index_info")
            found = [(n, connection.execute(f'PRAGMA {ask}("{n}")').fetchall()) for n in names for ask in asked]
            # the number of an index or key is only the order in which it was made
            return [(name, sorted((row[1:] for row in rows), key=repr)) for name, rows in found]

    assert shape(made) == shape(migrated)
    with Ledger.open(str(migrated), create=False) as ledger:
        assert ledger.integrity(played(ledger).id) == []


def test_the_statements_name_every_column_of_the_schema() -> None:
    for table, columns in (("runs", sql.RUN_COLUMNS), ("calls", sql.CALL_COLUMNS), ("events", sql.EVENT_COLUMNS)):
        assert set(schema.metadata.tables[table].columns.keys()) == set(columns)


def test_a_migration_that_is_rolled_back_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    path.touch()
    engine = sqlite.file_engine(path, wal=False)
    connection = engine.connect()
    transaction = connection.begin()
    upgrade(connection)
    transaction.rollback()
    connection.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_every_version_has_its_migration() -> None:
    scripts = ScriptDirectory.from_config(configured())
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == schema.VERSIONS


def test_nothing_heavy_is_imported_for_a_file_that_is_made_or_up_to_date(tmp_path: Path) -> None:
    code = (
        "import sys; from orchestrator.ledger.store import Ledger; Ledger.open(sys.argv[1]).close(); "
        "Ledger.open(sys.argv[1]).close(); heavy = ('alembic', 'psycopg'); "
        "print([m for m in sys.modules if m.startswith(heavy)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "o.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
