"""A strict and fast YAML reader for files that strangers wrote.

It builds plain data (dict, list, text, numbers, truth values, null) from the *events* of ruamel's C
parser, which is some thirty times as fast as ruamel's pure loader, and resolves plain scalars itself by the
core schema of YAML 1.2: `yes`, `no`, `on`, `2023-07-01` are text, `2.0e6` is a number. Whatever a
scenario has no need of is refused with a line number: anchors and aliases, tags, directives, further
documents, duplicate keys, keys that are not text, NaN, unbounded depth or size. Nothing here opens a file.
"""

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

from orchestrator.errors import BadInput

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
Lines: TypeAlias = "int | tuple[int, dict[str, Lines] | list[Lines]]"
"""The line of a value; for a mapping or list also those of what it holds."""
Step: TypeAlias = "str | int"

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
    found = _UNSAFE.search(text)
    if found is None:
        return None
    return text.count("\n", 0, found.start()) + 1, f"U+{ord(found[0]):04X}"


@dataclass(frozen=True, slots=True)
class Tree:
    """A file's data and, beside it, the line of every value."""

    name: str
    """The file's path as messages show it."""
    data: Plain
    lines: Lines

    def find(self, path: Sequence[Step]) -> tuple[int, int]:
        """How many steps of the path the file goes along with, and the line where it stops (from 1).

        Steps that the file does not hold are passed over, so that a path through the model
        (`kinds.lab.variables.compute`) finds the same line as one through the file (`kinds.lab.compute`).
        """
        here, depth = self.lines, 0
        for step in path:
            if isinstance(here, int):
                break
            held = here[1]
            if isinstance(held, dict):
                if isinstance(step, str) and step in held:
                    here, depth = held[step], depth + 1
            elif isinstance(step, int) and 0 <= step < len(held):
                here, depth = held[step], depth + 1
        return depth, here if isinstance(here, int) else here[0]


class _Frame:
    """A mapping or list that is still open."""

    __slots__ = ("data", "key", "key_line", "line", "lines")

    def __init__(self, data: dict[str, Plain] | list[Plain], line: int) -> None:
        self.data = data
        self.lines: dict[str, Lines] | list[Lines] = {} if isinstance(data, dict) else []
        self.line = line
        self.key: str | None = None
        """Of a mapping: the key whose value is awaited."""
        self.key_line = line

    def put(self, value: Plain, line: Lines) -> None:
        """Takes a finished value."""
        if isinstance(self.data, list):
            self.data.append(value)
            cast("list[Lines]", self.lines).append(line)
        elif self.key is not None:
            self.data[self.key] = value
            cast("dict[str, Lines]", self.lines)[self.key] = line
            self.key = None

    def start_of(self, line: int) -> int:
        """The line to remember for a value that begins on `line`: in a mapping that of its key."""
        return line if isinstance(self.data, list) else self.key_line


