"""Compiles the three things that happen in a world, rules, processes and actions, and a persona's policy."""

from typing import Any

from orchestrator.core.actions import Action, Param
from orchestrator.core.askparts import compile_ask, own_scope
from orchestrator.core.blocks import MOST_LABEL, TRUE, Builder, Scope, constant
from orchestrator.core.calendar import month_length
from orchestrator.core.expr import NUM, Compiled, Type, near
from orchestrator.core.happenings import shared
from orchestrator.core.law import CAction, CEffects, COutcome, CPick, CPolicy, CProcess, CRule, CStage
from orchestrator.core.parts import Process, Rule, Stage
from orchestrator.core.scenario import Persona, PolicyRule
from orchestrator.core.starting import start_value
from orchestrator.core.talkparts import compile_pledges
from orchestrator.core.value import canonical, digest

WAIT = "wait"
"""The action every seat always has: it changes nothing."""


def compile_rule(build: Builder, key: str, rule: Rule) -> CRule:
    at = ("rules", key)
    event = shared(build.events, rule.upon)
    for name in rule.upon:
        if name not in build.events:
            build.say((*at, "upon"), f"nothing emits '{name}'{near(name, build.events)}")
    for kind, word in ((rule.for_, "for"), *((pick.first, "with") for pick in rule.with_.values())):
        if kind is not None and kind not in build.names.kinds:
            build.say((*at, word), f"no kind or process is called '{kind}'{near(kind, build.names.kinds)}")
            return _nothing(build, key, rule)
    scope = Scope({"self": Type("ref", kind=rule.for_)} if rule.for_ else {}, event)
    picks: list[CPick] = []
    for name, pick in rule.with_.items():
        inner = scope.more(**{name: Type("ref", kind=pick.first)})
        where = build.expr(pick.where, inner, (*at, "with", name, "where"), "bool")
        picks.append(CPick(name, pick.first, where, build.expr(pick.by, inner, (*at, "with", name, "by"), "num")))
        scope = inner
    if rule.on is not None and not _is_day(rule.on):
        build.say((*at, "on"), f"'{rule.on}' is no day of a year: month and day, like 06-01")
    every = rule.every
    if every is None and not rule.upon and rule.on is None:
        every = "month" if rule.becomes is not None else "step"
    return CRule(
        key, rule.for_, every, rule.upon, rule.on, build.expr(rule.when, scope, (*at, "when"), "bool"),
        None if rule.becomes is None else build.expr(rule.becomes, scope, (*at, "becomes"), "bool"),
        rule.once, tuple(picks), build.expr(rule.chance, scope, (*at, "chance"), "num"), build.effects(rule, scope, at),
        None if rule.asks is None else compile_ask(build, rule.asks, key, scope, at, rule.source),
        rule.when == "True", rule.chance == "1", any(tell.false is not None for tell in rule.tells),
    )  # fmt: skip


def _is_day(text: str) -> bool:
    month, day = (int(part) for part in text.split("-"))
    return 1 <= month <= 12 and 1 <= day <= month_length(2024, month)


def _nothing(build: Builder, key: str, rule: Rule) -> CRule:
    """Stands in for a rule whose kinds are unknown, while the rest is checked."""
    bare = Rule(source=rule.source)
    effects = build.effects(bare, Scope({}), ("rules", key))
    return CRule(key, None, None, (), None, TRUE, None, once=False, picks=(), chance=TRUE, effects=effects)


def compile_process(build: Builder, key: str, process: Process) -> CProcess:
    at = ("processes", key)
    for role, kind in process.roles.items():
        if kind != "seat" and kind not in build.names.kinds:
            build.say((*at, "roles", role), f"no kind is called '{kind}'{near(kind, build.names.kinds)}")
    scope = Scope(build.process_scope(key, process))
    ids = [stage.id for stage in process.stages]
    stages = {
        stage.id: _stage(build, process, stage, ids, scope, (*at, "stages", str(index)))
        for index, stage in enumerate(process.stages)
    }
    if len(stages) != len(ids) or "end" in ids:
        build.say((*at, "stages"), "stage ids must differ from each other and from `end`")
    holds = {
        name: start_value(build, variable, variable.start, (*at, "holds", name))
        for name, variable in process.holds.items()
        if variable.is_ is None
    }
    label = build.text(process.label, scope, (*at, "label"), changing=False) if process.label else None
    if label is not None and build.weigh.all(part[0] for part in label.parts if not isinstance(part, str)) > MOST_LABEL:
        build.say((*at, "label"), f"may take more than {MOST_LABEL:,} passes through loops and derived variables")
    return CProcess(key, label, process.roles, holds, stages, ids[0], process.limit)


