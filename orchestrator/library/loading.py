"""Loads a whole scenario: its files, its personas, the prompts; all faults in one pass.

What is checked here is form: that files are clean, merge, have the shape of the models and that every
seat has a persona. Names inside expressions are the compiler's business; `Loaded.where` turns the paths
that it reports into `file:line`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.value import canonical
from orchestrator.errors import BadInput, BadPersona, BadPrompt, BadScenario
from orchestrator.library import design, faults, personas, prompts, scenarios, variants
from orchestrator.library.faults import Problem
from orchestrator.library.files import roots
from orchestrator.library.personas import PersonaFile
from orchestrator.library.scenarios import Merged
from orchestrator.library.yaml import Step

MOST_SEATS = 200
MOST_ENTRIES = 2000
"""In one section. Tens of thousands of empty rules would keep the validation busy for seconds."""
MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class Places:
    """Where each part of a loaded scenario stands in its files."""

    merged: Merged
    personas: dict[str, PersonaFile]
    prompts: dict[str, str]
    order: tuple[str, ...] = ()
    """The scenario's files, in the order in which they are read."""

    def where(self, path: tuple[Step, ...]) -> str:
        """`file:line` of a path."""
        match path:
            case ("personas", str(seat), *rest) if seat in self.personas:
                over = self.merged.over
                if rest and over is not None and str(rest[0]) in over.personas.get(seat, {}):
                    return over.where(path)[1]
                return self.personas[seat].where(tuple(rest))
            case ("prompts", str(name), *_) if name in self.prompts:
                return self.prompts[name]
            case _:
                return self.merged.where(path)


@dataclass(frozen=True)
class Loaded:
    """A scenario ready to be compiled and stored."""

    scenario: Scenario
    personas: dict[str, Persona]
    """By seat, in the scenario's order of seats."""
    prompts: dict[str, str]
    """Template texts by name (`decide` for `decide.j2`)."""
    design_data: dict[str, Any]
    """All three as plain data for `canonical`; `from_data` gives them back without files."""
    folder: Path
    """The scenario's folder."""
    places: Places
    variant: str | None = None
    """The variant that was laid over it."""

    @cached_property
    def design_text(self) -> str:
        """The canonical JSON of `design_data`, as it is stored."""
        return canonical(self.design_data)

    def where(self, path: tuple[Step, ...]) -> str:
        """`file:line` of a path in the scenario (`("rules", "flagged", "when")`), in a persona
        (`("personas", SEAT, "policy", 0, "do")`) or of a prompt (`("prompts", NAME)`)."""
        return self.places.where(path)


def load_scenario(name: str, working: Path, *, packaged: Path | None = None, variant: str | None = None) -> Loaded:
    """Finds, reads and validates a scenario, or a variant of it, with its personas and prompts.

    Raises UnknownScenario, UnknownVariant; BadScenario, BadPersona or BadPrompt with the first fault, its
    `file:line` and how many more there are.
    """
    loaded, wrong, _ = read(name, working, packaged, variant)
    if loaded is None or wrong:
        first, check = wrong[0], f"orchestrate scenarios check {name}"
        more = f" (and {len(wrong) - 1} more; {check})" if len(wrong) > 1 else ""
        raise first.error(first.message + more, where=first.where, hint=check)
    return loaded


def problems(name: str, working: Path, *, packaged: Path | None = None, variant: str | None = None) -> list[Problem]:
    """Everything that is wrong with a scenario's files, by file and line. Raises UnknownScenario, UnknownVariant."""
    return read(name, working, packaged, variant)[1]


