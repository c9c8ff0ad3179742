"""`orchestrate story`: a run as a chronicle in Markdown, on the screen or in a file."""

import os
import tempfile
from pathlib import Path

from orchestrator.cli.command import Front, command
from orchestrator.cli.options import Out, Run
from orchestrator.cli.store import document_of, stored
from orchestrator.errors import BadFile


@command
def story(front: Front, run: Run, out: Out = None) -> None:
    """Tell a run as a chronicle in Markdown."""
    from orchestrator.runtime.recorded import recorded
    from orchestrator.views.story import story as told

    with stored(front) as (ledger, settings):
        held = recorded(ledger, ledger.find(run))
        text = told(held.played.law, held.played.design, held.events, document_of(ledger, held.row, settings))
    if out is None:
        front.show({"run": held.row.id, "story": text}, lambda: text.rstrip("\n"))
        return
    _write(out, text)
    front.show({"run": held.row.id, "out": str(out)}, lambda: f"the story of run {held.row.id} is in {out}")


def _write(out: Path, text: str) -> None:
    """The whole file or none of it; one that is there is replaced, since a story can be told again."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(name, 0o644)
            os.replace(name, out)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(f"{out} cannot be written: {error.strerror}", where="--out") from error
