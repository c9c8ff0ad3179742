"""Random legal moves on takeoff and on the bench: what must hold whatever is played.

Ledgers conserve, ranges hold, what is private to one seat changes nothing that another sees, the fold of the
stored events is the state, and a replay gives the same bytes.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.core import rules
from orchestrator.core.call import Call
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import AnyEvent, NumbersMoved, event_from
from orchestrator.core.law import CEffects, Law
from orchestrator.core.observe import observe
from orchestrator.core.state import RunState, evolve, fold, share_of
from orchestrator.core.turn import Move
from orchestrator.core.value import canonical, digest
from orchestrator.runtime import run
from orchestrator.runtime.prepare import load_law
from orchestrator.runtime.recorded import Played, law_of_data, recorded
from orchestrator.runtime.replay import check, replay
from tests.support.asking import VERDICT, Answering
from tests.support.games import GAME, POLICIES, Rule, bodies, play, store
from tests.support.prompting import COMPOSE, POLICY, prompter
from tests.support.worlds import begun, law_of, opened, play_round

ROOT = Path(__file__).parents[2]


@lru_cache
def law_named(name: str) -> Law:
    return law_of(GAME, POLICIES) if name == "bench" else load_law(name, ROOT)[1]


def random_moves(law: Law, state: RunState, random: Random) -> list[Move]:
    moves: list[Move] = []
    for seat in rules.acting(law):
        option = random.choice(observe(law, state, seat).options)
        params = {name: random.choice(values) for name, values in option.params.items()}
        moves.append(Move(seat, 1, option.action, option.target, params))
    return moves


# --- the invariants -----------------------------------------------------------------------------------------


def check_values(law: Law, state: RunState) -> None:
    """Every value is of its type and in its range."""
    for entity, held in state.values.items():
        kind = law.kind_of(entity, state.instances)
        for name, value in held.items():
            info = law.variables[kind, name]
            match info.type.name:
                case "num":
                    assert math.isfinite(value), (entity, name)
                    if info.range is not None:
                        assert info.range[0] <= value <= info.range[1], (entity, name, value)
                case "bool":
                    assert isinstance(value, bool), (entity, name)
                case "enum":
                    assert value in info.type.names, (entity, name)
                case _:
                    assert value is None or value in state.values or value in law.scenario.seats, (entity, name)


def total(law: Law, values: Mapping[str, Mapping[str, Any]], instances: Mapping[str, str], ledger: str) -> float:
    return math.fsum(
        value
        for entity, held in values.items()
        for name, value in held.items()
        if law.variables[law.kind_of(entity, instances), name].ledger == ledger
    )


def effects_of(law: Law, event: AnyEvent) -> Iterable[CEffects]:
    """The effects that an event's cause may have had."""
    cause = event.cause
    if isinstance(event, NumbersMoved):
        named = {rule for rule, _ in event.rules}
        return [rule.effects for rule in law.rules if rule.id in named]
    if cause.kind == "rule":
        return [rule.effects for rule in law.rules if rule.id == cause.id]
    if cause.kind == "move":
        seat, action = cause.id.split("/")
        held = law.actions[seat].get(action)
        return [] if held is None else [held.effects, *([held.fails] if held.fails else [])]
    if cause.kind == "process":
        stages = law.processes[cause.id.rsplit("_", 1)[0]].stages.values()
        blocks = [stage.effects for stage in stages] + [o.effects for stage in stages for o in stage.outcomes]
        return blocks + [effects for stage in stages for _, effects in stage.counters.values()]
    return []


def check_ledgers(law: Law, before: RunState, after: RunState, events: list[AnyEvent]) -> None:
    """What is there changed by what was created and used up, and only declared sources and sinks did that."""
    for ledger in law.scenario.ledgers:
        moved: list[float] = []
        state = before
        for event in events:
            held, state = state.values, evolve(state, event)
            own = [
                share_of(change, held) or 0.0
                for change in event.changes
                if law.variables[law.kind_of(change.entity, after.instances), change.variable].ledger == ledger
            ]
            if not own:
                continue
            moved += own
            moves = [move for effects in effects_of(law, event) for move in effects.moves if move.ledger == ledger]
            if not any(move.payer is None or move.receiver is None for move in moves):
                assert math.fsum(own) == pytest.approx(0, abs=1e-6), event
        was, now = (total(law, state.values, after.instances, ledger) for state in (before, after))
        assert now - was == pytest.approx(math.fsum(moved), abs=1e-5, rel=1e-9)


