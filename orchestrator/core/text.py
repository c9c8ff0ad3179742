"""Templates of the record: text with `{expression}` or `{expression:.1f}` in it, compiled once.

Only the expression language stands between braces, and only a number's format after the colon, so a
template can say what the world holds and do nothing else.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from orchestrator.core.expr import Compiled, ExprProblem, Names, Scene, Type, compile_expr

_SPEC = re.compile(r"\+?,?(?:(?:\.[0-6])?[f%]?|d)")
LONGEST = 2000
"""Characters of a rendered text: 600 are written, and a number may have hundreds of digits."""
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Text(NamedTuple):
    """A checked template."""

    raw: str
    parts: tuple[str | tuple[Compiled, str], ...]


def compile_text(
    raw: str,
    names: Names,
    scope: Mapping[str, Type],
    event: Mapping[str, Type] | None = None,
    *,
    changing: bool = False,
) -> Text:
    """Parses and checks. Raises ExprProblem."""
    parts: list[str | tuple[Compiled, str]] = []
    last = 0
    for match in _PART.finditer(raw):
        parts.append(raw[last : match.start()])
        last = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        elif match[1] is None:
            raise ExprProblem(f"a lone '{match[0]}' in \"{raw[:40]}\": write {{{{ or }}}} for the sign itself")
        else:
            text, _, spec = match[1].partition(":")
            if not _SPEC.fullmatch(spec):
                raise ExprProblem(f"'{spec[:20]}' is no number format; use .1f or ,.0f or +.1f")
            code = compile_expr(
                text,
                names,
                {**scope, **({"added": Type("num")} if changing else {})},
                event=event,
                changing=changing,
            )
            if spec and code.type.name != "num":
                raise ExprProblem(f"'{text[:30]}' is no number, so it takes no format")
            parts.append((code, spec))
    parts.append(raw[last:])
    return Text(raw, tuple(part for part in parts if part != ""))


def render(text: Text, scene: Scene, label: Callable[[str], str]) -> str:
    """The text with its values. Raises what an expression raises (ZeroDivisionError, KeyError, ...)."""
    made = "".join(
        part if isinstance(part, str) else shown(part[0], part[0].run(scene), part[1], label) for part in text.parts
    )
    if len(made) > LONGEST:
        raise ValueError(f"it would be longer than {LONGEST} characters")
    return made


def shown(code: Compiled, value: Any, spec: str, label: Callable[[str], str]) -> str:
    """One value as words: a reference by its label, an enum's name with blanks, a number by its format."""
    match code.type.name:
        case "ref":
            return "nobody" if value is None else label(value)
        case "enum":
            return str(value).replace("_", " ")
        case "bool":
            return "yes" if value else "no"
        case _:
            return (
                format(value, spec)
                if spec and not spec.endswith("d")
                else format(round(value), spec)
                if spec
                else f"{value:.4g}"
            )
