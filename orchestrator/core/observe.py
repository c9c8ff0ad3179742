"""What a seat may know and what it may do: the one place where secrets are kept.

An observation is built from what is declared visible and from reports received, never from the state as a
whole; menus list only legal moves, and their conditions read only what the actor sees (checked at load).
"""

from collections import Counter
from typing import Any

from orchestrator.core.boards import public_rows
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.deals import bonds
from orchestrator.core.draft import label_of_instance, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Compiled, Scene
from orchestrator.core.exprtypes import PAIR, SEAT
from orchestrator.core.law import CAction, Law
from orchestrator.core.state import RunState
from orchestrator.core.text import render
from orchestrator.core.turn import WAIT, Move, Observation, Option, Reading

MENU = 9
"""Most moves that are asked for in one step; the scenario says how many a menu may hold."""
_WAIT = Option(WAIT, None, "Wait", "keep money and staff, and watch what the others do", (), False, "", {})


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
        boards=public_rows(law, state),
    )


def glance(law: Law, state: RunState, seat: str) -> Observation:
    """What a seat on policy needs: its legal moves, without numbers and words."""
    first, _ = span_of(law.start, law.scenario.clock.step, max(1, state.round))
    options = legal(law, state, seat, words=False)
    about = (state.round, law.scenario.clock.rounds, iso(first))
    return Observation(seat, law.labels[seat], *about, (), (), (), (), options)


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
        private += _pairs(law, state, scene, seat) if law.names.relations else []
        private += bonds(law, state, scene, seat) if law.undertakings else []
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


def _pairs(law: Law, state: RunState, scene: Scene, seat: str) -> list[Reading]:
    """What the seat reads of relations: pairs in which it, or what it plays, stands first, once unlike the usual."""
    plays = law.scenario.seats[seat].plays
    made: list[Reading] = []
    for key, (of, type_) in law.names.relations.items():
        info = law.variables[key, PAIR]
        own = seat if of[0] == SEAT else plays
        if not info.listed or (info.visible is not None and seat not in info.visible):
            continue
        usual = law.usual[key]
        for two in law.scenario.seats if of[1] == SEAT else law.members[of[1]]:
            value = state.values[key].get(f"{own}.{two}", usual)
            if value == usual:
                continue
            label = f"{info.label}, {law.labels[two]}"
            if type_.name == "num":
                was = scene.was.get(key, {}).get(f"{own}.{two}")
                made.append(Reading(label, value, info.unit, info.digits, was))
            else:
                made.append(Reading(label, str(value).replace("_", " ").lower(), "", 0, None))
    return made


def legal(law: Law, state: RunState, seat: str, *, words: bool = True) -> tuple[Option, ...]:
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
            option = option_of(law, state, action, scene, target, words=words)
            if option is not None:
                found.append(option)
    return (*_spread(found, law.scenario.turns.menu - 1), _WAIT)


def words_of(law: Law, state: RunState, move: Move) -> str:
    """A move as its menu would call it, whether or not it is legal."""
    action = law.actions[move.seat].get(move.action)
    if action is None or (action.target_kind is not None and move.target is None):
        return move.action.replace("_", " ")
    bound = {"self": law.scenario.seats[move.seat].plays, "seat": move.seat, **move.params}
    scene = scene_of(law, state, bound if move.target is None else {**bound, "target": move.target})
    try:
        return render(action.label, scene, lambda one: law.labels.get(one) or label_of_instance(law, state, one, scene))
    except ARITHMETIC:
        return move.action.replace("_", " ")


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


def option_of(
    law: Law, state: RunState, action: CAction, scene: Scene, target: str | None, *, words: bool = True
) -> Option | None:
    """The move if it is legal: its needs hold and its costs can be paid. Without `words` its texts are empty."""
    try:
        if not all(need.run(scene) for need in action.needs) or any(bar.run(scene) for _, bar in action.bars):
            return None
        first = {name: values[0] for name, values in action.params.items()}
        paying = scene.with_bound(**first) if first else scene
        costs = tuple((variable, float(code.run(paying))) for variable, code in action.costs)
        own = scene.values[scene.bound["self"]]
        if any(amount > own[variable] for variable, amount in costs):
            return None
        public = action.visibility == "public"
        if not words:
            return Option(action.id, target, "", "", costs, public, "", dict(action.params))

        def label(entity: str) -> str:
            return law.labels.get(entity) or label_of_instance(law, state, entity, scene)

        stem = render(action.stem, scene, label) if action.stem is not None and (public or action.words) else ""
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
