"""The locks of runs in a PostgreSQL store: advisory locks, each on a connection of its own."""

import hashlib
from contextlib import suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from orchestrator.ledger.locks import RunLock, busy


class ServerLocks:
    """Advisory locks of a PostgreSQL server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lock(self, run: str) -> RunLock:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _number(run)}).scalar_one()
        if not taken:
            connection.close()
            raise busy(run, "")

        def release() -> None:
            with suppress(DBAPIError):  # a server that is gone holds no lock
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _number(run)})
                connection.invalidate()  # ends the session on the server, and with it any lock
            connection.close()

        return RunLock(release)

    def is_locked(self, run: str) -> bool:
        key = _number(run) & (2**64 - 1)
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                    "AND classid::bigint = :high AND objid::bigint = :low"
                ),
                {"high": key >> 32, "low": key & (2**32 - 1)},
            )
            return bool(found.scalar_one())


def _number(run: str) -> int:
    return int.from_bytes(hashlib.sha256(f"orchestrator {run}".encode()).digest()[:8], signed=True)
