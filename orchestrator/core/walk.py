"""A way through everything an author wrote: each part of a scenario with the path of keys that leads to it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast, get_args

from pydantic import BaseModel

from orchestrator.core.scenario import Entity, Kind
from orchestrator.core.value import Value

_SILENT = {Kind: "variables", Entity: "values"}
"""Fields that stand for the rest of a mapping: their name is not in the file."""


@lru_cache(maxsize=256)
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str | None], ...]:
    """(attribute, key in the file) of the fields in which further values may lie."""
    silent = _SILENT.get(cast("Any", model))
    return tuple(
        (name, None if name == silent else field.alias or name)
        for name, field in model.model_fields.items()
        if _holds_values(field.annotation)
    )


def _holds_values(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_holds_values(part) for part in get_args(annotation))


def parts_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """(path, part) of a value and of everything in it; places in a list are digits."""
    if isinstance(value, Value):
        yield path, value
        for name, key in _fields(type(value)):
            yield from parts_of(getattr(value, name), path if key is None else (*path, key))
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from parts_of(inner, (*path, str(key)))
    elif isinstance(value, tuple):
        for index, inner in enumerate(cast("tuple[Any, ...]", value)):
            yield from parts_of(inner, (*path, str(index)))


def texts_of(value: Value) -> Iterator[str]:
    """Every text in a value itself, not in the values within it: expressions, templates, names."""
    for held in value.__dict__.values():
        yield from _texts(held)


def _texts(held: Any) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, Mapping):
        for key, inner in cast("Mapping[str, Any]", held).items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(held, tuple):
        for inner in cast("tuple[Any, ...]", held):
            yield from _texts(inner)
