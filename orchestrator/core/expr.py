"""The expression language behind rules: parsed from a whitelist, checked against declared names, compiled once.

An expression is read with Python's own parser and then written anew, token by token, from the nodes on
the list below; nothing of the author's text reaches the compiler but numbers and the names of things that
were declared. Every name is resolved while loading (never by attribute access), every loop runs over a
declared kind, so an expression can neither run code nor run long. Types: `num`, `bool`, `enum`, `ref`.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from keyword import iskeyword
from typing import Any

from orchestrator.core.exprtypes import (
    BOOL,
    NULL,
    NUM,
    Compiled,
    ExprProblem,
    Made,
    Names,
    Scene,
    Slot,
    Type,
    Values,
    near,
    said,
)
from orchestrator.core.exprwriter import Writer

__all__ = [
    "BOOL",
    "NULL",
    "NUM",
    "Compiled",
    "ExprProblem",
    "Names",
    "Scene",
    "Slot",
    "Type",
    "Values",
    "compile_derived",
    "compile_expr",
    "compile_pair",
    "near",
]

MAX_NODES = 160
"""Most parts of one expression."""
SURE_DEPTH = 60
"""So many brackets Python reads however they are nested."""
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_DOTTED = re.compile(r"[a-z_][a-z0-9_]{0,63}(?:\.[a-z_][a-z0-9_]{0,63}){0,15}")
MOST_MADE = 32
"""Of one text so many compiled forms are looked through before it is compiled again."""
_WARNED_OF = re.compile(r"\\|[0-9]\.?[A-Za-z]")


def compile_expr(
    text: str,
    names: Names,
    scope: Mapping[str, Type],
    want: str = "",
    *,
    event: Mapping[str, Type] | None = None,
    known: bool = False,
    changing: bool = False,
) -> Compiled:
    """Parses, checks and compiles. Raises ExprProblem.

    `want`: the type's name that is needed; `event`: the parameters of the happening that is followed;
    `known`: reports may be read; `changing`: `before(x)` may be used.
    """
    before = [] if names.made is None else names.made.setdefault((text, known, changing), [])
    made = next((one.code for one in before if one.fits(scope, event)), None)
    if made is None:
        writer = Writer(names, scope, event, known=known, changing=changing)
        code, type_ = writer.write(parse(text), "e.values")
        made = _compiled(text, type_, f"lambda e: {code}", writer)
        if len(before) < MOST_MADE:
            before.append(Made(made, writer.scope.found, dict(event or {}) if writer.followed else None))
    if want and made.type.name != want:
        raise ExprProblem(f"'{_line(text)}' is {said(made.type)}, where {said(Type(want))} is needed")
    return made


def compile_derived(text: str, names: Names, kind: str) -> Compiled:
    """A derived variable of a kind: `run(scene, values, self)`, so that it can be read at any time."""
    writer = Writer(names, {"self": Type("ref", kind=kind)}, None, known=False, changing=False)
    writer.own = "self_"
    code, type_ = writer.write(parse(text), "v")
    return _compiled(text, type_, f"lambda e, v, self_: {code}", writer)


def compile_pair(
    text: str, names: Names, scope: Mapping[str, Type], *, event: Mapping[str, Type] | None = None
) -> tuple[str, Compiled] | None:
    """A pair that is changed (`evidence[self, target]`): its relation, and what yields the pair's name.

    None where the text is no pair. Raises ExprProblem.
    """
    match parse(text):
        case ast.Subscript(value=ast.Name(id=relation), slice=ast.Tuple(elts=[one, two])):
            pass
        case _:
            return None
    held = names.relations.get(relation)
    if held is None:
        raise ExprProblem(f"no relation is called '{relation}'{near(relation, names.relations)}")
    writer = Writer(names, scope, event, known=False, changing=False)
    code = writer.key_of(held.of, one, two, "e.values")
    return relation, _compiled(text, Type("ref", kind=relation), f"lambda e: {code}", writer)


def _compiled(text: str, type_: Type, code: str, writer: Writer) -> Compiled:
    run = partial(evaluate, code, writer.orders)
    if code.count("(") + code.count("[") > SURE_DEPTH:
        run()  # Python may refuse to read it: that has to be told now
    return Compiled(text, type_, run, frozenset(writer.reads), writer.passes, tuple(writer.derived.items()))


# An expression is compiled anew for every seat and scope it stands in: most trees and codes come again.
@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """The syntax tree of one expression, bounded in size. Raises ExprProblem."""
    if (simple := _simple(text)) is not None:
        return simple
    try:
        body = _quietly(text) if _WARNED_OF.search(text) else ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExprProblem(f"'{_line(text)}' is no expression ({str(error)[:60]})") from None
    # A name is two nodes, itself and its context; no text has more than two for a character.
    if len(text) >= MAX_NODES and any(count >= MAX_NODES * 2 for count, _ in enumerate(ast.walk(body))):
        raise ExprProblem(f"'{_line(text)}...' is too long: at most {MAX_NODES} parts")
    return body


def _simple(text: str) -> ast.expr | None:
    """A plain number or dotted name, as a quarter of all expressions are, made by hand: Python takes ten times as
    long to read it. None for anything else."""
    if _NUMBER.fullmatch(text):
        return ast.Constant(float(text) if "." in text else int(text))
    if not _DOTTED.fullmatch(text):
        return None
    first, *rest = text.split(".")
    if iskeyword(first) or any(map(iskeyword, rest)):
        return None
    node: ast.expr = ast.Name(first)
    for name in rest:
        node = ast.Attribute(node, name)
    return node


def _quietly(text: str) -> ast.expr:
    """Parses what Python would warn of: `1if x else 2`, a backslash in a text. The warnings are none of the author's,
    and turning them off takes as long as parsing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text.strip(), mode="eval").body


def _line(text: str) -> str:
    """The beginning of an expression, as a message shows it."""
    return " ".join(text.split())[:60]


def evaluate(code: str, orders: Mapping[str, Mapping[str, int]]) -> Callable[..., Any]:
    """Turns code that the writer wrote into a function that can reach nothing but its arguments."""
    return _evaluated(code, tuple((name, tuple(held)) for name, held in orders.items()))


@lru_cache(maxsize=4096)
def _evaluated(code: str, orders: tuple[tuple[str, tuple[str, ...]], ...]) -> Callable[..., Any]:
    ranks = {key: {name: index for index, name in enumerate(names)} for key, names in orders}
    space: dict[str, Any] = {"__builtins__": {}, **_HELPERS, **ranks}
    try:
        return eval(compile(code, "<expression>", "eval"), space)  # noqa: S307 - written token by token
    except (SyntaxError, RecursionError, MemoryError):
        raise ExprProblem("it is nested too deeply") from None


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
    "_pow": _pow, "_mean": _mean, "_clamp": _clamp, "_round": _round, "_sum": math.fsum, "_count": len,
    "_min": min, "_max": max, "_any": any, "_all": all,
    "_abs": abs, "_exp": math.exp, "_log": math.log, "_sqrt": math.sqrt,
}  # fmt: skip
