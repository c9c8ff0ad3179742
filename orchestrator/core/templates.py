"""Prompt templates: Jinja in a sandbox, cut down to slots, choices and loops over what is given.

A run's prompts travel in exports, so they are untrusted: nothing in a template can compute, call or run long.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
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


@lru_cache(maxsize=64)
def _template(text: str) -> Any:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.globals.clear()
    tree = environment.parse(text)
    strange = next((node for node in tree.find_all(nodes.Node) if not isinstance(node, _SLOTS)), None)
    if strange is not None:
        raise TemplateSyntaxError(f"{type(strange).__name__} is no slot, choice or loop", strange.lineno)
    if any(inner for outer in tree.find_all(nodes.For) for inner in outer.find_all(nodes.For) if _within(inner) > 1):
        raise TemplateSyntaxError("loops stand inside each other more than twice", 1)
    return environment.from_string(text)


def _within(loop: nodes.For) -> int:
    """How deep loops stand in a loop."""
    return max((1 + _within(inner) for inner in loop.find_all(nodes.For)), default=0)


_FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, OverflowError, MemoryError)


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
            raise _unfit(f"cannot be read: {str(error)[:160]}", where, f"{where}:{line}") from None


def _unfit(why: str, file: str, where: str) -> BadPrompt:
    return BadPrompt(f"{file} {why}", hint="compare it with the shipped template", where=where)


def fill(name: str, prompts: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """One rendered template. Raises BadPrompt where it does not render or grows beyond 60,000 characters."""
    where = f"prompts/{name}.j2"
    try:
        made = _template(prompts[name]).render(values)
    except _FAULTS as error:
        raise _unfit(f"does not render: {str(error)[:160]}", where, where) from None
    if len(made) > 60_000:
        raise BadPrompt(f"{where} grew beyond 60,000 characters", where=where)
    return made
