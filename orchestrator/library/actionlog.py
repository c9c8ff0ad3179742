"""Reads a recorded log of moves: a CSV file with a header and one move a row.

Names are taken as they stand, case and blanks included; a field in quotes may hold line breaks. What the names
mean is looked up in the scenario (`core.logs`); here only who acts must be known, for a log of other people is
not a log of this exercise. A fault names its line, the first of its row.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core.logparts import Columns, Log
from orchestrator.core.logs import MOST_A_DAY, MOST_ROWS, Logged, named
from orchestrator.core.scenario import Scenario
from orchestrator.errors import BadFile
from orchestrator.library.faults import near
from orchestrator.library.files import MEBIBYTE, read_bytes
from orchestrator.library.yaml import shown

LARGEST_FILE = 4 * MEBIBYTE
_DAY = re.compile(r"[0-9]{1,4}")


def read_log(path: Path, scenario: Scenario) -> tuple[Logged, ...]:
    """The rows of a log, in their order. Raises BadFile with the line of the first fault."""
    name = shown(path.as_posix(), 400)
    rows = _rows(_text(path, name), name)
    header = next(rows, None)
    if header is None:
        raise BadFile(f"{name} is empty: a header and one move a row are expected", where=f"{name}:1")
    columns = (scenario.log or Log()).columns
    places, width = _places(header[1], columns, f"{name}:{header[0]}"), len(header[1])
    actors, most = named(scenario).seats, scenario.clock.rounds
    days: dict[int, int] = {}
    found: list[Logged] = []
    for line, row in rows:
        where = f"{name}:{line}"
        if len(row) != width:
            raise BadFile(f"line {line} has {len(row)} fields, and the header has {width}", where=where)
        day, seat, target, action, words = (row[place] if place is not None else "" for place in places)
        if not _DAY.fullmatch(day) or not 1 <= int(day) <= most:
            raise BadFile(
                f"line {line}: the day is '{shown(day, 40)}', and a whole number from 1 to {most} is expected",
                where=where,
            )
        if seat not in actors:
            raise BadFile(
                f"line {line}: nobody called '{shown(seat, 60)}' acts in {scenario.scenario}{near(seat, list(actors))}",
                hint=f"its actors: {', '.join(list(actors)[:20])}",
                where=where,
            )
        days[int(day)] = days.get(int(day), 0) + 1
        if len(found) >= MOST_ROWS or days[int(day)] > MOST_A_DAY:
            raise BadFile(f"line {line}: at most {MOST_ROWS:,} rows are read, {MOST_A_DAY:,} a day", where=where)
        found.append(Logged(int(day), seat, target, action, words))
    if not found:
        raise BadFile(f"{name} holds no move: there is a header and no row", where=name)
    return tuple(found)


def _text(path: Path, name: str) -> str:
    data = read_bytes(path.resolve(), name, BadFile, LARGEST_FILE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise BadFile(f"{name} is not UTF-8 in line {line}: save it as UTF-8", where=f"{name}:{line}") from fault


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, fields) of each row that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise BadFile(f"line {line} is no row of a CSV file: {fault}", where=f"{name}:{line}") from fault
        if row:
            yield line, row
        line = reader.line_num + 1


def _places(header: list[str], columns: Columns, where: str) -> tuple[int, int, int, int, int | None]:
    """Where the columns stand: day, seat, target, action, words."""
    wanted = (columns.day, columns.seat, columns.target, columns.action)
    missing = [word for word in wanted if word not in header]
    if missing:
        known = f"its header is: {shown(','.join(header), 120)}"
        raise BadFile(f"the column '{missing[0]}' is missing in line 1; {known}", where=where)
    double = [word for word in (*wanted, columns.words) if header.count(word) > 1]
    if double:
        raise BadFile(f"the column '{double[0]}' stands twice in line 1", where=where)
    day, seat, target, action = (header.index(word) for word in wanted)
    return day, seat, target, action, header.index(columns.words) if columns.words in header else None
