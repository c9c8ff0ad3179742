"""Prompt templates: Jinja in a sandbox, cut down to slots, choices and loops over what is given.

A run's prompts travel in exports, so they are untrusted: nothing in a template can compute, call or run long.
"""

from collections.abc import Mapping
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


def fill(name: str, prompts: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """One rendered template. Raises BadPrompt where it does not render or grows beyond 60,000 characters."""
    try:
        made = _template(prompts[name]).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, OverflowError, MemoryError) as error:
        raise BadPrompt(
            f"prompts/{name}.j2 does not render: {str(error)[:160]}",
            hint="compare it with the shipped template",
            where=f"prompts/{name}.j2",
        ) from None
    if len(made) > 60_000:
        raise BadPrompt(f"prompts/{name}.j2 grew beyond 60,000 characters", where=f"prompts/{name}.j2")
    return made
