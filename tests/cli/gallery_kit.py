"""A working folder with runs for tests of commands: made once, copied for each test, entered."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from tests.support.playing import gallery

_MADE: dict[str, Path] = {}


def enter(folder: Path, factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Copies the gallery into a folder, makes it the working folder, and gives the runs' ids by name."""
    if "gallery" not in _MADE:
        made = factory.mktemp("gallery_cli")
        (made / "ids.json").write_text(json.dumps(gallery(made)), "utf-8")
        _MADE["gallery"] = made
    shutil.copytree(_MADE["gallery"], folder, dirs_exist_ok=True)
    clear(monkeypatch)
    monkeypatch.chdir(folder)
    return json.loads((folder / "ids.json").read_text("utf-8"))


def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine, and a screen of 80 columns."""
    for name in ("ORCHESTRATE_DB", "ORCHESTRATE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


class Said:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Runs command lines in the working folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, wide: bool = False) -> Said:
        self._capsys.readouterr()
        code = main(list(words))
        out, err = self._capsys.readouterr()
        if "--json" not in words:
            # Sentences for people fit the screen; a chronicle is a file with lines of its own length.
            most = 88 if words[0] == "story" else 80
            assert wide or not [line for line in out.splitlines() if len(line) > most]
            assert "\x1b" not in out
        return Said(code, out, err)
