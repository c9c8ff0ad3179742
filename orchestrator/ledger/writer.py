"""The one thread that writes: it owns the one write connection, and commits together what is queued.

A commit waits for the disk; while it waits, more writes queue up, and the next commit takes them all. A
write that fails on its own account (a conflict) fails alone: the rest is written again without it.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from orchestrator.errors import OrchestratorError
from orchestrator.ledger.faults import is_of_the_store, store_fault
from orchestrator.ledger.talk import DatabaseFault, On, Writing

Done = TypeVar("Done")

_MOST_TOGETHER = 256
"""Writes in one transaction."""


class _Item:
    """A queued write and the future that waits for it."""

    def __init__(self, work: Callable[[On], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()
        # from here on it cannot be cancelled: a paid answer is kept even if nobody waits for it any more
        self.future.set_running_or_notify_cancel()


class Writer:
    """Writes to one store, in the order in which they were handed over."""

    def __init__(self, connect: Callable[[], Writing], place: str) -> None:
        """`connect` makes the connection at the first write; `place` names the store in errors."""
        self.commits = 0
        """How many transactions were committed; each is one wait for the disk."""
        self._connect = connect
        self._place = place
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._gate = threading.Lock()  # so that nothing is queued behind the end mark
        self._writing: Writing | None = None

    def submit(self, work: Callable[[On], Done]) -> Future[Done]:
        """Queues the work. It runs inside a transaction, perhaps more than once, and must not commit; the
        future has its value once that is on disk. Errors of the disk arrive as `faults.store_fault` says."""
        item = _Item(work)
        with self._gate:
            if self._closed:
                raise OrchestratorError("the ledger is closed: nothing can be written any more", where=self._place)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
                self._thread.start()
            self._queue.put(item)
        return item.future

    def close(self) -> None:
        """Writes what is queued, then ends the thread and its connection; may be called twice."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            first = self._queue.get()
            if first is None:
                break
            batch = [first]
            while len(batch) < _MOST_TOGETHER:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    going_on = False
                    break
                batch.append(item)
            self._write(batch)
        if self._writing is not None:
            self._writing.close()

    def _write(self, batch: Sequence[_Item]) -> None:
        try:
            values = self._commit(batch)
        except Exception as error:  # noqa: BLE001 - handed to those who wait, each with a future
            if len(batch) > 1 and not is_of_the_store(error):
                for item in batch:
                    self._write([item])
                return
            for item in batch:
                item.future.set_exception(self._told(error))
            return
        for item, value in zip(batch, values, strict=True):
            item.future.set_result(value)

    def _commit(self, batch: Sequence[_Item]) -> list[Any]:
        if self._writing is None:
            self._writing = self._connect()
        try:
            with self._writing.transaction() as on:
                values = [item.work(on) for item in batch]
        except DatabaseFault as fault:
            if is_of_the_store(fault):
                self._writing.close()  # after a fault of the disk or server, begin anew with the next write
            raise
        self.commits += 1
        return values

    def _told(self, error: Exception) -> Exception:
        if not isinstance(error, DatabaseFault):
            return error
        told = store_fault(error, self._place)
        told.__cause__ = error
        return told
