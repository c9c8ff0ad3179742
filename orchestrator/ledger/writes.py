"""What is written, as functions on a connection: each is one indivisible step of the writer's transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from orchestrator.core.value import canonical, digest, linked
from orchestrator.errors import BadFile, BadUsage, LedgerConflict, OrchestratorError, UnknownRun
from orchestrator.ledger.ids import checked_name, utc_now
from orchestrator.ledger.requests import Request, part_hashes, request_of
from orchestrator.ledger.rows import CallRecord, CallRow, EventRow, RunRow, Whole, plain
from orchestrator.ledger.schema import calls, events, run_texts, runs, texts

CHANGEABLE = frozenset(("name", "rounds_limit", "status", "reason", "outcome", "wall_s", "limits", "error", "engine"))
"""Columns of `runs` that may change after the start; the totals change with `append` alone."""
Column = str | int | float | None
_CHUNK = 500
"""Most hashes in one IN list."""


# statements of every call, built once: building one takes longer than SQLite takes to run it
_KEEP = insert(calls)
_CALLS_SO_FAR = select(func.coalesce(func.max(calls.c.ord) + 1, 0)).where(calls.c.run == bindparam("run"))
_NEXT = select(_CALLS_SO_FAR.scalar_subquery()).where(runs.c.id == bindparam("run"))


def begin_run(
    connection: Connection,
    row: RunRow,
    own: Mapping[str, str],
    first: Sequence[EventRow],
    kept: Sequence[CallRow],
) -> RunRow:
    """A run with its texts (hash -> text), first events and copied calls. Raises BadUsage where the name is
    taken, LedgerConflict where the id is or the events do not form a chain."""
    if row.name is not None:
        checked_name(row.name)
        if connection.execute(select(runs.c.id).where(runs.c.name == row.name)).first() is not None:
            raise BadUsage(f"there is a run named {row.name!r} already", hint="choose another --name")
    for key, text in own.items():
        if digest(text) != key:
            raise OrchestratorError(f"a text of run {row.id} does not have the hash {key[:12]} it is given under")
    row = row.model_copy(update={"events": 0, "last_hash": "", "rounds": 0})
    try:
        add_texts(connection, own)
        connection.execute(insert(runs), plain(row))
        _link(connection, row.id, [row.design, *own])
    except IntegrityError as error:
        raise LedgerConflict(f"run {row.id} cannot begin: its id is taken or its design's text is missing") from error
    if kept:
        _copy_calls(connection, row.id, kept)
    changed = append(connection, row.id, 0, first, {}) if first else {}
    return row.model_copy(update=changed)


def keep_call(connection: Connection, run: str, record: CallRecord, request: Request) -> CallRow:
    """One answered call; its texts with it. Raises LedgerConflict where the key has a reply already,
    UnknownRun where there is no such run."""
    order = connection.execute(_NEXT, {"run": run}).scalar_one_or_none()
    if order is None:
        raise UnknownRun(f"there is no run {run} to keep a call in", where=run)
    add_texts(connection, {**request.parts, request.hash: request.text})
    _link(connection, run, [*request.parts, request.hash])
    row = _call_row(run, record, request, int(order))
    try:
        connection.execute(_KEEP, plain(row))
    except IntegrityError as error:
        raise LedgerConflict(f"run {run} has a reply to {row.key} already", where=row.key) from error
    return row


def keeping(run: str, record: CallRecord) -> Callable[[Connection], CallRow]:
    """`keep_call` with the record prepared once, however often the transaction is tried."""
    prepared: list[Request] = []

    def work(connection: Connection) -> CallRow:
        if not prepared:
            prepared.append(request_of(record.call))
        return keep_call(connection, run, record, prepared[0])

    return work


def append(
    connection: Connection,
    run: str,
    expected_seq: int,
    new: Sequence[EventRow],
    changes: Mapping[str, Column],
) -> dict[str, Any]:
    """Events at the end of a run's chain, and the run's totals with them; returns the changed columns.

    Raises LedgerConflict where the run does not end before `expected_seq` or the rows do not go on from it.
    """
    _only_changeable(changes)
    there = connection.execute(
        select(runs.c.events, runs.c.last_hash, runs.c.rounds).where(runs.c.id == run).with_for_update()
    ).first()
    if there is None:
        raise UnknownRun(f"there is no run {run} to append to", where=run)
    count, previous, rounds = there
    if count != expected_seq:
        raise LedgerConflict(f"run {run} has {count} events, and event {expected_seq} was to be written", where=run)
    for seq, event in enumerate(new, start=expected_seq):
        if event.run != run or event.seq != seq or event.hash != linked(previous, event.body):
            raise LedgerConflict(
                f"event {event.seq} of run {event.run} does not go on at {seq} of run {run}", where=run
            )
        previous = event.hash
    if new:
        try:
            connection.execute(insert(events), [plain(event) for event in new])
        except IntegrityError as error:
            raise LedgerConflict(f"run {run} has an event {expected_seq} or a later one already", where=run) from error
        rounds = new[-1].round
    totals = {"events": count + len(new), "last_hash": previous, "rounds": rounds}
    changed = {**changes, **totals, "updated_at": utc_now()}
    connection.execute(update(runs).where(runs.c.id == run).values(changed))
    return changed


def update_run(connection: Connection, run: str, changes: Mapping[str, Column]) -> None:
    """Changes columns of `CHANGEABLE`. Raises UnknownRun, BadUsage for a name that cannot be taken."""
    _only_changeable(changes)
    if isinstance(name := changes.get("name"), str):
        checked_name(name)
    try:
        done = connection.execute(update(runs).where(runs.c.id == run).values({**changes, "updated_at": utc_now()}))
    except IntegrityError as error:
        raise BadUsage(f"run {run} cannot take these values: {error.orig}", where=run) from error
    if done.rowcount != 1:
        raise UnknownRun(f"there is no run {run}", hint="orchestrate runs list", where=run)


def import_run(connection: Connection, found: Whole, source: str) -> RunRow:
    """A run from outside that was proved whole; a name that is taken here is left off. Raises BadFile where
    the run is here already."""
    if connection.execute(select(runs.c.id).where(runs.c.id == found.run.id)).first() is not None:
        raise BadFile(
            f"{source}: run {found.run.id} is in the store already; nothing was imported",
            hint=f"orchestrate runs delete {found.run.id}",
            where=source,
        )
    taken = connection.execute(select(runs.c.id).where(runs.c.name == found.run.name)).first() is not None
    row = found.run.model_copy(update={"name": None}) if taken else found.run
    own = {key: text for key, text in found.texts.items() if text is not None}
    return begin_run(connection, row, own, found.events, found.calls)


def delete_run(connection: Connection, run: str) -> None:
    """A run with its calls and events, and the texts that no other run uses. Raises UnknownRun."""
    used = list(connection.execute(select(run_texts.c.hash).where(run_texts.c.run == run)).scalars())
    if connection.execute(delete(runs).where(runs.c.id == run)).rowcount != 1:
        raise UnknownRun(f"there is no run {run}", hint="orchestrate runs list", where=run)
    for chunk in _chunks(used):
        still = select(run_texts.c.hash).where(run_texts.c.hash.in_(chunk))
        connection.execute(delete(texts).where(texts.c.hash.in_(chunk), texts.c.hash.not_in(still)))


def add_texts(connection: Connection, new: Mapping[str, str]) -> None:
    """Texts under their hashes; those that are there stay as they are."""
    for text in new.values():
        if any("\ud800" <= char <= "\udfff" for char in text) if not text.isascii() else False:
            raise OrchestratorError("a text holds half a surrogate pair and cannot be stored: clean replies first")
    if new:
        _add_missing(connection, texts, [{"hash": key, "text": new[key]} for key in sorted(new)])


def _link(connection: Connection, run: str, hashes: Iterable[str]) -> None:
    _add_missing(connection, run_texts, [{"run": run, "hash": key} for key in sorted(set(hashes))])


def _add_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, str]]) -> None:
    connection.execute(_insert_missing(table, connection.dialect.name), list(rows))


@cache
def _insert_missing(table: Table, dialect: str) -> Insert:
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_here
    else:
        from sqlalchemy.dialects.postgresql import insert as insert_here
    return insert_here(table).on_conflict_do_nothing()


def _call_row(run: str, record: CallRecord, request: Request, order: int) -> CallRow:
    call, answer = record.call, record.answer
    round_, seat, kind, _ = call.place
    try:
        reply = _storable(canonical(answer.reply.model_dump(mode="json")), "the reply")
        facts = _storable(canonical(answer.facts), "what the server said")
    except ValueError as error:  # NaN or infinity, which no JSON can carry, or half a character
        raise OrchestratorError(f"the reply to {call.key} cannot be stored: {error}", where=call.key) from error
    return CallRow(
        run=run,
        key=call.key,
        ord=order,
        round=round_,
        seat=seat,
        kind=kind,
        backend=record.backend,
        backend_kind=call.backend_kind,
        model=call.model,
        fingerprint=call.fingerprint,
        request=request.hash,
        reply=reply,
        reply_hash=digest(reply),
        outcome=answer.reply.outcome,
        prompt_tokens=_count(answer.usage.prompt),
        cached_tokens=_count(answer.usage.cached),
        completion_tokens=_count(answer.usage.completion),
        seconds=max(0.0, answer.seconds),
        started_at=record.started_at,
        ended_at=record.ended_at,
        tries=answer.tries,
        served_by=answer.served_by.encode(errors="replace").decode(),
        reused=record.reused,
        facts=facts,
    )


def _count(said: int) -> int:
    """A server's count as a column can hold it: no nonsense of the accounting may lose a paid answer."""
    return min(max(said, 0), 2**63 - 1)


