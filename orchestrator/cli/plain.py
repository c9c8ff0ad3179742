"""A run told in plain lines, where there is no terminal; and the choice between them and the live screen.

A line is written as soon as it is known and says whose it is, since seats decide side by side. Lines are not
wrapped: they are for files and pipes.
"""

import os
from collections.abc import Mapping
from typing import Protocol, TextIO

from orchestrator.cli import telling
from orchestrator.cli.output import say
from orchestrator.cli.watching import Spent, Watching
from orchestrator.core import events as ev
from orchestrator.core.call import Answer, Call
from orchestrator.core.events import AnyEvent, SeatPlay
from orchestrator.core.state import RunState
from orchestrator.ledger.rows import RunRow
from orchestrator.runtime.recorded import Played
from orchestrator.runtime.run import Onlooker


class Screen(Onlooker, Protocol):
    """An onlooker that must be closed, so that the terminal is left in order."""

    def note(self, text: str) -> None:
        """Something to know beside the game: `stopping ...`."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> "Screen": ...

    def __exit__(self, *_: object) -> None: ...


def onlooker(
    *,
    out: TextIO,
    quiet: bool,
    total_rounds: int | None = None,
    slots: Mapping[tuple[str, str], int] | None = None,
    spent: Spent | None = None,
) -> Screen:
    """The live screen where `out` is a terminal, else plain lines on `out`.

    `quiet` (with --json: give stderr as `out`) means plain lines in any case. `total_rounds`: the round after
    which the run is cut short; None: what the run's row and the scenario say. `slots`: (backend kind, model) ->
    calls answered at once, which tells who thinks from who waits. `spent`: what earlier sessions used.
    """
    watching = Watching(slots=dict(slots or {}), total_rounds=total_rounds, spent=spent or Spent())
    if quiet or not out.isatty() or os.environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        return Plain(out, watching)
    from orchestrator.cli.screen import LiveScreen, terminal  # rich: only where there is a terminal

    return LiveScreen(terminal(out), watching)


class Plain:
    """Writes what happens to a stream, a line at a time."""

    def __init__(self, out: TextIO, watching: Watching | None = None) -> None:
        self._out = out
        self._seen = watching or Watching()
        self._open = False

    def begins(self, row: RunRow, played: Played, state: RunState) -> None:
        self._seen.begins(row, played, state)
        seen = self._seen
        name = f"{row.name} ({row.id})" if row.name else row.id
        after = f", after round {state.round}" if state.round else ""
        self._write(
            [
                f"{seen.title}: run {name}, seed {row.seed}, {seen.total_rounds} rounds{after}",
                *players(played, seen.plays(state)),
            ]
        )

    def round_begins(self, round_: int, state: RunState) -> None:
        self._seen.round_begins(round_, state)
        self._open = True
        self._write(["", f"Round {round_} of {self._seen.total_rounds}, {self._seen.dates}"])

    def asking(self, call: Call) -> None:
        self._seen.asking(call)

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None:
        self._seen.answered(call, answer, reused=reused)

    def event(self, event: AnyEvent) -> None:
        turn = self._seen.event(event)
        if isinstance(event, ev.SeatsWaited):
            self._write([f"  Waiting: {', '.join(self._seen.turns[seat].label for seat in event.seats)}"])
        if turn is None:
            return
        match event:
            case ev.MoveChosen():
                said = turn.move
            case ev.LineSpoken():
                said = f"“{turn.line}”"
            case ev.VerdictGiven():
                said = telling.judged(event)
            case ev.AnswerGiven():
                said = telling.vote_words(event)
            case _:
                said = found.text if (found := telling.note(event)) else ""
        if said:
            self._write([f"  {turn.label}: {said}"])

    def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None:
        seen = self._seen
        noted = {seat: len(turn.notes) for seat, turn in seen.turns.items()}
        seen.round_over(events, after)
        self._open = False
        lines = [
            f"  {turn.label}: {note.text}" for turn in seen.turns.values() for note in turn.notes[noted[turn.seat] :]
        ]
        told = telling.told(seen.law, events)
        lines += [f"  {telling.full_date(entry.date)}: {_mark(entry)}{entry.text}" for entry in told]
        for number in telling.moved(seen.law, before, after):
            unit, private = f" {number.unit}" if number.unit else "", " (private)" if number.private else ""
            lines.append(f"  {number.label}: {number.was} -> {number.now}{unit} ({number.change}){private}")
        if used := seen.used_words():
            lines.append(f"  round {seen.round} took {used}")
        if ended := telling.ending(seen.law, after):
            lines += ["", f"The run ends: {ended}"]
        self._write(lines)

    def note(self, text: str) -> None:
        self._write([telling.words(text)])

    def close(self) -> None:
        """Says what became of a round that was not finished."""
        if self._open:
            self._open = False
            self._write([f"  round {self._seen.round} was not finished; the answers so far are kept"])

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, lines: list[str]) -> None:
        say("\n".join(lines), to=self._out)
        self._out.flush()


def _mark(entry: telling.Entry) -> str:
    if entry.mark == "fault":
        return "! "
    if entry.mark == "bell":
        return "BELL: " if entry.readers is None else f"BELL (only {', '.join(entry.readers)}): "
    return "" if entry.readers is None else f"(only {', '.join(entry.readers)}) "


WITHOUT_MODEL = {"policy": "rules of their own", "log": "a recorded log"}
"""Who plays a seat that no model plays."""


def players(played: Played, plays: Mapping[str, SeatPlay]) -> list[str]:
    """Who plays which seats, and who judges."""
    labels = played.law.labels
    groups: dict[str, list[str]] = {}
    for seat in played.law.scenario.seats:
        play = plays[seat]
        who = WITHOUT_MODEL.get(play.by) or telling.words(play.model_label or play.model)
        groups.setdefault(who, []).append(telling.words(labels[seat]))
    lines = [f"  {', '.join(seats)}: {who}" for who, seats in groups.items()]
    judge = played.design.judge
    if judge is not None:
        lines.append("  judge: " + ", ".join(telling.words(play.model_label or play.model) for play in judge.plays))
    return lines
