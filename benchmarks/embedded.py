"""A game on the embedded model, read back from the store: tokens, time, what was on the menu, what was refused."""

import collections
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.policy import ORCHESTRATE


def lines(folder: str, *words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [ORCHESTRATE, "runs", *words, "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(rounds: int, folder: str | None = None, run: str = "last") -> None:
    """Plays `rounds` rounds of takeoff, or reads a run that is there (`folder` and `run`)."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            play = (ORCHESTRATE, "run", "--scenario", "takeoff", "--rounds", str(rounds), "--yes")
            subprocess.run(play, cwd=made, check=True)
            report(made, "last")
    else:
        report(str(Path(folder)), run)


def report(folder: str, run: str) -> None:
    shown = subprocess.run(
        [ORCHESTRATE, "runs", "show", run, "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    whole = json.loads(shown.stdout)
    calls, events = lines(folder, "calls", run), lines(folder, "events", run)
    fresh: dict[str, list[int]] = collections.defaultdict(list)
    for call in calls:
        tokens = call["tokens"]
        fresh[str(call["kind"])].append(tokens["prompt"] - tokens["cached"])
    spoken = [str(event["line"]) for event in events if event["kind"] == "line_spoken"]
    refused = sum(event["kind"] == "words_refused" for event in events)
    masses = [float(str(event["mass"])) for event in events if event.get("mass") is not None]
    malformed = sum(
        event["kind"] == "answer_degraded" and event["what"] in ("malformed", "off_menu") for event in events
    )
    tokens, took = whole["tokens"], whole["seconds"]
    inside = 100 * took["model"] / took["wall"]
    print(f"{whole['rounds']} rounds, {len(calls)} calls, {took['wall']:.0f} s, {inside:.0f} % inside the model")
    print(f"prompt tokens from the cache: {100 * tokens['cached'] / tokens['prompt']:.0f} %")
    print(
        f"fresh prompt tokens a call: {sum(map(sum, fresh.values())) / len(calls):.0f}; "
        + ", ".join(f"{kind} {statistics.mean(held):.0f}" for kind, held in fresh.items())
    )
    print(
        f"malformed or off-menu: {malformed} of {len(calls)} calls; "
        f"mass on the menu before the grammar: {statistics.mean(masses):.2f}"
    )
    print(f"lines spoken: {len(spoken)}, distinct {len(set(spoken))}; public moves left without words: {refused}")
    print(f"failures: {whole['failures']}")
