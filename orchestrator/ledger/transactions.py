"""A transaction through SQLAlchemy, whichever database is behind it; see `talk.On`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, CursorResult, text
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError

from orchestrator.ledger.talk import NOTHING, DatabaseFault, Row


def fault_of(error: DBAPIError) -> DatabaseFault:
    """SQLAlchemy's complaint as ours."""
    origin = error.orig if isinstance(error.orig, Exception) else error
    if isinstance(error, IntegrityError):
        return DatabaseFault(origin, "conflict")
    own = isinstance(error, DataError | ProgrammingError) or not isinstance(error, DatabaseError)
    return DatabaseFault(origin, "statement" if own else "store", passing=isinstance(error, OperationalError))


class SqlOn:
    """A transaction on a connection."""

    def __init__(self, connection: Connection, dialect: Literal["sqlite", "postgresql"]) -> None:
        self.connection = connection
        self.dialect: Literal["sqlite", "postgresql"] = dialect

    def _run(self, sql: str, given: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        try:
            if self.dialect == "sqlite":  # its driver reads `:name` itself: nothing to compile, no parameter to reorder
                return self.connection.exec_driver_sql(sql, given or None)
            return self.connection.execute(text(sql), given)
        except DBAPIError as error:
            raise fault_of(error) from error

    def rows(self, sql: str, given: Mapping[str, Any] = NOTHING) -> list[Row]:
        return [tuple(row) for row in self._run(sql, given)]

    def row(self, sql: str, given: Mapping[str, Any] = NOTHING) -> Row | None:
        found = self._run(sql, given).first()
        return None if found is None else tuple(found)

    def change(self, sql: str, given: Mapping[str, Any] = NOTHING) -> int:
        return self._run(sql, given).rowcount

    def many(self, sql: str, given: Sequence[Mapping[str, Any]]) -> None:
        if given:
            self._run(sql, given)
