"""Grammar texts that hold the embedded model to the form of an answer.

Choices and lines are GBNF, read by llama.cpp; schemas are given to llguidance, which is built into it.
Tests try each against the real readers, because a grammar that they cannot read ends in an error. Free
strings of a schema are narrowed to Latin script: a small model slips into others. What a shape means is
`core.call`'s business, parsing is `core.parse`'s.
"""

import json
from typing import Any, cast

LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e"
"""Latin letters with the accents of European languages."""

BETWEEN = "0-9 ,;:'\u2019()%€$£&/+\u2013\u2014-"
ENDS = ".!?"
INSIDE = LETTERS + ENDS + BETWEEN
"""What may stand inside a text: no quotes, no line break, no other script; the hyphen stays last."""

MOST_CHARACTERS = 2000
"""llama.cpp refuses longer repetitions."""


def literal(text: str) -> str:
    """The text as a GBNF string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def of_choices(choices: tuple[str, ...], begun: str = "") -> str:
    """Exactly one of the texts; after begun words that end without a blank, one may come first."""
    blank = '" "? ' if begun and not begun[-1].isspace() else ""
    return f"root ::= {blank}({' | '.join(literal(choice) for choice in choices)})"


def of_line(limit: int, begun: str = "") -> str:
    """One sentence of Latin text of at most `limit` characters, ended by its first full stop (a small model
    goes on to a second, which would be cut). Without begun words it opens with a letter or a figure; after
    them a blank or a punctuation mark may come first."""
    limit = max(4, min(limit, MOST_CHARACTERS))
    most = limit - 2 if begun else limit - 3  # a decimal point stands with its figure
    first = "" if begun else f"[{LETTERS}0-9] "
    return f"root ::= {first}([{LETTERS}{BETWEEN}] | [.] [0-9]){{1,{most}}} [{ENDS}]"


def of_schema(schema: dict[str, Any]) -> str:
    """A JSON value of this schema, keys in the schema's order, no optional blanks between its parts."""
    narrowed = {**_narrowed(schema), "x-guidance": {"whitespace_flexible": False}}
    return "%llguidance {}\nstart: %json " + json.dumps(narrowed, ensure_ascii=False)


def _narrowed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a pattern on each string that has none of its own."""
    free = schema.get("type") == "string" and not {"enum", "const", "pattern", "format"} & schema.keys()
    if not free:
        return {key: _deeper(value) for key, value in schema.items()}
    least = int(schema.get("minLength", 0))
    most = min(int(schema.get("maxLength", MOST_CHARACTERS)), MOST_CHARACTERS)
    kept = {key: value for key, value in schema.items() if key not in ("minLength", "maxLength")}
    return {**kept, "pattern": f"^[{INSIDE}]{{{least},{most}}}$"}


def _deeper(value: Any) -> Any:
    if isinstance(value, dict):
        return _narrowed(cast("dict[str, Any]", value))
    if isinstance(value, list):
        return [_deeper(inner) for inner in cast("list[Any]", value)]
    return value
