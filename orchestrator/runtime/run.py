"""Playing a run: begin it, go on with it, stop cleanly, fork it.

`play` is the same code for a new run, a resumed one and a fork: it folds what is stored, puts the stored
answers first, and plays rounds until the run ends, its limit is reached or something stops it.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator import __version__
from orchestrator.backends.protocol import Backend
from orchestrator.core import rules
from orchestrator.core.call import Answer, Call
from orchestrator.core.design import Design, ForkPoint
from orchestrator.core.events import RULES_VERSION, AnyEvent, SeatPlay
from orchestrator.core.state import RunState, fold
from orchestrator.core.value import canonical, digest
from orchestrator.errors import BadUsage, OrchestratorError, RunPaused, Stopped, UnknownRound
from orchestrator.ledger.ids import new_run_id, utc_now
from orchestrator.ledger.rows import CallRecord, NewEvent, RunRow, chained
from orchestrator.ledger.store import Ledger, settled
from orchestrator.runtime.ask import Asker, Books, Kept, Stop, Watch, first_difference
from orchestrator.runtime.recorded import Played, Recorded, fork_events, kept_of, own_rules, recorded
from orchestrator.runtime.round import play_round, table_of


class Onlooker(Watch, Protocol):
    """Whoever looks on: the live screen, a plain printer, or nobody."""

    def begins(self, row: RunRow, played: Played, state: RunState) -> None: ...

    def round_begins(self, round_: int, state: RunState) -> None: ...

    def event(self, event: AnyEvent) -> None: ...

    def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What a run may use, over all its sessions; None: as much as it takes."""

    max_calls: int | None = None
    max_tokens: int | None = None


def begin(
    ledger: Ledger,
    design: Design,
    data: str,
    played: Played,
    *,
    name: str | None,
    rounds: int | None,
    limits: Limits,
    backends: Mapping[str, str],
) -> RunRow:
    """Writes a new run with its first events; nothing is played yet. `data`: the text of scenario, personas and
    prompts; `backends`: seat -> configured name."""
    opened = rules.open_run(played.law, design.seed, design.hash(), design.sets)
    run = new_run_id()
    rows = chained(run, [NewEvent(event.round, event.kind, event.body()) for event in opened])
    row = new_row(run, design, played, name, rounds, limits, backends)
    texts = {digest(text): text for text in (design.text(), data)}
    return ledger.begin_run(row, texts, rows).result()


def new_row(
    run: str,
    design: Design,
    played: Played,
    name: str | None,
    rounds: int | None,
    limits: Limits,
    backends: Mapping[str, str],
    **more: Any,
) -> RunRow:
    """The row of a run that begins now; `more`: further columns."""
    now = utc_now()
    kept = {"max_calls": limits.max_calls, "max_tokens": limits.max_tokens, "backends": dict(backends)}
    return RunRow(
        id=run,
        name=name,
        scenario=played.law.scenario.scenario,
        seed=design.seed,
        design=digest(design.text()),
        rounds_limit=rounds,
        rules_version=RULES_VERSION,
        engine=__version__,
        created_at=now,
        updated_at=now,
        limits=canonical(kept),
        **more,
    )


def plays_of(recorded_: Recorded) -> dict[str, SeatPlay]:
    """How each seat is played now: the design, and what forks changed."""
    return {**recorded_.played.design.seats, **recorded_.state.seats}


def plays_at(design: Design, at: int) -> dict[str, SeatPlay]:
    """How each seat is played in the round after `at`, before a further fork there changes anything."""
    plays = dict(design.seats)
    for point in design.forks:
        if point.at <= at:
            plays.update(point.seats)
    return plays


async def play(
    ledger: Ledger, run: str, backends: Mapping[tuple[str, str], tuple[str, Backend]], stop: Stop, onlooker: Onlooker
) -> RunRow:
    """Plays a stored run on from where it stands, to its end, its limit or a stop.

    Raises RunBusy, OtherRules, ReplayDiverged, and what stopped it (Stopped, BackendFailed); the run's row says so
    as well. The caller holds no lock; this takes it.
    """
    with ledger.lock(run):
        row = ledger.run(run)
        own_rules(row)
        held = recorded(ledger, row)
        if row.status == "finished" and (held.state.ended or _limited(row, held.state)):
            return row
        ledger.update_run(run, status="running", reason=None, error=None).result()
        began = time.monotonic()
        error: OrchestratorError | None = None
        try:
            state = await _rounds(ledger, held, backends, stop, onlooker)
        except OrchestratorError as stopped:
            error = stop.reason or stopped
            state = held.state
        wall = row.wall_s + time.monotonic() - began
        if error is not None:
            status = "paused" if isinstance(error, Stopped) else "failed"
            ledger.finish(run, status, error.kind, None, wall_s=wall, error=error.message).result()
            raise error
        outcome = state.ending if state.ended else None
        ledger.finish(run, "finished", "ending" if state.ended else "rounds", outcome, wall_s=wall, error=None).result()
        return ledger.run(run)


def _limited(row: RunRow, state: RunState) -> bool:
    return row.rounds_limit is not None and state.round >= row.rounds_limit


