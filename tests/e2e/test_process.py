"""The command as its users start it: a process with an exit code, two streams, and no terminal."""

import subprocess
import sys

import pytest

from tests.support.work import Work, environment

PLAY = ("run", "--scenario", "duel", "--policy", "all")


def test_a_run_is_plain_lines_and_with_json_one_document(work: Work) -> None:
    plain = work.process(*PLAY)
    assert "\x1b" not in plain.out + plain.err
    assert plain.err == ""
    run = plain.out.split("run ")[1].split(",")[0]
    assert f"orchestrate replay {run}" in plain.out
    document = work.process("runs", "show", run, "--json").json
    assert (document["run"], document["status"]) == (run, "finished")


@pytest.mark.parametrize(
    ("words", "code"), [(("replay", "nosuch"), 6), (("run", "--rounds", "0"), 2), (("resume", "--json"), 2)]
)
def test_an_error_ends_with_its_code(work: Work, words: tuple[str, ...], code: int) -> None:
    done = work.process(*words, code=code)
    assert done.err.startswith("error: ") or done.json["error"]


def test_a_reader_that_goes_away_is_no_defect(work: Work) -> None:
    work(*PLAY)
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", "runs", "events", "last", "--json"],
        cwd=work.folder, env=environment(work.folder), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) == 3
        assert process.stderr.read() == b""
