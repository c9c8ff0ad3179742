"""Finds scenarios by name and reads their files into one piece of data with the line of every value.

`scenario.yaml` may `include` files of its own folder. Sections (rules, actions, entities, ...) merge by
key; whatever stands twice is an error that names both places, so the order of the files means nothing
but the order in which things are listed.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from orchestrator.errors import BadInput, BadScenario, UnknownScenario
from orchestrator.library.faults import Problem, near
from orchestrator.library.files import MEBIBYTE, display, read_text, roots
from orchestrator.library.tables import with_tables
from orchestrator.library.variants import SECTIONS, Variant, laid_over
from orchestrator.library.yaml import Budget, Step, Tree, dotted, parse, shown

MAIN = "scenario.yaml"
LARGEST_FILE = 2 * MEBIBYTE
MOST_INCLUDES = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_INCLUDE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/){0,3}[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\.ya?ml")


@dataclass(frozen=True, slots=True)
class Listed:
    """A scenario in the list."""

    id: str
    title: str
    """Empty where the files cannot be read."""
    where: str
    """Its folder."""
    seats: tuple[str, ...]
    problem: str = ""
    """Why it cannot be read: `file:line: sentence`."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A scenario's files read and merged, not yet validated."""

    data: dict[str, Any]
    trees: tuple[Tree, ...]
    """Of every file that could be read, `scenario.yaml` first."""
    problems: tuple[Problem, ...]
    over: Variant | None = None
    """The variant that is laid over the files."""

    def where(self, path: tuple[Step, ...]) -> str:
        """`file:line` of a path in the merged data: of the file that goes along with it furthest, a variant first."""
        best = max(self.trees, key=lambda tree: tree.find(path)[0])
        depth, line = best.find(path)
        if self.over is not None:
            further, place = self.over.where(path)
            if further >= depth:
                return place
        return f"{best.name}:{line}"

    def varied(self, variant: Variant) -> "Merged":
        """The same with a variant laid over it."""
        wrong = list(self.problems)
        return Merged(laid_over(self.data, variant, wrong), self.trees, tuple(wrong), variant)


def is_name(text: str) -> bool:
    """Whether a text can name a scenario or a seat (and so a file)."""
    return _NAME.fullmatch(text) is not None


def find_scenario(name: str, *, working: Path, packaged: Path | None = None) -> Path:
    """The folder of a scenario: `scenarios/<name>` of the working folder, else the packaged one.

    `-` may stand for `_`. Raises UnknownScenario, also for a name that is a path.
    """
    places = roots(working, packaged)
    known = sorted({folder.name for folder in _folders(places)})
    hint = f"there are: {', '.join(known)}; orchestrate scenarios list" if known else "orchestrate scenarios new NAME"
    wanted = name.replace("-", "_")
    if not is_name(wanted):
        raise UnknownScenario(f"'{shown(name)}' is not the name of a scenario (a name, not a path)", hint=hint)
    for root in places:
        if os.path.lexists(root / "scenarios" / wanted / MAIN):
            return root / "scenarios" / wanted
    raise UnknownScenario(f"there is no scenario '{wanted}'{near(wanted, known)}", hint=hint)


def list_scenarios(working: Path, *, packaged: Path | None = None) -> list[Listed]:
    """Every scenario that can be named, by id; a folder in the working folder hides the packaged one."""
    found: dict[str, Listed] = {}
    for folder in _folders(roots(working, packaged)):
        if folder.name not in found:
            found[folder.name] = _listed(folder, working)
    return [found[name] for name in sorted(found)]


def _folders(places: tuple[Path, ...]) -> Iterator[Path]:
    for root in places:
        try:
            names = sorted(os.listdir(root / "scenarios"))
        except OSError:  # no such folder, or one we may not look into: nothing can be named there
            continue
        for name in names:
            if is_name(name) and os.path.lexists(root / "scenarios" / name / MAIN):
                yield root / "scenarios" / name


