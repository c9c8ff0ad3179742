"""What `--set` may change: the scenario's menu, a number, or a variable of an entity, checked against its range."""

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.core.agreements import enforcement
from orchestrator.core.expr import near
from orchestrator.core.exprtypes import PAIR
from orchestrator.core.law import Law, VariableInfo
from orchestrator.core.value import rounded
from orchestrator.errors import BadUsage

LONGEST = 200
"""Characters of a path: three names of 64."""
_PLAIN = re.compile(r"[-+]?[0-9.]{1,40}(?:[eE][-+]?[0-9]{1,4})?")


def checked_sets(law: Law, given: Mapping[str, str]) -> dict[str, Any]:
    """Paths with their values, read and checked. Raises BadUsage that names the path and what was expected."""
    found: dict[str, Any] = {}
    for name, text in given.items():
        bounds: tuple[float, float] | None = None
        if len(name) > LONGEST:
            raise BadUsage(f"--set {name[:40]}...: no path is longer than {LONGEST} characters", where="--set")
        path = name
        item = law.scenario.interventions.get(name)
        if item is not None:
            path, bounds = item.sets, item.range
        if path.startswith("agreements."):
            path = _enforced(law, name, path)
        found[path] = _read(law, name, path, text, bounds)
    return found


def _enforced(law: Law, name: str, path: str) -> str:
    """The variable behind `agreements.NAME.enforced`."""
    agreement, _, field = path.removeprefix("agreements.").partition(".")
    known = law.scenario.agreements
    if agreement not in known:
        raise BadUsage(
            f"--set {name}: no agreement is called '{agreement}'{near(agreement, known)}",
            hint=f"orchestrate scenarios show {law.scenario.scenario} lists what may be set",
            where=name,
        )
    if field != "enforced":
        raise BadUsage(f"--set {name}: of an agreement only `agreements.{agreement}.enforced` can be set", where=name)
    return enforcement(path)


def _read(law: Law, name: str, path: str, text: str, bounds: tuple[float, float] | None) -> Any:
    head, _, rest = path.partition(".")
    hint = f"orchestrate scenarios show {law.scenario.scenario} lists what may be set"
    if head == "numbers":
        number = law.scenario.numbers.get(rest)
        if number is None:
            raise BadUsage(
                f"--set {name}: no number is called '{rest}'{near(rest, law.scenario.numbers)}", hint=hint, where=name
            )
        if bounds is None and number.low is not None and number.high is not None:
            bounds = (number.low, number.high)
        return _number(name, text, bounds or number.band, hint)
    if head in law.names.relations:
        info = law.info_of(head, rest)
        if info is None or rest == PAIR:
            pairs = law.values[head]
            raise BadUsage(
                f"--set {name}: '{rest}' is no pair of {head} (FIRST.SECOND){near(rest, pairs)}", hint=hint, where=name
            )
        return _value(law, name, text, info, bounds, hint)
    kind = law.names.entities.get(head)
    if kind is None:
        names = [*law.scenario.interventions, *law.names.entities, *law.names.relations, "numbers"]
        raise BadUsage(
            f"--set {name}: neither an intervention nor an entity is called '{head}'{near(head, names)}",
            hint=hint,
            where=name,
        )
    slots = law.names.kinds[kind]
    if rest not in slots or slots[rest].derived:
        why = "is derived from others" if rest in slots else "does not exist"
        raise BadUsage(
            f"--set {name}: '{rest}' of {head} {why}{'' if rest in slots else near(rest, slots)}", hint=hint, where=name
        )
    return _value(law, name, text, law.variables[kind, rest], bounds, hint)


def _value(law: Law, name: str, text: str, info: VariableInfo, bounds: tuple[float, float] | None, hint: str) -> Any:
    match info.type.name:
        case "num":
            return _number(name, text, bounds or info.range, hint)
        case "bool":
            if text not in ("true", "false"):
                raise BadUsage(f"--set {name}: '{text}' is neither true nor false", hint=hint, where=name)
            return text == "true"
        case "enum":
            word = text.replace("-", "_")
            if word not in info.type.names:
                raise BadUsage(f"--set {name}: '{text}' is none of {', '.join(info.type.names)}", hint=hint, where=name)
            return word
        case _:
            entity = None if text == "null" else text.replace("-", "_")
            if entity is not None and law.names.entities.get(entity) != info.type.kind:
                raise BadUsage(f"--set {name}: '{text}' is no {info.type.kind}", hint=hint, where=name)
            return entity


def _number(name: str, text: str, bounds: tuple[float, float] | None, hint: str) -> float:
    try:
        # float() would take "1_0", " 1" and digits of other scripts.
        value = rounded(float(text if _PLAIN.fullmatch(text) else ""))
    except (ValueError, OverflowError):
        raise BadUsage(f"--set {name}: '{text[:40]}' is no finite number", hint=hint, where=name) from None
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        raise BadUsage(f"--set {name}: {text} lies outside {bounds[0]:g} to {bounds[1]:g}", hint=hint, where=name)
    return value
