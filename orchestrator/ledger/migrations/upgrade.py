"""Brings an older store to the newest version. The only module that imports Alembic at run time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from orchestrator.ledger.place import Place
from orchestrator.ledger.server import ServerWriting
from orchestrator.ledger.sqlite import SqliteWriting


def configured(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file; `connection` is the one that `env.py` migrates."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, to: str = "head") -> None:
    """Runs the migrations that are missing inside the connection's transaction: all or none."""
    command.upgrade(configured(connection), to)


def upgrade_store(place: Place) -> None:
    """Runs the migrations that a store lacks, as its one writer. Raises DatabaseFault."""
    if place.path is not None:
        writing = SqliteWriting(place.path)
    else:
        assert place.url is not None
        writing = ServerWriting(place.url)
    try:
        with writing.transaction() as on:
            upgrade(on.connection)
    finally:
        writing.close()
