"""The boundary: from any exception to one sentence and an exit code.

    OrchestratorError        its own code; `error: sentence`, then `hint: next command`
    a word typer rejects     2
    Ctrl-C                   3
    the reader went away     3, quietly: what was being shown is not all shown
    anything else            1, a defect; ORCHESTRATE_DEBUG=1 shows its traceback

Sentences go to stderr. With --json the error is the one JSON document on stdout.
"""

import os
import sys
import traceback
from collections.abc import Callable

import typer

from orchestrator.cli.output import clean, emit_json
from orchestrator.errors import BadUsage, OrchestratorError, RunPaused


def bounded(play: Callable[[], None], *, as_json: bool) -> int:
    """Runs `play` and returns the process's exit code. Nothing but SystemExit leaves it."""
    try:
        play()
        sys.stdout.flush()
        return 0
    except typer.Exit as e:
        return e.exit_code
    except BrokenPipeError:
        _forget_stdout()
        return RunPaused.code
    except (OrchestratorError, typer.TyperException) as e:
        error = e if isinstance(e, OrchestratorError) else _usage(e)
    except (KeyboardInterrupt, typer.Abort):
        error = RunPaused("stopped by Ctrl-C")
    except Exception as e:  # noqa: BLE001 (the boundary: whatever comes ends as a sentence)
        if os.environ.get("ORCHESTRATE_DEBUG") == "1":
            traceback.print_exc()
        hint = "ORCHESTRATE_DEBUG=1 shows the traceback; please report it"
        error = OrchestratorError(f"a defect of ours: {type(e).__name__}: {e}", hint=hint)
    return report(error, as_json=as_json)


def report(error: OrchestratorError, *, as_json: bool) -> int:
    """Shows an error and returns its exit code."""
    try:
        if as_json:
            fields = {"kind": error.kind, "message": error.message, "hint": error.hint, "where": error.where}
            emit_json({"error": fields})
        else:
            where = f" ({error.where})" if error.where and error.where not in error.message else ""
            hint = f"\nhint: {error.hint}" if error.hint else ""
            sys.stderr.write(clean(f"error: {error.message}{where}{hint}") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    return error.code


def _usage(error: typer.TyperException) -> BadUsage:
    """typer's exception for a wrong word, as ours."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "orchestrate"
    return BadUsage(said[:1].lower() + said[1:], hint=f"{command} --help")


def _forget_stdout() -> None:
    """Points stdout at nothing, so that the interpreter's last flush does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
