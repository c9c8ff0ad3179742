"""The source's story as one path: all seats on policy play E1 to E32 in its order and inside its numbers."""

import re
from datetime import date
from functools import cache
from itertools import pairwise

import pytest

from orchestrator.core.events import AnyEvent
from tests.scenarios.takeoff.alone import World
from tests.scenarios.takeoff.ends import ended, whole

SEEDS = (1, 2)

BEGINS = {
    "E1": "scaling_recognised",
    "E2": "start_articles",
    "E3": "readers_notice",
    "E4": "introduce_synthetics",
    "E5": "propaganda_question",
    "E6": "twitter_bleeds",
    "E7": "test_instagram",
    "E8": "brutal_call",
    "E9": "add_filters",
    "E10": "sleep_complaints",
    "E11": "conference_demo",
    "E12": "from_demo_to_product_1.dismissed",
    "E13": "from_demo_to_product_1.live",
    "E14": "batch_is_full",
    "E15": "sue_google",
    "E16": "proceed_google",
    "E17": "crash_programs",
    "E18": "apps_in_the_release",
    "E19": "open_self_serve",
    "E20": "every_aggregator_synthetic",
    "E21": "index_doubles",
    "E22": "first_anomaly",
    "E23": "second_anomaly",
    "E24": "dozen_anomalies",
    "E25": "year_ends",
    "E26": "sell_to_microsoft",
    "E27": "start_codex",
    "E28": "first_tenths",
    "E29": "step_two_1.advantage",
    "E30": "precautions_failed",
    "E31": "average_person",
    "E32": "peak_and_drawdown",
}
"""Entry -> the rule, move or stage with which it begins."""
ENDS = {
    "E1": "shortage_is_over",
    "E3": "bulk_of_toutiao",
    "E4": "all_regions",
    "E5": "humans_fade",
    "E6": "convert_timelines",
    "E7": "earnings_note",
    "E8": "convert_blue_app",
    "E9": "one_button",
    "E10": "retailers_feel_it",
    "E14": "demo_day",
    "E15": "no_harm",
    "E16": "settled",
    "E17": "rollups_under_pressure",
    "E19": "wall_repositories",
}
"""Entry -> that with which it is over, where it takes time."""


@cache
def played(seed: int) -> World:
    world = World(seed, law=whole(variant="story"))
    ended(world, 48, policy=True)
    return world


@cache
def days(seed: int) -> dict[str, list[str]]:
    """What happened -> on which days: rules, moves, stages and outcomes by name, each with its citation checked."""
    found: dict[str, list[str]] = {}
    for event in played(seed).events:
        for name in _names(event):
            found.setdefault(name, []).append(event.to)
    return found


def _names(event: AnyEvent) -> list[str]:
    if event.kind == "stage_entered":
        return [f"{event.instance}.{event.stage}", event.stage]
    if event.kind == "process_ended":
        return [event.outcome]
    if event.kind == "action_taken":
        return [event.action]
    return [event.cause.id] if event.kind == "rule_fired" else []


def begin(seed: int, entry: str) -> str:
    """The first day of an entry; of the year in which disclosed funds lost, its last day."""
    if entry == "E25":
        return next(day for day in days(seed)["year_ends"] if day >= days(seed)["index_doubles"][0])
    return days(seed)[BEGINS[entry]][0]


def over(seed: int, entry: str) -> str:
    return days(seed)[ENDS[entry]][0] if entry in ENDS else begin(seed, entry)


def figures(text: str) -> list[float]:
    """The numbers of a sentence, without the name of the index."""
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text.replace("S&P 500", ""))]


def months(first: str, last: str) -> float:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days / 30.4


@pytest.mark.parametrize("seed", SEEDS)
def test_every_entry_happens_and_the_world_ends_as_in_the_source(seed: int) -> None:
    world = played(seed)
    assert world.state.ending == "uncontained"
    assert {f"E{number}" for number in range(1, 33)} <= world.cited()
    for entry, name in (*BEGINS.items(), *ENDS.items()):
        assert days(seed).get(name), (entry, name)
    assert world.state.round >= 8


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_is_the_one_that_the_source_allows(seed: int) -> None:
    chains = (
        ["E1", "E2", "E3", "E4", "E5", "E6", "E8", "E9", "E10", "E11", "E12", "E13", "E14"],
        ["E14", "E15", "E20"],
        ["E14", "E16", "E20"],
        ["E14", "E17", "E20"],
        ["E14", "E18", "E20"],
        ["E14", "E19", "E20"],
        ["E5", "E7", "E8"],
        ["E22", "E23", "E24", "E25"],
        ["E20", "E21", "E25", "E26", "E27", "E28", "E30", "E31", "E32"],
    )
    for chain in chains:
        for earlier, later in pairwise(chain):
            assert begin(seed, earlier) <= begin(seed, later), (earlier, later)
            assert begin(seed, earlier) <= over(seed, later), (earlier, later)
    for earlier, later in (("E3", "E4"), ("E1", "E2"), ("E10", "E11"), ("E8", "E9"), ("E24", "E25")):
        assert over(seed, earlier) <= begin(seed, later), (earlier, later)
    for entry in ("E15", "E16", "E17", "E18", "E19"):
        assert over(seed, "E14") <= begin(seed, entry), entry
        assert over(seed, entry) <= begin(seed, "E20"), entry
    assert begin(seed, "E11") <= begin(seed, "E24")
    assert over(seed, "E9") <= begin(seed, "E11")


