"""The parts a scenario is made of, as an author writes them: variables, effects, rules, processes, actions.

Three things happen in a world and no fourth: an action, a rule, a process. They share one block of
effects (`Effects`), so that whatever a rule can do a stage, an outcome or an action can do as well.
Expressions and templates are texts here; `compile` parses them, checks every name and builds the law.
Field names are those of the YAML file (`for`, `with`, `is` by alias).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from orchestrator.core.value import Value

Ident = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
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


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""One name or a list of names."""


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
    ref: Ident | None = None
    """Holds an entity of this kind, or null."""
    visible_to: Audience = "public"
    digits: int = Field(1, ge=0, le=6)
    """Decimals when shown."""
    listed: bool = True
    """Whether those who play the entity find it on their desk; rules and conditions read it in any case."""


class Number(Sourced):
    """A number of the source: fixed (`value`), or a band with a triangular prior drawn once a run."""

    value: float | None = None
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


class Transfer(Value):
    """A movement inside a ledger, cut to what the payer has and the receiver may hold."""

    from_: Expr = Field(alias="from")
    """An entity, or a declared source of the ledger."""
    to: Expr
    """An entity, or a declared sink of the ledger."""
    amount: Expr


class Tell(Value):
    """The one way in which information moves."""

    to: Names
    """Seats, groups, or `self`/`seat`-valued names in scope."""
    report: Ident
    says: Template
    """What the reader reads; `{value}` is the reported value."""
    value: Expr = "0"
    when: Expr = "True"
    chance: Expr = "1"
    """That the report is made when its occasion is there."""
    lag: Duration | None = None
    bell: bool = False
    """Counts as a warning sign."""


class Effects(Sourced):
    """What a rule, an action, a stage or an outcome does to the world."""

    add: dict[str, Expr] = {}
    scale: dict[str, Expr] = {}
    set: dict[str, Expr] = {}
    move: dict[Ident, Transfer] = {}
    emits: Annotated[dict[Ident, dict[Ident, Expr]], BeforeValidator(lambda v: _as_emits(v))] = {}
    """Named happenings that other rules follow (`upon`), with their parameters."""
    tells: Annotated[tuple[Tell, ...], BeforeValidator(lambda v: (v,) if isinstance(v, dict) else v)] = ()
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


class Rule(Effects):
    """Something that the world does by itself."""

    label: Label = ""
    for_: Ident | None = Field(default=None, alias="for")
    """Once for each entity of this kind or process; `self` is that entity."""
    every: Beat | None = None
    """Default: the clock's step, unless `upon` or `becomes` is given (`becomes` is looked at each month)."""
    upon: Ident | None = None
    """Follows this happening on its own date; its parameters are `event.<name>`."""
    on: Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$")] | None = None
    """A date of the year, `06-01`."""
    when: Expr = "True"
    becomes: Expr | None = None
    """Fires when this turns true, per entity."""
    once: bool = False
    """Fires at most once in a run, per entity."""
    with_: dict[Ident, Pick] = Field(default={}, alias="with")
    """Further entities in scope; where none is found the rule does not fire."""
    chance: Expr = "1"


class Outcome(Effects):
    """One way in which a stage ends."""

    when: Expr = "True"
    chance: Expr = "1"
    """Probability of this outcome among those that follow in order; the last one takes what is left."""
    next: Ident = "end"


class Counter(Effects):
    back_to: Ident = "end"
    """The stage the process falls back to, or `end`."""


class Stage(Effects):
    """A part of a process. Its effects happen when it begins.

    With `lasts` it ends by the clock. Without, it is looked at on each beat of `every` and ends when all
    `needs` hold and the die falls below `chance`.
    """

    id: Ident
    label: Label = ""
    after: tuple[Ident, ...] = ()
    """The stages this one follows; the first stage of the list begins the process."""
    lasts: Duration | None = None
    every: Beat = "month"
    needs: Annotated[tuple[Expr, ...], BeforeValidator(_as_tuple)] = ()
    chance: Expr = "1"
    fails_if: Expr | None = None
    """Looked at on each beat; where it holds the process ends, failed."""
    outcomes: dict[Ident, Outcome] = {}
    countered_by: dict[Ident, Counter] = {}
    """Actions that, carried out while this stage runs, throw the process back."""


class Process(Sourced):
    """Something with a history: each instance is an entity with `stage`, its roles and what it holds."""

    label: Template = ""
    """Template for an instance's name; roles are in scope."""
    roles: dict[Ident, Ident] = {}
    """Name -> kind, or `seat`."""
    holds: dict[Ident, Variable] = {}
    stages: tuple[Stage, ...] = Field(min_length=1)
    visible_to: Audience = "public"
    limit: int = Field(8, ge=1, le=64)
    """Most instances running at once; one more is refused, by event."""


class Target(Value):
    kind: Ident | None = None
    process: Ident | None = None
    where: Expr = "True"
    """`target` is in scope; only what the actor may see."""
    self_: bool = Field(False, alias="self")
    """Whether one may act on the entity one plays."""

    @model_validator(mode="after")
    def _one(self) -> "Target":
        if (self.kind is None) == (self.process is None):
            raise ValueError("needs `kind` or `process`, and only one")
        return self


class Failure(Effects):
    """What happens where an action's own chance fails."""


class Action(Effects):
    """Something a seat may choose."""

    label: Template
    """Its name in the menu: a verb in the imperative first ("Sue {target} over the widget")."""
    purpose: Template
    """What it brings and why one would, in at most a dozen words."""
    by: Names
    """Seats, groups or kinds played."""
    target: Target | None = None
    params: dict[Ident, "Param"] = {}
    needs: Annotated[tuple[Expr, ...], BeforeValidator(_as_tuple)] = ()
    """Only what the actor may see: else the menu leaks. Hidden causes go to `chance`."""
    costs: dict[str, Expr] = {}
    """`self.variable` -> amount, reserved in the actor's own order."""
    chance: Expr = "1"
    """That it succeeds once it is carried out."""
    fails: Failure | None = None
    visibility: Literal["public", "addressee", "self"] = "public"
    """Who sees it done; a line is spoken only where it is public."""
    stem: Template = ""
    """How a spoken line about it begins ("We have raised the fine in the file, because")."""
    repeat: bool = False
    """May be chosen again in the round after it was carried out."""


class Param(Value):
    """A parameter of an action: one of a few names or small integers."""

    label: Label = ""
    enum: tuple[Ident, ...] = ()
    low: int | None = Field(None, ge=-1000, le=1000)
    high: int | None = Field(None, ge=-1000, le=1000)


class FreeEffect(Effects):
    """One declared, bounded effect that a free move may be mapped onto."""

    label: Label
    by: Names = ()
    """Seats that may be mapped onto it; empty: every seat."""
    target: Target | None = None


class Free(Value):
    """The free move of the style `compose`: anything else, mapped by a referee's call."""

    at_most: int = Field(3, ge=1, le=3)
    by: Names = ()
    """Seats that may make one; empty: every seat."""
    may: dict[Ident, FreeEffect] = Field(min_length=1)
