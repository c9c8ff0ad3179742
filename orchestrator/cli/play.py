"""The commands that play: run, resume, fork. Each reads its options, calls the runtime, and prints."""

from contextlib import ExitStack
from functools import cache
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
    Many,
    MaxCalls,
    MaxTokens,
    Mute,
    Name,
    NoDownload,
    Policy,
    Rounds,
    Run,
    Scenario,
    Seed,
    Set,
    Talk,
    Variant,
    Yes,
    assignments,
    muted,
    seat_flags,
)
from orchestrator.cli.session import (
    backends_of,
    exists,
    fetch_missing,
    fitting,
    free_name,
    ledger_of,
    names_then,
    play_on,
    spent_of,
    wanted,
    wanted_of,
)
from orchestrator.errors import BadUsage

if TYPE_CHECKING:
    from orchestrator.ledger.rows import RunRow
    from orchestrator.ledger.store import Ledger


@command
def run(
    front: Front,
    scenario: Scenario,
    variant: Variant = None,
    rounds: Rounds = None,
    seed: Seed = None,
    runs: Many = None,
    backend: Backend = None,
    policy: Policy = None,
    judge: Judge = None,
    judge_mode: JudgeMode = "score",
    judge_policy: JudgePolicy = False,
    talk: Talk = None,
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
    from orchestrator.cli.dryrun import dry_document, dry_text, rehearse
    from orchestrator.core.interventions import checked_sets
    from orchestrator.runtime.prepare import load_law, prepare
    from orchestrator.runtime.run import Limits, begin

    loaded, law = load_law(scenario, Path.cwd(), variant)
    flags = seat_flags(backend, judge, policy, seats=law.scenario.seats)
    settings = front.settings(flags)
    settings.check_seats(law.scenario.seats)
    seed = 1 if seed is None else seed
    sets = assignments(set_)
    checked_sets(law, sets)
    fitting(seed, runs, name)
    if dry_run:
        played, named = prepare(
            loaded, law, settings, backends_of(settings), seed=seed, sets=sets, judge_policy=judge_policy, talk=talk
        )
        rehearse(played)
        document = dry_document(played, named, rounds)
        document |= {} if runs is None else {"runs": runs}
        front.show(document, lambda: dry_text(document))
        return
    with ExitStack() as opened:

        @cache
        def store() -> "Ledger":
            return opened.enter_context(ledger_of(settings))

        if exists(settings) and runs is None:
            free_name(store(), name)
        seats = law.scenario.seats
        used = {seat: settings.backend_of(seat, model_seat=held.by == "model") for seat, held in seats.items()}
        # Who only answers makes no move that could be judged.
        moving = (name_ for seat, name_ in used.items() if seats[seat].members is None)
        judges = settings.judge if judge_policy or any(name_ != "policy" for name_ in moving) else ()
        fetch_missing(front, settings, [*used.values(), *judges], allowed=not no_download, yes=yes)
        backends = backends_of(settings)
        played, named = prepare(
            loaded, law, settings, backends, seed=seed, sets=sets, judge_policy=judge_policy, talk=talk
        )
        rehearse(played)
        limits = Limits(max_calls, max_tokens)
        if runs is not None:
            from orchestrator.cli.ensemble import Common, play_many

            common = Common(played, loaded.design_text, rounds, limits, named)
            play_many(front, store, common, runs, name, settings, backends)
            return

        def new() -> "RunRow":
            return begin(
                store(), played.design, loaded.design_text, played,
                name=name, rounds=rounds, limits=limits, backends=named,
            )  # fmt: skip

        play_on(front, store, new, wanted(played, named), settings, backends)


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
    from orchestrator.runtime.recorded import recorded

    settings = front.settings()
    with ledger_of(settings, create=False) as ledger:
        row = ledger.find(run)
        changes: dict[str, Any] = {}
        if rounds is not None:
            if rounds < row.rounds and row.outcome is None:
                raise BadUsage(f"--rounds {rounds}: {row.rounds} rounds are played already", where="--rounds")
            changes["rounds_limit"] = rounds
        limits = json.loads(row.limits)
        for key, value in (("max_calls", max_calls), ("max_tokens", max_tokens)):
            if value is not None:
                limits[key] = value
                changes["limits"] = canonical(limits)
        over = row.outcome is not None and row.status == "finished"
        if not over:
            ledger.lock(row.id).release()  # who is too late hears it before a model is loaded
        needed = wanted_of(recorded(ledger, row), row.model_copy(update=changes))
        fetch_missing(front, settings, list(needed.values()), allowed=not no_download, yes=yes)

        def going_on() -> "RunRow":
            if changes and not over:
                with ledger.lock(row.id):
                    ledger.update_run(row.id, **changes).result()
            return ledger.run(row.id)

        spent = spent_of(ledger, row)
        play_on(front, lambda: ledger, going_on, needed, settings, backends_of(settings), spent=spent)


@command
def fork(
    front: Front,
    run: Run,
    at: At,
    set_: Set = None,
    backend: Backend = None,
    policy: Policy = None,
    mute: Mute = None,
    rounds: Rounds = None,
    name: Name = None,
    no_download: NoDownload = False,
    yes: Yes = False,
) -> None:
    """A new run from a parent's first rounds, with something changed."""
    from orchestrator.core.interventions import checked_sets
    from orchestrator.ledger.ids import checked_name
    from orchestrator.runtime import run as runtime
    from orchestrator.runtime.prepare import seat_play, wanted_by
    from orchestrator.runtime.recorded import recorded

    with ledger_of(front.settings(), create=False) as ledger:
        parent = recorded(ledger, ledger.find(run))
        runtime.forkable(parent, at, rounds)
        seats, before = parent.played.law.scenario.seats, runtime.plays_at(parent.played.design, at)
        flags = seat_flags(backend, None, policy, seats=seats)
        settings = front.settings(flags)
        changed = {key.removeprefix("seats."): str(value) for key, value in flags.items() if key != "seats.default"}
        if "seats.default" in flags:
            every = str(flags["seats.default"])
            changed = {**{seat: every for seat in seats if before[seat].by == "model"}, **changed}
        sets = checked_sets(parent.played.law, assignments(set_))
        mutes = muted(mute, seats=seats)
        if name is not None:
            checked_name(name)
            free_name(ledger, name)
        named = {**names_then(ledger, parent.row, before), **changed}
        judge = parent.played.design.judge
        kept = {seat: play for seat, play in before.items() if seat not in changed}
        needed = [*changed.values(), *wanted_by(kept, judge, named).values()]
        fetch_missing(front, settings, needed, allowed=not no_download, yes=yes)
        backends = backends_of(settings)
        plays = {seat: seat_play(chosen, settings, backends) for seat, chosen in changed.items()}

        def forked() -> "RunRow":
            return runtime.fork(
                ledger, parent, at, seats=plays, sets=sets, mutes=mutes, rounds=rounds, name=name, backends=named
            )

        needs = wanted_by({**before, **plays}, judge, named)
        play_on(front, lambda: ledger, forked, needs, settings, backends)
