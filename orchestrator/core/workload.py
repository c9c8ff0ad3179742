"""How much work a scenario can make: bounded while it is loaded, so that no round of one that loads runs long.

Work is counted in passes. An evaluation costs one pass, one more for each body of a loop that it runs through
(the members of the kind, once for each pass of the loop around it), and what the derived variables it reads
cost, as often as it reads them. An event costs `EVENT` passes. What a round does by the calendar is added up
here from the law; what only play can tell, events that follow each other and processes, is paid from a purse
while it happens (`Draft.pay`).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from orchestrator.core.blocks import Builder
from orchestrator.core.calendar import Step, span_of
from orchestrator.core.dealparts import MOST_TURNS
from orchestrator.core.exprtypes import Compiled
from orchestrator.core.law import CAsk, CEffects, CRule, CStage, Law, Work
from orchestrator.core.parts import Process
from orchestrator.core.queue import beats_on
from orchestrator.core.text import Text
from orchestrator.core.weighing import Weigher

MOST_ROUND = 3_000_000
"""Of one round by the calendar: some 20 seconds at worst, where takeoff takes a hundredth."""
MOST_DERIVED = 1_000
"""Derived variables of all kinds and processes."""
MOST_MENUS = 4_000
"""Actions times the seats that have them: each is compiled for each."""
EFFECT = 20
"""Passes that a block of effects costs, whatever comes of it."""
EVENT = 80
"""Passes that an event costs: it is built, folded, hashed and stored."""
MENU = 10
"""Options that a rule of a policy looks at, about."""
BESIDE = 8
"""Most moves of a turn that are `beside` it."""


def lifetime(process: Process) -> int:
    """Most instances of a process in one run. A loop over it meets them all, ended ones too."""
    return 16 * max(8, process.limit)


def crowded(build: Builder) -> bool:
    """Whether there is too much to compile; says so."""
    derived = sum(slot.derived for slots in build.names.kinds.values() for slot in slots.values())
    if derived > MOST_DERIVED:
        build.say(("kinds",), f"{derived:,} derived variables, at most {MOST_DERIVED:,}")
        return True
    held = {key: len(build.who(action.by, ("actions", key, "by"))) for key, action in build.scenario.actions.items()}
    if sum(held.values()) > MOST_MENUS:
        widest = max(held, key=lambda key: held[key])
        build.say(
            ("actions", widest, "by"),
            f"actions times the seats that have them: {sum(held.values()):,}, at most {MOST_MENUS:,}",
        )
        return True
    free = build.scenario.free
    if free is not None and len(free.may) * len(build.scenario.seats) > MOST_MENUS:
        build.say(
            ("free", "may"),
            f"effects times seats: {len(free.may) * len(build.scenario.seats):,}, at most {MOST_MENUS:,}",
        )
        return True
    return False


def _codes(texts: Iterable[Text | None]) -> Iterator[Compiled]:
    for text in texts:
        for part in () if text is None else text.parts:
            if not isinstance(part, str):
                yield part[0]


def effects_cost(weigh: Weigher, block: CEffects) -> int:
    """Passes when a block of effects takes place, with its events where it writes any of its own."""
    tells = block.says or block.ends or block.emits or block.starts or block.sends or block.tells
    cost = EFFECT + (EVENT if tells else 0)
    for assigned in (block.adds, block.scales, block.sets):
        cost += sum(weigh.all((place.owner, place.pair, code)) for place, code in assigned)
    for move in block.moves:
        cost += EVENT + weigh.all((move.payer, move.receiver, move.amount))
    cost += sum(weigh.all(code for _, code in params) for _, params in block.emits)
    cost += sum(weigh.all(code for _, code in roles) for _, roles in block.starts)
    cost += weigh.all(code for code, _ in block.sends)
    for tell in block.tells:
        cost += EVENT + weigh.all((*tell.named, tell.value, tell.when, tell.chance, tell.false, *_codes((tell.says,))))
    return cost + weigh.all(_codes((block.says,))) + (EVENT if block.ends else 0)


def ask_cost(law: Law, weigh: Weigher, ask: CAsk | None) -> int:
    """Passes when a question is put, every member answers, and it is decided."""
    if ask is None:
        return 0
    cost = 2 * EVENT + weigh.all(_codes((ask.question,)))
    for seat in ask.seats:
        lines = sum(weigh.of(vote.when) for vote in law.votes.get(seat, {}).get(ask.id, ()))
        cost += len(law.people[seat]) * (EVENT + lines)
    return cost + max(effects_cost(weigh, decision.effects) for decision in ask.decisions.values())


class Load(NamedTuple):
    """What one part of a scenario costs in a round."""

    path: tuple[str, ...]
    passes: int


def work_of(law: Law, weigh: Weigher) -> tuple[Work, list[Load]]:
    """(what `Draft.pay` is asked for, what a round by the calendar costs, part by part)."""
    sizes = law.names.sizes
    rules = {rule.id: _firing(law, weigh, rule) + ask_cost(law, weigh, rule.asks) for rule in law.rules}
    stages = {
        (process.id, stage.id): _stage(weigh, stage) + ask_cost(law, weigh, stage.asks)
        for process in law.processes.values()
        for stage in process.stages.values()
    }
    found = [Load(("rules", rule.id), _beats(law, rule) * _each(law, rule.for_, rules[rule.id])) for rule in law.rules]
    seats = len(law.scenario.seats)
    shown = sum(weigh.of(item.value) + 1 for item in law.indicators)
    found.append(Load(("indicators",), 2 * (seats + 1) * shown))
    found += [load for seat in law.scenario.seats for load in _seat(law, weigh, seat)]
    for key, board in law.scenario.boards.items():
        kind = board.of or key
        cells = sizes.get(kind, 0) * sum(1 + weigh.derived_cost(f"{kind}.{name}") for name in board.shows)
        found.append(Load(("boards", key), 2 * (seats + 1) * cells))
    steps: dict[str, int] = {}
    for (process, _), cost in stages.items():
        steps[process] = max(cost, steps.get(process, 0))
    return Work(rules, stages, steps), found


def _each(law: Law, kind: str | None, cost: int) -> int:
    """Something that is looked at for every member of a kind: of a process for those that run, the rest is passed."""
    size = 1 if kind is None else law.names.sizes.get(kind, 1)
    process = None if kind is None else law.processes.get(kind)
    return size * cost if process is None else size + min(size, process.limit) * cost


def _firing(law: Law, weigh: Weigher, rule: CRule) -> int:
    """A rule that is looked at for one entity, and fires."""
    picks = sum(law.names.sizes.get(pick.kind, 1) * weigh.all((pick.where, pick.by, pick.by)) for pick in rule.picks)
    cost = 1 + weigh.all((rule.when, rule.becomes, rule.chance)) + picks + effects_cost(weigh, rule.effects)
    return cost + (EVENT if rule.chance.text not in ("1", "1.0", "True") or rule.becomes is not None else 0)


def _stage(weigh: Weigher, stage: CStage) -> int:
    """A stage that is looked at, begins and ends."""
    cost = EVENT + weigh.all((*stage.needs, stage.chance, stage.fails_if)) + effects_cost(weigh, stage.effects)
    outcomes = [weigh.all((o.when, o.chance)) + effects_cost(weigh, o.effects) for o in stage.outcomes]
    return cost + sum(outcomes) + max((effects_cost(weigh, block) for _, block in stage.counters.values()), default=0)


def _beats(law: Law, rule: CRule) -> int:
    """On how many dates of one round a rule may be looked at, at most."""
    step = law.scenario.clock.step
    if rule.every is None and rule.on is None:
        return 0
    if rule.every == "day":
        return 366 if step == "year" else 92 if step == "quarter" else 31 if step == "month" else 7
    return 1 if rule.every is None else _times(rule.every, law.start, step)


@lru_cache(maxsize=64)
def _times(every: str, start: int, step: Step) -> int:
    """How often a beat falls in one round, at most."""
    # Rounds of one step differ by a day or two: the first one stands for all, and one more for the difference.
    first, last = span_of(start, step, 1)
    return 1 + sum(every in beats_on(day, first, last, step) for day in range(first, last + 1))


def _seat(law: Law, weigh: Weigher, seat: str) -> Iterator[Load]:
    """What a seat's menu, its own rules and its desk cost in a round."""
    sizes, turns = law.names.sizes, law.scenario.turns
    draws = 1 if turns.actions_per_turn == 1 and turns.menu < MENU else turns.actions_per_turn + BESIDE
    for action in law.actions[seat].values():
        shown = weigh.all(_codes((action.label, action.purpose, action.stem)))
        each = 1 + weigh.all((action.target_where, *action.needs, *(code for _, code in action.costs))) + shown
        each += weigh.all(bar for _, bar in action.bars)
        taken = EVENT + weigh.of(action.chance) + effects_cost(weigh, action.effects)
        taken += effects_cost(weigh, action.fails) if action.fails else 0
        targets = sizes.get(action.target_kind, 1) if action.target_kind else 1
        listed = _each(law, action.target_kind, each)
        yield Load(("actions", action.id), listed + taken * min(targets, draws))
    for effect in law.free.get(seat, {}).values():
        targets = sizes.get(effect.target_kind, 1) if effect.target_kind else 1
        where = 1 if effect.target_where is None else weigh.of(effect.target_where)
        yield Load(("free", "may", effect.id), 3 * targets * where + effects_cost(weigh, effect.effects))
    for number, rule in enumerate(law.policies.get(seat, ())):
        targets = 0 if rule.target is None else MENU * weigh.of(rule.target)
        cost = 1 + weigh.of(rule.when) + targets + weigh.all(rule.params.values())
        yield Load(("personas", seat, "policy", str(number)), cost * draws + EVENT * len(rule.promises))
    for number, line in enumerate(law.talks.get(seat, ())):
        cost = 1 + weigh.of(line.when) + weigh.all(_codes((line.says,))) + EVENT
        yield Load(("personas", seat, "talk", str(number)), cost * MOST_TURNS)
    kind = law.names.entities.get(law.scenario.seats[seat].plays, "")
    own = [weigh.derived_cost(f"{kind}.{name}") for name in law.names.kinds.get(kind, {})]
    yield Load(("seats", seat), 2 * sum(own))


def heaviest(found: Iterable[Load]) -> tuple[Load | None, int]:
    """(the part that costs most, all together)."""
    loads: dict[tuple[str, ...], int] = {}
    for load in found:
        loads[load.path] = loads.get(load.path, 0) + load.passes
    if not loads:
        return None, 0
    path = max(loads, key=lambda key: loads[key])
    return Load(path, loads[path]), sum(loads.values())
