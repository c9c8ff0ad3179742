"""How the ledger talks to a database: statements as text, rows as tuples, one class of complaint.

`sqlite` and `server` are the two that can be talked to. Statements are plain SQL that both read, with parameters
`:name`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

NOTHING: Mapping[str, Any] = {}
Row = tuple[Any, ...]


class On(Protocol):
    """A transaction under way. Every method raises `DatabaseFault`."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which database this is, for the few statements that differ."""
        ...

    def rows(self, sql: str, given: Mapping[str, Any] = NOTHING) -> list[Row]:
        """Every row."""
        ...

    def row(self, sql: str, given: Mapping[str, Any] = NOTHING) -> Row | None:
        """The first row, or None."""
        ...

    def change(self, sql: str, given: Mapping[str, Any] = NOTHING) -> int:
        """How many rows were changed."""
        ...

    def many(self, sql: str, given: Sequence[Mapping[str, Any]]) -> None:
        """The same statement for each of these; nothing where there are none."""
        ...


class Readers(Protocol):
    """Connections for reading, made as they are needed."""

    def reading(self) -> AbstractContextManager[On]:
        """A transaction that sees one moment of the store, in any thread."""
        ...

    def close(self) -> None:
        """Lets idle connections go; may be called twice, and reading may go on afterwards."""
        ...


class Writing(Protocol):
    """The one connection of this process that writes, made with the first transaction."""

    def transaction(self) -> AbstractContextManager[On]:
        """All that is done in it is on disk when it ends, or nothing where it ends with an exception."""
        ...

    def close(self) -> None:
        """Ends the connection; the next transaction makes a new one."""
        ...


class DatabaseFault(Exception):
    """What a database or its driver complains of; `faults` puts it into words."""

    def __init__(
        self, origin: Exception, kind: Literal["conflict", "statement", "store"], *, passing: bool = False
    ) -> None:
        """`conflict`: a row that cannot stand beside those that are there; `statement`: this one is wrong by itself;
        `store`: the store as a whole is at fault, so that the same write alone would fail as well. `passing`: a
        server is gone or overloaded."""
        super().__init__(str(origin))
        self.origin, self.kind, self.passing = origin, kind, passing
