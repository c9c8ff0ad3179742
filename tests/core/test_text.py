"""Templates of the record: values in words, formats, and nothing else between the braces."""

import pytest

from orchestrator.core.expr import ExprProblem, Type
from orchestrator.core.text import compile_text, render
from tests.support.worlds import law_of, scene, world

LAW = law_of(world())
SCOPE = {"self": Type("ref", kind="firm"), "seat": Type("ref", kind="seat")}


def shown(raw: str) -> str:
    made = compile_text(raw, LAW.names, SCOPE)
    return render(made, scene(LAW, self="alpha", seat="ann"), lambda entity: LAW.labels[entity])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ""),
        ("no value", "no value"),
        ("{self} and {self.owner}", "Alpha and Beta"),
        ("{beta.owner}", "nobody"),
        ("{seat}", "Ann"),
        ("{self.phase}, {self.open}", "idle, yes"),
        ("{self.cap}", "10"),
        ("{self.cap / 3}", "3.333"),
        ("{self.cap / 3:.1f}", "3.3"),
        ("{self.cap * 1000:,.0f}", "10,000"),
        ("{self.cap:+.0f}", "+10"),
        ("{self.cap / 4:d}", "2"),
        ("{self.cap / 50:.0%}", "20%"),
        ("{{braces}} {{{self}}}", "{braces} {Alpha}"),
    ],
)
def test_a_template_shows(raw: str, expected: str) -> None:
    assert shown(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "}",
        "a { b",
        "{}",
        "{self.cap:>10}",
        "{self.cap:.9f}",
        "{self.cap:99999999}",
        "{self.cap!r}",
        "{self:.1f}",
        "{self.__class__}",
        "{before(self.cap)}" + "}",
        "{before(self.cap)}",
        "{added}",
        "{self.cap:{self.cap}}",
        "{''.__class__.__mro__}",
    ],
)
def test_what_is_no_template_is_refused(raw: str) -> None:
    with pytest.raises(ExprProblem):
        compile_text(raw, LAW.names, SCOPE)


def test_before_and_added_are_there_where_a_change_is_told() -> None:
    made = compile_text("{before(self.cap)} {added:+.0f}", LAW.names, SCOPE, changing=True)
    here = scene(LAW, self="alpha", added=3)
    assert render(made, here, str) == "10 +3"


def test_a_template_of_the_template_engine_is_plain_text() -> None:
    assert shown("{{{{ 7 * 7 }}}} {{% for x in y %}}") == "{{ 7 * 7 }} {% for x in y %}"
