"""Playing a stored run again with no backend behind: the same events, byte for byte, or where they part.

The rounds are played from the run's design and its calls; the stored events are read only to compare.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.core import rules
from orchestrator.core.call import Call
from orchestrator.core.events import RULES_VERSION, AnyEvent
from orchestrator.core.state import RunState, fold
from orchestrator.errors import BadDatabase, DamageFound, OrchestratorError, ReplayDiverged, RunPaused
from orchestrator.ledger.store import Ledger
from orchestrator.runtime.ask import Asker, Stop, first_difference
from orchestrator.runtime.recorded import Played, Recorded, fork_events, kept_of, recorded
from orchestrator.runtime.round import See, play_round, table_of
from orchestrator.runtime.workers import FEW, Workers, cores


@dataclass(frozen=True)
class Replayed:
    """What playing again gave."""

    events: tuple[AnyEvent, ...]
    state: RunState
    rederived: bool
    """False: other rules, so the stored events are shown as they are."""


class Checked(NamedTuple):
    """The result of verifying one run."""

    run: str
    ok: bool
    events: int
    calls: int
    rederived: bool
    problem: str | None


async def replay(
    ledger: Ledger,
    held: Recorded,
    *,
    today: Played | None = None,
    upto: int | None = None,
    see: See | None = None,
) -> Replayed:
    """Plays the completed rounds again. `today`: under another design (files of today). Raises ReplayDiverged."""
    row = held.row
    if row.rules_version != RULES_VERSION:
        return Replayed(held.events, held.state, rederived=False)
    played = today or held.played
    calls = list(ledger.calls(row.id))
    asker = Asker(
        keep=_nothing_new,
        stop=Stop(),
        tape=kept_of(calls),
        explain=lambda call: first_difference(ledger.call_record(row.id, call.key)[0], call),
    )
    compare = _Compare(held, loose=today is not None)
    forks = list(played.design.forks)
    last = held.state.round if upto is None else min(upto, held.state.round)
    events = rules.open_run(played.law, played.design.seed, played.design.hash(), played.design.sets)
    compare.next(events)
    state = fold(events)
    while True:
        while forks and forks[0].at == state.round:
            happened = fork_events(played.law, forks.pop(0))
            compare.next(happened)
            events, state = events + happened, fold(happened, state)
        if state.round >= last or state.ended:
            break
        table = table_of(played, {**played.design.seats, **state.seats}, see or _unseen)
        happened = await play_round(table, state, asker)
        compare.next(happened)
        events, state = events + happened, fold(happened, state)
    if upto is None:
        compare.finished()
        for call in calls:
            if call.round <= held.state.round and call.key not in asker.used:
                raise ReplayDiverged(call.key, "the record holds an answer that no question of the replay asked for")
    return Replayed(tuple(events), state, rederived=True)


def _unseen(event: AnyEvent) -> None:
    """Nobody looks on."""
    del event


async def _nothing_new(call: Call, *_: object, **__: object) -> None:
    raise RunPaused(f"a replay never stores a call ({call.key})")


class _Compare:
    """Holds the events played again against those stored, one after the other."""

    def __init__(self, held: Recorded, *, loose: bool) -> None:
        self.rows, self.at, self.loose = held.rows, 0, loose

    def next(self, events: list[AnyEvent]) -> None:
        for event in events:
            if self.at >= len(self.rows):
                raise ReplayDiverged(f"event {self.at}", f"a further event, {event.kind}, is not in the record")
            stored = self.rows[self.at]
            if event.body() != stored.body and not (self.loose and event.kind == stored.kind == "run_started"):
                raise ReplayDiverged(f"event {self.at}", _difference(stored.kind, stored.body, event))
            self.at += 1

    def finished(self) -> None:
        if self.at != len(self.rows):
            raise ReplayDiverged(
                f"event {self.at}",
                f"the record goes on with {self.rows[self.at].kind} and {len(self.rows) - self.at} events in all",
            )


def _difference(kind: str, body: str, event: AnyEvent) -> str:
    if kind != event.kind:
        return f"{kind} is stored, now it is {event.kind} ({event.cause.kind} {event.cause.id})"
    now = event.body()
    at = next(
        (index for index, (one, two) in enumerate(zip(body, now, strict=False)) if one != two), min(len(body), len(now))
    )
    shown = slice(max(0, at - 30), at + 40)
    return f"{kind} differs at character {at}: {body[shown]!r} is stored, now {now[shown]!r}"


async def check(ledger: Ledger, run: str) -> Checked:
    """Chain, fold, calls and replay of one run agree, or the first thing that does not."""
    row = ledger.run(run)
    calls, rederived = 0, False
    try:
        whole = ledger.whole(run)
    except BadDatabase as error:
        return Checked(row.id, False, row.events, 0, False, error.message)
    problem = next(iter(ledger.problems_of(whole)), None)
    if problem is None:
        calls = len(whole.calls)
        try:
            held = recorded(ledger, row, whole.events)
            problem = _row_problem(held)
            if problem is None:
                rederived = (await replay(ledger, held)).rederived
        except OrchestratorError as error:
            problem = error.message
    return Checked(row.id, problem is None, row.events, calls, rederived, problem)


def checked(ledger: Ledger, run: str) -> Checked:
    """The same, outside of any loop; a page of the store that cannot be read is damage like any other."""
    try:
        return asyncio.run(check(ledger, run))
    except (BadDatabase, DamageFound) as error:
        return Checked(run, False, 0, 0, False, error.message)


def check_all(ledger: Ledger, db: str, runs: Sequence[str]) -> Iterator[Checked]:
    """Many runs of the store at `db`, in this order, on all cores. Raises RunPaused where a process is lost."""
    processes = min(cores(), len(runs))
    if processes < 2 or len(runs) <= FEW:
        yield from (checked(ledger, run) for run in runs)
        return
    with Workers(processes, {"work": "verify", "db": db}) as workers:
        yield from (Checked(**answer) for answer in workers.answers(runs, lambda: False))


def _row_problem(held: Recorded) -> str | None:
    """What the run's row says otherwise than its events."""
    row, state, design = held.row, held.state, held.played.design
    # A run that was killed after its last round has an ending and does not say so yet: `resume` does.
    outcome = state.ending if state.ended and row.status == "finished" else None
    said = {
        "rules_version": (row.rules_version, design.rules_version),
        "seed": (row.seed, design.seed),
        "scenario": (row.scenario, held.played.law.scenario.scenario),
        "outcome": (row.outcome, outcome),
        "rounds": (row.rounds, state.round),
        "fork_round": (row.fork_round, design.forks[-1].at if design.forks else None),
        "parent_hash": (row.parent_hash, design.forks[-1].parent_hash if design.forks else None),
    }
    for name, (stored, derived) in said.items():
        if stored != derived:
            return f"the run's row says {name} {stored!r}, its record gives {derived!r}"
    if row.status == "finished" and row.reason != ("ending" if state.ended else "rounds"):
        return f"the run's row says it finished by {row.reason!r}, its record says otherwise"
    return None
