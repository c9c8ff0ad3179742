"""The commands that play: run, resume, replay, fork. Each reads its options, calls the runtime, and prints."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from orchestrator.cli.command import Front, command
from orchestrator.cli.options import (
    At,
    Backend,
    DryRun,
    Judge,
    JudgeMode,
    JudgePolicy,
    MaxCalls,
    MaxTokens,
    Name,
    NoDownload,
    Pace,
    Policy,
    Round,
    Rounds,
    Run,
    Scenario,
    Seed,
    Set,
    Yes,
    assignments,
    seat_flags,
)
from orchestrator.cli.output import say
from orchestrator.errors import BadUsage, OrchestratorError, RunPaused, UnknownRound, UnknownRun

if TYPE_CHECKING:
    from orchestrator.backends.registry import Backends
    from orchestrator.config import Settings
    from orchestrator.ledger.rows import RunRow
    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.recorded import Played

T = TypeVar("T")


@command
def run(
    front: Front, scenario: Scenario, rounds: Rounds = None, seed: Seed = None, backend: Backend = None, policy: Policy = None, judge: Judge = None,
    judge_mode: JudgeMode = "score", judge_policy: JudgePolicy = False, set_: Set = None, max_calls: MaxCalls = None, max_tokens: MaxTokens = None,
    name: Name = None, dry_run: DryRun = False, no_download: NoDownload = False, yes: Yes = False,
) -> None:  # fmt: skip
    """Plays a scenario from its start."""
    del judge_mode
    from orchestrator.runtime.prepare import load_law, prepare
    from orchestrator.runtime.run import Limits, begin

    loaded, law = load_law(scenario, Path.cwd())
    flags = seat_flags(backend, judge, policy, seats=law.scenario.seats)
    settings = front.settings(flags)
    settings.check_seats(law.scenario.seats)
    used = [settings.backend_of(seat, model_seat=held.by == "model") for seat, held in law.scenario.seats.items()]
    models = any(name_ != "policy" for name_ in used) or judge_policy
    if not dry_run:
        _models(front, settings, [*used, *(settings.judge if models else ())], allowed=not no_download, yes=yes)
    backends = _backends(settings)
    played, named = prepare(loaded, law, settings, backends, seed=1 if seed is None else seed, sets=assignments(set_), judge_policy=judge_policy)
    if dry_run:
        from orchestrator.cli.dryrun import dry_document, dry_text

        document = dry_document(played, named, rounds)
        front.show(document, lambda: dry_text(document))
        return
    with _ledger(settings) as ledger:
        if name is not None:
            from orchestrator.ledger.ids import checked_name

            checked_name(name)
        _ready(played, named, settings, backends)
        row = begin(ledger, played.design, loaded.design_data, played, name=name, rounds=rounds, limits=Limits(max_calls, max_tokens), backends=named)
        _play(front, ledger, row.id, settings, backends)


@command
def resume(front: Front, run: Run, rounds: Rounds = None, max_calls: MaxCalls = None, max_tokens: MaxTokens = None, no_download: NoDownload = False, yes: Yes = False) -> None:
    """Goes on where a run stopped, whatever stopped it."""
    import json

    from orchestrator.core.value import canonical

    settings = front.settings()
    with _ledger(settings, create=False) as ledger:
        row = ledger.find(run)
        changes: dict[str, Any] = {}
        if rounds is not None:
            if rounds < row.rounds:
                raise BadUsage(f"--rounds {rounds}: {row.rounds} rounds are played already", where="--rounds")
            changes["rounds_limit"] = rounds
        limits = json.loads(row.limits)
        for key, value in (("max_calls", max_calls), ("max_tokens", max_tokens)):
            if value is not None:
                limits[key] = value
                changes["limits"] = canonical(limits)
        if row.outcome is None or row.status != "finished":
            with ledger.lock(row.id):
                if changes:
                    ledger.update_run(row.id, **changes).result()
        backends = _backends(settings)
        _models_of(front, settings, ledger.run(row.id), ledger, allowed=not no_download, yes=yes)
        _play(front, ledger, row.id, settings, backends)


@command
def fork(
    front: Front, run: Run, at: At, set_: Set = None, backend: Backend = None, policy: Policy = None, rounds: Rounds = None, name: Name = None,
    no_download: NoDownload = False, yes: Yes = False,
) -> None:  # fmt: skip
    """A new run from a parent's first rounds, with something changed."""
    from orchestrator.core.interventions import checked_sets
    from orchestrator.runtime import run as runtime
    from orchestrator.runtime.prepare import seat_play
    from orchestrator.runtime.recorded import recorded

    plain = front.settings()
    with _ledger(plain, create=False) as ledger:
        parent = recorded(ledger, ledger.find(run))
        seats = parent.played.law.scenario.seats
        flags = seat_flags(backend, None, policy, seats=seats)
        settings = front.settings(flags)
        changed = {key.removeprefix("seats."): str(value) for key, value in flags.items() if key != "seats.default"}
        if "seats.default" in flags:
            plays = runtime.plays_of(parent)
            changed = {**{seat: str(flags["seats.default"]) for seat in seats if plays[seat].by == "model"}, **changed}
        _models(front, settings, list(changed.values()), allowed=not no_download, yes=yes)
        backends = _backends(settings)
        plays = {seat: seat_play(chosen, settings, backends) for seat, chosen in changed.items()}
        sets = checked_sets(parent.played.law, assignments(set_))
        if name is not None:
            from orchestrator.ledger.ids import checked_name

            checked_name(name)
        row = runtime.fork(ledger, parent, at, seats=plays, sets=sets, rounds=rounds, name=name, backends=changed)
        _models_of(front, settings, row, ledger, allowed=not no_download, yes=yes)
        _play(front, ledger, row.id, settings, backends)