def _stage(build: Builder, process: Process, stage: Stage, ids: list[str], scope: Scope, at: tuple[str, ...]) -> CStage:
    def known(name: str, word: str) -> str:
        if name != "end" and name not in ids:
            build.say((*at, word), f"no stage is called '{name}'{near(name, ids)}")
        return name

    outcomes: list[COutcome] = []
    for name, outcome in stage.outcomes.items():
        here = (*at, "outcomes", name)
        when = build.expr(outcome.when, scope, (*here, "when"), "bool")
        chance = build.expr(outcome.chance, scope, (*here, "chance"), "num")
        effects = build.effects(outcome, scope, here)
        outcomes.append(COutcome(name, when, chance, known(outcome.next, "outcomes"), effects))
    counters: dict[str, tuple[str, CEffects]] = {}
    for action, counter in stage.countered_by.items():
        if action not in build.scenario.actions:
            build.say((*at, "countered_by"), f"no action is called '{action}'{near(action, build.scenario.actions)}")
        here = (*at, "countered_by", action)
        counters[action] = (known(counter.back_to, "countered_by"), build.effects(counter, scope, here))
    for name in stage.after:
        known(name, "after")
    followers = [other.id for other in process.stages if stage.id in other.after]
    follower = followers[0] if followers else "end"
    asks = None
    if stage.asks is not None:
        asks = compile_ask(build, stage.asks, f"{at[1]}.{stage.id}", scope, at, stage.source, ids, follower)
        if stage.outcomes:
            build.say((*at, "outcomes"), "a stage that asks ends by `yes`, `no` and `neither`, and has no outcomes")
    return CStage(
        id=stage.id,
        lasts=stage.lasts,
        every=stage.every,
        needs=tuple(build.expr(need, scope, (*at, "needs"), "bool") for need in stage.needs),
        chance=build.expr(stage.chance, scope, (*at, "chance"), "num"),
        fails_if=None if stage.fails_if is None else build.expr(stage.fails_if, scope, (*at, "fails_if"), "bool"),
        outcomes=tuple(outcomes),
        counters=counters,
        next=follower,
        effects=build.effects(stage, scope, at),
        asks=asks,
    )


def compile_action(build: Builder, key: str, action: Action, seat: str) -> CAction:
    at = ("actions", key)
    if key == WAIT:
        build.say(at, f"'{WAIT}' is the action that every seat has already")
    scope = build.actor(seat, sees=True)
    kind, where = build.target(action.target, scope, at)
    inner = scope.more(target=Type("ref", kind=kind)) if kind else scope
    params = {name: _choices(build, param, (*at, "params", name)) for name, param in action.params.items()}
    told = inner.more(
        **{name: Type("enum", param.enum) if param.enum else NUM for name, param in action.params.items()}
    )
    if not action.label.strip():
        build.say((*at, "label"), "needs a verb: it is the name of the move in the menu")
    spoken = inner._replace(seats=tuple(build.scenario.seats)) if action.visibility == "public" else inner
    return CAction(
        id=key,
        label=build.text(action.label, spoken, (*at, "label"), changing=False),
        purpose=build.text(action.purpose, inner, (*at, "purpose"), changing=False),
        target_kind=kind,
        target_where=where,
        target_self=action.target is not None and action.target.self_,
        params=params,
        needs=tuple(build.expr(need, inner, (*at, "needs"), "bool") for need in action.needs),
        costs=_costs(build, action, inner, told, (*at, "costs")),
        chance=build.expr(action.chance, told._replace(seats=()), (*at, "chance"), "num"),
        fails=None if action.fails is None else build.effects(action.fails, told, (*at, "fails")),
        visibility=action.visibility,
        stem=build.text(action.stem, spoken, (*at, "stem"), changing=False) if action.stem else None,
        repeat=action.repeat,
        beside=action.beside,
        words=action.words,
        effects=build.effects(action, told, at),
        bars=tuple(
            (bar.why, build.expr(bar.when, inner._replace(seats=()), bar.path, "bool"))
            for bar in build.bars.get(key, ())
        ),
    )


