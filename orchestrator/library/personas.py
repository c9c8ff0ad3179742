"""Finds and reads persona files: front matter between `---` lines, then prose in the second person.

For each seat of a scenario one file `<seat>.md` is needed, looked for seat by seat in
`personas/<scenario>/` of the working folder, in the scenario's own `personas/`, then in the packaged
`personas/<scenario>/`. A file there that belongs to no seat is an error: it would be a character that
its author believes to be at the table.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.core.scenario import Persona
from orchestrator.errors import BadInput, BadPersona
from orchestrator.library import faults
from orchestrator.library.faults import Problem
from orchestrator.library.files import display, read_text
from orchestrator.library.yaml import Step, Tree, parse, shown

LONGEST_PROSE = 4000
LARGEST_FILE = 64 * 1024
_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PersonaFile:
    """A persona as written: its data (front matter and `prose`) and where each part stands."""

    data: dict[str, Any]
    tree: Tree
    prose_line: int

    def where(self, path: tuple[Step, ...]) -> str:
        """`file:line` of a path in the data."""
        if path[:1] == ("prose",):
            return f"{self.tree.name}:{self.prose_line}"
        return f"{self.tree.name}:{self.tree.find(path)[1]}"


def folders(scenario: str, folder: Path, places: tuple[Path, ...]) -> list[Path]:
    """Where the personas of a scenario are looked for, first one first."""
    working, packaged = places[0], places[-1]
    return list(dict.fromkeys([working / "personas" / scenario, folder / "personas", packaged / "personas" / scenario]))


def read_personas(
    seats: Iterable[str], scenario: str, folder: Path, places: tuple[Path, ...], working: Path
) -> tuple[dict[str, PersonaFile], list[Problem]]:
    """The persona file of each seat, and what is wrong: missing, unreadable, or of no seat."""
    looked = folders(scenario, folder, places)
    wanted = list(seats)
    found: dict[str, PersonaFile] = {}
    problems: list[Problem] = []
    for seat in wanted:
        file = f"{seat}.md"
        home = next((f for f in looked if os.path.lexists(f / file)), None)
        if home is None:
            where = display(looked[0] / file, working)
            problems.append(Problem(where, f"the seat '{seat}' has no persona: expected {where}", BadPersona))
            continue
        try:
            found[seat] = _read(home, file, display(home / file, working))
        except BadInput as fault:
            problems.append(Problem(fault.where, fault.message, BadPersona))
    for home in looked:
        for file in _strays(home, set(wanted)):
            name, hint = shown(file.removesuffix(".md")), faults.near(file.removesuffix(".md"), wanted)
            problems.append(
                Problem(
                    display(home / file, working),
                    f"there is no seat '{name}' in {scenario}{hint}",
                    BadPersona,
                )
            )
    return found, problems


def check(seat: str, data: Any) -> tuple[Persona | None, list[tuple[faults.Path, str]]]:
    """The validated persona of a seat, or None and what is wrong, as (path in its data, sentence)."""
    persona, wrong = faults.checked(Persona, data, f"the front matter of {seat}")
    if persona is None:
        return None, wrong
    if persona.seat != seat:
        wrong.append((("seat",), f"seat is '{persona.seat}', but the file is named '{seat}.md'"))
    if not persona.prose.strip():
        wrong.append((("prose",), "there is no prose: write below the front matter who this is ('You are ...')"))
    if len(persona.prose) > LONGEST_PROSE:
        wrong.append((("prose",), f"the prose has {len(persona.prose)} characters: at most {LONGEST_PROSE}"))
    return (None, wrong) if wrong else (persona, [])


def _read(folder: Path, file: str, name: str) -> PersonaFile:
    text = read_text(folder, file, name=name, error=BadPersona, limit=LARGEST_FILE)
    marks = list(_RULE.finditer(text))
    if not marks or marks[0].start() != 0:
        raise BadPersona("a persona begins with front matter: its first line is ---", where=f"{name}:1")
    if len(marks) < 2:
        raise BadPersona("the front matter does not end: a second line --- is missing", where=f"{name}:1")
    front, body = text[marks[0].end() + 1 : marks[1].start()], text[marks[1].end() :]
    tree = parse(front, name=name, error=BadPersona, first_line=2)
    if not isinstance(tree.data, dict):
        raise BadPersona("the front matter must be a mapping: seat, organisation, goals, ...", where=f"{name}:2")
    if "prose" in tree.data:
        raise BadPersona(
            "the prose stands below the front matter, not in it", where=f"{name}:{tree.find(('prose',))[1]}"
        )
    prose_line = text.count("\n", 0, marks[1].start()) + 2
    return PersonaFile({**tree.data, "prose": body.strip()}, tree, prose_line)


def _strays(folder: Path, seats: set[str]) -> list[str]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise BadPersona(
            f"cannot list the folder {shown(folder.as_posix(), 400)}: {shown(str(fault.strerror))}"
        ) from fault
    return sorted(n for n in names if n.endswith(".md") and n != "README.md" and n.removesuffix(".md") not in seats)
