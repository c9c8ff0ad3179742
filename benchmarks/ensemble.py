"""Many all-policy runs in one command, their verification and their list: seconds, runs a second, bytes a run.

`python -m benchmarks ensemble [RUNS]`. Beside every figure stands a loop of pure Python timed in the same minute, and
the smaller of the two ensembles tells whether time grows with the number of runs.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.policy import ORCHESTRATE, loop_seconds

SMALL_SHARE = 10
"""The small ensemble has this part of the large one's runs."""


def seconds(folder: str, *words: str) -> tuple[float, str]:
    """(wall seconds of one process, its stdout)."""
    began = time.perf_counter()
    done = subprocess.run([ORCHESTRATE, *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main(runs: int = 1000) -> None:
    small = max(1, runs // SMALL_SHARE)
    with tempfile.TemporaryDirectory() as folder:
        game = ("run", "--scenario", "takeoff", "--policy", "all", "--judge", "off", "--json", "--runs")
        yard = loop_seconds()
        few, _ = seconds(folder, "--db", "few.db", *game, str(small))
        many, out = seconds(folder, *game, str(runs))
        outcomes = json.loads(out)["outcomes"]
        size = sum(path.stat().st_size for path in Path(folder, "runs").glob("orchestrate.db*") if path.is_file())
        listed, _ = seconds(folder, "runs", "list", "--json")
        checked, _ = seconds(folder, "verify", "--json")
        print(f"yardstick (10 million additions): {yard:.2f} s before, {loop_seconds():.2f} s after")
        print(f"{small} runs: {few:.1f} s; {runs} runs: {many:.1f} s, {runs / many:.1f} a second")
        grown = many * small / few / runs
        print(f"{runs} runs: {many / yard:.1f} x yardstick; one of {runs} takes {grown:.2f} x that of {small}")
        print(f"verify: {checked:.1f} s; runs list: {listed:.2f} s; store: {size / runs / 1000:.0f} KB a run")
        print(f"endings: {', '.join(f'{name} {count}' for name, count in outcomes.items())}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
