"""What can have happened: one small class an event, told apart by `kind`; a stored kind never changes its name.

An event is a conclusion of the round: it carries its dates in the world, its cause, the entries of the source
that it realises, what changed, and the sentence for the record. It carries nothing of the computer: no run id,
no clock, no token count. Fields at their default are left out of the stored body.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from orchestrator.core.value import Value, canonical

RULES_VERSION = 1
"""Rises whenever an unchanged design with unchanged answers would give another hash."""


class Cause(Value):
    kind: Literal["run", "move", "rule", "process", "report", "call", "fork", "clock"]
    id: str
    """The rule, process instance, call key; of a move its seat and action: `google/launch_widget`."""


class Change(Value):
    """One variable of one entity, changed on this event's date."""

    entity: str
    variable: str
    delta: float | None = None
    """This cause's share of the change, where the variable is a number."""
    value: Any
    """The value after everything that fell on this date."""


class Happening(Value):
    """Something named that other rules follow."""

    name: str
    params: dict[str, Any] = {}


class Event(Value):
    """What every event has beside its `kind`, which each class fixes."""

    round: int
    from_: str = Field(validation_alias="from", serialization_alias="from")
    """First day in the world, ISO."""
    to: str
    """Last day in the world, ISO."""
    cause: Cause
    cites: tuple[str, ...] = ()
    """Entries of the scenario's source."""
    changes: tuple[Change, ...] = ()
    emits: tuple[Happening, ...] = ()
    text: str = ""
    """The sentence for the record, written by the rules."""
    audience: tuple[str, ...] | None = None
    """Seats who read the sentence; null: everyone; empty: nobody."""
    die: float | None = None
    """The number the die showed, where one was rolled."""

    def body(self) -> str:
        """The canonical JSON that is stored and hashed."""
        data = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return canonical({**data, "kind": type(self).model_fields["kind"].default})


class SeatPlay(Value):
    """How a seat, or the judge, is played: part of the design."""

    by: Literal["policy", "model"]
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


class NumbersDrawn(Event):
    kind: Literal["numbers_drawn"] = "numbers_drawn"
    numbers: dict[str, float]


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
    n: int
    """1-based number of the move within the seat's turn."""
    action: str
    target: str | None = None
    params: dict[str, Any] = {}
    reason: str = ""
    style: Literal["policy", "compose", "choose"]
    attempt: str = ""
    """A free move in the seat's words."""
    menu: tuple[tuple[str, float], ...] = ()
    """`choose`: (option, probability) after weights and temperature, in the order shown."""
    mass: float | None = None
    """`choose`: probability mass that lay on the menu before the grammar."""
    offered: int = 0
    """How many moves were legal."""


class LineSpoken(Event):
    kind: Literal["line_spoken"] = "line_spoken"
    seat: str
    n: int
    line: str
    """Checked words of the seat; they stand beneath the record as speech."""


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
    n: int
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


class ReportArrived(Event):
    kind: Literal["report_arrived"] = "report_arrived"
    report: str
    seats: tuple[str, ...]
    value: float
    bell: bool = False


class EndingReached(Event):
    kind: Literal["ending_reached"] = "ending_reached"
    ending: str
    rank: int


class RoundEnded(Event):
    kind: Literal["round_ended"] = "round_ended"


class RunEnded(Event):
    kind: Literal["run_ended"] = "run_ended"
    outcome: str


AnyEvent = Annotated[
    RunStarted | RunForked | NumbersDrawn | ValueSet | RoundStarted | MoveChosen | LineSpoken | WordsRefused
    | FreeMoveMapped | VerdictGiven | JudgeFailed | AnswerDegraded | SeatFailed | ActionTaken | ActionRefused
    | RuleFired | ConditionTurned | RuleFailed | Conflict | Clamped | TransferCut | ProcessStarted | ProcessRefused
    | StageEntered | ProcessEnded | ReportSent | ReportArrived | EndingReached | RoundEnded | RunEnded,
    Field(discriminator="kind"),
]  # fmt: skip
_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def event_from(body: str) -> AnyEvent:
    """A stored body read back. Raises pydantic's ValidationError on anything else."""
    return _ADAPTER.validate_json(body)
