"""Agreements in play, as far as they are more than processes and rules: what a binding clause refuses, and what
those who have signed read on their desks.

A clause over balances is held against each move of one who is bound: the move is tried on a copy of the state,
and refused where the clause would not hold afterwards. What rules bring about is nobody's move, and stays a breach.
"""

from collections.abc import Iterable, Mapping

from orchestrator.core.agreements import KIND, Guard
from orchestrator.core.blocks import Builder, Scope
from orchestrator.core.calendar import spoken
from orchestrator.core.dealparts import Agreement
from orchestrator.core.draft import Draft, label_of_instance, members_of
from orchestrator.core.effects import ARITHMETIC, Impact, apply
from orchestrator.core.exprtypes import Scene, Type
from orchestrator.core.law import CGuard, Law
from orchestrator.core.state import RunState
from orchestrator.core.text import Text, render
from orchestrator.core.turn import Reading


def compile_guards(build: Builder, guards: Iterable[Guard]) -> tuple[CGuard, ...]:
    """The clauses that moves are held against."""
    made: list[CGuard] = []
    for guard in guards:
        process = f"{guard.agreement}_party"
        scope = Scope({"self": Type("ref", kind=process)})
        when = f"self.running and self.pact.stage == 'in_force' and {guard.agreement}_{KIND}.enforced == 'binding'"
        binds = build.expr(when, scope, guard.path, "bool")
        made.append(CGuard(process, guard.why, binds, build.expr(guard.holds, scope, guard.path, "bool")))
    return tuple(made)


def compile_undertakings(build: Builder, agreements: Mapping[str, Agreement]) -> dict[str, Text]:
    """Agreement -> what each party undertakes."""
    made: dict[str, Text] = {}
    for key, held in agreements.items():
        scope = Scope({"terms": Type("ref", kind=f"{key}_terms")} if held.terms else {})
        made[key] = build.text(held.says, scope, ("agreements", key, "says"), changing=False)
    return made


def refusal(draft: Draft, entity: str, impact: Impact) -> str | None:
    """Why a move of the one who plays this entity is refused; None: no clause that binds would be broken by it."""
    trial: Draft | None = None
    for guard in draft.law.guards:
        for party in draft.members[guard.process]:
            if draft.state.values[party]["party"] != entity:
                continue
            try:
                before = draft.scene({"self": party})
                if not guard.binds.run(before):
                    continue
                held = bool(guard.holds.run(before))
                if trial is None:
                    trial = Draft(draft.law, draft.state, draft.day, deciding=True)
                    apply(trial, [impact])
                after = trial.scene({"self": party})
                if not guard.holds.run(after) and (held or _touched(trial, guard)):
                    return guard.why
            except ARITHMETIC:
                continue  # a clause without a value forbids nothing
    return None


def _touched(trial: Draft, guard: CGuard) -> bool:
    """Whether what was tried changed anything that the clause reads."""
    changed = {change[:2] for event in trial.events for change in event.changes}
    return any(
        (trial.law.kind_of(entity, trial.state.instances), variable) in guard.holds.reads
        for entity, variable in changed
    )


def bonds(law: Law, state: RunState, scene: Scene, seat: str) -> list[Reading]:
    """What this seat has signed and what it undertakes by it, while it is offered or in force."""
    entity = law.scenario.seats[seat].plays
    made: list[Reading] = []
    for key, undertaking in law.undertakings.items():
        members = members_of(law, state)[f"{key}_party"]
        for party in members:
            own = state.values[party]
            if own["party"] != entity or not own["running"]:
                continue
            pact = own["pact"]
            try:
                terms = {"terms": own["terms"]} if "terms" in own else {}
                says = render(undertaking, scene.with_bound(**terms), lambda one: law.labels.get(one, one))
                label = label_of_instance(law, state, pact, scene)
            except ARITHMETIC:
                continue  # as with any reading without a value
            held = [one for one in members if state.values[one]["pact"] == pact and state.values[one]["running"]]
            made.append(Reading("Signed", f"{label} ({says}), {_standing(state, key, pact, len(held))}", "", 0, None))
    return made


def _standing(state: RunState, key: str, pact: str, count: int) -> str:
    enforced = state.values[f"{key}_{KIND}"]["enforced"]
    if state.values[pact]["stage"] == "offered":
        return f"offered, {count} signed so far"
    until = f" until {spoken(state.due[pact])}" if pact in state.due else ""
    held = {"none": "nobody holds anyone to it", "binding": "binding"}.get(enforced, "by its parties' word")
    return f"in force{until} between {count}, {held}"
