"""A strict and fast YAML reader for files that strangers wrote.

It builds plain data (dict, list, text, numbers, truth values, null) from the *events* of ruamel's C
parser, which is some thirty times as fast as ruamel's pure loader, and resolves plain scalars itself by the
core schema of YAML 1.2: `yes`, `no`, `on`, `2023-07-01` are text, `2.0e6` is a number. Whatever a
scenario has no need of is refused with a line number: anchors and aliases, tags, directives, further
documents, duplicate keys, keys that are not text, NaN, unbounded depth or size. Nothing here opens a file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias, cast

from orchestrator.errors import BadInput
from orchestrator.library.yamllines import Lines, Step, events, found, lines_of

__all__ = ["Budget", "Lines", "Plain", "Step", "Tree", "dotted", "parse", "shown", "unsafe_character"]

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

MOST_DEPTH = 40
MOST_DIGITS = 18
LONGEST_NUMBER = 64

# Controls (C0 but tab and newline, DEL, C1), line and paragraph separators, bidirectional overrides, byte
# order marks, non-characters, lone surrogates and invisible tag characters: a file that shows one thing
# to its reader and holds another for the model or the terminal.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((s + w for s in ("", "+") for w in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_NAN = (".nan", ".NaN", ".NAN")
_NUMERIC = frozenset("+-.0123456789")
_LOOKED_AT = _NUMERIC | frozenset(word[0] for word in _WORDS if word)
"""First characters of a plain scalar that may be something else than a text."""


@dataclass(slots=True)
class Budget:
    """What all files of one scenario may hold together; reading uses it up, also where it fails.

    Ten times what a large scenario needs; reading and validating the worst files then ends within a second.
    """

    values: int = 50_000
    characters: int = 4_000_000


def shown(text: str, limit: int = 60) -> str:
    """A text from outside as it may stand in a message: one line, no controls, at most `limit` characters."""
    clean = _UNSAFE.sub("?", text[: limit + 1]).replace("\n", " ").replace("\t", " ")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def dotted(path: Sequence[Step]) -> str:
    """A path as people write it: `rules.scaling_law.tells[0].says`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}" if text else shown(step)
    return text


def unsafe_character(text: str) -> tuple[int, str] | None:
    """The first character that may not stand in a file: its line (from 1) and its name, `U+001B`."""
    bad = _UNSAFE.search(text)
    if bad is None:
        return None
    return text.count("\n", 0, bad.start()) + 1, f"U+{ord(bad[0]):04X}"


class Tree:
    """A file's data and, beside it, the line of every value."""

    __slots__ = ("_lines", "data", "name")

    def __init__(self, name: str, data: Plain, lines: "Lines | Callable[[], Lines]") -> None:
        """`name`: the file's path as messages show it; `lines`: known, or read when the first is asked for."""
        self.name, self.data, self._lines = name, data, lines

    @property
    def lines(self) -> Lines:
        """The line of every value, in the shape of the data."""
        if callable(self._lines):
            self._lines = self._lines()
        return self._lines

    def find(self, path: Sequence[Step]) -> tuple[int, int]:
        """How many steps of the path the file goes along with, and the line where it stops (from 1)."""
        return found(self.lines, path)


