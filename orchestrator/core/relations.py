"""Relations: a value for each pair of two kinds, written `evidence[self, target]`.

In a run's state a relation stands beside the entities: its name is the entity, `first.second` the variable
(`evidence.doj_antitrust.google` as a path). So an event, a fold, a view and `--set` need to know nothing of it.
"""

from collections.abc import Iterator
from typing import Any

from orchestrator.core.blocks import Builder, Problem
from orchestrator.core.expr import near
from orchestrator.core.exprtypes import BOOL, NUM, PAIR, SEAT, Pairs, Type
from orchestrator.core.law import VariableInfo
from orchestrator.core.parts import Variable
from orchestrator.core.scenario import Relation, Scenario
from orchestrator.core.starting import start_value

MOST_PAIRS = 10_000
"""Of all relations: each has a value in the state and in the first event of every run."""


def relations_of(scenario: Scenario, problems: list[Problem]) -> dict[str, Pairs]:
    """What expressions may name; a relation whose pairs cannot be told is left out, with its problem said."""
    found: dict[str, Pairs] = {}
    total = 0
    for key, relation in scenario.relations.items():
        at = ("relations", key)
        unknown = [kind for kind in relation.of if kind != SEAT and kind not in scenario.kinds]
        for kind in unknown:
            hint = near(kind, [*scenario.kinds, SEAT])
            problems.append(Problem((*at, "of"), f"no kind is called '{kind}'{hint}"))
        if relation.bool_ and relation.enum:
            problems.append(Problem(at, "is either an `enum` or a `bool`"))
        if unknown:
            continue
        one, two = (len(members(scenario, kind)) for kind in relation.of)
        total += one * two
        if total > MOST_PAIRS:
            problems.append(Problem(at, f"{total:,} pairs of all relations, at most {MOST_PAIRS:,}"))
            break
        type_ = Type("enum", relation.enum) if relation.enum else BOOL if relation.bool_ else NUM
        found[key] = Pairs(relation.of, type_)
    return found


def members(scenario: Scenario, kind: str) -> list[str]:
    """The entities of a kind, or the seats, in the order of the file."""
    if kind == SEAT:
        return list(scenario.seats)
    return [key for key, entity in scenario.entities.items() if entity.kind == kind]


def add_relations(
    scenario: Scenario,
    build: Builder,
    variables: dict[tuple[str, str], VariableInfo],
    values: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Puts every relation among the variables and the values of the world's start; relation -> its usual start."""
    usual: dict[str, Any] = {}
    for key in build.names.relations:
        relation = scenario.relations[key]
        at = ("relations", key)
        if key in scenario.entities or key in scenario.kinds or key in scenario.processes:
            build.say(at, f"'{key}' is an entity, kind or process as well: give the relation another name")
            continue
        info = _info(relation, key, build)
        like = Variable.model_validate({"range": relation.range, "enum": relation.enum, "bool": relation.bool_})
        start = usual[key] = start_value(build, like, relation.start, (*at, "start"))
        held = {pair: start for pair, _, _ in pairs(scenario, relation)}
        for one, row in relation.values.items():
            for two, given in row.items():
                here = (*at, "values", one, two)
                if f"{one}.{two}" not in held:
                    kind, name = next(
                        (pair for pair in zip(relation.of, (one, two), strict=True)
                         if pair[1] not in members(scenario, pair[0])),
                        (relation.of[0], one),
                    )  # fmt: skip
                    build.say(here, f"'{name}' is no {kind}{near(name, members(scenario, kind))}")
                else:
                    held[f"{one}.{two}"] = start_value(build, like, given, here)
        values[key] = held
        variables.update({(key, pair): info for pair in (PAIR, *held)})
    return usual


def pairs(scenario: Scenario, relation: Relation) -> Iterator[tuple[str, str, str]]:
    """(name of the pair in the state, first, second)."""
    second = members(scenario, relation.of[1])
    for one in members(scenario, relation.of[0]):
        for two in second:
            yield f"{one}.{two}", one, two


def _info(relation: Relation, key: str, build: Builder) -> VariableInfo:
    seen = build.audience(relation.visible_to, ("relations", key, "visible_to"))
    return VariableInfo(
        build.names.relations[key].type,
        relation.range,
        None if seen is None else frozenset(seen),
        False,
        None,
        relation.unit,
        relation.digits,
        relation.label or key.replace("_", " "),
        relation.listed,
    )
