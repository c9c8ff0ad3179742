"""A process to be killed: for each line `TASK PATH` it forks a child that waits until strace holds it, then
does the task. Prints the child's id, and its wait status when it is gone. What a child was told is safely
written goes to PATH.said, a line each."""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.ledger.rows import chained
from orchestrator.ledger.store import Ledger
from tests.ledger.making import TEXTS, begun, new_events, record, run_row, started

_ANYONE_MAY_TRACE = (0x59616D61, ctypes.c_ulong(-1))
"""PR_SET_PTRACER, PR_SET_PTRACER_ANY: some systems let only a parent trace."""


def create(path: str, say: Callable[[str], None]) -> None:
    with Ledger.open(path) as ledger:
        say("opened")
        row = run_row(name="first")
        ledger.begin_run(row, TEXTS, started(row.id)).result()
        say("begun")


def play(path: str, say: Callable[[str], None]) -> None:
    """Goes on with the last run, or begins one: three rounds of three calls and two events."""
    with Ledger.open(path) as ledger:
        row = ledger.find("first") if ledger.runs() else begun(ledger, name="first")
        with ledger.lock(row.id):
            for round_ in range(row.rounds + 1, 4):
                there = {call.key for call in ledger.calls(row.id)}
                asked = [record(6 * (round_ - 1) + n) for n in range(3)]
                kept = [(each.call.key, ledger.keep_call(row.id, each)) for each in asked if each.call.key not in there]
                for key, future in kept:
                    future.result()
                    say(f"kept {key}")
                row = ledger.run(row.id)
                new = chained(
                    row.id, new_events(round_, ["a_happened", "b_happened"]), first=row.events, previous=row.last_hash
                )
                ledger.append(row.id, row.events, new).result()
                say(f"round {round_}")
            ledger.finish(row.id, "finished", "rounds").result()
            say("finished")


def _do(task: str, path: str) -> None:
    said = os.open(f"{path}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(text: str) -> None:
        os.write(said, f"{text}\n".encode())

    try:
        {"create": create, "play": play}[task](path, say)
    except OrchestratorError as error:
        say(f"{error.kind}: {error.message}")


def main() -> None:
    libc = ctypes.CDLL(None)
    while line := sys.stdin.readline():
        task, path = line.split()
        child = os.fork()
        if child == 0:
            libc.prctl(*_ANYONE_MAY_TRACE, 0, 0, 0)
            while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
                time.sleep(0.002)
            _do(task, path)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