@command
def replay(front: Front, run: Run, round_: Round = None, pace: Pace = None, current: bool = typer.Option(False, "--current", help="Against today's files; says where they part (exit 5).")) -> None:  # noqa: FBT001
    """Shows a run again from the store, exactly and offline."""
    from orchestrator.cli.plain import onlooker
    from orchestrator.core.state import fold
    from orchestrator.errors import ReplayDiverged
    from orchestrator.runtime.prepare import load_law
    from orchestrator.runtime.recorded import Played, recorded
    from orchestrator.runtime.replay import replay as play_again

    settings = front.settings()
    with _ledger(settings, create=False) as ledger:
        held = recorded(ledger, ledger.find(run))
        if round_ is not None and round_ > held.state.round:
            raise UnknownRound(f"run {held.row.id} has {held.state.round} completed rounds, no round {round_}", where="--round")
        today = None
        if current:
            from orchestrator.core.value import canonical, digest

            loaded, law = load_law(held.row.scenario, Path.cwd())
            today = Played(held.played.design.model_copy(update={"data": digest(canonical(loaded.design_data))}), law, loaded.prompts)
        diverged: ReplayDiverged | None = None
        events = list(held.events)
        try:
            done = asyncio.run(play_again(ledger, held, today=today))
            events = list(done.events)
        except ReplayDiverged as error:
            diverged = error
        if diverged is None and not front.json:
            with onlooker(out=sys.stdout, quiet=True) as look:
                state = fold([event for event in events if event.round == 0])
                look.begins(held.row, held.played, state)
                for number in range(1, held.state.round + 1):
                    part = [event for event in events if event.round == number]
                    before, state = state, fold(part, state)
                    if round_ is None or number == round_:
                        look.round_begins(number, before)
                        for event in part:
                            look.event(event)
                            if pace and event.text:
                                time.sleep(pace)
                        look.round_over(part, before, state)
        document = _document(ledger, held.row, settings)
        document["diverged"] = None if diverged is None else {"key": diverged.key, "what": diverged.what}
        if diverged is not None and not front.json:
            raise diverged
        front.show(document, lambda: f"The replay gives the same {len(events)} events, byte for byte ({held.row.last_hash[:12]}).")
        if diverged is not None:
            raise typer.Exit(5)


def _backends(settings: "Settings") -> "Backends":
    from orchestrator.backends.registry import Backends

    return Backends(dict(settings.backends), base=settings.base)


def _ledger(settings: "Settings", *, create: bool = True) -> "Ledger":
    from orchestrator.ledger.store import Ledger

    if not create and not Ledger.exists(settings.db):
        raise UnknownRun(f"there is no store at {settings.db} yet", hint="orchestrate run --scenario takeoff", where=settings.db)
    return Ledger.open(settings.db, create=create)


def _models(front: Front, settings: "Settings", names: list[str], *, allowed: bool, yes: bool) -> None:
    """Fetches embedded models that are missing, where that is allowed. Raises UnknownModel, BadModelFile, BadUsage."""
    from orchestrator.backends.models import is_path, model_path
    from orchestrator.config import LlamaConfig

    for name in dict.fromkeys(names):
        config = settings.backends.get(name)
        if not isinstance(config, LlamaConfig) or is_path(config.model) or model_path(config.model).exists():
            continue
        if not allowed:
            raise BadUsage(f"the model {config.model} is not on disk and --no-download forbids fetching it", hint=f"orchestrate models pull {config.model}", where=f"backends.{name}.model")
        if not yes and sys.stdin.isatty() and sys.stderr.isatty() and not typer.confirm(f"Fetch the model {config.model} now (orchestrate models list says its size and licence)?", default=True, err=True):
            raise BadUsage(f"the model {config.model} is not on disk", hint=f"orchestrate models pull {config.model}, or --policy all plays without a model")
        from orchestrator.cli.models import fetch_model

        fetch_model(front, config.model)


