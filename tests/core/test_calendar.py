"""The calendar against the standard library's."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import calendar
from orchestrator.core.calendar import Step
from orchestrator.core.queue import beats_on

EPOCH = date(1970, 1, 1)
DAYS = st.dates(date(1600, 1, 1), date(2400, 12, 31))


@given(DAYS)
def test_day_numbers_are_those_of_datetime(day: date) -> None:
    number = (day - EPOCH).days
    assert calendar.day_number(day.isoformat()) == number
    assert calendar.civil(number) == (day.year, day.month, day.day)
    assert calendar.iso(number) == day.isoformat()
    assert calendar.spoken(number) == f"{day.day} {day:%B} {day.year}"
    assert calendar.is_month_end(number) == ((day + timedelta(1)).month != day.month)


@given(DAYS, st.integers(0, 500))
def test_days_and_weeks_later(day: date, count: int) -> None:
    number = (day - EPOCH).days
    assert calendar.iso(calendar.later(number, "day", count)) == (day + timedelta(count)).isoformat()
    assert calendar.iso(calendar.later(number, "week", count)) == (day + timedelta(weeks=count)).isoformat()


@pytest.mark.parametrize(
    ("start", "step", "count", "expected"),
    [
        ("2023-01-31", "month", 1, "2023-02-28"),
        ("2024-01-31", "month", 1, "2024-02-29"),
        ("2023-11-30", "quarter", 1, "2024-02-29"),
        ("2024-02-29", "year", 1, "2025-02-28"),
        ("2023-07-01", "quarter", 16, "2027-07-01"),
        ("2023-12-15", "month", 13, "2025-01-15"),
    ],
)
def test_later_keeps_the_day_or_takes_the_months_last(start: str, step: Step, count: int, expected: str) -> None:
    assert calendar.iso(calendar.later(calendar.day_number(start), step, count)) == expected


@pytest.mark.parametrize("text", ["2023-02-29", "2023-13-01", "2023-00-10", "2023-04-31", "2023-01-00", "1900-02-29"])
def test_a_day_that_never_was_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no such day"):
        calendar.day_number(text)


@pytest.mark.parametrize("step", ["day", "week", "month", "quarter", "year"])
def test_rounds_join_without_a_gap(step: Step) -> None:
    start = calendar.day_number("2023-07-01")
    spans = [calendar.span_of(start, step, round_) for round_ in range(1, 40)]
    assert spans[0][0] == start
    assert all(one[1] + 1 == two[0] for one, two in pairwise(spans))


def test_beats_of_a_quarter() -> None:
    first, last = calendar.span_of(calendar.day_number("2023-07-01"), "quarter", 1)
    on = {calendar.iso(day): beats_on(day, first, last, "quarter") - {"day"} for day in range(first, last + 1)}
    assert [day for day, beats in on.items() if "month" in beats] == ["2023-07-31", "2023-08-31", "2023-09-30"]
    assert [day for day, beats in on.items() if "step" in beats] == ["2023-09-30"]
    assert [day for day, beats in on.items() if "quarter" in beats] == ["2023-09-30"]
    assert [day for day, beats in on.items() if "week" in beats][:2] == ["2023-07-07", "2023-07-14"]
    assert not any("year" in beats for beats in on.values())
