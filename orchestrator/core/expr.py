"""The expression language behind rules: parsed from a whitelist, checked against declared names, compiled once.

An expression is read with Python's own parser and then written anew, token by token, from the nodes on
the list below; nothing of the author's text reaches the compiler but numbers and the names of things that
were declared. Every name is resolved while loading (never by attribute access), every loop runs over a
declared kind, so an expression can neither run code nor run long. Types: `num`, `bool`, `enum`, `ref`.
"""

import ast
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

MAX_NODES = 160
MAX_LOOPS = 3
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


class ExprProblem(ValueError):
    """An expression that cannot stand; the message is one clause without the place."""


class Type(NamedTuple):
    """What an expression yields. `names` holds an enum's members, `kind` what a reference points to."""

    name: str
    names: tuple[str, ...] = ()
    kind: str = ""


NUM, BOOL, NULL = Type("num"), Type("bool"), Type("null")


class Slot(NamedTuple):
    """A declared variable as expressions see it."""

    type: Type
    derived: bool = False


class Names(NamedTuple):
    """Everything that a scenario declares and an expression may name."""

    kinds: Mapping[str, Mapping[str, Slot]]
    """Kind or process -> variables."""
    entities: Mapping[str, str]
    """Entity -> kind."""
    seats: frozenset[str]
    numbers: frozenset[str]
    reports: frozenset[str]


class Scene:
    """What an expression reads when it is evaluated: the world on a date and the names in scope."""

    __slots__ = (
        "before",
        "bound",
        "clock",
        "derived",
        "event",
        "known",
        "members",
        "numbers",
        "values",
        "was",
    )

    def __init__(self, values: Mapping[str, Mapping[str, Any]], was: Mapping[str, Mapping[str, Any]], numbers: Mapping[str, float],
                 clock: Mapping[str, int], members: Mapping[str, list[str]], derived: Mapping[str, Callable[..., Any]],
                 bound: Mapping[str, Any], known: Mapping[str, Mapping[str, float]] | None = None, event: Mapping[str, Any] | None = None,
                 before: Mapping[str, Mapping[str, Any]] | None = None) -> None:  # fmt: skip
        self.values, self.was, self.numbers, self.clock = values, was, numbers, clock
        self.members, self.derived, self.bound = members, derived, bound
        self.known, self.event = known or {}, event or {}
        self.before = values if before is None else before

    def with_bound(self, **more: Any) -> "Scene":
        return Scene(self.values, self.was, self.numbers, self.clock, self.members, self.derived,
                     {**self.bound, **more}, self.known, self.event, self.before)  # fmt: skip


class Compiled(NamedTuple):
    """A checked expression."""

    text: str
    type: Type
    run: Callable[[Scene], Any]
    reads: frozenset[tuple[str, str]]
    """(kind, variable) pairs it may read."""