async def _rounds(
    ledger: Ledger,
    held: Recorded,
    backends: Mapping[tuple[str, str], tuple[str, Backend]],
    stop: Stop,
    onlooker: Onlooker,
) -> RunState:
    row, state = held.row, held.state
    calls = list(ledger.calls(row.id))
    asker = Asker(
        keep=keeper(ledger, row.id),
        stop=stop,
        backends=backends,
        tape=kept_of(calls),
        parent=_parent_cache(ledger, row),
        books=books_of(row, calls),
        watch=onlooker,
        explain=lambda call: first_difference(ledger.call_record(row.id, call.key)[0], call),
    )
    table = table_of(held.played, plays_of(held), onlooker.event)
    seq, last = len(held.rows), held.rows[-1].hash
    onlooker.begins(row, held.played, state)
    while not state.ended and not _limited(row, state):
        if stop.reason is not None:
            raise stop.reason
        onlooker.round_begins(state.round + 1, state)
        events = await play_round(table, state, asker)
        rows = chained(
            row.id, [NewEvent(event.round, event.kind, event.body()) for event in events], first=seq, previous=last
        )
        await settled(ledger.append(row.id, seq, rows))
        before, state = state, fold(events, state)
        seq, last = seq + len(rows), rows[-1].hash
        onlooker.round_over(events, before, state)
        await asyncio.sleep(0)
    return state


def keeper(ledger: Ledger, run: str) -> Any:
    """Stores answers in the ledger; returns once they are on disk."""

    async def keep(call: Call, answer: Answer, backend: str, started: float, ended: float, *, reused: bool) -> None:
        await settled(
            ledger.keep_call(
                run,
                CallRecord(
                    call=call, answer=answer, backend=backend, started_at=started, ended_at=ended, reused=reused
                ),
            )
        )

    return keep


def books_of(row: RunRow, calls: list[Any]) -> Books:
    """What the run has used: its own calls, not those copied from a parent."""
    limits = json.loads(row.limits)
    asked = [call for call in calls if not call.reused]
    tokens = sum(call.prompt_tokens + call.completion_tokens for call in asked)
    return Books(
        calls=len(asked), tokens=tokens, max_calls=limits.get("max_calls"), max_tokens=limits.get("max_tokens")
    )


def _parent_cache(ledger: Ledger, row: RunRow) -> dict[str, Kept]:
    """The parent's calls after the fork point, while the parent is still there."""
    if row.parent is None or row.fork_round is None or row.parent not in {held.id for held in ledger.runs()}:
        return {}
    return kept_of(ledger.calls(row.parent), after=row.fork_round)


def forkable(parent: Recorded, at: int, rounds: int | None) -> None:
    """Raises what `fork` would raise, before anything is fetched, loaded or written."""
    own_rules(parent.row)
    if at > parent.state.round or (at == parent.state.round and parent.state.ended):
        most = parent.state.round - (1 if parent.state.ended else 0)
        raise UnknownRound(
            f"run {parent.row.id} has completed {parent.state.round} rounds; --at can be 0 to {most}",
            hint=f"orchestrate fork {parent.row.id} --at {most}",
            where="--at",
        )
    if rounds is not None and rounds <= at:
        raise BadUsage(f"--rounds {rounds} ends the run at or before the {at} rounds kept", where="--rounds")


def fork(
    ledger: Ledger,
    parent: Recorded,
    at: int,
    *,
    seats: Mapping[str, SeatPlay],
    sets: Mapping[str, Any],
    mutes: tuple[str, ...] = (),
    rounds: int | None,
    name: str | None,
    backends: Mapping[str, str],
) -> RunRow:
    """A new run from a parent's prefix: rounds 1 to `at` are copied. Raises UnknownRound, OtherRules, BadUsage."""
    forkable(parent, at, rounds)
    kept = [row for row, event in zip(parent.rows, parent.events, strict=True) if event.round <= at]
    earlier = tuple(point for point in parent.played.design.forks if point.at <= at)
    point = ForkPoint(at=at, parent_hash=kept[-1].hash, seats=dict(seats), sets=dict(sets), mutes=mutes)
    design = parent.played.design.model_copy(update={"forks": (*earlier, point)})
    run = new_run_id()
    new = fork_events(parent.played.law, point)
    rows = chained(
        run,
        [NewEvent(row.round, row.kind, row.body) for row in kept]
        + [NewEvent(event.round, event.kind, event.body()) for event in new],
    )
    limits = json.loads(parent.row.limits)
    named = {**limits.get("backends", {}), **backends}
    row = new_row(
        run,
        design,
        parent.played,
        name,
        _length(parent.row, at, rounds),
        Limits(),
        named,
        parent=parent.row.id,
        parent_hash=point.parent_hash,
        fork_round=at,
    )
    calls = [
        call.model_copy(update={"run": run, "reused": True}) for call in ledger.calls(parent.row.id) if call.round <= at
    ]
    texts = {digest(text): text for text in (design.text(), ledger.text(design.data))}
    return ledger.begin_run(row, texts, rows, calls).result()


def _length(parent: RunRow, at: int, rounds: int | None) -> int | None:
    """Where a fork is cut short: as asked, else as its parent, unless that leaves nothing to play."""
    inherited = parent.rounds_limit
    return rounds if rounds is not None or inherited is None or inherited > at else None


def interrupted() -> RunPaused:
    """Why a run stops on Ctrl-C or SIGTERM."""
    return RunPaused("stopped by Ctrl-C", hint="orchestrate resume RUN")
