"""What can have happened: one small class an event, told apart by `kind`; a stored kind never changes its name.

`eventbase` says what all have in common, `asked` holds those of questions, `said` those of messages and promises.
All names are given out here.
"""

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from orchestrator.core.asked import AnswerFailed as AnswerFailed
from orchestrator.core.asked import AnswerGiven as AnswerGiven
from orchestrator.core.asked import QuestionAsked as QuestionAsked
from orchestrator.core.asked import QuestionDecided as QuestionDecided
from orchestrator.core.eventbase import Cause as Cause
from orchestrator.core.eventbase import Change as Change
from orchestrator.core.eventbase import Event as Event
from orchestrator.core.eventbase import Happening as Happening
from orchestrator.core.said import MessageRefused as MessageRefused
from orchestrator.core.said import MessageSent as MessageSent
from orchestrator.core.said import PromiseBroken as PromiseBroken
from orchestrator.core.said import PromiseKept as PromiseKept
from orchestrator.core.said import PromiseMade as PromiseMade
from orchestrator.core.value import Value

RULES_VERSION = 2
"""Rises whenever an unchanged design with unchanged answers would give another hash."""


class SeatPlay(Value):
    """How a seat, or the judge, is played: part of the design."""

    by: Literal["policy", "model", "log"]
    """`log`: its moves are those recorded in the design."""
    backend_kind: str = ""
    model: str = ""
    """The model's id; for a file its sha256."""
    model_label: str = ""
    """What people call it."""
    temperature: float = 0.7
    style: Literal["compose", "choose"] = "compose"


class RunStarted(Event):
    kind: Literal["run_started"] = "run_started"
    design: str
    """sha256 of the design's canonical JSON."""
    seed: int
    scenario: str
    values: dict[str, dict[str, Any]]
    """The world at the start: entity -> variable -> value."""


class RunForked(Event):
    kind: Literal["run_forked"] = "run_forked"
    parent_hash: str
    """Hash of the parent's last event that was kept."""
    at: int
    """Rounds kept."""
    seats: dict[str, SeatPlay] = {}
    """Seats that are played otherwise from here on."""
    sets: dict[str, Any] = {}
    """Paths set by hand, with their values (the changes are in `changes`)."""
    mutes: tuple[str, ...] = ()
    """Seats that send no messages and make no promises from here on."""


class NumbersDrawn(Event):
    kind: Literal["numbers_drawn"] = "numbers_drawn"
    numbers: dict[str, float]
    draws: dict[str, dict[str, float]] = {}
    """Member of a seat -> what it drew for itself."""


class ValueSet(Event):
    """An intervention of the run's design or of a fork."""

    kind: Literal["value_set"] = "value_set"
    path: str
    number: float | None = None


class RoundStarted(Event):
    kind: Literal["round_started"] = "round_started"


class MoveChosen(Event):
    kind: Literal["move_chosen"] = "move_chosen"
    seat: str
    n: int = 1
    """1-based number of the move within the seat's turn."""
    action: str
    target: str | None = None
    params: dict[str, Any] = {}
    reason: str = ""
    style: Literal["policy", "compose", "choose", "log"] = "policy"
    attempt: str = ""
    """A free move in the seat's words."""
    menu: tuple[tuple[str, float], ...] = ()
    """`choose`: (option, probability) after weights and temperature, in the order shown."""
    mass: float | None = None
    """`choose`: probability mass that lay on the menu before the grammar."""
    offered: int = 0
    """How many moves were legal."""


class OffList(Event):
    """A seat named what is on no list: nothing comes of it."""

    kind: Literal["off_list"] = "off_list"
    seat: str
    n: int
    action: str
    """As it was named."""
    target: str = ""
    """As it was named."""


class LineSpoken(Event):
    kind: Literal["line_spoken"] = "line_spoken"
    seat: str
    n: int
    line: str
    """Checked words of the seat; they stand beneath the record as speech. With an `audience`: words for it alone,
    in its notebooks."""


class WordsRefused(Event):
    kind: Literal["words_refused"] = "words_refused"
    seat: str
    n: int
    why: tuple[str, ...]
    """The checks that the last candidate failed."""


class FreeMoveMapped(Event):
    kind: Literal["free_move_mapped"] = "free_move_mapped"
    seat: str
    n: int
    effects: tuple[tuple[str, str | None], ...]
    """(declared effect, target)."""


class VerdictGiven(Event):
    kind: Literal["verdict_given"] = "verdict_given"
    seat: str
    n: int
    score: float
    """Plausibility overall, 1 to 5, rounded to 1/1000."""
    ratings: dict[str, float]
    """Per criterion, 1 to 5."""
    reason: str
    method: Literal["logprobs", "sampled"]
    judge: str
    """The model that judged, as the design labels it."""
    calibration: Literal["uncalibrated", "useful", "weak", "chance"] = "uncalibrated"
    same_model: bool = False
    """The judge is the same model as the seat."""


class JudgeFailed(Event):
    kind: Literal["judge_failed"] = "judge_failed"
    seat: str
    n: int
    why: str


class AnswerDegraded(Event):
    """An answer that was not what was asked for, though the game goes on."""

    kind: Literal["answer_degraded"] = "answer_degraded"
    seat: str
    call: str
    """Kind of the call: decide, speak, judge, ..."""
    what: Literal["repaired", "malformed", "length", "refused", "filtered", "empty", "off_menu", "dropped"]
    detail: str = ""


class SeatFailed(Event):
    """No usable answer at the limit of repairs: the seat passes, at no cost."""

    kind: Literal["seat_failed"] = "seat_failed"
    seat: str
    why: str


