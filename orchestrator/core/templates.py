"""Prompt templates: Jinja in a sandbox, cut down to slots, choices and loops over what is given.

A run's prompts travel in exports, so they are untrusted: nothing in a template can compute, call or run long.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import TemplateError, TemplateRuntimeError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.errors import BadPrompt

_SLOTS = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.For,
    nodes.If,
    nodes.Const,
    nodes.Not,
    nodes.And,
    nodes.Or,
)
"""What a template may consist of."""


LONGEST = 60_000
"""Characters of a rendered template."""
MOST_TURNS = 20_000
"""Turns of all its loops together."""


class _Turns:
    """The filter through which every loop goes: over lists only, and so many turns in all."""

    def __init__(self) -> None:
        self.left = MOST_TURNS

    def __call__(self, items: Any) -> Iterator[Any]:
        if isinstance(items, Undefined):
            str(items)  # says which name is unknown
        if not isinstance(items, list | tuple):
            raise TemplateRuntimeError("a loop goes over a list")
        for item in cast("list[Any]", items):
            self.left -= 1
            if self.left < 0:
                raise TemplateRuntimeError(f"its loops take more than {MOST_TURNS:,} turns")
            yield item


def _plain(value: Any) -> Any:
    """What a slot may show: not an object's own words, in which an address differs from run to run."""
    if isinstance(value, Undefined | str | int | float):
        return value
    raise TemplateRuntimeError("a slot shows a text or a number")


@lru_cache(maxsize=64)
def _template(text: str) -> tuple[Any, _Turns]:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False, finalize=_plain
    )
    environment.globals.clear()
    environment.filters.clear()
    turns = _Turns()
    environment.filters["turns"] = turns
    tree = environment.parse(text)
    strange = next((node for node in tree.find_all(nodes.Node) if not isinstance(node, _SLOTS)), None)
    if strange is not None:
        raise TemplateSyntaxError(f"{type(strange).__name__} is no slot, choice or loop", strange.lineno)
    for loop in list(tree.find_all(nodes.For)):
        if loop.recursive:
            raise TemplateSyntaxError("a loop may not call itself", loop.lineno)
        loop.iter = nodes.Filter(loop.iter, "turns", [], [], None, None, lineno=loop.lineno)
    return environment.from_string(tree), turns


_FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, MemoryError, SyntaxError)


def check(prompts: Mapping[str, str], names: Iterable[str]) -> None:
    """Raises BadPrompt for a template that is missing or that cannot be read, before any is needed."""
    for name in names:
        where = f"prompts/{name}.j2"
        if name not in prompts:
            raise BadPrompt(f"{where} is missing", hint="put the shipped template back", where=where)
        try:
            _template(prompts[name])
        except _FAULTS as error:
            line = error.lineno if isinstance(error, TemplateSyntaxError) else 1
            raise _unfit(f"cannot be read: {_said(error)}", where, f"{where}:{line}") from None


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]


def _unfit(why: str, file: str, where: str) -> BadPrompt:
    return BadPrompt(f"{file} {why}", hint="compare it with the shipped template", where=where)


def fill(name: str, prompts: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """One rendered template. Raises BadPrompt where it does not render or grows too long."""
    where = f"prompts/{name}.j2"
    try:
        template, turns = _template(prompts[name])
        turns.left = MOST_TURNS
        made: list[str] = []
        length = 0
        for part in template.generate(values):
            made.append(part)
            length += len(part)
            if length > LONGEST:
                raise TemplateRuntimeError(f"it grows beyond {LONGEST:,} characters")
    except _FAULTS as error:
        raise _unfit(f"does not render: {_said(error)}", where, where) from None
    return "".join(made)
