"""Everything that can be said against a scenario in one pass: its form, its names and types, what it lacks.

Faults of form keep a scenario from being validated, and with them everything beyond would stay unseen until
they are mended. So the faulty parts are taken out of a copy, and what is left is compiled: its problems are
told too, but not those that come of what was taken out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from orchestrator.core import templates
from orchestrator.core.blocks import Problem as Said
from orchestrator.core.checks import assumptions, warnings
from orchestrator.core.compile import Compiled, compile_law
from orchestrator.core.prompts import PROMPTS
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.errors import BadPrompt
from orchestrator.library import faults, personas
from orchestrator.library.faults import Path as Keys
from orchestrator.library.faults import Problem
from orchestrator.library.loading import Loaded, Places, in_order, read
from orchestrator.library.yaml import Step

MOST_MENDED = 100
"""With more faults of form than these nothing beyond them is looked for."""
_MEANT = re.compile(r"did you mean '(\w+)'")
_QUOTED = re.compile(r"'([^']{1,60})'")
_STANDS_IN: dict[str, Any] = {
    "title": "-", "about": "-", "sources": {}, "kinds": {}, "entities": {}, "actions": {}, "seats": {}, "endings": {},
}  # fmt: skip
"""What takes the place of a whole section that is missing or of another form."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """Something that the source does not give."""

    what: str
    where: str
    why: str
    band: tuple[float, float] | None
    bare: bool
    """Without a reason, or without the band in which it could as well lie."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What can be said of a scenario."""

    problems: list[Problem]
    """What keeps it from being played."""
    warnings: list[Problem]
    """What does nothing in it; looked for where there are no problems."""
    assumed: list[Assumed]
    loaded: Loaded | None
    """None where there are problems of form."""


def examined(name: str, working: Path, *, packaged: Path | None = None, variant: str | None = None) -> Examined:
    """Reads and compiles a scenario, or a variant of it. Raises UnknownScenario, UnknownVariant."""
    loaded, wrong, places = read(name, working, packaged, variant)
    if loaded is None:
        beyond = [] if places is None or len(wrong) > MOST_MENDED else _beyond(places)
        return Examined(in_order([*wrong, *beyond], () if places is None else places.order), [], [], None)
    compiled = compile_law(loaded.scenario, loaded.personas)
    problems = told(compiled.problems, loaded.places)
    try:
        templates.check(loaded.prompts, PROMPTS)
    except BadPrompt as error:
        problems.append(Problem(error.where, error.message, BadPrompt))
    assumed = [
        Assumed(".".join(one.path), loaded.where(steps(one.path)), one.why, one.band, one.bare)
        for one in assumptions(loaded.scenario, loaded.personas)
    ]
    doubts: list[Said] = []
    if compiled.law is not None:
        doubts = warnings(loaded.scenario, loaded.personas, compiled.law)
    order = loaded.places.order
    return Examined(in_order(problems, order), in_order(told(doubts, loaded.places), order), assumed, loaded)


def steps(path: Sequence[str]) -> tuple[Step, ...]:
    """A compiler's path as one through the files: digits are places in a list (ids begin with a letter)."""
    return tuple(int(step) if step.isdigit() else step for step in path)


def told(said: Iterable[Said], places: Places) -> list[Problem]:
    """The compiler's problems with their places in the files."""
    return [Problem(places.where(steps(one.path)), f"{'.'.join(one.path)}: {one.message}") for one in said]


def _beyond(places: Places) -> list[Problem]:
    """Problems of what is left when the faulty parts are taken out."""
    mended = _Mended()
    data = places.merged.data
    scenario = mended.scenario(data)
    if scenario is None or mended.foundations:
        return []
    # Whoever plays what was taken out has no moves left.
    mended.gone += [("personas", seat) for seat, held in scenario.seats.items() if held.plays not in scenario.entities]
    people = {seat: mended.persona(seat, file.data) for seat, file in places.personas.items()}
    compiled: Compiled = compile_law(scenario, {seat: one for seat, one in people.items() if one is not None})
    return told((one for one in compiled.problems if not mended.explains(one)), places)


