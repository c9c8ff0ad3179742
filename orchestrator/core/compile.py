"""From a scenario as written to its law: resolves every name, checks every type, reports every problem.

Problems are collected, not raised one by one, so that an author sees all of them in one pass; each has the
path of keys that leads to it, which the library turns into a file and a line.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestrator.core import workload
from orchestrator.core.agreements import Expanded, expanded
from orchestrator.core.askparts import acts, asks_of, check_people, compile_votes, member_labels, members_of
from orchestrator.core.blocks import Builder, Problem, Scope, TooMany
from orchestrator.core.boards import check_boards
from orchestrator.core.calendar import civil, day_number, span_of
from orchestrator.core.deals import compile_guards, compile_undertakings
from orchestrator.core.expr import BOOL, NUM, Names, Slot, Type, compile_derived, near
from orchestrator.core.expr import Compiled as Code
from orchestrator.core.expr import ExprProblem as Unfit
from orchestrator.core.exprtypes import said
from orchestrator.core.law import CAction, CFree, CIndicator, CRule, Law, VariableInfo
from orchestrator.core.ledgers import check_ledgers
from orchestrator.core.logs import check_log
from orchestrator.core.named import check_cited, check_distinct, check_forms
from orchestrator.core.parts import Process, Variable, asked_in
from orchestrator.core.questions import compile_questions
from orchestrator.core.relations import add_relations, relations_of
from orchestrator.core.said import REPORTS
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.starting import settable, world_of
from orchestrator.core.talkparts import compile_talk
from orchestrator.core.text import Text
from orchestrator.core.worldparts import compile_action, compile_policy, compile_process, compile_rule

FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Dates are compared as texts of four digits for the year, also those of reports that come after the end."""


class Compiled(NamedTuple):
    law: Law | None
    """None where there are problems."""
    problems: tuple[Problem, ...]


def compile_law(scenario: Scenario, personas: Mapping[str, Persona]) -> Compiled:
    """The law, or what stands against it: everything, or the first hundred problems."""
    grown = expanded(scenario)
    problems: list[Problem] = [Problem(path, message) for path, message in grown.problems]
    law: Law | None = None
    try:
        law = _law(grown, personas, problems)
    except TooMany:
        law = None
    told = dict.fromkeys(problem._replace(path=grown.path(problem.path)) for problem in problems)
    return Compiled(None if problems else law, tuple(told))


def _law(grown: Expanded, personas: Mapping[str, Persona], problems: list[Problem]) -> Law | None:
    scenario = grown.scenario
    names = declared(scenario, problems)
    build = Builder(scenario, names, problems, grown.bars)
    variables = _variables(scenario, build)
    build.variables = variables
    values = world_of(scenario, build)
    usual = add_relations(scenario, build, variables, values)
    if workload.crowded(build):
        return None
    derived = _derived(scenario, build)
    build.happenings()
    rules = tuple(compile_rule(build, key, rule) for key, rule in scenario.rules.items())
    processes = {key: compile_process(build, key, process) for key, process in scenario.processes.items()}
    asks, people = asks_of(rules, processes), members_of(scenario)
    seated = [seat for seat in personas if seat in scenario.seats]
    law = Law(
        scenario=scenario,
        personas=personas,
        names=names,
        start=_start(scenario, problems),
        values=values,
        variables=variables,
        derived=derived,
        members={kind: tuple(e for e, k in names.entities.items() if k == kind) for kind in scenario.kinds},
        rules=rules,
        followers={name: tuple(rule for rule in rules if name in rule.upon) for name in _followed(rules)},
        processes=processes,
        actions={seat: _actions(scenario, build, seat) for seat in scenario.seats},
        policies={seat: compile_policy(build, seat, personas[seat]) for seat in seated},
        free=_free(scenario, build),
        indicators=_indicators(scenario, build),
        endings={key: _closing(build, key, ending.says) for key, ending in scenario.endings.items()},
        labels=_labels(scenario),
        questions=compile_questions(scenario, build),
        usual=usual,
        talks={seat: compile_talk(build, seat, personas[seat]) for seat in seated},
        guards=compile_guards(build, grown.guards),
        undertakings=compile_undertakings(build, scenario.agreements),
        asks=asks,
        votes={seat: compile_votes(build, seat, personas[seat], asks) for seat in seated},
        people=people,
        seat_of={member: seat for seat, members in people.items() for member in members},
    )
    check_people(build, asks)
    _whole(scenario, build)
    return law if problems else _weighed(law, build)


def _weighed(law: Law, build: Builder) -> Law:
    """The law with what its parts cost; a problem where a round would take too long."""
    work, loads = workload.work_of(law, build.weigh)
    heaviest, total = workload.heaviest(loads)
    if heaviest is not None and total > workload.MOST_ROUND:
        build.say(
            heaviest.path,
            f"a round would take up to {total:,} passes through rules, conditions and events, most of them "
            f"({heaviest.passes:,}) here: at most {workload.MOST_ROUND:,}",
        )
    return law._replace(work=work)


