"""`orchestrate runs ...`: what is stored, shown, compared, sent, let in and removed. Asks nobody anything.

Each command opens the store only if it is there (`list` and `show` create nothing), reads, and prints; how it
looks on a screen is in `store_text`.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.options import Out, Round, Run, Yes, as_id
from orchestrator.cli.output import emit_json, say
from orchestrator.errors import BadFile, BadUsage, DamageFound, UnknownRound, UnknownRun

if TYPE_CHECKING:
    from orchestrator.config import Settings
    from orchestrator.ledger.rows import RunRow
    from orchestrator.ledger.store import Ledger

runs = group("The store: list, show, state, events, calls, diff, export, import, delete.")

EveryRound = Annotated[bool, typer.Option("--every-round", help="After each round, from the start on.")]
Rule = Annotated[
    str | None,
    typer.Option("--rule", metavar="ID", parser=as_id, help="Only what this rule, process or action did."),
]
Full = Annotated[bool, typer.Option("--full", help="With what was asked and what was answered.")]
OtherRun = Annotated[str, typer.Argument(metavar="RUN", help="The run to compare with.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Written by `runs export`.")]


@contextmanager
def stored(front: Front) -> Generator[tuple["Ledger", "Settings"]]:
    """The store that is there. Raises UnknownRun where none is; creates nothing."""
    from orchestrator.ledger.store import Ledger

    settings = front.settings()
    if not Ledger.exists(settings.db):
        raise UnknownRun(
            f"there is no store at {_shown(settings)} yet, and so no run",
            hint="orchestrate run --scenario takeoff",
            where="--db",
        )
    with Ledger.open(settings.db, create=False) as ledger:
        yield ledger, settings


def _shown(settings: "Settings") -> str:
    from orchestrator.cli.config import without_password

    return without_password(settings.db)


def document_of(ledger: "Ledger", row: "RunRow", settings: "Settings") -> dict[str, Any]:
    """The run's document, priced as today's settings say."""
    from orchestrator.views.projections import run_document

    return run_document(ledger, row, prices=settings.prices)


@runs.command("list")
@command
def list_all(front: Front) -> None:
    """List every run, oldest first."""
    from orchestrator.cli.store_text import list_text
    from orchestrator.ledger.store import Ledger
    from orchestrator.views.projections import run_documents

    settings = front.settings()
    found: list[dict[str, Any]] = []
    damaged: list[str] = []
    if Ledger.exists(settings.db):
        with Ledger.open(settings.db, create=False) as ledger:
            for _, document in run_documents(ledger, prices=settings.prices):
                if isinstance(document, DamageFound):  # one damaged run must not hide the others
                    damaged.append(f"{document.message}: {document.hint}")
                else:
                    found.append(document)
    front.show({"runs": found}, lambda: list_text(found, _shown(settings)))
    for line in damaged:
        say(f"damaged: {line}", to=sys.stderr)


@runs.command("show")
@command
def show(front: Front, run: Run) -> None:
    """Show one run: how it stands, who played, what it used, what failed."""
    from orchestrator.cli.store_text import show_text

    with stored(front) as (ledger, settings):
        row = ledger.find(run)
        document = document_of(ledger, row, settings)
        front.show(document, lambda: show_text(document, row))


@runs.command("state")
@command
def state(front: Front, run: Run, number: Round = None, every_round: EveryRound = False) -> None:
    """Show every variable at the end of the last round, of one round, or of every round."""
    from orchestrator.cli.store_text import state_text
    from orchestrator.runtime.recorded import recorded
    from orchestrator.views.projections import states

    if number is not None and every_round:
        raise BadUsage("--round and --every-round exclude each other", where="--round")
    with stored(front) as (ledger, _):
        held = recorded(ledger, ledger.find(run))
        found = states(held.events, held.played.law)
        if number is not None and number >= len(found):
            raise UnknownRound(
                f"run {held.row.id} has completed {len(found) - 1} rounds; there is no round {number}",
                hint=f"orchestrate runs state {held.row.id} --every-round", where="--round",
            )  # fmt: skip
        chosen = found if every_round else [found[-1 if number is None else number]]
        front.show({"run": held.row.id, "rounds": chosen}, lambda: state_text(chosen, held.played.law))


@runs.command("events")
@command
def events(front: Front, run: Run, rule: Rule = None) -> None:
    """List what happened, in order; with --json one event a line."""
    from orchestrator.cli.store_text import event_text
    from orchestrator.views.documents import caused_by, event_documents

    with stored(front) as (ledger, _):
        row = ledger.find(run)
        rows = list(ledger.events(row.id))
        if rule is not None:
            _known_cause(ledger, row, rule)
        instances: set[str] = set()
        for document in event_documents(rows):
            shown = document if rule is None else caused_by(document, rule, instances)
            if shown is not None:
                emit_json(shown) if front.json else say(event_text(shown))


def _known_cause(ledger: "Ledger", row: "RunRow", wanted: str) -> None:
    """Raises BadUsage where the run's scenario has nothing of that name."""
    from orchestrator.runtime.recorded import played_of

    scenario = played_of(ledger, row).law.scenario
    known = [*scenario.rules, *scenario.processes, *scenario.actions]
    if wanted in known or wanted.rstrip("0123456789").rstrip("_") in scenario.processes:
        return
    near = get_close_matches(wanted, known, n=1)
    guess = f", did you mean {near[0]!r}?" if near else ""
    raise BadUsage(f"the scenario of run {row.id} has no rule, process or action {wanted!r}{guess}", where="--rule")


