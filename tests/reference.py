"""The reference of the scenario language, generated from the models that read it: `docs/scenario-reference.md`.

Every key with its type, its default and its meaning, which is the docstring under the field. `python -m
tests.reference` (`make reference`) writes the file anew; `tests/test_reference.py` fails where it is stale or a
field says nothing.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.value import Value

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "scenario-reference.md"
WIDTH = 118
_BASES = (Value, BaseModel, object)
_REST = {("Kind", "variables"): "NAME", ("Entity", "values"): "VARIABLE"}
"""Fields that stand for the rest of a mapping: what the reference calls their keys."""
_COMMON = {
    "label": "What people call it.",
    "unit": "A label for people.",
    "digits": "Decimals when shown.",
    "low": "Of a triangular band: the least,",
    "mode": "the likeliest,",
    "high": "and the most.",
    **dict.fromkeys(("days", "weeks", "months", "quarters", "years"), "So many of them."),
}
"""What fields of these names mean wherever nothing else is said."""
HEAD = """\
# Scenario reference

Every key of `scenario.yaml`, of the files it includes, of its variants and of a persona's front matter. Generated from
the models by `make reference`; do not edit it by hand. `docs/tutorial.md` is the place to begin, `docs/scenarios.md`
says how the parts work together.

Types: a **name** is made of a-z, 0-9 and _, a letter first. An **expression** is a text like
`"self.cash > 2 * numbers.price"`; a bare number or truth value is one too. A **template** is a text with
`{expression}` or `{expression:.1f}` in it. Where names are expected, one may stand alone or several in a list.
"""


def reference() -> str:
    """The whole file."""
    sections = ("\n".join(_section(model)).rstrip() for model in models())
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


@cache
def models() -> list[type[BaseModel]]:
    """Every model of the language: the scenario, the persona, then what they hold, as it is first met."""
    found: list[type[BaseModel]] = [Scenario, Persona]
    for model in found:  # grows while it is read
        model.model_rebuild()  # names what is declared below it
        for base in _parents(model):
            _add(found, base)
        for field in own_fields(model).values():
            for inner in _models_in(field.annotation):
                _add(found, inner)
    return found


def _add(found: list[type[BaseModel]], model: type[BaseModel]) -> None:
    if model not in found:
        found.append(model)


def _parents(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [base for base in model.__bases__ if issubclass(base, BaseModel) and base not in _BASES]


def own_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields that the class itself declares."""
    inherited = {name for base in _parents(model) for name in base.model_fields}
    return {name: field for name, field in model.model_fields.items() if name not in inherited}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _section(model: type[BaseModel]) -> Iterator[str]:
    yield f"## {model.__name__}"
    yield ""
    if said := inspect.cleandoc(model.__doc__ or "") if "__doc__" in model.__dict__ else "":
        yield from _paragraphs(said)
    if places := _places(model):
        yield from _paragraphs(f"Stands in: {', '.join(places)}.")
    for base in _parents(model):
        yield f"Takes every key of [{base.__name__}](#{base.__name__.lower()}) too."
        yield ""
    for name, field in own_fields(model).items():
        yield from _entry(model, name, field)


