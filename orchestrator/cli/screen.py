"""The live screen of a run, drawn with Rich: finished rounds scroll by, the running one stands below them.

The live area appears with the first question to a model. A game without any (every seat on its own rules, or
answers from the tape) is only printed: nothing flickers, nothing waits. The area is redrawn by Rich's own thread,
which reads values that are replaced and never changed in place.
"""

from typing import TextIO

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType

from orchestrator.cli import frame, telling
from orchestrator.cli.frame import Block, Line
from orchestrator.cli.plain import players
from orchestrator.cli.watching import Watching
from orchestrator.core.call import Answer, Call
from orchestrator.core.events import AnyEvent
from orchestrator.core.state import RunState
from orchestrator.ledger.rows import RunRow
from orchestrator.runtime.recorded import Played

A_SECOND = 4
"""Redraws a second."""


def terminal(out: TextIO) -> Console:
    """A console that prints text as it is; NO_COLOR takes its colours, and nothing else."""
    return Console(file=out, markup=False, emoji=False, highlight=False)


class LiveScreen:
    """An onlooker for people at a terminal. `live` False: finished rounds only (`running` still gives the frame)."""

    def __init__(self, console: Console, watching: Watching | None = None, *, live: bool = True) -> None:
        self._console = console
        self._seen = watching or Watching()
        self._may_live = live
        self._live: Live | None = None
        self._legend = ""
        """The legend that was printed last: one is printed again only where it says something new."""
        self._note = ""
        self._drawn: list[int] = []
        """Columns of each line of the live area as it was drawn last."""
        self._open = False

    def begins(self, row: RunRow, played: Played, state: RunState) -> None:
        seen = self._seen
        seen.begins(row, played, state)
        width = frame.room(self._console)
        after = f" · after round {state.round}" if state.round else ""
        lines = [frame.rule(f"{seen.title}{after}", f"{seen.run} · seed {row.seed}", width)]
        for player in players(played, seen.plays(state)):
            lines += frame.paragraph(player, width, "faint")
        self._print(lines)

    def round_begins(self, round_: int, state: RunState) -> None:
        self._seen.round_begins(round_, state)
        self._open = True

    def asking(self, call: Call) -> None:
        self._seen.asking(call)
        if self._live is None and self._may_live:
            self._live = Live(
                get_renderable=self._redrawn,
                console=self._console,
                refresh_per_second=A_SECOND,
                transient=True,
                vertical_overflow="crop",
            )
            self._live.start(refresh=True)

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None:
        self._seen.answered(call, answer, reused=reused)

    def event(self, event: AnyEvent) -> None:
        self._seen.event(event)

    def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None:
        seen = self._seen
        seen.round_over(events, after)
        self._open = False
        width = frame.room(self._console)
        lines = self._head(width)
        lines += frame.parted(
            frame.record(telling.told(seen.law, events), width),
            frame.numbers(telling.moved(seen.law, before, after), width),
            (frame.paragraph(used, width, "faint") if (used := seen.used_words()) else []) + self._explained(width),
        )
        if ended := telling.ending(seen.law, after):
            lines += [(), frame.rule(f"The run ends: {ended}", "", width)]
        self._print(lines)

    def running(self) -> Block:
        """The live area as it should be now."""
        if not self._open:
            return Block([])
        width, height = frame.room(self._console), self._console.height - 1
        return frame.running(self._seen, width, height, legend=not self._legend, note=self._note)

    def _redrawn(self) -> Block:
        """The live area for Rich, which is about to erase the lines that it drew last.

        Where the window became narrower the terminal has broken those lines into more: the additional ones are
        erased here.
        """
        columns = self._console.width
        extra = sum(max(0, -(-line // columns) - 1) for line in self._drawn)
        if extra and self._live is not None:
            self._console.control(Control(*((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * extra))
        block = self.running()
        self._drawn = [sum(frame.cells(span.text) for span in line) for line in block.lines]
        return block

    def note(self, text: str) -> None:
        """Something to know beside the game: it stands in the live area, else it is printed."""
        self._note = telling.words(text)
        if self._live is None:
            self._print(frame.paragraph(self._note, frame.room(self._console), "bell"))

    def close(self) -> None:
        """Gives the terminal back; the moves of a round that was not finished stay to be read."""
        open_, self._open = self._open, False
        if self._live is not None:
            self._live.stop()
            self._live = None
        if open_:
            width = frame.room(self._console)
            text = f"Round {self._seen.round} was not finished; the answers so far are kept."
            self._print([*self._head(width), *frame.paragraph(text, width, "bell"), *self._explained(width)])

    def __enter__(self) -> "LiveScreen":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _head(self, width: int) -> list[Line]:
        seen = self._seen
        title = frame.rule(f"Round {seen.round} of {seen.total_rounds} · {seen.dates}", "", width)
        return [(), title, *frame.moves(seen, width)]

    def _explained(self, width: int) -> list[Line]:
        text = telling.legend(verdict for turn in self._seen.turns.values() for verdict in turn.verdicts)
        if not text or text == self._legend:
            return []
        self._legend = text
        return frame.paragraph(text, width, "faint")

    def _print(self, lines: list[Line]) -> None:
        """Prints above the live area, in one write with the area as it is now."""
        with self._console:
            if self._live is not None:
                self._live.refresh()
            self._console.print(Block(lines), end="")
