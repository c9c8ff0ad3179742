"""`run --runs N`: one design under the seeds S to S+N-1, and what came of them all.

Runs on policy are played on all cores and written many at a time (`runtime.ensemble`). Where a model is asked the
runs follow each other, each by the way of a single one.
"""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from orchestrator.cli.command import Front
from orchestrator.cli.output import say
from orchestrator.cli.session import until_stopped, wanted
from orchestrator.errors import BackendFailed, BudgetExhausted, OrchestratorError, RunPaused
from orchestrator.runtime.ensemble import Common as Common
from orchestrator.runtime.ensemble import Wanted, on_policy, play_all, there_already, wanted_of

if TYPE_CHECKING:
    from orchestrator.backends.protocol import Backend
    from orchestrator.backends.registry import Backends
    from orchestrator.config import Settings
    from orchestrator.ledger.rows import RunRow
    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.ask import Stop

BETWEEN_LINES_S = 10.0
"""How long nothing is said of the progress, where no terminal shows it."""


class Ended(NamedTuple):
    """One run of many, as it stands."""

    run: str
    status: str
    outcome: str | None


def play_many(
    front: Front,
    store: Callable[[], "Ledger"],
    common: Common,
    count: int,
    name: str | None,
    settings: "Settings",
    backends: "Backends",
) -> None:
    """Plays them and shows what came of them; ends with the exit code that CLI.md says."""
    runs = wanted_of(common.played.design.seed, count, name)
    began, ended, error = time.monotonic(), list[Ended](), None
    try:
        if on_policy(common.played.design):
            _on_policy(store(), common, runs, ended, Progress(len(runs)))
        else:
            needs = wanted(common.played, common.backends)
            _in_turn(front, store, common, runs, ended, needs, settings, backends)
    except OrchestratorError as stopped:
        if not ended:
            raise
        error = stopped
    document = _document(ended, time.monotonic() - began)
    _show(front, document, error, runs, len(ended))


def _on_policy(
    ledger: "Ledger", common: Common, runs: Sequence[Wanted], ended: list[Ended], progress: "Progress"
) -> None:
    """Adds to `ended` every run that is there, in the order of seeds."""
    found = there_already(ledger, common, runs)
    left = [run for run in runs if run.name not in found]
    with stoppable() as stopped, closing(play_all(ledger, common, left, stopped)) as fresh:
        for run in runs:
            if run.name is not None and run.name in found:
                row = found[run.name]
                ended.append(Ended(row.id, ledger.status_of(row), row.outcome))
                continue
            if (done := next(fresh, None)) is None:
                raise RunPaused("stopped by Ctrl-C")
            ended.append(Ended(done.run, done.status, done.outcome))
            progress.at(len(ended))
    progress.over()


def _in_turn(
    front: Front,
    store: Callable[[], "Ledger"],
    common: Common,
    runs: Sequence[Wanted],
    ended: list[Ended],
    needs: Mapping[tuple[str, str], str],
    settings: "Settings",
    backends: "Backends",
) -> None:
    """The same, one run after the other; what stops one for good stops all."""
    from orchestrator.cli.plain import onlooker
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.prepare import resolve, started
    from orchestrator.runtime.run import play

    asked = resolve(needs, settings, backends)
    slots = {key: backend.abilities.concurrency for key, (_, backend) in asked.items()}

    async def one(ledger: "Ledger", row: "RunRow", stop: "Stop") -> None:
        own = Stop()
        follower = asyncio.ensure_future(_follow(stop, own))
        try:
            with onlooker(out=sys.stderr if front.json else sys.stdout, quiet=front.json, slots=slots) as look:
                own.tell = look.note
                await play(ledger, row.id, asked, own, look)
        finally:
            follower.cancel()
            row = ledger.run(row.id)
            ended.append(Ended(row.id, ledger.status_of(row), row.outcome))

    async def playing(stop: "Stop") -> None:
        try:
            await started([backend for _, backend in asked.values()])
            ledger = store()
            found = there_already(ledger, common, runs)
            for run in runs:
                if stop.reason is not None:
                    raise stop.reason
                try:
                    await one(ledger, found.get(run.name or "") or _begun(ledger, common, run), stop)
                except BudgetExhausted as error:
                    say(f"run {ended[-1].run}: {error.message}", to=sys.stderr)  # its own: the next begins anew
        finally:
            await _closed(backends.made)

    until_stopped(playing)


