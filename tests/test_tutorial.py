"""The tutorial does what it says: its files are written, its commands run, and they print what stands there."""

import re
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from tests.cli.gallery_kit import clear
from tests.tutorial import FILE, Step, apply, missing, steps

STEPS = list(steps(FILE.read_text("utf-8")))


@pytest.mark.timeout(300)
def test_every_file_and_command_of_the_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clear(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for step in STEPS:
        if step.do != "run":
            apply(step, tmp_path)
            continue
        program, *words = step.what.split()
        assert program == "orchestrate", f"line {step.line}"
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        wrong = re.search(r": \d+ problems?$", step.body, re.MULTILINE) is not None
        assert code == (2 if wrong else 0), f"line {step.line}: {step.what}: {err}"
        lacking = missing(out, step.body)
        assert lacking is None, f"line {step.line}: {step.what} does not print {lacking!r}:\n{out}"


def test_the_tutorial_reaches_what_an_author_needs() -> None:
    text = "".join(step.body for step in STEPS if step.do != "run")
    for key in ("kinds:", "rows:", "rules:", "processes:", "ledgers:", "tells:", "false:", "questions:", "variant:"):
        assert key in text, key
    commands = " ".join(step.what for step in STEPS if step.do == "run")
    for word in ("check", "show", "run", "story", "explain", "diff", "fork", "--runs", "--variant", "--coverage"):
        assert word in commands, word


def test_the_tutorial_fits_an_hour() -> None:
    minutes = {"five": 5, "ten": 10}
    said = re.findall(r"^## \d\. .*\((\w+) minutes\)$", FILE.read_text("utf-8"), re.MULTILINE)
    assert sum(minutes[word] for word in said) <= 60


@pytest.mark.parametrize(
    ("printed", "expected", "lacking"),
    [
        ("a\nb\nc\n", "a\nb\nc\n", None),
        ("a\nb\nc\n", "...\nb\n...\n", None),
        ("a\nb\nc\n", "a\n...\n", None),
        ("a\nb\nc\n", "a\n", "b"),
        ("a\nb\nc\n", "b\n...\n", "b"),
        ("a\nb\nc\n", "...\nc\nb\n", "b"),
        ("a\n", "a\nb\n", "b"),
    ],
)
def test_what_is_expected_is_held_against_what_is_printed(printed: str, expected: str, lacking: str | None) -> None:
    assert missing(printed, expected) == lacking


def test_steps_are_read_in_order() -> None:
    blocks = ["Write `a/b.yaml`:", "```yaml\nx: 1\n```", "Append to `a/b.yaml`:", "```yaml\ny: 2\n```"]
    text = "\n\n".join([*blocks, "```console\n$ one\n1\n$ two\n```\n"])
    found = list(steps(text))
    assert [(step.do, step.what, step.body) for step in found] == [
        ("write", "a/b.yaml", "x: 1\n"),
        ("append", "a/b.yaml", "y: 2\n"),
        ("run", "one", "1\n"),
        ("run", "two", ""),
    ]
    assert isinstance(found[0], Step)
