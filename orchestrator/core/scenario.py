"""What an author writes: the shape of a whole scenario and of a persona, before any name in it is resolved."""

from typing import Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints, model_validator

from orchestrator.core.parts import (
    Action,
    Audience,
    Expr,
    Free,
    Ident,
    Label,
    Ledger,
    Number,
    Process,
    Rule,
    Sourced,
    Template,
    Variable,
)
from orchestrator.core.value import Value


class Clock(Value):
    start: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    step: Literal["day", "week", "month", "quarter", "year"] = "quarter"
    rounds: int = Field(16, ge=1, le=400)
    ends: Ident
    """The ending when time runs out."""


class Turns(Value):
    decide: Literal["together", "in_order"] = "together"
    apply: Literal["together", "in_order"] = "together"
    order: tuple[Ident, ...] = ()
    """Seat order; default: as listed under `seats`."""


class Kind(Value):
    variables: dict[Ident, Variable]

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"variables": cast("dict[Any, Any]", value)} if isinstance(value, dict) else value


class Entity(Value):
    """One thing of a kind; every further key is the start value of a variable."""

    kind: Ident
    label: Label = ""
    values: dict[Ident, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _rest_are_values(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "values" in value:
            return cast("Any", value)
        given = cast("dict[Any, Any]", value)
        named = {k: v for k, v in given.items() if k in ("kind", "label")}
        return {**named, "values": {k: v for k, v in given.items() if k not in named}}


class Seat(Value):
    label: Label
    plays: Ident
    """The entity that `self` is."""
    by: Literal["model", "policy"] = "policy"
    """Who plays it when nobody says otherwise."""


class Ending(Sourced):
    label: Label
    says: Template
    """The closing sentences of the chronicle."""


class Intervention(Sourced):
    label: Label
    sets: str
    """`numbers.name` or `entity.variable`."""
    range: tuple[float, float] | None = None


class Indicator(Value):
    """A number that the screen, the story and the shared prompt show."""

    label: Label
    is_: Expr = Field(alias="is")
    unit: Label = ""
    digits: int = Field(1, ge=0, le=6)
    visible_to: Audience = "public"


class Scenario(Value):
    """A whole scenario as its files give it."""

    scenario: Ident
    title: Label
    about: Annotated[str, StringConstraints(max_length=2000)]
    """Two or three sentences for the players: what this exercise is."""
    clock: Clock
    turns: Turns = Turns()
    sources: dict[str, str]
    """What `source:` may cite: entry -> a few words."""
    kinds: dict[Ident, Kind]
    entities: dict[Ident, Entity]
    ledgers: dict[Ident, Ledger] = {}
    numbers: dict[Ident, Number] = {}
    indicators: dict[Ident, Indicator] = {}
    rules: dict[Ident, Rule] = {}
    processes: dict[Ident, Process] = {}
    actions: dict[Ident, Action]
    free: Free | None = None
    seats: dict[Ident, Seat]
    groups: dict[Ident, tuple[Ident, ...]] = {}
    endings: dict[Ident, Ending]
    interventions: dict[Ident, Intervention] = {}


class Fact(Sourced):
    """Something that only this persona knows."""

    fact: str


class PolicyRule(Value):
    """One line of a persona's own rules."""

    when: Expr = "True"
    """Sees what the seat sees: visible variables, `self`, the clock, `known.<report>.count|value|rounds_ago`."""
    do: Annotated[str, StringConstraints(max_length=48)]
    """An action, or `wait`."""
    target: Expr | None = None
    """Narrows the target: holds for a candidate bound to `target`."""
    params: dict[Ident, Expr] = {}
    weight: float = Field(1.0, gt=0, le=1000)


class Persona(Sourced):
    """A character as written: front matter, then `prose` in the second person."""

    seat: Ident
    organisation: Label
    """As the first person plural speaks for it ("the Commission")."""
    goals: tuple[str, ...] = Field(min_length=1)
    red_lines: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    private: tuple[Fact, ...] = ()
    policy: tuple[PolicyRule, ...] = ()
    prose: str
