"""One round, from top to bottom as in the table of the design: observe, decide, judge, resolve, append, fold.

Everyone decides on what they may know; the law decides what happens. The only way out is `await ask(call)`.
Answers are gathered over seats and taken in seat order, never in order of arrival.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from orchestrator.core import rules
from orchestrator.core.design import JudgePlay
from orchestrator.core.events import AnyEvent, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.observe import observe
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Ask, Seated
from orchestrator.core.state import RunState, fold
from orchestrator.core.turn import WAIT, Move
from orchestrator.judging.verdicts import judge_move
from orchestrator.runtime.deciding import decide

T = TypeVar("T")


class See(Protocol):
    """Shown every event as soon as it is known, before the round is appended."""

    def __call__(self, event: AnyEvent) -> None: ...


class Table(NamedTuple):
    """What a round is played with beside its state."""

    law: Law
    prompter: Prompter
    seats: Mapping[str, SeatPlay]
    judge: JudgePlay | None
    see: See


class Turn(NamedTuple):
    """A seat's part of the round: its move and the events of deciding and judging."""

    move: Move
    events: tuple[AnyEvent, ...]


async def play_round(table: Table, state: RunState, ask: Ask) -> list[AnyEvent]:
    """All events of the next round. Raises what `ask` raises; then nothing of the round has happened."""
    law, turns = table.law, table.law.scenario.turns
    events = rules.open_round(law, state)
    state = fold(events, state)
    if turns.decide == "together":
        taken = await in_order(take_turn(table, state, seat, ask) for seat in rules.acting(law))
        happened = [event for turn in taken for event in turn.events]
        happened += rules.carry_out(law, fold(happened, state), [turn.move for turn in taken])
        events, state = events + happened, fold(happened, state)
    else:
        moves: list[Move] = []
        for seat in rules.acting(law):
            turn = await take_turn(table, state, seat, ask)
            happened = list(turn.events)
            if turns.apply == "in_order":
                happened += rules.carry_out(law, fold(happened, state), [turn.move])
            moves.append(turn.move)
            events, state = events + happened, fold(happened, state)
        if turns.apply == "together":
            happened = rules.carry_out(law, state, moves)
            events, state = events + happened, fold(happened, state)
    for step in (rules.pass_time, rules.close_round):
        happened = step(law, state)
        events, state = events + happened, fold(happened, state)
    return events


async def take_turn(table: Table, state: RunState, seat: str, ask: Ask) -> Turn:
    """One seat observes and decides; then its move is judged. One chain, so that a judge need not wait for others."""
    seen = observe(table.law, state, seat)
    play = table.seats[seat]
    decided = await decide(Seated(table.law, table.prompter, state, seen, play), ask)
    for event in decided.events:
        table.see(event)
    events: Sequence[AnyEvent] = decided.events
    if (
        table.judge is not None
        and decided.judged
        and (play.by == "model" or (table.judge.policy_too and decided.move.action != WAIT))
    ):
        verdicts = await judge_move(
            Seated(table.law, table.prompter, state, seen, play), decided.move, decided.line, table.judge, ask
        )
        for event in verdicts:
            table.see(event)
        events = (*events, *verdicts)
    return Turn(decided.move, tuple(events))


async def in_order(work: Iterable[Awaitable[T]]) -> list[T]:
    """Runs all at once and returns the results in the order given.

    Where several fail, the first of that order is raised, once all have ended.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
