"""The first schema: runs, texts, run_texts, calls, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "texts",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_texts"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(14), nullable=False),
        sa.Column("name", sa.String(64), nullable=True),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("design", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(14), nullable=True),
        sa.Column("parent_hash", sa.String(64), nullable=True),
        sa.Column("fork_round", sa.BigInteger, nullable=True),
        sa.Column("rounds_limit", sa.BigInteger, nullable=True),
        sa.Column("rules_version", sa.BigInteger, nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("outcome", sa.Text, nullable=True),
        sa.Column("rounds", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.Column("wall_s", sa.Double, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["design"], ["texts.hash"], name="fk_runs_design"),
        sa.UniqueConstraint("name", name="uq_runs_name"),
    )
    op.create_index("ix_runs_design", "runs", ["design"])
    op.create_table(
        "run_texts",
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "hash", name="pk_run_texts"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_run_texts_run", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["hash"], ["texts.hash"], name="fk_run_texts_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_texts_hash", "run_texts", ["hash"])
    op.create_table(
        "calls",
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("ord", sa.BigInteger, nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("seat", "kind", "backend", "backend_kind", "model")),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("reply_hash", sa.String(64), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("served_by", sa.Text, nullable=False),
        sa.Column("reused", sa.Boolean, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name="pk_calls"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_calls_run", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["request"], ["texts.hash"], name="fk_calls_request"),
    )
    op.create_index("ix_calls_request", "calls", ["request"])
    op.create_index("ix_calls_run_ord", "calls", ["run", "ord"], unique=True)
    op.create_table(
        "events",
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_events_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
