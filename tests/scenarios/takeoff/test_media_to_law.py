"""From the first generated article to the ruling of the highest court: the order of events when all follow policy."""

from functools import cache

import pytest

from tests.scenarios.takeoff.alone import played

ENTRIES = [f"E{n}" for n in range(2, 21)]
SEEDS = (1, 2, 3)


@cache
def first_days(seed: int) -> dict[str, str]:
    """Entry -> the first day on which something that cites it stands in the public record."""
    days: dict[str, str] = {}
    for event in played(seed).events:
        if event.text and event.audience is None:
            for entry in event.cites:
                days.setdefault(entry, event.to)
    return days


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_event_can_happen_and_is_told_by_what_cites_it(entry: str) -> None:
    assert any(entry in first_days(seed) for seed in SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", [["E2", "E3", "E4", "E5", "E6", "E10"], ["E11", "E12", "E13", "E14", "E18"]])
def test_the_order_is_that_of_the_source(seed: int, order: list[str]) -> None:
    days = first_days(seed)
    assert [days[entry] for entry in order] == sorted(days[entry] for entry in order)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sentence_stands_twice_on_one_day(seed: int) -> None:
    lines = [(line.date, line.text) for line in played(seed).state.record]
    assert len(lines) == len(set(lines))
