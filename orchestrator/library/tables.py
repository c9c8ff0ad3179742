"""Entities from a table of the scenario's folder: `nations: {kind: nation, rows: nations.csv}`.

Each row of the CSV becomes an entity, as if it stood in the file that names the table; the rows are read into
the same data with the same line numbers, so what is wrong in a cell is told by the line of the table.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from orchestrator.errors import BadInput, BadScenario
from orchestrator.library.faults import Problem, near
from orchestrator.library.files import MEBIBYTE, display, read_text
from orchestrator.library.yaml import MOST_DIGITS, Budget, Lines, Plain, Tree, shown

LARGEST_TABLE = MEBIBYTE
MOST_TABLES = 64
MOST_ROWS = 2000
MOST_COLUMNS = 64
LONGEST_CELL = 300
MOST_TOLD = 20
"""Faults of one table: a file that is no table has one in every line."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FILE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/){0,3}[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\.csv")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?")


def with_tables(trees: list[Tree], folder: Path, working: Path, budget: Budget, problems: list[Problem]) -> list[Tree]:
    """The trees with each entry that names a table replaced by a tree of its rows, behind the file that names it."""
    read = 0
    result: list[Tree] = []
    for tree in trees:
        asked = list(_asked(tree))
        result.append(_without(tree, [key for key, _ in asked]) if asked else tree)
        for key, entry in asked:
            where = f"{tree.name}:{tree.find(('entities', key, 'rows'))[1]}"
            read += 1
            if read > MOST_TABLES:
                problems.append(Problem(where, f"entities.{key}: at most {MOST_TABLES} tables"))
                return result
            if (table := _table(key, entry, folder, working, where, budget, problems)) is not None:
                result.append(table)
    return result


def _asked(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    entities: Any = tree.data.get("entities") if isinstance(tree.data, dict) else None
    for key, entry in cast("dict[str, Any]", entities).items() if isinstance(entities, dict) else ():
        if isinstance(entry, dict) and "rows" in entry:
            yield key, cast("dict[str, Any]", entry)


def _without(tree: Tree, keys: list[str]) -> Tree:
    data = cast("dict[str, Any]", tree.data)
    return Tree(
        tree.name, {**data, "entities": {k: v for k, v in data["entities"].items() if k not in keys}}, tree.lines
    )


def _table(
    key: str,
    entry: dict[str, Any],
    folder: Path,
    working: Path,
    where: str,
    budget: Budget,
    problems: list[Problem],
) -> Tree | None:
    """The rows as a tree of entities, the faulty ones told and left out; None where the file is no table."""
    file = entry["rows"]
    if not isinstance(file, str) or not _FILE.fullmatch(file):
        given = f"'{shown(file)}'" if isinstance(file, str) else "this"
        what = "will not do: a plain name of a .csv file of this folder is expected"
        problems.append(Problem(where, f"entities.{key}.rows: {given} {what}"))
        return None
    if not isinstance(entry.get("kind"), str):
        problems.append(Problem(where, f"entities.{key}: a table needs the `kind` of its rows"))
        return None
    name = display(folder / file, working)
    common = {k: v for k, v in entry.items() if k != "rows"}
    rows: dict[str, Plain] = {}
    lines: dict[str, Lines] = {}
    told = len(problems)
    try:
        text = read_text(folder, file, name=name, error=BadScenario, limit=LARGEST_TABLE)
        for line, header, row in _records(text, name, budget):
            try:
                id_, cells = _row(row, header, f"{name}:{line}")
            except BadScenario as fault:
                problems.append(Problem(fault.where, fault.message))
                if len(problems) - told >= MOST_TOLD:
                    break
                continue
            if id_ in rows:
                first = lines[id_]
                first = first if isinstance(first, int) else first[0]
                problems.append(Problem(f"{name}:{line}", f"'{id_}' is given twice, first on line {first}"))
                continue
            rows[id_] = {**common, **cells}
            lines[id_] = (line, dict.fromkeys(cells, line)) if cells else line
    except BadInput as fault:
        problems.append(Problem(where if fault.where == name else fault.where, fault.message))
        return None
    return Tree(name, {"entities": rows}, (1, {"entities": (1, lines)}))


def _records(text: str, name: str, budget: Budget) -> Iterator[tuple[int, list[str], list[str]]]:
    """(line, header, cells) of every row that is not empty. Raises BadScenario where the file is no such table."""
    budget.characters -= len(text)
    if budget.characters < 0:
        raise BadScenario(f"too large: more than {Budget().characters} characters in all", where=f"{name}:1")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line, header = 1, list[str]()
    try:
        for count, row in enumerate(reader):
            here = f"{name}:{line}"
            budget.values -= len(row) + 1
            if budget.values < 0:
                raise BadScenario(f"too large: more than {Budget().values} values in all", where=here)
            if count > MOST_ROWS:
                raise BadScenario(f"more than {MOST_ROWS:,} rows", where=here)
            if not header:
                header = _header(row, here)
            elif row:
                yield line, header, row
            line = reader.line_num + 1
    except csv.Error as fault:
        raise BadScenario(f"no table of comma-separated values: {shown(str(fault))}", where=f"{name}:{line}") from None
    if not header:
        raise BadScenario("the table is empty: its first line names the columns (id, label, ...)", where=f"{name}:1")


def _header(row: list[str], where: str) -> list[str]:
    names = [cell.strip() for cell in row]
    if len(names) > MOST_COLUMNS:
        raise BadScenario(f"{len(names)} columns, at most {MOST_COLUMNS}", where=where)
    for number, name in enumerate(names):
        if not _NAME.fullmatch(name):
            raise BadScenario(f"the column '{shown(name)}' is no name of a variable (a-z, 0-9 and _)", where=where)
        if name in names[:number]:
            raise BadScenario(f"the column '{name}' stands twice", where=where)
        if name in ("kind", "rows", "values"):
            raise BadScenario(f"a table has no column '{name}': all its rows are of one kind", where=where)
    if "id" not in names:
        raise BadScenario(f"the table has no column 'id'{near('id', names)}", where=where)
    return names


def _row(row: list[str], header: list[str], where: str) -> tuple[str, dict[str, Plain]]:
    if len(row) != len(header):
        raise BadScenario(f"{len(row)} cells, where the header names {len(header)} columns", where=where)
    cells: dict[str, Plain] = {}
    id_ = ""
    for name, cell in zip(header, (cell.strip() for cell in row), strict=True):
        if len(cell) > LONGEST_CELL or "\n" in cell:
            raise BadScenario(f"the cell under '{name}' is no short text of one line", where=where)
        if name == "id":
            id_ = cell
        elif cell:
            cells[name] = cell if name == "label" else _value(cell, name, where)
    if not _NAME.fullmatch(id_):
        form = "a name is made of a-z, 0-9 and _, a letter first, at most 64 characters"
        raise BadScenario(f"'{shown(id_)}' will not do as an id: {form}", where=where)
    return id_, cells


def _value(cell: str, name: str, where: str) -> Plain:
    """A cell as YAML would read it."""
    if cell in ("true", "false"):
        return cell == "true"
    if not _DECIMAL.fullmatch(cell):
        return cell
    if _INTEGER.fullmatch(cell):
        if len(cell.lstrip("+-")) > MOST_DIGITS:
            raise BadScenario(f"a whole number of more than {MOST_DIGITS} digits under '{name}'", where=where)
        return int(cell)
    number = float(cell[:400])
    if number in (float("inf"), float("-inf")):
        raise BadScenario(f"the number under '{name}' is too large", where=where)
    return number
