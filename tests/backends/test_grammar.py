"""The grammars: what is written, and that each character class means what it should."""

import json
import re

import pytest

from orchestrator.backends.grammar import (
    BETWEEN,
    ENDS,
    INSIDE,
    LETTERS,
    MOST_CHARACTERS,
    literal,
    of_choices,
    of_line,
    of_schema,
)


def test_choices_are_alternatives() -> None:
    assert of_choices(("Raise the fine", "Wait")) == 'root ::= ("Raise the fine" | "Wait")'


@pytest.mark.parametrize(("begun", "blank"), [("My move:", '" "? '), ("My move: ", ""), ("", "")])
def test_a_blank_may_come_first_only_after_begun_words_without_one(begun: str, blank: str) -> None:
    assert of_choices(("Wait",), begun) == f'root ::= {blank}("Wait")'


def test_a_literal_is_escaped() -> None:
    assert literal('a "b" \\ c\nd') == '"a \\"b\\" \\\\ c\\nd"'


@pytest.mark.parametrize("character", list("aZéßøŽ09 .,;:!?'’()%€$£&/+–—-"))
def test_a_line_may_hold(character: str) -> None:
    assert re.fullmatch(f"[{INSIDE}]", character)


@pytest.mark.parametrize("character", list('"“”«»„`\n\r\t\x1b\\<>{}[]|#*_~×÷中жΩא😀\u200b\u202e'))
def test_a_line_may_not_hold(character: str) -> None:
    assert not re.fullmatch(f"[{INSIDE}]", character)


def test_a_line_is_one_sentence_of_a_capped_length() -> None:
    assert of_line(120, "We wait, because") == f"root ::= ([{LETTERS}{BETWEEN}] | [.] [0-9]){{1,118}} [{ENDS}]"
    assert of_line(120) == f"root ::= [{LETTERS}0-9] ([{LETTERS}{BETWEEN}] | [.] [0-9]){{1,117}} [{ENDS}]"
    assert "{1,1} " in of_line(1)
    assert f"{{1,{MOST_CHARACTERS - 2}}}" in of_line(10**9, "x")


def test_free_strings_of_a_schema_are_latin_lines() -> None:
    schema = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 80, "minLength": 3},
            "action": {"type": "string", "enum": ["wait"]},
            "type": {"type": "string", "pattern": "^x$"},
            "said": {"type": "array", "items": {"type": "string"}},
        },
    }
    head, _, body = of_schema(schema).partition("start: %json ")
    found = json.loads(body)
    assert head == "%llguidance {}\n"
    assert list(found["properties"]) == ["reason", "action", "type", "said"]
    assert found["properties"]["reason"] == {"type": "string", "pattern": f"^[{INSIDE}]{{3,80}}$"}
    assert found["properties"]["action"] == {"type": "string", "enum": ["wait"]}
    assert found["properties"]["type"] == {"type": "string", "pattern": "^x$"}
    assert found["properties"]["said"]["items"]["pattern"].endswith(f"{{0,{MOST_CHARACTERS}}}$")
    assert found["x-guidance"] == {"whitespace_flexible": False}
    assert schema["properties"]["reason"] == {"type": "string", "maxLength": 80, "minLength": 3}  # pyright: ignore
