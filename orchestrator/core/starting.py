"""The world at the start, checked: what each entity, pair and process instance holds before anything happens."""

from typing import Any

from orchestrator.core.blocks import Builder
from orchestrator.core.expr import near
from orchestrator.core.exprtypes import PAIR, an
from orchestrator.core.parts import Variable
from orchestrator.core.scenario import Scenario
from orchestrator.core.value import rounded


def world_of(scenario: Scenario, build: Builder) -> dict[str, dict[str, Any]]:
    """Entity -> variable -> start value; derived variables have none."""
    values: dict[str, dict[str, Any]] = {}
    for key, entity in scenario.entities.items():
        at = ("entities", key)
        if entity.kind not in scenario.kinds:
            build.say((*at, "kind"), f"no kind is called '{entity.kind}'{near(entity.kind, scenario.kinds)}")
            continue
        if entity.rows is not None:
            build.say((*at, "rows"), "a table is read with the files of its folder, and here is none")
        own = scenario.kinds[entity.kind].variables
        for name in entity.values:
            if name not in own:
                build.say((*at, name), f"{an(entity.kind)} has no '{name}'{near(name, own)}")
        values[key] = {
            name: start_value(build, variable, entity.values.get(name, variable.start), (*at, name))
            for name, variable in own.items()
            if variable.is_ is None
        }
    return values


def settable(build: Builder, path: str) -> bool:
    """Whether an intervention may set this: `numbers.NAME`, `ENTITY.VARIABLE` or `RELATION.FIRST.SECOND`."""
    head, _, rest = path.partition(".")
    if head == "numbers":
        return rest in build.scenario.numbers
    kind = head if head in build.names.relations else build.names.entities.get(head, "")
    info = build.variables.get((kind, rest))
    return info is not None and not info.derived and rest != PAIR


def start_value(build: Builder, variable: Variable, given: Any, at: tuple[str, ...]) -> Any:
    """The checked start value of a variable; where it is wrong, the problem is said and something stands in."""
    said = str(given)[:40]
    if variable.enum:
        given = variable.enum[0] if given is None else given
        if given not in variable.enum:
            build.say(at, f"'{said}' is none of {', '.join(variable.enum)}{near(said, variable.enum)}")
        return given
    if variable.bool_:
        if given not in (None, True, False):
            build.say(at, f"'{said}' is neither true nor false")
        return bool(given)
    if variable.ref:
        if given is not None and not (isinstance(given, str) and build.names.entities.get(given) == variable.ref):
            there = [key for key, kind in build.names.entities.items() if kind == variable.ref]
            build.say(at, f"'{said}' is no {variable.ref}{near(said, there)}")
        return given
    if given is None:
        given = 0
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not abs(given) <= 1e300:
        build.say(at, f"'{said}' is no finite number")
        return 0
    if variable.range and not variable.range[0] <= given <= variable.range[1]:
        build.say(at, f"{given} lies outside {variable.range[0]:g} to {variable.range[1]:g}")
    return rounded(given)
