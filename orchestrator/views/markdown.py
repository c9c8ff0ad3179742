"""Pieces of Markdown: text of models and scenarios as plain text, dates as people say them, paragraphs, tables.

What a model wrote is data: it can set no heading, link, image or tag, and moves no cursor.
"""

import re
import textwrap
import unicodedata
from collections.abc import Sequence

from orchestrator.core.calendar import civil, day_number, spoken

WIDTH = 88
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
_ACTIVE = re.compile(r"([\\`*_\[\]<>~|])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_FIRST_LIST_LIKE = re.compile(r"^(?:([#+=-]+)|(\d{1,9})([.)]))(?=\s|$)")
_LIST_LIKE = re.compile(r"^(?:([#+=-]+)|(1)([.)]))(?=\s|$)")
"""Within a paragraph only a list that begins with 1 would begin a list."""


def plain(text: str) -> str:
    """The text on one line, without terminal sequences, controls and marks that turn its direction."""
    text = _SEQUENCE.sub("", text)
    kept = (
        " " if sign in "\n\r\t" else "" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") else sign
        for sign in text
    )
    return " ".join("".join(kept).split())


def escaped(text: str) -> str:
    """Plain text that Markdown shows as it is."""
    return _ACTIVE.sub(r"\\\1", _ENTITY.sub("&amp;", plain(text)))


def paragraph(text: str, *, lead: str = "") -> str:
    """Text in lines of at most WIDTH signs; `lead` begins each line (`> ` for a quote)."""
    lines = textwrap.wrap(text, WIDTH - len(lead), break_long_words=False, break_on_hyphens=False)
    return "\n".join(
        f"{lead}{(_LIST_LIKE if number else _FIRST_LIST_LIKE).sub(_bared, line)}" for number, line in enumerate(lines)
    )


def bullet(text: str) -> str:
    """One item of a list."""
    return "- " + paragraph(text, lead="  ")[2:]


def _bared(match: re.Match[str]) -> str:
    """The beginning of a line, so that it does not look like a list, a heading or a rule."""
    return f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table whose source is readable as well; `right`: columns set to the right."""
    grid = [list(headers), *map(list, rows)]
    widths = [max(3, *(len(row[i]) for row in grid)) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join(cells)} |"

    rule = (
        "|"
        + "|".join(f" {'-' * (width - 1)}: " if i in right else f" {'-' * width} " for i, width in enumerate(widths))
        + "|"
    )
    return "\n".join([line(grid[0]), rule, *map(line, grid[1:])])


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 round`, `3 rounds`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def date(iso: str) -> str:
    """`2023-07-01` -> `1 July 2023`."""
    return spoken(day_number(iso))


def day(iso: str) -> str:
    """`2023-07-01` -> `1 July`."""
    return date(iso).rsplit(" ", 1)[0]


def span(first: str, last: str) -> str:
    """`1 July to 30 September 2023`; the year once where it is one."""
    if first == last:
        return date(first)
    same = civil(day_number(first))[0] == civil(day_number(last))[0]
    return f"{day(first) if same else date(first)} to {date(last)}"


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]
