"""The game master's law: what happens of what was chosen, and what the world does by itself.

A round is opened, the moves are carried out on its first day, then its dates pass one by one, then it is
closed. Each step takes a state and returns events; nothing here asks anyone anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core import promises
from orchestrator.core.answering import drawn
from orchestrator.core.answering import pending as pending
from orchestrator.core.asking import decide, move_on, put, put_of_stage, withdraw
from orchestrator.core.calendar import day_number, iso, span_of
from orchestrator.core.dice import roll, triangular
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Applied, Impact, apply
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.expr import Scene
from orchestrator.core.happenings import START
from orchestrator.core.law import CRule, Law
from orchestrator.core.moves import impacts_of, named
from orchestrator.core.processes import begin, countered, end_stage, finish, go_to, looked_at, looked_for
from orchestrator.core.questions import resolved
from orchestrator.core.queue import Dates, dates_of
from orchestrator.core.reports import arrive, report_of, send
from orchestrator.core.state import RunState, fold
from orchestrator.core.text import render
from orchestrator.core.turn import Move
from orchestrator.core.value import rounded
from orchestrator.core.workload import EVENT

CHAIN = 12
"""Most batches that may follow each other on one date."""
AFTER = 8
"""The part of a purse that each stretch after a question has: there are at most `asking.MOST_QUESTIONS` of them."""


def open_run(law: Law, seed: int, design: str, sets: Mapping[str, Any]) -> list[AnyEvent]:
    """Round 0: the world as it starts, the numbers drawn, the values set by hand."""
    date = iso(law.start)
    base: dict[str, Any] = {"round": 0, "to": date, "cause": Cause(kind="run", id="start")}
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
        ev.NumbersDrawn(**base, numbers=numbers, draws=drawn(law, seed)),
    ]
    opened += set_values(base, sets)
    begun = law.followers.get(START, ())
    if begun:
        draft = Draft(law, fold(opened), law.start)
        _settle(draft, [impact for rule in begun for impact in firings(draft, rule, {})], in_order=False)
        opened += draft.events
    return opened


def set_values(base: Mapping[str, Any], sets: Mapping[str, Any]) -> list[AnyEvent]:
    """Interventions as events: checked values by path, `numbers.name` or `entity.variable`."""
    made: list[AnyEvent] = []
    for path, value in sets.items():
        head, _, rest = path.partition(".")
        if head == "numbers":
            made.append(ev.ValueSet(**base, path=path, number=value))
        else:
            made.append(ev.ValueSet(**base, path=path, changes=(ev.Change(head, rest, value),)))
    return made


def open_round(law: Law, state: RunState) -> list[AnyEvent]:
    round_ = state.round + 1
    first, last = span_of(law.start, law.scenario.clock.step, round_)
    clock = Cause(kind="clock", id=f"r{round_}")
    return [ev.RoundStarted(round=round_, from_=iso(first), to=iso(last), cause=clock)]


def acting(law: Law) -> tuple[str, ...]:
    """Seats in the order in which they act: those named in `turns.order` first, then as listed. Groups only answer."""
    named, seats = law.scenario.turns.order, law.scenario.seats
    return (*named, *(seat for seat, held in seats.items() if seat not in named and held.members is None))


def carry_out(law: Law, state: RunState, moves: Sequence[Move]) -> list[AnyEvent]:
    """What the rules let happen of these moves, on the round's first day, with all that follows on that day."""
    first, _ = span_of(law.start, law.scenario.clock.step, state.round)
    draft = Draft(law, state, first, deciding=True)
    in_order = law.scenario.turns.apply == "in_order"
    promises.make(draft, moves)
    for batch in [[move] for move in moves] if in_order else [moves]:
        _act(draft, batch, in_order=in_order)
    _settle(draft, _following(draft, Applied(named(law, moves), (), ())), in_order=False)
    withdraw(draft)
    return draft.events


def _act(draft: Draft, moves: Sequence[Move], *, in_order: bool) -> None:
    """Carries out moves that fall together, with all that follows."""
    impacts, done = impacts_of(draft, moves)
    _settle(draft, impacts, in_order=in_order)
    for action, target in done:
        for instance, back, impact in countered(draft, action, target):
            if not draft.pay(_step(draft, instance), _own(instance)):
                break
            _settle(draft, [impact], in_order=False)
            _settle(draft, go_to(draft, instance, back, "countered"), in_order=False)


