"""A file that is no whole model is refused with a sentence before llama.cpp sees it."""

import random
import struct
from pathlib import Path

import pytest

from orchestrator.backends.gguf import check_gguf
from orchestrator.errors import BadModelFile
from tests.backends.gguf_kit import F32, KEYS, TENSORS, UINT32, gguf, key, tensor, text, written

REFUSED = {
    "empty": (b"", "is empty"),
    "short": (b"GG", "does not begin with the letters GGUF"),
    "foreign": (b"PK\x03\x04" + bytes(4000), "does not begin with the letters GGUF"),
    "page instead of a model": (b"<html>Not found</html>" * 50, "does not begin with the letters GGUF"),
    "only magic": (b"GGUF", "only 4 bytes"),
    "old version": (gguf(version=1), "version 1"),
    "big endian": (gguf(version=0x03000000), "version 50331648"),
    "no tensors": (gguf(tensors=()), "0 tensors"),
    "countless keys": (gguf(counts=(2, 2**63)), "keys"),
    "more keys than there are": (gguf(counts=(2, 2000)), "expected a whole GGUF file"),
    "endless string": (
        gguf(keys=(struct.pack("<Q", 2**62) + b"abc",)),
        "ends inside its header",
    ),
    "unknown value type": (gguf(keys=(*KEYS, key("odd", 77, b"1234"))), "unknown type 77"),
    "endless array": (
        gguf(keys=(*KEYS, key("odd", 9, struct.pack("<IQ", 4, 2**40)))),
        "array of 1,099,511,627,776 elements",
    ),
    "arrays in arrays": (
        gguf(keys=(*KEYS, key("odd", 9, struct.pack("<IQ", 9, 1) * 9 + struct.pack("<IQ", 4, 0)))),
        "unknown type 9",
    ),
    "no architecture": (gguf(keys=KEYS[1:]), "does not say the architecture"),
    "key twice": (gguf(keys=(*KEYS, KEYS[0])), "key 'general.architecture' twice"),
    "odd alignment": (
        gguf(keys=(KEYS[0], key("general.alignment", UINT32, struct.pack("<I", 7)))),
        "alignment is 7",
    ),
    "tensor twice": (gguf(tensors=(TENSORS[0], TENSORS[0])), "tensor 'token_embd.weight' twice"),
    "five dimensions": (gguf(tensors=(tensor("t", (1, 1, 1, 1, 1), F32, 0),)), "5 dimensions"),
    "no elements": (gguf(tensors=(tensor("t", (32, 0), F32, 0),)), "impossible shape"),
    "overflow": (gguf(tensors=(tensor("t", (2**32, 2**32), F32, 0),)), "impossible shape"),
    "between the lines": (gguf(tensors=(tensor("t", (32,), F32, 5),)), "impossible shape or place"),
    "broken block": (gguf(tensors=(tensor("t", (33, 2), 2, 0),)), "no multiple of 32"),
    "tensor beyond the end": (gguf(tensors=(*TENSORS, tensor("t", (32,), F32, 4096))), "is truncated"),
    "unknown type beyond the end": (gguf(tensors=(*TENSORS, tensor("t", (32,), 99, 4096))), "is truncated"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_what_is_wrong(name: str, tmp_path: Path) -> None:
    content, what = REFUSED[name]
    path = written(tmp_path, content)
    with pytest.raises(BadModelFile) as caught:
        check_gguf(path)
    assert what in caught.value.message
    assert str(path) in caught.value.message
    assert "orchestrate models pull" in caught.value.hint


def test_a_whole_file_is_accepted(tmp_path: Path) -> None:
    content = gguf()
    header = check_gguf(written(tmp_path, content))
    assert header == ("llama", 2, len(content))


def test_a_header_longer_than_one_read_is_walked(tmp_path: Path) -> None:
    many = struct.pack("<IQ", 8, 200_000) + b"".join(text(f"a word {n}") for n in range(200_000))
    header = check_gguf(written(tmp_path, gguf(keys=(*KEYS, key("words", 9, many)))))
    assert header.tensors == 2


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = gguf()
    for length in range(0, len(whole), 37):
        with pytest.raises(BadModelFile):
            check_gguf(written(tmp_path, whole[:length]))
    with pytest.raises(BadModelFile, match="truncated"):
        check_gguf(written(tmp_path, whole[:-1]))


def test_flipped_header_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    dice = random.Random(3)
    whole = gguf()
    for _ in range(400):
        flipped = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            flipped[dice.randrange(len(whole))] = dice.randrange(256)
        try:
            header = check_gguf(written(tmp_path, bytes(flipped)))
        except BadModelFile:
            continue
        assert header.size <= len(whole)


@pytest.mark.parametrize("place", ["absent.gguf", "."])
def test_what_is_no_file_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="cannot be read"):
        check_gguf(tmp_path / place)
