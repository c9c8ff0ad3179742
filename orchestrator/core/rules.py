"""The game master's law: what happens of what was chosen, and what the world does by itself.

A round is opened, the moves are carried out on its first day, then its dates pass one by one, then it is
closed. Each step takes a state and returns events; nothing here asks anyone anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.calendar import day_number, iso, span_of
from orchestrator.core.dice import roll, triangular
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Applied, Impact, apply
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.law import CRule, Law
from orchestrator.core.moves import impacts_of
from orchestrator.core.processes import begin, countered, end_stage, finish, go_to, looked_at
from orchestrator.core.queue import Dates
from orchestrator.core.state import RunState
from orchestrator.core.text import render
from orchestrator.core.turn import Move
from orchestrator.core.value import rounded
from orchestrator.core.workload import EVENT

CHAIN = 12
"""Most batches that may follow each other on one date."""


def open_run(law: Law, seed: int, design: str, sets: Mapping[str, Any]) -> list[AnyEvent]:
    """Round 0: the world as it starts, the numbers drawn, the values set by hand."""
    date = iso(law.start)
    base: dict[str, Any] = {"round": 0, "from_": date, "to": date, "cause": Cause(kind="run", id="start")}
    numbers: dict[str, float] = {}
    for name, number in law.scenario.numbers.items():
        if number.value is not None:
            numbers[name] = rounded(number.value)
        else:
            numbers[name] = rounded(
                triangular(
                    number.low or 0.0, number.mode or 0.0, number.high or 0.0, roll(seed, "run", "numbers", name)
                )
            )
    values = {entity: dict(held) for entity, held in law.values.items()}
    opened: list[AnyEvent] = [
        ev.RunStarted(**base, design=design, seed=seed, scenario=law.scenario.scenario, values=values),
        ev.NumbersDrawn(**base, numbers=numbers),
    ]
    return opened + set_values(base, sets)


def set_values(base: Mapping[str, Any], sets: Mapping[str, Any]) -> list[AnyEvent]:
    """Interventions as events: checked values by path, `numbers.name` or `entity.variable`."""
    made: list[AnyEvent] = []
    for path, value in sets.items():
        head, _, rest = path.partition(".")
        if head == "numbers":
            made.append(ev.ValueSet(**base, path=path, number=value))
        else:
            made.append(ev.ValueSet(**base, path=path, changes=(ev.Change(entity=head, variable=rest, value=value),)))
    return made


def open_round(law: Law, state: RunState) -> list[AnyEvent]:
    round_ = state.round + 1
    first, last = span_of(law.start, law.scenario.clock.step, round_)
    clock = Cause(kind="clock", id=f"r{round_}")
    return [ev.RoundStarted(round=round_, from_=iso(first), to=iso(last), cause=clock)]


def acting(law: Law) -> tuple[str, ...]:
    """Seats in the order in which they act: those named in `turns.order` first, then as listed."""
    named = law.scenario.turns.order
    return (*named, *(seat for seat in law.scenario.seats if seat not in named))


def carry_out(law: Law, state: RunState, moves: Sequence[Move]) -> list[AnyEvent]:
    """What the rules let happen of these moves, on the round's first day, with all that follows on that day."""
    first, _ = span_of(law.start, law.scenario.clock.step, state.round)
    draft = Draft(law, state, first, deciding=True)
    impacts, done = impacts_of(draft, moves)
    _settle(draft, impacts, in_order=law.scenario.turns.apply == "in_order")
    for action, target in done:
        for instance, back, impact in countered(draft, action, target):
            if not draft.pay(_step(draft, instance), _own(instance)):
                break
            _settle(draft, [impact], in_order=False)
            _settle(draft, go_to(draft, instance, back, "countered"), in_order=False)
    return draft.events


