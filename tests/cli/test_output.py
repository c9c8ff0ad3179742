"""What is printed: nothing that drives a terminal, tables that fit, colours only where they belong."""

import io
import json

import pytest

from orchestrator.cli.output import clean, colours, emit_json, say, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 漢字", "plain äöü 漢字"),
        ("two\nlines\r\nthree", "two\nlines\nthree"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jx", "x"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("a\x00\x08\x0b\x7f\x85b", "ab"),
        ("over\rwritten", "overwritten"),
        ("\u202eabc\u2066", "abc"),
        ("half \ud800 pair", "half  pair"),
        ("[/bold]", "[/bold]"),
        ("\x1b\x1b[31mx\x1b", "x"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert clean(clean(text)) == shown


def test_json_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"a": "ü\x9b\n\ud800", "b": [1, None, 0.1]}
    emit_json(document)
    line = capsys.readouterr().out
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line) == document
    with pytest.raises(ValueError, match="JSON compliant"):
        emit_json(float("nan"))


def test_a_table_is_aligned_and_fits() -> None:
    rows = [("a", 5, "short"), ("b" * 60, 12345, "long " * 20), ("漢字", 0, None)]
    text = table(("name", "n", "what"), rows, width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["NAME", "N", "WHAT"]
    assert lines[1].index("5") == lines[2].index("12345") + 4
    assert "…" in lines[2]
    assert "…" not in lines[1]


def test_a_table_is_cleaned_and_may_be_empty() -> None:
    assert table(("x",), [("a\x1b[2J\nb",)], width=80) == "X\na b"
    assert table(("x", "y"), [], width=80) == "X  Y"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_a_terminal_and_not_for_who_said_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colours(Terminal())
    assert not colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not colours(Terminal())


def test_a_narrow_encoding_loses_letters_and_not_the_program() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    say("ü", to=stream)
    assert raw.getvalue() == b"?\n"