def pass_time(law: Law, state: RunState) -> list[AnyEvent]:
    """The round's dates, one after the other, up to a question, an ending or the round's last day."""
    dates = dates_of(law, state.round)
    draft = Draft(law, state, dates.first)
    if not _halted(draft):
        _pass(draft, dates, opening=True)
    return draft.events


def advance(law: Law, state: RunState) -> list[AnyEvent]:
    """Decides the questions that are answered, and goes on to the next one, an ending or the round's last day."""
    if not state.open:
        return []
    assert not pending(law, state), "every member has answered, or failed to"
    dates = dates_of(law, state.round)
    draft = Draft(law, state, day_number(state.open[0].date))
    draft.purse //= AFTER
    draft.opening = state.open[0].opening
    impacts, onward = decide(draft)
    _settle(draft, impacts + move_on(draft, onward), in_order=False)
    arrive(draft)
    if not _halted(draft):
        _pass(draft, dates, opening=draft.opening)
    return draft.events


def _pass(draft: Draft, dates: Dates, *, opening: bool) -> None:
    """Plays the dates from the draft's own on (`opening`: that one among them) until the queue halts or is empty."""
    day: int | None = draft.day
    if not (opening and (draft.day in dates.beats or _anything_due(draft.state, draft.day))):
        day = dates.next_day(draft.state, draft.day)
    draft.opening = False
    while day is not None:
        draft.day = day
        _day(draft, dates)
        if _halted(draft):
            break
        day = dates.next_day(draft.state, day)


def _halted(draft: Draft) -> bool:
    """Whether the queue goes no further: somebody is asked, or the run has ended."""
    withdraw(draft)
    return bool(draft.state.open) or draft.state.ending is not None


def _anything_due(state: RunState, day: int) -> bool:
    return any(due <= day for due in state.due.values()) or any(item.due <= day for item in state.pending)


def close_round(law: Law, state: RunState) -> list[AnyEvent]:
    """Ends the round, and the run where an ending is reached or time has run out."""
    assert not state.open, "every question of the round is decided"
    first, last = span_of(law.start, law.scenario.clock.step, state.round)
    draft = Draft(law, state, last)
    clock = Cause(kind="clock", id=f"r{state.round}")
    promises.settle(draft)
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
        answers = resolved(law, draft.scene())
        draft.emit(ev.RunEnded(**draft.common(clock, cites=cites, text=text), outcome=ending, answers=answers))
    return draft.events


def _own(instance: str) -> Cause:
    return Cause(kind="process", id=instance)


def _day(draft: Draft, dates: Dates) -> None:
    """Everything that falls on one date: reports that arrive, stages that end, rules on their beats."""
    arrive(draft)
    due = {instance for instance, day in draft.state.due.items() if day <= draft.day}
    over = [one for one in draft.state.due if one in due and draft.pay(_step(draft, one), _own(one))]
    kinds = dates.beats.get(draft.day, frozenset())
    failed: list[str] = []
    for instance in looked_for(draft, kinds) if kinds else ():
        if instance not in due and draft.pay(_step(draft, instance), _own(instance)):
            ended, broke = looked_at(draft, instance)
            over += [instance] if ended else []
            failed += [instance] if broke else []
    impacts: list[Impact] = []
    ends: list[tuple[str, str, str]] = []
    for instance in over:
        if put_of_stage(draft, instance):
            continue
        try:
            found, next_, outcome = end_stage(draft, instance)
        except ARITHMETIC as error:
            draft.failed(_own(instance), f"{type(error).__name__}: {str(error)[:60]}")
            found, next_, outcome = [], "end", "failed"
        impacts += found
        ends.append((instance, next_, outcome))
    scene = draft.scene()
    for rule in dates.rules.get(draft.day, ()):
        impacts += firings(draft, rule, None, scene)
    follow = [impact for instance, next_, outcome in ends for impact in go_to(draft, instance, next_, outcome)]
    follow += [finish(draft, instance, "failed") for instance in failed]
    _settle(draft, impacts + follow, in_order=False)
    arrive(draft)  # what was sent today without a lag is known before the next round is decided


