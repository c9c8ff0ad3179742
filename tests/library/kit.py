"""A tiny scenario on disk, valid as it stands, for tests to bend."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.library import Loaded, load_scenario

E = TypeVar("E", bound=OrchestratorError)

SCENARIO = """\
scenario: tiny
title: A tiny exercise
about: Two desks share one budget.
clock: {start: 2023-07-01, step: quarter, rounds: 4, ends: out_of_time}
sources: {A1: a report}
kinds:
  desk:
    budget: {unit: usd, range: [0, .inf], start: 2.0e6, source: A1}
    mood: {enum: [calm, tense], start: calm}
entities:
  north: {kind: desk, budget: 3}
  south: {kind: desk}
rules:
  drain:
    source: A1
    for: desk
    every: month
    add: {self.budget: -1}
    says: "{self.label} spends"
actions:
  wait_and_see: {label: Wait, purpose: to learn more, by: [zulu, alpha]}
seats:
  zulu: {label: Zulu, plays: north, by: model}
  alpha: {label: Alpha, plays: south}
endings:
  out_of_time: {label: Out of time, says: The year is over.}
"""

PERSONA = """\
---
seat: {seat}
organisation: the desk
goals: [keep the budget]
private:
  - fact: the other desk is broke
    source: A1
policy:
  - {{when: "self.budget > 1", do: wait_and_see, weight: 2}}
---
You are the head of a desk.
"""


class Desk:
    """A working folder with the scenario `tiny`, and an empty packaged root beside it."""

    def __init__(self, root: Path) -> None:
        self.working = root / "working"
        self.packaged = root / "packaged"
        self.folder = self.working / "scenarios" / "tiny"
        self.write("scenarios/tiny/scenario.yaml", SCENARIO)
        for seat in ("zulu", "alpha"):
            self.write(f"personas/tiny/{seat}.md", PERSONA.format(seat=seat))
        self.write("prompts/decide.j2", "Decide, {{ seat }}.\n")
        self.packaged.mkdir()

    def write(self, name: str, text: str | bytes, *, packaged: bool = False) -> Path:
        path = (self.packaged if packaged else self.working) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return path

    def scenario(self, old: str = "", new: str = "") -> None:
        """Writes scenario.yaml anew with one piece exchanged (or `new` appended)."""
        assert old in SCENARIO
        text = SCENARIO.replace(old, new, 1) if old else SCENARIO + new
        self.write("scenarios/tiny/scenario.yaml", text)

    def load(self) -> Loaded:
        return load_scenario("tiny", self.working, packaged=self.packaged)


@contextmanager
def within(seconds: float) -> Generator[None]:
    """The block takes at most so much processor time: the machine that runs the tests may be busy."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def told(fault: Callable[[], object], kind: type[E]) -> E:
    """The exception of this very class that the function raises."""
    with pytest.raises(kind) as caught:
        fault()
    assert type(caught.value) is kind
    return caught.value