def _costs(
    build: Builder, action: Action, scope: Scope, told: Scope, at: tuple[str, ...]
) -> tuple[tuple[str, Compiled], ...]:
    """(variable of one's own, amount): plain numbers, so that they can be reserved and taken off."""
    costs: list[tuple[str, Compiled]] = []
    for left, amount in action.costs.items():
        place = build.place(left, scope, (*at, left))
        if place is None:
            continue
        info = build.variables[place.kind, place.variable]
        if not left.startswith("self.") or left.count(".") != 1 or info.type != NUM or info.derived:
            build.say((*at, left), f"'{left}': a cost is a number of one's own, self.NAME")
        elif info.ledger:
            build.say((*at, left), f"'{left}' is kept in the ledger {info.ledger}: let a `move` to a sink take it")
        costs.append((place.variable, build.expr(amount, told, (*at, left), "num")))
    return tuple(costs)


def _choices(build: Builder, param: Param, at: tuple[str, ...]) -> tuple[Any, ...]:
    if param.enum:
        return param.enum
    if param.low is None or param.high is None or not param.low <= param.high <= param.low + 100:
        build.say(at, "needs `enum`, or `low` and `high` at most 100 apart")
        return (0,)
    return tuple(range(param.low, param.high + 1))


def compile_policy(build: Builder, seat: str, persona: Persona) -> tuple[CPolicy, ...]:
    made: list[CPolicy] = []
    actions = build.scenario.actions
    scope = own_scope(build, seat, persona)
    for index, rule in enumerate(persona.policy):
        if rule.asked is not None:
            continue  # see `askparts.compile_votes`
        at = ("personas", seat, "policy", str(index))
        action = actions.get(rule.do)
        if rule.do != WAIT and (action is None or seat not in build.who(action.by, at)):
            mine = [WAIT, *(key for key, held in actions.items() if seat in build.who(held.by, at))]
            build.say((*at, "do"), f"{seat} has no action '{rule.do}'{near(rule.do, mine)}")
            continue
        inner = scope
        if action is not None and action.target is not None:
            inner = scope.more(target=Type("ref", kind=action.target.kind or action.target.process or ""))
        made.append(
            CPolicy(
                id=_policy_id(rule, [other.id for other in made]),
                when=build.expr(rule.when, scope, (*at, "when"), "bool"),
                do=rule.do,
                target=None if rule.target is None else build.expr(rule.target, inner, (*at, "target"), "bool"),
                params={key: _given(build, action, key, text, scope, at) for key, text in rule.params.items()},
                weight=rule.weight,
                promises=compile_pledges(build, seat, rule.promises, (*at, "promises")),
            )
        )
    return tuple(made)


def _given(build: Builder, action: Action | None, key: str, text: str, scope: Scope, at: tuple[str, ...]) -> Compiled:
    """A parameter as a policy gives it: a number, or a name of the parameter's list."""
    held = action.params.get(key) if action is not None else None
    if held is None:
        build.say((*at, "params", key), f"this action has no parameter '{key}'")
        return TRUE
    word = text.strip().strip("'\"")
    if word in held.enum:
        return constant(text, Type("enum", held.enum), word)
    return build.expr(text, scope, (*at, "params", key), "enum" if held.enum else "num")


def _policy_id(rule: PolicyRule, taken: list[str]) -> str:
    """The address of a policy rule's die, from all that it says but its weight; equal rules are numbered."""
    said = digest(canonical(rule.model_dump(mode="json", exclude={"weight", "promises"}, exclude_defaults=True)))[:8]
    same = sum(1 for id_ in taken if id_.split("_")[0] == said)
    return f"{said}_{same + 1}"
