"""The expression language: what it yields, what it refuses, and that it can neither run code nor run long."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import BOOL, NUM, ExprProblem, Type, compile_expr
from tests.support.worlds import begun, law_of, scene, world

DATA = world(
    rules={"note": {"tells": {"to": "ann", "report": "sign", "says": "x"}}},
    processes={"case": {"roles": {"plaintiff": "seat"}, "stages": [{"id": "first"}, {"id": "second"}]}},
)
LAW = law_of(DATA)
FIRM = Type("ref", kind="firm")
SCOPE = {"self": FIRM, "seat": Type("ref", kind="seat")}
EVENT = {"who": FIRM, "size": NUM}


def compiled(text: str, **more: Any) -> Any:
    return compile_expr(text, LAW.names, SCOPE, event=EVENT, known=True, **more)


def value(text: str) -> Any:
    here = scene(LAW, self="alpha", seat="ann")
    here.event = {"who": "beta", "size": 5}
    here.known = {"": {"count": 0.0, "value": 0.0, "rounds_ago": 999.0}}
    return compiled(text).run(here)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 // 2 + 7 % 4", 6),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("4 ** 0.5", 2),
        ("self.cap / 4", 2.5),
        ("self.twice", 20),
        ("self.owner.twice", 40),
        ("self.owner == beta", True),
        ("alpha.owner != null", True),
        ("beta.owner == null", True),
        ("self.phase == 'idle'", True),
        ("'busy' > self.phase", True),
        ("self.phase >= 'busy'", False),
        ("self.phase == beta.phase", True),
        ("self.open and not beta.phase == 'over'", True),
        ("true or false", True),
        ("1 < 2 <= 2 < 3", True),
        ("1 if self.cap > 5 else 2", 1),
        ("sum(f.money for f in firm)", 150),
        ("sum(f.money for f in firm if f != self)", 50),
        ("count(f for f in firm if f.cap > 15)", 1),
        ("count(c for c in case)", 0),
        ("any(f.cap > 15 for f in firm)", True),
        ("all(f.cap > 15 for f in firm)", False),
        ("mean(f.cap for f in firm)", 15),
        ("max(f.cap for f in firm) - min(f.cap for f in firm)", 10),
        ("sum(sum(g.cap for g in firm if g != f) for f in firm)", 30),
        ("max(1, 2, 3)", 3),
        ("clamp(12, 0, 10)", 10),
        ("round(2.5) + round(-2.5)", 1),
        ("abs(-3) + sqrt(16) + exp(0) + log(1)", 8),
        ("numbers.k", 3),
        ("clock.year * 100 + clock.month", 202301),
        ("clock.quarter + clock.rounds", 4),
        ("event.size + event.who.cap", 25),
        ("known.sign.count", 0),
        ("known.sign.rounds_ago > 100", True),
        ("seat == ann", True),
        ("was(self.cap)", 10),
        ("1if self.open else 2", 1),
    ],
)
def test_an_expression_yields(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "(",
        "1 +",
        "x = 1",
        "self.cap; 1",
        "import os",
        "__import__('os')",
        "().__class__",
        "self.__class__",
        "self.cap.__class__",
        "alpha.__dict__",
        "numbers.__class__",
        "clock.__init__",
        "event.__class__",
        "known.sign.__class__",
        "known.__class__.mro",
        "e.values",
        "e",
        "lambda: 1",
        "lambda e: e",
        "[1, 2]",
        "(1, 2)",
        "{1: 2}",
        "[f for f in firm]",
        "sum([f.cap for f in firm])",
        "sum(f.cap for f in firm for g in firm)",
        "sum(f.cap for f in alpha)",
        "sum(f.cap for self in firm)",
        "sum(f.cap for ſ in firm)",
        "sum(1 for a in firm if sum(1 for b in firm if sum(1 for c in firm if sum(1 for d in firm) > 0) > 0) > 0)",
        "f'{self.cap}'",
        "'text'",
        "self.cap == 'text'",
        "self.phase == 'asleep'",
        "self.phase + 1",
        "self.open + 1",
        "self.cap and true",
        "not self.cap",
        "true < false",
        "alpha < beta",
        "alpha == ann.cap",
        "self.open == 1",
        "self.phase == self.cap",
        "1 if self.cap else 2",
        "1 if true else 'busy'",
        "1 if true else alpha",
        "self.missing",
        "self.owner.missing",
        "ann.cap",
        "nobody.cap",
        "numbers.missing",
        "clock.day",
        "event.missing",
        "known.missing.count",
        "known.sign.words",
        "self.cap.more",
        "2 ** self.cap",
        "2 ** 9",
        "2 ** 1e3",
        "9e15",
        "1e999",
        "10 ** 8 ** 8",
        "0x" + "f" * 100,
        "1j",
        "b'x'",
        "...",
        "None",
        "self.cap << 1",
        "self.cap @ 2",
        "~1",
        "+1",
        "self.cap is 1",
        "1 in firm",
        "self[0]",
        "firm",
        "eval('1')",
        "open('x')",
        "getattr(self, 'cap')",
        "max(1)",
        "abs(1, 2)",
        "clamp(1, 2)",
        "abs(x=1)",
        "max(*firm)",
        "round(1, 2)",
        "before(self.cap)",
        "added",
        "(self.cap := 1)",
        "await self.cap",
        "yield",
        "1 # comment\n2",
        "\x00",
        "1" + "+1" * 400,
        "-" * 5000 + "1",
        "(" * 300 + "1" + ")" * 300,
        "abs(" * 90 + "1" + ")" * 90 + "+abs(" * 90,
    ],
)
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(ExprProblem) as caught:
        compiled(text)
    assert str(caught.value)
    assert len(str(caught.value)) < 400


def test_event_and_known_are_only_there_where_they_are() -> None:
    for text in ("event.size", "known.sign.count"):
        with pytest.raises(ExprProblem):
            compile_expr(text, LAW.names, SCOPE)


def test_before_reads_the_values_before_the_change() -> None:
    code = compile_expr("self.cap - before(self.cap)", LAW.names, SCOPE, changing=True)
    here = scene(LAW, self="alpha")
    here.before = {**here.values, "alpha": {**here.values["alpha"], "cap": 4}}
    assert code.run(here) == 6


def test_a_wanted_type_is_checked() -> None:
    assert compiled("self.cap > 1", want="bool").type == BOOL
    with pytest.raises(ExprProblem, match="a number, where a yes or no is needed"):
        compiled("self.cap", want="bool")


def test_a_near_miss_is_named() -> None:
    with pytest.raises(ExprProblem, match="did you mean 'money'"):
        compiled("self.mony")


def test_reads_lists_what_may_be_read() -> None:
    assert compiled("self.cap + beta.secret").reads == {("firm", "cap"), ("firm", "secret")}


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "1 // 0",
        "1 % 0",
        "log(0)",
        "log(-1)",
        "sqrt(-1)",
        "(-8) ** 0.5",
        "0 ** -1",
        "exp(1000)",
        "max(f.cap for f in firm if false)",
        "mean(f.cap for f in firm if false)",
        "beta.owner.cap",
        "round(1e15 ** 8 * 1e15 ** 8 * 1e15 ** 8)",
    ],
)
def test_arithmetic_without_a_result_raises_what_is_listed(text: str) -> None:
    with pytest.raises(ARITHMETIC):
        value(text)


def test_a_deep_expression_is_refused_and_not_a_crash() -> None:
    deep = "True"
    for _ in range(105):
        deep = f"({deep} == True)"
    with pytest.raises(ExprProblem, match=r"deep|long"):
        compiled(deep)


def test_the_largest_expressions_are_quick() -> None:
    text = "+".join(["sum(sum(sum(f.cap * g.cap * h.cap for f in firm) for g in firm) for h in firm)"] * 5)
    began = time.perf_counter()
    code = compiled(text)
    assert code.run(scene(LAW, self="alpha")) > 0
    assert time.perf_counter() - began < 1


ATOMS = st.sampled_from(
    [
        *("1", "0", "2.5", "1e15", "self", "self.cap", "self.open", "self.phase", "self.owner", "'busy'", "beta"),
        *("null", "true", "numbers.band", "clock.year", "event.size", "known.sign.value", "ann", "seat"),
        *("self.twice", "f", "f.cap"),
    ]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(
        inner,
        st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "and", "or", "if", "@", "is", "in"]),
        inner,
    )
    return st.one_of(
        two.map(" ".join),
        inner.map("({})".format),
        inner.map("not {}".format),
        inner.map("-{}".format),
        st.tuples(inner, inner, inner).map("{0[0]} if {0[1]} else {0[2]}".format),
        st.tuples(
            st.sampled_from(["abs", "log", "sqrt", "exp", "round", "was", "before", "min", "max", "eval"]), inner
        ).map("{0[0]}({0[1]})".format),
        st.tuples(inner, inner).map("max({0[0]}, {0[1]})".format),
        st.tuples(st.sampled_from(["sum", "count", "any", "all", "mean", "max", "min"]), inner, inner).map(
            "{0[0]}({0[1]} for f in firm if {0[2]})".format
        ),
        st.tuples(inner, st.sampled_from(["cap", "owner", "twice", "phase", "__class__", "missing"])).map(
            "{0[0]}.{0[1]}".format
        ),
    )


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.recursive(ATOMS, _grown, max_leaves=12), st.text(max_size=40)))
def test_any_text_is_a_problem_or_a_value(text: str) -> None:
    try:
        code = compiled(text)
    except ExprProblem:
        return
    here = scene(LAW, begun(LAW), self="alpha", seat="ann")
    here.event = {"who": "beta", "size": 5}
    here.known = {"": {"count": 0.0, "value": 0.0, "rounds_ago": 999.0}}
    try:
        found = code.run(here)
    except ARITHMETIC:
        return
    match code.type.name:
        case "num":
            assert isinstance(found, (int, float))
            assert not isinstance(found, bool)
        case "bool":
            assert isinstance(found, bool)
        case "enum":
            assert found in code.type.names
        case _:
            assert found is None or found in LAW.names.entities or found in LAW.names.seats
