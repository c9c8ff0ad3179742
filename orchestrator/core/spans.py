"""Spans of the calendar from a date in the world on: how long a stage lasts, when a report arrives."""

import math

from orchestrator.core.calendar import Step, later
from orchestrator.core.dice import roll, triangular
from orchestrator.core.draft import Draft
from orchestrator.core.parts import Duration, Spread


def after_span(draft: Draft, span: Duration, start: int, address: tuple[str, ...]) -> int:
    """The day a span ends; a band is drawn by the die at this address."""
    for length, step in _units(span):
        if length is None:
            continue
        if isinstance(length, Spread):
            length = triangular(
                length.low,
                length.mode,
                length.high,
                roll(draft.state.seed, f"r{draft.state.round}", *address),
            )
        whole = math.floor(length)
        day = later(start, step, whole)
        return day + round((length - whole) * (later(day, step, 1) - day))
    raise ValueError("a span without a length")


def _units(span: Duration) -> tuple[tuple[float | Spread | None, Step], ...]:
    return (
        (span.days, "day"),
        (span.weeks, "week"),
        (span.months, "month"),
        (span.quarters, "quarter"),
        (span.years, "year"),
    )
