"""Ctrl-C, SIGTERM, and two processes for one run: real signals to real processes while a server does not answer."""

import signal
import threading
import time
from typing import Any

import pytest

from tests.crash.conftest import CALLS
from tests.crash.scene import AT_ONCE, Scene
from tests.support.nursery import Child
from tests.support.work import DUEL

WITHIN_S = 2.0
"""Seconds after which a stopped run is gone."""


@pytest.fixture
def hold(scene: Scene) -> threading.Event:
    """The server answers nobody until this is set."""
    scene.lab.hold = threading.Event()
    return scene.lab.hold


def asked(scene: Scene, times: int = 1) -> None:
    """Waits until the server was asked so many times."""
    deadline = time.monotonic() + 20
    while len(scene.lab.seeds) < times:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stopped(child: Child, number: int) -> float:
    """Sends the signal and waits; the seconds it took."""
    began = time.monotonic()
    child.signal(number)
    assert child.wait() == 3, child.err
    return time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_while_a_server_does_not_answer(
    scene: Scene, whole: dict[str, Any], hold: threading.Event, number: int
) -> None:
    child = scene.nursery.start(scene.folder, *DUEL)
    asked(scene, AT_ONCE)
    assert stopped(child, number) < WITHIN_S
    run = scene.nursery.run(scene.folder, "runs", "show", "last", "--json").json
    assert (run["status"], run["reason"], run["rounds"], run["calls"]["total"]) == ("paused", "run_paused", 0, 0)
    assert f"orchestrate resume {run['run']}" in child.out
    assert child.err.startswith("error: stopped by")
    hold.set()
    scene.goes_on(whole)


def test_what_was_answered_before_the_signal_is_kept_and_not_asked_again(
    scene: Scene, whole: dict[str, Any], hold: threading.Event
) -> None:
    """The second decision of the second round hangs: six answers are on disk."""
    hold.set()
    scene.lab.arrived = lambda number: hold.clear() if number == CALLS - 2 else None
    child = scene.play()
    asked(scene, CALLS - 2)
    assert stopped(child, signal.SIGINT) < WITHIN_S
    document = child.json
    assert document["error"]["kind"] == "run_paused"
    assert document["error"]["hint"].endswith(f"orchestrate resume {document['run']}")
    assert (document["status"], document["rounds"]) == ("paused", 1)
    assert CALLS - 2 - AT_ONCE <= document["calls"]["total"] < CALLS
    hold.set()
    scene.goes_on(whole)


def test_a_second_ctrl_c_ends_at_once(scene: Scene, whole: dict[str, Any], hold: threading.Event) -> None:
    child = scene.nursery.start(scene.folder, *DUEL)
    asked(scene, AT_ONCE)
    child.signal(signal.SIGINT)
    time.sleep(0.1)
    assert stopped(child, signal.SIGINT) < WITHIN_S
    assert "second Ctrl-C" in child.err
    assert "orchestrate resume" in child.err + child.out
    hold.set()
    scene.goes_on(whole)


def test_ctrl_c_before_anything_was_asked_leaves_no_half_run(scene: Scene) -> None:
    child = scene.play()
    child.signal(signal.SIGINT)
    code = child.wait()
    # The latter: it was no command of ours yet. Before that Python itself drops a KeyboardInterrupt that falls into a
    # callback of its importer, and says so.
    assert code in (3, -signal.SIGINT) or (code == 0 and "KeyboardInterrupt" in child.err)
    listed = scene.nursery.run(scene.folder, "runs", "list", "--json").json["runs"]
    assert all(run["status"] in ("paused", "interrupted") for run in listed)


def test_the_second_of_two_processes_that_resume_one_run_is_refused(
    scene: Scene, whole: dict[str, Any], hold: threading.Event
) -> None:
    scene.killed_at(scene.play, "arrived", 1)
    children = [scene.resume(), scene.resume()]
    deadline = time.monotonic() + 20
    while all(child.running() for child in children):
        assert time.monotonic() < deadline
    refused, playing = sorted(children, key=Child.running)
    assert refused.wait() == 3
    assert refused.json["error"]["kind"] == "run_busy"
    assert refused.json["error"]["message"].endswith(f"is being played by process {playing.pid}")
    assert "Traceback" not in refused.err
    asked(scene, 1 + AT_ONCE)
    busy = scene.nursery.start(scene.folder, "resume", "last")
    assert busy.wait() == 3
    assert busy.err.startswith("error: run ")
    assert scene.nursery.run(scene.folder, "runs", "show", "last", "--json").json["status"] == "running"
    hold.set()
    assert playing.wait() == 0
    assert playing.json["hash"] == whole["hash"]
    assert len(scene.lab.seeds) <= CALLS + AT_ONCE
    scene.holds()
