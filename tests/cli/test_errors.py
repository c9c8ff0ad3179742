"""The boundary: every exception becomes one sentence and a documented exit code."""

import inspect
import json
import subprocess
import sys

import pytest
import typer

from orchestrator import errors
from orchestrator.cli.errors import bounded
from orchestrator.cli.main import main

CLASSES = [
    thing
    for _, thing in inspect.getmembers(errors, inspect.isclass)
    if issubclass(thing, errors.OrchestratorError) and thing is not errors.ReplayDiverged
]


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_of_ours_ends_in_its_own_code(
    error: type[errors.OrchestratorError], capsys: pytest.CaptureFixture[str]
) -> None:
    raised = error("it is so", hint="do this", where="there:1")
    assert bounded(lambda: raising(raised), as_json=False) == error.code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "error: it is so (there:1)\nhint: do this\n")


def test_with_json_the_error_is_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    raised = errors.ReplayDiverged("r3/a/decide/1", "another prompt", hint="orchestrate fork")
    assert bounded(lambda: raising(raised), as_json=True) == 5
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out) == {
        "error": {
            "kind": "replay_diverged",
            "message": "replay parts from the record at r3/a/decide/1: another prompt",
            "hint": "orchestrate fork",
            "where": "r3/a/decide/1",
        }
    }


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), 3),
        (typer.Abort(), 3),
        (typer.Exit(3), 3),
        (typer.Exit(), 0),
        (ValueError("x"), 1),
    ],
)
def test_what_is_not_ours_ends_as_documented(
    raised: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bounded(lambda: raising(raised), as_json=False) == code
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert bool(shown.err) is not isinstance(raised, typer.Exit)


def test_a_defect_shows_its_traceback_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORCHESTRATE_DEBUG", raising=False)
    bounded(lambda: raising(KeyError("lost")), as_json=False)
    quiet = capsys.readouterr().err
    assert "KeyError: 'lost'" in quiet
    assert "ORCHESTRATE_DEBUG=1" in quiet
    monkeypatch.setenv("ORCHESTRATE_DEBUG", "1")
    bounded(lambda: raising(KeyError("lost")), as_json=False)
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_error_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bounded(lambda: raising(errors.BadFile("a\x1b[2Jb\x9b31mc")), as_json=False)
    assert capsys.readouterr().err == "error: abc\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["confg"], "did you mean 'config'?"),
        (["zzz"], "there is no command 'zzz'"),
        (["config"], "missing command"),
        (["config", "shw"], "Did you mean 'show'?"),
        (["--nope"], "no such option: --nope"),
        (["config", "show", "--nope"], "no such option: --nope"),
        (["config", "show", "more"], "unexpected extra argument(s) (more)"),
        (["config", "show", "--db"], "option '--db' requires an argument"),
    ],
)
def test_wrong_words_are_bad_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert "hint: orchestrate" in shown.err
    assert main(["--json", *words]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "bad_usage"


def test_a_reader_that_goes_away_is_no_noise() -> None:
    code = (
        "import sys; from orchestrator.cli.errors import bounded\n"
        "sys.exit(bounded(lambda: [print('x' * 1000) for _ in range(1000)] and None, as_json=False))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 3