def _copy_calls(connection: Connection, run: str, kept: Sequence[CallRow]) -> None:
    """Calls of a parent: their requests are in the store already, and now belong to this run too."""
    wanted = sorted({row.request for row in kept})
    linked_texts = set(wanted)
    for chunk in _chunks(wanted):
        for text in connection.execute(select(texts.c.text).where(texts.c.hash.in_(chunk))).scalars():
            linked_texts.update(part_hashes(text))
    try:
        _link(connection, run, linked_texts)
        connection.execute(
            insert(calls),
            [{**plain(row), "run": run, "ord": order} for order, row in enumerate(kept)],
        )
    except IntegrityError as error:
        raise LedgerConflict(f"calls cannot be copied into run {run}: a text or key is not free", where=run) from error


def _storable(text: str, what: str) -> str:
    """The text, if a database can hold it. Raises ValueError for half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} holds half a surrogate pair at character {error.start}") from error
    return text


def _only_changeable(changes: Mapping[str, Column]) -> None:
    if other := changes.keys() - CHANGEABLE:
        raise OrchestratorError(f"the column {min(other)!r} of a run does not change after its start")


def _chunks(hashes: Sequence[str]) -> Iterable[Sequence[str]]:
    return (hashes[at : at + _CHUNK] for at in range(0, len(hashes), _CHUNK))