def _listed(folder: Path, working: Path) -> Listed:
    merged = read_scenario(folder, working)
    title, seats = merged.data.get("title"), merged.data.get("seats")
    problem = f"{merged.problems[0].where}: {merged.problems[0].message}" if merged.problems else ""
    return Listed(
        id=folder.name,
        title=shown(title, 200) if isinstance(title, str) else "",
        where=display(folder, working),
        seats=tuple(cast("dict[str, Any]", seats)) if isinstance(seats, dict) else (),
        problem=problem,
    )


def read_scenario(folder: Path, working: Path) -> Merged:
    """Reads `scenario.yaml` of a folder and what it includes. Raises nothing: faults are `problems`."""
    problems: list[Problem] = []
    budget = Budget()
    main = _tree(folder, MAIN, working, budget, problems)
    if main is None:
        return Merged({}, (), tuple(problems))
    trees = [main]
    for file, where in _includes(main, folder, problems):
        if (tree := _tree(folder, file, working, budget, problems, where)) is not None:
            if isinstance(tree.data, dict) and "include" in tree.data:
                problems.append(Problem(f"{tree.name}:{tree.find(('include',))[1]}", f"only {MAIN} may include files"))
            trees.append(tree)
    trees = with_tables(trees, folder, working, budget, problems)
    data = _merged(trees, problems)
    return Merged(data, tuple(trees), tuple(problems))


def _tree(
    folder: Path, file: str, working: Path, budget: Budget, problems: list[Problem], asked: str = ""
) -> Tree | None:
    """One file, or None with its fault told; a file that cannot be opened at the place that `asked` for it."""
    name = display(folder / file, working)
    try:
        text = read_text(folder, file, name=name, error=BadScenario, limit=LARGEST_FILE)
        tree = parse(text, name=name, error=BadScenario, budget=budget)
        if not isinstance(tree.data, dict):
            raise BadScenario("the file must hold a mapping: `rules:`, `actions:`, ...", where=f"{name}:1")
    except BadInput as fault:
        problems.append(Problem(asked if asked and fault.where == name else fault.where, fault.message))
        return None
    return tree


def _includes(main: Tree, folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """The file names of `include:` that may be opened, each once, and where each is asked for."""
    files: Any = main.data.get("include", []) if isinstance(main.data, dict) else []
    if not isinstance(files, list):
        problems.append(Problem(f"{main.name}:{main.find(('include',))[1]}", "include: expected a list of file names"))
        return
    seen = {os.path.realpath(folder / MAIN)}
    for number, file in enumerate(cast("list[Any]", files)):
        where = f"{main.name}:{main.find(('include', number))[1]}"
        if number >= MOST_INCLUDES:
            problems.append(Problem(where, f"include: at most {MOST_INCLUDES} files"))
            return
        if not isinstance(file, str) or not _INCLUDE.fullmatch(file):
            given = f"'{shown(file)}'" if isinstance(file, str) else "this"
            problems.append(
                Problem(
                    where,
                    f"include: {given} will not do: a plain name of a .yaml file of this folder is expected",
                )
            )
            continue
        target = os.path.realpath(folder / file)
        if target in seen:
            problems.append(Problem(where, f"include: '{file}' is included twice"))
            continue
        seen.add(target)
        yield file, where


def _merged(trees: list[Tree], problems: list[Problem]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    first: dict[tuple[str, ...], Tree] = {}

    def claim(path: tuple[str, ...], tree: Tree) -> bool:
        if path not in first:
            first[path] = tree
            return True
        before = first[path]
        there = f"{before.name}:{before.find(path)[1]}"
        problems.append(Problem(f"{tree.name}:{tree.find(path)[1]}", f"{dotted(path)} stands here and in {there}"))
        return False

    for tree in trees:
        for key, value in tree.data.items() if isinstance(tree.data, dict) else ():
            if key == "include":
                continue
            held = data.get(key, {})
            if key in SECTIONS and isinstance(value, dict) and isinstance(held, dict):
                first.setdefault((key,), tree)
                fresh = {k: v for k, v in value.items() if claim((key, k), tree)}
                data[key] = {**held, **fresh}
            elif claim((key,), tree):
                data[key] = value
    return data
