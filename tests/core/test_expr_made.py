"""An expression is compiled once for all places where it comes out the same, and read by hand where that is sure."""

import ast
from keyword import kwlist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.expr import Compiled, ExprProblem, Type, compile_expr, parse
from tests.support.worlds import law_of, world

NAMES = law_of(
    world(
        kinds={
            "firm": {"cap": {"start": 1}, "phase": {"enum": ["idle", "busy"], "start": "idle"}},
            "state": {"cap": {"start": 2, "visible_to": "hidden"}, "size": {"start": 3}},
        },
        entities={
            "alpha": {"kind": "firm"},
            "beta": {"kind": "firm"},
            "nation": {"kind": "state"},
        },
        rules={}, indicators={}, interventions={},
        actions={"act": {"label": "Act", "purpose": "to act", "by": ["ann", "bob"]}},
    )
).names._replace(made={})  # fmt: skip
FIRM, STATE, SEAT = Type("ref", kind="firm"), Type("ref", kind="state"), Type("ref", kind="seat")


def made(text: str, scope: dict[str, Type] | None = None, **more: Any) -> Compiled:
    return compile_expr(text, NAMES, scope or {}, **more)


def test_what_it_finds_in_scope_decides_and_nothing_else() -> None:
    firm = made("self.cap + 1", {"self": FIRM})
    assert made("self.cap + 1", {"self": FIRM, "seat": SEAT, "target": STATE}) is firm
    state = made("self.cap + 1", {"self": STATE})
    assert state is not firm
    assert (firm.reads, state.reads) == ({("firm", "cap")}, {("state", "cap")})
    assert made("self.cap + 1", {"self": FIRM}) is firm
    with pytest.raises(ExprProblem, match="nothing is called 'self'"):
        made("self.cap + 1")


def test_a_name_that_was_not_there_may_come_into_scope() -> None:
    outside = made("alpha.cap")
    assert made("alpha.cap", {"self": STATE}) is outside
    assert made("alpha.cap", {"alpha": STATE}).reads == {("state", "cap")}
    loop = made("sum(f.cap for f in firm)")
    assert made("sum(f.cap for f in firm)", {"g": FIRM}) is loop
    with pytest.raises(ExprProblem):
        made("sum(f.cap for f in firm)", {"f": FIRM})


def test_the_happening_decides_only_where_it_is_read() -> None:
    assert made("alpha.cap", event={"who": FIRM}) is made("alpha.cap", event=None)
    by_firm = made("event.who.cap", event={"who": FIRM})
    assert made("event.who.cap", event={"who": FIRM}) is by_firm
    assert made("event.who.cap", event={"who": STATE}).reads == {("state", "cap")}
    with pytest.raises(ExprProblem, match="only known to a rule"):
        made("event.who.cap")


def test_what_else_may_be_read_decides() -> None:
    assert made("before(alpha.cap)", changing=True)
    with pytest.raises(ExprProblem, match="before"):
        made("before(alpha.cap)")
    with pytest.raises(ExprProblem, match="is a number, where"):
        made("alpha.cap", want="bool")


def test_it_becomes_code_when_it_is_first_run() -> None:
    code = made("1 + 2")
    with pytest.raises(AttributeError):
        object.__getattribute__(code, "run")
    assert code.run(None) == 3
    assert object.__getattribute__(code, "run") is code.run
    with pytest.raises(AttributeError, match="nothing"):
        code.nothing  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def test_what_python_could_not_read_is_told_at_once() -> None:
    deep = "-" * 90 + "1"
    assert made(deep).run(None) == 1
    assert made("abs(" * 70 + "1" + ")" * 70).run(None) == 1


_name = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)


@given(st.lists(_name | st.sampled_from(kwlist), min_size=1, max_size=4).map(".".join))
def test_a_dotted_name_is_read_as_python_reads_it(text: str) -> None:
    _same(text)


@given(st.from_regex(r"[0-9]{1,17}(\.[0-9]{0,17})?(e[0-9]{1,2})?", fullmatch=True))
def test_a_number_is_read_as_python_reads_it(text: str) -> None:
    _same(text)


def _same(text: str) -> None:
    try:
        wanted = ast.dump(ast.parse(text, mode="eval").body).replace(", ctx=Load()", "")
    except SyntaxError:
        with pytest.raises(ExprProblem):
            parse(text)
        return
    assert ast.dump(parse(text)).replace(", ctx=Load()", "") == wanted
