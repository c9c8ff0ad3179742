"""A small, bounded reader of GGUF headers: is this file whole, before llama.cpp sees it?

llama.cpp may end the process over a file that is truncated or no model at all. So the header is walked
here: magic, version, metadata, and for every tensor that its bytes lie inside the file. Weights are not
read. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (little endian).
"""

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from orchestrator.errors import BadModelFile

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SMALLEST = 24
"""Bytes of the fixed part of a header."""
MOST_KEYS = 65_536
MOST_TENSORS = 262_144
MOST_ELEMENTS = 16_777_216
MOST_DIMENSIONS = 4
MOST_HEADER = 512 * 1024 * 1024
"""Bytes. A vocabulary of 256,000 words needs 12 million."""
CHUNK = 1024 * 1024

STRING, ARRAY = 8, 9
FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Metadata value types of fixed size -> bytes."""

BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""Tensor type -> (elements a block, bytes a block). Of a type not listed only the start is checked."""


class Header(NamedTuple):
    """What the walk found."""

    architecture: str
    tensors: int
    size: int
    """Bytes that the header says the file has, at least."""


class _BrokenError(Exception):
    """What is wrong, as the end of a sentence."""


class _Cursor:
    """Reads forward through a file, never past its end and never more than `MOST_HEADER` bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.buffer, self.start, self.at = b"", 0, 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        position = self.start + self.at
        if count > self.size - position:
            raise _BrokenError(f"it ends inside its header (byte {self.size:,})")
        if position + count > MOST_HEADER:
            raise _BrokenError("its header is implausibly long")
        if self.at + count > len(self.buffer):
            self.buffer = self.buffer[self.at :] + self.file.read(max(CHUNK, count))
            self.start, self.at = position, 0
            if count > len(self.buffer):
                raise _BrokenError("it became shorter while it was read")
        found = self.buffer[self.at : self.at + count]
        self.at += count
        return found

    def number(self, form: str) -> int:
        """The next unsigned integer; form `I` or `Q`."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def string(self) -> bytes:
        return self.take(self.number("Q"))

    def pass_strings(self, count: int) -> None:
        """Passes over strings: a vocabulary has hundreds of thousands, so this loop is kept bare."""
        length_at, buffer, at = struct.Struct("<Q").unpack_from, self.buffer, self.at
        for _ in range(count):
            if at + 8 <= len(buffer) and (end := at + 8 + length_at(buffer, at)[0]) <= len(buffer):
                at = end
                continue
            self.at = at
            self.string()
            buffer, at = self.buffer, self.at
        self.at = at


def check_gguf(path: Path) -> Header:
    """Walks the header. Raises BadModelFile with what is wrong: absent, empty, foreign, truncated, damaged."""
    hint = "`orchestrate models pull` fetches a model that is known to work"
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = _walk(_Cursor(file, size))
    except OSError as error:
        raise BadModelFile(
            f"the model file {path} cannot be read: {error.strerror or error}; expected a GGUF file",
            hint=hint,
            where=str(path),
        ) from error
    except _BrokenError as error:
        raise BadModelFile(
            f"{path} is no usable model: {error}; expected a whole GGUF file", hint=hint, where=str(path)
        ) from error
    if header.size > size:
        raise BadModelFile(
            f"the model file {path} is truncated: it has {size:,} bytes, and its header says at least {header.size:,}",
            hint=hint,
            where=str(path),
        )
    return header


def _walk(cursor: _Cursor) -> Header:
    if cursor.size == 0:
        raise _BrokenError("it is empty")
    if cursor.take(min(4, cursor.size)) != MAGIC:
        raise _BrokenError("it does not begin with the letters GGUF")
    if cursor.size < SMALLEST:
        raise _BrokenError(f"it has only {cursor.size} bytes")
    version = cursor.number("I")
    if version not in VERSIONS:
        raise _BrokenError(f"it is of GGUF version {version}, and 2 and 3 are known")
    tensors, keys = cursor.number("Q"), cursor.number("Q")
    if not 1 <= tensors <= MOST_TENSORS or not 1 <= keys <= MOST_KEYS:
        raise _BrokenError(f"its header names {tensors:,} tensors and {keys:,} keys")
    architecture, alignment = "", 32
    seen: set[bytes] = set()
    for _ in range(keys):
        key = _new(cursor.string(), seen, "key")
        value = _value(cursor, cursor.number("I"))
        if key == b"general.architecture":
            architecture = value.decode("utf-8", "replace")
        elif key == b"general.alignment":
            alignment = int.from_bytes(value, "little")
    if not architecture:
        raise _BrokenError("its header does not say the architecture")
    if alignment < 8 or alignment & (alignment - 1) or alignment > CHUNK:
        raise _BrokenError(f"its alignment is {alignment}")
    seen = set()
    end = max(_tensor(cursor, seen, alignment) for _ in range(tensors))
    data = -(-(cursor.start + cursor.at) // alignment) * alignment
    return Header(architecture, tensors, data + end)


def _new(name: bytes, seen: set[bytes], what: str) -> bytes:
    if name in seen:
        raise _BrokenError(f"its header has the {what} {name.decode('utf-8', 'replace')!r} twice")
    seen.add(name)
    return name


def _value(cursor: _Cursor, kind: int, depth: int = 0) -> bytes:
    """Passes over one metadata value; gives its bytes where it is no array."""
    if kind in FIXED:
        return cursor.take(FIXED[kind])
    if kind == STRING:
        return cursor.string()
    if kind != ARRAY or depth > 2:
        raise _BrokenError(f"its header has a value of the unknown type {kind}")
    inner, count = cursor.number("I"), cursor.number("Q")
    if count > MOST_ELEMENTS:
        raise _BrokenError(f"its header has an array of {count:,} elements")
    if inner in FIXED:
        cursor.take(FIXED[inner] * count)
    elif inner == STRING:
        cursor.pass_strings(count)
    else:
        for _ in range(count):
            _value(cursor, inner, depth + 1)
    return b""


def _tensor(cursor: _Cursor, seen: set[bytes], alignment: int) -> int:
    """Reads one tensor's entry; gives where it ends, in bytes from the start of the data."""
    name = _new(cursor.string(), seen, "tensor").decode("utf-8", "replace")
    dimensions = cursor.number("I")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise _BrokenError(f"its tensor {name!r} has {dimensions} dimensions")
    shape = [cursor.number("Q") for _ in range(dimensions)]
    kind, offset = cursor.number("I"), cursor.number("Q")
    elements = 1
    for length in shape:
        elements *= length
    if not 0 < elements < 2**60 or offset % alignment:
        raise _BrokenError(f"its tensor {name!r} has an impossible shape or place")
    if kind not in BLOCKS:
        return offset + 1
    block, width = BLOCKS[kind]
    if shape[0] % block:
        raise _BrokenError(f"its tensor {name!r} has rows of {shape[0]}, which is no multiple of {block}")
    return offset + elements // block * width
