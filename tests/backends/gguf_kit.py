"""GGUF files built by hand."""

import struct
from collections.abc import Sequence
from pathlib import Path

F32, Q4_0 = 0, 2
STRING, UINT32, ARRAY = 8, 4, 9


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def words(count: int) -> bytes:
    """An array of strings."""
    return struct.pack("<IQ", STRING, count) + b"".join(text(f"word{n}") for n in range(count))


def tensor(name: str, shape: Sequence[int], kind: int, offset: int) -> bytes:
    return (
        text(name)
        + struct.pack("<I", len(shape))
        + b"".join(struct.pack("<Q", length) for length in shape)
        + struct.pack("<IQ", kind, offset)
    )


KEYS = (
    key("general.architecture", STRING, text("llama")),
    key("general.alignment", UINT32, struct.pack("<I", 32)),
    key("tokenizer.ggml.tokens", ARRAY, words(500)),
)
TENSORS = (tensor("token_embd.weight", (32, 4), F32, 0), tensor("output.weight", (32, 4), Q4_0, 512))
DATA = 512 + 4 * 18
"""Bytes of the two tensors: 128 floats, then 4 blocks of 18 bytes."""


def gguf(
    *,
    keys: Sequence[bytes] = KEYS,
    tensors: Sequence[bytes] = TENSORS,
    data: int = DATA,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    """A whole file; `counts` are the numbers of tensors and keys that the header claims."""
    claimed = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, *claimed) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


def written(folder: Path, content: bytes, name: str = "some.gguf") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
