"""How the live screen is laid out: lines of styled spans for the running round and for a finished one.

Columns are counted in terminal cells (wide characters take two), words are wrapped here and not by Rich: a
round's chronicle costs a tenth of what rendering it as a table does, and no text is ever read as markup.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from orchestrator.cli import telling
from orchestrator.cli.watching import DOING, Flight, Turn, Watching

WIDEST = 110
"""Columns: a longer line is hard to read."""
NARROWEST = 30
ROOMY = 20
"""Lines of a window from which on an empty one can be spared."""
STYLES = {
    "": Style.null(),
    "title": Style.parse("bold"),
    "rule": Style.parse("cyan"),
    "label": Style.parse("bold"),
    "speech": Style.parse("italic"),
    "faint": Style.parse("dim"),
    "busy": Style.parse("cyan"),
    "score": Style.parse("bold green"),
    "bell": Style.parse("bold yellow"),
    "fault": Style.parse("red"),
    "up": Style.parse("green"),
    "down": Style.parse("magenta"),
}
_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII = str.maketrans(
    {"→": ">", "…": ".", "·": "-", "“": '"', "”": '"', "’": "'", "–": "-", "─": "-", **dict.fromkeys(_SPIN, "*")}
)


class Span(NamedTuple):
    text: str
    style: str = ""


Line = Sequence[Span]


class Block:
    """Lines as something that Rich prints: as they are, without markup, highlighting or wrapping."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = list(lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        encoding = console.encoding
        spoken = "utf" in encoding.lower()
        for line in self.lines:
            for text, style in line:
                shown = text if spoken else text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
                yield Segment(shown, STYLES[style])
            yield Segment.line()


def room(console: Console) -> int:
    """Columns to use: the last one stays free, since terminals disagree on what a full line does."""
    return max(NARROWEST, min(WIDEST, console.width - 1))