def _followed(rules: tuple[CRule, ...]) -> set[str]:
    return {name for rule in rules for name in rule.upon}


def _actions(scenario: Scenario, build: Builder, seat: str) -> dict[str, CAction]:
    """The seat's own actions, as it sees them; a group has none."""
    if not acts(scenario, seat):
        return {}
    own = (key for key, action in scenario.actions.items() if seat in build.who(action.by, ("actions", key, "by")))
    return {key: compile_action(build, key, scenario.actions[key], seat) for key in own}


def _closing(build: Builder, key: str, says: str) -> Text:
    return build.text(says, Scope({}), ("endings", key, "says"), changing=False)


def _labels(scenario: Scenario) -> dict[str, str]:
    entities = {key: entity.label.strip() or key.replace("_", " ") for key, entity in scenario.entities.items()}
    relations = {key: relation.label.strip() or key.replace("_", " ") for key, relation in scenario.relations.items()}
    seats = {key: seat.label.strip() or key.replace("_", " ") for key, seat in scenario.seats.items()}
    return {**entities, **relations, **seats, **member_labels(scenario)}


def declared(scenario: Scenario, problems: list[Problem]) -> Names:
    """Everything an expression may name."""
    kinds: dict[str, dict[str, Slot]] = {}
    for kind, held in scenario.kinds.items():
        kinds[kind] = {
            key: Slot(type_of(variable), variable.is_ is not None) for key, variable in held.variables.items()
        }
    for key, process in scenario.processes.items():
        if key in kinds:
            problems.append(Problem(("processes", key), f"'{key}' is a kind as well: give the process another name"))
        kinds[key] = _instance_slots(process)
    reports = {tell.report for block in _blocks(scenario) for tell in block.tells}
    reports.update(REPORTS if scenario.promises is not None else ())
    return Names(
        kinds,
        {key: entity.kind for key, entity in scenario.entities.items()},
        frozenset(scenario.seats),
        frozenset(scenario.numbers),
        frozenset(reports),
        {
            **Counter(entity.kind for entity in scenario.entities.values()),
            **{key: workload.lifetime(process) for key, process in scenario.processes.items()},
        },
        relations_of(scenario, problems),
        made={},
    )


def _instance_slots(process: Process) -> dict[str, Slot]:
    outcomes = dict.fromkeys(
        [
            "none",
            "failed",
            "countered",
            "done",
            *(name for stage in process.stages for name in stage.outcomes),
            *(name for stage in process.stages if stage.asks for name in stage.asks.decisions()),
        ]
    )
    fixed = {
        "stage": Slot(Type("enum", (*(stage.id for stage in process.stages), "end"))),
        "outcome": Slot(Type("enum", tuple(outcomes))),
        "running": Slot(BOOL),
    }
    roles = {role: Slot(Type("ref", kind=kind)) for role, kind in process.roles.items()}
    return {
        **fixed,
        **roles,
        **{key: Slot(type_of(variable), variable.is_ is not None) for key, variable in process.holds.items()},
    }


def type_of(variable: Variable) -> Type:
    if variable.enum:
        return Type("enum", variable.enum)
    if variable.bool_:
        return BOOL
    return Type("ref", kind=variable.ref) if variable.ref else NUM


def _blocks(scenario: Scenario) -> list[Any]:
    """Every block of effects in the scenario."""
    blocks: list[Any] = [*scenario.rules.values()]
    for asker in (*scenario.rules.values(), *(stage for held in scenario.processes.values() for stage in held.stages)):
        blocks += asked_in(asker)
    for action in scenario.actions.values():
        blocks += [action] if action.fails is None else [action, action.fails]
    for process in scenario.processes.values():
        for stage in process.stages:
            blocks += [stage, *stage.outcomes.values(), *stage.countered_by.values()]
    return blocks + list(scenario.free.may.values() if scenario.free else [])


