"""A run as one file, out and in: JSON lines with a header, texts, calls, events, and a closing checksum.

    {"orchestrator_run": 1, "run": {...}}
    {"text": {"hash", "text"}} ...  {"call": {...}} ...  {"event": {...}} ...
    {"end": {"lines": N, "sha256": HEX}}      over all bytes before this line

A file that comes in is hostile until it is proved whole: it is bounded while it is read, every row is
checked against its form, and the record against itself, before the caller writes anything.
"""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from pydantic import Field, TypeAdapter, ValidationError

from orchestrator.core.value import Value, canonical
from orchestrator.errors import BadFile, BadUsage
from orchestrator.ledger.check import problems
from orchestrator.ledger.ids import checked_name
from orchestrator.ledger.rows import CallRow, EventRow, RunRow, Whole

FORMAT = 1
MOST_BYTES = 512 * 2**20
"""Of a file that is let in."""
MOST_LINE_BYTES = 32 * 2**20
MOST_LINES = 2_000_000


_EVENT = TypeAdapter(EventRow)


class _Text(Value):
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    text: str


class _End(Value):
    lines: int
    sha256: str


def lines_of(run: Whole) -> Iterator[bytes]:
    """The file's lines, in order."""
    read, count = hashlib.sha256(), 0
    for row in _rows(run):
        line = canonical(row).encode() + b"\n"
        read.update(line)
        count += 1
        yield line
    yield canonical({"end": {"lines": count, "sha256": read.hexdigest()}}).encode() + b"\n"


def _rows(whole: Whole) -> Iterator[dict[str, Any]]:
    yield {"orchestrator_run": FORMAT, "run": dict(whole.run)}
    for key, text in whole.texts.items():
        yield {"text": {"hash": key, "text": text}}
    for call in whole.calls:
        yield {"call": dict(call)}
    for event in whole.events:
        yield {"event": event._asdict()}


def write(lines: Iterable[bytes], out: Path, *, force: bool) -> None:
    """Writes the file whole or not at all. Raises BadFile: it is there already (unless `force`), or the
    place cannot be written."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            if force:
                os.replace(unfinished, out)
            else:
                os.link(unfinished, out)  # refuses, in one step, where something is there
        finally:
            unfinished.unlink(missing_ok=True)
    except FileExistsError as error:
        raise BadFile(
            f"{out} is there already; nothing was written", hint="name another file", where=str(out)
        ) from error
    except OSError as error:
        raise BadFile(f"{out} cannot be written: {error.strerror}", where=str(out)) from error


def read(path: Path) -> Whole:
    """The run in the file, proved whole. Raises BadFile with the line and what was expected there."""
    try:
        with path.open("rb") as file:
            found = _read(path, file)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}", where=str(path)) from error
    wrong = [*_belonging(found), *problems(found)]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise BadFile(
            f"{path} holds a damaged run: {_short(wrong[0])}{more}; nothing was imported",
            hint="export it again where it was played",
            where=str(path),
        )
    return found


def _belonging(found: Whole) -> Iterator[str]:
    if found.run.name is not None:
        try:
            checked_name(found.run.name)
        except BadUsage as error:
            yield error.message
    for row in (*found.calls, *found.events):
        if row.run != found.run.id:
            yield f"a row belongs to run {row.run}, not to {found.run.id}"
            return


def _read(path: Path, file: BinaryIO) -> Whole:
    whole, size, number = hashlib.sha256(), 0, 0
    run: RunRow | None = None
    texts: dict[str, str | None] = {}
    calls: dict[str, CallRow] = {}
    events: list[EventRow] = []
    end: _End | None = None
    while line := file.readline(MOST_LINE_BYTES + 1):
        number += 1
        size += len(line)
        if len(line) > MOST_LINE_BYTES or size > MOST_BYTES or number > MOST_LINES:
            raise _bad(path, number, "the file is larger than any run")
        if end is not None or not line.endswith(b"\n"):
            raise _bad(path, number, "a line that ends, and none after the closing one, was expected")
        kind, data = _record(path, number, line, is_first=run is None)
        try:
            match kind:
                case "run":
                    run = RunRow.model_validate(data, strict=True)
                case "text":
                    text = _Text.model_validate(data, strict=True)
                    if texts.setdefault(text.hash, text.text) is not text.text:
                        raise _bad(path, number, "this text came before")
                case "call":
                    call = CallRow.model_validate(data, strict=True)
                    if calls.setdefault(call.key, call) is not call:
                        raise _bad(path, number, f"the call {_short(call.key)} came before")
                case "event":
                    events.append(_EVENT.validate_python(data, strict=True))
                case "end":
                    end = _End.model_validate(data, strict=True)
                case _:
                    raise _bad(path, number, "text, call, event or end was expected")
        except ValidationError as error:
            fault = error.errors()[0]
            raise _bad(path, number, f"{kind}.{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
        if end is None:
            whole.update(line)
    if run is None or end is None or (end.lines, end.sha256) != (number - 1, whole.hexdigest()):
        raise _bad(path, number, "the closing line does not fit what stands before it: the file was cut or changed")
    return Whole(run, texts, tuple(calls.values()), tuple(events))


def _record(path: Path, number: int, line: bytes, *, is_first: bool) -> tuple[str, Any]:
    """The kind of a line and its content."""
    try:
        data: Any = json.loads(
            line.decode(), object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise _bad(path, number, f"JSON was expected ({_short(str(error))})") from error
    if not isinstance(data, dict):
        raise _bad(path, number, "a JSON object was expected")
    record = cast(dict[str, Any], data)
    if is_first:
        if record.keys() != {"orchestrator_run", "run"}:
            raise _bad(path, number, "the header of an exported run was expected")
        if record["orchestrator_run"] != FORMAT:
            raise _bad(
                path,
                number,
                f"format {FORMAT} was expected, and {_short(str(record['orchestrator_run']))} is given",
            )
        return "run", record["run"]
    if len(record) != 1 or "run" in record:
        raise _bad(path, number, "one of text, call, event, end was expected")
    return next(iter(record.items()))


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _short(said: str) -> str:
    """At most 200 printable characters of what may come from a hostile file."""
    return "".join(char if char.isprintable() else "?" for char in said[:200])


def _bad(path: Path, number: int, what: str) -> BadFile:
    where = f"{path}:{number}"
    return BadFile(f"{where}: {what}; nothing was imported", hint="export it again where it was played", where=where)
