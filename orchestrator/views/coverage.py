"""Which entries of the source a scenario realises, and by what; and what it assumes beside them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.value import Value

ASSUMED = "assumed"
_BARE = ("rules", "actions", "processes", "kinds")
"""Sections whose ids stand for themselves (`runs events --rule ID`); of others the section is named."""


class Coverage(NamedTuple):
    entries: dict[str, list[str]]
    """Entry -> what cites it: `rule`, `action`, `process.stage.outcome`, `kind.variable`, `numbers.name`,
    `endings.name`, `personas.seat` ..., in the order of the scenario."""
    missing: list[str]
    """Entries that nothing cites."""
    assumed: list[dict[str, Any]]
    """`{"what", "why", "band"}` of everything that cites no entry but an assumption."""


def coverage(scenario: Scenario, personas: Mapping[str, Persona]) -> Coverage:
    """What every entry under `sources` is cited by."""
    entries: dict[str, list[str]] = {entry: [] for entry in scenario.sources}
    assumed: list[dict[str, Any]] = []
    for what, item in _cited(scenario, personas):
        for entry in item.source:
            if entry == ASSUMED:
                assumed.append({"what": what, "why": item.why, "band": None if item.band is None else list(item.band)})
            elif what not in entries.setdefault(entry, []):
                entries[entry].append(what)
    return Coverage(entries, [entry for entry, by in entries.items() if not by], assumed)


def _cited(scenario: Scenario, personas: Mapping[str, Persona]) -> Iterator[tuple[str, Any]]:
    for section in Scenario.model_fields:
        held = getattr(scenario, section)
        name = () if section in _BARE else (section,)
        yield from _sourced(held, name)
    yield from _sourced(dict(personas), ("personas",))


def _sourced(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Everything within a value that says where it comes from, with the path of ids that leads there."""
    if isinstance(value, Value):
        if getattr(value, "source", ()):
            yield ".".join(path), value
        for field in type(value).model_fields:
            inner = getattr(value, field)
            # A path names what an author gave an id of its own; a lone block (`fails`) is called by its field.
            yield from _sourced(inner, (*path, field) if isinstance(inner, Value) else path)
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _sourced(inner, (*path, str(key)))
    elif isinstance(value, tuple):
        for inner in cast("tuple[Any, ...]", value):
            own = getattr(inner, "id", None) if isinstance(inner, Value) else None
            yield from _sourced(inner, path if own is None else (*path, str(own)))
