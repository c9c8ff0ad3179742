"""A two-round game of two seats and a judge, played by processes that are killed, and what must hold afterwards."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestrator.ledger.store import Ledger
from orchestrator.runtime.replay import check
from tests.support.lab import Lab, nothing
from tests.support.nursery import Child, Nursery
from tests.support.playing import desk
from tests.support.work import DUEL, TOML

AT_ONCE = 2
"""Calls in flight at once at most: one a seat."""


class Scene:
    """One working folder of the game, and the commands run there by children of a warm process."""

    def __init__(self, folder: Path, nursery: Nursery, lab: Lab) -> None:
        self.folder, self.nursery, self.lab = desk(folder), nursery, lab
        self.path = folder / "runs" / "orchestrate.db"
        (folder / "orchestrate.toml").write_text(TOML.format(url=lab.base_url, more=""), "utf-8")
        lab.reset()

    def play(self, *, traced: bool = False) -> Child:
        """Begins the game."""
        return self.nursery.start(self.folder, *DUEL, "--json", traced=traced)

    def resume(self, *words: str) -> Child:
        """Goes on with it."""
        return self.nursery.start(self.folder, "resume", "last", "--json", *words)

    def killed_at(self, child_of: Callable[[], Child], hook: str, number: int) -> None:
        """Starts a child that is killed at that request: when it has `arrived`, or when its answer was `sent`."""
        begun: list[Child] = []

        def kill(now: int) -> None:
            if now == number:
                while not begun:  # the hook runs in the server's thread: `child_of` returns in a moment
                    pass
                os.kill(begun[0].pid, signal.SIGKILL)

        setattr(self.lab, hook, kill)
        begun.append(child_of())
        assert begun[0].wait() == -signal.SIGKILL
        setattr(self.lab, hook, nothing)

    def recorded(self) -> set[int]:
        """The seeds of all stored calls."""
        with Ledger.open(str(self.path), create=False) as ledger:
            return {ledger.call_of(row).seed for run in ledger.runs() for row in ledger.calls(run.id)}

    def goes_on(self, whole: dict[str, Any], kills: int = 1) -> None:
        """`resume` gives the whole game, asks nothing that is recorded, and the record holds together."""
        kept, asked = self.recorded(), len(self.lab.seeds)
        self.holds()
        child = self.resume()
        assert child.wait() == 0, child.err
        document = child.json
        assert (document["status"], document["hash"]) == ("finished", whole["hash"])
        assert document["calls"]["total"] == whole["calls"]["total"]
        again = self.lab.seeds[asked:]
        assert not kept & set(again)
        assert len(again) == whole["calls"]["total"] - len(kept)
        assert len(self.lab.seeds) <= whole["calls"]["total"] + kills * AT_ONCE
        self.holds()

    def holds(self) -> None:
        """What is stored is whole, and follows from itself."""
        with closing(sqlite3.connect(self.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with Ledger.open(str(self.path), create=False) as ledger:
            assert ledger.storage_problems() == []
            for run in ledger.runs():
                found = asyncio.run(check(ledger, run.id))
                assert (found.ok, found.problem, found.rederived) == (True, None, True)
                assert not ledger.is_locked(run.id)
