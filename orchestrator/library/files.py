"""Where files are looked for, and the one function that opens them.

Two roots: the working folder first, then what is packaged with the program (in an installed wheel
`orchestrator/shipped`, in a checkout the repository itself). A file is read only if it resolves to a regular
file inside the folder it belongs to, is small, and is clean UTF-8; what a stranger's folder links to
elsewhere is never opened.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

import orchestrator
from orchestrator.errors import BadInput
from orchestrator.library.yaml import shown, unsafe_character

MEBIBYTE = 1024 * 1024
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def packaged_root() -> Path:
    """The folder that holds the `scenarios`, `personas` and `prompts` that came with the program."""
    package = Path(orchestrator.__file__).parent
    shipped = package / "shipped"
    return shipped if shipped.is_dir() else package.parent


def roots(working: Path, packaged: Path | None) -> tuple[Path, ...]:
    """The folders to look in, first one first; one where both are the same."""
    last = packaged_root() if packaged is None else packaged
    return (working,) if _same(working, last) else (working, last)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def display(path: Path, working: Path) -> str:
    """A path as messages show it: from the working folder where it lies inside."""
    with suppress(ValueError):
        path = path.absolute().relative_to(working.absolute())
    return shown(path.as_posix(), 400)


def read_text(folder: Path, relative: str, *, name: str, error: type[BadInput], limit: int) -> str:
    """The text of `folder/relative`, line ends made `\\n`. `name` is the file's name in messages.

    Raises `error` where the file is missing, leads out of `folder`, is no regular file, holds more than
    `limit` bytes or is not clean UTF-8 without a byte order mark.
    """
    try:
        base = folder.resolve(strict=True)
        path = (folder / relative).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as fault:  # RuntimeError: a loop of links, before Python 3.13
        raise error(f"cannot read {name}: {_reason(fault)}", where=name) from fault
    if not path.is_relative_to(base):
        raise error(f"{name} leads out of its folder: only files of the folder itself are read", where=name)
    return _decoded(read_bytes(path, name, error, limit), name, error)


def read_bytes(path: Path, name: str, error: type[BadInput], limit: int) -> bytes:
    """The bytes of a regular file, which may not be a link. `name` is the file's name in messages.

    Raises `error` where it is missing, no regular file, or holds more than `limit` bytes.
    """
    # Opened without waiting and without following a link, then looked at: a named pipe must not hang the
    # program, and the file that is judged is the file that is read.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise error(f"{name} is not a regular file", where=name)
            data = file.read(limit + 1)
    except OSError as fault:
        raise error(f"cannot read {name}: {_reason(fault)}", where=name) from fault
    if len(data) > limit:
        raise error(f"{name} is too large: at most {limit // 1024} KiB are read", where=name)
    return data


def _decoded(data: bytes, name: str, error: type[BadInput]) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise error(f"{name} begins with a byte order mark: save it as UTF-8 without one", where=f"{name}:1")
    if data.startswith(_MARKS):
        raise error(f"{name} is not UTF-8 (it looks like UTF-16 or UTF-32): save it as UTF-8", where=f"{name}:1")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise error(f"{name} is not UTF-8 in line {line}: save it as UTF-8", where=f"{name}:{line}") from fault
    text = text.replace("\r\n", "\n")
    if bad := unsafe_character(text):
        raise error(f"the character {bad[1]} may not stand in {name}", where=f"{name}:{bad[0]}")
    return text


def _reason(fault: Exception) -> str:
    if isinstance(fault, FileNotFoundError):
        return "there is no such file"
    return shown(fault.strerror) if isinstance(fault, OSError) and fault.strerror else "its path leads nowhere"
