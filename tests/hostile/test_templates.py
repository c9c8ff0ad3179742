"""Prompt templates from a stranger: they compute nothing, reach nothing, and end."""

from typing import Any

import pytest

from orchestrator.core.templates import check, fill
from orchestrator.errors import BadPrompt
from tests.library.kit import within

VALUES: dict[str, Any] = {"about": "x" * 50_000, "items": ["a"] * 400, "two": ["b", "c"], "none": None}
LOOP = "{{% for {0} in items %}}"
END = "{% endfor %}"

REFUSED = {
    "characters": "{% for a in about %}{% for b in about %}{% endfor %}{% endfor %}",
    "three loops": LOOP.format("a") + LOOP.format("b") + LOOP.format("c") + END * 3,
    "many loops": (LOOP.format("a") + LOOP.format("b") + END * 2) * 100,
    "much text": LOOP.format("a") + "{{ about }}" + END,
    "range": "{% for a in range(9) %}{% endfor %}",
    "class": "{{ items.__class__ }}",
    "method": "{{ about.format }}",
    "itself": "{{ self }}",
    "loop": LOOP.format("a") + "{{ loop }}" + END,
    "a list": "{{ two }}",
    "nothing": "{{ none }}",
    "unknown": "{{ personas }}",
    "unknown loop": "{% for a in personas %}{% endfor %}",
    "builtins": "{{ __builtins__ }}",
    "call": "{{ about.upper() }}",
    "filter": "{{ about|upper }}",
    "our filter": "{{ two|turns }}",
    "item": "{{ two[0] }}",
    "sum": "{{ 9 ** 9 ** 9 }}",
    "include": '{% include "/etc/passwd" %}',
    "import": '{% import "x" as y %}',
    "macro": "{% macro m() %}{% endmacro %}",
    "recursive": "{% for a in items recursive %}{% endfor %}",
    "set": "{% set x = 1 %}",
    "deep if": "{% if about %}" * 150 + "{% endif %}" * 150,
    "deeper if": "{% if about %}" * 3000 + "{% endif %}" * 3000,
    "deep for": "{% for a in two %}" * 30 + END * 30,
    "deep not": "{{ " + "not " * 9000 + "about }}",
    "long and": "{{ " + "about and " * 5000 + "about }}",
    "long path": "{{ about" + ".a" * 5000 + " }}",
    "long number": "{{ 9" + "9" * 5000 + " }}",
    "unclosed": "{% for",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_template_is_refused_soon_and_in_one_line(name: str) -> None:
    with within(1.5), pytest.raises(BadPrompt) as caught:
        fill("t", {"t": REFUSED[name]}, VALUES)
    assert caught.value.message.startswith("prompts/t.j2 ")
    assert "\n" not in caught.value.message
    assert " at 0x" not in caught.value.message


@pytest.mark.parametrize("name", ["include", "deep if", "deeper if", "our filter", "unclosed"])
def test_what_cannot_be_read_is_found_before_it_is_needed(name: str) -> None:
    with pytest.raises(BadPrompt):
        check({"t": REFUSED[name]}, ["t"])


def test_what_a_template_may_do_still_works() -> None:
    text = "{% for a in two if a %}{{ loop.index }}{{ a }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}"
    assert fill("t", {"t": text}, VALUES) == fill("t", {"t": text}, VALUES) == "1b, 2c"