def _models_of(front: Front, settings: "Settings", row: "RunRow", ledger: "Ledger", *, allowed: bool, yes: bool) -> None:
    """The same for the backends that a stored run knows."""
    import json

    del ledger
    named = json.loads(row.limits).get("backends", {})
    _models(front, settings, [one for name in named.values() for one in str(name).split(",")], allowed=allowed, yes=yes)


def _ready(played: "Played", named: Mapping[str, str], settings: "Settings", backends: "Backends") -> None:
    """Raises what stands against asking, before a run is written: a missing key, a damaged model file."""
    from orchestrator.runtime.prepare import resolve, wanted_by

    found = resolve(wanted_by(played.design.seats, played.design.judge, named), settings, backends)
    for _, backend in found.values():
        check = getattr(backend, "check", None)
        if check is not None:
            check()


def _play(front: Front, ledger: "Ledger", run_id: str, settings: "Settings", backends: "Backends") -> None:
    """Plays a stored run on, with a screen, until it ends or stops; prints what there is to know."""
    import json

    from orchestrator.cli.plain import onlooker
    from orchestrator.runtime.prepare import resolve, started, wanted_by
    from orchestrator.runtime.recorded import recorded
    from orchestrator.runtime.run import play, plays_of

    row = ledger.run(run_id)
    held = recorded(ledger, row)
    over = held.state.ended or (row.rounds_limit is not None and held.state.round >= row.rounds_limit)
    found = {} if over else resolve(wanted_by(plays_of(held), held.played.design.judge, json.loads(row.limits).get("backends", {})), settings, backends)

    async def playing(stop: "Stop") -> None:
        with onlooker(out=sys.stderr if front.json else sys.stdout, quiet=front.json, slots={key: backend.abilities.concurrency for key, (_, backend) in found.items()}) as look:
            try:
                await started([backend for _, backend in found.values()])
                await play(ledger, run_id, found, stop, look)
            finally:
                for backend in backends.made:
                    await backend.aclose()

    error: OrchestratorError | None = None
    try:
        _until_stopped(playing)
    except OrchestratorError as stopped:
        error = stopped
    document = _document(ledger, ledger.run(run_id), settings)
    if error is None:
        front.show(document, lambda: _summary(document))
        return
    if front.json:
        document["error"] = {"kind": error.kind, "message": error.message, "hint": f"orchestrate resume {run_id}", "where": error.where}
        front.show(document, lambda: "")
        say(f"{error.kind}: {error.message}", to=sys.stderr)
        raise typer.Exit(error.code)
    if error.code in (3, 4):
        say(f"\nRound {document['rounds']} is on disk, and so is every answer since. Go on with: orchestrate resume {run_id}")
    raise error


def _until_stopped(playing: Callable[["Stop"], Coroutine[Any, Any, T]]) -> T:
    """Runs it; the first Ctrl-C (or SIGTERM) asks for a clean stop, the second ends at once."""
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.run import interrupted

    async def whole() -> T:
        stop = Stop()
        loop = asyncio.get_running_loop()

        def halt() -> None:
            if stop.reason is not None:
                raise KeyboardInterrupt
            stop.now(interrupted())

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, halt)
        return await playing(stop)

    try:
        return asyncio.run(whole())
    except KeyboardInterrupt:
        raise RunPaused("stopped at once by a second Ctrl-C", hint="orchestrate resume last") from None


def _document(ledger: "Ledger", row: "RunRow", settings: "Settings") -> dict[str, Any]:
    from orchestrator.views.projections import run_document

    return run_document(ledger, row, prices=settings.prices)


def _summary(document: Mapping[str, Any]) -> str:
    """How a finished run is summed up, and what can be done with it."""
    run_id = document["run"]
    ending = document["outcome"]
    calls, tokens, seconds = document["calls"], document["tokens"], document["seconds"]
    lines = [f"Run {run_id}: {document['rounds']} rounds, " + (f"ending {str(ending).replace('_', ' ')}." if ending else "cut short by --rounds.")]
    if calls["total"]:
        cached = 100 * tokens["cached"] / tokens["prompt"] if tokens["prompt"] else 0.0
        share = 100 * seconds["model"] / seconds["wall"] if seconds["wall"] else 0.0
        lines.append(f"{calls['total']} calls ({calls['reused']} reused), {tokens['prompt']} prompt tokens ({cached:.0f} % from the cache), "
                     f"{tokens['completion']} written, {seconds['wall']:.0f} s ({share:.0f} % inside the model).")  # fmt: skip
    if document["failures"]:
        lines.append("Not as asked: " + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in document["failures"].items()) + ".")
    go_on = f"orchestrate resume {run_id} --rounds N" if ending is None else f"orchestrate fork {run_id} --at N --set PATH=VALUE"
    lines += [f"See it again:  orchestrate replay {run_id}", f"Read it:       orchestrate story {run_id}", f"Go on:         {go_on}"]
    return "\n".join(lines)
