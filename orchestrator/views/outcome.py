"""How a run came to its ending, who could have stopped it, and which warnings rang.

The path to an ending is read off the record: the event that reached it, the processes its condition looked at,
their stages with dates, needs, dice and signs. Who could have broken a stage is computed: seats that had a
countering action among their legal moves in a round in which the stage was running.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.calendar import day_number
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import CEffects, CStage, Law
from orchestrator.core.observe import legal
from orchestrator.core.state import RunState, happen
from orchestrator.views.causes import Past, explained, past_of, read_places

Json = dict[str, Any]


class Opened(NamedTuple):
    """The state in which the seats of a round decided."""

    round: int
    state: RunState


def openings(events: Sequence[AnyEvent]) -> Iterator[Opened]:
    """Each round's state when its seats decide."""
    state = RunState()
    for event in events:
        happen(state, event)
        if isinstance(event, ev.RoundStarted):
            yield Opened(event.round, copy(state))


def outcome_explained(law: Law, events: Sequence[AnyEvent], depth: int = 2) -> Json | None:
    """The path to the ending; None where none was reached.

    `{"outcome", "label", "date", "cause", "cites", "chain": [...], "weakest", "reads": [...], "bells": [...]}`. A
    link of the chain is a stage: `{"process", "instance", "stage", "label", "from", "to", "days", "needs",
    "chance", "die", "cites", "signs", "could_break", "broke"}`; `weakest` is the index of the link that most seats
    and rounds could have broken, null where nobody could have broken any.
    """
    reached = [event for event in events if isinstance(event, ev.EndingReached)]
    if not reached:
        return None
    end = min(reached, key=lambda event: (day_number(event.to), event.rank))
    past = past_of(law, events)
    instances = _instances(law, past, end.cause) or _instances(law, past, _origin(law, events, end.cause))
    rounds = list(openings(events))
    chain = [link for instance in instances for link in _links(law, events, rounds, instance)]
    chain.sort(key=lambda link: (link["from"], instances.index(link["instance"])))
    odds = [sum(len(way["rounds"]) for way in link["could_break"]) for link in chain]
    looked = read_places(law, past, "rule", end.cause.id, ("", "")) if end.cause.kind == "rule" else []
    reads = [
        explained(law, past, place, depth - 1)
        for place in looked
        if place[1] != "stage" and place[0] not in past.end.instances
    ]
    return {
        "outcome": end.ending,
        "label": law.scenario.endings[end.ending].label,
        "date": end.to,
        "cause": {"kind": end.cause.kind, "id": end.cause.id},
        "cites": list(end.cites),
        "chain": chain,
        "weakest": odds.index(max(odds)) if odds and max(odds) else None,
        "reads": reads,
        "bells": bells(law, events, end.to),
    }


def _instances(law: Law, past: Past, cause: ev.Cause) -> list[str]:
    """The process instances that led to it: the cause itself, or those whose variables the rule looks at."""
    begun = past.end.instances
    if cause.kind == "process":
        return [cause.id]
    looked: set[str] = set()
    for rule in law.rules:
        if rule.id == cause.id:
            codes = (rule.when, *([rule.becomes] if rule.becomes else []), *(pick.where for pick in rule.picks))
            looked = {kind for code in codes for kind, _ in code.reads} | set(rule.upon) | ({rule.for_ or ""})
    return [
        instance
        for instance, process in begun.items()
        if process in looked or f"{process}_ended" in looked or f"{process}_started" in looked
    ]


def _origin(law: Law, events: Sequence[AnyEvent], cause: ev.Cause) -> ev.Cause:
    """What set off a chain of rules that follow each other: an ending may be told in several sentences."""
    followed = {rule.id: rule.upon for rules in law.followers.values() for rule in rules}
    seen: set[str] = set()
    while cause.kind == "rule" and cause.id in followed and cause.id not in seen:
        seen.add(cause.id)
        names = followed[cause.id]
        emitters = [event.cause for event in events if any(one.name in names for one in event.emits)]
        if not emitters:
            break
        cause = emitters[-1]
    return cause


def _links(law: Law, events: Sequence[AnyEvent], rounds: Sequence[Opened], instance: str) -> Iterator[Json]:
    """The stages that an instance went through, in order."""
    entered = [event for event in events if isinstance(event, ev.StageEntered) and event.instance == instance]
    begun = [event for event in events if isinstance(event, ev.ProcessStarted) and event.instance == instance]
    ended = [event for event in events if isinstance(event, ev.ProcessEnded) and event.instance == instance]
    process = law.processes[begun[0].process]
    written = {stage.id: stage for stage in law.scenario.processes[process.id].stages}
    for at, event in enumerate(entered):
        over = entered[at + 1] if at + 1 < len(entered) else (ended[0] if ended else None)
        last = over.to if over is not None else events[-1].to
        stage = process.stages[event.stage]
        ways = list(_ways(law, rounds, instance, stage))
        yield {
            "process": process.id,
            "instance": instance,
            "stage": event.stage,
            "label": written[event.stage].label or event.stage.replace("_", " "),
            "from": event.to,
            "to": last,
            "days": day_number(last) - day_number(event.to),
            "needs": list(written[event.stage].needs),
            "chance": written[event.stage].chance,
            "die": None if over is None else over.die,
            "cites": list(stage.effects.cites),
            "signs": _signs(events, instance, event.to, last),
            "could_break": ways,
            "broke": bool(ended and at == len(entered) - 1 and ended[0].outcome == "countered"),
        }


