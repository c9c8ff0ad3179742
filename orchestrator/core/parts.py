"""The parts a scenario is made of, as an author writes them: variables, effects, rules, processes, actions.

Three things happen in a world and no fourth: an action, a rule, a process. They share one block of
effects (`Effects`), so that whatever a rule can do a stage, an outcome or an action can do as well.
Expressions and templates are texts here; `compile` parses them, checks every name and builds the law.
Field names are those of the YAML file (`for`, `with`, `is` by alias).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from orchestrator.core.value import Value

Ident = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Expr = Annotated[str, BeforeValidator(lambda v: _as_expr(v)), StringConstraints(max_length=600)]
"""An expression; a bare number or truth value is one too."""
Template = Annotated[str, StringConstraints(max_length=600)]
"""Text with `{expression}` or `{expression:.1f}` in it."""
Label = Annotated[str, StringConstraints(max_length=300)]
"""What people call something: every sentence and prompt that names it holds it."""
Beat = Literal["day", "week", "month", "quarter", "year", "step"]
Audience = Literal["public", "hidden"] | tuple[Ident, ...]
"""`public`, `hidden`, or the seats and groups who see it."""


def _as_expr(value: Any) -> Any:
    if isinstance(value, bool):
        return "True" if value else "False"
    return repr(value) if isinstance(value, (int, float)) else value


def as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
"""One name or a list of names."""


def _no_date(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError('names a happening; a date of the year is written `on: "06-01"`')
    return as_tuple(value)


class Sourced(Value):
    """Anything that says where it comes from."""

    source: Names = ()
    """Entries of `sources:`, or `assumed`."""
    why: str = ""
    """For `assumed`: the reason."""
    band: tuple[float, float] | None = None
    """For an assumed number: between what it could as well lie."""


class Variable(Sourced):
    """One property of a kind. Exactly one of number (default), `enum`, `bool`, `ref` or `is`."""

    label: Label = ""
    unit: Label = ""
    range: tuple[float, float] | None = None
    """Closed interval that a number is clamped to, by event."""
    start: Any = None
    """Value at the start; an entity may give its own."""
    ledger: Ident | None = None
    """Conserved: changes only by `move`, and by the ledger's declared sources and sinks."""
    is_: Expr | None = Field(None, alias="is")
    """Derived: recomputed at each reading, never stored."""
    enum: tuple[Ident, ...] = ()
    """Ordered names: `phase >= 'training'` compares positions."""
    bool_: bool = Field(False, alias="bool")
    """Holds true or false."""
    ref: Ident | None = None
    """Holds an entity of this kind, or null."""
    visible_to: Audience = "public"
    """Who sees it."""
    digits: int = Field(1, ge=0, le=6)
    """Decimals when shown."""
    listed: bool = True
    """Whether those who play the entity find it on their desk; rules and conditions read it in any case."""


class Number(Sourced):
    """A number of the source: fixed (`value`), or a band with a triangular prior drawn once a run."""

    value: float | None = None
    """Fixed, instead of a band."""
    low: float | None = None
    mode: float | None = None
    high: float | None = None
    unit: Label = ""
    label: Label = ""

    @model_validator(mode="after")
    def _one_form(self) -> "Number":
        band = (self.low, self.mode, self.high)
        if self.value is None and (self.low is None or self.mode is None or self.high is None):
            raise ValueError("needs `value`, or `low`, `mode` and `high`")
        if self.value is not None and any(x is not None for x in band):
            raise ValueError("has `value` and a band: give one")
        if self.low is not None and not (self.low <= (self.mode or 0.0) <= (self.high or 0.0)):
            raise ValueError("needs low <= mode <= high")
        if self.low is not None and abs(self.low) + abs(self.high or 0.0) > 1e300:
            raise ValueError("has a band wider than numbers reach")
        return self


class Ledger(Sourced):
    """A quantity that is conserved: the sum over its holders changes only through sources and sinks."""

    unit: Label = ""
    sources: tuple[Ident, ...] = ()
    """Names under which it may be created (`move: {compute: {from: fab_output, ...}}`)."""
    sinks: tuple[Ident, ...] = ()
    """Names under which it may be used up."""


Length = Annotated[float, Field(ge=0, le=20000)]


class Spread(Value):
    """A triangular band of lengths."""

    low: Length
    mode: Length
    high: Length

    @model_validator(mode="after")
    def _ordered(self) -> "Spread":
        if not self.low <= self.mode <= self.high:
            raise ValueError("needs low <= mode <= high")
        return self


