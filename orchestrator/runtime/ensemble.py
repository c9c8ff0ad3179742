"""Many runs of one design that differ in their seed alone, all seats on policy: nothing is asked, so cores are all.

A run is played whole in memory (`play_out`), by this process or by workers, and written whole by this process's one
writer, many in a transaction: however it ends, a run is in the store from its first event to its last or not at all.
It has the hash that a single run with its seed would have; the rounds are played by the same code.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import NamedTuple, TypedDict

from orchestrator.core import rules
from orchestrator.core.call import Call, Reply
from orchestrator.core.design import Design
from orchestrator.core.events import AnyEvent
from orchestrator.core.state import fold
from orchestrator.core.value import digest, linked
from orchestrator.errors import BadUsage, OrchestratorError, Stopped
from orchestrator.ledger.ids import new_run_id
from orchestrator.ledger.rows import EventRow, NewRun, RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.runtime.recorded import Played
from orchestrator.runtime.round import play_round, table_of
from orchestrator.runtime.run import Limits, new_row
from orchestrator.runtime.workers import FEW, Workers, cores

MOST_TOGETHER = 32
TOGETHER_S = 0.5
"""Runs are written together that ended within this time, but no more than so many."""


class Failure(TypedDict):
    """What stopped a run before its end."""

    kind: str
    message: str
    stopped: bool
    """It may go on (`paused`); else it is `failed`."""


class Record(TypedDict):
    """A run as it was played, as plain data."""

    events: list[tuple[int, str, str, str]]
    """(round, kind, body, hash), of the completed rounds."""
    outcome: str | None
    ended: bool
    wall_s: float
    error: Failure | None


class Wanted(NamedTuple):
    """A run that is to be there in the end."""

    seed: int
    name: str | None


class Done(NamedTuple):
    """A run that is there now."""

    run: str
    status: str
    outcome: str | None
    found: bool = False
    """It was there before."""


class Common(NamedTuple):
    """What all runs of an ensemble share."""

    played: Played
    """Under any seed."""
    data: str
    """The text of scenario, personas and prompts."""
    rounds: int | None
    limits: Limits
    backends: Mapping[str, str]

    def design(self, seed: int) -> Design:
        return self.played.design.model_copy(update={"seed": seed})


def on_policy(design: Design) -> bool:
    """Whether nothing will be asked of anybody."""
    return design.judge is None and all(play.by == "policy" for play in design.seats.values())


def play_out(played: Played, rounds: int | None, stop: Callable[[], bool]) -> Record | None:
    """Plays a run on policy from its start to its end or to the round `rounds`; None where it was to stop before."""
    return asyncio.run(_play_out(played, rounds, stop))


async def _play_out(played: Played, rounds: int | None, stop: Callable[[], bool]) -> Record | None:
    began = time.monotonic()
    design, law = played.design, played.law
    table = table_of(played, design.seats, _unseen)
    events = rules.open_run(law, design.seed, design.hash(), design.sets)
    state, error = fold(events), None
    while not state.ended and (rounds is None or state.round < rounds):
        if stop():
            return None
        try:
            happened = await play_round(table, state, _nobody)
        except OrchestratorError as fault:
            error = Failure(kind=fault.kind, message=fault.message, stopped=isinstance(fault, Stopped))
            break
        events, state = events + happened, fold(happened, state)
    return Record(
        events=list(_hashed(events)),
        outcome=state.ending if state.ended else None,
        ended=state.ended,
        wall_s=time.monotonic() - began,
        error=error,
    )


def _hashed(events: Iterable[AnyEvent]) -> Iterator[tuple[int, str, str, str]]:
    last = ""
    for event in events:
        body = event.body()
        last = linked(last, body)
        yield event.round, event.kind, body, last


def _unseen(event: AnyEvent) -> None:
    """Nobody looks on."""
    del event


async def _nobody(call: Call) -> Reply:
    raise OrchestratorError(f"a run on policy asked a question ({call.key})", where=call.key)


def wanted_of(seed: int, count: int, name: str | None) -> list[Wanted]:
    """The runs of seeds `seed` to `seed + count - 1`; the names are NAME-0001 and so on."""
    return [Wanted(seed + at, None if name is None else f"{name}-{at + 1:04d}") for at in range(count)]


def there_already(ledger: Ledger, common: Common, wanted: Sequence[Wanted]) -> dict[str, RunRow]:
    """Of the names wanted, those that such a run bears already: the same command was stopped.

    Raises BadUsage where another run bears one.
    """
    known = {row.name: row for row in ledger.runs() if row.name is not None}
    found: dict[str, RunRow] = {}
    for seed, name in wanted:
        row = None if name is None else known.get(name)
        if name is None or row is None:
            continue
        if (row.design, row.rounds_limit) != (digest(common.design(seed).text()), common.rounds):
            raise BadUsage(
                f"a run is called {name!r} already, and it is another one", hint="choose another --name", where="--name"
            )
        found[name] = row
    return found


def play_all(
    ledger: Ledger,
    common: Common,
    wanted: Sequence[Wanted],
    stop: Callable[[], bool],
    *,
    processes: int | None = None,
) -> Generator[Done, None, None]:
    """Plays what is wanted and not there yet, in the order of seeds; each is given once it is on disk.

    Once `stop` says so no further run is begun. Raises RunPaused where a process is lost, OrchestratorError for a
    defect; what was given before stays.
    """
    with _records(common, [run.seed for run in wanted], stop, processes or cores()) as records:
        writing: Future[list[RunRow]] | None = None
        error: OrchestratorError | None = None
        try:
            for group in _groups(common, zip(wanted, records, strict=False)):
                before, writing = writing, ledger.add_runs(group)  # it is written while the next ones are played
                if before is not None:
                    yield from _done(before)
        except OrchestratorError as stopped:
            error = stopped
        if writing is not None:
            yield from _done(writing)
        if error is not None:
            raise error


def _groups(common: Common, played: Iterable[tuple[Wanted, Record]]) -> Iterator[list[NewRun]]:
    """The runs as they are to be written, some together: those of about half a second. Where playing ends with an
    error those that are there come before it."""
    group: list[NewRun] = []
    first, since = True, time.monotonic()
    try:
        for (seed, name), record in played:
            group.append(_new(common, seed, name, record, first=first))
            first = False
            if len(group) >= MOST_TOGETHER or time.monotonic() - since > TOGETHER_S:
                yield group
                group, since = [], time.monotonic()
    except OrchestratorError:
        if group:
            yield group
        raise
    if group:
        yield group


def _done(writing: Future[list[RunRow]]) -> Iterator[Done]:
    return (Done(row.id, row.status, row.outcome) for row in writing.result())


@contextmanager
def _records(
    common: Common, seeds: Sequence[int], stop: Callable[[], bool], processes: int
) -> Generator[Iterator[Record], None, None]:
    """The runs of these seeds as they are played, in this order."""
    if processes < 2 or len(seeds) <= FEW:
        yield _one_by_one(common, seeds, stop)
        return
    setup = {"work": "play", "design": common.played.design.text(), "data": common.data, "rounds": common.rounds}
    with Workers(min(processes, len(seeds)), setup) as workers:
        yield workers.answers(seeds, stop)


def _one_by_one(common: Common, seeds: Sequence[int], stop: Callable[[], bool]) -> Iterator[Record]:
    for seed in seeds:
        played = Played(common.design(seed), common.played.law, common.played.prompts)
        if (record := play_out(played, common.rounds, stop)) is None:
            return
        yield record


def _new(common: Common, seed: int, name: str | None, record: Record, *, first: bool) -> NewRun:
    """The run with all its events; the first brings the text that all share."""
    design, run, error = common.design(seed), new_run_id(), record["error"]
    rows = [EventRow(run, seq, *event) for seq, event in enumerate(record["events"])]
    if error is not None:
        status, reason = "paused" if error["stopped"] else "failed", error["kind"]
    else:
        status, reason = "finished", "ending" if record["ended"] else "rounds"
    row = new_row(
        run, design, common.played, name, common.rounds, common.limits, common.backends,
        status=status, reason=reason, outcome=record["outcome"], wall_s=record["wall_s"],
        error=None if error is None else error["message"],
    )  # fmt: skip
    text = design.text()
    if first:
        return NewRun(row, {digest(text): text, design.data: common.data}, rows)
    return NewRun(row, {digest(text): text}, rows, [design.data])
