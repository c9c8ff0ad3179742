"""Brings an older store to the newest version. The only module that imports Alembic at run time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


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