class Duration(Value):
    """A span of the calendar: a number or a triangular band of one unit."""

    days: Length | Spread | None = None
    weeks: Length | Spread | None = None
    months: Length | Spread | None = None
    quarters: Length | Spread | None = None
    years: Length | Spread | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> "Duration":
        if sum(x is not None for x in (self.days, self.weeks, self.months, self.quarters, self.years)) != 1:
            raise ValueError("needs exactly one of days, weeks, months, quarters, years")
        return self


class Pick(Value):
    """Chooses one entity: the first of a kind or process that fits, smallest `by` first."""

    first: Ident
    """A kind or a process."""
    where: Expr = "True"
    """The candidate is in scope under the name being bound."""
    by: Expr = "0"
    """The smallest comes first."""


class Transfer(Value):
    """A movement inside a ledger, cut to what the payer has and the receiver may hold."""

    from_: Expr = Field(alias="from")
    """An entity, or a declared source of the ledger."""
    to: Expr
    """An entity, or a declared sink of the ledger."""
    amount: Expr
    """How much, at most."""


class Tell(Value):
    """The one way in which information moves."""

    to: Names
    """Seats, groups, or `self`/`seat`-valued names in scope."""
    report: Ident
    """Its name: `known.NAME` in a policy."""
    says: Template
    """What the reader reads; `{value}` is the reported value."""
    value: Expr = "0"
    """The number it reports."""
    when: Expr = "True"
    """Narrows the occasion."""
    chance: Expr = "1"
    """That the report is made when its occasion is there."""
    false: Expr | None = None
    """That the report is made all the same when its occasion is not there: each time the rule is looked at and
    does not fire, or `when` does not hold. The event says so; the reader is not told."""
    lag: Duration | None = None
    """How long it is on its way; default: it arrives at once."""
    bell: bool = False
    """Counts as a warning sign."""


class Effects(Sourced):
    """What a rule, an action, a stage or an outcome does to the world."""

    add: dict[str, Expr] = {}
    """Adds to numbers: `self.cash: 5`."""
    scale: dict[str, Expr] = {}
    """Multiplies numbers."""
    set: dict[str, Expr] = {}
    """Assigns, alone on its date: two different values conflict, by event."""
    move: dict[Ident, Transfer] = {}
    """Moves a conserved quantity: ledger -> from, to, amount."""
    emits: Annotated[dict[Ident, dict[Ident, Expr]], BeforeValidator(lambda v: _as_emits(v))] = {}
    """Named happenings that other rules follow (`upon`), with their parameters."""
    tells: Annotated[tuple[Tell, ...], BeforeValidator(lambda v: (v,) if isinstance(v, dict) else v)] = ()
    """One report, or a list of them."""
    starts: dict[Ident, dict[Ident, Expr]] = {}
    """Processes to begin, with the entities or seats in their roles."""
    sends: dict[str, Ident] = {}
    """Moves a process instance in scope to one of its stages, or to `end`."""
    ends: Ident | None = None
    """The ending this brings about."""
    rank: int = 100
    """Of two endings on one date the smaller rank stands."""
    says: Template = ""
    """The sentence for the chronicle, third person, past or present; values are those after the change,
    `before(x)` those before it, `added` the sum of this block's first `add`."""
    audience: Audience = "public"
    """Who reads `says`."""


def _as_emits(value: Any) -> Any:
    return {value: {}} if isinstance(value, str) else value


class Decision(Effects):
    """What happens where a question is decided one way."""

    next: Ident | None = None
    """Of a stage's question: the stage that follows, or `end`. Without it `yes` goes on to the stage whose `after`
    names this one (else the process ends); `no` and `neither` stay, and the question is put again on a later beat."""


class Asks(Value):
    """A question to seats: each member answers by itself on the date on which it is put, and the queue waits.

    A failed answer is neither consent nor refusal: `any` is yes with one yes and no where all say no;
    `unanimous` is no with one no and yes where all say yes; `majority` takes more than half of those asked.
    Whatever is left is `neither`.
    """

    seats: Names
    """Seats and groups; of a seat with `members` each of them is asked."""
    question: Template
    """The clause after "asked whether" ("the training may resume"), or a whole question that ends with `?`.
    Those who are asked see all that it reads."""
    decides: Literal["any", "unanimous", "majority"]
    """How the answers become one, as above."""
    else_: Literal["yes", "no"] = Field("no", alias="else")
    """The answer of a member on policy where no line of its persona holds."""
    yes: Decision = Decision()
    """What happens where it is decided so."""
    no: Decision = Decision()
    """The same for no."""
    neither: Decision = Decision()
    """The same where it is decided neither way."""
    says_yes: tuple[Label, Label] = ("agrees", "agree")
    """How the record tells one yes, and several."""
    says_no: tuple[Label, Label] = ("refuses", "refuse")
    """The same for no."""
    audience: Audience = "public"
    """Who reads how it was decided; those asked always do."""
    id: Ident | None = None
    """What `asked:` in a persona's policy names; default: the rule's or the stage's own id."""

    def decisions(self) -> dict[str, Decision]:
        """Each way in which it may be decided."""
        return {"yes": self.yes, "no": self.no, "neither": self.neither}


