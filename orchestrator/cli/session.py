"""What the commands that play share: the store, the backends, the models they need, and a session of playing."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from orchestrator.cli.command import Front
from orchestrator.cli.output import say
from orchestrator.errors import BadUsage, OrchestratorError, RunPaused, UnknownRun

if TYPE_CHECKING:
    from orchestrator.backends.registry import Backends
    from orchestrator.cli.watching import Spent
    from orchestrator.config import Settings
    from orchestrator.core.events import SeatPlay
    from orchestrator.ledger.rows import RunRow
    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.recorded import Played, Recorded

T = TypeVar("T")


def backends_of(settings: "Settings") -> "Backends":
    from orchestrator.backends.registry import Backends

    return Backends(dict(settings.backends), base=settings.base)


def ledger_of(settings: "Settings", *, create: bool = True) -> "Ledger":
    from orchestrator.ledger.store import Ledger

    if not create and not Ledger.exists(settings.db):
        raise UnknownRun(
            f"there is no store at {settings.db} yet", hint="orchestrate run --scenario takeoff", where=settings.db
        )
    return Ledger.open(settings.db, create=create)


def exists(settings: "Settings") -> bool:
    """Whether the store is there; nothing is made. Raises BadDatabase for what is there but not ours."""
    from orchestrator.ledger.store import Ledger

    return Ledger.exists(settings.db)


def backends_known(row: "RunRow") -> dict[str, str]:
    """Seat (and `judge`) -> the configured names under which a stored run asked."""
    return json.loads(row.limits).get("backends", {})


def names_then(ledger: "Ledger", row: "RunRow", plays: Mapping[str, "SeatPlay"]) -> dict[str, str]:
    """The same where its seats were played so: a later fork of the run may have given a seat another name."""
    asked = {(call.seat, call.backend_kind, call.model): call.backend for call in ledger.calls(row.id)
             if call.kind != "judge"}  # fmt: skip
    named = backends_known(row)
    for seat, play in plays.items():
        now = named.get(seat, "policy")
        named[seat] = play.by if play.by != "model" else asked.get((seat, play.backend_kind, play.model), now)
    return named


def fitting(seed: int, runs: int | None, name: str | None) -> None:
    """Raises BadUsage for a name, or with --runs a last name or seed, that can be none."""
    from orchestrator.cli.options import LARGEST_SEED
    from orchestrator.ledger.ids import checked_name

    if runs is not None and seed > LARGEST_SEED - runs + 1:
        raise BadUsage(f"--seed {seed} with --runs {runs}: the largest seed is {LARGEST_SEED}", where="--runs")
    if name is not None:
        checked_name(name if runs is None else f"{name}-{runs:04d}")


def free_name(ledger: "Ledger", name: str | None) -> None:
    """Raises BadUsage for a name that is taken, before anything is asked."""
    if name is not None and any(row.name == name for row in ledger.runs()):
        raise BadUsage(f"a run is called {name!r} already", hint="orchestrate runs list", where="--name")


def fetch_missing(front: Front, settings: "Settings", names: list[str], *, allowed: bool, yes: bool) -> None:
    """Fetches embedded models that are missing, where that is allowed. Raises UnknownModel, BadModelFile, BadUsage."""
    from orchestrator.config import LlamaConfig

    for name in dict.fromkeys(names):
        config = settings.backends.get(name)
        if not isinstance(config, LlamaConfig):
            continue
        from orchestrator.backends.models import is_path, model_path

        if is_path(config.model) or model_path(config.model).exists():
            continue
        if not allowed:
            raise BadUsage(
                f"the model {config.model} is not on disk and --no-download forbids fetching it",
                hint=f"orchestrate models pull {config.model}",
                where=f"backends.{name}.model",
            )
        if (
            not yes
            and sys.stdin.isatty()
            and sys.stderr.isatty()
            and not typer.confirm(
                f"Fetch the model {config.model} now (orchestrate models list says its size and licence)?",
                default=True,
                err=True,
            )
        ):
            raise BadUsage(
                f"the model {config.model} is not on disk",
                hint=f"orchestrate models pull {config.model}, or --policy all plays without a model",
            )
        from orchestrator.cli.models import fetch_model

        fetch_model(front, config.model)


def wanted(played: "Played", named: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The backends that a new run needs."""
    from orchestrator.runtime.prepare import wanted_by

    return wanted_by(played.design.seats, played.design.judge, named)


def wanted_of(held: "Recorded", row: "RunRow") -> dict[tuple[str, str], str]:
    """The backends that a stored run needs to go on as `row` says; none where it is over."""
    from orchestrator.runtime.prepare import wanted_by
    from orchestrator.runtime.run import plays_of

    if held.state.ended or (row.rounds_limit is not None and held.state.round >= row.rounds_limit):
        return {}
    return wanted_by(plays_of(held), held.played.design.judge, backends_known(row))


def spent_of(ledger: "Ledger", row: "RunRow") -> "Spent":
    """What the earlier sessions of a run used."""
    from orchestrator.cli.watching import Spent

    calls = list(ledger.calls(row.id))
    asked = [call for call in calls if not call.reused]
    return Spent(
        len(asked),
        len(calls) - len(asked),
        sum(call.prompt_tokens for call in asked),
        sum(call.cached_tokens for call in asked),
        sum(call.completion_tokens for call in asked),
    )


