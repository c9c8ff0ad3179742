"""Writes an expression anew from its syntax tree, token by token, and finds its type on the way.

Only nodes of the whitelist below get through, and only names that were declared: what comes out reaches
nothing but its scene. `expr` parses before and compiles after.
"""

import ast
import math
from collections.abc import Mapping
from typing import Any

from orchestrator.core.exprtypes import BOOL, NULL, NUM, PAIR, ExprProblem, Names, Type, an, near, said

MAX_LOOPS = 3
MAX_WRITTEN = 2000
"""Most parts written: the middle of `a < b < c` stands twice, and twice again in the next."""
FUNCTIONS = {
    "min": (2, 8),
    "max": (2, 8),
    "abs": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "sqrt": (1, 1),
    "round": (1, 1),
    "clamp": (3, 3),
}
LOOPS = ("sum", "count", "any", "all", "mean", "max", "min")
CLOCK = ("round", "rounds", "year", "month", "quarter")
KNOWN = ("count", "value", "rounds_ago")
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


class Looked(dict[str, Type]):
    """The names in scope, and what was found under those that were looked for: all that a result depends on."""

    def __init__(self, scope: Mapping[str, Type]) -> None:
        super().__init__(scope)
        self.found: dict[str, Type | None] = {}

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None

    def __getitem__(self, name: str) -> Type:
        self.get(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        held = super().get(name)
        if name not in self.found:
            self.found[name] = held
        return default if held is None else held


class Writer:
    """Writes one expression anew from its syntax tree, with its type."""

    def __init__(
        self,
        names: Names,
        scope: Mapping[str, Type],
        event: Mapping[str, Type] | None,
        *,
        known: bool,
        changing: bool,
    ) -> None:
        self.names, self.scope, self._event = names, Looked(scope), event
        self.followed = False
        """The parameters of the happening were looked at."""
        self.known, self.changing = known, changing
        self.orders: dict[str, dict[str, int]] = {}
        self.reads: set[tuple[str, str]] = set()
        self.locals: set[str] = set()
        self.depth = 0
        self.own = "e.bound['self']"
        self.written = 0
        self.times = 1
        """How often the part being written is run through in one evaluation."""
        self.passes = 1
        self.derived: dict[str, int] = {}

    @property
    def event(self) -> Mapping[str, Type] | None:
        """The parameters of the happening that is followed."""
        self.followed = True
        return self._event

    def write(self, node: ast.expr, values: str) -> tuple[str, Type]:
        self.count()
        match node:
            case ast.Constant(value=bool() as truth):
                return str(truth), BOOL
            case ast.Constant(value=(int() | float()) as number):
                if not abs(number) <= 1e15:
                    raise ExprProblem("a number may be at most 1e15")
                return repr(number), NUM
            case ast.Constant(value=str() as word):
                raise ExprProblem(f"the text '{word[:30]}' may only be compared with a variable that has an enum")
            case ast.Name(id=name):
                return self.name(name)
            case ast.Attribute():
                return self.attribute(node, values)
            case ast.Subscript():
                return self.pair(node, values)
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(left, op, right, values)
            case ast.UnaryOp(op=ast.Not() | ast.USub() as op, operand=operand):
                want, word = (BOOL, "not ") if isinstance(op, ast.Not) else (NUM, "-")
                return f"({word}{self.need(operand, want.name, values)})", want
            case ast.BoolOp(op=op, values=parts):
                word = " and " if isinstance(op, ast.And) else " or "
                return "(" + word.join(self.need(part, "bool", values) for part in parts) + ")", BOOL
            case ast.Compare(left=left, ops=ops, comparators=rest):
                return self.comparison(left, ops, rest, values)
            case ast.IfExp(test=test, body=body, orelse=other):
                first, kind = self.write(body, values)
                second, also = self.write(other, values)
                if kind.name != also.name:
                    raise ExprProblem("both sides of `if ... else` must be of one type")
                return f"({first} if {self.need(test, 'bool', values)} else {second})", kind
            case ast.Call(func=ast.Name(id=function), args=args, keywords=[]):
                return self.call(function, args, values)
            case _:
                raise ExprProblem(f"'{ast.unparse(node)[:40]}' is not part of the language")

    def count(self) -> None:
        """One part more is written."""
        self.written += 1
        if self.written > MAX_WRITTEN:
            raise ExprProblem("its comparisons are nested too deeply")

    def need(self, node: ast.expr, want: str, values: str) -> str:
        code, type_ = self.write(node, values)
        if type_.name != want:
            raise ExprProblem(f"'{ast.unparse(node)[:60]}' is {said(type_)}, where {said(Type(want))} is needed")
        return code

    def name(self, name: str) -> tuple[str, Type]:
        if name in self.scope:
            if name in self.locals:
                return f"{name}_", self.scope[name]
            if name == "added":
                return "e.bound['added']", NUM
            return (self.own if name == "self" else f"e.bound['{name}']"), self.scope[name]
        if name in self.names.entities:
            return repr(name), Type("ref", kind=self.names.entities[name])
        if name in self.names.seats:
            return repr(name), Type("ref", kind="seat")
        if name == "null":
            return "None", NULL
        if name in ("true", "false"):
            return name.capitalize(), BOOL
        raise ExprProblem(
            f"nothing is called '{name}' here{near(name, [*self.scope, *self.names.entities, 'numbers', 'clock'])}"
        )

    def attribute(self, node: ast.Attribute, values: str) -> tuple[str, Type]:
        name = node.attr
        match node.value:
            case ast.Name(id="numbers") if "numbers" not in self.scope:
                if name not in self.names.numbers:
                    raise ExprProblem(f"no number is called '{name}'{near(name, self.names.numbers)}")
                return f"e.numbers['{name}']", NUM
            case ast.Name(id="clock") if "clock" not in self.scope:
                if name not in CLOCK:
                    raise ExprProblem(f"the clock has {', '.join(CLOCK)}, not '{name}'")
                return f"e.clock['{name}']", NUM
            case ast.Name(id="event") if "event" not in self.scope:
                if self.event is None:
                    raise ExprProblem("`event` is only known to a rule with `upon`")
                if name not in self.event:
                    raise ExprProblem(f"this event carries {', '.join(self.event) or 'nothing'}, not '{name}'")
                return f"e.event['{name}']", self.event[name]
            case ast.Attribute(value=ast.Name(id="known"), attr=report) if "known" not in self.scope:
                return self.report(report, name), NUM
            case ast.Name(id="my"):
                return self.drawn(name), NUM
            case _:
                pass
        owner, type_ = self.write(node.value, values)
        if type_.name != "ref":
            raise ExprProblem(f"'{ast.unparse(node.value)[:40]}' is {said(type_)} and has no '{name}'")
        slots = self.names.kinds.get(type_.kind)
        if slots is None:
            raise ExprProblem(f"{an(type_.kind)} has no variables; use the entity it plays")
        if name not in slots:
            raise ExprProblem(f"{an(type_.kind)} has no '{name}'{near(name, slots)}")
        self.reads.add((type_.kind, name))
        if slots[name].derived:
            key = f"{type_.kind}.{name}"
            self.derived[key] = self.derived.get(key, 0) + self.times
            return f"e.derived['{key}'](e, {values}, {owner})", slots[name].type
        return f"{values}[{owner}]['{name}']", slots[name].type

    def pair(self, node: ast.Subscript, values: str) -> tuple[str, Type]:
        """`evidence[self, target]`: the value of a pair."""
        match node:
            case ast.Subscript(value=ast.Name(id=relation), slice=ast.Tuple(elts=[one, two])):
                pass
            case _:
                raise ExprProblem(f"'{ast.unparse(node)[:40]}' is no pair: write RELATION[FIRST, SECOND]")
        held = self.names.relations.get(relation)
        if held is None or relation in self.scope:
            raise ExprProblem(f"no relation is called '{relation}'{near(relation, self.names.relations)}")
        key = self.key_of(held.of, one, two, values)
        self.reads.add((relation, PAIR))
        return f"{values}['{relation}'][{key}]", held.type

    def key_of(self, of: tuple[str, str], one: ast.expr, two: ast.expr, values: str) -> str:
        """What yields the name of a pair, `first.second`; a reference to nothing raises TypeError."""
        return " + '.' + ".join(self.end_of(kind, node, values) for kind, node in zip(of, (one, two), strict=True))

    def end_of(self, kind: str, node: ast.expr, values: str) -> str:
        if kind == "seat" and isinstance(node, ast.Name):
            if node.id == "self" and "seat" in self.scope:
                node = ast.Name("seat")  # one who acts is both: the entity it plays, and the seat
            elif node.id in self.names.seats and node.id not in self.scope:
                return repr(node.id)  # also where an entity has the seat's name
        code, type_ = self.write(node, values)
        if (type_.name, type_.kind) != ("ref", kind):
            raise ExprProblem(f"'{ast.unparse(node)[:40]}' is no {kind}, which stands here in a pair")
        return code

    def drawn(self, name: str) -> str:
        """A number that the member drew for itself."""
        held = self.scope.get("my")
        if held is None:
            raise ExprProblem("`my` is what a member drew: only its persona's policy may read it")
        if name not in held.names:
            raise ExprProblem(f"this persona draws no '{name}'{near(name, held.names)}")
        return f"e.bound['my']['{name}']"

    def report(self, report: str, name: str) -> str:
        if not self.known:
            raise ExprProblem("`known` is what a seat was told: only a persona's policy may read it")
        if report not in self.names.reports:
            raise ExprProblem(f"no report is called '{report}'{near(report, self.names.reports)}")
        if name not in KNOWN:
            raise ExprProblem(f"a report has {', '.join(KNOWN)}, not '{name}'")
        return f"e.known.get('{report}', e.known[''])['{name}']"

    def arithmetic(self, left: ast.expr, op: ast.operator, right: ast.expr, values: str) -> tuple[str, Type]:
        one = self.need(left, "num", values)
        if isinstance(op, ast.Pow):
            match right:
                case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as power)):
                    power = -power
                case ast.Constant(value=(int() | float()) as power):
                    pass
                case _:
                    power = math.inf
            if abs(power) > 8:
                raise ExprProblem("an exponent must be a number from -8 to 8")
            return f"_pow({one}, {power!r})", NUM
        if type(op) not in _ARITHMETIC:
            raise ExprProblem("only + - * / // % ** may join numbers")
        return f"({one} {_ARITHMETIC[type(op)]} {self.need(right, 'num', values)})", NUM

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], values: str) -> tuple[str, Type]:
        parts: list[str] = []
        for op, right in zip(ops, rest, strict=True):
            if type(op) not in _COMPARE:
                raise ExprProblem("only == != < <= > >= may compare")
            parts.append(self.compare(left, _COMPARE[type(op)], right, values))
            left = right
        return "(" + " and ".join(parts) + ")", BOOL

    def compare(self, left: ast.expr, op: str, right: ast.expr, values: str) -> str:
        match left, right:
            case ast.Constant(value=str() as word), _:
                flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
                return self.member(right, flipped, word, values)
            case _, ast.Constant(value=str() as word):
                return self.member(left, op, word, values)
            case _:
                pass
        one, type_ = self.write(left, values)
        two, other = self.write(right, values)
        if {type_.name, other.name} == {"ref", "null"} or type_.name == other.name in ("ref", "bool"):
            if op not in ("==", "!="):
                raise ExprProblem("entities and truth values can only be equal or not")
            if (
                type_.name == "ref" == other.name
                and type_.kind != other.kind
                and "seat" not in (type_.kind, other.kind)
            ):
                raise ExprProblem(f"a {type_.kind} is never a {other.kind}")
            return f"({one} {op} {two})"
        if type_.name == other.name == "enum" and type_.names == other.names:
            order = self.order(type_.names)
            return f"({order}[{one}] {op} {order}[{two}])"
        if type_.name == other.name == "num":
            return f"({one} {op} {two})"
        raise ExprProblem(f"{said(type_)} cannot be compared with {said(other)}")

    def member(self, side: ast.expr, op: str, word: str, values: str) -> str:
        code, type_ = self.write(side, values)
        if type_.name != "enum":
            raise ExprProblem(
                f"'{ast.unparse(side)[:40]}' has no list of names, so it cannot be compared with '{word[:30]}'"
            )
        if word not in type_.names:
            raise ExprProblem(f"'{word[:30]}' is none of {', '.join(type_.names)}{near(word, type_.names)}")
        if op in ("==", "!="):
            return f"({code} {op} {word!r})"
        order = self.order(type_.names)
        return f"({order}[{code}] {op} {type_.names.index(word)})"

    def order(self, names: tuple[str, ...]) -> str:
        for key, held in self.orders.items():
            if tuple(held) == names:
                return key
        key = f"_order{len(self.orders)}"
        self.orders[key] = {name: index for index, name in enumerate(names)}
        return key

    def call(self, function: str, args: list[ast.expr], values: str) -> tuple[str, Type]:
        match function, args:
            case (("was" | "before"), [inner]):
                if function == "before" and not self.changing:
                    raise ExprProblem("`before(x)` is only known where a change is told (`says`)")
                return self.write(inner, f"e.{function}")
            case name, [ast.GeneratorExp(elt=element, generators=[loop])] if name in LOOPS:
                return self.loop(name, element, loop, values)
            case name, _ if name in FUNCTIONS:
                low, high = FUNCTIONS[name]
                if not low <= len(args) <= high:
                    raise ExprProblem(
                        f"{name} takes {low} arguments, not {len(args)}"
                        if low == high
                        else f"{name} takes {low} to {high} arguments, or a loop"
                    )
                return f"_{name}({', '.join(self.need(arg, 'num', values) for arg in args)})", NUM
            case _:
                raise ExprProblem(
                    f"there is no function '{function}'{near(function, [*FUNCTIONS, *LOOPS, 'was', 'before'])}"
                )

    def loop(self, name: str, element: ast.expr, loop: ast.comprehension, values: str) -> tuple[str, Type]:
        match loop:
            case ast.comprehension(target=ast.Name(id=bound), iter=ast.Name(id=kind), ifs=tests, is_async=0):
                pass
            case _:
                raise ExprProblem("a loop reads `x.v for x in KIND if ...`")
        if kind not in self.names.kinds:
            raise ExprProblem(f"no kind or process is called '{kind}'{near(kind, self.names.kinds)}")
        if bound in self.scope or not bound.isidentifier() or not bound.isascii() or self.depth >= MAX_LOOPS:
            raise ExprProblem(
                f"a loop needs a name of its own (not '{bound}'), and at most {MAX_LOOPS} stand inside each other"
            )
        self.scope[bound] = Type("ref", kind=kind)
        self.locals.add(bound)
        self.depth += 1
        outside, self.times = self.times, self.times * max(1, self.names.sizes.get(kind, 1))
        self.passes += self.times
        # An instance that began since then has no earlier values.
        there = f" if {bound}_ in {values}" if values != "e.values" and kind not in self.names.entities.values() else ""
        condition = there + "".join(f" if {self.need(test, 'bool', values)}" for test in tests)
        type_ = BOOL if name in ("any", "all") else NUM
        inner = "1" if name == "count" else self.need(element, type_.name, values)
        self.depth -= 1
        self.times = outside
        self.locals.discard(bound)
        del self.scope[bound]
        code = f"_{name}([{inner} for {bound}_ in e.members['{kind}']{condition}])"
        return code, type_
