"""What an author writes: the shape of a whole scenario and of a persona, before any name in it is resolved."""

from typing import Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints, model_validator

from orchestrator.core.actions import Action, Free
from orchestrator.core.dealparts import Agreement, Pledges, Promises, TalkLine, Talks
from orchestrator.core.logparts import Log
from orchestrator.core.parts import (
    Audience,
    Expr,
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
    """The first day, `2023-07-01`."""
    step: Literal["day", "week", "month", "quarter", "year"] = "quarter"
    """Length of a round."""
    rounds: int = Field(16, ge=1, le=400)
    """How many."""
    ends: Ident
    """The ending when time runs out."""


class Turns(Value):
    decide: Literal["together", "in_order"] = "together"
    """Whether all decide on the same state, or one after the other on what those before them did."""
    apply: Literal["together", "in_order"] = "together"
    """Whether the effects of one date are added up and clamped once, or applied and clamped one by one."""
    order: tuple[Ident, ...] = ()
    """Seat order; default: as listed under `seats`."""
    actions_per_turn: int = Field(default=1, ge=1, le=8)
    """Most moves of a seat in one round, those `beside` its turn apart."""
    menu: int = Field(default=9, ge=2, le=400)
    """Most moves in a menu, waiting included; a longer list of legal moves is cut to it, action by action. A menu of
    more than nine is asked for in two steps where a model chooses: the action, then its target."""


class Kind(Value):
    variables: dict[Ident, Variable]
    """A variable of the kind."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"variables": cast("dict[Any, Any]", value)} if isinstance(value, dict) else value


TableFile = Annotated[str, StringConstraints(max_length=200)]
"""The name of a CSV file of the scenario's own folder."""


class Entity(Value):
    """One thing of a kind; every further key is the start value of a variable.

    With `rows` it stands for a table: each row of the file is an entity, and the values given here are those of
    every row that leaves its cell empty.
    """

    kind: Ident
    """What it is."""
    label: Label = ""
    rows: TableFile | None = None
    """A CSV file of the scenario's folder: a header with `id`, perhaps `label`, and variables of the kind; a row
    an entity. It is read with the files, so that what a run keeps holds its rows and not its name."""
    values: dict[Ident, Any] = {}
    """The start value of that variable."""

    @model_validator(mode="before")
    @classmethod
    def _rest_are_values(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "values" in value:
            return cast("Any", value)
        given = cast("dict[Any, Any]", value)
        named = {k: v for k, v in given.items() if k in ("kind", "label", "rows")}
        return {**named, "values": {k: v for k, v in given.items() if k not in named}}


class Relation(Sourced):
    """A value for each pair, read and changed as `evidence[self, target]`: a number, an `enum` or a `bool`."""

    of: tuple[Ident, Ident]
    """Two kinds, or `seat`: what the pairs are made of, in this order."""
    label: Label = ""
    unit: Label = ""
    range: tuple[float, float] | None = None
    """Closed interval that a number is clamped to, by event."""
    start: Any = None
    """Value of every pair at the start."""
    values: dict[Ident, dict[Ident, Any]] = {}
    """Pairs that start otherwise: first member -> second member -> value."""
    enum: tuple[Ident, ...] = ()
    """Ordered names."""
    bool_: bool = Field(False, alias="bool")
    """Holds true or false."""
    visible_to: Audience = "public"
    """Who sees it."""
    digits: int = Field(1, ge=0, le=6)
    """Decimals when shown."""
    listed: bool = True
    """Whether a seat finds its own pairs (it or what it plays stands first) on its desk, once they leave `start`."""


class Question(Sourced):
    """Something that is true or false in the end; resolved from the state when the run is over."""

    asks: Template
    """The question as people read it; `{date}` is the last day of the exercise."""
    resolves: Expr
    """What makes it true."""


class Seat(Value):
    label: Label
    plays: Ident
    """The entity that `self` is."""
    by: Literal["model", "policy"] = "policy"
    """Who plays it when nobody says otherwise."""
    members: int | None = Field(None, ge=1, le=50)
    """A group of so many people, SEAT_1 and so on: it takes no turn, its members answer questions (`asks`), each by
    itself, with its own dice and its own draws."""
    member: Label = ""
    """What one of them is called: `senior engineer` gives "senior engineer 3"; default: the label."""


class Ending(Sourced):
    label: Label
    says: Template
    """The closing sentences of the chronicle."""


class Intervention(Sourced):
    label: Label
    sets: str
    """`numbers.name` or `entity.variable`."""
    range: tuple[float, float] | None = None
    """Between what it may be set; default: the number's band or the variable's range."""


class Indicator(Value):
    """A number that the screen, the story and the shared prompt show."""

    label: Label
    is_: Expr = Field(alias="is")
    """Its value."""
    unit: Label = ""
    digits: int = Field(1, ge=0, le=6)
    visible_to: Audience = "public"
    """Who is shown it."""


class Board(Value):
    """Numbers of every entity of a kind, a line an entity, for everyone to read. `nation: [gdp, trade]` is short for
    a board of that kind."""

    of: Ident | None = None
    """The kind; default: the board's own name."""
    shows: tuple[Ident, ...] = Field(min_length=1)
    """Its variables, derived ones among them."""
    visible_to: Literal["public", "hidden"] = "public"
    """`hidden`: for the story alone, no player reads it."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"shows": cast("list[Any]", value)} if isinstance(value, list | tuple) else value


class Scenario(Value):
    """A whole scenario as its files give it."""

    scenario: Ident
    """Its id: the name of its folder."""
    title: Label
    """What people call it."""
    about: Annotated[str, StringConstraints(max_length=2000)]
    """Two or three sentences for the players: what this exercise is."""
    briefing: Annotated[str, StringConstraints(max_length=8000)] = ""
    """What every player has read beforehand, in paragraphs: who is who, what lies behind it."""
    clock: Clock
    """When it begins, how long a round is, how many there are."""
    turns: Turns = Turns()
    """How seats decide and how their moves are applied."""
    sources: dict[str, str]
    """What `source:` may cite: entry -> a few words."""
    kinds: dict[Ident, Kind]
    """What sorts of things there are, and what each has."""
    entities: dict[Ident, Entity]
    """The things themselves."""
    relations: dict[Ident, Relation] = {}
    """Values for pairs of things."""
    ledgers: dict[Ident, Ledger] = {}
    """Quantities that are conserved."""
    numbers: dict[Ident, Number] = {}
    """Numbers of the source, fixed or drawn once a run."""
    indicators: dict[Ident, Indicator] = {}
    """Figures on show."""
    boards: dict[Ident, Board] = {}
    """Numbers that everyone reads, or the story tells, of every entity of a kind, a line an entity."""
    rules: dict[Ident, Rule] = {}
    """What the world does by itself."""
    processes: dict[Ident, Process] = {}
    """What has stages and a history."""
    actions: dict[Ident, Action]
    """What seats may choose."""
    free: Free | None = None
    """What a move in one's own words may be mapped onto."""
    agreements: dict[Ident, Agreement] = {}
    """Kinds of deal that seats may offer, sign and leave."""
    talks: Talks = Talks()
    """Private messages before decisions."""
    promises: Promises | None = None
    """Claims about one's own moves."""
    seats: dict[Ident, Seat]
    """Who plays."""
    groups: dict[Ident, tuple[Ident, ...]] = {}
    """Names for several seats."""
    endings: dict[Ident, Ending]
    """How a run may end."""
    interventions: dict[Ident, Intervention] = {}
    """What `--set` may change, by name."""
    log: Log | None = None
    """How a recorded log of actions is read into a run."""
    questions: dict[Ident, Question] = {}
    """What is asked of a run and resolved from its state."""


class Fact(Sourced):
    """Something that only this persona knows."""

    fact: str
    """One sentence."""


class PolicyRule(Value):
    """One line of a persona's own rules."""

    when: Expr = "True"
    """Sees what the seat sees: visible variables, `self`, the clock, `known.<report>.count|value|rounds_ago`."""
    do: Annotated[str, StringConstraints(max_length=64)]
    """An action, or `wait`; with `asked`, `yes` or `no`."""
    target: Expr | None = None
    """Narrows the target: holds for a candidate bound to `target`."""
    params: dict[Ident, Expr] = {}
    """The move's parameters."""
    weight: float = Field(1.0, gt=0, le=1000)
    """Of the lines that hold one is drawn in proportion to these."""
    asked: Ident | None = None
    """Answers this question (`asks`) instead of choosing a move: `do` is then `yes` or `no`."""
    promises: Pledges = ()
    """What the seat promises together with this move."""

    @model_validator(mode="after")
    def _answers(self) -> "PolicyRule":
        if self.asked is not None and self.do not in ("yes", "no"):
            raise ValueError(f"answers a question (`asked`), so `do` is yes or no, not '{self.do}'")
        if self.asked is not None and (self.target is not None or self.params or self.promises):
            raise ValueError("answers a question (`asked`), so it has no `target`, `params` or `promises`")
        return self


class Persona(Sourced):
    """A character as written: front matter, then `prose` in the second person."""

    seat: Ident
    """The seat it plays; the file is named so."""
    organisation: Label
    """As the first person plural speaks for it ("the Commission")."""
    goals: tuple[str, ...] = Field(min_length=1)
    """What it wants, the most important first."""
    red_lines: tuple[str, ...] = ()
    """What it never does."""
    authority: tuple[str, ...] = ()
    """What it may decide."""
    private: tuple[Fact, ...] = ()
    """What only it knows."""
    draws: dict[Ident, Number] = {}
    """Numbers of one's own, drawn once a run for each member: `my.NAME` in the policy."""
    policy: tuple[PolicyRule, ...] = ()
    """Its own rules: where it is played without a model, and to tilt one that chooses from a menu."""
    talk: tuple[TalkLine, ...] = ()
    """What the seat writes to others where talks are held and it is on policy."""
    prose: str
    """Below the front matter: who this is, in the second person."""