def _places(model: type[BaseModel]) -> list[str]:
    """The keys under which a model may stand."""
    return [
        f"`{_REST.get((other.__name__, name)) or field.alias or name}` of [{other.__name__}](#{other.__name__.lower()})"
        for other in models()
        for name, field in own_fields(other).items()
        if model in _models_in(field.annotation)
    ]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield textwrap.fill(" ".join(paragraph.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""


def _entry(model: type[BaseModel], name: str, field: FieldInfo) -> Iterator[str]:
    rest = _REST.get((model.__name__, name))
    key = rest or field.alias or name
    shape = _parsed(ast.parse(_annotations(model)[name], mode="eval").body)
    facts = [_words(shape) + _bounds(field)]
    if rest is not None:
        facts = [f"any further key: {_words(shape.inner[1])}"]
    elif field.default is not PydanticUndefined and (shown := _default(field.default)):
        facts.append(f"default {shown}")
    elif field.is_required():
        facts.append("must be given")
    meaning = meaning_of(model, name)
    text = f"- **`{key}`** ({'; '.join(facts)}){f': {meaning}' if meaning else ''}"
    yield textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def meaning_of(model: type[BaseModel], name: str) -> str:
    """What the docstring under a field says, or what every field of its name means; empty where there is neither."""
    return _docstrings(model).get(name, "") or _COMMON.get(name, "")


@cache
def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        match before, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found


def _default(value: Any) -> str:
    """A default as an author would write it; empty for what means nothing."""
    match value:
        case None | "" | () | {}:
            return ""
        case bool():
            return "`true`" if value else "`false`"
        case BaseModel():
            return ""
        case tuple():
            return f"`[{', '.join(map(str, value))}]`"  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return f"`{value}`".replace("`True`", "`true`")


_NAMES = {
    "Ident": "a name", "Label": "a text", "Template": "a template", "Expr": "an expression", "Names": "names",
    "Actors": "names, or `{kind: NAME}`", "Audience": "`public`, `hidden`, or names of seats and groups",
    "Beat": "`day`, `week`, `month`, `quarter`, `year` or `step`", "TableFile": "a file name",
    "Length": "a number", "Pledges": "one [Pledge](#pledge) or a list of them",
    "Recorded": "a text", "Column": "a text",
}  # fmt: skip


@cache
def _annotations(model: type[BaseModel]) -> dict[str, str]:
    """Field -> its annotation as it stands in the source: its names are the words of the reference."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _bounds(field: FieldInfo) -> str:
    ends: dict[str, Any] = {}
    for one in field.metadata:
        for word in ("ge", "gt", "le", "lt"):
            if (value := getattr(one, word, None)) is not None:
                ends[word] = value
    low = f" from {ends['ge']:g}" if "ge" in ends else f" above {ends['gt']:g}" if "gt" in ends else ""
    high = f" to {ends['le']:g}" if "le" in ends else f" below {ends['lt']:g}" if "lt" in ends else ""
    return low + high


class _Shape:
    """A piece of an annotation: a word of its own, or a form with parts."""

    def __init__(self, name: str, inner: tuple[Any, ...] = ()) -> None:
        self.name, self.inner = name, inner


def _parsed(node: ast.expr) -> _Shape:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _Shape("|", (_parsed(left), _parsed(right)))
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[first, *_])):
            return _parsed(first)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=elements)):
            return _Shape(name, tuple(_parsed(each) for each in elements))
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _Shape(name, (_parsed(inner),))
        case ast.Constant(value=value) if value is ...:
            return _Shape("...")
        case ast.Constant(value=value):
            return _Shape(f"`{value}`" if isinstance(value, str) and not value[:1].isupper() else str(value))
        case _:
            return _Shape(ast.unparse(node))


_PLAIN = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "`true` or `false`", "Any": "any value",
    "None": "", "...": "",
}  # fmt: skip


def _words(shape: _Shape) -> str:
    inner = [_words(each) for each in shape.inner]
    match shape.name:
        case "|":
            return " or ".join(dict.fromkeys(part for part in inner if part))
        case "Literal":
            return " or ".join([", ".join(inner[:-1]), inner[-1]] if len(inner) > 1 else inner)
        case "tuple" if shape.inner[-1].name == "...":
            return f"a list of {_many(inner[0])}"
        case "tuple":
            return f"a list of {len(inner)}: {', '.join(inner)}"
        case "dict":
            return f"a mapping of {_many(inner[0])} to {_many(inner[1])}"
        case name if name in _NAMES:
            return _NAMES[name]
        case name if name in _PLAIN:
            return _PLAIN[name]
        case name if name.startswith("`"):
            return name
        case name:
            return f"[{name}](#{name.lower()})"


def _many(word: str) -> str:
    """`a name` as `names`, `a mapping of ...` as `mappings of ...`."""
    return re.sub(r"^an? (\w+)(?=$| of)", r"\1s", word)


def write() -> None:
    """Writes the file anew."""
    FILE.write_text(reference(), "utf-8")


if __name__ == "__main__":
    write()
