"""Those who are asked: what each member may know, what it drew for itself, how its persona's lines answer."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.calendar import day_number
from orchestrator.core.dice import roll, triangular
from orchestrator.core.draft import clock_of, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Scene
from orchestrator.core.law import CAsk, CVote, Law
from orchestrator.core.observe import readings
from orchestrator.core.state import Open, RunState
from orchestrator.core.turn import Observation, Reading
from orchestrator.core.value import rounded


class Question(NamedTuple):
    """An open question as put to one member."""

    held: Open
    ask: CAsk
    seat: str
    member: str

    @property
    def common(self) -> dict[str, Any]:
        """The fields of every event of its answer but the cause."""
        return {"to": self.held.date, "seat": self.seat, "member": self.member, "n": self.held.n,
                "question": self.held.question}  # fmt: skip

    def dice(self, round_: int, *what: str) -> list[str | int]:
        """The address of a die of this member for this question; a question more elsewhere moves none of them."""
        asked = [str(value) for value in self.held.bound.values()]
        return [f"r{round_}", self.member, "asked", *what, self.held.cause.id, *asked, self.held.date]


def pending(law: Law, state: RunState) -> list[Question]:
    """Every answer that is waited for, question by question, each member by itself."""
    return [
        Question(held, law.asks[held.place], seat, member)
        for held in state.open
        for seat in held.seats
        for member in law.people[seat]
        if member not in held.answers
    ]


def drawn(law: Law, seed: int) -> dict[str, dict[str, float]]:
    """Member -> what it draws for itself, by dice of its own."""
    found: dict[str, dict[str, float]] = {}
    for seat, members in law.people.items():
        for member in members:
            own: dict[str, float] = {}
            for name, number in law.personas[seat].draws.items():
                band = (number.low or 0.0, number.mode or 0.0, number.high or 0.0)
                die = roll(seed, "run", "draws", member, name)
                own[name] = rounded(triangular(*band, die) if number.value is None else number.value)
            if own:
                found[member] = own
    return found


def own_names(law: Law, state: RunState, seat: str, member: str) -> dict[str, Any]:
    """The names that a persona's lines find: `self`, `seat`, `my`."""
    return {"self": law.scenario.seats[seat].plays, "seat": seat, "my": state.draws.get(member, {})}


def scene_for(law: Law, state: RunState, question: Question) -> Scene:
    """What a member may read on the date on which it is asked; `was(x)` is the value when the round began."""
    bound = own_names(law, state, question.seat, question.member)
    scene = scene_of(law, state, bound, seat=question.seat)
    scene.clock, scene.was = clock_of(law, state.round, day_number(question.held.date)), state.was
    return scene


def observe_member(law: Law, state: RunState, question: Question) -> Observation:
    """Only what this member may know on the date of the question: what its seat sees, and its own."""
    seat, member = question.seat, question.member
    scene = scene_for(law, state, question)
    public, private = readings(law, state, scene, seat)
    own = state.notebook.get(member, ()) if member != seat else ()
    notes = sorted([*state.notebook.get(seat, ()), *own], key=lambda line: line.date)
    mine = [_reading(law, question, name, value) for name, value in state.draws.get(member, {}).items()]
    return Observation(
        seat=seat,
        label=law.labels[member],
        round=state.round,
        rounds=law.scenario.clock.rounds,
        date=question.held.date,
        record=state.record,
        public=public,
        private=(*private, *mine),
        notebook=notes,
        options=(),
        since=f"since the {law.scenario.clock.step} began",
    )


def _reading(law: Law, question: Question, name: str, value: float) -> Reading:
    number = law.personas[question.seat].draws[name]
    return Reading(number.label or name.replace("_", " "), value, number.unit, 1, None)


def fitting_votes(law: Law, state: RunState, question: Question) -> list[CVote]:
    """The lines of the persona that hold for this question."""
    scene = scene_for(law, state, question)
    found: list[CVote] = []
    for vote in law.votes[question.seat].get(question.ask.id, ()):
        try:
            if vote.when.run(scene):
                found.append(vote)
        except ARITHMETIC:
            continue  # a condition without a value does not hold
    return found


def policy_answer(law: Law, state: RunState, question: Question) -> ev.AnswerGiven:
    """Picks by weight among the lines that hold, as `policy.policy_move` does; where none holds, the declared default.

    Each member has dice of its own.
    """
    best: tuple[float, CVote] | None = None
    for vote in fitting_votes(law, state, question):
        reached = -math.log(1.0 - roll(state.seed, *question.dice(state.round, vote.id))) / vote.weight
        if best is None or reached < best[0]:
            best = reached, vote
    answer, why = (question.ask.default, "") if best is None else (best[1].answer, best[1].when.text)
    why = "" if why == "True" else why
    common: dict[str, Any] = {"round": state.round, "cause": question.held.cause, "audience": ()}
    return ev.AnswerGiven(**common, **question.common, answer=answer, why=why)


def policy_answers(law: Law, state: RunState) -> list[ev.AnswerGiven]:
    """All answers that are waited for, with every seat on policy."""
    return [policy_answer(law, state, question) for question in pending(law, state)]


def tilts(law: Law, state: RunState, question: Question) -> Mapping[str, float]:
    """For yes and no 1, plus the weight of every line that holds and gives it: how a persona leans."""
    found = {"yes": 1.0, "no": 1.0}
    for vote in fitting_votes(law, state, question):
        found[vote.answer] += vote.weight
    return found
