"""What all events have: dates of the world, a cause, cited entries, changes, a sentence; and their stored body.

An event is a conclusion of the round. It carries nothing of the computer: no run id, no clock, no token count.
Fields at their default are left out of the stored body, and the small tuples are arrays in it: thousands of runs
are kept.
"""

from copy import deepcopy
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from orchestrator.core.value import Value, canonical

_SCHEMAS: dict[Any, CoreSchema] = {}


def _once(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """What pydantic makes of a small tuple, made once: every kind of event holds all three of them."""
    if source not in _SCHEMAS:
        _SCHEMAS[source] = handler.resolve_ref_schema(handler(source))
    return deepcopy(_SCHEMAS[source])


class Cause(NamedTuple):
    kind: Literal["run", "move", "rule", "process", "report", "call", "log", "fork", "clock"]
    id: str
    """The rule, process instance, call key; of a move its seat and action: `google/launch_widget`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _once(source, handler)


class Change(NamedTuple):
    """One variable of one entity, changed on this event's date."""

    entity: str
    variable: str
    value: Any
    """The value after everything that fell on this date."""
    delta: float | None = None
    """This cause's share of the change; None: all of it (see `state.share_of`), or no number."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _once(source, handler)


class Happening(NamedTuple):
    """Something named that other rules follow."""

    name: str
    params: dict[str, Any] = {}
    """Never changed."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _once(source, handler)


class Event(Value):
    """What every event has beside its `kind`, which each class fixes."""

    model_config = ConfigDict(defer_build=True)  # a run meets half of the kinds: each is built when it is met

    round: int
    from_: str = Field(default="", validation_alias="from", serialization_alias="from")
    """First day in the world, ISO; empty: the same as `to`."""
    to: str
    """Last day in the world, ISO."""
    cause: Cause
    cites: tuple[str, ...] = ()
    """Entries of the scenario's source."""
    changes: tuple[Change, ...] = ()
    emits: tuple[Happening, ...] = ()
    text: str = ""
    """The sentence for the record, written by the rules."""
    audience: tuple[str, ...] | None = None
    """Seats who read the sentence; null: everyone; empty: nobody."""
    die: float | None = None
    """The number the die showed, where one was rolled."""

    def body(self) -> str:
        """The canonical JSON that is stored and hashed."""
        held = self.__dict__
        data: dict[str, Any] = {"kind": held["kind"]}
        for name, key, default in _stored(type(self)):
            value = held[name]
            if value != default:
                data[key] = value
        if self.changes:
            data["changes"] = [change[:3] if change[3] is None else change for change in self.changes]
        return canonical(data)


@cache
def _stored(event: type[Event]) -> tuple[tuple[str, str, Any], ...]:
    """(field, its key in the body, its default) of everything but `kind` and `changes`."""
    return tuple(
        (name, field.serialization_alias or name, field.get_default())
        for name, field in event.model_fields.items()
        if name not in ("kind", "changes")
    )
