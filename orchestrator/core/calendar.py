"""The world's calendar in plain integers: day numbers, steps, spans. No clock is read here.

A day number counts days from 1970-01-01 in the proleptic Gregorian calendar. The conversions are the
civil-from-days arithmetic over 400-year eras (146,097 days each).
"""

from functools import lru_cache
from typing import Literal

Step = Literal["day", "week", "month", "quarter", "year"]
MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day_number(text: str) -> int:
    """`2023-07-01` -> days since 1970-01-01. Raises ValueError where no such day exists."""
    year, month, day = (int(part) for part in text.split("-"))
    if not (1 <= month <= 12 and 1 <= day <= month_length(year, month)):
        raise ValueError(f"no such day: {text}")
    return _days(year, month, day)


def _days(year: int, month: int, day: int) -> int:
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@lru_cache(maxsize=4096)
def civil(number: int) -> tuple[int, int, int]:
    """Day number -> (year, month, day)."""
    era, of_era = divmod(number + 719468, 146097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return era * 400 + year_of_era + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def iso(number: int) -> str:
    """Day number -> `2023-07-01`."""
    return "{:04d}-{:02d}-{:02d}".format(*civil(number))


def spoken(number: int) -> str:
    """Day number -> `1 July 2023`."""
    year, month, day = civil(number)
    return f"{day} {_NAMES[month - 1]} {year}"


def month_length(year: int, month: int) -> int:
    """Days in the month, 28 to 31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def later(number: int, step: Step, count: int = 1) -> int:
    """The day `count` steps later; a day that the month lacks becomes its last one."""
    if step == "day":
        return number + count
    if step == "week":
        return number + 7 * count
    year, month, day = civil(number)
    year, zero = divmod(year * 12 + month - 1 + MONTHS[step] * count, 12)
    return _days(year, zero + 1, min(day, month_length(year, zero + 1)))


def is_month_end(number: int) -> bool:
    year, month, day = civil(number)
    return day == month_length(year, month)


@lru_cache(maxsize=512)
def span_of(start: int, step: Step, round_: int) -> tuple[int, int]:
    """First and last day of a round (1-based), both inclusive."""
    first = later(start, step, round_ - 1)
    return first, later(start, step, round_) - 1
