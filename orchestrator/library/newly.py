"""Writes a new scenario from the starter that lies beside this module: whole, or not at all."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import BadUsage
from orchestrator.library.faults import near
from orchestrator.library.files import display, packaged_root
from orchestrator.library.scenarios import is_name
from orchestrator.library.yaml import shown

STARTER = Path(__file__).parent / "starter"
STARTER_NAME, STARTER_TITLE = "my_exercise", "My exercise"
SCENARIOS = "scenarios"


def create_scenario(name: str, into: Path, *, packaged: Path | None = None) -> list[Path]:
    """Writes `scenarios/<name>` into a folder (or `<name>` into a folder that is called `scenarios` itself).

    Gives the files, `scenario.yaml` first. Raises BadUsage, and leaves nothing, where the name will not do, is
    taken, or the files cannot be written.
    """
    if not is_name(name):
        raise BadUsage(
            f"'{shown(name)}' will not do as a name: a-z, 0-9 and _, a letter first, at most 48 characters",
            hint="orchestrate scenarios new cold_winter",
            where="NAME",
        )
    if not into.is_dir():
        there = [entry.name for entry in _folders(into.parent)]
        raise BadUsage(f"there is no folder {shown(str(into))}{near(into.name, there)}", where="--into")
    home = into if into.resolve().name == SCENARIOS else into / SCENARIOS
    _free(name, home, packaged_root() if packaged is None else packaged)
    fresh = not home.exists()
    half = home / f".{name}.{os.getpid()}"
    try:
        home.mkdir(exist_ok=True)
        half.mkdir()
        for source, text in _texts(name):
            (half / source.parent).mkdir(exist_ok=True)
            (half / source).write_text(text, "utf-8", newline="\n")
        os.rename(half, home / name)
    except OSError as fault:
        raise BadUsage(
            f"cannot write {shown(str(home / name))}: {shown(str(fault.strerror))}", where="--into"
        ) from fault
    finally:
        shutil.rmtree(half, ignore_errors=True)
        if fresh and home.is_dir() and not any(home.iterdir()):
            home.rmdir()
    return [home / name / source for source, _ in _texts(name)]


def _free(name: str, home: Path, packaged: Path) -> None:
    """Raises BadUsage where the name is taken."""
    for taken in (home / name, home.parent / "personas" / name):
        if os.path.lexists(taken):
            said = display(taken, Path.cwd())
            raise BadUsage(
                f"{said} is there already, and nothing was changed", hint="choose another name", where="NAME"
            )
    if os.path.lexists(packaged / SCENARIOS / name):
        raise BadUsage(
            f"'{name}' is a scenario that came with the program, and yours would hide it",
            hint="choose another name",
            where="NAME",
        )


def _texts(name: str) -> Iterator[tuple[Path, str]]:
    """(path in the new folder, text) of every file, `scenario.yaml` first."""
    title = name.replace("_", " ").capitalize()
    files = sorted(STARTER.rglob("*.*"), key=lambda file: (file.name != "scenario.yaml", file.as_posix()))
    for file in files:
        text = file.read_text("utf-8")
        yield file.relative_to(STARTER), re.sub(STARTER_TITLE, title, text.replace(STARTER_NAME, name))


def _folders(parent: Path) -> Iterator[Path]:
    try:
        yield from (entry for entry in parent.iterdir() if entry.is_dir())
    except OSError:
        return
