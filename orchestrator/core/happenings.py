"""What rules may follow (`upon`), with the parameters of each: what a scenario emits, and what happens by itself.

By itself happen: an action that is carried out (under its own name), an action that a seat names, whatever
comes of it (`<action>_chosen`), the naming of what is on no list (`off_list`), the beginning and end of a
process, and the beginning of the run (`start`).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from orchestrator.core.actions import Action
from orchestrator.core.expr import NUM, ExprProblem, Type, compile_expr
from orchestrator.core.parts import Effects, asked_in

if TYPE_CHECKING:
    from orchestrator.core.blocks import Builder

START = "start"
"""Before the first round, once what was set by hand holds."""
OFF_LIST = "off_list"
"""A seat names what is on no list: an action that it has not."""


def chosen_name(action: str) -> str:
    """The happening that a seat names this action."""
    return f"{action}_chosen"


def happenings(build: "Builder") -> dict[str, dict[str, Type]]:
    """Happening -> its parameters; chains of rules are followed to their end."""
    events: dict[str, dict[str, Type]] = {START: {}}
    actors = {key: build.who(action.by, ("actions", key, "by")) for key, action in build.scenario.actions.items()}
    for seat in build.scenario.seats:
        for key, action in build.scenario.actions.items():
            if seat in actors[key]:
                events.setdefault(key, {}).update(_move_params(build, seat, action))
                events.setdefault(chosen_name(key), {}).update(_actor(build, seat))
        events.setdefault(OFF_LIST, {}).update(_actor(build, seat))
    for name in build.scenario.processes:
        for word in ("started", "ended"):
            events[f"{name}_{word}"] = {"instance": Type("ref", kind=name)}
    open_ = list(_emitters(build))
    for _ in range(len(open_) + 1):
        rest = [item for item in open_ if not _learn(build, events, *item)]
        if not rest or len(rest) == len(open_):
            break
        open_ = rest
    return events


def shared(events: Mapping[str, Mapping[str, Type]], upon: Iterable[str]) -> dict[str, Type] | None:
    """What all of these happenings have; None where none is followed."""
    found: dict[str, Type] | None = None
    for name in upon:
        here = events.get(name, {})
        found = dict(here) if found is None else {key: held for key, held in found.items() if here.get(key) == held}
    return found


def _actor(build: "Builder", seat: str) -> dict[str, Type]:
    return {"seat": Type("ref", kind="seat"), "actor": build.actor(seat).names["self"]}


def _move_params(build: "Builder", seat: str, action: Action) -> dict[str, Type]:
    names = _actor(build, seat)
    if action.target is not None:
        names["target"] = Type("ref", kind=action.target.kind or action.target.process or "")
    params = {key: Type("enum", held.enum) if held.enum else NUM for key, held in action.params.items()}
    return {**names, **params}


def _emitters(build: "Builder") -> Iterable[tuple[Effects, Mapping[str, Type], tuple[str, ...]]]:
    """(block, names in scope, what its rule follows) of all that may emit."""
    for rule in build.scenario.rules.values():
        for block in (rule, *asked_in(rule)):
            yield block, build.rule_scope(rule), rule.upon
    for name, process in build.scenario.processes.items():
        scope = build.process_scope(name, process)
        for stage in process.stages:
            for block in (stage, *stage.outcomes.values(), *stage.countered_by.values(), *asked_in(stage)):
                yield block, scope, ()
    actors = {key: build.who(action.by, ("actions",)) for key, action in build.scenario.actions.items()}
    for seat in build.scenario.seats:
        for key, action in build.scenario.actions.items():
            if seat in actors[key]:
                names = {**build.actor(seat).names, **_move_params(build, seat, action)}
                for block in (action, *((action.fails,) if action.fails else ())):
                    yield block, names, ()


def _learn(
    build: "Builder",
    events: dict[str, dict[str, Type]],
    block: Effects,
    names: Mapping[str, Type],
    upon: tuple[str, ...],
) -> bool:
    """True once this block's happenings are known."""
    if any(name not in events for name in upon):
        return not block.emits
    event = shared(events, upon)
    for name, params in block.emits.items():
        found = events.setdefault(name, {})
        for key, text in params.items():
            try:
                found[key] = compile_expr(text, build.names, names, event=event).type
            except ExprProblem:
                continue  # said again, with its place, where the block itself is compiled
    return True
