"""Ctrl-C while rules compute: the loop is not served then, and the program must still hear it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.cli.session import until_stopped
from orchestrator.errors import RunPaused
from orchestrator.runtime.ask import Stop
from tests.support.playing import ROOT, desk

NUMBERS = (signal.SIGINT, signal.SIGTERM)


def spin(seconds: float) -> None:
    """Computes and awaits nothing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_asks_for_a_clean_stop_once_the_rules_are_through(number: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in NUMBERS]
    seen: list[bool] = []

    async def playing(stop: Stop) -> str:
        os.kill(os.getpid(), number)
        spin(0.05)
        seen.append(stop.reason is None)
        await asyncio.sleep(0.05)
        seen.append(isinstance(stop.reason, RunPaused))
        return "whole"

    assert until_stopped(playing) == "whole"
    assert seen == [True, True]
    assert [signal.getsignal(one) for one in NUMBERS] == before


def test_it_wakes_a_loop_that_sleeps() -> None:
    async def playing(stop: Stop) -> float:
        began = time.monotonic()
        child = await asyncio.create_subprocess_exec("kill", "-INT", str(os.getpid()))
        await asyncio.wait_for(stop.wait(), 30)
        await child.wait()
        return time.monotonic() - began

    assert until_stopped(playing) < 5


def test_the_second_ends_at_once_in_the_midst_of_the_rules() -> None:
    before = [signal.getsignal(one) for one in NUMBERS]
    began = time.monotonic()

    async def playing(_stop: Stop) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        spin(0.02)
        os.kill(os.getpid(), signal.SIGINT)
        spin(60)

    with pytest.raises(RunPaused, match="second Ctrl-C"):
        until_stopped(playing)
    assert time.monotonic() - began < 5
    assert [signal.getsignal(one) for one in NUMBERS] == before


def test_a_run_that_computes_for_long_is_stopped_and_can_go_on(tmp_path: Path) -> None:
    """The heaviest rule that loads, some seconds a round."""
    body = "+".join(["o.cap*o.cap*2"] * 10)
    rows = "\n".join(f"  lab_{n}: {{kind: lab}}" for n in range(138))
    desk(tmp_path, "entities:\n", f"entities:\n{rows}\n")
    path = tmp_path / "scenarios" / "duel" / "scenario.yaml"
    slow = "\n".join(
        f'  slow_{n}: {{every: month, source: M1, when: "sum(sum({body} for o in lab) for p in lab) < 0"}}'
        for n in range(24)
    )
    path.write_text(path.read_text("utf-8").replace("rules:\n", f"rules:\n{slow}\n", 1), "utf-8")
    argv = [sys.executable, "-m", "orchestrator.cli.main"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [*argv, "run", "--scenario", "duel", "--policy", "all", "--judge", "off"]
    child = subprocess.Popen(run, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        for line in child.stdout:
            if line.startswith("Round 1 "):
                break
        child.send_signal(signal.SIGINT)
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, told = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, "Traceback" in told) == (3, False), told
    assert time.monotonic() - began < 5
    assert "second Ctrl-C" in told  # in the midst of the first round
    assert re.search(r"orchestrate resume \w+", told)
    shown = subprocess.run([*argv, "runs", "show", "last"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
