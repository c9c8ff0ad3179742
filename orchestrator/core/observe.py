"""What a seat may know and what it may do: the one place where secrets are kept.

An observation is built from what is declared visible and from reports received, never from the state as a
whole; menus list only legal moves, and their conditions read only what the actor sees (checked at load).
"""

from collections import Counter
from typing import Any

from orchestrator.core.calendar import iso, span_of
from orchestrator.core.draft import label_of_instance, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Compiled, Scene
from orchestrator.core.law import CAction, Law
from orchestrator.core.state import RunState
from orchestrator.core.text import render
from orchestrator.core.turn import WAIT, Observation, Option, Reading

MENU = 9
"""Most moves in a menu, waiting included."""


def observe(law: Law, state: RunState, seat: str) -> Observation:
    """Only what this seat may know at the start of the round under way."""
    first, _ = span_of(law.start, law.scenario.clock.step, max(1, state.round))
    scene = scene_of(law, state, {"self": law.scenario.seats[seat].plays, "seat": seat})
    public, private = readings(law, state, scene, seat)
    return Observation(
        seat=seat,
        label=law.labels[seat],
        round=state.round,
        rounds=law.scenario.clock.rounds,
        date=iso(first),
        record=state.record,
        public=public,
        private=private,
        notebook=state.notebook.get(seat, ()),
        options=legal(law, state, seat),
    )


def readings(
    law: Law, state: RunState, scene: Scene, seat: str | None
) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
    """(what everyone reads, what this seat reads beside it); seat None: only the first."""
    public: list[Reading] = []
    private: list[Reading] = []
    there = {kind: [one for one in held if one in scene.was] for kind, held in scene.members.items()}
    earlier = Scene(scene.was, scene.was, scene.numbers, scene.clock, there, scene.derived, scene.bound)
    for item in law.indicators:
        if item.visible is not None and seat not in item.visible:
            continue
        try:
            now = item.value.run(scene)
        except ARITHMETIC:
            continue  # an indicator without a value is not shown
        try:
            was = item.value.run(earlier)
        except ARITHMETIC:
            was = None
        (public if item.visible is None else private).append(Reading(item.label, now, item.unit, item.digits, was))
    if seat is not None:
        private += _own(law, state, scene, seat)
    return tuple(public), tuple(private)


def _own(law: Law, state: RunState, scene: Scene, seat: str) -> list[Reading]:
    entity = law.scenario.seats[seat].plays
    kind = law.names.entities[entity]
    made: list[Reading] = []
    for key in law.names.kinds[kind]:
        info = law.variables[kind, key]
        if not info.listed or (info.visible is not None and seat not in info.visible):
            continue
        try:
            value = (
                law.derived[f"{kind}.{key}"](scene, state.values, entity) if info.derived else state.values[entity][key]
            )
            was = law.derived[f"{kind}.{key}"](scene, scene.was, entity) if info.derived else scene.was[entity][key]
        except ARITHMETIC:
            continue  # as above
        if info.type.name == "num":
            made.append(Reading(info.label, value, info.unit, info.digits, was))
        elif info.type.name == "ref":
            made.append(Reading(info.label, law.labels.get(value, "nobody") if value else "nobody", "", 0, None))
        else:
            made.append(Reading(info.label, str(value).replace("_", " ").lower(), "", 0, None))
    return made


def legal(law: Law, state: RunState, seat: str) -> tuple[Option, ...]:
    """The legal moves of a seat, in the order of the scenario, waiting last."""
    entity = law.scenario.seats[seat].plays
    base = scene_of(law, state, {"self": entity, "seat": seat})
    found: list[Option] = []
    for action in law.actions[seat].values():
        if not action.repeat and state.taken.get(seat, {}).get(action.id, -9) >= state.round - 1:
            continue
        if action.target_kind is None:
            targets: list[str | None] = [None]
        else:
            targets = [*candidates(action.target_kind, action.target_where, base, itself=action.target_self)]
        for target in targets:
            scene = base if target is None else base.with_bound(target=target)
            option = option_of(law, state, action, scene, target)
            if option is not None:
                found.append(option)
    wait = Option(WAIT, None, "Wait", "keep money and staff, and watch what the others do", (), False, "", {})
    return (*_spread(found, MENU - 1), wait)


def candidates(kind: str, where: Compiled | None, scene: Scene, *, itself: bool) -> list[str]:
    """The possible targets of a kind or process: those that fit, and are not the actor unless it may be."""
    found: list[str] = []
    for target in scene.members[kind]:
        if target == scene.bound["self"] and not itself:
            continue
        if scene.values[target].get("running") is False:
            continue
        try:
            if where is None or where.run(scene.with_bound(target=target)):
                found.append(target)
        except ARITHMETIC:
            continue  # a condition without a value holds for nobody
    return found


def option_of(law: Law, state: RunState, action: CAction, scene: Scene, target: str | None) -> Option | None:
    """The move if it is legal: its needs hold and its costs can be paid."""
    try:
        if not all(need.run(scene) for need in action.needs):
            return None
        first = {name: values[0] for name, values in action.params.items()}
        costs = tuple((variable, float(code.run(scene.with_bound(**first)))) for variable, code in action.costs)
        own = scene.values[scene.bound["self"]]
        if any(amount > own[variable] for variable, amount in costs):
            return None

        def label(entity: str) -> str:
            return law.labels.get(entity) or label_of_instance(law, state, entity, scene)

        public = action.visibility == "public"
        stem = render(action.stem, scene, label) if action.stem is not None and public else ""
        named, purpose = render(action.label, scene, label).strip(), render(action.purpose, scene, label)
        named = named or action.id.replace("_", " ")
        return Option(action.id, target, named, purpose, costs, public, stem, dict(action.params))
    except ARITHMETIC:
        return None


def _spread(found: list[Option], most: int) -> list[Option]:
    """At most so many; where there are more, the actions with most targets lose some, later targets first."""
    if len(found) <= most:
        return found
    count = Counter(option.action for option in found)
    level = max(count.values())
    while level > 1 and sum(min(held, level) for held in count.values()) > most:
        level -= 1
    # Those above the level lose one each, in order of appearance, until the rest fits.
    spare = max(0, most - sum(min(held, level) for held in count.values()))
    keep = {action: min(held, level) for action, held in count.items()}
    for action in reversed(keep):
        if spare and count[action] > level:
            keep[action] += 1
            spare -= 1
    kept: list[Option] = []
    for option in found:
        if keep[option.action]:
            keep[option.action] -= 1
            kept.append(option)
    return kept[:most]


def find_option(options: tuple[Option, ...], action: str, target: str | None) -> Option | None:
    """The legal move of this action and target."""
    return next((option for option in options if option.action == action and option.target == target), None)


def default_params(option: Option, given: dict[str, Any]) -> dict[str, Any]:
    """The move's parameters: those given that are possible, else the first possible value."""
    return {name: given[name] if given.get(name) in values else values[0] for name, values in option.params.items()}
