"""Whether a part of the scenario acts: without it an indicator or a legal menu of some run would be another."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.core.draft import scene_of
from orchestrator.core.law import COutcome, Law
from orchestrator.core.observe import glance
from orchestrator.core.processes import NOTHING
from orchestrator.core.state import RunState
from orchestrator.library import Loaded, load_scenario
from tests.scenarios.takeoff.alone import ROOT, World, decided, takeoff
from tests.support.worlds import of_kind, opened, play_round

AHEAD = 7
"""Rounds within which a difference must show."""


@cache
def _loaded() -> Loaded:
    return load_scenario("takeoff", ROOT)


def ids_of(file: str, section: str) -> list[str]:
    """The rules, processes or actions that one file of the scenario writes."""
    loaded = _loaded()
    found: list[str] = list(getattr(loaded.scenario, section))
    return [key for key in found if Path(loaded.where((section, key)).rpartition(":")[0]).name == file]


def indicators(law: Law, state: RunState) -> tuple[float, ...]:
    """Every indicator as it stands."""
    here = scene_of(law, state, {})
    return tuple(round(item.value.run(here), 6) for item in law.indicators)


def menus(law: Law, state: RunState) -> tuple[tuple[str, str | None], ...]:
    """Every seat's legal moves in the coming round."""
    state = opened(law, state)
    return tuple((o.action, o.target) for seat in law.scenario.seats for o in glance(law, state, seat).options)


def differs(world: World, law: Law, first: int) -> bool:
    """Whether the world, played on from its round `first` under another law, shows anything else."""
    state, moves = world.past[first - 1]
    for at in range(first, min(first + AHEAD, len(world.past)) + 1):
        made = decided(law, state) if moves is None else moves
        _, state = play_round(law, state, made)
        last = at == len(world.past)
        before, moves = (world.state, None) if last else world.past[at]
        if indicators(law, state) != indicators(world.law, before) or menus(law, state) != menus(world.law, before):
            return True
        if last:
            break
    return False


def rounds_of(world: World, rule: str) -> Iterator[int]:
    """Of the rounds in which a rule did anything the first, one a third on, and one two thirds on."""
    found: list[int] = []
    for event in world.events:
        named = [key for key, _ in event.rules] if event.kind == "numbers_moved" else [event.cause.id]
        if rule in named and event.round not in found and event.kind != "condition_turned":
            found.append(event.round)
    return iter(dict.fromkeys(found[len(found) * part // 3] for part in range(3) if found))


def rule_acts(rule: str, worlds: Sequence[World]) -> bool:
    return any(differs(world, takeoff(rule), first) for world in worlds for first in rounds_of(world, rule))


def idle_parts(process: str, worlds: Sequence[World]) -> list[str]:
    """The stages and outcomes of a process that change something in none of these worlds."""
    idle: list[str] = []
    for stage in takeoff().processes[process].stages.values():
        if stage.effects != NOTHING._replace(cites=stage.effects.cites):
            law = _with(process, stage._replace(effects=NOTHING))
            if not any(differs(world, law, first) for world in worlds for first in _entered(world, process, stage.id)):
                idle.append(f"{process}.{stage.id}")
        for outcome in stage.outcomes:
            if outcome.effects == NOTHING._replace(cites=outcome.effects.cites):
                continue  # it only says where to go on
            others = tuple(held._replace(effects=NOTHING) if held.id == outcome.id else held for held in stage.outcomes)
            law = _with(process, stage._replace(outcomes=others))
            if not any(
                differs(world, law, first) for world in worlds for first in _left(world, process, stage.id, outcome)
            ):
                idle.append(f"{process}.{stage.id}.{outcome.id}")
    return idle


def _with(process: str, stage: Any) -> Law:
    law = takeoff()
    held = law.processes[process]
    changed = held._replace(stages={**held.stages, stage.id: stage})
    return law._replace(processes={**law.processes, process: changed})


def _steps(world: World, process: str) -> Iterator[tuple[str, str, int]]:
    """(instance, the stage it came to or `end`, round)."""
    for event in of_kind(world.events, "stage_entered", "process_ended"):
        if event.instance.rpartition("_")[0] == process:
            yield event.instance, event.stage if event.kind == "stage_entered" else "end", event.round


def _entered(world: World, process: str, stage: str) -> list[int]:
    return list(dict.fromkeys(round_ for _, name, round_ in _steps(world, process) if name == stage))


def _left(world: World, process: str, stage: str, outcome: COutcome) -> list[int]:
    """The rounds in which an instance left a stage, and may have left it in this way."""
    at: dict[str, str] = {}
    found: list[int] = []
    for instance, name, round_ in _steps(world, process):
        if at.get(instance) == stage and (outcome.next != "end" or world.outcome(instance) == outcome.id):
            found.append(round_)
        at[instance] = name
    return list(dict.fromkeys(found))