class _Reader:
    """Reads one text. `stack` holds what is open around the innermost mapping or list, each with its key."""

    def __init__(self, name: str, error: type[BadInput], first_line: int, budget: Budget) -> None:
        self.name, self.error, self.budget, self.first_line = name, error, budget, first_line
        self.text = ""
        self.stack: list[tuple[Any, str | None]] = []
        self.documents = 0
        self.last = first_line
        """The line of the last event, once reading has ended."""

    def refuse(self, at: Any, message: str) -> NoReturn:
        """`at`: a line, or the event that begins there."""
        line = at if isinstance(at, int) else at.start_mark.line + self.first_line
        raise self.error(message, where=f"{self.name}:{line}")

    def steps(self, held: object, key: str | None) -> list[Step]:
        """The path to where the reader stands."""
        steps: list[Step] = []
        for container, at in (*self.stack, (held, key)):
            if isinstance(container, list):
                steps.append(len(cast("list[Plain]", container)))
            elif at is not None:
                steps.append(at)
        return steps[1:]  # the outermost is the list of documents

    def place(self, held: object, key: str | None) -> str:
        """Where the reader stands, ` in rules.scaling_law`, or nothing at the top."""
        steps = self.steps(held, key)
        return f" in {dotted(steps)}" if steps else ""

    def read(self, text: str) -> Plain:  # noqa: C901 - one loop: a call for each event would take as long again
        """The text's data. Raises `error`, and ruamel's YAMLError for what is no YAML."""
        from ruamel.yaml import events as kinds  # here: a run plays from its stored copy and needs no YAML

        self.text = text
        scalar, mapping_start, list_start = kinds.ScalarEvent, kinds.MappingStartEvent, kinds.SequenceStartEvent
        ends = cast("tuple[object, ...]", (kinds.MappingEndEvent, kinds.SequenceEndEvent))
        documents: list[Plain] = []
        held: Any = documents
        key: str | None = None
        mapping = False
        stack, looked_at, unsafe, left = self.stack, _LOOKED_AT, _UNSAFE.search, self.budget.values
        following, event = events(text), None
        try:
            while (upcoming := following()) is not None:
                event = upcoming
                kind = cast("object", type(event))
                if kind is scalar:
                    left -= 1
                    if left < 0 or event.anchor is not None or event.tag is not None:
                        self.uncommon(event, left)
                    value = event.value
                    style = event.style
                    if not style:
                        if not value or value[0] in looked_at:
                            value = self.plain(event, held, key)
                    elif style == '"' and (bad := unsafe(value)):
                        name = f"U+{ord(bad[0]):04X}"
                        self.refuse(event, f"the character {name} may not stand in a text{self.place(held, key)}")
                    if key is not None:
                        held[key] = value
                        key = None
                    elif not mapping:
                        held.append(value)
                    elif type(value) is str and value not in held:
                        key = value
                    elif type(value) is bool and event.value not in held:
                        key = event.value  # `false:` is a key of reports; as a key it is a text like any other
                    else:
                        self.no_key(event, value, held)
                elif kind is mapping_start or kind is list_start:
                    left -= 1
                    if left < 0 or event.anchor is not None or event.tag is not None:
                        self.uncommon(event, left)
                    if mapping and key is None:
                        what = "mapping" if kind is mapping_start else "list"
                        self.refuse(event, f"a key must be text, not a {what}{self.place(held, key)}")
                    if len(stack) >= MOST_DEPTH:
                        self.refuse(event, f"nested deeper than {MOST_DEPTH} levels")
                    stack.append((held, key))
                    mapping = kind is mapping_start
                    held, key = {} if mapping else [], None
                elif kind in ends:
                    inside = held
                    held, key = stack.pop()
                    mapping = key is not None
                    if mapping:
                        held[key] = inside
                        key = None
                    else:
                        held.append(inside)
                else:
                    self.other(event, kinds)
        finally:
            self.budget.values = left
            if event is not None:
                self.last = event.start_mark.line + self.first_line
        return documents[0] if documents else None

    def uncommon(self, event: Any, left: int) -> NoReturn:
        """Refuses what no value may carry."""
        if left < 0:
            self.refuse(event, f"too large: more than {Budget().values} values in all")
        if event.anchor is not None:
            self.refuse(event, f"anchors are not read (&{shown(str(event.anchor))}): write the value out")
        self.refuse(event, f"tags are not read ({shown(str(event.tag))}): write the value plainly")

    def no_key(self, event: Any, key: Plain, held: Any) -> NoReturn:
        place = self.place(held, None)
        key = event.value if isinstance(key, bool) else key
        if not isinstance(key, str):
            given = shown(event.value) or "the empty key"
            self.refuse(event, f"a key must be text: put {given} in quotes{place}")
        first = found(lines_of(self.text, self.first_line), [*self.steps(held, None), key])[1]
        self.refuse(event, f"the key '{shown(key)}' is given twice{place}, first on line {first}")

    def other(self, event: Any, kinds: Any) -> None:
        """An event that carries no value."""
        if type(event) is kinds.AliasEvent:
            self.refuse(event, f"aliases are not read (*{shown(str(event.anchor))}): write the value out")
        if type(event) is kinds.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                self.refuse(event, "a second document begins here: one file holds one")
            if event.version is not None or event.tags:
                self.refuse(event, "directives (%YAML, %TAG) are not read: leave them out")

    def plain(self, event: Any, held: object, key: str | None) -> Plain:
        """A scalar without quotes by YAML 1.2's core schema."""
        text: str = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC:
            return text
        if text in _NAN:
            self.refuse(event, f"NaN is not a number that a scenario may hold{self.place(held, key)}")
        if _INTEGER.fullmatch(text):
            # Python refuses to read or print whole numbers of some thousand digits, and JSON readers
            # elsewhere lose those beyond 2**53: neither may depend on a file.
            if len(text.lstrip("+-")) > MOST_DIGITS:
                self.refuse(event, f"a whole number of more than {MOST_DIGITS} digits{self.place(held, key)}")
            return int(text)
        if _OTHER_BASE.fullmatch(text):
            if len(text) > MOST_DIGITS - 2:
                self.refuse(event, f"a whole number of more than {MOST_DIGITS - 4} digits in base 8 or 16")
            return int(text, 0)
        if not _DECIMAL.fullmatch(text):
            return text
        if len(text) > LONGEST_NUMBER:
            self.refuse(event, f"a number of more than {LONGEST_NUMBER} characters{self.place(held, key)}")
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self.refuse(event, f"the number {shown(text)} is too large{self.place(held, key)}")
        return number


def parse(text: str, *, name: str, error: type[BadInput], first_line: int = 1, budget: Budget | None = None) -> Tree:
    """Reads one document. `name` and `first_line` say where the text stands for messages.

    Raises `error`, where=`name:line`, for anything that is not plain YAML within the bounds above.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    budget = Budget() if budget is None else budget
    reader = _Reader(name, error, first_line, budget)
    budget.characters -= len(text)
    if budget.characters < 0:
        reader.refuse(first_line, f"too large: more than {Budget().characters} characters in all")
    if bad := unsafe_character(text):
        reader.refuse(first_line + bad[0] - 1, f"the character {bad[1]} may not stand in the file")
    try:
        data = reader.read(text)
    except MarkedYAMLError as fault:
        marked = cast("Any", fault)
        mark = marked.problem_mark or marked.context_mark
        end = first_line + text.rstrip("\n").count("\n")
        at = reader.last if mark is None else min(mark.line + first_line, end)
        reader.refuse(at, f"not YAML: {shown(str(marked.problem or marked.context), 120)}")
    except YAMLError as fault:
        reader.refuse(reader.last, f"not YAML: {shown(str(fault), 120)}")
    return Tree(name, data, partial(lines_of, text, first_line))