def pass_time(law: Law, state: RunState) -> list[AnyEvent]:
    """The round's dates, one after the other, up to an ending or the round's last day."""
    dates = Dates(law, state.round)
    draft = Draft(law, state, dates.first)
    day: int | None = (
        dates.first
        if dates.first in dates.beats or _anything_due(state, dates.first)
        else dates.next_day(state, dates.first)
    )
    if state.ending is not None:
        return []
    while day is not None:
        draft.day = day
        _day(draft, dates)
        if draft.state.ending is not None:
            break
        day = dates.next_day(draft.state, day)
    return draft.events


def _anything_due(state: RunState, day: int) -> bool:
    return any(due <= day for due in state.due.values()) or any(item.due <= day for item in state.pending)


def close_round(law: Law, state: RunState) -> list[AnyEvent]:
    """Ends the round, and the run where an ending is reached or time has run out."""
    first, last = span_of(law.start, law.scenario.clock.step, state.round)
    draft = Draft(law, state, last)
    clock = Cause(kind="clock", id=f"r{state.round}")
    draft.emit(ev.RoundEnded(round=state.round, from_=iso(first), to=draft.date, cause=clock))
    if draft.state.ending is None and state.round >= law.scenario.clock.rounds:
        draft.emit(ev.EndingReached(**draft.common(clock), ending=law.scenario.clock.ends, rank=1000))
    if draft.state.ending is not None:
        ending = draft.state.ending
        try:
            text = render(law.endings[ending], draft.scene(), draft.label)
        except ARITHMETIC as error:
            text = f"{law.scenario.endings[ending].label}."
            draft.failed(clock, f"the closing sentence has no value: {type(error).__name__}")
        cites = law.scenario.endings[ending].source
        draft.day = day_number(draft.state.ending_date)
        draft.emit(ev.RunEnded(**draft.common(clock, cites=cites, text=text), outcome=ending))
    return draft.events


def _arrive(draft: Draft) -> None:
    """Reports that are due reach the notebooks of their readers."""
    for item in [held for held in draft.state.pending if held.due <= draft.day]:
        common = draft.common(item.cause, cites=item.cites, text=item.says, audience=item.seats)
        draft.emit(ev.ReportArrived(**common, report=item.report, seats=item.seats, value=item.value, bell=item.bell))


def _own(instance: str) -> Cause:
    return Cause(kind="process", id=instance)


def _day(draft: Draft, dates: Dates) -> None:
    """Everything that falls on one date: reports that arrive, stages that end, rules on their beats."""
    _arrive(draft)
    due = {instance for instance, day in draft.state.due.items() if day <= draft.day}
    over = [one for one in draft.state.due if one in due and draft.pay(_step(draft, one), _own(one))]
    kinds = dates.beats.get(draft.day, frozenset())
    failed: list[str] = []
    for instance in draft.state.instances if kinds else ():
        if not draft.state.values[instance]["running"] or instance in due:
            continue
        if draft.pay(_step(draft, instance), _own(instance)):
            ended, broke = looked_at(draft, instance, kinds)
            over += [instance] if ended else []
            failed += [instance] if broke else []
    impacts: list[Impact] = []
    ends: list[tuple[str, str, str]] = []
    for instance in over:
        try:
            found, next_, outcome = end_stage(draft, instance)
        except ARITHMETIC as error:
            draft.failed(_own(instance), f"{type(error).__name__}: {str(error)[:60]}")
            found, next_, outcome = [], "end", "failed"
        impacts += found
        ends.append((instance, next_, outcome))
    for rule in dates.rules.get(draft.day, ()):
        impacts += firings(draft, rule, None)
    follow = [impact for instance, next_, outcome in ends for impact in go_to(draft, instance, next_, outcome)]
    follow += [finish(draft, instance, "failed") for instance in failed]
    _settle(draft, impacts + follow, in_order=False)
    _arrive(draft)  # what was sent today without a lag is known before the next round is decided


