"""Whether a condition can ever hold, from what is declared alone: ranges, lists of names, numbers, the calendar.

Nothing is played. Each number is taken for a span in which it must lie; a comparison whose two spans do not
meet can never hold, nor can two that leave nothing of one variable's span. What cannot be told counts as
possible, so an author is never warned of something that may well happen.
"""

import ast
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from orchestrator.core.expr import parse
from orchestrator.core.exprtypes import BOOL, NUM, PAIR, ExprProblem, Type
from orchestrator.core.law import Law
from orchestrator.core.parts import Number

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WORDS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _said(node: ast.expr) -> str:
    """A part of an expression as text; trees are shared, so each is written once."""
    return ast.unparse(node)


class Span(NamedTuple):
    """The closed interval in which a number lies; `open_` where an end itself is left out."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    @property
    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))

    def cut(self, op: str, bound: float) -> "Span":
        """What is left of it by `op bound`."""
        low = self
        if op in (">", ">=", "==") and (bound > self.low or (bound == self.low and op == ">")):
            low = Span(bound, self.high, op == ">", self.open_high)
        if op in ("<", "<=", "==") and (bound < low.high or (bound == low.high and op == "<")):
            return Span(low.low, bound, low.open_low, op == "<")
        return low

    def __str__(self) -> str:
        if self.low == self.high:
            return f"is {self.low:g}"
        if self.low == -math.inf:
            return f"is at most {self.high:g}"
        return f"is at least {self.low:g}" if self.high == math.inf else f"lies from {self.low:g} to {self.high:g}"


ANY = Span()


def never(law: Law, texts: Iterable[str], scope: Mapping[str, Type]) -> str | None:
    """Why these conditions can never all hold, in one clause; None where they may.

    `scope`: the names beside the scenario's own (`self`, `target`, roles, parameters).
    """
    facts = _Facts(law, scope)
    for text in texts:
        try:
            why = facts.deny(parse(text))
        except ExprProblem:
            return None
        if why is not None:
            return why
    return None


def span_of_text(law: Law, text: str, scope: Mapping[str, Type]) -> Span:
    """The span in which a number must lie."""
    try:
        return _Facts(law, scope).span(parse(text))
    except ExprProblem:
        return ANY


class _Facts:
    """What is known of each variable after the conditions so far."""

    def __init__(self, law: Law, scope: Mapping[str, Type]) -> None:
        self.law, self.scope = law, dict(scope)
        self.spans: dict[str, tuple[Span, str]] = {}
        """Variable as written -> (what is left of its span, the condition that cut it last)."""
        self.words: dict[str, tuple[frozenset[str], str]] = {}

    def deny(self, node: ast.expr) -> str | None:
        """Why this cannot hold beside what held before; what it says of a variable is kept."""
        match node:
            case ast.Constant(value=False) | ast.Name(id="false"):
                return "it is never true"
            case ast.BoolOp(op=ast.And(), values=parts):
                return next((why for part in parts if (why := self.deny(part)) is not None), None)
            case ast.BoolOp(op=ast.Or(), values=parts):
                whys = [self._copy().deny(part) for part in parts]
                return whys[0] if all(why is not None for why in whys) else None
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._truth(operand, "false", _said(node))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                for op, right in zip(ops, rest, strict=True):
                    if (why := self._compare(left, _WORDS.get(type(op), "!="), right)) is not None:
                        return why
                    left = right
                return None
            case _:
                return self._truth(node, "true", _said(node))

    def _copy(self) -> "_Facts":
        other = _Facts(self.law, self.scope)
        other.spans, other.words = dict(self.spans), dict(self.words)
        return other

    def _truth(self, node: ast.expr, word: str, said: str) -> str | None:
        type_, _ = self.slot(node)
        return self._member(node, {word}, said, ("true", "false")) if type_ == BOOL else None

    def _compare(self, left: ast.expr, op: str, right: ast.expr) -> str | None:
        said = f"{_said(left)} {op} {_said(right)}"
        for one, two, sign in ((left, right, op), (right, left, _FLIPPED[op])):
            if isinstance(two, ast.Constant) and isinstance(two.value, str):
                type_, _ = self.slot(one)
                if two.value not in type_.names:
                    return None
                at = type_.names.index(two.value)
                return self._member(
                    one, {name for index, name in enumerate(type_.names) if _holds(index, sign, at)}, said, type_.names
                )
        one, two = self.span(left), self.span(right)
        if _apart(one, op, two):
            shown, span = (left, one) if not isinstance(left, ast.Constant) else (right, two)
            return f"`{said}` never holds: {_said(shown)} {span}"
        for node, other, sign in ((left, two, op), (right, one, _FLIPPED[op])):
            named = isinstance(node, (ast.Attribute, ast.Subscript, ast.Name))
            why = self._cut(node, sign, other.low, said) if named and other.low == other.high else None
            if why is not None:
                return why
        return None

    def _cut(self, node: ast.expr, op: str, bound: float, said: str) -> str | None:
        name, start = _said(node), self.span(node)
        span, before = self.spans.get(name, (start, ""))
        left = span.cut(op, bound)
        if left.empty:
            return f"`{said}` contradicts `{before}`" if before else f"`{said}` never holds: {name} {start}"
        self.spans[name] = (left, said)
        return None

    def _member(self, node: ast.expr, allowed: set[str], said: str, every: tuple[str, ...]) -> str | None:
        name = _said(node)
        held, before = self.words.get(name, (frozenset(every), ""))
        left = held & allowed
        if not left:
            return f"`{said}` contradicts `{before}`" if before else f"`{said}` never holds"
        self.words[name] = (left, said)
        return None

    def slot(self, node: ast.expr) -> tuple[Type, Span]:
        """(type, span) of a name, a variable or a pair; `NUM` and any span for what is none of them."""
        match node:
            case ast.Name(id=name):
                kind = self.law.names.entities.get(name)
                return self.scope.get(name, Type("ref", kind=kind) if kind else NUM), ANY
            case ast.Subscript(value=ast.Name(id=relation)) if relation in self.law.names.relations:
                return self._declared(relation, PAIR)
            case ast.Attribute(value=ast.Name(id="numbers"), attr=name) if name in self.law.scenario.numbers:
                return NUM, self._number(name, self.law.scenario.numbers[name])
            case ast.Attribute(value=ast.Name(id="clock"), attr=name):
                return NUM, self._clock(name)
            case ast.Attribute(value=owner, attr=name):
                return self._declared(self.slot(owner)[0].kind, name)
            case ast.Call(func=ast.Name(id="was" | "before"), args=[inner]):
                return self.slot(inner)
            case _:
                return NUM, ANY

    def _declared(self, kind: str, name: str) -> tuple[Type, Span]:
        info = self.law.variables.get((kind, name))
        if info is None:
            return NUM, ANY
        bounded = info.range is not None and not info.derived
        return info.type, Span(*info.range) if bounded and info.range else ANY

    def _number(self, name: str, number: Number) -> Span:
        """What it may be drawn or set to."""
        ends = [x for x in (number.value, number.low, number.high, *(number.band or ())) if x is not None]
        for item in self.law.scenario.interventions.values():
            if item.sets == f"numbers.{name}":
                ends += item.range or (-math.inf, math.inf)
        # `--set` takes any value where there is no band.
        return Span(min(ends), max(ends)) if number.low is not None or number.band or len(ends) > 1 else ANY

    def _clock(self, name: str) -> Span:
        rounds = self.law.scenario.clock.rounds
        ends = {"month": (1, 12), "quarter": (1, 4), "round": (0, rounds), "rounds": (rounds, rounds)}
        return Span(*ends[name]) if name in ends else ANY

    def span(self, node: ast.expr) -> Span:
        """The span of a number."""
        match node:
            case ast.Constant(value=(int() | float()) as number) if not isinstance(node.value, bool):
                return Span(number, number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                held = self.span(operand)
                return Span(0 - held.high, 0 - held.low)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                return _joined(self.span(left), op, self.span(right))
            case ast.IfExp(body=body, orelse=other):
                one, two = self.span(body), self.span(other)
                return Span(min(one.low, two.low), max(one.high, two.high))
            case ast.Call(func=ast.Name(id="count"), args=[ast.GeneratorExp()]):
                return Span(0)
            case ast.Call(func=ast.Name(id="abs" | "exp" | "sqrt"), args=[_]):
                return Span(0)
            case ast.Call(func=ast.Name(id="clamp"), args=[_, low, high]):
                return Span(self.span(low).low, self.span(high).high)
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=args) if len(args) > 1:
                spans = [self.span(arg) for arg in args]
                pick = min if name == "min" else max
                return Span(pick(span.low for span in spans), pick(span.high for span in spans))
            case _:
                return self.slot(node)[1]


def _joined(one: Span, op: ast.operator, two: Span) -> Span:
    if isinstance(op, ast.Sub):
        two, op = Span(-two.high, -two.low), ast.Add()
    if isinstance(op, ast.Add):
        return Span(one.low + two.low, one.high + two.high)
    ends = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
    return ANY if any(math.isnan(end) for end in ends) else Span(min(ends), max(ends))


def _holds(one: float, op: str, two: float) -> bool:
    return {
        "<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two, "==": one == two, "!=": one != two,
    }[op]  # fmt: skip


def _apart(one: Span, op: str, two: Span) -> bool:
    """Whether no two numbers of these spans compare so."""
    match op:
        case "<":
            return one.low >= two.high
        case "<=":
            return one.low > two.high
        case ">":
            return one.high <= two.low
        case ">=":
            return one.high < two.low
        case "==":
            return one.low > two.high or two.low > one.high
        case _:
            return False
