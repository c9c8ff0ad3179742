"""Text of strangers in Markdown, and the few pieces a chronicle is made of."""

import pytest

from orchestrator.views.markdown import WIDTH, bullet, escaped, listed, paragraph, plain, span, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07hello\x9b1m there\u202e", "hello there"),
        ("two\nlines\t here", "two lines here"),
        ("[click](http://x) <script> *now* `rm`", r"\[click\](http://x) \<script\> \*now\* \`rm\`"),
        ("S&P 500 &lt; 3 &#60;", "S&P 500 &amp;lt; 3 &amp;#60;"),
        (r"a\*b", r"a\\\*b"),
    ],
)
def test_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_plain_keeps_letters_of_every_script() -> None:
    assert plain("Łódź 北京 ñ") == "Łódź 北京 ñ"


@pytest.mark.parametrize("first", ["# a", "- a", "+ a", "3. a", "1) a", "--- a"])
def test_a_paragraph_begins_no_list_and_no_heading(first: str) -> None:
    assert paragraph(first) != first
    assert paragraph(first).replace("\\", "") == first


def test_wrapped_lines_begin_no_list() -> None:
    text = "x" * (WIDTH - 1) + " 1. more " + "y" * (WIDTH - 8) + " 274. end"
    lines = paragraph(text).splitlines()
    assert lines[1].startswith("1\\. more")
    assert lines[2] == "274. end"


def test_a_bullet_stays_one_item() -> None:
    lines = bullet("word " * 40).splitlines()
    assert lines[0].startswith("- word")
    assert all(line.startswith("  word") for line in lines[1:])


def test_small_words() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert span("2023-07-01", "2023-09-30") == "1 July to 30 September 2023"
    assert span("2023-12-01", "2024-02-29") == "1 December 2023 to 29 February 2024"
    assert span("2024-02-29", "2024-02-29") == "29 February 2024"


def test_a_table_is_readable_as_text() -> None:
    assert table(("", "now"), [("cash", "1")], right=(1,)).splitlines() == [
        "|      | now |",
        "| ---- | --: |",
        "| cash |   1 |",
    ]
