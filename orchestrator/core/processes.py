"""Processes: instances begin, their stages end by the clock or by what they need, and they can be thrown back."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft
from orchestrator.core.effects import ARITHMETIC, Impact
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.law import CEffects, CProcess, CStage
from orchestrator.core.spans import after_span
from orchestrator.core.value import rounded

MOST_INSTANCES = 4_000
"""Of all processes in one run."""
NOTHING = CEffects((), (), (), (), (), (), (), (), None, 100, None, None, ())


def begin(
    draft: Draft, process_id: str, roles: Mapping[str, Any], cause: Cause, cites: tuple[str, ...]
) -> list[Impact]:
    """Starts an instance; its first stage's effects follow on the same date."""
    process = draft.law.processes[process_id]
    own = draft.members[process_id]
    running = sum(1 for instance in own if draft.state.values[instance]["running"])
    if running >= process.limit:
        draft.emit(
            ev.ProcessRefused(
                **draft.common(cause, cites=cites, process=process_id, why=f"{running} are running already")
            )
        )
        return []
    if len(own) >= draft.law.names.sizes.get(process_id, 1) or len(draft.state.instances) >= MOST_INSTANCES:
        why = f"{len(own)} have been begun in this run, and {len(draft.state.instances)} of all processes"
        draft.emit(ev.ProcessRefused(**draft.common(cause, cites=cites, process=process_id, why=why)))
        return []
    instance = f"{process_id}_{len(own) + 1}"
    values = {"stage": process.first, "outcome": "none", "running": True, **roles, **process.holds}
    draft.emit(
        ev.ProcessStarted(**draft.common(cause, cites=cites, instance=instance, process=process_id, values=values))
    )
    impacts = [enter(draft, instance, process.first)]
    if f"{process_id}_started" in draft.law.followers:
        happening = ev.Happening(name=f"{process_id}_started", params={"instance": instance})
        impacts.append(Impact(Cause(kind="process", id=instance), NOTHING, {}, _rule_event, emits=(happening,)))
    return impacts


def _rule_event(**common: Any) -> AnyEvent:
    return ev.RuleFired(**common)


def bound_of(draft: Draft, instance: str) -> dict[str, Any]:
    """The names a stage's expressions find: `self` and the roles."""
    process = draft.law.processes[draft.state.instances[instance]]
    return {"self": instance, **{role: draft.state.values[instance][role] for role in process.roles}}


def _stage(draft: Draft, instance: str) -> tuple[CProcess, CStage]:
    process = draft.law.processes[draft.state.instances[instance]]
    return process, process.stages[draft.state.values[instance]["stage"]]


def enter(draft: Draft, instance: str, stage_id: str) -> Impact:
    """The impact of a stage that begins now."""
    stage = draft.law.processes[draft.state.instances[instance]].stages[stage_id]
    due = (
        None
        if stage.lasts is None
        else after_span(draft, stage.lasts, draft.day, (instance, stage_id, "lasts", draft.date))
    )
    if due is not None:
        due = max(due, draft.day + 1)

    def make(**common: Any) -> AnyEvent:
        return ev.StageEntered(**common, instance=instance, stage=stage_id, due=due)

    asks = stage.asks if due is None else None
    cause = Cause(kind="process", id=instance)
    return Impact(cause, stage.effects, bound_of(draft, instance), make, silent=False, asks=asks)


def finish(draft: Draft, instance: str, outcome: str, text: str = "") -> Impact:
    """The impact of an instance that ends."""

    def make(**common: Any) -> AnyEvent:
        return ev.ProcessEnded(**common, instance=instance, outcome=outcome)

    happening = ev.Happening(name=f"{draft.state.instances[instance]}_ended", params={"instance": instance})
    return Impact(Cause(kind="process", id=instance), NOTHING, {}, make, text=text, silent=False, emits=(happening,))


def go_to(draft: Draft, instance: str, stage_id: str, outcome: str = "done") -> list[Impact]:
    """Enters a stage, or ends the instance; an outcome may be named in a stage's place, and has its effects then."""
    if not draft.state.values[instance]["running"]:
        return []
    process, now = _stage(draft, instance)
    if stage_id in process.stages:
        return [enter(draft, instance, stage_id)]
    if stage_id == "end":
        return [finish(draft, instance, outcome)]
    outcomes = (one for stage in (now, *process.stages.values()) for one in stage.outcomes)
    named = next((one for one in outcomes if one.id == stage_id), None)
    if named is None:
        return [finish(draft, instance, stage_id)]  # `countered` or `failed`
    cause, bound = Cause(kind="process", id=instance), bound_of(draft, instance)
    after = go_to(draft, instance, named.next, named.id)
    return [Impact(cause, named.effects, bound, _rule_event), *after]


def end_stage(draft: Draft, instance: str) -> tuple[list[Impact], str, str]:
    """A stage is over: (the outcome's effects, next stage, outcome)."""
    _, stage = _stage(draft, instance)
    scene = draft.scene(bound_of(draft, instance))
    open_ = [outcome for outcome in stage.outcomes if outcome.when.run(scene)]
    for index, outcome in enumerate(open_):
        die = roll(draft.state.seed, f"r{draft.state.round}", instance, stage.id, outcome.id, draft.date)
        if index == len(open_) - 1 or die < outcome.chance.run(scene):
            impact = Impact(
                Cause(kind="process", id=instance),
                outcome.effects,
                bound_of(draft, instance),
                _rule_event,
                die=rounded(die),
            )
            return [impact], outcome.next, outcome.id
    return [], stage.next, "done"


def looked_for(draft: Draft, beats: frozenset[str]) -> list[str]:
    """The running instances whose stage is looked at on these beats."""
    values, processes = draft.state.values, draft.law.processes
    found: list[str] = []
    for instance, process in draft.state.instances.items():
        own = values[instance]
        if not own["running"]:
            continue
        stage = processes[process].stages[own["stage"]]
        timed = stage.lasts is not None and (stage.asks is None or instance in draft.state.due)
        if stage.every in beats and (not timed or stage.fails_if is not None):
            found.append(instance)
    return found


def looked_at(draft: Draft, instance: str) -> tuple[bool, bool]:
    """(the stage is over, the process has failed) on a date on which it is looked at."""
    _, stage = _stage(draft, instance)
    scene = draft.scene(bound_of(draft, instance))
    try:
        if stage.fails_if is not None and stage.fails_if.run(scene):
            return False, True
        if instance in draft.state.due or not all(need.run(scene) for need in stage.needs):
            return False, False
        return roll(
            draft.state.seed, f"r{draft.state.round}", instance, stage.id, "needs", draft.date
        ) < stage.chance.run(scene), False
    except ARITHMETIC as error:
        draft.failed(Cause(kind="process", id=instance), f"{stage.id}: {type(error).__name__}: {str(error)[:60]}")
        return False, False


def countered(draft: Draft, action: str, target: str | None) -> list[tuple[str, str, Impact]]:
    """Instances whose stage this action throws back: (instance, stage to fall back to, effects)."""
    found: list[tuple[str, str, Impact]] = []
    for instance in draft.state.instances:
        if not draft.state.values[instance]["running"]:
            continue
        _, stage = _stage(draft, instance)
        if action not in stage.counters or (target in draft.state.instances and target != instance):
            continue
        back, effects = stage.counters[action]
        found.append(
            (
                instance,
                back,
                Impact(Cause(kind="process", id=instance), effects, bound_of(draft, instance), _rule_event),
            )
        )
    return found
