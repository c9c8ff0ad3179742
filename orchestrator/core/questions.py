"""Questions about a run: asked in words, resolved from its state by the scenario's own expressions."""

from orchestrator.core.blocks import Builder, Scope
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Scene
from orchestrator.core.exprtypes import Type
from orchestrator.core.law import CQuestion, Law
from orchestrator.core.scenario import Scenario
from orchestrator.core.state import RunState
from orchestrator.core.text import render

_DATE = Type("ref", kind="date")
"""A date is shown as it is, and is comparable with nothing."""


def compile_questions(scenario: Scenario, build: Builder) -> tuple[CQuestion, ...]:
    """Every question, checked: what it asks is read by everyone, so it shows what everyone may see."""
    made: list[CQuestion] = []
    for key, question in scenario.questions.items():
        at = ("questions", key)
        public = Scope({"date": _DATE}, seats=tuple(scenario.seats))
        asks = build.text(question.asks, public, (*at, "asks"), changing=False)
        made.append(CQuestion(key, asks, build.expr(question.resolves, Scope({}), (*at, "resolves"), "bool")))
    return tuple(made)


def last_day(law: Law) -> str:
    """The last day of the exercise, ISO."""
    clock = law.scenario.clock
    return iso(span_of(law.start, clock.step, clock.rounds)[1])


def asked(law: Law, question: CQuestion, state: RunState, date: str) -> str:
    """The question in words, about what holds on a date; its id where what it reads has no value."""
    try:
        return render(question.asks, scene_of(law, state, {"date": date}), lambda name: law.labels.get(name, name))
    except ARITHMETIC:
        return f"{question.id.replace('_', ' ')}?"


def resolved(law: Law, scene: Scene) -> dict[str, bool | None]:
    """Question -> whether it came true; None where it has no answer (its arithmetic has no result)."""
    found: dict[str, bool | None] = {}
    for question in law.questions:
        try:
            found[question.id] = bool(question.resolves.run(scene))
        except ARITHMETIC:
            found[question.id] = None
    return found