def near(name: str, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?` or nothing."""
    close = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def compile_expr(text: str, names: Names, scope: Mapping[str, Type], want: str = "", event: Mapping[str, Type] | None = None,
                 known: bool = False, changing: bool = False) -> Compiled:  # fmt: skip
    """Parses, checks and compiles. `want`: the type's name that is needed. Raises ExprProblem."""
    body = parse(text)
    writer = _Writer(names, scope, event, known, changing)
    code, type_ = writer.write(body, "e.values")
    if want and type_.name != want:
        raise ExprProblem(f"'{text}' is {_said(type_)}, where {_said(Type(want))} is needed")
    return Compiled(text, type_, evaluate(f"lambda e: {code}", writer.orders), frozenset(writer.reads))


def compile_derived(text: str, names: Names, kind: str) -> Compiled:
    """A derived variable of a kind: `run(scene, values, self)`, so that it can be read at any time."""
    writer = _Writer(names, {"self": Type("ref", kind=kind)}, None, known=False, changing=False)
    writer.own = "self_"
    code, type_ = writer.write(parse(text), "v")
    return Compiled(text, type_, evaluate(f"lambda e, v, self_: {code}", writer.orders), frozenset(writer.reads))


def parse(text: str) -> ast.expr:
    """The syntax tree of one expression, bounded in size. Raises ExprProblem."""
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExprProblem(f"'{text[:60]}' is no expression ({str(error)[:60]})") from None
    count = 0
    for _ in ast.walk(body):
        count += 1
        if count > MAX_NODES * 2:
            raise ExprProblem(f"'{text[:60]}...' is too long: at most {MAX_NODES} parts")
    return body


def evaluate(code: str, orders: Mapping[str, Mapping[str, int]]) -> Callable[..., Any]:
    """Turns code that this module wrote into a function that can reach nothing but its arguments."""
    space = {"__builtins__": {}, **_HELPERS, **orders}
    return eval(compile(code, "<expression>", "eval"), space)  # noqa: S307 - written by _Writer, token by token


def _pow(base: float, exponent: float) -> float:
    result = float(base) ** exponent
    if isinstance(result, complex):
        raise ValueError("a root of a negative number")
    return result


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return math.fsum(held) / len(held)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _round(value: float) -> int:
    return math.floor(value + 0.5)


_HELPERS: dict[str, Any] = {
    "_pow": _pow, "_mean": _mean, "_clamp": _clamp, "_round": _round, "_sum": math.fsum, "_count": lambda items: sum(1 for _ in items),
    "_min": min, "_max": max, "_any": any, "_all": all, "_abs": abs, "_exp": math.exp, "_log": math.log, "_sqrt": math.sqrt,
}  # fmt: skip
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def _said(type_: Type) -> str:
    return {
        "num": "a number",
        "bool": "a yes or no",
        "enum": "a name of a list",
        "ref": "an entity",
        "null": "null",
    }[type_.name]


class _Writer:
    """Writes one expression anew from its syntax tree, with its type."""

    def __init__(
        self,
        names: Names,
        scope: Mapping[str, Type],
        event: Mapping[str, Type] | None,
        known: bool,
        changing: bool,
    ) -> None:
        self.names, self.scope, self.event, self.known, self.changing = (
            names,
            dict(scope),
            event,
            known,
            changing,
        )
        self.orders: dict[str, dict[str, int]] = {}
        self.reads: set[tuple[str, str]] = set()
        self.locals: set[str] = set()
        self.depth = 0
        self.own = "e.bound['self']"

    def write(self, node: ast.expr, values: str) -> tuple[str, Type]:
        match node:
            case ast.Constant(value=bool() as truth):
                return str(truth), BOOL
            case ast.Constant(value=(int() | float()) as number):
                if not abs(number) <= 1e15:
                    raise ExprProblem(f"the number {number!r} is too large")
                return repr(number), NUM
            case ast.Constant(value=str() as word):
                raise ExprProblem(f"the text '{word[:30]}' may only be compared with a variable that has an enum")
            case ast.Name(id=name):
                return self.name(name)
            case ast.Attribute():
                return self.attribute(node, values)
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(left, op, right, values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"(not {self.need(operand, 'bool', values)})", BOOL
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self.need(operand, 'num', values)})", NUM
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

    def need(self, node: ast.expr, want: str, values: str) -> str:
        code, type_ = self.write(node, values)
        if type_.name != want:
            raise ExprProblem(f"'{ast.unparse(node)[:60]}' is {_said(type_)}, where {_said(Type(want))} is needed")
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
            case _:
                pass
        owner, type_ = self.write(node.value, values)
        if type_.name != "ref":
            raise ExprProblem(f"'{ast.unparse(node.value)[:40]}' is {_said(type_)} and has no '{name}'")
        slots = self.names.kinds.get(type_.kind)
        if slots is None:
            raise ExprProblem(f"a {type_.kind} has no variables; use the entity it plays")
        if name not in slots:
            raise ExprProblem(f"a {type_.kind} has no '{name}'{near(name, slots)}")
        self.reads.add((type_.kind, name))
        if slots[name].derived:
            return f"e.derived['{type_.kind}.{name}'](e, {values}, {owner})", slots[name].type
        return f"{values}[{owner}]['{name}']", slots[name].type

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
                case ast.Constant(value=(int() | float()) as power) if abs(power) <= 8:
                    return f"_pow({one}, {power!r})", NUM
                case _:
                    raise ExprProblem("an exponent must be a number from -8 to 8")
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
        raise ExprProblem(f"{_said(type_)} cannot be compared with {_said(other)}")

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
        condition = "".join(f" if {self.need(test, 'bool', values)}" for test in tests)
        if name == "count":
            inner = "1"
        else:
            inner = self.need(element, "bool" if name in ("any", "all") else "num", values)
        self.depth -= 1
        self.locals.discard(bound)
        del self.scope[bound]
        code = f"_{name}([{inner} for {bound}_ in e.members['{kind}']{condition}])"
        return code, BOOL if name in ("any", "all") else NUM