def play_on(
    front: Front,
    store: Callable[[], "Ledger"],
    row_of: Callable[[], "RunRow"],
    wanted: Mapping[tuple[str, str], str],
    settings: "Settings",
    backends: "Backends",
    *,
    spent: "Spent | None" = None,
) -> None:
    """Makes the backends ready, takes or writes the run, and plays it on with a screen until it ends or stops.

    The backends come first: where a key is missing or a model is damaged, no run is written and no store is made.
    """
    from orchestrator.cli.plain import onlooker
    from orchestrator.runtime.prepare import resolve, started
    from orchestrator.runtime.run import play

    found = resolve(wanted, settings, backends)
    slots = {key: backend.abilities.concurrency for key, (_, backend) in found.items()}
    written: list[RunRow] = []

    async def playing(stop: "Stop") -> None:
        out = sys.stderr if front.json else sys.stdout
        with onlooker(out=out, quiet=front.json, slots=slots, spent=spent) as look:
            try:
                await started([backend for _, backend in found.values()])
                written.append(row_of())
                stop.tell = look.note
                await play(store(), written[0].id, found, stop, look)
            finally:
                for backend in backends.made:
                    await backend.aclose()

    error: OrchestratorError | None = None
    try:
        until_stopped(playing)
    except OrchestratorError as stopped:
        error = stopped
    if not written:
        assert error is not None
        if isinstance(error, RunPaused):
            error.hint = "the same command begins again"
        raise error
    ledger, run_id = store(), written[0].id
    document = document_of(ledger, ledger.run(run_id), settings)
    if error is None:
        front.show(document, lambda: summary(document))
        return
    error.hint = _named(error.hint, run_id)
    if front.json:
        document["error"] = {"kind": error.kind, "message": error.message, "hint": error.hint, "where": error.where}
        front.show(document, str)
        say(f"error: {error.message}", to=sys.stderr)
        raise typer.Exit(error.code)
    if error.code in (3, 4) and error.kind != "run_busy":
        say(f"\n{document['rounds']} rounds are on disk, and so is every answer since.")
        say(f"To go on: orchestrate resume {run_id}")
    raise error


def _named(hint: str, run: str) -> str:
    """The hint with the run's id where it speaks of a run."""
    for words in ("`orchestrate resume`", "`orchestrate resume last`"):
        hint = hint.replace(words, f"`orchestrate resume {run}`")
    return hint.replace("RUN", run) or f"orchestrate resume {run}"


def until_stopped(playing: Callable[["Stop"], Coroutine[Any, Any, T]]) -> T:
    """Runs it; the first Ctrl-C (or SIGTERM) asks for a clean stop, the second ends at once.

    Handlers of Python's own, not of the loop's: those are served only between awaits, and rules that compute
    for seconds await nothing.
    """
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.run import interrupted

    asked: list[tuple[asyncio.AbstractEventLoop, Stop]] = []
    presses = 0

    async def whole() -> T:
        stop = Stop()
        asked.append((asyncio.get_running_loop(), stop))
        return await playing(stop)

    def pressed(_number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1 or not asked:
            raise KeyboardInterrupt
        loop, stop = asked[0]
        loop.call_soon_threadsafe(stop.now, interrupted())  # the loop may be asleep: this wakes it

    before = {number: signal.signal(number, pressed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return asyncio.run(whole())
    except KeyboardInterrupt:
        raise RunPaused(_at_once(presses), hint="orchestrate resume RUN") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _at_once(presses: int) -> str:
    return "stopped at once by a second Ctrl-C" if presses > 1 else "stopped by Ctrl-C before it began"


def document_of(ledger: "Ledger", row: "RunRow", settings: "Settings") -> dict[str, Any]:
    from orchestrator.views.projections import run_document

    return run_document(ledger, row, prices=settings.prices)


def summary(document: Mapping[str, Any]) -> str:
    """How a finished run is summed up, and what can be done with it."""
    run_id = document["run"]
    ending = document["outcome"]
    calls, tokens, seconds = document["calls"], document["tokens"], document["seconds"]
    lines = [
        f"Run {run_id}: {document['rounds']} rounds, "
        + (f"ending {str(ending).replace('_', ' ')}." if ending else "cut short by --rounds.")
    ]
    if calls["total"]:
        cached = 100 * tokens["cached"] / tokens["prompt"] if tokens["prompt"] else 0.0
        share = 100 * seconds["model"] / seconds["wall"] if seconds["wall"] else 0.0
        lines.append(
            f"{calls['total']} calls ({calls['reused']} reused), {tokens['prompt']} prompt tokens "
            f"({cached:.0f} % from the cache), {tokens['completion']} written, "
            f"{seconds['wall']:.0f} s ({share:.0f} % inside the model)."
        )
    if document["failures"]:
        found = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in document["failures"].items())
        lines.append(f"Not as asked: {found}.")
    go_on = (
        f"orchestrate resume {run_id} --rounds N"
        if ending is None
        else f"orchestrate fork {run_id} --at N --set PATH=VALUE"
    )
    lines += [
        f"See it again:  orchestrate replay {run_id}",
        f"Read it:       orchestrate story {run_id}",
        f"Go on:         {go_on}",
    ]
    return "\n".join(lines)
