"""Names replaced in what an author wrote: an agreement's `self` is its party, which a process calls `party`."""

import re
from collections.abc import Mapping
from typing import Any, cast

from orchestrator.core.parts import Effects

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_AS_IT_STANDS = ("source", "why", "band", "ends", "rank", "audience", "lag", "report", "bell")
"""Fields of effects that hold no expression."""


def word(text: str, names: Mapping[str, str]) -> str:
    """An expression with names replaced where they stand alone, not behind a dot or within a text."""
    if not names:
        return text
    found = re.compile(rf"(?<![\w.'\"])({'|'.join(names)})(?![\w'\"])")
    return found.sub(lambda match: names[match[1]], text)


def braced(text: str, names: Mapping[str, str]) -> str:
    """A template with names replaced in its expressions."""

    def swap(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else "{" + word(match[1], names) + "}"

    return _BRACES.sub(swap, text)


def renamed(block: Effects, names: Mapping[str, str]) -> dict[str, Any]:
    """A block of effects with names replaced in all its expressions and templates, as data; only what it says."""
    data = block.model_dump(by_alias=True, exclude_defaults=True)
    return {key: _renamed(key, value, names) for key, value in data.items()}


def _renamed(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key in _AS_IT_STANDS:
        return value
    if isinstance(value, str):
        return braced(value, names) if key == "says" else word(value, names)
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {word(name, names): _renamed(name, inner, names) for name, inner in held.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_renamed(key, inner, names) for inner in cast("tuple[Any, ...]", value))
    return value