@dataclass
class _Mended:
    """A copy without its faulty parts, and which they were."""

    gone: list[Keys] = field(default_factory=list[Keys])
    names: set[str] = field(default_factory=set[str])
    """Names of what was taken out, and of what stood in it."""

    def scenario(self, data: Mapping[str, Any]) -> Scenario | None:
        """What is left of a scenario; None where too little is."""
        rest = dict(data)
        for depth in (3, 2, 1):
            whole, wrong = faults.checked(Scenario, rest, "the scenario")
            if whole is not None:
                return whole
            for path, message in wrong:
                # An unknown key goes alone; of anything else so much that the form may hold without it.
                unknown = message.startswith("unknown key")
                self._take(rest, path if unknown else path[:depth], _MEANT.search(message) if unknown else None)
            if depth == 1:
                self._fill(rest)
        return faults.checked(Scenario, rest, "the scenario")[0]

    def _fill(self, data: dict[str, Any]) -> None:
        """Puts something in the place of sections that are needed and not there."""
        for key, value in _STANDS_IN.items():
            if not isinstance(data.get(key), type(value)):
                data[key] = value
                self.gone.append((key,))
        if "scenario" not in data:
            data["scenario"] = "unnamed"
        if "clock" not in data:
            ends = next(iter(data["endings"]), "none")
            data["clock"] = {"start": "2000-01-01", "rounds": 1, "ends": ends}
            self.gone.append(("clock",))

    def persona(self, seat: str, data: Mapping[str, Any]) -> Persona | None:
        """What is left of a persona: its other lines keep their places."""
        rest = dict(data)
        _, wrong = personas.check(seat, rest)
        for path, message in wrong:
            self.gone += [("personas", seat, *path)] if path else []
            match path:
                case ("policy", int(index), *_) if isinstance(rest.get("policy"), list):
                    lines = cast("list[Any]", rest["policy"])
                    rest["policy"] = [*lines[:index], {"do": "wait"}, *lines[index + 1 :]]
                case (str(key), *_) if key in rest and (len(path) == 1 or not message.startswith("unknown key")):
                    del rest[key]
                case _:
                    pass
        needed = {"seat": seat, "organisation": "-", "goals": ["-"], "prose": "-"}
        rest = {**needed, **{key: value for key, value in rest.items() if key in Persona.model_fields}}
        return personas.check(seat, {**rest, "seat": seat})[0]

    def _take(self, data: dict[str, Any], path: Keys, meant: re.Match[str] | None) -> None:
        """Takes a part out, copying the mappings on the way; a place in a list goes with the list.

        A key that is merely misspelt takes the name that was `meant`, where that is free.
        """
        mappings = next((index for index, step in enumerate(path) if isinstance(step, int)), len(path))
        path = path[:mappings]
        if not path:
            return
        here = data
        for step in path[:-1]:
            inner = here.get(cast("str", step))
            if not isinstance(inner, dict):
                return
            here[cast("str", step)] = here = dict(cast("dict[str, Any]", inner))
        taken = here.pop(cast("str", path[-1]), None)
        if meant is not None and meant[1] not in here:
            here[meant[1]] = taken
        elif taken is not None:
            self.gone.append(path)
            self.names.add(str(path[-1]))
            self.names |= set(cast("dict[str, Any]", taken)) if isinstance(taken, dict) else set()

    @property
    def foundations(self) -> bool:
        """Whether something was taken out on which nearly everything else stands."""
        whole = {gone[0] for gone in self.gone if len(gone) == 1}
        kinds = any(gone[0] == "kinds" and len(gone) < 3 for gone in self.gone)
        return kinds or not whole.isdisjoint(("entities", "seats"))

    def explains(self, problem: Said) -> bool:
        """Whether a problem stands in what was taken out, or names it."""
        path = steps(problem.path)
        # What a process or an action brings about is called after it (`inquiry_ended`).
        words = {word for quoted in _QUOTED.findall(problem.message) for word in (quoted, quoted.rpartition("_")[0])}
        if "holds nothing of the ledger" in problem.message and any(gone[0] == "kinds" for gone in self.gone):
            return True
        return not self.names.isdisjoint(words) or any(path[: len(gone)] == gone for gone in self.gone)
