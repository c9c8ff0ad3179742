"""`orchestrate import ...`: a run made from what another program recorded. No model is asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.command import Front, command, group
from orchestrator.cli.options import Name, Scenario, Variant

if TYPE_CHECKING:
    from orchestrator.ledger.store import Ledger
    from orchestrator.runtime.ask import Stop
    from orchestrator.runtime.recorded import Played

imports = group("Make a run from what another program recorded: actions.")

ActionLog = Annotated[
    Path, typer.Option("--actions", metavar="FILE", help="A CSV file with one move a row, in the order of the moves.")
]


@imports.command("actions")
@command
def actions(front: Front, scenario: Scenario, actions: ActionLog, variant: Variant = None, name: Name = None) -> None:
    """Makes a run from a recorded action log: its moves, in its order, under the scenario's rules."""
    from orchestrator.cli.session import document_of, exists, free_name, ledger_of, until_stopped
    from orchestrator.ledger.ids import checked_name
    from orchestrator.library.actionlog import read_log
    from orchestrator.runtime.prepare import load_law, prepare_log

    loaded, law = load_law(scenario, Path.cwd(), variant)
    played = prepare_log(loaded, law, read_log(actions, law.scenario))
    if name is not None:
        checked_name(name)
    settings = front.settings()
    if exists(settings) and name is not None:
        with ledger_of(settings, create=False) as ledger:
            free_name(ledger, name)
    with ledger_of(settings) as ledger:
        made: list[str] = []

        async def playing(stop: "Stop") -> None:
            await _play(ledger, played, loaded.design_text, name, stop, made)

        until_stopped(playing)
        document = document_of(ledger, ledger.run(made[0]), settings)
        document["indicators"], boards = _readings(ledger, made[0])
        front.show(document, lambda: _text(document, boards))


class _Nobody:
    """Nobody looks on: a log is imported, not watched."""

    def begins(self, row: object, played: object, state: object) -> None: ...

    def round_begins(self, round_: int, state: object) -> None: ...

    def event(self, event: object) -> None: ...

    def round_over(self, events: object, before: object, after: object) -> None: ...

    def asking(self, call: object) -> None: ...

    def answered(self, call: object, answer: object, *, reused: bool) -> None: ...


async def _play(ledger: "Ledger", played: "Played", data: str, name: str | None, stop: "Stop", made: list[str]) -> None:
    """Writes the run and plays it to the last day of its log."""
    from orchestrator.runtime.run import Limits, begin, play

    last = max(row.day for row in played.design.log)
    rounds = None if last >= played.law.scenario.clock.rounds else last
    row = begin(ledger, played.design, data, played, name=name, rounds=rounds, limits=Limits(), backends={})
    made.append(row.id)
    await play(ledger, row.id, {}, stop, _Nobody())


def _readings(ledger: "Ledger", run: str) -> tuple[dict[str, Any], list[str]]:
    """The indicators at the run's end, and the lines of the boards that no player reads."""
    from orchestrator.core.boards import line_of, rows_of
    from orchestrator.runtime.recorded import recorded
    from orchestrator.views.readings import indicators

    held = recorded(ledger, ledger.run(run))
    law, state = held.played.law, held.state
    hidden = [key for key, board in law.scenario.boards.items() if board.visible_to == "hidden"]
    return indicators(law, state), [line_of(row) for key in hidden for row in rows_of(law, state, key, {})]


def _text(document: Mapping[str, Any], boards: Sequence[str]) -> str:
    from orchestrator.cli.output import clean
    from orchestrator.cli.session import summary

    shown: list[str] = []
    for held in document["indicators"].values():
        unit = f" {clean(held['unit'])}" if held["unit"] else ""
        shown.append(f"  {clean(held['label'])}: {held['value']:,.{held['digits']}f}{unit}")
    shown += [part for line in boards for part in wrap(clean(line), 78, initial_indent="  ", subsequent_indent="    ")]
    return "\n".join([summary(document), *(["At its end:", *shown] if shown else [])])