class Rule(Effects):
    """Something that the world does by itself."""

    label: Label = ""
    for_: Ident | None = Field(default=None, alias="for")
    """Once for each entity of this kind or process; `self` is that entity."""
    every: Beat | None = None
    """Default: the clock's step, unless `upon` or `becomes` is given (`becomes` is looked at each month)."""
    upon: Annotated[tuple[Ident, ...], BeforeValidator(_no_date)] = ()
    """Follows this happening on its own date, or each of several; what all of them have is `event.<name>`.

    Beside what the scenario emits: an action (`sue`) once it is carried out, `sue_chosen` when a seat names it
    whatever comes of it, `off_list` when a seat names what is on no list, `case_started` and `case_ended` of a
    process, and `start`, before the first round."""
    on: Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$")] | None = None
    """A date of the year, `06-01`."""
    when: Expr = "True"
    """Fires as long as this holds."""
    becomes: Expr | None = None
    """Fires when this turns true, per entity."""
    once: bool = False
    """Fires at most once in a run, per entity."""
    with_: dict[Ident, Pick] = Field(default={}, alias="with")
    """Further entities in scope; where none is found the rule does not fire."""
    chance: Expr = "1"
    """That it fires, by a die of its own for each entity and date."""
    asks: Asks | None = None
    """A question that is put when the rule fires; the rule's own effects do not wait for it."""


class Outcome(Effects):
    """One way in which a stage ends."""

    when: Expr = "True"
    """Narrows when it may come."""
    chance: Expr = "1"
    """Probability of this outcome among those that follow in order; the last one takes what is left."""
    next: Ident = "end"
    """The stage that follows, or `end`."""


class Counter(Effects):
    back_to: Ident = "end"
    """The stage the process falls back to, or `end`."""


class Stage(Effects):
    """A part of a process. Its effects happen when it begins.

    With `lasts` it ends by the clock. Without, it is looked at on each beat of `every` and ends when all
    `needs` hold and the die falls below `chance`.
    """

    id: Ident
    """Its name within the process."""
    label: Label = ""
    after: tuple[Ident, ...] = ()
    """The stages this one follows; the first stage of the list begins the process."""
    lasts: Duration | None = None
    """How long, by the calendar."""
    every: Beat = "month"
    """When a stage without `lasts` is looked at."""
    needs: Annotated[tuple[Expr, ...], BeforeValidator(as_tuple)] = ()
    """What must hold for it to end."""
    chance: Expr = "1"
    """That it ends on a beat on which all needs hold."""
    fails_if: Expr | None = None
    """Looked at on each beat; where it holds the process ends, failed."""
    outcomes: dict[Ident, Outcome] = {}
    """Ways in which it ends, tried in order."""
    countered_by: dict[Ident, Counter] = {}
    """Actions that, carried out while this stage runs, throw the process back."""
    asks: Asks | None = None
    """Instead of `outcomes`: put when the stage's time is over or its needs hold; without either, when it begins."""


class Process(Sourced):
    """Something with a history: each instance is an entity with `stage`, its roles and what it holds."""

    label: Template = ""
    """Template for an instance's name; roles are in scope."""
    roles: dict[Ident, Ident] = {}
    """Name -> kind, or `seat`."""
    holds: dict[Ident, Variable] = {}
    """What each instance has beside its stage and its roles."""
    stages: tuple[Stage, ...] = Field(min_length=1)
    """In the order in which they are listed; the first one begins it."""
    visible_to: Audience = "public"
    """Who sees its instances."""
    limit: int = Field(8, ge=1, le=64)
    """Most instances running at once; one more is refused, by event."""


def asked_in(block: Rule | Stage) -> list[Effects]:
    """The blocks of effects of what a rule or stage asks."""
    return [] if block.asks is None else list(block.asks.decisions().values())
