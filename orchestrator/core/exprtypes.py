"""What expressions are made of: their types, the names they may use, the scene they read, their compiled form.

Kept apart from the compiler (`expr`, which gives these names out as well) and the writer (`exprwriter`),
which both build on them.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

NEAR = 300
"""Names that are searched for a near one: beyond, the search would take longer than it is worth."""


class ExprProblem(ValueError):
    """An expression that cannot stand; the message is one clause without the place."""


class Type(NamedTuple):
    """What an expression yields. `names` holds an enum's members, `kind` what a reference points to."""

    name: str
    names: tuple[str, ...] = ()
    kind: str = ""


NUM, BOOL, NULL = Type("num"), Type("bool"), Type("null")


class Slot(NamedTuple):
    """A declared variable as expressions see it."""

    type: Type
    derived: bool = False


class Names(NamedTuple):
    """Everything that a scenario declares and an expression may name."""

    kinds: Mapping[str, Mapping[str, Slot]]
    """Kind or process -> variables."""
    entities: Mapping[str, str]
    """Entity -> kind."""
    seats: frozenset[str]
    numbers: frozenset[str]
    reports: frozenset[str]
    sizes: Mapping[str, int] = {}
    """Kind or process -> most members that a loop may meet; what is not here counts as one."""


Values = Mapping[str, Mapping[str, Any]]
"""Entity or process instance -> variable -> value."""


class Scene:
    """What an expression reads when it is evaluated: the world on a date and the names in scope."""

    __slots__ = ("before", "bound", "clock", "derived", "event", "known", "members", "numbers", "values", "was")

    def __init__(
        self,
        values: Values,
        was: Values,
        numbers: Mapping[str, float],
        clock: Mapping[str, int],
        members: Mapping[str, list[str]],
        derived: Mapping[str, Callable[..., Any]],
        bound: Mapping[str, Any],
        known: Mapping[str, Mapping[str, float]] | None = None,
        event: Mapping[str, Any] | None = None,
        before: Values | None = None,
    ) -> None:
        self.values, self.was, self.numbers, self.clock = values, was, numbers, clock
        self.members, self.derived, self.bound = members, derived, bound
        self.known, self.event = known or {}, event or {}
        self.before = values if before is None else before

    def with_bound(self, /, **more: Any) -> "Scene":
        return Scene(self.values, self.was, self.numbers, self.clock, self.members, self.derived,
                     {**self.bound, **more}, self.known, self.event, self.before)  # fmt: skip


class Compiled(NamedTuple):
    """A checked expression."""

    text: str
    type: Type
    run: Callable[[Scene], Any]
    reads: frozenset[tuple[str, str]]
    """(kind, variable) pairs it may read."""
    passes: int = 1
    """1, and the most bodies of loops that one evaluation runs through."""
    derived: tuple[tuple[str, int], ...] = ()
    """`kind.variable` of the derived variables it reads -> how often at most."""


def near(name: str, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?` or nothing."""
    close = difflib.get_close_matches(name[:60], list(islice(choices, NEAR)), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def said(type_: Type) -> str:
    """A type in words, for messages."""
    return {
        "num": "a number",
        "bool": "a yes or no",
        "enum": "a name of a list",
        "ref": "an entity",
        "null": "null",
    }[type_.name]