def read(
    name: str, working: Path, packaged: Path | None, variant: str | None
) -> tuple[Loaded | None, list[Problem], Places | None]:
    """(the scenario, or None and everything that is wrong; where its parts stand, if all its files could be read).

    Raises UnknownScenario, UnknownVariant.
    """
    folder = scenarios.find_scenario(name, working=working, packaged=packaged)
    variant = None if variant is None else variants.find_variant(folder.name, folder, variant)
    places = roots(working, packaged)
    merged = scenarios.read_scenario(folder, working)
    if not merged.trees:
        return None, list(merged.problems), None
    order = [tree.name for tree in merged.trees]
    seats: Any = merged.data.get("seats")
    if variant is not None:
        wrong = list(merged.problems)
        over = variants.read_variant(folder, variant, working, wrong)
        merged = replace(merged, problems=tuple(wrong))
        if over is None:
            return None, in_order(wrong, order), None
        merged, order = merged.varied(over), [*order, *(tree.name for tree in over.trees)]
    if crowded := _crowded(merged):
        return None, in_order([*merged.problems, *crowded], order), None
    if merged.problems:
        # Of what could be read the form is checked; a section or seat that is missing may stand in the rest.
        _, faulty = faults.checked(Scenario, merged.data, "the scenario")
        partial = [Problem(merged.where(path), message) for path, message in faulty if path]
        return None, in_order([*merged.problems, *partial], order), None
    wrong: list[Problem] = []
    people = _personas(merged, seats, folder, places, working, wrong)
    texts, text_files, bad_prompts = _prompts(places, working)
    wrong += bad_prompts
    where = Places(merged, people, text_files, tuple(order))
    data, unwritable = design.packed(merged.data, {s: p.data for s, p in people.items()}, texts)
    wrong += [Problem(where.where(path), message, _error_of(path)) for path, message in unwritable]
    scenario, faulty = faults.checked(Scenario, merged.data, "the scenario")
    wrong += [Problem(where.where(path), message) for path, message in faulty]
    if scenario is not None and scenario.scenario != folder.name:
        message = f"scenario is '{scenario.scenario}', but its folder is named '{folder.name}'"
        wrong.append(Problem(where.where(("scenario",)), message))
    played: dict[str, Persona] = {}
    for seat, file in people.items():
        persona, faulty = personas.check(seat, file.data)
        if persona is not None:
            played[seat] = persona
        wrong += [Problem(where.where(("personas", seat, *path)), message, BadPersona) for path, message in faulty]
    if wrong or scenario is None:
        return None, in_order(wrong, order), where
    # What `design.from_data` makes of the stored form, without making it a second time; a test holds them equal.
    by_seat = {seat: played[seat] for seat in scenario.seats}
    return Loaded(scenario, by_seat, texts, data, folder, where, variant), [], where


def _crowded(merged: Merged) -> list[Problem]:
    """The sections that hold too much to look at."""
    counts = [(name, len(merged.data[name])) for name in scenarios.SECTIONS if isinstance(merged.data.get(name), dict)]
    limits = {"seats": MOST_SEATS}
    return [
        Problem(merged.where((name,)), f"{name}: {count} entries, at most {most}")
        for name, count in counts
        if count > (most := limits.get(name, MOST_ENTRIES))
    ]


def _personas(
    merged: Merged, seats: Any, folder: Path, places: tuple[Path, ...], working: Path, wrong: list[Problem]
) -> dict[str, PersonaFile]:
    """The personas of those at the table; `seats` are the scenario's own, of which a variant may take some away."""
    if not isinstance(seats, dict):
        return {}  # told by the validation of the scenario
    names = [seat for seat in cast("dict[str, Any]", seats) if scenarios.is_name(seat)]
    try:
        people, faulty = personas.read_personas(names, folder.name, folder, places, working)
    except BadInput as fault:
        wrong.append(Problem(fault.where, fault.message, BadPersona))
        return {}
    wrong += faulty
    if (over := merged.over) is None:
        return people
    variants.strangers(over, names, wrong)
    left = cast("dict[str, Any]", merged.data.get("seats") or {})
    return {
        seat: replace(file, data=dict(variants.persona_over(seat, file.data, over, wrong)))
        for seat, file in people.items()
        if seat in left
    }


def _prompts(places: tuple[Path, ...], working: Path) -> tuple[dict[str, str], dict[str, str], list[Problem]]:
    try:
        return prompts.read_prompts(places, working)
    except BadInput as fault:
        return {}, {}, [Problem(fault.where, fault.message, BadPrompt)]


def _error_of(path: tuple[Step, ...]) -> type[BadInput]:
    return BadPersona if path[:1] == ("personas",) else BadScenario


def in_order(wrong: list[Problem], files: Sequence[str]) -> list[Problem]:
    """By file, those of the scenario first, then by line; as found within a line."""

    def place(problem: Problem) -> tuple[int, str, int]:
        file, _, line = problem.where.rpartition(":")
        file, number = (file, int(line)) if line.isdigit() else (problem.where, 0)
        return (files.index(file) if file in files else len(files), file, number)

    told = sorted(wrong, key=place)
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [Problem(told[MOST_TOLD].where, f"more faults follow: these are the first {MOST_TOLD}")]
    return told
