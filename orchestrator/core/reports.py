"""Reports: whether one is made, true or a false alarm, and its way to those who read it."""

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft
from orchestrator.core.events import Cause
from orchestrator.core.expr import Scene
from orchestrator.core.law import CTell
from orchestrator.core.spans import after_span
from orchestrator.core.text import render
from orchestrator.core.value import rounded

MOST_PENDING = 5_000
"""Reports on their way: every date looks through them."""


class Report(NamedTuple):
    """A report that is made on this date."""

    tell: CTell
    seats: tuple[str, ...]
    value: float
    says: str
    false: bool
    """A false alarm: its occasion is not there, and the reader cannot tell."""


def report_of(
    draft: Draft, tell: CTell, number: int, cause: Cause, scene: Scene, *, occasion: bool = True
) -> Report | None:
    """What comes of a `tells` (the `number`-th of its block); `occasion`: whether its cause takes effect.

    Raises what an expression raises.
    """
    there = occasion and bool(tell.when.run(scene))
    chance = tell.chance if there else tell.false
    if chance is None:
        return None
    odds = chance.run(scene)
    own = str(scene.bound.get("self", ""))
    path = (f"r{draft.state.round}", "tells", cause.id, own, number, draft.date, *(() if there else ("false",)))
    if odds < 1 and roll(draft.state.seed, *path) >= odds:
        return None
    seats = tuple(dict.fromkeys([*tell.seats, *(code.run(scene) for code in tell.named)]))
    value = rounded(tell.value.run(scene))
    says = render(tell.says, scene.with_bound(value=value), draft.label)
    return Report(tell, seats, value, says, not there)


def send(draft: Draft, cause: Cause, cites: tuple[str, ...], reports: Sequence[Report]) -> None:
    """Sends reports off; what takes no time arrives at once."""
    for tell, seats, value, says, false in reports:
        common = draft.common(
            cause, cites=cites, report=tell.report, seats=seats, value=value, bell=tell.bell, false=false
        )
        if tell.lag is None:
            draft.emit(ev.ReportArrived(**common, text=says, audience=seats))
            continue
        if len(draft.state.pending) >= MOST_PENDING:
            draft.failed(cause, f"{MOST_PENDING:,} reports are on their way already", cites)
            break
        due = after_span(draft, tell.lag, draft.day, ("lag", cause.id, tell.report, draft.date))
        draft.emit(ev.ReportSent(**common, says=says, due=due))


def arrive(draft: Draft) -> None:
    """Reports that are due reach the notebooks of their readers."""
    for item in [held for held in draft.state.pending if held.due <= draft.day] if draft.state.pending else ():
        common = draft.common(item.cause, cites=item.cites, text=item.says, audience=item.seats)
        draft.emit(
            ev.ReportArrived(
                **common, report=item.report, seats=item.seats, value=item.value, bell=item.bell, false=item.false
            )
        )