class ActionTaken(Event):
    """What the rules let happen of a chosen move."""

    kind: Literal["action_taken"] = "action_taken"
    seat: str
    n: int = 1
    action: str
    target: str | None = None
    params: dict[str, Any] = {}
    succeeded: bool = True
    """False: carried out and paid for, but the die was against it."""


class ActionRefused(Event):
    kind: Literal["action_refused"] = "action_refused"
    seat: str
    n: int
    action: str
    why: str


class RuleFired(Event):
    kind: Literal["rule_fired"] = "rule_fired"
    on: str | None = None
    """The entity the rule fired for."""
    once: bool = False
    """It cannot fire for this entity again."""


class NumbersMoved(Event):
    """What falls on one date of rules that only move numbers: one event for all of them, and nobody is told.

    Written for size: such rules make most of the changes of a run.
    """

    kind: Literal["numbers_moved"] = "numbers_moved"
    rules: tuple[tuple[str, int], ...]
    """(rule, how many of `changes` are its), in the order of `changes`."""

    def by_rule(self) -> list[tuple[str, tuple[Change, ...]]]:
        """Each rule with its changes."""
        found: list[tuple[str, tuple[Change, ...]]] = []
        at = 0
        for rule, count in self.rules:
            found.append((rule, self.changes[at : at + count]))
            at += count
        return found


class SeatsWaited(Event):
    """Seats on policy that chose to wait this round."""

    kind: Literal["seats_waited"] = "seats_waited"
    seats: dict[str, int]
    """Seat -> how many moves were legal."""


class ConditionTurned(Event):
    """The condition of a rule with `becomes` now holds, or no longer does."""

    kind: Literal["condition_turned"] = "condition_turned"
    on: str | None = None
    holds: bool


class RuleFailed(Event):
    """Arithmetic without a result: nothing of this cause's effects happened."""

    kind: Literal["rule_failed"] = "rule_failed"
    what: str


class Conflict(Event):
    """Two different assignments to one variable on one date: no change."""

    kind: Literal["conflict"] = "conflict"
    entity: str
    variable: str
    values: tuple[Any, ...]


class Clamped(Event):
    """A range that held a value back; `changes` has the share."""

    kind: Literal["clamped"] = "clamped"


class TransferCut(Event):
    kind: Literal["transfer_cut"] = "transfer_cut"
    ledger: str
    asked: float
    moved: float


class LedgerLeaked(Event):
    """A defect: a ledger's sum changed by more than its sources gave and its sinks took."""

    kind: Literal["ledger_leaked"] = "ledger_leaked"
    ledger: str
    by: float


class ProcessStarted(Event):
    kind: Literal["process_started"] = "process_started"
    instance: str
    process: str
    values: dict[str, Any]
    """Roles, what it holds, `stage`, `outcome`, `running`."""


class ProcessRefused(Event):
    kind: Literal["process_refused"] = "process_refused"
    process: str
    why: str


class StageEntered(Event):
    kind: Literal["stage_entered"] = "stage_entered"
    instance: str
    stage: str
    due: int | None = None
    """Day number on which it ends by the clock."""


class ProcessEnded(Event):
    kind: Literal["process_ended"] = "process_ended"
    instance: str
    outcome: str


class ReportSent(Event):
    kind: Literal["report_sent"] = "report_sent"
    report: str
    seats: tuple[str, ...]
    value: float
    says: str
    due: int
    """Day number of its arrival."""
    bell: bool = False
    false: bool = False
    """A false alarm: for those who look at the run, never for its reader."""


class ReportArrived(Event):
    kind: Literal["report_arrived"] = "report_arrived"
    report: str
    seats: tuple[str, ...]
    value: float
    bell: bool = False
    false: bool = False
    """A false alarm, as above."""


class EndingReached(Event):
    kind: Literal["ending_reached"] = "ending_reached"
    ending: str
    rank: int


class RoundEnded(Event):
    kind: Literal["round_ended"] = "round_ended"


class RunEnded(Event):
    kind: Literal["run_ended"] = "run_ended"
    outcome: str
    answers: dict[str, bool | None] = {}
    """The scenario's questions, as they came out; null where the arithmetic has no result."""


AnyEvent = Annotated[
    RunStarted | RunForked | NumbersDrawn | ValueSet | RoundStarted | MoveChosen | LineSpoken | WordsRefused
    | FreeMoveMapped | VerdictGiven | JudgeFailed | AnswerDegraded | SeatFailed | ActionTaken | ActionRefused | OffList
    | SeatsWaited | RuleFired | NumbersMoved | ConditionTurned | RuleFailed | Conflict | Clamped | TransferCut
    | LedgerLeaked
    | ProcessStarted | ProcessRefused | StageEntered | ProcessEnded | ReportSent | ReportArrived | EndingReached
    | QuestionAsked | AnswerGiven | AnswerFailed | QuestionDecided | MessageSent | MessageRefused | PromiseMade
    | PromiseKept | PromiseBroken | RoundEnded | RunEnded,
    Field(discriminator="kind"),
]  # fmt: skip
_CLASSES: dict[str, type[AnyEvent]] = {
    event.model_fields["kind"].default: event for event in get_args(get_args(AnyEvent)[0])
}


def event_from(body: str, kind: str | None = None) -> AnyEvent:
    """A stored body read back; `kind` as it is stored beside it, where it is known.

    Raises pydantic's ValidationError for a body that is no event of that kind, KeyError where there is no such kind,
    ValueError or TypeError where a body alone is no JSON object.
    """
    return _CLASSES[json.loads(body)["kind"] if kind is None else kind].model_validate_json(body)
