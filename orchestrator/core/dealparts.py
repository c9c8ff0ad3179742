"""What seats may say and agree on, as an author writes it: talks, promises and kinds of agreement.

Three things that are easily mixed up: a talk is words to named recipients, a promise is a typed claim about
one's own future moves, an agreement is an offer with parties, terms and clauses that seats sign. What an
agreement becomes of is in `agreements`: a process, actions and rules like any others.
"""

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.core.parts import (
    Audience,
    Beat,
    Duration,
    Effects,
    Expr,
    Ident,
    Label,
    Names,
    Sourced,
    Template,
    as_tuple,
)
from orchestrator.core.value import Value

MOST_TERMS = 8
"""Offers that a menu may list: every combination of the terms' choices is one."""
MOST_TURNS = 4
"""Messages that a seat may write in a round."""
ENFORCED = ("none", "declared", "binding")
"""How an agreement is held to; `none`: it cannot be offered, and what is in force binds nobody."""


class Talks(Value):
    """Private messages before each round's decisions."""

    turns: int = Field(default=0, ge=0, le=MOST_TURNS)
    """How often each seat may write before it decides; `run --talk N` says otherwise for one run."""
    words: int = Field(default=60, ge=5, le=150)
    """Most words of a message."""


class Promises(Value):
    """Claims about one's own moves, kept or broken by computation."""

    rounds: int = Field(3, ge=1, le=12)
    """How many rounds ahead a promise may reach."""


class Term(Value):
    """One number that an offer chooses, from a few values: a menu lists every offer."""

    label: Label = ""
    """How an offer names it: `at least {value} days`; the value stands where `{value}` does, else behind."""
    unit: Label = ""
    range: tuple[float, float] | None = None
    """The choices are its two ends and the middle, unless `choices` are given."""
    choices: tuple[float, ...] = Field((), max_length=MOST_TERMS)
    """The values an offer may choose, instead of those of `range`."""
    digits: int = Field(1, ge=0, le=6)

    @model_validator(mode="after")
    def _choosable(self) -> "Term":
        low, high = self.range or (None, None)
        if low is None or high is None:
            if not self.choices:
                raise ValueError("needs `range` or `choices`")
            return self
        if not -1e15 <= low <= high <= 1e15:
            raise ValueError("needs a range from a smaller to a larger number")
        if not all(low <= value <= high for value in self.choices):
            raise ValueError("has a choice outside its range")
        return self

    def values(self) -> tuple[float, ...]:
        """The values an offer may choose, each once."""
        if self.choices or self.range is None:
            return tuple(dict.fromkeys(self.choices))
        low, high = self.range
        return tuple(dict.fromkeys((low, (low + high) / 2, high)))

    def words(self, key: str, value: float) -> str:
        """How an offer says this term."""
        number = f"{value:,.{self.digits}f}".rstrip("0").rstrip(".") if self.digits else f"{value:,.0f}"
        if "{value}" in self.label:
            return self.label.replace("{value}", number)
        return f"{self.label or key.replace('_', ' ')} {number}{f' {self.unit}' if self.unit else ''}"


class Clause(Value):
    """What a party undertakes: something that holds, or an action it leaves alone."""

    holds: Expr | None = None
    """Holds on every beat; `self` is what the party plays, `terms.NAME` what was agreed."""
    forbids: Names = ()
    """Actions that a party does not take: one, or a list."""
    when: Expr = "True"
    """Narrows what is forbidden: `self`, `terms` and, where the action has one, `target` are in scope."""

    @model_validator(mode="after")
    def _one(self) -> "Clause":
        if (self.holds is None) == (not self.forbids):
            raise ValueError("needs an expression that holds, or `forbids`, and only one")
        return self


class Parties(Value):
    kind: Ident
    """Seats that play an entity of this kind may be parties."""
    by: Names = ()
    """Only these seats and groups; empty: all who play one of the kind."""
    at_least: int | Literal["all"] = 2
    """Signatures with which an offer comes into force, that of its maker among them."""