def _ways(law: Law, rounds: Sequence[Opened], instance: str, stage: CStage) -> Iterator[Json]:
    """`{"seat", "action", "rounds"}`: who could have thrown this stage back, in which rounds."""
    for action in stage.counters:
        for seat in law.scenario.seats:
            if action not in law.actions[seat]:
                continue
            open_ = [
                opened.round
                for opened in rounds
                if _running(opened, instance, stage.id)
                and any(
                    option.action == action and option.target in (None, instance)
                    for option in legal(law, opened.state, seat, words=False)
                )
            ]
            if open_:
                yield {"seat": seat, "action": action, "rounds": open_}


def _running(opened: Opened, instance: str, stage: str) -> bool:
    held = opened.state.values.get(instance, {})
    return bool(held.get("running")) and held.get("stage") == stage


def _signs(events: Sequence[AnyEvent], instance: str, first: str, last: str) -> list[Json]:
    """Reports of this instance that arrived while the stage was running."""
    return [
        {"report": event.report, "date": event.to, "seats": list(event.seats), "bell": event.bell, "says": event.text}
        for event in events
        if isinstance(event, ev.ReportArrived) and event.cause.id == instance and first <= event.to <= last
    ]


def bells(law: Law, events: Sequence[AnyEvent], until: str | None = None) -> list[Json]:
    """Every warning sign that the scenario declares, whether it rang or not.

    `{"report", "seats", "rang": [dates], "first", "noticed": [seats], "acted": [{"seat", "action", "date"}],
    "days_left", "false"}`. Noticed: it reached the seat. Acted: afterwards a seat that it reached carried out an
    action that counters the process it came from, or that its persona's rules tie to this report. `days_left`: from
    the first ring to the run's ending.
    """
    arrived: dict[str, list[ev.ReportArrived]] = {report: [] for report in _declared(law)}
    for event in events:
        if isinstance(event, ev.ReportArrived) and event.bell:
            arrived.setdefault(event.report, []).append(event)
    declared = _declared(law)
    made: list[Json] = []
    for report, rang in arrived.items():
        seats = list(dict.fromkeys(seat for event in rang for seat in event.seats))
        answers = _answers(law, report)
        acted = [
            {"seat": event.seat, "action": event.action, "date": event.to}
            for event in events
            if isinstance(event, ev.ActionTaken)
            and rang
            and event.seat in seats
            and event.action in answers
            and event.to > rang[0].to
        ]
        left = None if not rang or until is None else day_number(until) - day_number(rang[0].to)
        made.append(
            {
                "report": report,
                "declared_for": list(declared.get(report, seats)),
                "rang": [event.to for event in rang],
                "first": rang[0].to if rang else None,
                "noticed": seats,
                "acted": acted,
                "days_left": left,
                "false": sum(1 for event in rang if getattr(event, "false", False)),
                "says": rang[0].text if rang else "",
            }
        )
    return sorted(made, key=lambda bell: (bell["first"] is None, bell["first"] or "", bell["report"]))


def _all_effects(law: Law) -> Iterator[CEffects]:
    for rule in law.rules:
        yield rule.effects
    for process in law.processes.values():
        for stage in process.stages.values():
            yield stage.effects
            yield from (outcome.effects for outcome in stage.outcomes)
            yield from (effects for _, effects in stage.counters.values())
    for actions in law.actions.values():
        for action in actions.values():
            yield action.effects


def _declared(law: Law) -> dict[str, tuple[str, ...]]:
    """Bell -> the seats that it may reach."""
    found: dict[str, dict[str, None]] = {}
    for effects in _all_effects(law):
        for tell in effects.tells:
            if tell.bell:
                found.setdefault(tell.report, {}).update(dict.fromkeys(tell.seats))
    return {report: tuple(seats) for report, seats in found.items()}


def _answers(law: Law, report: str) -> set[str]:
    """The actions that answer a report."""
    found = {
        rule.do
        for persona in law.personas.values()
        for rule in persona.policy
        if f"known.{report}." in rule.when and rule.do
    }
    for process in law.processes.values():
        told = {tell.report for stage in process.stages.values() for tell in stage.effects.tells}
        if report in told:
            found |= {action for stage in process.stages.values() for action in stage.counters}
    return found
