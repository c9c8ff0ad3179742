"""One round, from top to bottom as in the table of the design: observe, decide, judge, resolve, append, fold.

Everyone decides on what they may know; the law decides what happens. The only way out is `await ask(call)`.
Answers are gathered over seats and taken in seat order, never in order of arrival.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from orchestrator.core import rules
from orchestrator.core.answering import Question
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.design import JudgePlay
from orchestrator.core.events import AnyEvent, Cause, SeatPlay, SeatsWaited
from orchestrator.core.law import Law
from orchestrator.core.logs import Logged
from orchestrator.core.observe import glance, observe
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Ask, Keys, Seated
from orchestrator.core.state import RunState, fold
from orchestrator.core.turn import WAIT, Move
from orchestrator.core.turns import several
from orchestrator.judging.verdicts import judge_move
from orchestrator.runtime.deciding import decide
from orchestrator.runtime.logged import recorded_for
from orchestrator.runtime.recorded import Played
from orchestrator.runtime.several import decide_several
from orchestrator.runtime.talking import talk_turn
from orchestrator.runtime.voting import answer, once_dropped

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
    log: Sequence[Logged] = ()
    """The recorded moves of the seats that a log plays."""
    talk: int = 0
    """How often each seat may write before the decisions."""


def table_of(played: Played, seats: Mapping[str, SeatPlay], see: See) -> Table:
    """The table of a design; `seats`: how each is played now, forks included."""
    design = played.design
    prompter = Prompter(played.law, played.prompts, design.seed)
    return Table(played.law, prompter, seats, design.judge, see, design.log, design.talk)


class Turn(NamedTuple):
    """A seat's part of the round: its moves and the events of deciding and judging."""

    seat: str
    moves: tuple[Move, ...]
    events: tuple[AnyEvent, ...]
    offered: int = 0
    """How many moves were legal."""


async def play_round(table: Table, state: RunState, ask: Ask) -> list[AnyEvent]:
    """All events of the next round. Raises what `ask` raises; then nothing of the round has happened."""
    law, turns = table.law, table.law.scenario.turns
    events = rules.open_round(law, state)
    state = fold(events, state)
    for turn in range(1, table.talk + 1):
        said = seen_by(table, await talk_turn(law, table.prompter, table.seats, state, turn, ask, in_order))
        events, state = events + said, fold(said, state)
    recorded = recorded_for(law, state, table.seats, table.log)
    if turns.decide == "together":
        asked = [seat for seat in rules.acting(law) if table.seats[seat].by != "log"]
        taken = await in_order(take_turn(table, state, seat, ask) for seat in asked)
        happened = [*seen_by(table, recorded.events), *(event for turn in taken for event in turn.events)]
        happened += who_waited(table, state, taken)
        moves = recorded.among([(turn.seat, turn.moves) for turn in taken])
        happened += rules.carry_out(law, fold(happened, state), moves)
        events, state = events + happened, fold(happened, state)
    else:
        taken: list[Turn] = []
        for seat in rules.acting(law):
            own = recorded.of(seat)
            by_log = table.seats[seat].by == "log"
            turn = Turn(seat, own.moves, own.events) if by_log else await take_turn(table, state, seat, ask)
            happened = seen_by(table, turn.events) if by_log else list(turn.events)
            if turns.apply == "in_order":
                happened += rules.carry_out(law, fold(happened, state), turn.moves)
            taken.append(turn)
            events, state = events + happened, fold(happened, state)
        happened = who_waited(table, state, taken)
        if turns.apply == "together":
            moves = [move for turn in taken for move in turn.moves]
            happened += rules.carry_out(law, fold(happened, state), moves)
        events, state = events + happened, fold(happened, state)
    happened = rules.pass_time(law, state)
    numbers: dict[str, Keys] = {}
    while asked := rules.pending(law, state := fold(happened, state)):  # votes, interrupts, on their dates
        events, happened = events + happened, await answers(table, state, asked, numbers, ask)
        happened += rules.advance(law, fold(happened, state))
    events += happened
    return events + rules.close_round(law, state)


async def take_turn(table: Table, state: RunState, seat: str, ask: Ask) -> Turn:
    """One seat observes and decides; then its moves are judged. One chain: a judge need not wait for other seats."""
    play = table.seats[seat]
    thinks = play.by == "model" or (table.judge is not None and table.judge.policy_too)
    seen = (observe if thinks else glance)(table.law, state, seat)
    deciding = decide_several if several(table.law) else decide
    decided = await deciding(Seated(table.law, table.prompter, state, seen, play), ask)
    for event in decided.events:
        table.see(event)
    events: Sequence[AnyEvent] = decided.events
    keys = Keys(state.round, seat)
    for move, line in decided.all if table.judge is not None and decided.judged else ():
        wanted = play.by == "model" or (table.judge is not None and table.judge.policy_too and move.action != WAIT)
        if table.judge is not None and wanted and not move.unlisted:
            at = Seated(table.law, table.prompter, state, seen, play)
            verdicts = seen_by(table, await judge_move(at, move, line, table.judge, ask, keys))
            events = (*events, *verdicts)
    return Turn(seat, tuple(move for move, _ in decided.all), tuple(events), len(seen.options))


def seen_by(table: Table, events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """These events, shown to whoever looks on."""
    for event in events:
        table.see(event)
    return list(events)


async def answers(
    table: Table, state: RunState, asked: Sequence[Question], numbers: dict[str, Keys], ask: Ask
) -> list[AnyEvent]:
    """The answer of every member, in the order of the questions; each member is one chain that numbers its calls."""
    chains: dict[str, list[Question]] = {}
    for question in asked:
        chains.setdefault(question.member, []).append(question)

    async def chain(member: str, questions: Sequence[Question]) -> list[list[AnyEvent]]:
        keys = numbers.setdefault(member, Keys(state.round, member))
        given: list[list[AnyEvent]] = []
        for question in questions:
            play = table.seats[question.seat]
            given.append(seen_by(table, await answer(table.law, table.prompter, state, play, question, keys, ask)))
        return given

    taken = await in_order(chain(member, questions) for member, questions in chains.items())
    of = {member: iter(given) for member, given in zip(chains, taken, strict=True)}
    return once_dropped([event for question in asked for event in next(of[question.member])])


def who_waited(table: Table, state: RunState, taken: Iterable[Turn]) -> list[AnyEvent]:
    """One event for all seats on policy that chose to wait; a model's choice to wait is told by itself."""
    waited = {turn.seat: turn.offered for turn in taken if not turn.events and table.seats[turn.seat].by != "log"}
    if not waited:
        return []
    first, _ = span_of(table.law.start, table.law.scenario.clock.step, state.round)
    event = SeatsWaited(
        round=state.round, to=iso(first), cause=Cause(kind="clock", id=f"r{state.round}"), audience=(), seats=waited
    )
    table.see(event)
    return [event]


async def in_order(work: Iterable[Awaitable[T]]) -> list[T]:
    """Runs all at once and returns the results in the order given.

    Where several fail, the first of that order is raised, once all have ended.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
