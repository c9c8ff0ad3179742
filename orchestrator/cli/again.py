"""The command `replay`: a stored run again, exactly and offline, or held against today's files."""

import asyncio
import sys
import time
from pathlib import Path

import typer

from orchestrator.cli.command import Front, command
from orchestrator.cli.options import Pace, Round, Run
from orchestrator.cli.session import document_of, ledger_of
from orchestrator.errors import UnknownRound


@command
def replay(
    front: Front,
    run: Run,
    round_: Round = None,
    pace: Pace = None,
    current: bool = typer.Option(False, "--current", help="Against today's files; says where they part (exit 5)."),
) -> None:
    """Shows a run again from the store, exactly and offline."""
    from orchestrator.cli.plain import onlooker
    from orchestrator.core.state import fold
    from orchestrator.errors import ReplayDiverged
    from orchestrator.runtime.prepare import load_law
    from orchestrator.runtime.recorded import Played, recorded
    from orchestrator.runtime.replay import replay as play_again

    settings = front.settings()
    with ledger_of(settings, create=False) as ledger:
        held = recorded(ledger, ledger.find(run))
        if round_ is not None and round_ > held.state.round:
            raise UnknownRound(
                f"run {held.row.id} has {held.state.round} completed rounds, no round {round_}", where="--round"
            )
        today = None
        if current:
            from orchestrator.core.value import digest

            loaded, law = load_law(held.row.scenario, Path.cwd(), held.played.design.variant)
            today = Played(
                held.played.design.model_copy(update={"data": digest(loaded.design_text)}),
                law,
                loaded.prompts,
            )
        diverged: ReplayDiverged | None = None
        events = list(held.events)
        try:
            done = asyncio.run(play_again(ledger, held, today=today))
            events = list(done.events)
        except ReplayDiverged as error:
            diverged = error
        if diverged is None and not front.json:
            with onlooker(out=sys.stdout, quiet=True) as look:
                state = fold([event for event in events if event.round == 0])
                look.begins(held.row, held.played, state)
                for number in range(1, held.state.round + 1):
                    part = [event for event in events if event.round == number]
                    before, state = state, fold(part, state)
                    if round_ is None or number == round_:
                        look.round_begins(number, before)
                        for event in part:
                            look.event(event)
                            if pace and event.text:
                                time.sleep(pace)
                        look.round_over(part, before, state)
        document = document_of(ledger, held.row, settings)
        document["diverged"] = None if diverged is None else {"key": diverged.key, "what": diverged.what}
        if diverged is not None and not front.json:
            raise diverged
        front.show(
            document,
            lambda: f"The replay gives the same {len(events)} events, byte for byte ({held.row.last_hash[:12]}).",
        )
        if diverged is not None:
            raise typer.Exit(5)
