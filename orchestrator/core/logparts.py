"""How a recorded log of moves reads, as an author writes it: its columns and the names that stand in it.

Without a section `log` the columns are those named here, and the names are the scenario's own ids.
"""

from typing import Annotated

from pydantic import StringConstraints

from orchestrator.core.parts import Ident, Sourced
from orchestrator.core.value import Value

Column = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Recorded = Annotated[str, StringConstraints(max_length=200)]
"""A name as it stands in a log; compared exactly, case and blanks count."""


class Columns(Value):
    """The header's words for what a row says."""

    day: Column = "day"
    """The round, from 1 on."""
    seat: Column = "self"
    """Who acts."""
    target: Column = "other"
    """The column with what the action is aimed at."""
    action: Column = "action"
    """The column with the action's name."""
    words: Column = "content"
    """What was said; the one column that a log may lack."""


class Log(Sourced):
    """How a log made by another program reads (`orchestrate import actions`)."""

    columns: Columns = Columns()
    """Which columns of the log hold what."""
    names: dict[Recorded, Ident] = {}
    """Name in the log -> entity, or seat; whoever acts is the seat that plays the entity."""
    actions: dict[Recorded, Ident] = {}
    """Name in the log -> action, or `wait`; a name that is not here is on no list, and has no effect."""
    instead: dict[Recorded, dict[Ident, Ident]] = {}
    """Name in the target's column -> action -> the action without a target that is meant by it."""
