"""What is read, as functions on a connection: rows as stored, damage and all."""

import difflib

from sqlalchemy import Connection, select, text

from orchestrator.errors import BadUsage, UnknownRun
from orchestrator.ledger.rows import CallRow, EventRow, RunRow, Whole
from orchestrator.ledger.schema import calls, events, run_texts, runs, texts

_PAGE = 1000


def all_runs(connection: Connection) -> list[RunRow]:
    """Every run, oldest first."""
    found = connection.execute(select(runs).order_by(runs.c.created_at, runs.c.id)).mappings()
    return [RunRow.model_construct(None, **row) for row in found]


def run_row(connection: Connection, run: str) -> RunRow:
    """The run with exactly this id. Raises UnknownRun."""
    found = connection.execute(select(runs).where(runs.c.id == run)).mappings().first()
    if found is None:
        raise UnknownRun(f"there is no run {run[:80]!r}", hint="orchestrate runs list", where=run[:80])
    return RunRow.model_construct(None, **found)


def find(connection: Connection, wanted: str) -> RunRow:
    """The run meant by `last`, an id, a name, or the beginning of exactly one id.

    Raises UnknownRun (with what is near), BadUsage where several ids begin so.
    """
    known = connection.execute(select(runs.c.id, runs.c.name).order_by(runs.c.created_at, runs.c.id)).all()
    if wanted == "last":
        if not known:
            raise UnknownRun("there is no run yet", hint="orchestrate run --scenario takeoff")
        return run_row(connection, known[-1].id)
    for row in known:
        if wanted in (row.id, row.name):
            return run_row(connection, row.id)
    begun = [row.id for row in known if wanted and row.id.startswith(wanted)]
    if len(begun) == 1:
        return run_row(connection, begun[0])
    if begun:
        some = ", ".join(begun[:5]) + (" ..." if len(begun) > 5 else "")
        raise BadUsage(f"{len(begun)} runs begin with {wanted[:40]!r}: {some}", hint="give more of the id")
    names = [str(name) for row in known for name in row if name]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "orchestrate runs list"
    raise UnknownRun(f"there is no run {wanted[:80]!r}", hint=hint, where=wanted[:80])


def event_page(connection: Connection, run: str, first: int, last_round: int | None, skip: int) -> list[EventRow]:
    """Up to a page of the events from sequence number `first` on and up to `last_round`, without the first
    `skip` of them (pages are counted, not keyed: a damaged number must not end the reading)."""
    wanted = select(events).where(events.c.run == run)
    if first > 0:
        wanted = wanted.where(events.c.seq >= first)
    if last_round is not None:
        wanted = wanted.where(events.c.round <= last_round)
    found = connection.execute(wanted.order_by(events.c.seq).limit(_PAGE).offset(skip)).mappings()
    return [EventRow.model_construct(None, **row) for row in found]


def call_page(connection: Connection, run: str, skip: int) -> list[CallRow]:
    """Up to a page of the calls in the order of recording, without the first `skip`."""
    wanted = select(calls).where(calls.c.run == run).order_by(calls.c.ord).limit(_PAGE).offset(skip)
    return [CallRow.model_construct(None, **row) for row in connection.execute(wanted).mappings()]


def call_row(connection: Connection, run: str, key: str) -> CallRow | None:
    """The call with this key, or None."""
    found = connection.execute(select(calls).where(calls.c.run == run, calls.c.key == key)).mappings().first()
    return None if found is None else CallRow.model_construct(None, **found)


def whole(connection: Connection, run: str) -> Whole:
    """All of a run, read within the connection's one transaction. Raises UnknownRun."""
    row = run_row(connection, run)
    found_calls: list[CallRow] = []
    while page := call_page(connection, run, len(found_calls)):
        found_calls += page
    found_events: list[EventRow] = []
    while events_page := event_page(connection, run, 0, None, len(found_events)):
        found_events += events_page
    return Whole(row, _texts_of(connection, run), tuple(found_calls), tuple(found_events))


def storage_problems(connection: Connection) -> list[str]:
    """What SQLite finds wrong with its own pages, indexes and references."""
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(20)")) if row[0] != "ok"]
    loose = connection.execute(text("PRAGMA foreign_key_check")).all()
    return found + [f"a row of {row[0]} names a row of {row[2]} that is not there" for row in loose[:20]]


def text_of(connection: Connection, key: str) -> str | None:
    """The text under the hash, or None."""
    return connection.execute(select(texts.c.text).where(texts.c.hash == key)).scalar_one_or_none()


def _texts_of(connection: Connection, run: str) -> dict[str, str | None]:
    wanted = (
        select(run_texts.c.hash, texts.c.text)
        .outerjoin(texts, texts.c.hash == run_texts.c.hash)
        .where(run_texts.c.run == run)
        .order_by(run_texts.c.hash)
    )
    return {row.hash: row.text for row in connection.execute(wanted)}