def firings(draft: Draft, rule: CRule, event: Mapping[str, Any] | None) -> list[Impact]:
    """The impacts of a rule on this date, one for each entity it fires for."""
    entities: Iterable[str | None] = (None,)
    if rule.for_ is not None:
        entities = [
            entity
            for entity in draft.members[rule.for_]
            if draft.state.values[entity].get("running", True) or rule.for_ not in draft.law.processes
        ]
    cause = Cause(kind="rule", id=rule.id)
    found: list[Impact] = []
    for entity in entities:
        if rule.once and (rule.id, entity or "") in draft.state.fired:
            continue
        try:
            impact = _firing(draft, rule, entity, cause, event)
        except ARITHMETIC as error:
            draft.failed(
                cause, f"{entity or 'condition'}: {type(error).__name__}: {str(error)[:60]}", rule.effects.cites
            )
            continue
        if impact is not None:
            found.append(impact)
    return found


def _firing(
    draft: Draft, rule: CRule, entity: str | None, cause: Cause, event: Mapping[str, Any] | None
) -> Impact | None:
    bound: dict[str, Any] = {} if entity is None else {"self": entity}
    scene = draft.scene(bound, event)
    if rule.becomes is not None:
        held = (rule.id, entity or "") in draft.state.holding
        holds = bool(rule.becomes.run(scene))
        if holds != held:
            draft.emit(ev.ConditionTurned(**draft.common(cause), on=entity, holds=holds))
        if held or not holds:
            return None
    if not rule.when.run(scene):
        return None
    for pick in rule.picks:
        best: tuple[float, str] | None = None
        for each in draft.members[pick.kind]:
            bound[pick.name] = each  # the scene reads this very mapping
            if pick.where.run(scene) and (best is None or pick.by.run(scene) < best[0]):
                best = pick.by.run(scene), each
        if best is None:
            return None
        bound[pick.name] = best[1]
    chance = rule.chance.run(scene)
    die = None
    if chance < 1:
        address = [str(value) for value in bound.values()] + (
            [] if event is None else [str(value) for value in event.values()]
        )
        die = roll(draft.state.seed, f"r{draft.state.round}", rule.id, *address, draft.date)
        if die >= chance:
            return None

    def make(**common: Any) -> AnyEvent:
        return ev.RuleFired(**common, on=entity, once=rule.once)

    return Impact(
        cause, rule.effects, bound, make, event=event, die=None if die is None else rounded(die), silent=not rule.once
    )


def _settle(draft: Draft, impacts: list[Impact], *, in_order: bool) -> None:
    """Applies a batch and all that follows it on the same date."""
    for depth in range(CHAIN + 1):
        if not impacts:
            return
        if depth == CHAIN:
            draft.failed(impacts[0].cause, f"more than {CHAIN} batches follow each other on one date")
            return
        parts = [apply(draft, [impact]) for impact in impacts] if in_order else [apply(draft, impacts)]
        impacts = [impact for part in parts for impact in _following(draft, part)]


def _step(draft: Draft, instance: str) -> int:
    """What an instance may cost from one stage to the next."""
    process = draft.law.processes[draft.state.instances[instance]]
    return max(draft.law.work.stages[process.id, stage] for stage in process.stages)


def _following(draft: Draft, applied: Applied) -> list[Impact]:
    found: list[Impact] = []
    for happening, cause in applied.happenings:
        for rule in draft.law.followers.get(happening.name, ()):
            each = draft.law.work.rules[rule.id]
            if draft.pay(each * (1 if rule.for_ is None else len(draft.members[rule.for_])), cause):
                found += firings(draft, rule, happening.params)
    for name, roles, cause, cites in applied.starts:
        first = draft.law.processes[name].first
        if draft.pay(EVENT + draft.law.work.stages[name, first], cause):
            found += begin(draft, name, roles, cause, cites)
    for instance, stage, cause in applied.sends:
        if draft.pay(_step(draft, instance), cause):
            found += go_to(draft, instance, stage)
    return found
