"""The ledger: what was asked, answered and concluded, kept so that it can be trusted.

Writing: each method queues one indivisible step for the writer's thread and gives back a future; from a
coroutine, `await settled(ledger.keep_call(...))`. Reading: plain methods, a short transaction each, safe in
any thread (`asyncio.to_thread` keeps the event loop free). Nothing here knows rules, rounds or backends.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Concatenate, Literal, ParamSpec, Self, TypeVar

from orchestrator.core.call import Call, Reply
from orchestrator.errors import BadDatabase, DamageFound, UnknownRun
from orchestrator.ledger import opening, reads, writes
from orchestrator.ledger.faults import store_fault
from orchestrator.ledger.locks import FileLocks, Locks, RunLock
from orchestrator.ledger.place import Place, place_of
from orchestrator.ledger.requests import UnreadableError, call_of
from orchestrator.ledger.rows import CallCost, CallRecord, CallRow, EventRow, NewRun, RunRow, Status, Whole
from orchestrator.ledger.sqlite import SqliteWriting
from orchestrator.ledger.talk import DatabaseFault, On, Readers, Writing
from orchestrator.ledger.writer import Writer

Done = TypeVar("Done")
Asked = ParamSpec("Asked")


async def settled(future: Future[Done]) -> Done:
    """Waits for a write without holding the event loop up. A cancelled waiter does not cancel the write."""
    return await asyncio.shield(asyncio.wrap_future(future))


class Ledger:
    """One store. Use `open`; close it, or use it in a `with` block, so that what is queued gets written."""

    def __init__(self, place: Place, readers: Readers) -> None:
        """For `open`."""
        self._place = place
        self._readers = readers
        self._let_go: list[Callable[[], None]] = [readers.close]
        self._locks = _locks_of(place, self._let_go)
        self._writer = Writer(lambda: _writing_of(place), place.name)

    @classmethod
    def open(cls, url_or_path: str, *, create: bool = True) -> Self:
        """Opens a store: a path, `sqlite:///PATH`, or `postgresql://...` (psycopg 3).

        A store that is missing is made (its folder too) unless `create` is false; one of an older version is
        brought up to date; otherwise nothing is changed before the first write. Raises BadDatabase: not ours
        (the file stays as it is, byte for byte), a folder, no permission, a newer version, no server.
        """
        place = place_of(url_or_path)
        return cls(place, opening.opened(place, create=create))

    @staticmethod
    def exists(url_or_path: str) -> bool:
        """Whether a store is there. Changes nothing. Raises BadDatabase for what is there but not ours."""
        return opening.exists(place_of(url_or_path))

    def close(self) -> None:
        """Writes what is queued and lets the store go; may be called twice. Held locks are not released."""
        self._writer.close()
        for let_go in self._let_go:
            let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def place(self) -> str:
        """The path, or the address without its password."""
        return self._place.name

    @property
    def commits(self) -> int:
        """How many transactions this process committed to the store."""
        return self._writer.commits

    # Writing. Besides what is named, every future may hold: StoreFailed (disk full, I/O error, server gone:
    # nothing half-written, `resume` goes on), RunBusy (another process writes for 30 s), BadDatabase.

    def begin_run(
        self,
        row: RunRow,
        texts: Mapping[str, str],
        events: Sequence[EventRow] = (),
        calls: Sequence[CallRow] = (),
    ) -> Future[RunRow]:
        """A new run, whole or not at all: its texts (hash -> text, the design's among them), its first events
        (from sequence number 0), and calls copied from a parent (renumbered, their texts shared).

        The future holds BadUsage for a bad or taken name, LedgerConflict for a taken id or a broken chain.
        """
        return self._writer.submit(lambda on: writes.begin_run(on, row, texts, events, calls))

    def add_runs(self, new: Sequence[NewRun]) -> Future[list[RunRow]]:
        """Runs that were played elsewhere, all of them or none; the future holds what that of `begin_run` may."""

        def work(on: On) -> list[RunRow]:
            return [writes.begin_run(on, run.row, run.texts, run.events, (), run.shared) for run in new]

        return self._writer.submit(work)

    def keep_call(self, run: str, record: CallRecord) -> Future[CallRow]:
        """A call and its reply; only when the future is done may the reply be read. It holds LedgerConflict
        where the key has a reply already, UnknownRun."""
        return self._writer.submit(writes.keeping(run, record))

    def append(self, run: str, expected_seq: int, events: Sequence[EventRow], **changes: writes.Column) -> Future[None]:
        """Events from `expected_seq` on (made by `rows.chained`), with the totals of the run and `changes` of
        its row (`writes.CHANGEABLE`) in one step. The future holds LedgerConflict where they do not go on."""

        def work(on: On) -> None:
            writes.append(on, run, expected_seq, events, changes)

        return self._writer.submit(work)

    def update_run(self, run: str, **changes: writes.Column) -> Future[None]:
        """Changes columns of the run's row (`writes.CHANGEABLE`)."""
        return self._writer.submit(lambda on: writes.update_run(on, run, changes))

    def finish(
        self,
        run: str,
        status: Status,
        reason: str | None,
        outcome: str | None = None,
        **changes: writes.Column,
    ) -> Future[None]:
        """The end of a session: `paused`, `failed` or `finished`, why, and the ending if one was reached."""
        return self.update_run(run, **{**changes, "status": status, "reason": reason, "outcome": outcome})

    def delete(self, run: str) -> None:
        """Removes the run, and the texts that no other run uses. Waits for it. Raises RunBusy, UnknownRun."""
        with self.lock(self.run(run).id):
            self._writer.submit(lambda on: writes.delete_run(on, run)).result()

    def import_run(self, path: Path) -> RunRow:
        """Lets the run of an exported file in, once it is proved whole. Waits for it. A name that is taken
        here is left off. Raises BadFile; then nothing was written."""
        from orchestrator.ledger import exchange

        found = exchange.read(path)
        return self._writer.submit(lambda on: writes.import_run(on, found, str(path))).result()

    # Reading. Besides what is named, every method may raise BadDatabase (damaged), RunBusy, StoreFailed.

    @contextmanager
    def _reading(self) -> Generator[On, None, None]:
        try:
            with self._readers.reading() as on:
                yield on
        except DatabaseFault as fault:
            raise store_fault(fault, self.place) from fault

    def _read(self, look: Callable[Concatenate[On, Asked], Done], *asked: Asked.args, **also: Asked.kwargs) -> Done:
        with self._reading() as on:
            return look(on, *asked, **also)

    def runs(self) -> list[RunRow]:
        """Every run, oldest first."""
        return self._read(reads.all_runs)

    def run(self, run: str) -> RunRow:
        """The run with exactly this id. Raises UnknownRun."""
        return self._read(reads.run_row, run)

    def find(self, wanted: str) -> RunRow:
        """The run meant by an id, the beginning of one id, a name, or `last` (the latest created).
        Raises UnknownRun (near misses in the hint), BadUsage where several ids begin so."""
        return self._read(reads.find, wanted)

    def events(self, run: str, first: int = 0, last_round: int | None = None) -> Iterator[EventRow]:
        """The events in sequence, from number `first` on, up to and with `last_round`."""
        read = 0
        while page := self._read(reads.event_page, run, first, last_round, read):
            yield from page
            read += len(page)

    def calls(self, run: str) -> Iterator[CallRow]:
        """The calls in the order of recording."""
        read = 0
        while page := self._read(reads.call_page, run, read):
            yield from page
            read += len(page)

    def costs(self, run: str) -> list[CallCost]:
        """What each call of a run took, in the order of recording."""
        return self._read(reads.costs, run)

    def asked(self) -> set[str]:
        """The runs that have calls."""
        return self._read(reads.asked)

    def designs(self) -> dict[str, str]:
        """Run -> the text of its design, of all runs where it is there."""
        return self._read(reads.designs)

    def events_of(self, kinds: Sequence[str], run: str | None = None) -> dict[str, list[tuple[str, str]]]:
        """Run -> (kind, body) of its events of these kinds, in sequence; of one run, or of all that have any."""
        return self._read(reads.events_of, kinds, run)

    def call_record(self, run: str, key: str) -> tuple[Call, Reply]:
        """The call as it was put and the reply to it. Raises UnknownRun where there is none under the key,
        DamageFound where it cannot be read."""
        row = self._read(reads.call_row, run, key)
        if row is None:
            raise UnknownRun(f"run {run} has no call {key!r}", hint=f"orchestrate runs calls {run}", where=key)
        try:
            return self.call_of(row), row.answer
        except ValueError as error:
            raise DamageFound(
                f"the reply to {key} cannot be read", hint=f"orchestrate verify {run}", where=key
            ) from error

    def call_of(self, row: CallRow) -> Call:
        """The call of a row, put together from its texts. Raises DamageFound."""
        with self._reading() as on:
            request = reads.text_of(on, row.request)
            try:
                if request is None:
                    raise UnreadableError("its request is missing")
                return call_of(row.key, request, lambda key: reads.text_of(on, key))
            except UnreadableError as error:
                raise DamageFound(
                    f"call {row.key} cannot be read: {error}",
                    hint=f"orchestrate verify {row.run}",
                    where=row.key,
                ) from error

    def text(self, key: str) -> str:
        """The text under the hash. Raises DamageFound where it is missing."""
        found = self._read(reads.text_of, key)
        if found is None:
            raise DamageFound(f"text {key[:12]} is missing from the store", hint="orchestrate verify")
        return found

    # Whole runs.

    def integrity(self, run: str) -> list[str]:
        """What is wrong with the record of a run, a sentence each; empty: it holds together. Says nothing of
        the rules: whether the events follow from the calls is for replay. Raises UnknownRun."""
        try:
            return self.problems_of(self.whole(run))
        except BadDatabase as error:
            return [error.message]

    @staticmethod
    def problems_of(whole: Whole) -> list[str]:
        """The same of a run that is read already."""
        from orchestrator.ledger import check

        return list(check.problems(whole))

    def storage_problems(self) -> list[str]:
        """What SQLite finds wrong with its pages, indexes and references; empty: nothing, or no SQLite."""
        try:
            with self._reading() as on:
                return reads.storage_problems(on) if on.dialect == "sqlite" else []
        except BadDatabase as error:
            return [error.message]

    def whole(self, run: str) -> Whole:
        """All of a run at one moment. Raises UnknownRun."""
        return self._read(reads.whole, run)

    def export(self, run: str, out: Path, *, force: bool = False) -> None:
        """One run as one file, all of it or none. Raises UnknownRun, DamageFound where the run does not hold
        together, BadFile where the file is there already (unless `force`) or cannot be written."""
        from orchestrator.ledger import check, exchange

        whole = self.whole(run)
        if wrong := next(check.problems(whole), None):
            raise DamageFound(
                f"run {run} is damaged and was not exported: {wrong}",
                hint=f"orchestrate verify {run}",
                where=run,
            )
        exchange.write(exchange.lines_of(whole), out, force=force)

    # Who plays.

    def lock(self, run: str) -> RunLock:
        """Takes the run until the lock is released or this process is gone. Raises RunBusy."""
        return self._locks.lock(run)

    def is_locked(self, run: str) -> bool:
        """Whether a process plays the run now."""
        return self._locks.is_locked(run)

    def status_of(self, row: RunRow) -> Literal["running", "interrupted", "paused", "failed", "finished"]:
        """The status as it is now: a stored `running` whose lock is free is `interrupted`."""
        return "interrupted" if row.status == "running" and not self.is_locked(row.id) else row.status


def _locks_of(place: Place, let_go: list[Callable[[], None]]) -> Locks:
    """The locks of a place; what they leave open is added to `let_go`."""
    if place.url is None:
        return FileLocks(place.locks)
    from orchestrator.ledger.server import ServerReaders
    from orchestrator.ledger.serverlocks import ServerLocks

    own = ServerReaders(place.url)
    let_go.append(own.close)
    return ServerLocks(own.engine)


def _writing_of(place: Place) -> Writing:
    """The write connection of a place; nothing is opened yet."""
    if place.url is None:
        assert place.path is not None
        return SqliteWriting(place.path)
    from orchestrator.ledger.server import ServerWriting

    return ServerWriting(place.url)