@runs.command("calls")
@command
def calls(front: Front, run: Run, full: Full = False) -> None:
    """List what was asked of models, in order of recording; with --json one call a line."""
    from orchestrator.cli.store_text import call_text, calls_text
    from orchestrator.views.projections import call_document

    with stored(front) as (ledger, _):
        row = ledger.find(run)
        if not front.json and not full:
            say(calls_text([call_document(held) for held in ledger.calls(row.id)]))
            return
        for held in ledger.calls(row.id):
            document = call_document(held)
            if full:
                call, reply = ledger.call_record(row.id, held.key)
                asked = call.model_dump(mode="json", include={"messages", "begun", "shape", "sampling", "seed"})
                document |= {"messages": asked.pop("messages"), "reply": reply.model_dump(mode="json"), **asked}
            emit_json(document) if front.json else say(call_text(document))


@runs.command("diff")
@command
def diff(front: Front, run: Run, other: OtherRun) -> None:
    """Say where two runs part, and what their worlds differ in after the last round both have."""
    from orchestrator.cli.store_text import diff_text
    from orchestrator.runtime.recorded import recorded
    from orchestrator.views.diff import design_differences, dice_shared, differing, first_difference
    from orchestrator.views.projections import states

    with stored(front) as (ledger, _):
        pair = [recorded(ledger, ledger.find(wanted)) for wanted in (run, other)]
        designs = design_differences(pair[0].played.design, pair[1].played.design)
        worlds = [states(held.events, held.played.law) for held in pair]
        last = min(map(len, worlds)) - 1
        document = {
            "runs": [held.row.id for held in pair],
            "first": first_difference(pair[0].rows, pair[1].rows, designs),
            "dice": dice_shared(pair[0].events, pair[1].events),
            "indicators": differing(worlds[0][last]["values"], worlds[1][last]["values"]),
            "round": last,
            "outcomes": [held.row.outcome for held in pair],
            "designs": designs,
        }
        front.show(document, lambda: diff_text(document, pair[0].played.law))


@runs.command("export")
@command
def export(front: Front, run: Run, out: Out = None) -> None:
    """Write one run to one file, which `runs import` reads back."""
    if out is None:
        raise BadUsage(
            "--out FILE is missing: where should the run be written?",
            hint=f"orchestrate runs export {run} --out {run}.jsonl",
            where="--out",
        )
    with stored(front) as (ledger, _):
        row = ledger.find(run)
        ledger.export(row.id, out)
        size = out.stat().st_size
        front.show(
            {"run": row.id, "out": str(out), "bytes": size}, lambda: f"run {row.id} is in {out} ({size / 1000:,.0f} kB)"
        )


@runs.command("import")
@command
def import_one(front: Front, file: File) -> None:
    """Let the run of an exported file in, once its record and its replay agree."""
    from orchestrator.ledger.store import Ledger

    _proved(file)
    settings = front.settings()
    with Ledger.open(settings.db) as ledger:
        row = ledger.import_run(file)
        document = document_of(ledger, row, settings)
        named = f" ({row.name})" if row.name else ""
        front.show(document, lambda: f"run {row.id}{named} is in {_shown(settings)}; orchestrate runs show {row.id}")


def _proved(file: Path) -> None:
    """Raises BadFile unless the file's run can be derived again. Tried in a store of its own, so that the
    user's store never holds a run that nobody believes."""
    import asyncio

    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.replay import check

    with TemporaryDirectory() as folder, Ledger.open(str(Path(folder) / "proof.db")) as ledger:
        row = ledger.import_run(file)
        found = asyncio.run(check(ledger, row.id))
    if found.problem is not None:
        raise BadFile(
            f"{file} holds a run that does not follow from its own record: {found.problem}; nothing was imported",
            hint="export it again where it was played",
            where=str(file),
        )


@runs.command("delete")
@command
def delete(front: Front, run: Run, yes: Yes = False) -> None:
    """Remove one run and all that only it uses. Its forks stay whole."""
    with stored(front) as (ledger, _):
        row = ledger.find(run)
        named = f" ({row.name})" if row.name else ""
        what = f"run {row.id}{named}: {row.scenario}, seed {row.seed}, {row.rounds} rounds"
        if not yes:
            if front.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise BadUsage(
                    f"{what} would be removed for good; without a terminal that needs --yes",
                    hint=f"orchestrate runs delete {row.id} --yes",
                    where="--yes",
                )
            if not typer.confirm(f"Remove {what} for good?", default=False, err=True):
                say("nothing was removed")
                return
        ledger.delete(row.id)
        front.show({"deleted": row.id}, lambda: f"removed {what}")