class _Builder:
    def __init__(self, name: str, error: type[BadInput], first_line: int, budget: Budget) -> None:
        self.name, self.error, self.budget = name, error, budget
        self.stack: list[_Frame] = []
        self.top: _Frame | None = None
        self.documents = 0
        self.data: Plain = None
        self.lines: Lines = first_line

    def refuse(self, line: int, message: str) -> NoReturn:
        raise self.error(message, where=f"{self.name}:{line}")

    def place(self) -> str:
        """Where the reader stands, ` in rules.scaling_law`, or nothing at the top."""
        steps: list[Step] = []
        for frame in self.stack:
            if isinstance(frame.data, list):
                steps.append(len(frame.data))
            elif frame.key is not None:
                steps.append(frame.key)
        return f" in {dotted(steps)}" if steps else ""

    def count(self, event: Any, line: int) -> None:
        """Counts a value and refuses what none may carry."""
        self.budget.values -= 1
        if self.budget.values < 0:
            self.refuse(line, f"too large: more than {Budget().values} values in all")
        if event.anchor is not None:
            self.refuse(line, f"anchors are not read (&{shown(str(event.anchor))}): write the value out")
        if event.tag is not None:
            self.refuse(line, f"tags are not read ({shown(str(event.tag))}): write the value plainly")

    def open(self, event: Any, line: int, data: dict[str, Plain] | list[Plain]) -> None:
        self.count(event, line)
        top = self.top
        if top is not None and top.key is None and isinstance(top.data, dict):
            kind = "mapping" if isinstance(data, dict) else "list"
            self.refuse(line, f"a key must be text, not a {kind}{self.place()}")
        if len(self.stack) >= MOST_DEPTH:
            self.refuse(line, f"nested deeper than {MOST_DEPTH} levels")
        self.top = _Frame(data, line if top is None else top.start_of(line))
        self.stack.append(self.top)

    def close(self) -> None:
        done = self.stack.pop()
        held: Lines = (done.line, done.lines) if done.lines else done.line
        if self.stack:
            self.top = self.stack[-1]
            self.top.put(done.data, held)
        else:
            self.top, self.data, self.lines = None, done.data, held

    def scalar(self, event: Any, line: int) -> None:
        self.count(event, line)
        text: str = event.value
        value: Plain = text
        style = event.style
        if not style:
            value = self.plain(text, line)
        elif style == '"' and (bad := unsafe_character(text)):
            self.refuse(line, f"the character {bad[1]} may not stand in a text{self.place()}")
        top = self.top
        if top is None:
            self.data, self.lines = value, line
        elif top.key is None and isinstance(top.data, dict):
            self.begin(top, value, text, line)
        else:
            top.put(value, top.start_of(line))

    def begin(self, top: _Frame, key: Plain, text: str, line: int) -> None:
        """Takes the key of the next value."""
        if not isinstance(key, str):
            self.refuse(line, f"a key must be text: put {shown(text) or 'the empty key'} in quotes{self.place()}")
        if key in cast("dict[str, Plain]", top.data):
            first = cast("dict[str, Lines]", top.lines)[key]
            first = first if isinstance(first, int) else first[0]
            self.refuse(line, f"the key '{shown(key)}' is given twice{self.place()}, first on line {first}")
        top.key, top.key_line = key, line

    def document(self, event: Any, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse(line, "a second document begins here: one file holds one")
        if event.version is not None or event.tags:
            self.refuse(line, "directives (%YAML, %TAG) are not read: leave them out")

    def plain(self, text: str, line: int) -> Plain:
        """A scalar without quotes by YAML 1.2's core schema."""
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC:
            return text
        if text in _NAN:
            self.refuse(line, f"NaN is not a number that a scenario may hold{self.place()}")
        if _INTEGER.fullmatch(text):
            # Python refuses to read or print whole numbers of some thousand digits, and JSON readers
            # elsewhere lose those beyond 2**53: neither may depend on a file.
            if len(text.lstrip("+-")) > MOST_DIGITS:
                self.refuse(line, f"a whole number of more than {MOST_DIGITS} digits{self.place()}")
            return int(text)
        if _OTHER_BASE.fullmatch(text):
            if len(text) > MOST_DIGITS - 2:
                self.refuse(line, f"a whole number of more than {MOST_DIGITS - 4} digits in base 8 or 16")
            return int(text, 0)
        if not _DECIMAL.fullmatch(text):
            return text
        if len(text) > LONGEST_NUMBER:
            self.refuse(line, f"a number of more than {LONGEST_NUMBER} characters{self.place()}")
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self.refuse(line, f"the number {shown(text)} is too large{self.place()}")
        return number


def _events(text: str) -> Iterator[Any]:
    """The parser's events: from C, or from ruamel's pure parser where its C part is not installed."""
    try:
        parser = cast("Any", importlib.import_module("_ruamel_yaml")).CParser(text)
    except ModuleNotFoundError:
        yaml = cast("Any", importlib.import_module("ruamel.yaml")).YAML(typ="safe", pure=True)
        return cast("Iterator[Any]", yaml.parse(text))
    return iter(parser.get_event, None)


def parse(text: str, *, name: str, error: type[BadInput], first_line: int = 1, budget: Budget | None = None) -> Tree:
    """Reads one document. `name` and `first_line` say where the text stands for messages.

    Raises `error`, where=`name:line`, for anything that is not plain YAML within the bounds above.
    """
    # Imported here: a run plays from its stored copy and needs no YAML at its start.
    from ruamel.yaml import events as kinds
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    budget = Budget() if budget is None else budget
    builder = _Builder(name, error, first_line, budget)
    budget.characters -= len(text)
    if budget.characters < 0:
        builder.refuse(first_line, f"too large: more than {Budget().characters} characters in all")
    if bad := unsafe_character(text):
        builder.refuse(first_line + bad[0] - 1, f"the character {bad[1]} may not stand in the file")
    line = first_line
    try:
        for event in _events(text):
            kind = cast("object", type(event))
            line = event.start_mark.line + first_line
            if kind is kinds.ScalarEvent:
                builder.scalar(event, line)
            elif kind is kinds.MappingStartEvent:
                builder.open(event, line, {})
            elif kind is kinds.SequenceStartEvent:
                builder.open(event, line, [])
            elif kind is kinds.MappingEndEvent or kind is kinds.SequenceEndEvent:
                builder.close()
            elif kind is kinds.AliasEvent:
                builder.refuse(line, f"aliases are not read (*{shown(str(event.anchor))}): write the value out")
            elif kind is kinds.DocumentStartEvent:
                builder.document(event, line)
    except MarkedYAMLError as fault:
        marked = cast("Any", fault)
        mark = marked.problem_mark or marked.context_mark
        last = first_line + text.rstrip("\n").count("\n")
        at = line if mark is None else min(mark.line + first_line, last)
        builder.refuse(at, f"not YAML: {shown(str(marked.problem or marked.context), 120)}")
    except YAMLError as fault:
        builder.refuse(line, f"not YAML: {shown(str(fault), 120)}")
    return Tree(name, builder.data, builder.lines)
