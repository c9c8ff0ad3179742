"""Several processes that work through a list of jobs: many runs on policy to play, or many runs to verify.

Each worker is a Python of its own that speaks JSON lines: first what all jobs share, then job after job, an answer
for each, in the order of asking. Workers hear no Ctrl-C (they stand in a session of their own) and end when the pipe
to them does, however this process ends. What a worker does is `worker`'s business.
"""

import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from orchestrator.errors import BadDatabase, OrchestratorError, RunBusy, RunPaused, StoreFailed, UnknownRun

FEW = 6
"""So many runs are played or verified here sooner than other processes have begun."""
GRACE_S = 1.0
"""How long jobs under way may still be answered once all is to stop."""
_AHEAD = 2
"""Jobs that a worker has at once: one at work, one so that it need not wait."""
_LOOK_S = 0.1
"""How often it is looked whether all is to stop."""
_STARTS = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from orchestrator.runtime.worker import serve; serve()"
)


def cores() -> int:
    """How many processes can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One process, and what it was asked and has not answered."""

    def __init__(self, number: int, heard: "queue.SimpleQueue[tuple[int, bytes]]") -> None:
        self.asked: deque[int] = deque()
        self.process = subprocess.Popen(  # noqa: S603 - this same Python
            [sys.executable, "-c", _STARTS, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.to, out = _pipes(self.process)
        self._listener = threading.Thread(target=_listen, args=(number, out, heard), daemon=True)
        self._listener.start()

    def tell(self, message: Any) -> None:
        """Sends one line. One that is gone is noticed by its silence."""
        with suppress(BrokenPipeError):
            self.to.write(json.dumps(message).encode() + b"\n")
            self.to.flush()

    def dismiss(self) -> None:
        """Ends the process, whatever it is doing."""
        with suppress(BrokenPipeError):
            self.to.close()
        self.process.kill()
        self.process.wait()
        self._listener.join()


class Workers:
    """Processes that share a setup; use it in a `with` block."""

    def __init__(self, count: int, setup: Any) -> None:
        """`setup`: what `worker` is to do (`{"work": NAME, ...}`), as plain data."""
        self._heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._all = [_Worker(number, self._heard) for number in range(count)]
        for worker in self._all:
            worker.tell(setup)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._all:
            worker.dismiss()

    def answers(self, jobs: Sequence[Any], stop: Callable[[], bool]) -> Iterator[Any]:
        """The answer to each job, in their order. Once `stop` says so no further job is begun, and those under way
        are the last, if they are answered in time. Raises RunPaused where a worker ends before its time, and what
        was raised in one."""
        waiting = deque(range(len(jobs)))
        made: dict[int, Any] = {}
        due = 0
        latest = math.inf
        while True:
            if latest == math.inf and stop():
                latest = time.monotonic() + GRACE_S
                waiting.clear()
            for worker in sorted(self._all, key=lambda worker: len(worker.asked)):
                while waiting and len(worker.asked) < _AHEAD:
                    worker.asked.append(waiting.popleft())
                    worker.tell(jobs[worker.asked[-1]])
            while due in made:
                yield made.pop(due)
                due += 1
            if not any(worker.asked for worker in self._all) or time.monotonic() > latest:
                return
            try:
                number, line = self._heard.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            worker = self._all[number]
            if not line:
                raise RunPaused(
                    f"a process that worked for this one ended with code {worker.process.wait()}; "
                    "what was finished before is kept",
                    hint="is there memory enough for it? the same command begins again",
                )
            answer = json.loads(line)
            if "error" in answer:
                raise _raised(**answer["error"])
            made[worker.asked.popleft()] = answer["answer"]


def _raised(kind: str, message: str, hint: str, where: str) -> OrchestratorError:
    """The error that was raised in a worker."""
    known = {error.__name__: error for error in (BadDatabase, RunBusy, StoreFailed, UnknownRun)}
    return known.get(kind, OrchestratorError)(message, hint=hint, where=where)


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _listen(number: int, out: IO[bytes], heard: "queue.SimpleQueue[tuple[int, bytes]]") -> None:
    """Hands on every line of a worker, and an empty one when it has ended."""
    with out:
        for line in out:
            heard.put((number, line))
    heard.put((number, b""))
