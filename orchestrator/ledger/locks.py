"""One player a run: an operating system's lock that dies with its process, however that ends.

SQLite: flock on a file in the folder `<store>.locks`. PostgreSQL: an advisory lock on a connection of its
own (`serverlocks`). Neither is ever left behind locked; a file without a lock on it means nothing.
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from orchestrator.errors import BadDatabase, RunBusy, UnknownRun
from orchestrator.ledger.ids import is_run_id

_PROBE_SECONDS = 0.1
"""How long a lock is tried for: `FileLocks.is_locked` of another process may hold it for an instant."""


class RunLock:
    """A held lock; give it back with `release` or by leaving its `with` block."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Gives the lock back; a second time does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class Locks(Protocol):
    """The locks of a store's runs."""

    def lock(self, run: str) -> RunLock:
        """Takes the run's lock at once. Raises RunBusy where another process, or this one, holds it."""
        ...

    def is_locked(self, run: str) -> bool:
        """Whether anyone holds the run's lock. Changes nothing."""
        ...


class FileLocks:
    """Locks on files of one folder, which is made with the first lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lock(self, run: str) -> RunLock:
        path = self._path(run)
        deadline = time.monotonic() + _PROBE_SECONDS
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while (handle := _try_lock(path)) is None:
                if time.monotonic() > deadline:
                    raise busy(run, _owner(path))
                time.sleep(0.01)
            os.truncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        except OSError as error:
            raise BadDatabase(
                f"the lock {path} cannot be taken: {error.strerror}",
                hint="the folder of the store must be writable and on a file system with locks",
                where=str(path),
            ) from error

        def release() -> None:
            path.unlink(missing_ok=True)  # while it is held: nobody can have locked this file since
            os.close(handle)

        return RunLock(release)

    def is_locked(self, run: str) -> bool:
        try:
            handle = os.open(self._path(run), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def _path(self, run: str) -> Path:
        if not is_run_id(run):  # an id becomes part of a path
            raise UnknownRun(f"{run[:40]!r} is no id of a run", hint="orchestrate runs list")
        return self._folder / f"{run}.lock"


@contextmanager
def only_one(path: Path) -> Generator[None, None, None]:
    """Waits up to ten seconds for the lock on the file, holds it for the block, takes the file away.
    Raises OSError (TimeoutError among them)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 10
    while (handle := _try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, f"process {_owner(path)} has held {path} for ten seconds")
        time.sleep(0.01)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _try_lock(path: Path) -> int | None:
    """An open handle that holds the lock of the file that has this path now, or None."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == os.stat(path).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass  # held by another, or taken away by its holder after we opened it: the caller tries again
    except OSError:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _owner(path: Path) -> str:
    try:
        return path.read_text("ascii")[:20]
    except (OSError, ValueError):
        return ""


def busy(run: str, owner: str) -> RunBusy:
    """The error where another holds the lock; `owner`: its process id, or nothing."""
    by = f"process {owner}" if owner.isdigit() else "another process"
    return RunBusy(f"run {run} is being played by {by}", hint="wait for it, or stop it with Ctrl-C", where=run)