def check_secrecy(law: Law, state: RunState) -> None:
    """Nothing that a seat sees or is asked depends on what only others see."""
    for seat in law.scenario.seats:
        other = shaken(law, state, seat)
        assert other.values != state.values
        mine, theirs = observe(law, state, seat), observe(law, other, seat)
        assert mine.options == theirs.options, seat
        assert mine.notebook == theirs.notebook
        assert mine.record == theirs.record
        assert mine.private == theirs.private, seat
        asked = [
            prompter(law).compose(now, seen, COMPOSE, f"r{state.round}/{seat}/decide/1").messages[-1].content
            for now, seen in ((state, mine), (other, theirs))
        ]
        assert asked[0] == asked[1], seat
        for name, persona in law.personas.items():
            for fact in persona.private if name != seat else ():
                assert fact.fact.rstrip(". ") not in asked[0], (name, seat)
        for name, lines in state.notebook.items():
            for line in lines if name != seat else ():
                read = [*state.record, *state.notebook.get(seat, ())]
                assert line.text not in asked[0] or any(line.text == other.text for other in read), (name, seat)


def shaken(law: Law, state: RunState, seat: str) -> RunState:
    """The same state but for all that this seat does not see: numbers moved, reports and notebooks of others gone."""
    shown = {
        pair for item in law.indicators if item.visible is None or seat in item.visible for pair in item.value.reads
    }

    def moved(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            entity: {
                name: value + 1.2345
                if (kind := law.kind_of(entity, state.instances))
                and law.variables[kind, name].type.name == "num"
                and not law.sees(seat, kind, name)
                and (kind, name) not in shown
                else value
                for name, value in held.items()
            }
            for entity, held in values.items()
        }

    return replace(
        state,
        values=moved(state.values),
        was=moved(state.was),
        before=moved(state.before),
        known={name: held for name, held in state.known.items() if name == seat},
        notebook={name: held for name, held in state.notebook.items() if name == seat},
        pending=(),
    )


@pytest.mark.parametrize(("name", "rounds"), [("bench", 4), ("commons", 12), ("takeoff", 16)])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(seed=st.integers(0, 10_000), random=st.randoms(use_true_random=False, note_method_calls=False))
def test_whatever_is_played_the_invariants_hold(name: str, rounds: int, seed: int, random: Random) -> None:
    law = law_named(name)
    events = rules.open_run(law, seed, "design", {})
    state = begun(law, seed)
    while not state.ended and state.round < rounds:
        now = opened(law, state)
        moves = random_moves(law, now, random)
        if state.round in (1, 6, 11):
            check_secrecy(law, now)
        happened, after = play_round(law, state, moves)
        check_values(law, after)
        check_ledgers(law, state, after, happened)
        events += happened
        state = after
    assert fold(event_from(event.body()) for event in events) == state


# --- through the store --------------------------------------------------------------------------------------


def any_legal(call: Call) -> Answering:
    """A legal answer picked by the call's seed."""
    random = Random(call.seed)
    _, _, kind, _ = call.place
    if kind == "judge":
        return {**VERDICT, "plausibility": random.randint(1, 5)}
    if kind == "speak":
        return "because our people asked us for it today."
    schema = call.shape.json_schema or {}
    if kind == "referee":
        return {"effects": [random.choice(schema["properties"]["effects"]["items"]["enum"])]}
    given = {name: random.choice(held["enum"]) for name, held in schema["properties"].items() if "enum" in held}
    return {"reason": "so it is", "attempt": "We try something new.", "statement": "", **given}


def takeoff() -> tuple[Design, Any, Played]:
    """Takeoff with its model seats composing."""
    loaded, _ = load_law("takeoff", ROOT)
    data = {**loaded.design_data}
    law, prompts = law_of_data(data)
    seats = {seat: COMPOSE if held.by == "model" else POLICY for seat, held in law.scenario.seats.items()}
    design = Design(data=digest(canonical(data)), seed=3, seats=seats, judge=JudgePlay(plays=(COMPOSE,)))
    return design, data, Played(design, law, prompts)


def test_a_replay_of_random_play_on_takeoff_gives_the_same_bytes(tmp_path: Path) -> None:
    design, data, played = takeoff()
    with store(tmp_path) as ledger:
        row = run.begin(ledger, design, canonical(data), played, name=None, rounds=6, limits=run.Limits(), backends={})
        row = play(ledger, row, Rule(any_legal))
        assert row.rounds == 6
        assert {call.kind for call in ledger.calls(row.id)} >= {"decide", "judge", "referee"}
        again = asyncio.run(replay(ledger, recorded(ledger, row)))
        assert [event.body() for event in again.events] == bodies(ledger, row)
        assert asyncio.run(check(ledger, row.id)).ok
