"""Processes to be killed: a warm process that forks a child for each command line, so that none waits for imports.

Run as a program it is that warm process: it reads one JSON request a line and answers each with one line,

    {"start": [words], "folder": PATH, "traced": bool} -> {"pid": N}      a child runs the command line there
    {"wait": N, "seconds": S}                          -> {"status": N}   its wait status; null: it still runs

and a child writes to PATH/PID.out and PATH/PID.err. A traced child begins once somebody traces it. `Nursery` is
the test's side of it.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

ROOT = Path(__file__).resolve().parents[2]
_ANYONE_MAY_TRACE = (0x59616D61, ctypes.c_ulong(-1))
"""PR_SET_PTRACER, PR_SET_PTRACER_ANY: some systems let only a parent trace."""


class Child:
    """One command under way."""

    def __init__(self, nursery: "Nursery", pid: int, folder: Path) -> None:
        self._nursery, self.pid, self._folder = nursery, pid, folder
        self._ended: int | None = None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._poll(0.0) is None

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code, or minus the signal that ended it. Fails when it takes longer (and ends it)."""
        status = self._poll(seconds)
        if status is None:
            self.signal(signal.SIGKILL)
            self._poll(10.0)
            raise AssertionError(f"still running after {seconds} s: {self.out}{self.err}")
        return os.waitstatus_to_exitcode(status)

    def _poll(self, seconds: float) -> int | None:
        if self._ended is None:
            self._ended = self._nursery.tell({"wait": self.pid, "seconds": seconds})["status"]
        return self._ended

    @property
    def out(self) -> str:
        return (self._folder / f"{self.pid}.out").read_text("utf-8")

    @property
    def err(self) -> str:
        return (self._folder / f"{self.pid}.err").read_text("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Nursery:
    """The warm process; use it in a `with` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def start(self, folder: Path, *words: str, traced: bool = False) -> Child:
        """A child that runs the command line in that folder."""
        asked = {"start": list(words), "folder": str(folder), "traced": traced}
        return Child(self, self.tell(asked)["pid"], folder)

    def run(self, folder: Path, *words: str, code: int = 0) -> Child:
        """A command line run to its end, which must have this exit code."""
        child = self.start(folder, *words)
        assert child.wait() == code, child.err + child.out
        return child

    def tell(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One request to the warm process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


_HELD = (signal.SIGINT, signal.SIGTERM)
"""Held back while a child is made: Python drops what is raised in its own hooks after a fork."""


def _child(asked: dict[str, Any]) -> NoReturn:
    """What a forked child does: the command line, with its output in files."""
    folder = Path(asked["folder"])
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{os.getpid()}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if asked["traced"]:
        ctypes.CDLL(None).prctl(*_ANYONE_MAY_TRACE, 0, 0, 0)
        while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
            time.sleep(0.002)
    main: Callable[[list[str]], int] = import_module("orchestrator.cli.main").main
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        code = main(asked["start"])
    except KeyboardInterrupt:  # it came before the command began
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        raise
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _waited(pid: int, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > deadline:
            return None
        time.sleep(0.005)


WARM = (
    "cli.main", "cli.again", "cli.plain", "cli.play", "cli.store", "cli.verify", "backends.openai", "core.templates",
    "ledger.store", "library.loading", "runtime.prepare", "runtime.replay", "runtime.run", "views.projections",
)  # fmt: skip
"""Modules of ours that a command loads when it needs them."""


def serve() -> None:
    """Answers requests until its input ends."""
    for name in WARM:
        import_module(f"orchestrator.{name}")
    import_module("ruamel.yaml")
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if "start" in asked:
            signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
            if not (pid := os.fork()):
                _child(asked)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
            said: dict[str, Any] = {"pid": pid}
        else:
            said = {"status": _waited(asked["wait"], asked["seconds"])}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
