"""What every stored value shares: frozen, closed, and one canonical JSON text for its hash.

Canonical JSON: keys sorted, no blanks, UTF-8 without escapes, no NaN or infinity. Numbers are written
in Python's shortest exact form, so equal values give equal bytes on every machine.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    raise TypeError(f"{type(value).__name__} is no plain data")


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


def canonical(value: Any) -> str:
    """The canonical JSON text of plain data (tuples are arrays). Raises ValueError on NaN and infinity."""
    return _encode(value)


def quoted(text: str) -> str:
    """A string as canonical JSON has it."""
    return json.encoder.encode_basestring(text)


def digest(text: str) -> str:
    """sha256 of the text's UTF-8 bytes, in hexadecimal (64 characters)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def rounded(number: float) -> float:
    """A number as a rule writes it: 12 significant digits, in its shortest form (4.0 becomes 4).

    Raises OverflowError where it is not finite: such a number is never stored.
    """
    short = float(f"{float(number):.12g}")
    if short - short != 0:
        raise OverflowError("the result is not a finite number")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def linked(previous: str, body: str) -> str:
    """The next link of a hash chain: sha256 of the previous link and the canonical body."""
    return digest(previous + "\n" + body)
