"""SIGKILL at exact system calls of a game's writes, injected by strace from outside the program.

strace is a requirement of these tests (`apt-get install strace`): without it they fail rather than pass.
"""

import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from orchestrator.ledger.store import Ledger
from tests.crash.conftest import CALLS
from tests.crash.scene import AT_ONCE, Scene
from tests.support.nursery import Child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace is a program of Linux")

MAKING = [("fdatasync", 2), ("fdatasync", 5), ("fdatasync", 8), ("fsync", 1), ("rename", 1), ("fsync", 2)]
"""Steps in which the store is made: under another name, which it then loses."""
PLAYING = range(1, 15)
"""Every sync of a game in a store that is there: its first row and events, 8 answers, 2 rounds, its end."""
WRITES = range(3, 120, 13)
"""Single writes, in the middle of a transaction."""
SURELY = 10
"""Answers that come together may share a commit: a sync beyond this one need not be reached, nor its writes."""


def traced(child: Child, fault: str) -> int:
    """Lets the child run under the injected fault; how it ended."""
    strace = shutil.which("strace")
    assert strace is not None, "these tests need strace: apt-get install strace"
    done = subprocess.run(
        [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={fault.split(':')[0]}", "-e", f"inject={fault}",
         "-p", str(child.pid)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Operation not permitted" not in done.stderr, "this machine does not let strace attach"
    return child.wait()


@pytest.mark.parametrize(("call", "point"), MAKING)
def test_killed_while_the_store_is_made_nothing_was_paid_for(
    scene: Scene, whole: dict[str, Any], call: str, point: int
) -> None:
    assert traced(scene.play(traced=True), f"{call}:signal=SIGKILL:when={point}") == -signal.SIGKILL
    assert not begun(scene)
    assert scene.lab.seeds == []
    child = scene.play()
    assert child.wait() == 0
    assert child.json["hash"] == whole["hash"]
    scene.holds()


@pytest.mark.parametrize(
    ("call", "point", "surely"),
    [("fdatasync", point, point <= SURELY) for point in PLAYING]
    + [("pwrite64", point, point <= WRITES[5]) for point in WRITES],
)
def test_killed_at_a_write_it_goes_on_to_the_same_end(
    scene: Scene, whole: dict[str, Any], call: str, point: int, surely: bool
) -> None:
    scene.path.parent.mkdir()
    Ledger.open(str(scene.path)).close()  # strace counts in each thread by itself: the writer's are the first now
    child = scene.play(traced=True)
    ended = traced(child, f"{call}:signal=SIGKILL:when={point}")
    if ended == 0 and not surely:
        assert child.json["hash"] == whole["hash"]
        return
    assert ended == -signal.SIGKILL
    if begun(scene):
        scene.goes_on(whole)
    else:
        assert scene.lab.seeds == []  # no answer was paid for without a run to keep it
    assert len(scene.lab.seeds) <= CALLS + AT_ONCE


def begun(scene: Scene) -> bool:
    """Whether the store is there and holds the run. Nothing is left of a store that was being made."""
    if not scene.path.exists():
        return False
    with Ledger.open(str(scene.path), create=False) as ledger:
        return len(ledger.runs()) == 1