def _start(scenario: Scenario, problems: list[Problem]) -> int:
    try:
        start = day_number(scenario.clock.start)
    except ValueError as error:
        problems.append(Problem(("clock", "start"), str(error)))
        return 0
    last = span_of(start, scenario.clock.step, scenario.clock.rounds)[1]
    if not FIRST_YEAR <= civil(start)[0] <= civil(last)[0] <= LAST_YEAR:
        problems.append(
            Problem(("clock", "start"), f"the exercise must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
        )
    return start


def _variables(scenario: Scenario, build: Builder) -> dict[tuple[str, str], VariableInfo]:
    found: dict[tuple[str, str], VariableInfo] = {}
    for kind, held in scenario.kinds.items():
        for key, variable in held.variables.items():
            at = ("kinds", kind, key)
            if variable.ledger and variable.ledger not in scenario.ledgers:
                build.say(
                    (*at, "ledger"),
                    f"no ledger is called '{variable.ledger}'{near(variable.ledger, scenario.ledgers)}",
                )
            if variable.ref and variable.ref not in scenario.kinds:
                build.say((*at, "ref"), f"no kind is called '{variable.ref}'{near(variable.ref, scenario.kinds)}")
            found[kind, key] = _info(variable, key, build.audience(variable.visible_to, (*at, "visible_to")))
    for name, process in scenario.processes.items():
        seen = build.audience(process.visible_to, ("processes", name, "visible_to"))
        for key, slot in build.names.kinds[name].items():
            found[name, key] = VariableInfo(
                slot.type, None, None if seen is None else frozenset(seen), False, None, "", 1, key, listed=True
            )
        for key, variable in process.holds.items():
            own = build.audience(variable.visible_to, ("processes", name, "holds", key, "visible_to"))
            found[name, key] = _info(variable, key, seen if own is None else own)
    return found


def _info(variable: Variable, key: str, visible: tuple[str, ...] | None) -> VariableInfo:
    seen = None if visible is None else frozenset(visible)
    return VariableInfo(
        type_of(variable),
        variable.range,
        seen,
        variable.is_ is not None,
        variable.ledger,
        variable.unit,
        variable.digits,
        variable.label or key.replace("_", " "),
        variable.listed,
    )


def _derived(scenario: Scenario, build: Builder) -> dict[str, Any]:
    codes: dict[str, Code] = {}
    groups = {
        **{kind: held.variables for kind, held in scenario.kinds.items()},
        **{key: process.holds for key, process in scenario.processes.items()},
    }
    for kind, held in groups.items():
        section = ("kinds", kind) if kind in scenario.kinds else ("processes", kind, "holds")
        for key, variable in held.items():
            if variable.is_ is None:
                continue
            try:
                code = codes[f"{kind}.{key}"] = compile_derived(variable.is_, build.names, kind)
                if code.type.name != (wanted := type_of(variable)).name:
                    build.say((*section, key, "is"), f"it yields {said(code.type)}, and {said(wanted)} is declared")
            except Unfit as error:
                build.say((*section, key, "is"), str(error))
    build.weigh = workload.Weigher(codes)
    for key, message in build.weigh.wrong:
        kind, _, name = key.partition(".")
        section = ("kinds", kind) if kind in scenario.kinds else ("processes", kind, "holds")
        build.say((*section, name, "is"), message)
    return {key: code.run for key, code in codes.items()}


def _free(scenario: Scenario, build: Builder) -> dict[str, dict[str, CFree]]:
    made: dict[str, dict[str, CFree]] = {}
    if scenario.free is None:
        return made
    for seat in build.who(scenario.free.by, ("free", "by")) or scenario.seats:
        if not acts(scenario, seat):
            continue
        made[seat] = {}
        for key, effect in scenario.free.may.items():
            at = ("free", "may", key)
            if effect.by and seat not in build.who(effect.by, (*at, "by")):
                continue
            scope = build.actor(seat)
            kind, where = build.target(effect.target, scope, at)
            inner = scope.more(target=Type("ref", kind=kind)) if kind else scope
            itself = effect.target is not None and effect.target.self_
            made[seat][key] = CFree(key, effect.label, kind, where, itself, build.effects(effect, inner, at))
    return made


def _indicators(scenario: Scenario, build: Builder) -> tuple[CIndicator, ...]:
    made: list[CIndicator] = []
    for key, indicator in scenario.indicators.items():
        seen = build.audience(indicator.visible_to, ("indicators", key, "visible_to"))
        value = build.expr(indicator.is_, Scope({}), ("indicators", key, "is"), "num")
        made.append(
            CIndicator(
                key,
                indicator.label,
                value,
                indicator.unit,
                indicator.digits,
                None if seen is None else frozenset(seen),
            )
        )
    return tuple(made)


def _whole(scenario: Scenario, build: Builder) -> None:
    """What can only be seen from the whole: seats, groups, endings, cited entries, the menu of interventions."""
    for key, seat in scenario.seats.items():
        if seat.plays not in scenario.entities:
            build.say(
                ("seats", key, "plays"),
                f"no entity is called '{seat.plays}'{near(seat.plays, scenario.entities)}",
            )
    for key, members in scenario.groups.items():
        for member in members:
            if member not in scenario.seats:
                build.say(("groups", key), f"no seat is called '{member}'{near(member, scenario.seats)}")
    if scenario.clock.ends not in scenario.endings:
        build.say(
            ("clock", "ends"),
            f"no ending is called '{scenario.clock.ends}'{near(scenario.clock.ends, scenario.endings)}",
        )
    check_distinct(scenario, build)
    for key, item in scenario.interventions.items():
        if not settable(build, item.sets):
            build.say(("interventions", key, "sets"), f"'{item.sets}' is neither numbers.NAME nor ENTITY.VARIABLE")
    for key in scenario.turns.order:
        if key not in scenario.seats:
            build.say(("turns", "order"), f"no seat is called '{key}'{near(key, scenario.seats)}")
    check_ledgers(scenario, build)
    check_log(scenario, build)
    check_boards(scenario, build)
    check_forms(scenario, build)
    check_cited(scenario, build)
