"""Answers read from a file, by key: for tests, demonstrations and teaching.

One JSON object a line. A line answers one call (`key`), or many (`match`, a pattern over the four parts
of a key; or `key` with `"repeat": true`, which also answers every other call of that seat and kind):

    {"key": "r1/alpha_ceo/decide/1", "json": {"reason": "...", "action": "wait"}}
    {"match": "r*/doj_antitrust/judge/*", "text": "4"}
    {"key": "r1/eu_commission/speak/1", "text": "We wait.", "repeat": true}

The answer is a function of the key alone, never of what was asked before, so a resumed run gets what an
uninterrupted one would have got. A line with just this `key` comes first, then the first line in file
order that covers it. The file's sha256 is the model: another file is another model.
"""

import fnmatch
import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import Field, ValidationError

from orchestrator.backends.protocol import Abilities
from orchestrator.backends.wire import one_line, storable, strict_json
from orchestrator.core.call import Answer, Call, CallKind, Outcome, Reply, TokenChoice, Usage
from orchestrator.core.value import Value
from orchestrator.errors import BackendFailed, BadFile

SIZE_CAP = 64 * 1024 * 1024
"""Largest file that is read, in bytes."""

_KEY = re.compile(rf"r\d+/[a-z][a-z0-9_]*/({'|'.join(get_args(CallKind))})/[1-9]\d*")


class ScriptLine(Value):
    """One line of the file."""

    key: str | None = None
    """The call it answers."""
    match: str | None = None
    """Instead of `key`: four patterns with `*`, `?` and `[...]`, one a part of the key; or `*` for all."""
    repeat: bool = False
    """With `key`: also any other round and number of the same seat and kind."""
    text: str | None = None
    """The answer's text."""
    data: Any = Field(default=None, alias="json")
    """Instead of `text`: the JSON value that the text is to be."""
    outcome: Outcome = "ok"
    """How the answer ended; anything but `ok` may do without a text."""
    tokens: tuple[TokenChoice, ...] = ()
    """Log-probabilities, given where a call asks for them."""
    usage: Usage = Usage()
    """Tokens to account for."""


class _Script(NamedTuple):
    sha256: str
    exact: dict[str, ScriptLine]
    covering: list[tuple[tuple[str, ...], ScriptLine]]


class ScriptBackend:
    """A backend of kind `script` (see `protocol.Backend`). The file is read once, at first need; reading
    it raises BadFile, from `model` as from `start`."""

    def __init__(self, *, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    def __repr__(self) -> str:
        return f"ScriptBackend(name={self._name!r}, path={str(self._path)!r})"

    @property
    def kind(self) -> str:
        return "script"

    @property
    def model(self) -> str:
        """sha256 of the file's bytes, in hexadecimal."""
        return self._script.sha256

    @property
    def abilities(self) -> Abilities:
        return Abilities(logprobs=True, schema_enforced=True, seed=True, begun=True, concurrency=64)

    async def start(self) -> None:
        """Reads the file. Raises BadFile."""
        _ = self._script

    async def answer(self, call: Call) -> Answer:
        """Answers one call. Raises BackendFailed where no line covers its key."""
        line = self._script.exact.get(call.key)
        if line is None:
            covering = self._script.covering
            line = next((line for patterns, line in covering if _covers(patterns, call.key)), None)
        if line is None:
            raise BackendFailed(
                f"{self._path} has no answer for {call.key}",
                hint=f'add a line {{"key": "{call.key}", "text": "..."}} and start a new run '
                "or fork this one: an edited file is another model",
                where=str(self._path),
            )
        wanted = call.sampling.top_logprobs > 0
        reply = Reply(
            text=_text(line),
            outcome=line.outcome,
            tokens=line.tokens if wanted else (),
            dropped=("logprobs",) if wanted and not line.tokens else (),
        )
        return Answer(reply=reply, usage=line.usage, served_by="script")

    async def aclose(self) -> None:
        """Nothing to free."""

    @cached_property
    def _script(self) -> _Script:
        return _read(self._path)


def _read(path: Path) -> _Script:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= SIZE_CAP else b""
    except OSError as error:
        raise BadFile(
            f"{path} cannot be read: {error.strerror or error}",
            hint="correct `path` of the script backend in the configuration",
            where=str(path),
        ) from error
    if size > SIZE_CAP:
        raise BadFile(f"{path} is larger than {SIZE_CAP} bytes", hint="split it", where=str(path))
    exact: dict[str, ScriptLine] = {}
    covering: list[tuple[tuple[str, ...], ScriptLine]] = []
    for number, content in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not content.strip():
            continue
        try:
            line = _line(content)
            if line.key is not None and line.key in exact:
                raise ValueError(f"a second answer for {line.key}")
        except ValueError as error:
            raise BadFile(
                f"{path}:{number}: {one_line(_why(error))}",
                hint='each line is one JSON object like {"key": "r1/seat/decide/1", "text": "..."}',
                where=f"{path}:{number}",
            ) from error
        if line.key is not None:
            exact[line.key] = line
        if (patterns := _covered(line)) is not None:
            covering.append((patterns, line))
    return _Script(hashlib.sha256(raw).hexdigest(), exact, covering)


def _line(content: bytes) -> ScriptLine:
    """A line, checked. Raises ValueError."""
    data = strict_json(content)
    line = ScriptLine.model_validate(data)
    if (line.key is None) == (line.match is None):
        raise ValueError("needs either `key` or `match`")
    if line.key is not None and not _KEY.fullmatch(line.key):
        kinds = ", ".join(get_args(CallKind))
        raise ValueError(f"the key {line.key!r} is not r<round>/<seat>/<kind>/<n> with a kind of {kinds}")
    if line.match is not None and line.match != "*" and line.match.count("/") != 3:
        raise ValueError(f"the match {line.match!r} has not four parts like r*/<seat>/judge/*")
    if line.text is not None and "data" in line.model_fields_set:
        raise ValueError("has both `text` and `json`")
    if line.text is None and "data" not in line.model_fields_set and line.outcome == "ok":
        raise ValueError("needs `text` or `json`, or an outcome other than ok")
    return line


def _covered(line: ScriptLine) -> tuple[str, ...] | None:
    """The patterns of the keys that a line covers beside its own; None for a plain `key` line."""
    if line.match == "*":
        return ("*",) * 4
    if line.match is not None:
        return tuple(line.match.split("/"))
    if line.key is not None and line.repeat:
        _, seat, kind, _ = line.key.split("/")
        return ("r*", seat, kind, "*")
    return None


def _covers(patterns: tuple[str, ...], key: str) -> bool:
    return all(map(fnmatch.fnmatchcase, key.split("/"), patterns))


def _text(line: ScriptLine) -> str:
    if line.text is not None:
        return storable(line.text)
    return "" if "data" not in line.model_fields_set else storable(json.dumps(line.data, ensure_ascii=False))


def _why(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