class Finding(Value):
    """How a breach comes to light."""

    to: Names = ()
    """Seats and groups that are told; empty: all who may be parties."""
    report: Ident = "breach"
    """The name of the report."""
    says: Template = ""
    """`self` is what the party plays, `pact` the agreement, `terms` what was agreed."""
    chance: Expr = "1"
    """That it is noticed, at each beat of `every`."""
    every: Beat = "step"
    """How often it may be noticed."""
    lag: Duration | None = None
    """From noticing it to knowing it: effects and report come then."""
    bell: bool = False
    """Counts as a warning sign."""


class Breach(Value):
    """What comes of breaking a clause: recorded at once, without effect until it is found."""

    tells: Finding = Finding()
    """How it comes to light."""
    when_found: Effects = Effects()
    """`self` is what the party plays, `pact` the agreement, `terms` what was agreed."""


def _as_clause(value: Any) -> Any:
    return cast("Any", value) if isinstance(value, dict) else {"holds": value}


class Agreement(Sourced):
    """A kind of deal that seats may offer, sign and leave.

    The deal itself is a process of the same name (`offered`, then `in_force`); a party's part in it is an
    instance of `NAME_party` (roles `pact`, `party`, `signer`, `terms`; `found` counts breaches known of).
    """

    label: Label
    """A noun with its article: `the water pact`."""
    says: Template
    """What each party undertakes, as a clause after a colon; `terms` is in scope."""
    parties: Parties
    """Who may be a party, and how many it takes."""
    terms: dict[Ident, Term] = Field({}, max_length=4)
    """Numbers that an offer chooses."""
    clauses: dict[Ident, Annotated[Clause, BeforeValidator(_as_clause)]] = Field(min_length=1, max_length=12)
    """What the parties undertake."""
    every: Beat = "step"
    """When clauses that hold are checked."""
    needs: Annotated[tuple[Expr, ...], BeforeValidator(as_tuple)] = ()
    """When it may be offered; only what those who may be parties see."""
    open: Duration | None = None
    """How long an offer stands; default: two steps of the clock."""
    lasts: Duration
    """How long it is in force."""
    limit: int = Field(2, ge=1, le=8)
    """Most agreements of this kind offered or in force at once."""
    enforced: Literal["none", "declared", "binding"] = "declared"
    """`declared`: a breach is recorded at once, and its effects come when it is found. `binding`: an action that
    would breach a clause is refused, and nobody leaves. `--set agreements.NAME.enforced=binding` sets it for a run
    or a fork."""
    breach: Breach = Breach()
    """What comes of breaking it."""
    visible_to: Audience = "public"
    """Who sees offers, signatures and agreements, beside those who may be parties."""

    @model_validator(mode="after")
    def _listed(self) -> "Agreement":
        offers = 1
        for term in self.terms.values():
            offers *= len(term.values())
        if offers > MOST_TERMS:
            raise ValueError(f"has {offers} different offers, at most {MOST_TERMS}: give its terms fewer `choices`")
        if self.visible_to == "hidden":
            raise ValueError("hides itself from those who sign it: `visible_to` is public, or names seats")
        return self


class TalkLine(Value):
    """What a seat on policy writes, where talks are held."""

    when: Expr = "True"
    """As in the policy: what the seat sees and what it was told."""
    to: Names = Field(min_length=1)
    """Seats and groups; the seat itself is left out."""
    says: Template
    """The message; may read only what the seat sees."""
    weight: float = Field(1.0, gt=0, le=1000)
    """Of the lines that hold one is drawn in proportion to these."""


class Pledge(Value):
    """A promise that a policy line makes together with its move."""

    will: Ident | None = None
    """An action that the seat will take by the end of the last round promised."""
    wont: Ident | None = None
    """An action that the seat will not take through the last round promised."""
    rounds: int = Field(1, ge=1, le=12)
    """For so many rounds after this one."""
    to: Names = ()
    """Seats and groups that hear it; empty: everyone."""

    @model_validator(mode="after")
    def _one(self) -> "Pledge":
        if (self.will is None) == (self.wont is None):
            raise ValueError("needs `will` or `wont`, and only one")
        return self


Pledges = Annotated[
    tuple[Pledge, ...],
    BeforeValidator(lambda value: (cast("Any", value),) if isinstance(value, dict) else value),
    Field(max_length=3),
]
