"""The round being written: events in order, and the state they fold to so far."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.calendar import civil, iso, span_of
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.expr import Scene, Values
from orchestrator.core.law import Law
from orchestrator.core.state import Known, RunState, happen
from orchestrator.core.text import render

PURSE = 1_000_000
"""Passes (see `workload`) that one stretch of a round may spend on what cannot be foreseen at load."""
_UNKNOWN = {"count": 0.0, "value": 0.0, "rounds_ago": 999.0}


def scene_of(
    law: Law,
    state: RunState,
    bound: Mapping[str, Any] | None = None,
    *,
    seat: str = "",
    event: Mapping[str, Any] | None = None,
) -> Scene:
    """What those who decide may read, on the first day of the state's round; `seat` adds what that seat was told.

    `was(x)` is the value when the round before began; on the round's later dates it is that of this round's start.
    """
    first, _ = span_of(law.start, law.scenario.clock.step, max(1, state.round))
    known: Mapping[str, Mapping[str, float]] = {}
    if seat:
        known = {
            "": _UNKNOWN,
            **{report: _known(held, state.round) for report, held in state.known.get(seat, {}).items()},
        }
    return Scene(
        state.values,
        state.before,
        state.numbers,
        clock_of(law, state.round, first),
        members_of(law, state),
        law.derived,
        bound or {},
        known,
        event,
    )


def clock_of(law: Law, round_: int, day: int) -> dict[str, int]:
    """What `clock` holds on a day."""
    year, month, _ = civil(day)
    return {
        "round": round_,
        "rounds": law.scenario.clock.rounds,
        "year": year,
        "month": month,
        "quarter": (month + 2) // 3,
    }


def _known(held: Known, round_: int) -> dict[str, float]:
    return {"count": held.count, "value": held.value, "rounds_ago": round_ - held.round}


def members_of(law: Law, state: RunState) -> dict[str, list[str]]:
    """Kind or process -> its entities or instances, in order. Kept with the state until an instance begins."""
    held: tuple[Law, Mapping[str, str], dict[str, list[str]]] | None = state.groups
    if held is not None and held[0] is law and held[1] is state.instances:
        return held[2]
    members: dict[str, list[str]] = {kind: list(held) for kind, held in law.members.items()}
    for process in law.processes:
        members[process] = []
    for instance, process in state.instances.items():
        members[process].append(instance)
    state.groups = law, state.instances, members
    return members


class Draft:
    """Collects the events of one stretch of a round; the only thing in the core that changes in place."""

    def __init__(self, law: Law, state: RunState, day: int, *, deciding: bool = False) -> None:
        """`deciding`: moves are carried out, so `was(x)` is what those who chose them saw."""
        self.law = law
        self.opening = deciding
        """What is asked here is asked before the first day's own queue."""
        self.was = state.before if deciding else state.was
        self.state = copy(state)
        """The draft's own, brought up to each event in place."""
        self.day = day
        self.events: list[AnyEvent] = []
        turns = law.scenario.turns
        in_turn = deciding and turns.decide == turns.apply == "in_order"
        self.purse = PURSE // (len(law.scenario.seats) if in_turn else 1)
        self._broke = False
        self._clock: tuple[tuple[int, int], dict[str, int]] = (-1, -1), {}

    @property
    def date(self) -> str:
        return iso(self.day)

    def scene(
        self,
        bound: Mapping[str, Any] | None = None,
        event: Mapping[str, Any] | None = None,
        before: Values | None = None,
        values: Values | None = None,
    ) -> Scene:
        """What an expression may read on this date; `values` and `before` where a change is told."""
        state, law = self.state, self.law
        if self._clock[0] != (self.day, state.round):
            self._clock = (self.day, state.round), clock_of(law, state.round, self.day)
        return Scene(
            state.values if values is None else values,
            self.was,
            state.numbers,
            self._clock[1],
            members_of(law, state),
            law.derived,
            {} if bound is None else bound,
            None,
            event,
            before,
        )

    @property
    def members(self) -> dict[str, list[str]]:
        return members_of(self.law, self.state)

    def common(self, cause: Cause, **more: Any) -> dict[str, Any]:
        """The fields that every event of this date has."""
        return {"round": self.state.round, "to": self.date, "cause": cause, **more}

    def emit(self, event: AnyEvent) -> None:
        self.events.append(event)
        happen(self.state, event)

    def failed(self, cause: Cause, what: str, cites: tuple[str, ...] = ()) -> None:
        self.emit(ev.RuleFailed(**self.common(cause, cites=cites, what=what)))

    def pay(self, passes: int, cause: Cause) -> bool:
        """Takes the cost of what an event or a process leads to; False, told once, when there is no more to spend.

        Counted and never timed: the same run stops at the same place on every machine.
        """
        if passes > self.purse and not self._broke:
            self._broke = True
            self.failed(cause, "too much follows from too much: the rest of what would follow is left out")
        if self._broke:
            return False
        self.purse -= passes
        return True

    def label(self, entity: str) -> str:
        """What people call an entity, a seat or a process instance."""
        held = self.law.labels.get(entity)
        return held if held is not None else label_of_instance(self.law, self.state, entity, self.scene())


def label_of_instance(law: Law, state: RunState, instance: str, scene: Scene) -> str:
    """A process instance by its template, or its id in words."""
    process = law.processes[state.instances[instance]]
    if process.label is None:
        return instance.replace("_", " ")
    roles = {role: state.values[instance].get(role) for role in process.roles}
    return render(
        process.label,
        scene.with_bound(self=instance, **roles),
        lambda inner: law.labels.get(inner, inner.replace("_", " ")),
    )