def cells(text: str) -> int:
    """Columns the text takes on a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells; a word that is longer is cut. At least one line."""
    lines: list[str] = []
    line, used = "", 0
    for word in text.split():
        needs = cells(word)
        if line and used + 1 + needs <= width:
            line, used = f"{line} {word}", used + 1 + needs
            continue
        if line:
            lines.append(line)
        if needs > width:
            *parts, word = chop_cells(word, width)
            lines += parts
            needs = cells(word)
        line, used = word, needs
    return [*lines, line] if line or not lines else lines


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells: padded, or cut with an ellipsis."""
    if cells(text) <= width:
        return text + " " * (width - cells(text))
    return set_cell_size(text, width - 1) + "…"


def paragraph(text: str, width: int, style: str, *, indent: str = "  ", hang: str = "") -> list[Line]:
    """Wrapped text behind an indent; `hang` stands before its first line instead of blanks."""
    before = cells(indent) + cells(hang)
    blank = " " * before
    return [
        (Span(indent + hang if number == 0 else blank, "faint"), Span(part, style))
        for number, part in enumerate(wrap(text, max(8, width - before)))
    ]


def rule(left: str, right: str, width: int) -> Line:
    """A line across the screen with words in it; the right ones go first where there is no room."""
    if cells(left) + cells(right) + 8 > width:
        right = ""
    left = fit(left, width - 6).rstrip()
    rest = width - cells(left) - 4 - (cells(right) + 2 if right else 0)
    end = [Span(f" {right} ", "faint")] if right else []
    return (Span("── ", "rule"), Span(left, "title"), Span(" " + "─" * rest, "rule"), *end)


class Columns(NamedTuple):
    """Of a turn's row: who, what, how it was judged."""

    label: int
    move: int
    score: int

    @classmethod
    def of(cls, turns: Iterable[Turn], width: int) -> "Columns":
        shown = list(turns)
        label = min(max((cells(turn.label) for turn in shown), default=8), max(10, width // 3), 24)
        score = max((cells(_right(turn, None, 0)[0]) for turn in shown if turn.move), default=11)
        score = min(max(11, score), width // 3)
        return cls(label, max(8, width - 2 - label - 2 - 2 - score), score)


def turn_rows(turn: Turn, columns: Columns, flight: Flight | None, now: float, *, brief: int = 0) -> list[Line]:
    """One seat: its move or what it is about, its score, beneath it its words and what went wrong.

    `brief` 1 leaves out the words, 2 also what does not fit on one line.
    """
    right, right_style = _right(turn, flight, now)
    left, left_style = (turn.moves, "") if turn.move else _state(flight, now)
    if left_style == "busy":
        left = f"{_SPIN[int(now * 8) % len(_SPIN)]} {left}"
    parts = wrap(left, columns.move)
    if brief > 1 and len(parts) > 1:
        parts = [fit(left, columns.move)]
    indent = " " * (2 + columns.label + 2)
    first = [Span(f"  {fit(turn.label, columns.label)}  ", "label"), Span(fit(parts[0], columns.move), left_style)]
    if right:
        first += [Span("  "), Span(fit(right, columns.score).rstrip(), right_style)]
    rows: list[Line] = [first, *((Span(indent), Span(part, left_style)) for part in parts[1:])]
    width = columns.move + 2 + columns.score
    if turn.line and not brief:
        rows += [(Span(indent), Span(part, "speech")) for part in wrap(f"“{turn.line}”", width)]
    if brief < 2:
        for note in turn.notes:
            mark, style = ("! ", "fault") if note.grave else ("", "faint")
            rows += [(Span(indent), Span(part, style)) for part in wrap(mark + note.text, width)]
    return rows


def _right(turn: Turn, flight: Flight | None, now: float) -> tuple[str, str]:
    """What stands at the end of a row: the score, or that it is being found."""
    if turn.verdicts:
        found = {verdict.calibration for verdict in turn.verdicts}
        return telling.score(turn.verdicts), "score" if found == {"useful"} else "faint" if "chance" in found else ""
    return _state(flight, now) if turn.move and flight is not None else ("", "")


def _state(flight: Flight | None, now: float) -> tuple[str, str]:
    """What is being done for a seat."""
    if flight is None:
        return "waiting", "faint"
    if flight.since is None:
        return "in line", "faint"
    return f"{DOING.get(flight.kind, flight.kind)} {_seconds(flight, now)}", "busy"


def _seconds(flight: Flight, now: float) -> str:
    return telling.duration(0.0 if flight.since is None else now - flight.since)


def running(seen: Watching, width: int, height: int, *, legend: bool, note: str) -> Block:
    """The live area: the round under way, in at most `height` lines."""
    gap: list[Line] = [()] if height > ROOMY else []
    head: list[Line] = [*gap, rule(f"Round {seen.round} of {seen.total_rounds} · {seen.dates}", seen.run, width)]
    now = seen.clock()
    shown = [turn for turn in seen.turns.values() if turn.shown]
    foot = _foot(seen, width, shown, legend=legend, note=note)
    rows: list[Line] = []
    columns = Columns.of(shown, width)
    for brief in (0, 1, 2):
        rows = [row for turn in shown for row in turn_rows(turn, columns, seen.flight_of(turn.seat), now, brief=brief)]
        if len(head) + len(rows) + len(foot) <= height:
            break
    rows = rows[: max(0, height - len(head) - len(foot))]
    return Block([*head, *rows, *foot][: max(1, height)])


def _foot(seen: Watching, width: int, shown: Sequence[Turn], *, legend: bool, note: str) -> list[Line]:
    others = [turn for turn in seen.turns.values() if not turn.shown]
    lines: list[Line] = []
    moved = sum(bool(turn.move) for turn in others)
    if moved < len(others):
        lines += paragraph(f"{moved} of {len(others)} seats on rules of their own have chosen", width, "faint")
    left = seen.left_s()
    end = "" if left is None else f" · about {telling.duration(max(1.0, left))} to the end of the round"
    lines += paragraph(f"{telling.duration(seen.played_s())} so far{end}", width, "")
    if used := seen.spent.words():
        lines += paragraph(used, width, "")
    if note:
        lines += paragraph(note, width, "bell")
    verdicts = [verdict for turn in shown for verdict in turn.verdicts]
    if legend and verdicts:
        lines += paragraph(telling.legend(verdicts), width, "faint")
    return lines


def moves(seen: Watching, width: int) -> list[Line]:
    """The turns of the round as they stand, one after the other."""
    shown = [turn for turn in seen.turns.values() if turn.shown and turn.move]
    columns = Columns.of(shown, width)
    return [row for turn in shown for row in turn_rows(turn, columns, None, 0.0)]


def record(entries: Iterable[telling.Entry], width: int) -> list[Line]:
    """The dated lines of a round."""
    lines: list[Line] = []
    for entry in entries:
        text, style = entry.text, ""
        if entry.mark == "fault":
            text, style = f"! {text}", "fault"
        elif entry.readers is not None:
            text, style = f"(only {', '.join(entry.readers)}) {text}", "faint"
        if entry.mark == "bell":
            text, style = f"BELL {text}", "bell"
        lines += paragraph(text, width, style, hang=fit(telling.short_date(entry.date), 6) + "  ")
    return lines


def numbers(found: Sequence[telling.Moved], width: int) -> list[Line]:
    """The numbers that moved: name, old, new, change."""
    if not found:
        return []
    was, now, change = (max(cells(getattr(item, name)) for item in found) for name in ("was", "now", "change"))
    unit = max(cells(item.unit) for item in found)
    label = max(8, min(max(cells(item.label) for item in found), width - 2 - was - now - change - unit - 17))
    lines: list[Line] = []
    for item in found:
        line = [
            Span(f"  {fit(item.label, label)}  "),
            Span(f"{item.was.rjust(was)} → ", "faint"),
            Span(item.now.rjust(now), "label"),
            Span(f" {fit(item.unit, unit)}  ", "faint"),
            Span(item.change.rjust(change), "up" if item.rose else "down"),
        ]
        if item.private:
            line.append(Span("  private", "faint"))
        lines.append(line)
    return lines


def parted(*parts: Sequence[Line]) -> list[Line]:
    """The parts that hold something, each after an empty line."""
    return [line for part in parts if part for line in ((), *part)]
