"""A scenario as plain data for a reader who wants to play it or change it: seats, actions, endings, what may be set."""

from typing import Any

from orchestrator.core.calendar import iso, span_of
from orchestrator.core.exprtypes import PAIR
from orchestrator.core.law import CAction, Law
from orchestrator.core.questions import last_day
from orchestrator.core.text import Text


def scenario_document(law: Law, where: str) -> dict[str, Any]:
    """`scenarios show`: `{"id", "title", "about", "where", "clock", "seats", "actions", "indicators", "endings",
    "interventions", "questions", "relations"}`; costs are amounts or the scenario's own expressions."""
    scenario, clock = law.scenario, law.scenario.clock
    return {
        "id": scenario.scenario, "title": scenario.title, "about": " ".join(scenario.about.split()), "where": where,
        "clock": {
            "start": clock.start, "step": clock.step, "rounds": clock.rounds,
            "end": iso(span_of(law.start, clock.step, clock.rounds)[1]), "ends": clock.ends,
        },
        "seats": [_seat(law, seat) for seat in scenario.seats],
        "indicators": [
            {"id": item.id, "label": item.label, "unit": item.unit, "seen_by": _seen_by(law, item.visible)}
            for item in law.indicators
        ],
        "endings": [{"id": key, "label": ending.label} for key, ending in scenario.endings.items()],
        "interventions": [
            {
                "id": key, "label": item.label, "sets": item.sets, "range": item.range and list(item.range),
                "now": _now(law, item.sets),
            }
            for key, item in scenario.interventions.items()
        ],
        "questions": [{"id": item.id, "asks": _asked(law, item.asks)} for item in law.questions],
        "relations": [
            {
                "id": key, "label": law.labels[key], "of": list(relation.of), "unit": relation.unit,
                "seen_by": _seen_by(law, law.variables[key, PAIR].visible),
            }
            for key, relation in scenario.relations.items()
        ],
    }  # fmt: skip


def _seen_by(law: Law, visible: frozenset[str] | None) -> list[str] | None:
    """The seats, in the scenario's order; None: everyone."""
    return None if visible is None else [seat for seat in law.scenario.seats if seat in visible]


def _seat(law: Law, seat: str) -> dict[str, Any]:
    held, persona = law.scenario.seats[seat], law.personas[seat]
    return {
        "seat": seat, "label": held.label, "plays": held.plays, "by": held.by, "organisation": persona.organisation,
        "goals": list(persona.goals), "red_lines": list(persona.red_lines), "authority": list(persona.authority),
        "policy_rules": len(persona.policy), "members": held.members,
        "answers": list(dict.fromkeys(ask.id for ask in law.asks.values() if seat in ask.seats)),
        "actions": [_action(law, seat, action) for action in law.actions[seat].values()],
    }  # fmt: skip


def _action(law: Law, seat: str, action: CAction) -> dict[str, Any]:
    written = law.scenario.actions[action.id]
    kind = law.names.entities[law.scenario.seats[seat].plays]
    costs = {
        law.variables[kind, name.partition(".")[2]].label
        if (kind, name.partition(".")[2]) in law.variables
        else name: amount
        for name, amount in written.costs.items()
    }
    return {
        "id": action.id, "label": _words(action.label, action), "purpose": _words(action.purpose, action),
        "costs": costs, "target": action.target_kind, "visibility": action.visibility,
        "params": {name: list(values) for name, values in action.params.items()},
    }  # fmt: skip


def _words(text: Text, action: CAction) -> str:
    """A template without a world to read: the target as its kind, anything else as an ellipsis."""
    target = f"a {(action.target_kind or 'target').replace('_', ' ')}"
    return "".join(
        part if isinstance(part, str) else target if part[0].text == "target" else "…" for part in text.parts
    )


def _asked(law: Law, text: Text) -> str:
    """A question without a world to read: its date, and an ellipsis for anything else."""
    return "".join(
        part if isinstance(part, str) else last_day(law) if part[0].text == "date" else "…" for part in text.parts
    )


def _now(law: Law, path: str) -> Any:
    """What a path holds unless it is set: a value, or `[low, mode, high]` of a band."""
    head, _, rest = path.partition(".")
    if head != "numbers":
        return law.values.get(head, {}).get(rest)  # a pair of a relation too
    number = law.scenario.numbers[rest]
    return number.value if number.value is not None else [number.low, number.mode, number.high]
