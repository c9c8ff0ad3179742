"""The world of takeoff by itself: its rules from a start that a test sets, with only the moves that it makes.

Endings are taken out, so that a mechanism can be watched for as long as it takes.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.core.compile import compile_law
from orchestrator.core.draft import scene_of
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.observe import glance, observe
from orchestrator.core.parts import Process, Stage
from orchestrator.core.policy import policy_move
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Move
from orchestrator.library import load_scenario
from tests.support.worlds import begun, opened, play_round

ROOT = Path(__file__).parents[3]
NEVER = {"ends": None}


@cache
def _files() -> tuple[Scenario, Mapping[str, Persona]]:
    loaded = load_scenario("takeoff", ROOT)
    return loaded.scenario, loaded.personas


def _endless(scenario: Scenario) -> Scenario:
    return scenario.model_copy(
        update={
            "rules": {key: rule.model_copy(update=NEVER) for key, rule in scenario.rules.items()},
            "processes": {key: _open(process) for key, process in scenario.processes.items()},
            "actions": {key: action.model_copy(update=NEVER) for key, action in scenario.actions.items()},
            "clock": scenario.clock.model_copy(update={"rounds": 40}),
        }
    )


def _open(process: Process) -> Process:
    return process.model_copy(update={"stages": tuple(_stage(stage) for stage in process.stages)})


def _stage(stage: Stage) -> Stage:
    outcomes = {key: outcome.model_copy(update=NEVER) for key, outcome in stage.outcomes.items()}
    counters = {key: counter.model_copy(update=NEVER) for key, counter in stage.countered_by.items()}
    return stage.model_copy(update={**NEVER, "outcomes": outcomes, "countered_by": counters})


@cache
def _law() -> Law:
    scenario, personas = _files()
    compiled = compile_law(_endless(scenario), personas)
    assert compiled.law is not None, compiled.problems
    return compiled.law


@cache
def takeoff(*silent: str) -> Law:
    """The law without endings, and without these rules."""
    law = _law()
    assert set(silent) <= {rule.id for rule in law.rules}
    followers = {name: tuple(rule for rule in rules if rule.id not in silent) for name, rules in law.followers.items()}
    return law._replace(rules=tuple(rule for rule in law.rules if rule.id not in silent), followers=followers)


def only(*kept: str) -> Law:
    """The law with no rules but these: processes and moves go on."""
    return takeoff(*(rule.id for rule in _law().rules if rule.id not in kept))


def decided(law: Law, state: RunState, seats: Sequence[str] = ()) -> list[Move]:
    """What these seats, or all, do by their own rules in the coming round."""
    state = opened(law, state)
    moves = [policy_move(law, state, glance(law, state, seat)) for seat in seats or law.scenario.seats]
    return [move for move in moves if move.action != WAIT]


class World:
    """A run that a test plays by hand."""

    def __init__(self, seed: int = 1, law: Any = None, **sets: Any) -> None:
        """`law` is that of the files where none is given; `sets` are start values by path, with `__` for the dot:
        `tiktok__reach=50`."""
        self.law: Law = law or takeoff()
        self.state: RunState = begun(self.law, seed, {path.replace("__", "."): value for path, value in sets.items()})
        self.events: list[AnyEvent] = []
        self.past: list[tuple[RunState, Sequence[Move] | None]] = []
        """Before each round: the state, and the moves made in it, or None where seats followed their policy."""

    def go(self, rounds: int = 1, **first: str) -> "World":
        """Plays rounds; in the first of them these seats make these moves, and nobody makes any other."""
        moves = [Move(seat, 1, action) for seat, action in first.items()]
        for _ in range(rounds):
            self.past.append((self.state, moves))
            happened, self.state = play_round(self.law, self.state, moves)
            self.events += happened
            moves = []
        return self

    def on_policy(self, rounds: int, seats: Sequence[str] = ()) -> "World":
        """Plays rounds in which these seats, or all, follow their own rules."""
        for _ in range(rounds):
            self.past.append((self.state, None))
            moves = decided(self.law, self.state, seats)
            happened, self.state = play_round(self.law, self.state, moves)
            self.events += happened
        return self

    def __getitem__(self, path: str) -> float:
        """A number of the world, stored or derived: `world["tiktok.reach"]`."""
        entity, _, name = path.partition(".")
        stored = self.state.values[entity]
        if name in stored:
            return stored[name]
        kind = self.law.names.entities[entity]
        return self.law.derived[f"{kind}.{name}"](scene_of(self.law, self.state, {}), self.state.values, entity)

    def open_to(self, seat: str) -> set[str]:
        """The actions that are legal for a seat in the coming round."""
        return {option.action for option in observe(self.law, opened(self.law, self.state), seat).options}

    def of(self, cause: str) -> list[AnyEvent]:
        """The events of a rule, a move (`seat/action`) or a process instance."""
        return [event for event in self.events if event.cause.id == cause]

    def said(self, cause: str) -> list[str]:
        """What is told in the record because of it."""
        return [event.text for event in self.of(cause) if event.text]

    def entered(self, instance: str) -> dict[str, str]:
        """Stage -> the day on which an instance of a process reached it."""
        return {
            event.stage: event.to
            for event in self.events
            if event.kind == "stage_entered" and event.instance == instance
        }

    def outcome(self, instance: str) -> Any:
        """How an instance of a process ended; `none` while it runs."""
        return self.state.values[instance]["outcome"]

    def cited(self) -> set[str]:
        """Every entry of the source that has shown in this run."""
        return {entry for event in self.events for entry in event.cites}


@cache
def played(seed: int) -> World:
    """A long run on policy in which Google shows its demo in the first May."""
    return World(seed, numbers__demo_from=4).on_policy(22)
