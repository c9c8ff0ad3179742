"""A working folder with the scenario `duel`, a configuration, and the command line run in it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from tests.support.playing import desk

TOML = """\
[backends.lab]
kind = "openai"
base_url = "{url}"
model = "m"
concurrency = 8
timeout_s = 20
{more}
[seats]
default = "lab"
seat_b = "lab"
"""
"""Both seats of the duel and the judge ask one server."""
DUEL = ("run", "--scenario", "duel", "--rounds", "2")


class Done:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback (most recent call last)" not in out + err, err or out

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error of a command that was run with --json."""
        return self.json["error"]


def environment(folder: Path) -> dict[str, str]:
    """The process's environment with no setting of ours and no model of this machine."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ORCHESTRATE")}
    home = str(folder / "home")
    return {**kept, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "NO_COLOR": "1", "TERM": "dumb"}


class Work:
    """`work("run", ...)` runs a command within this process; `work.process(...)` as one of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str, code: int | None = 0) -> Done:
        """Runs a command; its exit code must be `code` (None: any)."""
        self._capsys.readouterr()
        found = main(list(words))
        said = self._capsys.readouterr()
        done = Done(found, said.out, said.err)
        assert code is None or done.code == code, done.err or done.out
        return done

    def process(self, *words: str, code: int | None = 0, **env: str) -> Done:
        """The same as a process of its own, with more environment."""
        found = subprocess.run(
            [sys.executable, "-m", "orchestrator.cli.main", *words],
            cwd=self.folder, env={**environment(self.folder), **env}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        done = Done(found.returncode, found.stdout, found.stderr)
        assert code is None or done.code == code, done.err or done.out
        return done

    def config(self, url: str, more: str = "", toml: str = TOML) -> None:
        """Writes orchestrate.toml."""
        (self.folder / "orchestrate.toml").write_text(toml.format(url=url, more=more), "utf-8")

    @property
    def store(self) -> Path:
        return self.folder / "runs" / "orchestrate.db"

    def written(self) -> int:
        """How many runs the store holds; 0 where there is none."""
        return len(rows(self.store, "SELECT id FROM runs")) if self.store.exists() else 0


def rows(store: Path, query: str) -> list[Any]:
    """What a query of the store gives."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def begin_work(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Work:
    """Makes the folder, enters it and clears the environment."""
    desk(folder)
    for name in os.environ:
        if name.startswith("ORCHESTRATE"):
            monkeypatch.delenv(name)
    for name, text in environment(folder).items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(folder)
    return Work(folder, capsys)
