"""Bytes and words from outside, made safe before anyone reads them.

Here because the HTTP backends and the script backend need the same strictness and must not import each
other. Knows nothing of HTTP: only JSON text, depth, and sentences that may be shown in a terminal.
"""

import json
import math
import re
import unicodedata
from typing import Any, cast

MAX_DEPTH = 64
"""Deepest nesting of arrays and objects that is read."""

_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def strict_json(data: bytes) -> Any:
    """The plain data of a JSON text in UTF-8.

    Raises ValueError, with a sentence, on invalid UTF-8 or JSON, duplicate keys, NaN, infinities (also
    numbers such as 1e999 that become one) and nesting deeper than `MAX_DEPTH`.
    """
    _refuse_depth(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8 at byte {error.start}") from error
    try:
        return json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid JSON at character {error.pos}: {error.msg}") from error


def mapping(data: Any) -> dict[str, Any] | None:
    """The data as a JSON object, or None if it is none."""
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None


def sequence(data: Any) -> list[Any] | None:
    """The data as a JSON array, or None if it is none."""
    return cast("list[Any]", data) if isinstance(data, list) else None


def one_line(text: str, limit: int = 240) -> str:
    """The text as one printable line of at most `limit` characters: no controls, no bidi marks."""
    # A server may send megabytes: nothing beyond a few times the limit can be shown anyway.
    head = text[: limit * 8]
    shown = "".join(" " if unicodedata.category(char) in _HIDDEN else char for char in head)
    line = " ".join(shown.split())
    return line if len(line) <= limit and len(text) == len(head) else line[: limit - 1].rstrip() + "…"


def storable(text: str) -> str:
    """The text with lone surrogates (from a JSON escape such as `\\ud800`) replaced: no store takes them."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _refuse_depth(data: bytes) -> None:
    # Checked on the bytes, because a parser that recurses may fail before it can be asked.
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _TOKENS.finditer(data):
        first = found.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"JSON nested deeper than {MAX_DEPTH}")
        elif first != b'"':
            depth -= 1


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"duplicate key {one_line(key, 40)!r}")
            seen.add(key)
    return made


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {one_line(text, 24)} is too large")
    return number
