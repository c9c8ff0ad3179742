"""The whole loop on the real embedded model, through the command line: pull, one round with judge, replay, Ctrl-C.

One test, since each part stands on the one before; it takes minutes, most of them inside the model.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.models import DEFAULT
from orchestrator.core.speech import fours
from orchestrator.library import load_scenario

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1800)]
SEATS = 6
STOPS_WITHIN_S = 5.0


class Shell:
    """The command in a working folder of its own, with the user's own cache of models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ORCHESTRATE")}
        self.environment = {**kept, "XDG_CONFIG_HOME": str(folder), "NO_COLOR": "1", "TERM": "dumb"}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator.cli.main", *words],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, *words: str) -> Any:
        """Runs a command with --json; its document."""
        with self.start(*words, "--json") as process:
            out, err = process.communicate()
        assert process.returncode == 0, err + out
        return [json.loads(line) for line in out.splitlines()] if words[:2] == ("runs", "events") else json.loads(out)


def test_a_round_is_played_judged_and_replayed_on_the_real_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path)
    shell("models", "pull", DEFAULT, "--from", "index")
    run = shell("run", "--scenario", "takeoff", "--rounds", "1", "--no-download")
    figures = held(shell, run)
    took = stopped(shell)
    with capsys.disabled():
        sys.stdout.write(f"\nreal model: {figures}; Ctrl-C took {took:.1f} s\n")


def held(shell: Shell, run: dict[str, Any]) -> str:
    """Holds a played round against what was promised of it; its figures in words."""
    events = shell("runs", "events", "last")
    of = {kind: [event for event in events if event["kind"] == kind] for kind in (event["kind"] for event in events)}

    played = {seat["seat"] for seat in run["seats"] if seat["backend"] == "local"}
    assert len(played) == SEATS
    assert run["calls"]["by_kind"]["decide"] == SEATS
    assert "seat_failed" not in run["failures"]
    chosen = [event for event in of["move_chosen"] if event["seat"] in played]
    assert len(chosen) == SEATS
    masses = [event["mass"] for event in chosen]
    assert all(0 < mass <= 1 for mass in masses)

    verdicts = of["verdict_given"]
    assert {event["seat"] for event in verdicts} == played
    assert {event["method"] for event in verdicts} == {"logprobs"}
    assert (run["judge"]["method"], run["judge"]["calibration"]) == ("logprobs", None)
    assert all(1 <= event["score"] <= 5 for event in verdicts)

    with shell.start("story", "last") as process:
        story = process.communicate()[0]
    assert "uncalibrated" in story

    lines = [event["line"] for event in of.get("line_spoken", [])]
    assert lines
    assert len(set(lines)) == len(lines)
    people = load_scenario("takeoff", shell.folder).personas
    secrets = {four for one in people.values() for fact in one.private for four in fours(fact.fact)}
    assert [line for line in lines if fours(line) & secrets] == []

    cached = run["tokens"]["cached"] / run["tokens"]["prompt"]
    assert cached > 0.5

    shell.environment["ORCHESTRATE_MODELS"] = str(shell.folder / "no-models")
    again = shell("replay", "last")
    assert again == {**run, "diverged": None}
    assert shell("verify")["ok"]
    del shell.environment["ORCHESTRATE_MODELS"]

    fresh = (run["tokens"]["prompt"] - run["tokens"]["cached"]) / run["calls"]["total"]
    return (
        f"{run['calls']['total']} calls in {run['seconds']['wall']:.0f} s, "
        f"{100 * run['seconds']['model'] / run['seconds']['wall']:.0f} % inside the model; "
        f"mean menu mass {sum(masses) / len(masses):.3f} (least {min(masses):.3f}); "
        f"{100 * cached:.0f} % of prompt tokens cached, {fresh:.0f} fresh a call; "
        f"{len(lines)} lines spoken, failures {run['failures']}"
    )


def stopped(shell: Shell) -> float:
    """Ctrl-C in the middle of an answer: exit 3, and the seconds it took."""
    with shell.start("run", "--scenario", "takeoff", "--rounds", "1", "--seed", "2") as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("Round 1 of"):
            assert process.poll() is None
        time.sleep(3)  # the model reads its first prompt, which takes longer than that
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - began
    assert process.returncode == 3, err
    assert "orchestrate resume " in out
    assert "error: stopped by Ctrl-C" in err
    assert took < STOPS_WITHIN_S
    return took
