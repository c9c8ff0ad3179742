"""The command `orchestrate`: a menu of names, and the way from the words typed to the exit code.

The menu knows each command's name and one line about it, and no more: the module that does the work is
imported when its command is called, so `--help` stays quick and small. `main` never lets a traceback
through (`errors.bounded`). Nothing here knows what a run is.
"""

import gc
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from orchestrator import __version__
from orchestrator.cli.command import Front, quiet_typer
from orchestrator.cli.errors import bounded
from orchestrator.cli.options import Config, Db, Json
from orchestrator.errors import BadUsage

COLLECT = (20_000, 20, 100)
"""When garbage is looked for: nearly all that a start makes stays, and looking through it takes a tenth of a start."""


class Entry(NamedTuple):
    """One line of the menu."""

    place: str
    """`module:attribute` of a function marked with `@command`, or of a `group(...)`."""
    help: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("orchestrator.cli.play:run", "Play a scenario from its start."),
    "resume": Entry("orchestrator.cli.play:resume", "Go on where a run stopped."),
    "replay": Entry("orchestrator.cli.again:replay", "Show a run again, exactly and offline."),
    "fork": Entry("orchestrator.cli.play:fork", "A new run from a parent's first rounds."),
    "verify": Entry("orchestrator.cli.verify:verify", "Chain, fold, calls and replay of runs agree."),
    "import": Entry("orchestrator.cli.imports:imports", "Make a run from a recorded log: actions."),
    "runs": Entry("orchestrator.cli.store:runs", "The store: list, show, state, events, calls, diff, ..."),
    "explain": Entry("orchestrator.cli.explain:explain", "Why a variable or the outcome is what it is."),
    "story": Entry("orchestrator.cli.story:story", "Tell a run as a chronicle in Markdown."),
    "scenarios": Entry("orchestrator.cli.scenarios:scenarios", "What there is to play: list, show, check, new."),
    "models": Entry("orchestrator.cli.models:models", "Local model files: list, pull, path, remove."),
    "backends": Entry("orchestrator.cli.backends:backends", "What may answer for a seat, as configured."),
    "config": Entry("orchestrator.cli.config:config", "The settings that hold here, and where each came from."),
}


class Menu(TyperGroup):
    """A group that knows its commands by name and imports one only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name in COMMANDS:
            return load(cmd_name)
        if cmd_name.startswith("-"):
            return None  # an unknown option: typer says so itself
        near = get_close_matches(cmd_name, COMMANDS, n=1)
        guess = f", did you mean {near[0]!r}?" if near else ""
        raise BadUsage(f"there is no command {cmd_name!r}{guess}", hint="orchestrate --help")

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def load(name: str) -> Any:
    """The typer command behind a name of the menu; imports its module."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    thing: Any = getattr(import_module(module), attribute)
    if isinstance(thing, typer.Typer):
        return typer.main.get_command(thing)
    alone = quiet_typer()
    alone.command(name)(thing)
    return typer.main.get_command(alone)


app = quiet_typer(cls=Menu)


Version = Annotated[bool, typer.Option("--version", help="Say the version, and nothing else.")]


@app.callback(invoke_without_command=True, epilog="orchestrate COMMAND --help says more of one command.")
def start(
    ctx: typer.Context, db: Db = None, config: Config = None, as_json: Json = False, version: Version = False
) -> None:
    """Role-play exercises between language models on a world with rules."""
    ctx.obj = Front(db=db, config=config, json=as_json)
    if version:
        typer.echo(f"orchestrate {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: the process's own) and returns its exit code; see `cli.errors`."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(*COLLECT)

    def play() -> None:
        command = typer.main.get_command(app)
        with command.make_context("orchestrate", words) as ctx:
            command.invoke(ctx)

    return bounded(play, as_json="--json" in words)


if __name__ == "__main__":
    sys.exit(main())
