"""What a command prints: JSON for programs, plain text and tables for people.

Text of a model, a scenario or a server passes through `clean` before it reaches a terminal. Colours are
for a terminal only, and for nobody who set NO_COLOR. No rich here: a table must not cost its import.
"""

import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # ESC [ ... letter: colours, cursor
    r"|\x9b[0-?]*[ -/]*[@-~]"  # the same, begun by one C1 character
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, strings
    r"|\x1b[ -/]*[0-~]"  # ESC and a letter
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Text without terminal sequences, C0/C1 controls and marks that turn its direction; newlines stay.

    A tab becomes a blank; CR LF becomes LF; half a surrogate pair, which no terminal can print, goes.
    """
    text = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return _CONTROL.sub("", text.replace("\t", " "))


def emit_json(document: object) -> None:
    """One JSON document on one line of stdout. Raises ValueError on NaN and infinity.

    Escaped to ASCII: the same bytes whatever the terminal's encoding, and no control character in them.
    """
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")


def say(text: str = "", *, to: TextIO | None = None) -> None:
    """One line (or several) for people; to stdout unless told."""
    stream = sys.stdout if to is None else to
    encoding = stream.encoding or "utf-8"
    stream.write((text + "\n").encode(encoding, "replace").decode(encoding))


def colours(stream: TextIO) -> bool:
    """May colours go there?"""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """The text in bold on a terminal, else as it is."""
    return f"\x1b[1m{text}\x1b[0m" if colours(sys.stdout) else text


def columns() -> int:
    """How wide the screen is; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int | None = None) -> str:
    """Rows under headers, in columns two blanks apart, no line wider than `width` (default: the screen).

    Numbers stand to the right. Where it is too wide, the widest column is cut, and ends in "…".
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in rows)
        for i in range(len(headers))
    ]
    grid = [[header.upper() for header in headers], *cells]
    widths = [max(_width(row[i]) for row in grid) for i in range(len(headers))]
    room = (columns() if width is None else width) - 2 * (len(headers) - 1)
    while sum(widths) > room and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    lines = ["  ".join(map(_fit, row, widths, right)).rstrip() for row in grid]
    return "\n".join([bold(lines[0]), *lines[1:]])


def _cell(value: object) -> str:
    return "" if value is None else " ".join(clean(str(value)).split())


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def _fit(text: str, width: int, right: bool) -> str:
    if _width(text) > width:
        while _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    pad = " " * (width - _width(text))
    return pad + text if right else text + pad
