"""A scenario with its personas and prompts as one piece of plain data, and back without any file.

A run plays from this stored copy. It goes through canonical JSON, which sorts keys and knows no
infinity; but the order of seats, outcomes and effects is the author's, and a range may be open at one end.
So `order` lists the keys of every mapping that is not in sorted order (by JSON pointer), and an infinite end
of a `range` is written `.inf`.
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NoReturn, cast

from orchestrator.core.scenario import Persona, Scenario
from orchestrator.errors import BadPersona, BadPrompt, BadScenario
from orchestrator.library import faults, personas
from orchestrator.library.yaml import MOST_DIGITS, dotted, unsafe_character

_TO_TEXT = {float("inf"): ".inf", float("-inf"): "-.inf"}
_TO_NUMBER = {text: number for number, text in _TO_TEXT.items()}
_TAME = re.compile(r"[A-Za-z0-9][\x20-\x7e]*")
"""Texts that are what they seem: no infinity, nothing that a file may not hold."""
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
"""Types of values that are packed as they stand: nearly all."""
_DEEPEST = 60
_KEYS = {"scenario", "personas", "prompts", "order"}


def packed(
    scenario: Mapping[str, Any], persona: Mapping[str, Mapping[str, Any]], prompts: Mapping[str, str]
) -> tuple[dict[str, Any], list[tuple[faults.Path, str]]]:
    """The design as data that `canonical` takes, and what it cannot hold, as (path, sentence)."""
    order: dict[str, list[str]] = {}
    wrong: list[tuple[faults.Path, str]] = []
    whole = {"scenario": scenario, "personas": persona, "prompts": prompts}
    data = cast("dict[str, Any]", _packed(whole, (), order, wrong))
    return {**data, "order": order}, wrong


def _packed(value: Any, path: faults.Path, order: dict[str, list[str]], wrong: list[tuple[faults.Path, str]]) -> Any:
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        keys = list(held)
        if len(keys) > 1 and keys != sorted(keys):
            order[_pointer(path)] = keys
        return {k: v if type(v) in _AS_THEY_ARE else _packed(v, (*path, k), order, wrong) for k, v in held.items()}
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [v if type(v) in _AS_THEY_ARE else _packed(v, (*path, i), order, wrong) for i, v in enumerate(items)]
    if isinstance(value, float) and not isfinite(value):
        if len(path) < 2 or path[-2] != "range":
            place = path[1:] if path[:1] == ("scenario",) else path
            wrong.append((place, f"{dotted(place)}: an infinite number may stand only at an end of a range"))
        return _TO_TEXT.get(value)
    return value


def _pointer(path: faults.Path) -> str:
    pointer = "/".join(["", *map(str, path)])
    if "~" in pointer or pointer.count("/") != len(path):
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return pointer


def from_data(data: Any) -> tuple[Scenario, dict[str, Persona], dict[str, str]]:
    """The scenario, its personas by seat and its prompt texts by name, from `Loaded.design_data`.

    Takes it also after a trip through canonical JSON. Raises BadScenario, BadPersona or BadPrompt, with
    where = the path in the data, for data that is not a whole and valid design.
    """
    if not isinstance(data, dict) or set(cast("dict[str, Any]", data)) != _KEYS:
        _damaged("it needs scenario, personas, prompts and order")
    order = cast("dict[str, Any]", data)["order"]
    if not isinstance(order, dict):
        _damaged("its order is no mapping")
    parts = {k: v for k, v in cast("dict[str, Any]", data).items() if k != "order"}
    whole = _unpacked(parts, (), cast("dict[str, Any]", order))
    scenario, wrong = faults.checked(Scenario, whole["scenario"], "the scenario")
    if scenario is None:
        raise BadScenario(wrong[0][1], where=dotted(("scenario", *wrong[0][0])))
    played: dict[str, Persona] = {}
    if not isinstance(whole["personas"], dict) or set(cast("dict[str, Any]", whole["personas"])) != set(scenario.seats):
        raise BadPersona("the stored design does not hold one persona for each seat", where="personas")
    for seat in scenario.seats:
        persona, wrong = personas.check(seat, whole["personas"][seat])
        if persona is None:
            raise BadPersona(wrong[0][1], where=dotted(("personas", seat, *wrong[0][0])))
        played[seat] = persona
    prompts: Any = whole["prompts"]
    if not isinstance(prompts, dict) or not all(isinstance(v, str) for v in cast("dict[str, Any]", prompts).values()):
        raise BadPrompt("the stored design's prompts are not texts by name", where="prompts")
    return scenario, played, cast("dict[str, str]", prompts)


def _unpacked(value: Any, path: faults.Path, order: dict[str, Any]) -> Any:
    if len(path) > _DEEPEST:
        _damaged("it is nested too deeply")
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        keys: Any = order.get(_pointer(path))
        if keys is None:
            keys = sorted(held)
        elif (
            not isinstance(keys, list)
            or len(cast("list[Any]", keys)) != len(held)
            or not all(isinstance(k, str) and k in held for k in cast("list[Any]", keys))
        ):
            _damaged(f"the order of {dotted(path)} does not name its keys")
        return {
            k: v if type(v := held[k]) is str and _TAME.fullmatch(v) else _unpacked(v, (*path, k), order)
            for k in cast("list[str]", keys)
        }
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [
            v if type(v) is str and _TAME.fullmatch(v) else _unpacked(v, (*path, i), order) for i, v in enumerate(items)
        ]
    if isinstance(value, str) and value in _TO_NUMBER and len(path) > 1 and path[-2] == "range":
        return _TO_NUMBER[value]
    if isinstance(value, str) and (bad := unsafe_character(value)):
        _damaged(f"{dotted(path)} holds the character {bad[1]}")
    if isinstance(value, float) and not isfinite(value):
        _damaged(f"{dotted(path)} is not a finite number")
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        _damaged(f"{dotted(path)} has more than {MOST_DIGITS} digits")
    return value


def _damaged(why: str) -> NoReturn:
    raise BadScenario(f"this is not a stored design: {why}", where="design")
