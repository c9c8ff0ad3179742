"""The tables, neutral of any one database, and the version they are at.

`runs`, `texts`, `calls`, `events` hold the record. `run_texts` says which texts a run uses, so that texts
can be exported with a run and swept when the last run that uses them is deleted. A later version is a new
Alembic file in `migrations/versions/` and its name at the end of `VERSIONS`; a test holds both equal.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    insert,
)

VERSIONS = ("0001",)
"""Every schema version there has been, oldest first."""
VERSION_TABLE = "alembic_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

texts = Table(
    "texts",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("text", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(14), primary_key=True),
    Column("name", String(64), nullable=True, unique=True),
    Column("scenario", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("design", String(64), ForeignKey("texts.hash"), nullable=False, index=True),
    Column("parent", String(14), nullable=True),  # no foreign key: a parent may be deleted
    Column("parent_hash", String(64), nullable=True),
    Column("fork_round", BigInteger, nullable=True),
    Column("rounds_limit", BigInteger, nullable=True),
    Column("rules_version", BigInteger, nullable=False),
    Column("engine", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=True),
    Column("outcome", Text, nullable=True),
    Column("rounds", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("last_hash", String(64), nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("limits", Text, nullable=False),
    Column("error", Text, nullable=True),
)

run_texts = Table(
    "run_texts",
    metadata,
    Column("run", String(14), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("hash", String(64), ForeignKey("texts.hash"), nullable=False, index=True),
    PrimaryKeyConstraint("run", "hash"),
    sqlite_with_rowid=False,
)

calls = Table(
    "calls",
    metadata,
    Column("run", String(14), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(255), nullable=False),
    Column("ord", BigInteger, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("seat", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("backend_kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("request", String(64), ForeignKey("texts.hash"), nullable=False, index=True),
    Column("reply", Text, nullable=False),
    Column("reply_hash", String(64), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("served_by", Text, nullable=False),
    Column("reused", Boolean, nullable=False),
    Column("facts", Text, nullable=False),
    PrimaryKeyConstraint("run", "key"),
    Index(None, "run", "ord", unique=True),
)

events = Table(
    "events",
    metadata,
    Column("run", String(14), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("run", "seq"),
    sqlite_with_rowid=False,
)

TABLES = frozenset(metadata.tables)
"""The names of the tables that a store of ours has, beside the version's."""

version = Table(
    VERSION_TABLE,
    MetaData(),  # Alembic's own table: its migrations must not see it as one of ours
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def create_all(connection: Connection) -> None:
    """Creates and stamps the newest schema; the caller's transaction makes it one step."""
    metadata.create_all(connection, checkfirst=False)
    version.create(connection)
    connection.execute(insert(version).values(version_num=VERSIONS[-1]))
