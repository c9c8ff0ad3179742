"""Run ids, names and clock texts: the only place of the ledger that reads clock and chance.

An id is 13 characters of Crockford's base 32: eight of time (10 ms since 2026), five of chance. It
begins with a digit (until the year 2135) and a name with a letter, so neither is ever taken for the other.
"""

import re
import secrets
import threading
import time
from datetime import UTC, datetime

from orchestrator.errors import BadUsage

RUN_ID = r"^[0-9][0-9a-z]{11,13}$"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_EPOCH = 1_767_225_600
"""2026-01-01 UTC, in seconds since 1970."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_ID = re.compile(RUN_ID.strip("^$"), re.ASCII)


class _Ticks:
    """Strictly rising ticks, so that ids made in one process sort in the order of their making."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # ids may be made by several threads of one ensemble
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, int((time.time() - _EPOCH) * 100))
            return self._last


_ticks = _Ticks()


def _base32(number: int, width: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(width)))


def new_run_id() -> str:
    """A new id: 13 lowercase letters and digits that sort by creation."""
    return _base32(_ticks.next(), 8) + _base32(secrets.randbits(25), 5)


def is_run_id(text: str) -> bool:
    """Whether the text has the form of an id (no separator, no dot: safe in a file name)."""
    return _ID.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """The name itself. Raises BadUsage unless it is 1-64 letters, digits, `-`, `_`, `.`, begins with a
    letter (ids begin with a digit) and is not `last`."""
    if name.lower() == "last":
        raise BadUsage("no run may be named `last`: it always means the latest run", hint="choose another --name")
    if _NAME.fullmatch(name) is None:
        raise BadUsage(
            f"the name {name[:80]!r} cannot be used: a name has 1 to 64 letters, digits, '-', '_' or '.', "
            "and begins with a letter",
            hint="choose another --name",
        )
    return name


def utc_now() -> str:
    """The present as fixed-width UTC text, `2026-11-24T10:00:00.000000Z`: sorts as it reads."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