def firings(draft: Draft, rule: CRule, event: Mapping[str, Any] | None, scene: Scene | None = None) -> list[Impact]:
    """The impacts of a rule on this date, one for each entity it fires for. `scene`: the date's, its names free."""
    entities: Iterable[str | None] = (None,)
    if rule.for_ is not None:
        entities = [
            entity
            for entity in draft.members[rule.for_]
            if draft.state.values[entity].get("running", True) or rule.for_ not in draft.law.processes
        ]
    cause = Cause(kind="rule", id=rule.id)
    found: list[Impact] = []
    if scene is None:
        scene = draft.scene(None, event)
    for entity in entities:
        if rule.once and (rule.id, entity or "") in draft.state.fired:
            continue
        scene.bound = {} if entity is None else {"self": entity}
        try:
            impact = _firing(draft, rule, entity, cause, event, scene)
            if impact is None and rule.alarms:
                _false_alarms(draft, rule, entity, cause, scene)
        except ARITHMETIC as error:
            draft.failed(
                cause, f"{entity or 'condition'}: {type(error).__name__}: {str(error)[:60]}", rule.effects.cites
            )
            continue
        if impact is not None:
            found.append(impact)
    return found


def _firing(
    draft: Draft, rule: CRule, entity: str | None, cause: Cause, event: Mapping[str, Any] | None, scene: Scene
) -> Impact | None:
    if rule.becomes is not None:
        held = (rule.id, entity or "") in draft.state.holding
        holds = bool(rule.becomes.run(scene))
        if holds != held:
            draft.emit(ev.ConditionTurned(**draft.common(cause), on=entity, holds=holds))
        if held or not holds:
            return None
    if not (rule.always or rule.when.run(scene)):
        return None
    if rule.picks and not _picked(draft, rule, scene):
        return None
    bound = scene.bound
    chance = 1 if rule.sure else rule.chance.run(scene)
    die = None
    if chance <= 0:
        return None
    if chance < 1:
        address = [str(value) for value in bound.values()] + (
            [] if event is None else [str(value) for value in event.values()]
        )
        die = roll(draft.state.seed, f"r{draft.state.round}", rule.id, *address, draft.date)
        if die >= chance:
            return None

    def make(**common: Any) -> AnyEvent:
        return ev.RuleFired(**common, on=entity, once=rule.once)

    shown = None if die is None else rounded(die)
    return Impact(cause, rule.effects, bound, make, event=event, die=shown, silent=not rule.once, asks=rule.asks)


def _picked(draft: Draft, rule: CRule, scene: Scene) -> bool:
    """Binds the further entities of a rule in the scene; False where one is not to be found."""
    bound = dict(scene.bound)
    scene.bound = bound
    for pick in rule.picks:
        best: tuple[float, str] | None = None
        for each in draft.members[pick.kind]:
            bound[pick.name] = each  # the scene reads this very mapping
            if pick.where.run(scene):
                by = pick.by.run(scene)
                if best is None or by < best[0]:
                    best = by, each
        if best is None:
            return False
        bound[pick.name] = best[1]
    return True


def _false_alarms(draft: Draft, rule: CRule, entity: str | None, cause: Cause, scene: Scene) -> None:
    """Reports of a rule that was looked at and did not fire, where they have a chance to be made all the same."""
    if (rule.id, entity or "") in draft.state.holding:
        return  # what a rule with `becomes` waits for is there already: no alarm about it would be false
    scene.bound = {} if entity is None else {"self": entity}
    if not _picked(draft, rule, scene):
        return
    for number, tell in enumerate(rule.effects.tells):
        report = report_of(draft, tell, number, cause, scene, occasion=False)
        if report is not None:
            send(draft, cause, rule.effects.cites, [report])


def _settle(draft: Draft, impacts: list[Impact], *, in_order: bool) -> None:
    """Applies a batch and all that follows it on the same date."""
    for depth in range(CHAIN + 1):
        if not impacts:
            return
        if depth == CHAIN:
            draft.failed(impacts[0].cause, f"more than {CHAIN} batches follow each other on one date")
            return
        parts = [apply(draft, [one], in_order=True) for one in impacts] if in_order else [apply(draft, impacts)]
        impacts = [impact for part in parts for impact in _following(draft, part)]


def _step(draft: Draft, instance: str) -> int:
    """What an instance may cost from one stage to the next."""
    return draft.law.work.steps[draft.state.instances[instance]]


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
    sent: set[tuple[str, str]] = set()
    for instance, stage, cause in applied.sends:
        if (instance, stage) not in sent and draft.pay(_step(draft, instance), cause):
            sent.add((instance, stage))  # several causes that send it to one place send it once
            found += go_to(draft, instance, stage)
    for impact in applied.asks:
        put(draft, impact)
    return found
