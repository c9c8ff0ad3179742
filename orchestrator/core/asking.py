"""Questions within a round: one is put where a rule or stage asks, and decided once every member has answered.

The queue of dates halts between the two (`rules.pass_time`, `rules.advance`). A decision's effects fall on the date
of the question, under the cause of whoever asked.
"""

from typing import Any, Literal

from orchestrator.core import events as ev
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Impact
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.law import CAsk, Law
from orchestrator.core.processes import bound_of, go_to, looked_at
from orchestrator.core.text import render

MOST_QUESTIONS = 24
"""Of one round: each halts the queue, and what follows from it has a purse of its own (`rules.advance`)."""
_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def put(draft: Draft, impact: Impact) -> None:
    """Puts the question of a rule that has fired, or of a stage that has begun and waits for nothing."""
    assert impact.asks is not None
    if impact.cause.kind == "process":
        instance = impact.cause.id
        if not _still(draft, impact.asks.place, instance) or not looked_at(draft, instance)[0]:
            return  # it has moved on, or its needs do not hold: then its beats look again
    _ask(draft, impact.asks, impact)


def put_of_stage(draft: Draft, instance: str) -> bool:
    """Puts the question of a stage that is over; False where the stage asks nothing."""
    process = draft.law.processes[draft.state.instances[instance]]
    stage = process.stages[draft.state.values[instance]["stage"]]
    if stage.asks is None:
        return False
    cause = Cause(kind="process", id=instance)
    _ask(draft, stage.asks, Impact(cause, stage.effects, bound_of(draft, instance), _fired))
    return True


def _ask(draft: Draft, ask: CAsk, impact: Impact) -> None:
    state, cause = draft.state, impact.cause
    if any(held.place == ask.place and held.cause == cause and held.bound == impact.bound for held in state.open):
        return
    if state.asked >= MOST_QUESTIONS:
        draft.failed(cause, f"more than {MOST_QUESTIONS} questions in one round: this one is not put", ask.cites)
        return
    try:
        about = render(ask.question, draft.scene(impact.bound, impact.event), draft.label)
    except ARITHMETIC as error:
        draft.failed(cause, f"the question has no value: {type(error).__name__}", ask.cites)
        return
    draft.emit(
        ev.QuestionAsked(
            **draft.common(cause, cites=ask.cites, audience=()),
            n=state.asked + 1,
            question=ask.id,
            place=ask.place,
            seats=ask.seats,
            about=about,
            bound=dict(impact.bound),
            params=None if impact.event is None else dict(impact.event),
            opening=draft.opening,
        )
    )


def _still(draft: Draft, place: str, instance: str) -> bool:
    """Whether a process is at the stage that asks."""
    process, _, stage = place.partition(".")
    own = draft.state.values[instance]
    return bool(own["running"]) and own["stage"] == stage and draft.state.instances[instance] == process


def withdraw(draft: Draft) -> None:
    """Takes back what need no longer be answered: the stage that asked is over, or the run is."""
    for held in draft.state.open:
        moved = held.cause.kind == "process" and not _still(draft, held.place, held.cause.id)
        if moved or draft.state.ending is not None:
            common = draft.common(held.cause, cites=draft.law.asks[held.place].cites, audience=())
            draft.emit(ev.QuestionDecided(**common, n=held.n, question=held.question, decision="lapsed"))


def decide(draft: Draft) -> tuple[list[Impact], list[tuple[str, str, str]]]:
    """Decides every open question: (what follows of it, processes that go on as (instance, stage, outcome))."""
    impacts: list[Impact] = []
    onward: list[tuple[str, str, str]] = []
    for held in draft.state.open:
        ask = draft.law.asks[held.place]
        given = list(held.answers.values())
        yes, no = given.count("yes"), given.count("no")
        failed = len(given) - yes - no
        decision = decided(ask.decides, yes, no, failed)
        draft.emit(
            ev.QuestionDecided(
                **draft.common(
                    held.cause,
                    cites=ask.cites,
                    text=told(draft.law, ask, held.about, yes, no, failed),
                    audience=ask.audience,
                ),
                n=held.n, question=held.question, decision=decision, yes=yes, no=no, failed=failed,
            )
        )  # fmt: skip
        way = ask.decisions[decision]
        bound = dict(held.bound)
        impacts.append(Impact(held.cause, way.effects, bound, _fired, event=held.params, way=decision))
        if way.next is not None:
            onward.append((held.cause.id, way.next, decision))
    return impacts, onward


def move_on(draft: Draft, onward: list[tuple[str, str, str]]) -> list[Impact]:
    """The stages that follow decisions."""
    steps = draft.law.work.steps
    return [
        impact
        for instance, stage, decision in onward
        if draft.pay(steps[draft.state.instances[instance]], Cause(kind="process", id=instance))
        for impact in go_to(draft, instance, stage, decision)
    ]


def _fired(**common: Any) -> AnyEvent:
    return ev.RuleFired(**common)


def decided(decides: str, yes: int, no: int, failed: int) -> Literal["yes", "no", "neither"]:
    """What the answers come to: `yes`, `no` or `neither`. An answer that failed counts as neither yes nor no."""
    asked = yes + no + failed
    match decides:
        case "any":
            return "yes" if yes else "no" if no == asked else "neither"
        case "unanimous":
            return "no" if no else "yes" if yes == asked else "neither"
        case _:
            return "yes" if 2 * yes > asked else "no" if 2 * no > asked else "neither"


def told(law: Law, ask: CAsk, about: str, yes: int, no: int, failed: int) -> str:
    """`The senior engineers are asked whether training may resume: four agree, one refuses.`"""
    labels = [law.labels[seat] for seat in ask.seats]
    who = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    asked = yes + no + failed
    verbs = (ask.words["yes"], ask.words["no"], ("gives no usable answer", "give no usable answer"))
    counted = [(count, verb) for count, verb in zip((yes, no, failed), verbs, strict=True) if count]
    if asked == 1:
        tally = f"and {counted[0][1][0]}"
    elif len(counted) == 1:
        tally = f"{'both' if asked == 2 else f'all {_number(asked)}'} {counted[0][1][1]}"
    else:
        tally = ", ".join(f"{_number(count)} {verb[count > 1]}" for count, verb in counted)
    what = f"“{about}”" if about.endswith("?") else f"whether {about}"
    text = f"{who} is asked {what}, {tally}." if asked == 1 else f"{who} are asked {what}: {tally}."
    return text[:1].upper() + text[1:]


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)
