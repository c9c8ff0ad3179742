"""Reads `docs/tutorial.md` as its reader does: files to write, commands to type, and what they print."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent.parent / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w/.-]+\.(?:yaml|md|csv))`")


class Step(NamedTuple):
    """One thing that the reader does."""

    do: str
    """`write`, `append`, `last` (let the last line be) or `run`."""
    what: str
    """The file's path, or the command line."""
    body: str
    """The file's text, or what the command prints."""
    line: int
    """Where it stands in the tutorial."""


def steps(text: str) -> Iterator[Step]:
    """Every step in order. A block of another kind than `text` must be a step."""
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        paragraph = text[: found.start()].rstrip("\n").rpartition("\n\n")[2]
        if found["kind"] == "console":
            yield from _commands(found["body"], line)
        elif found["kind"] != "text":
            named = _NAMED.findall(paragraph)
            assert named, f"line {line}: the words before a block name its file"
            do = "append" if "Append to" in paragraph else "last" if "last line of" in paragraph else "write"
            yield Step(do, named[-1], found["body"], line)


def _commands(body: str, line: int) -> Iterator[Step]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Step("run", command, printed, line)


def apply(step: Step, folder: Path) -> None:
    """Does what a step says with a file."""
    path = folder / step.what
    path.parent.mkdir(parents=True, exist_ok=True)
    match step.do:
        case "write":
            path.write_text(step.body, "utf-8")
        case "append":
            path.write_text(path.read_text("utf-8") + step.body, "utf-8")
        case _:
            lines = path.read_text("utf-8").splitlines(keepends=True)
            path.write_text("".join(lines[:-1]) + step.body, "utf-8")


def missing(printed: str, expected: str) -> str | None:
    """The first expected line that is not printed in its turn; `...` stands for any lines."""
    lines = printed.splitlines()
    at, skipping = 0, False
    for wanted in expected.splitlines():
        if wanted == "...":
            skipping = True
            continue
        there = next((n for n in range(at, len(lines)) if lines[n] == wanted), None) if skipping else at
        if there is None or there >= len(lines) or lines[there] != wanted:
            return wanted
        at, skipping = there + 1, False
    return None if skipping or at == len(lines) else lines[at]
