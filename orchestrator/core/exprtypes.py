"""What expressions are made of: their types, the names they may use, the scene they read, their compiled form.

Kept apart from the compiler (`expr`, which gives these names out as well) and the writer (`exprwriter`),
which both build on them.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

NEAR = 300
"""Names that are searched for a near one: beyond, the search would take longer than it is worth."""


_LONG = re.compile(r"'([^']{60})[^']+'")


class ExprProblem(ValueError):
    """An expression that cannot stand; the message is one clause without the place, what it quotes is short."""

    def __init__(self, message: str) -> None:
        super().__init__(_LONG.sub(r"'\1...'", message))


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


class Pairs(NamedTuple):
    """A declared relation as expressions see it: a value for each pair of two kinds (`seat` is one here)."""

    of: tuple[str, str]
    type: Type


SEAT = "seat"
"""Where a relation is of seats: the kind of all of them."""
PAIR = "*"
"""Stands for the variable where an expression reads a relation: every pair has the same reader."""


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
    relations: Mapping[str, Pairs] = {}
    made: "dict[tuple[str, bool, bool], list[Made]] | None" = None
    """What was compiled under these names, by text and what may be read beside it: an action is compiled for every
    seat that has it, and most of its expressions come out the same. None: nothing is kept."""


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


class Compiled:
    """A checked expression. It becomes code when it is first run: many of a scenario never are."""

    __slots__ = ("_code", "derived", "passes", "reads", "run", "text", "type")

    text: str
    type: Type
    run: Callable[..., Any]
    """Evaluates it on a scene."""
    reads: frozenset[tuple[str, str]]
    """(kind, variable) pairs it may read."""
    passes: int
    """1, and the most bodies of loops that one evaluation runs through."""
    derived: tuple[tuple[str, int], ...]
    """`kind.variable` of the derived variables it reads -> how often at most."""

    def __init__(
        self,
        text: str,
        type_: Type,
        code: Callable[[], Callable[..., Any]],
        reads: frozenset[tuple[str, str]],
        passes: int = 1,
        derived: tuple[tuple[str, int], ...] = (),
    ) -> None:
        """`code` gives what `run` is to be."""
        self.text, self.type, self._code = text, type_, code
        self.reads, self.passes, self.derived = reads, passes, derived

    def __getattr__(self, name: str) -> Any:
        if name != "run":  # the only one that can be missing
            raise AttributeError(name)
        self.run = self._code()
        return self.run


class Made(NamedTuple):
    """A compiled expression and all that it depends on beside its text."""

    code: Compiled
    found: Mapping[str, Type | None]
    """What was found in scope under the names that were looked for."""
    event: Mapping[str, Type] | None
    """The parameters of the happening that is followed; None: they were not looked at."""

    def fits(self, scope: Mapping[str, Type], event: Mapping[str, Type] | None) -> bool:
        """Whether it would come out the same there."""
        if self.event is not None and self.event != event:
            return False
        return all(scope.get(name) == type_ for name, type_ in self.found.items())


def near(name: str, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?` or nothing."""
    close = difflib.get_close_matches(name[:60], list(islice(choices, NEAR)), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def an(word: str) -> str:
    """A word with its article."""
    return f"{'an' if word[:1] in 'aeio' else 'a'} {word}"


def said(type_: Type) -> str:
    """A type in words, for messages."""
    return {
        "num": "a number",
        "bool": "a yes or no",
        "enum": "a name of a list",
        "ref": "an entity",
        "null": "null",
        "draws": "what a member drew",
    }[type_.name]
