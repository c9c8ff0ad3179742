"""Variants: `variants/NAME.yaml` of a scenario's folder, laid over the scenario before it is validated.

A variant says only what is otherwise: another length of the clock, other starts, other rules, other policies of
personas. What is no section of named entries (`clock`, `turns`, `talks` ...) is merged key by key, and so are
`kinds`, `entities`, `relations` and `seats`; anything else that is given under a name (a rule, an action, a
number ...) stands for the whole of it, and null takes an entry away. The result is checked, played and stored like
any scenario, so that a run's design holds what was really played.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_origin

from orchestrator.core.scenario import Persona, Scenario
from orchestrator.errors import BadInput, BadScenario, UnknownVariant
from orchestrator.library.faults import Problem, near
from orchestrator.library.files import MEBIBYTE, display, read_text
from orchestrator.library.tables import with_tables
from orchestrator.library.yaml import Budget, Step, Tree, parse, shown

FOLDER = "variants"
SUFFIX = ".yaml"
LARGEST = MEBIBYTE
LONGEST_TITLE = 300
SECTIONS = frozenset(name for name, field in Scenario.model_fields.items() if get_origin(field.annotation) is dict)
"""The keys that hold entries by name: their contents may be spread over several files."""
MERGED = frozenset({"kinds", "entities", "relations", "seats"})
"""Sections whose entries are merged key by key."""
PERSONA = frozenset(Persona.model_fields) - {"seat", "organisation", "prose"}
"""What a variant may say otherwise of a persona."""


@dataclass(frozen=True, slots=True)
class ListedVariant:
    """A variant in the list of a scenario."""

    id: str
    title: str
    """What it changes, in its own words; empty where the file cannot be read."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant's file as read."""

    name: str
    trees: tuple[Tree, ...]
    """The file, and the tables that it names."""
    data: Mapping[str, Any]
    """What is laid over the scenario."""
    personas: Mapping[str, Mapping[str, Any]]
    """Seat -> keys of its persona's front matter."""

    def where(self, path: tuple[Step, ...]) -> tuple[int, str]:
        """How many steps of a path the variant goes along with, and `file:line` of the last."""
        tree = max(self.trees, key=lambda held: held.find(path)[0])
        depth, line = tree.find(path)
        return depth, f"{tree.name}:{line}"


def variant_names(folder: Path) -> list[str]:
    """The names of a scenario's variants."""
    try:
        names = os.listdir(folder / FOLDER)
    except OSError:  # no such folder, or one we may not look into: nothing can be named there
        return []
    stems = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
    return sorted(stem for stem in stems if stem.isascii() and stem.isidentifier() and stem == stem.lower())


def list_variants(folder: Path, working: Path) -> list[ListedVariant]:
    """Every variant that can be named, with what it says of itself."""
    found: list[ListedVariant] = []
    for name in variant_names(folder):
        tree = _tree(folder, name, working, Budget(), [])
        title = tree.data.get("variant") if tree is not None and isinstance(tree.data, dict) else ""
        found.append(ListedVariant(name, shown(title, LONGEST_TITLE) if isinstance(title, str) else ""))
    return found


def find_variant(scenario: str, folder: Path, name: str) -> str:
    """The variant's id; `-` may stand for `_`. Raises UnknownVariant."""
    wanted, known = name.strip().replace("-", "_"), variant_names(folder)
    if wanted not in known:
        there = f"it has: {', '.join(known)}" if known else "it has none"
        raise UnknownVariant(
            f"{scenario} has no variant '{shown(wanted)}'{near(wanted, known)} ({there})",
            hint=f"orchestrate scenarios show {scenario}",
            where="--variant",
        )
    return wanted


