"""How a command is written.

    runs = group("The store.")

    @runs.command("list")
    @command
    def list_runs(front: Front, name: Name = None) -> None:
        "All runs."
        settings = front.settings()
        front.show({"runs": [...]}, lambda: table(...))

`command` gives it --db, --config and --json after the command's name as well as before, and hands it a
`Front`. Errors are raised; `cli.errors` turns them into words and exit codes. To end with another code
after the document was shown, raise `typer.Exit(code)`.
"""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import typer

from orchestrator.cli.options import Config, Db, Json
from orchestrator.cli.output import emit_json, say

if TYPE_CHECKING:
    from orchestrator.config import Settings

P = ParamSpec("P")


@dataclass(frozen=True)
class Front:
    """What a command was told beside its own options, and how it answers."""

    db: str | None = None
    config: Path | None = None
    json: bool = False

    def settings(self, flags: Mapping[str, object] | None = None) -> "Settings":
        """The settings under these flags (see `config.load`); --db and --config are added."""
        from orchestrator.config import load  # pydantic: not for --help

        return load(self.config, os.environ, {"db": self.db, **(flags or {})})

    def show(self, document: object, text: Callable[[], str]) -> None:
        """The answer: the document with --json, else the text, which is made only then."""
        if self.json:
            emit_json(document)
        else:
            say(text())

    def note(self, text: str) -> None:
        """A line beside the answer: to stderr with --json, so that stdout holds one document."""
        say(text, to=sys.stderr if self.json else None)

    def over(self, other: "Front") -> "Front":
        """This one, filled up from what was said before the command's name."""
        db = self.db if self.db is not None else other.db
        config = self.config if self.config is not None else other.config
        return Front(db=db, config=config, json=self.json or other.json)


def quiet_typer(help: str | None = None, **settings: Any) -> typer.Typer:  # noqa: A002 (typer's word)
    """A Typer app without rich, completion commands or tracebacks of its own."""
    return typer.Typer(
        help=help, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, **settings
    )


def group(help: str) -> typer.Typer:  # noqa: A002
    """A command that has commands: `orchestrate runs ...`."""
    app = quiet_typer(help)
    app.callback()(_nothing)  # with a callback it stays a group even while it has one command
    return app


def _nothing() -> None: ...


def command(function: Callable[Concatenate[Front, P], None]) -> Callable[..., None]:
    """Marks a function as a command: its first parameter becomes the options of every command."""
    own = list(inspect.signature(function).parameters.values())[1:]

    @functools.wraps(function)
    def called(ctx: typer.Context, db: str | None, config: Path | None, as_json: bool, **given: Any) -> None:
        before = ctx.obj if isinstance(ctx.obj, Front) else Front()
        function(Front(db=db, config=config, json=as_json).over(before), **given)  # pyright: ignore[reportCallIssue]

    keyword = inspect.Parameter.KEYWORD_ONLY
    shown = [parameter.replace(kind=keyword) for parameter in own] + [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        inspect.Parameter("db", keyword, annotation=Db, default=None),
        inspect.Parameter("config", keyword, annotation=Config, default=None),
        inspect.Parameter("as_json", keyword, annotation=Json, default=False),
    ]
    signature = inspect.Signature(shown)
    called.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return called