@pytest.mark.parametrize("seed", SEEDS)
def test_its_dates_lie_within_the_numbers_of_the_source(seed: int) -> None:
    day = days(seed)
    assert months(day["scaling_recognised"][0], day["shortage_is_over"][0]) <= 14  # N1
    assert 1 <= months(begin(seed, "E2"), begin(seed, "E3")) <= 6  # N2
    assert months(begin(seed, "E2"), over(seed, "E3")) <= 12.5  # N3
    assert 3 <= months(begin(seed, "E11"), begin(seed, "E12")) <= 9  # N4
    assert 9 <= months(begin(seed, "E11"), begin(seed, "E13")) <= 15  # N4
    playbook = next(
        name
        for name, held in played(seed).state.values.items()
        if name.startswith("playbook_") and held["place"] == "thin_commodity"
    )
    assessed = day[f"{playbook}.reassessment"][0]
    assert 0 < (date.fromisoformat(begin(seed, "E23")) - date.fromisoformat(assessed)).days <= 30  # N14
    assert 1.8 <= (date.fromisoformat(begin(seed, "E24")) - date.fromisoformat(begin(seed, "E23"))).days / 7 <= 5  # N15
    assert len([name for name in day if re.fullmatch(r"playbook_\d+\.questions", name)]) >= 10  # N13


@pytest.mark.parametrize("seed", SEEDS)
def test_its_figures_are_those_of_the_source(seed: int) -> None:
    world = played(seed)
    (batch,) = world.said("batch_is_full")
    (left,) = world.said("demo_day")
    (rounds,) = world.said("autumn_rounds")
    assert int(re.findall(r"\d+", batch)[0]) > 200  # N6
    assert int(re.findall(r"\d+", left)[0]) < 100  # N7
    closed, value = re.findall(r"[\d.]+\d", rounds)[:2]
    assert 20 <= int(closed) <= 60  # N8
    assert float(value) < 15  # N9
    assert re.match(r"Release 19 ", world.said("apps_in_the_release")[0])  # N10
    low, high, _ = (float(x) for x in figures(world.said("index_doubles")[0])[:3])
    assert 1.9 <= high / low <= 2.6  # N11
    flagged = [e for e in world.events if e.kind == "report_arrived" and e.report == "anomaly"]
    assert [e.to for e in flagged] == [begin(seed, "E22"), begin(seed, "E23")]  # N12
    lost = [
        change.value
        for event in world.events
        if event.to < begin(seed, "E24")
        for change in event.changes
        if (change.entity, change.variable) == ("medallion", "losses")
    ]
    assert 0 < max(lost) <= 9  # N16
    compute = world.state.numbers["codex_cost"]
    assert compute > 10  # N17
    done = [event for event in world.events if event.kind == "rule_fired" and event.cause.id == "review_speaks"]
    assert len(done) == 10  # N18
    assert 8 <= world["codex_4.spent"] / compute <= 12  # N19


@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_year_of_the_doubling_the_disclosed_funds_lose(seed: int) -> None:
    text = next(text for text in played(seed).said("year_ends") if _year(played(seed), text) == begin(seed, "E21")[:4])
    after, before, funds, funds_before = figures(text)
    assert after > 1.9 * before
    assert funds < funds_before - 3


def _year(world: World, text: str) -> str:
    return next(event.to[:4] for event in world.events if event.text == text)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_senior_engineer_consents_each_time_and_nobody_pulls_the_cord(seed: int) -> None:
    told = [line.text for line in played(seed).state.record if "senior engineers are asked" in line.text]
    assert len(told) == 9
    assert all("all five agree" in text for text in told)
    assert "cord_pulled" not in {one.name for event in played(seed).events for one in event.emits}