def read_variant(folder: Path, name: str, working: Path, problems: list[Problem]) -> Variant | None:
    """Reads a variant's file; faults of its own form are told, None where it cannot be read at all."""
    budget = Budget()
    tree = _tree(folder, name, working, budget, problems)
    if tree is None:
        return None
    given = cast("dict[str, Any]", tree.data)

    def say(path: tuple[Step, ...], message: str) -> None:
        problems.append(Problem(f"{tree.name}:{tree.find(path)[1]}", message))

    title = given.get("variant")
    if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE:
        say(("variant",), f"'variant' says in at most {LONGEST_TITLE} characters what is otherwise here")
    for key in ("scenario", "include"):
        if key in given:
            say((key,), f"a variant has no '{key}': it says what is otherwise, in one file")
    trees = with_tables([tree], folder, working, budget, problems)
    data: dict[str, Any] = {}
    for held in trees:
        for key, value in cast("dict[str, Any]", held.data).items():
            if key in data and isinstance(value, dict) and isinstance(data[key], dict):
                value = {**data[key], **cast("dict[str, Any]", value)}
            data[key] = value
    people = data.pop("personas", {})
    own = {key: value for key, value in data.items() if key not in ("variant", "scenario", "include")}
    if not isinstance(people, dict) or not all(isinstance(held, dict) for held in cast("Any", people).values()):
        say(("personas",), "personas: expected seats, each with what is otherwise of its persona (`policy:` ...)")
        people = {}
    return Variant(name, tuple(trees), own, cast("dict[str, dict[str, Any]]", people))


def _tree(folder: Path, name: str, working: Path, budget: Budget, problems: list[Problem]) -> Tree | None:
    file = f"{FOLDER}/{name}{SUFFIX}"
    said = display(folder / file, working)
    try:
        text = read_text(folder, file, name=said, error=BadScenario, limit=LARGEST)
        tree = parse(text, name=said, error=BadScenario, budget=budget)
        if not isinstance(tree.data, dict):
            raise BadScenario("a variant must hold a mapping: `variant:`, `clock:`, `rules:`, ...", where=f"{said}:1")
    except BadInput as fault:
        problems.append(Problem(fault.where, fault.message))
        return None
    return tree


def laid_over(base: Mapping[str, Any], variant: Variant, problems: list[Problem]) -> dict[str, Any]:
    """The scenario's data with the variant's laid over it."""
    data = dict(base)

    def say(path: tuple[Step, ...], message: str) -> None:
        problems.append(Problem(variant.where(path)[1], message))

    for key, value in variant.data.items():
        held = data.get(key)
        if isinstance(value, dict) and isinstance(held, dict) and key in SECTIONS:
            data[key] = _section(key, cast("dict[str, Any]", held), cast("dict[str, Any]", value), say)
        elif isinstance(value, dict) and isinstance(held, dict):
            data[key] = _merged(cast("dict[str, Any]", held), cast("dict[str, Any]", value))
        elif value is None and key in data:
            say((key,), f"{key}: null takes away an entry of a section, not all of it")
        else:
            data[key] = value
    return data


def _section(key: str, held: Mapping[str, Any], given: Mapping[str, Any], say: Any) -> dict[str, Any]:
    result = dict(held)
    for name, value in given.items():
        if name not in result and (value is None or key == "seats"):
            why = "to take away" if value is None else "to change, and a variant adds none"
            say((key, name), f"{key}: there is no '{shown(name)}' {why}{near(name, list(held))}")
        elif value is None:
            del result[name]
        elif key in MERGED:
            result[name] = _merged(result.get(name), value)
        else:
            result[name] = value
    return result


def _merged(held: Any, given: Any) -> Any:
    if not isinstance(held, dict) or not isinstance(given, dict):
        return given
    base = cast("dict[str, Any]", held)
    over = cast("dict[str, Any]", given)
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def persona_over(seat: str, front: Mapping[str, Any], variant: Variant, problems: list[Problem]) -> Mapping[str, Any]:
    """A persona's data with what the variant says otherwise of it."""
    over = variant.personas.get(seat, {})
    for key in over:
        if key not in PERSONA:
            what = f"personas.{seat}: a variant changes no '{shown(key)}' of a persona{near(key, sorted(PERSONA))}"
            problems.append(Problem(variant.where(("personas", seat, key))[1], what))
    return {**front, **{key: value for key, value in over.items() if key in PERSONA}}


def strangers(variant: Variant, seats: Iterable[str], problems: list[Problem]) -> None:
    """Tells which personas the variant speaks of and the scenario has not."""
    known = list(seats)
    for seat in variant.personas:
        if seat not in known:
            what = f"personas: there is no seat '{shown(seat)}'{near(seat, known)}"
            problems.append(Problem(variant.where(("personas", seat))[1], what))