def _begun(ledger: "Ledger", common: Common, run: Wanted) -> "RunRow":
    from orchestrator.runtime.recorded import Played
    from orchestrator.runtime.run import begin

    design = common.design(run.seed)
    played = Played(design, common.played.law, common.played.prompts)
    return begin(
        ledger, design, common.data, played,
        name=run.name, rounds=common.rounds, limits=common.limits, backends=common.backends,
    )  # fmt: skip


async def _follow(stop: "Stop", own: "Stop") -> None:
    """A run stops when all are to stop; its own budget stops it alone."""
    await stop.wait()
    assert stop.reason is not None
    own.now(stop.reason)


async def _closed(made: Iterable["Backend"]) -> None:
    for backend in made:
        await backend.aclose()


@contextmanager
def stoppable() -> Generator[Callable[[], bool], None, None]:
    """Within it the first Ctrl-C (or SIGTERM) is only noted; the second ends at once."""
    presses = 0

    def pressed(_number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            raise KeyboardInterrupt
        say("stopping: no further run is begun", to=sys.stderr)

    before = {number: signal.signal(number, pressed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: presses > 0
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class Progress:
    """How far it has come, on stderr: one line that changes on a terminal, elsewhere a line now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = self._said = time.monotonic()
        self._live = sys.stderr.isatty()

    def at(self, count: int) -> None:
        """So many runs are there."""
        now = time.monotonic()
        if now - self._said < (0.2 if self._live else BETWEEN_LINES_S):
            return
        self._said = now
        rate = count / max(now - self._began, 1e-9)
        left = (self._total - count) / rate
        text = f"{count:,} of {self._total:,} runs, {rate:.1f} a second, about {left:.0f} s to go"
        sys.stderr.write(f"\r{text:<72}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def over(self) -> None:
        """Takes the line that changes away."""
        if self._live:
            sys.stderr.write(f"\r{'':<72}\r")


def _document(ended: Sequence[Ended], seconds: float) -> dict[str, Any]:
    by_status = Counter(run.status for run in ended)
    outcomes = Counter(run.outcome for run in ended if run.outcome is not None)
    return {
        "runs": [run.run for run in ended],
        "finished": by_status["finished"],
        "paused": by_status["paused"] + by_status["interrupted"] + by_status["running"],
        "failed": by_status["failed"],
        "outcomes": dict(sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))),
        "seconds": round(seconds, 3),
    }


def _show(
    front: Front, document: dict[str, Any], error: OrchestratorError | None, runs: Sequence[Wanted], count: int
) -> None:
    """The document or the summary; raises what has to end the command."""
    if error is not None and isinstance(error, RunPaused):
        rest = f"--seed {runs[count].seed} --runs {len(runs) - count}" if count < len(runs) else ""
        error.hint = "the same command goes on with the rest" if runs[0].name else f"the rest: {rest}"
    code = BackendFailed.code if document["failed"] else RunPaused.code if document["paused"] else 0
    if front.json:
        if error is not None:
            document["error"] = {
                "kind": error.kind, "message": error.message, "hint": error.hint, "where": error.where
            }  # fmt: skip
            say(f"error: {error.message}", to=sys.stderr)
            code = code if document["failed"] else error.code
        front.show(document, str)
    else:
        say(_summary(document))
        if error is not None and not document["failed"]:
            raise error
    if code:
        raise typer.Exit(code)


def _summary(document: Mapping[str, Any]) -> str:
    count = len(document["runs"])
    lines = [f"{count:,} run{'' if count == 1 else 's'}, {document['seconds']:.1f} s"]
    for status in ("paused", "failed"):
        if document[status]:
            lines[0] += f", {document[status]} {status}"
    lines[0] += "."
    outcomes: dict[str, int] = document["outcomes"]
    cut = document["finished"] - sum(outcomes.values())
    shown = [*outcomes.items(), *([("cut short by --rounds", cut)] if cut else [])]
    lines += [f"  {n:>6,}  {100 * n / count:5.1f} %  {name.replace('_', ' ')}" for name, n in shown]
    if count:
        lines += [f"One of them:   orchestrate story {document['runs'][0]}", "All of them:   orchestrate runs list"]
    return "\n".join(lines)
