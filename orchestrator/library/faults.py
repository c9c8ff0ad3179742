"""Validation in our words: data against a model, and each fault as a path and one sentence.

pydantic finds the faults; its own sentences speak of types and unions that an author never sees. Paths are
those of the file (`rules.scaling_law.tells.says`), where pydantic's go through the model (a lone `tells`
becomes a list, a kind's variables lie one level deeper).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestrator.errors import BadInput, BadScenario
from orchestrator.library.yaml import Step, dotted, shown

Path = tuple[Step, ...]
M = TypeVar("M", bound=BaseModel)

_CONTAINERS = frozenset({dict, list, tuple})
_LOOKED_AT = 1000
"""Of the faults of a hostile file no more are put into words."""
_SUGGESTED = 40
"""Near-misses are looked for in the first faults only: the search is slow and nobody reads hundreds."""

_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}
_FORMS = {
    r"^[a-z][a-z0-9_]{0,63}$": "a name is made of a-z, 0-9 and _, a letter first, at most 64 characters",
    r"^\d{4}-\d\d-\d\d$": "a date is written like 2023-07-01",
    r"^\d\d-\d\d$": "a day of the year is written like 06-01",
}
_BOUNDS = {
    "greater_than": "above",
    "greater_than_equal": "at least",
    "less_than": "below",
    "less_than_equal": "at most",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a scenario's files."""

    where: str
    """`file:line`, or the file alone."""
    message: str
    """One sentence."""
    error: type[BadInput] = BadScenario
    """The exception that loading raises for it."""


def checked(model: type[M], data: Any, whole: str) -> tuple[M | None, list[tuple[Path, str]]]:
    """The validated value, or None and every fault as (path in the data, sentence).

    `data` is plain data as a file or JSON gives it; `whole` is what messages call all of it. Nothing is
    converted: a text is never read as a number.
    """
    try:
        return model.model_validate(frozen(data), strict=True), []
    except ValidationError as failure:
        found = failure.errors(include_url=False)
    return None, list(_told(model, data, whole, cast("list[dict[str, Any]]", found[:_LOOKED_AT])))


def frozen(data: Any) -> Any:
    """Lists become tuples all the way down, which is what strict validation takes."""
    if isinstance(data, dict):
        held = cast("dict[str, Any]", data)
        return {k: frozen(v) if type(v) in _CONTAINERS else v for k, v in held.items()}
    if isinstance(data, (list, tuple)):
        return tuple([frozen(v) if type(v) in _CONTAINERS else v for v in cast("Sequence[Any]", data)])
    return data


def near(word: str, words: Sequence[str]) -> str:
    """`: did you mean 'every'?`, or nothing where no word is near."""
    close = get_close_matches(word[:60], words, n=1, cutoff=0.6)
    return f": did you mean '{close[0]}'?" if close else ""


def _told(model: type[BaseModel], data: Any, whole: str, faults: list[dict[str, Any]]) -> Iterator[tuple[Path, str]]:
    by_path: dict[Path, list[dict[str, Any]]] = {}
    # A key that is unknown is often the one that is missing, misspelt: it is told first.
    for fault in sorted(faults, key=lambda fault: fault["type"] != "extra_forbidden"):
        by_path.setdefault(_in_data(data, fault["loc"]), []).append(fault)
    # A fault inside a value explains itself; that another form was possible, or that the list is now
    # too short, adds nothing.
    inner = {path[:n] for path in by_path for n in range(len(path))}
    inner |= {
        path for path, those in by_path.items() if any(f["type"] in ("extra_forbidden", "missing") for f in those)
    }
    for number, (path, those) in enumerate(by_path.items()):
        if path in inner:
            those = [f for f in those if f["type"] not in _WANTED and f["type"] not in ("literal_error", "too_short")]
        wanted = [w for f in those if (w := _wanted(f))]
        sentences = [_sentence(model, path, whole, f, number < _SUGGESTED) for f in those if not _wanted(f)]
        if wanted:
            given = _given(those[0]["input"])
            sentences.append(f"{dotted(path) or whole}: expected {' or '.join(dict.fromkeys(wanted))}, not {given}")
        for sentence in dict.fromkeys(sentences):
            yield path, sentence


def _in_data(data: Any, loc: Sequence[Step]) -> Path:
    """The part of a path through the model that the data itself has."""
    here, path = data, list[Step]()
    for step in loc:
        if isinstance(here, dict) and isinstance(step, str) and step in here:
            here = cast("dict[str, Any]", here)[step]
        elif isinstance(here, (list, tuple)) and isinstance(step, int) and step < len(cast("Sequence[Any]", here)):
            here = cast("Sequence[Any]", here)[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _wanted(fault: dict[str, Any]) -> str:
    """For a value of the wrong sort: what was expected."""
    if fault["type"] == "literal_error":
        return str(fault["ctx"]["expected"]).replace("'", "")
    return _WANTED.get(fault["type"], "")


def _given(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return shown(str(value))
        case str():
            return f"the text '{shown(value)}'"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _sentence(model: type[BaseModel], path: Path, whole: str, fault: dict[str, Any], suggest: bool) -> str:
    kind, loc, ctx = str(fault["type"]), cast("tuple[Step, ...]", fault["loc"]), fault.get("ctx", {})
    place = dotted(path) or whole
    match kind:
        case "extra_forbidden":
            parent = f"in {dotted(path[:-1]) or whole}"
            hint = near(str(loc[-1]), sorted(_keys(model, loc[:-1]))) if suggest else ""
            return f"unknown key '{shown(str(loc[-1]))}' {parent}{hint}"
        case "missing" if isinstance(loc[-1], int):
            return f"{place} has too few entries"
        case "missing":
            return f"'{loc[-1]}' is missing in {place}"
        case "string_pattern_mismatch":
            form = _FORMS.get(str(ctx.get("pattern")), "it does not have the form expected here")
            key = " as a key" if loc[-1] == "[key]" else ""
            return f"{place}: '{shown(str(fault['input']))}' will not do{key}: {form}"
        case "string_too_long":
            return f"{place} is longer than {ctx['max_length']} characters"
        case "too_long" if isinstance(fault["input"], str):
            return f"{place} is longer than {ctx['max_length']} characters"
        case "too_short" | "too_long":
            bound = f"at least {ctx['min_length']}" if kind == "too_short" else f"at most {ctx['max_length']}"
            return f"{place} needs {bound} entries"
        case "value_error":
            return f"{place} {ctx['error']}"
        case _ if kind in _BOUNDS:
            bound = next(iter(ctx.values()))
            return f"{place} must be {_BOUNDS[kind]} {bound:g}, not {_given(fault['input'])}"
        case _:
            return f"{place}: {shown(str(fault['msg']), 200)}"


def _keys(model: type[BaseModel], loc: Sequence[Step]) -> set[str]:
    """The keys that the model knows at a place."""
    here: set[Any] = {model}
    for step in loc:
        ahead = {t for one in here for t in _step(one, step)}
        here = ahead or here  # a step that names a branch of a union leads nowhere by itself
    return {f.alias or name for one in here if _is_model(one) for name, f in one.model_fields.items()}


def _step(one: Any, step: Step) -> Iterator[Any]:
    if _is_model(one):
        for name, field in one.model_fields.items():
            if step in (name, field.alias):
                yield from _parts(field.annotation)
    elif get_origin(one) is dict and isinstance(step, str):
        yield from _parts(get_args(one)[1])
    elif get_origin(one) is tuple and isinstance(step, int):
        yield from _parts(get_args(one)[0])


def _parts(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without its decoration."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif origin is not Literal:
        yield annotation


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)
