"""Events of questions: one is put, each member answers or fails to, it is decided."""

from typing import Any, Literal

from orchestrator.core.eventbase import Event


class QuestionAsked(Event):
    """The queue of the round's dates halts here until every member has answered."""

    kind: Literal["question_asked"] = "question_asked"
    n: int
    """1-based number of the question in the round."""
    question: str
    """As personas name it."""
    place: str
    """The rule, or `process.stage`: what asks."""
    seats: tuple[str, ...]
    about: str
    """What is asked, with its figures: the clause after "whether", or a whole question."""
    bound: dict[str, Any] = {}
    """Names in scope of what follows: `self`, roles, entities picked."""
    params: dict[str, Any] | None = None
    """Parameters of the happening that is followed."""
    opening: bool = False
    """Asked while moves were carried out: the first day's own queue is still to come."""


class AnswerGiven(Event):
    kind: Literal["answer_given"] = "answer_given"
    seat: str
    member: str
    """Of a group; else the seat itself."""
    n: int
    question: str
    answer: Literal["yes", "no"]
    why: str = ""
    """The condition of the persona's line that gave it, or the model's reason; empty: nothing but a leaning, or the
    declared default."""
    style: Literal["policy", "compose", "choose"] = "policy"
    menu: tuple[tuple[str, float], ...] = ()
    """`choose`: (answer, probability) after weights and temperature."""
    mass: float | None = None
    """`choose`: probability mass that lay on yes and no before the grammar."""


class AnswerFailed(Event):
    """No usable answer at the limit of repairs: neither yes nor no."""

    kind: Literal["answer_failed"] = "answer_failed"
    seat: str
    member: str
    n: int
    question: str
    why: str


class QuestionDecided(Event):
    """What the answers come to; its effects follow on the same date under the same cause."""

    kind: Literal["question_decided"] = "question_decided"
    n: int
    question: str
    decision: Literal["yes", "no", "neither", "lapsed"]
    """`lapsed`: what asked is over, or the run is, before anybody answered."""
    yes: int = 0
    no: int = 0
    failed: int = 0
