"""A process that works for another one: see `workers`, which starts it and is its only reader."""

import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from orchestrator.core.design import Design
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.store import Ledger
from orchestrator.runtime.ensemble import play_out
from orchestrator.runtime.recorded import Played, law_of
from orchestrator.runtime.replay import checked

Work = Callable[[Any], Any]


def playing(setup: Any) -> Work:
    """Plays a design under other seeds: job: a seed, answer: see `ensemble.Record`."""
    design = Design.model_validate_json(setup["design"])
    law, prompts = law_of(setup["data"])

    def play(seed: Any) -> Any:
        return play_out(Played(design.model_copy(update={"seed": seed}), law, prompts), setup["rounds"], _never)

    return play


def _never() -> bool:
    """Who is in a hurry ends this process."""
    return False


def verifying(setup: Any) -> Work:
    """Checks runs of a store: job: an id, answer: `replay.Checked` as an object."""
    ledger = Ledger.open(setup["db"], create=False)

    def verify(run: Any) -> Any:
        return checked(ledger, run)._asdict()

    return verify


_WORKS: dict[str, Callable[[Any], Work]] = {"play": playing, "verify": verifying}


def _told(kind: str, message: str, hint: str, where: str) -> dict[str, str]:
    return {"kind": kind, "message": message, "hint": hint, "where": where}


def serve() -> None:
    """Answers line by line until there are no more."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever anybody prints is no answer
    lines = sys.stdin.buffer
    setup = json.loads(lines.readline() or "null")
    if setup is None:
        return
    work: Work | None = None
    for line in lines:
        try:
            if work is None:
                work = _WORKS[setup["work"]](setup)
                gc.freeze()  # what all jobs share stays: no garbage is looked for in it
            answer: Any = {"answer": work(json.loads(line))}
        except OrchestratorError as error:
            answer = {"error": _told(type(error).__name__, error.message, error.hint, error.where)}
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked has to hear of it
            answer = {"error": _told("", f"a defect of ours: {type(error).__name__}: {error}", "", "")}
        try:
            out.write(json.dumps(answer).encode() + b"\n")
            out.flush()
        except BrokenPipeError:
            return
