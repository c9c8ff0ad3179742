"""What an onlooker of a run knows at any moment: who is being asked what, each seat's turn, what was used.

Shared by the live screen and the plain lines; draws nothing. Every value is replaced, never changed in place,
so another thread may read it at any time.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from orchestrator.cli import telling
from orchestrator.core import events as ev
from orchestrator.core import rules
from orchestrator.core.call import Answer, Call
from orchestrator.core.events import AnyEvent, SeatPlay, VerdictGiven
from orchestrator.core.state import RunState, fold
from orchestrator.core.turn import WAIT
from orchestrator.ledger.rows import RunRow
from orchestrator.runtime.recorded import Played

DOING = {
    "decide": "deciding",
    "repair": "deciding again",
    "speak": "finding words",
    "talk": "writing a message",
    "referee": "with the referee",
    "judge": "judging",
    "vote": "answering a question",
}
"""Kind of a call -> what is going on meanwhile."""
ONE_AT_A_TIME = {"llama": 1}
"""Backend kind -> calls it answers at once, where nobody says otherwise; any other kind takes all."""


class Spent(NamedTuple):
    """Calls and tokens so far."""

    calls: int = 0
    """Answers that came from a backend."""
    reused: int = 0
    """Answers copied from a parent."""
    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def plus(self, answer: Answer, *, reused: bool) -> "Spent":
        if reused:
            return self._replace(reused=self.reused + 1)
        usage = answer.usage
        return Spent(
            self.calls + 1,
            self.reused,
            self.prompt + usage.prompt,
            self.cached + usage.cached,
            self.completion + usage.completion,
        )

    def since(self, earlier: "Spent") -> "Spent":
        return Spent(*(now - then for now, then in zip(self, earlier, strict=True)))

    def words(self) -> str:
        """`24 calls · 31,020 prompt tokens (87 % cached) · 1,210 generated`; empty where nothing was asked."""
        parts = [f"{self.calls:,} call{'' if self.calls == 1 else 's'}"] if self.calls else []
        parts += [f"{self.reused:,} reused"] if self.reused else []
        if self.prompt:
            parts.append(f"{self.prompt:,} prompt tokens ({100 * self.cached // self.prompt} % cached)")
        parts += [f"{self.completion:,} generated"] if self.completion else []
        return " · ".join(parts)


class Flight(NamedTuple):
    """A call that is being answered, or waits for its place."""

    key: str
    seat: str
    kind: str
    where: tuple[str, str]
    """Backend kind and model."""
    since: float | None
    """When its answer began to be made; None: it waits in line."""


@dataclass(frozen=True)
class Turn:
    """A seat's turn in the round under way."""

    seat: str
    label: str
    asked: bool
    """Calls are made for it: it is played by a model, or judged."""
    shown: bool
    """It has a row of its own: the others are told by the record alone."""
    action: str = ""
    move: str = ""
    """The latest move, where there are several."""
    earlier: tuple[str, ...] = ()
    """The moves before it."""
    line: str = ""
    verdicts: tuple[VerdictGiven, ...] = ()
    unjudged: int = 0
    """Judges that gave no usable verdict."""
    notes: tuple[telling.Note, ...] = ()
    over: bool = False
    """Nothing more will be asked for it in this round."""

    @property
    def moves(self) -> str:
        """All moves of the turn, one after the other."""
        return "; ".join((*self.earlier, self.move))

    @property
    def part(self) -> float:
        """How much of the turn is done, 0 to 1: half when the move stands, all when it is judged."""
        return 1.0 if self.over else 0.5 if self.move else 0.0


