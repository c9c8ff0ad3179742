"""The commands that play: run, resume, fork. Each reads its options, calls the runtime, and prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    Policy,
    Rounds,
    Run,
    Scenario,
    Seed,
    Set,
    Yes,
    assignments,
    seat_flags,
)
from orchestrator.cli.session import (
    backends_of,
    fetch_missing,
    fetch_missing_of,
    free_name,
    ledger_of,
    play_on,
    wanted,
    wanted_of,
)
from orchestrator.errors import BadUsage

if TYPE_CHECKING:
    from orchestrator.ledger.rows import RunRow


@command
def run(
    front: Front,
    scenario: Scenario,
    rounds: Rounds = None,
    seed: Seed = None,
    backend: Backend = None,
    policy: Policy = None,
    judge: Judge = None,
    judge_mode: JudgeMode = "score",
    judge_policy: JudgePolicy = False,
    set_: Set = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    name: Name = None,
    dry_run: DryRun = False,
    no_download: NoDownload = False,
    yes: Yes = False,
) -> None:
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
        fetch_missing(front, settings, [*used, *(settings.judge if models else ())], allowed=not no_download, yes=yes)
    backends = backends_of(settings)
    played, named = prepare(
        loaded,
        law,
        settings,
        backends,
        seed=1 if seed is None else seed,
        sets=assignments(set_),
        judge_policy=judge_policy,
    )
    if dry_run:
        from orchestrator.cli.dryrun import dry_document, dry_text

        document = dry_document(played, named, rounds)
        front.show(document, lambda: dry_text(document))
        return
    with ledger_of(settings) as ledger:
        free_name(ledger, name)

        def new() -> "RunRow":
            limits = Limits(max_calls, max_tokens)
            return begin(
                ledger,
                played.design,
                loaded.design_data,
                played,
                name=name,
                rounds=rounds,
                limits=limits,
                backends=named,
            )

        play_on(front, ledger, new, wanted(played, named), settings, backends)


@command
def resume(
    front: Front,
    run: Run,
    rounds: Rounds = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    no_download: NoDownload = False,
    yes: Yes = False,
) -> None:
    """Goes on where a run stopped, whatever stopped it."""
    import json

    from orchestrator.core.value import canonical

    settings = front.settings()
    with ledger_of(settings, create=False) as ledger:
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
        backends = backends_of(settings)
        fetch_missing_of(front, settings, ledger.run(row.id), allowed=not no_download, yes=yes)
        row = ledger.run(row.id)
        play_on(front, ledger, lambda: row, wanted_of(ledger, row), settings, backends)


@command
def fork(
    front: Front,
    run: Run,
    at: At,
    set_: Set = None,
    backend: Backend = None,
    policy: Policy = None,
    rounds: Rounds = None,
    name: Name = None,
    no_download: NoDownload = False,
    yes: Yes = False,
) -> None:
    """A new run from a parent's first rounds, with something changed."""
    from orchestrator.core.interventions import checked_sets
    from orchestrator.runtime import run as runtime
    from orchestrator.runtime.prepare import seat_play
    from orchestrator.runtime.recorded import recorded

    plain = front.settings()
    with ledger_of(plain, create=False) as ledger:
        parent = recorded(ledger, ledger.find(run))
        seats = parent.played.law.scenario.seats
        flags = seat_flags(backend, None, policy, seats=seats)
        settings = front.settings(flags)
        changed = {key.removeprefix("seats."): str(value) for key, value in flags.items() if key != "seats.default"}
        if "seats.default" in flags:
            plays = runtime.plays_of(parent)
            changed = {**{seat: str(flags["seats.default"]) for seat in seats if plays[seat].by == "model"}, **changed}
        fetch_missing(front, settings, list(changed.values()), allowed=not no_download, yes=yes)
        backends = backends_of(settings)
        plays = {seat: seat_play(chosen, settings, backends) for seat, chosen in changed.items()}
        sets = checked_sets(parent.played.law, assignments(set_))
        free_name(ledger, name)
        row = runtime.fork(ledger, parent, at, seats=plays, sets=sets, rounds=rounds, name=name, backends=changed)
        fetch_missing_of(front, settings, row, allowed=not no_download, yes=yes)
        play_on(front, ledger, lambda: row, wanted_of(ledger, row), settings, backends)
