"""Reads one TOML file and remembers on which line each key stands.

tomllib gives values without places; error sentences and `config show` want `file:line`. What the values
mean is `config`'s business.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import BadConfig

LARGEST_FILE = 1 << 20
"""Bytes; a configuration is never that long."""

Key = tuple[str, ...]
Lines = Mapping[Key, int]
"""Dotted key -> line from 1, for keys and tables that begin a line."""

_PART = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*(?P<key>{_KEY})\s*\]")
_PAIR = re.compile(rf"\s*(?P<key>{_KEY})\s*=")


def read_toml(path: Path) -> tuple[dict[str, Any], Lines]:
    """The file's data and lines. Raises BadConfig: unreadable, too large, not UTF-8, no TOML."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            message = f"{path} is larger than {LARGEST_FILE} bytes, so it is no configuration"
            raise BadConfig(message, where=str(path))
        text = path.read_text("utf-8")
    except UnicodeDecodeError as e:
        raise BadConfig(f"{path} is not UTF-8 text (byte {e.start})", where=str(path)) from e
    except OSError as e:
        raise BadConfig(f"{path} cannot be read: {e.strerror}", where=str(path)) from e
    try:
        return tomllib.loads(text), lines_of(text)
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        found = re.search(r"at line (\d+)", str(e))
        where = f"{path}:{found[1] if found else max(1, len(text.splitlines()))}"
        said = "nested too deeply" if isinstance(e, RecursionError) else str(e)
        raise BadConfig(f"{where} is no valid TOML: {said}", hint=f"mend {path}", where=where) from e


def lines_of(text: str) -> dict[Key, int]:
    """Dotted key -> line, for the keys that begin a line."""
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header["key"])
            found.setdefault(table, number)
        elif pair := _PAIR.match(line):
            found.setdefault(table + _parts(pair["key"]), number)
    return found


def line_of(key: Key, lines: Lines) -> int:
    """The line of the key, else of the nearest table that holds it, else the first."""
    return next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)


def _parts(key: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))
