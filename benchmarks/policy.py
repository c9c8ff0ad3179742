"""Whole processes without a model: `--help`, a 16-round all-policy game, its replay.

Absolute times depend on the machine, so each stands beside a loop of pure Python timed in the same minute.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ORCHESTRATE = str(Path(sys.executable).with_name("orchestrate"))
RUNS = 5


def loop_seconds() -> float:
    """Ten million additions in pure Python: the yardstick."""
    began = time.perf_counter()
    total = 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


def seconds(folder: str, *words: str) -> tuple[float, str]:
    """(wall seconds of one process, its stdout)."""
    began = time.perf_counter()
    done = subprocess.run([ORCHESTRATE, *words], cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        yard = statistics.median(loop_seconds() for _ in range(3))
        game = ("run", "--scenario", "takeoff", "--policy", "all", "--judge", "off", "--seed", "3", "--json")
        _, first = seconds(folder, *game)
        run = json.loads(first)
        rows = {
            "orchestrate --help": ("--help",),
            f"all-policy game, {run['rounds']} rounds": game,
            "replay of it": ("replay", run["run"]),
        }
        print(f"yardstick (10 million additions): {yard:.2f} s")
        for name, words in rows.items():
            middle = statistics.median(seconds(folder, *words)[0] for _ in range(RUNS))
            print(f"{name}: {middle:.2f} s, {middle / yard:.1f} x yardstick")
        print(f"largest process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MB")
