"""What is written, as functions on a transaction: each is one indivisible step of the writer's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from orchestrator.core.value import canonical, digest, linked
from orchestrator.errors import BadFile, BadUsage, LedgerConflict, OrchestratorError, UnknownRun
from orchestrator.ledger import sql
from orchestrator.ledger.ids import checked_name, utc_now
from orchestrator.ledger.requests import Request, part_hashes, request_of
from orchestrator.ledger.rows import CallRecord, CallRow, EventRow, RunRow, Whole, plain
from orchestrator.ledger.talk import DatabaseFault, On

CHANGEABLE = frozenset(("name", "rounds_limit", "status", "reason", "outcome", "wall_s", "limits", "error", "engine"))
"""Columns of `runs` that may change after the start; the totals change with `append` alone."""
Column = str | int | float | None


def begin_run(
    on: On,
    row: RunRow,
    own: Mapping[str, str],
    first: Sequence[EventRow],
    kept: Sequence[CallRow],
    shared: Sequence[str] = (),
) -> RunRow:
    """A run with its texts (hash -> text), first events and copied calls; `shared`: hashes of texts of its own that are
    there already. Raises BadUsage where the name is taken, LedgerConflict where the id is, a shared text is missing or
    the events do not form a chain."""
    if row.name is not None:
        checked_name(row.name)
        if on.row(sql.NAMED, {"name": row.name}) is not None:
            raise BadUsage(f"there is a run named {row.name!r} already", hint="choose another --name")
    for key, text in own.items():
        if digest(text) != key:
            raise OrchestratorError(f"a text of run {row.id} does not have the hash {key[:12]} it is given under")
    row = row.model_copy(update={"events": 0, "last_hash": "", "rounds": 0})
    try:
        add_texts(on, own)
        on.change(sql.NEW_RUN, plain(row))
        _link(on, row.id, [row.design, *own, *shared])
    except DatabaseFault as fault:
        _conflict(fault, f"run {row.id} cannot begin: its id is taken or one of its texts is missing")
    if kept:
        _copy_calls(on, row.id, kept)
    changed = append(on, row.id, 0, first, {}) if first else {}
    return row.model_copy(update=changed)


def keep_call(on: On, run: str, record: CallRecord, request: Request) -> CallRow:
    """One answered call; its texts with it. Raises LedgerConflict where the key has a reply already,
    UnknownRun where there is no such run."""
    order = on.row(sql.NEXT_CALL, {"run": run})
    if order is None:
        raise UnknownRun(f"there is no run {run} to keep a call in", where=run)
    add_texts(on, {**request.parts, request.hash: request.text})
    _link(on, run, [*request.parts, request.hash])
    row = _call_row(run, record, request, int(order[0]))
    try:
        on.change(sql.NEW_CALL, plain(row))
    except DatabaseFault as fault:
        _conflict(fault, f"run {run} has a reply to {row.key} already", where=row.key)
    return row


def keeping(run: str, record: CallRecord) -> Callable[[On], CallRow]:
    """`keep_call` with the record prepared once, however often the transaction is tried."""
    prepared: list[Request] = []

    def work(on: On) -> CallRow:
        if not prepared:
            prepared.append(request_of(record.call))
        return keep_call(on, run, record, prepared[0])

    return work


def append(
    on: On,
    run: str,
    expected_seq: int,
    new: Sequence[EventRow],
    changes: Mapping[str, Column],
) -> dict[str, Any]:
    """Events at the end of a run's chain, and the run's totals with them; returns the changed columns.

    Raises LedgerConflict where the run does not end before `expected_seq` or the rows do not go on from it.
    """
    _only_changeable(changes)
    there = on.row(sql.TOTALS, {"run": run})
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
            on.many(sql.NEW_EVENT, [event._asdict() for event in new])
        except DatabaseFault as fault:
            _conflict(fault, f"run {run} has an event {expected_seq} or a later one already", where=run)
        rounds = new[-1].round
    totals = {"events": count + len(new), "last_hash": previous, "rounds": rounds}
    changed = {**changes, **totals, "updated_at": utc_now()}
    on.change(sql.update_run(changed), {**changed, "run": run})
    return changed


def update_run(on: On, run: str, changes: Mapping[str, Column]) -> None:
    """Changes columns of `CHANGEABLE`. Raises UnknownRun, BadUsage for a name that cannot be taken."""
    _only_changeable(changes)
    if isinstance(name := changes.get("name"), str):
        checked_name(name)
    changed = {**changes, "updated_at": utc_now()}
    try:
        done = on.change(sql.update_run(changed), {**changed, "run": run})
    except DatabaseFault as fault:
        if fault.kind == "conflict":
            raise BadUsage(f"run {run} cannot take these values: {fault}", where=run) from fault
        raise
    if done != 1:
        raise UnknownRun(f"there is no run {run}", hint="orchestrate runs list", where=run)


def import_run(on: On, found: Whole, source: str) -> RunRow:
    """A run from outside that was proved whole; a name that is taken here is left off. Raises BadFile where
    the run is here already."""
    if on.row(sql.TOTALS, {"run": found.run.id}) is not None:
        raise BadFile(
            f"{source}: run {found.run.id} is in the store already; nothing was imported",
            hint=f"orchestrate runs delete {found.run.id}",
            where=source,
        )
    taken = on.row(sql.NAMED, {"name": found.run.name}) is not None
    row = found.run.model_copy(update={"name": None}) if taken else found.run
    own = {key: text for key, text in found.texts.items() if text is not None}
    return begin_run(on, row, own, found.events, found.calls)


def delete_run(on: On, run: str) -> None:
    """A run with its calls and events, and the texts that no other run uses. Raises UnknownRun."""
    used = on.rows(sql.USED, {"run": run})
    if on.change(sql.DELETE_RUN, {"run": run}) != 1:
        raise UnknownRun(f"there is no run {run}", hint="orchestrate runs list", where=run)
    on.many(sql.SWEEP, [{"hash": key} for (key,) in used])


def add_texts(on: On, new: Mapping[str, str]) -> None:
    """Texts under their hashes; those that are there stay as they are."""
    for text in new.values():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            said = "a text holds half a surrogate pair and cannot be stored: clean replies first"
            raise OrchestratorError(said) from error
    on.many(sql.NEW_TEXT, [{"hash": key, "text": new[key]} for key in sorted(new)])


def _link(on: On, run: str, hashes: Iterable[str]) -> None:
    on.many(sql.NEW_LINK, [{"run": run, "hash": key} for key in sorted(set(hashes))])


def _conflict(fault: DatabaseFault, said: str, *, where: str = "") -> NoReturn:
    """Raises LedgerConflict where rows do not go together, else the fault itself."""
    if fault.kind == "conflict":
        raise LedgerConflict(said, where=where) from fault
    raise fault


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


def _copy_calls(on: On, run: str, kept: Sequence[CallRow]) -> None:
    """Calls of a parent: their requests are in the store already, and now belong to this run too."""
    wanted = sorted({row.request for row in kept})
    linked_texts = set(wanted)
    for key in wanted:
        if (text := on.row(sql.TEXT, {"hash": key})) is not None:
            linked_texts.update(part_hashes(text[0]))
    try:
        _link(on, run, linked_texts)
        on.many(sql.NEW_CALL, [{**plain(row), "run": run, "ord": order} for order, row in enumerate(kept)])
    except DatabaseFault as fault:
        _conflict(fault, f"calls cannot be copied into run {run}: a text or key is not free", where=run)


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
