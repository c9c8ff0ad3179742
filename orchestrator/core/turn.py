"""The values of a seat's turn: what it may know, what it may do, what it chose, how that was judged."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from orchestrator.core.state import Line

WAIT = "wait"
"""The action that every seat always has."""
FREE = "free"
"""A move in the seat's own words, mapped onto declared effects."""


class Option(NamedTuple):
    """One legal move."""

    action: str
    target: str | None
    label: str
    """Its name in the menu, a verb first."""
    purpose: str
    costs: tuple[tuple[str, float], ...]
    """(variable of the entity played, amount)."""
    public: bool
    stem: str
    """How a spoken line about it begins; empty: none is spoken."""
    params: dict[str, tuple[Any, ...]]
    """Parameter -> its possible values."""

    @property
    def id(self) -> str:
        return f"{self.action} {self.target}" if self.target else self.action


class Reading(NamedTuple):
    """A number as people read it."""

    label: str
    value: float | str
    unit: str
    digits: int
    was: float | None
    """At the start of the last round, where it is a number."""


class Row(NamedTuple):
    """One entity on a board."""

    entity: str
    label: str
    cells: tuple[Reading, ...]


class Observation(NamedTuple):
    """What one seat may know now, and nothing else."""

    seat: str
    label: str
    round: int
    rounds: int
    date: str
    """First day of the round, ISO."""
    record: Sequence[Line]
    public: tuple[Reading, ...]
    private: tuple[Reading, ...]
    """Indicators and own variables that only some see."""
    notebook: Sequence[Line]
    options: tuple[Option, ...]
    since: str = ""
    """Since when changes of numbers are counted, in words; empty: over the last round."""
    boards: tuple[Row, ...] = ()
    """What everyone reads of each entity of a kind."""


class Promise(NamedTuple):
    """A claim about one's own moves that a move carries."""

    will: bool
    """That the action is taken; false: that it is left alone."""
    action: str
    target: str | None
    """None: whatever the target."""
    rounds: int
    """For so many rounds after this one."""
    to: tuple[str, ...] | None = None
    """Seats that hear it; None: everyone."""


class Move(NamedTuple):
    """What a seat chose."""

    seat: str
    n: int
    action: str
    target: str | None = None
    params: dict[str, Any] = {}
    """Never changed."""
    reason: str = ""
    statement: str = ""
    """The line it would speak, before the checks."""
    style: Literal["policy", "compose", "choose", "log"] = "policy"
    attempt: str = ""
    """A free move in the seat's words."""
    effects: tuple[tuple[str, str | None], ...] = ()
    """Of a free move: the declared effects it was mapped onto, with targets."""
    unlisted: bool = False
    """The action is on no list: it stands here as it was named, and nothing comes of it."""
    missing: str | None = None
    """The name of a target that does not exist: nothing comes of the move."""
    promises: tuple[Promise, ...] = ()
    """What the seat promises together with the move."""


class Verdict(NamedTuple):
    """How plausible a judge finds a move."""

    score: float
    """1 to 5."""
    ratings: dict[str, float]
    reason: str
    method: Literal["logprobs", "sampled"]