@dataclass
class Watching:
    """Follows one run. `clock` gives seconds; `slots`: (backend kind, model) -> calls it answers at once."""

    clock: Callable[[], float] = time.monotonic
    slots: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    spent: Spent = field(default_factory=Spent)
    """Over all sessions, where the caller says what earlier ones used."""
    total_rounds: int | None = None
    title: str = ""
    run: str = ""
    round: int = 0
    dates: str = ""
    turns: Mapping[str, Turn] = field(default_factory=dict[str, Turn])
    flights: tuple[Flight, ...] = ()
    last_round_s: float | None = None
    """How long the last round of this session took."""

    def begins(self, row: RunRow, played: Played, state: RunState) -> None:
        self.row, self.played, self.law = row, played, played.law
        self.began = self.round_began = self.clock()
        self.title, self.run = telling.words(played.law.scenario.title), row.name or row.id
        most = played.law.scenario.clock.rounds
        if self.total_rounds is None:
            self.total_rounds = most if row.rounds_limit is None else row.rounds_limit
        self.total_rounds = min(self.total_rounds, most)
        self.state, self.before_round = state, self.spent

    def plays(self, state: RunState) -> dict[str, SeatPlay]:
        """How each seat is played now, forks included."""
        return {**self.played.design.seats, **state.seats}

    def round_begins(self, round_: int, state: RunState) -> None:
        law = self.law
        self.round_began, self.before_round, self.round = self.clock(), self.spent, round_
        opened = rules.open_round(law, state)
        self.state, self.dates = fold(opened, state), telling.dates(opened[0].from_ or opened[0].to, opened[0].to)
        self.flights = ()
        plays, seats = self.plays(state), law.scenario.seats
        judge = self.played.design.judge
        main = {seat for seat in seats if plays[seat].by == "model" or seats[seat].by == "model"} or set(seats)
        self.turns = {
            seat: Turn(
                seat,
                telling.capital(telling.words(law.labels[seat])),
                asked=plays[seat].by == "model" or (judge is not None and judge.policy_too),
                shown=seat in main,
            )
            for seat in rules.acting(law)
        }

    def asking(self, call: Call) -> None:
        _, seat, kind, _ = call.place
        if kind == "vote" and seat not in self.law.scenario.seats:
            self.turns = {**self.turns, seat: self._member(seat)}
        flight = Flight(call.key, seat, kind, (call.backend_kind, call.model), None)
        self.flights = self._with_places((*self.flights, flight))

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None:
        self.flights = self._with_places(tuple(flight for flight in self.flights if flight.key != call.key))
        self.spent = self.spent.plus(answer, reused=reused)

    def _with_places(self, flights: tuple[Flight, ...]) -> tuple[Flight, ...]:
        """The calls with a beginning for each that has got its place, first come first served."""
        taken: dict[tuple[str, str], int] = {}
        made: list[Flight] = []
        for flight in flights:
            count = taken[flight.where] = taken.get(flight.where, 0) + 1
            most = self.slots.get(flight.where, ONE_AT_A_TIME.get(flight.where[0]))
            free = most is None or count <= most
            made.append(flight._replace(since=self.clock()) if free and flight.since is None else flight)
        return tuple(made)

    def event(self, event: AnyEvent) -> Turn | None:
        """The turn that the event belongs to, with it; None for an event of the round (see `round_over`)."""
        if isinstance(event, ev.SeatsWaited):
            waiting = {seat: replace(self.turns[seat], action=WAIT, move="Wait", over=True) for seat in event.seats}
            self.turns = {**self.turns, **waiting}
            return None
        if isinstance(event, ev.AnswerGiven | ev.AnswerFailed):
            return self._answer(event)
        seat: str | None = getattr(event, "seat", None)
        turn = None if seat is None else self.turns.get(seat)
        if turn is None or isinstance(event, ev.ActionTaken | ev.ActionRefused):
            return None
        match event:
            case ev.MoveChosen():
                before = (*turn.earlier, turn.move) if turn.move else ()
                move = telling.move_words(self.law, self.state, event)
                turn = replace(turn, action=event.action, move=move, earlier=before)
                turn = replace(turn, over=not self._to_be_judged(turn))
            case ev.LineSpoken():
                turn = replace(turn, line=telling.words(event.line))
            case ev.VerdictGiven():
                turn = replace(turn, verdicts=(*turn.verdicts, event))
            case ev.JudgeFailed():
                turn = replace(turn, unjudged=turn.unjudged + 1)
            case ev.SeatFailed():
                turn = replace(turn, move="Passes", over=True)
            case _:
                pass
        if found := telling.note(event):
            turn = replace(turn, notes=(*turn.notes, found))
        judges = 0 if self.played.design.judge is None else len(self.played.design.judge.plays)
        if judges and len(turn.verdicts) + turn.unjudged >= judges * (1 + len(turn.earlier)):
            turn = replace(turn, over=True)
        self.turns = {**self.turns, turn.seat: turn}
        return turn

    def _member(self, member: str) -> Turn:
        """The row of one member of a group, who is asked by itself."""
        return Turn(member, telling.capital(telling.words(self.law.labels[member])), asked=True, shown=True)

    def _answer(self, event: ev.AnswerGiven | ev.AnswerFailed) -> Turn | None:
        """What a model answered a question; of those who follow their own rules the decision tells enough."""
        if isinstance(event, ev.AnswerGiven) and event.style == "policy":
            return None
        member = event.member not in self.law.scenario.seats
        turn = self._member(event.member) if member else self.turns[event.member]
        said = telling.vote_words(event) if isinstance(event, ev.AnswerGiven) else "No usable answer"
        found = telling.note(event)
        if not member:
            found = found or telling.Note(f"asked a question, it answered {said[:1].lower()}{said[1:]}")
        notes = (*turn.notes, found) if found else turn.notes
        turn = replace(turn, move=said, notes=notes, over=True) if member else replace(turn, notes=notes)
        self.turns = {**self.turns, turn.seat: turn}
        return turn

    def _to_be_judged(self, turn: Turn) -> bool:
        judge = self.played.design.judge
        if judge is None:
            return False
        by_model = self.plays(self.state)[turn.seat].by == "model"
        return by_model or (judge.policy_too and turn.action != WAIT)

    def round_over(self, events: list[AnyEvent], after: RunState) -> None:
        """Adds to the turns what the rules made of the moves."""
        for event in events:
            if isinstance(event, ev.ActionRefused | ev.ActionTaken) and (found := telling.note(event)):
                turn = self.turns[event.seat]
                self.turns = {**self.turns, event.seat: replace(turn, notes=(*turn.notes, found))}
        self.last_round_s = self.clock() - self.round_began
        self.state = after

    def played_s(self) -> float:
        """Seconds the run has been played, earlier sessions included."""
        return self.row.wall_s + self.clock() - self.began

    def round_s(self) -> float:
        return self.clock() - self.round_began

    def used_words(self) -> str:
        """What the round that is over took: seconds, calls, tokens; empty where it took nothing worth saying."""
        used, seconds = self.spent.since(self.before_round).words(), self.last_round_s or 0.0
        if not used and seconds < 1:
            return ""
        return f"{telling.duration(seconds)} · {used}" if used else telling.duration(seconds)

    def flight_of(self, seat: str) -> Flight | None:
        return next((flight for flight in self.flights if flight.seat == seat), None)

    def left_s(self) -> float | None:
        """Seconds to the end of the round, from what is done of it; None where there is nothing to go by.

        The part that is done is counted in half turns. With a last round its length times the part left, else
        this round's own pace.
        """
        asked = [turn for turn in self.turns.values() if turn.asked]
        if not asked:
            return None
        done = sum(turn.part for turn in asked) / len(asked)
        if self.last_round_s is not None:
            return (1 - done) * self.last_round_s
        return self.round_s() * (1 - done) / done if done else None
