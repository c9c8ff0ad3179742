"""S11, the endings: several, none foregone, each with conditions of its own."""

from collections import Counter
from typing import Any

import pytest

from tests.scenarios.takeoff.alone import World
from tests.scenarios.takeoff.ends import AWAKE, ended, whole

ENDINGS = {
    "uncontained",
    "rival_first",
    "contained_incident",
    "coordinated_pause",
    "regulated_path",
    "concentrated_power",
    "out_of_time",
}
EPILOGUE = [
    "precautions_failed",
    "average_person",
    "pause_before",
    "only_limits",
    "no_competitor",
    "peak_and_drawdown",
]


def test_there_are_seven_endings_and_something_leads_to_each() -> None:
    law = whole()
    assert set(law.scenario.endings) >= ENDINGS
    assert law.scenario.clock.ends == "out_of_time"


def test_the_last_pages_are_told_in_order_and_cite_their_entries() -> None:
    world = World(law=whole(), **AWAKE)
    assert ended(world, 8) == "uncontained"
    told = [event.cause.id for event in world.events if event.text and event.cause.id in EPILOGUE]
    assert told == EPILOGUE
    assert {"E29", "E30", "E31", "E32", "M48", "M49", "M50", "M51", "M52", "M53", "N20"} <= world.cited()
    assert len({event.to for name in EPILOGUE for event in world.of(name)}) == 1


LICENSED: dict[str, Any] = {"world__concern": 45, "world__reform": 30, "commission__staff": 90, "commission__trust": 80}
CALM = ("concern_fades", "press_thins", "runner_prepares", "fund_prepares", "one_company_ahead")


def test_licences_that_hold_lead_to_a_slow_path() -> None:
    world = World(law=whole(*CALM), **LICENSED).go(1, european_commission="draft_rules")
    assert ended(world, 14) == "regulated_path"
    assert list(world.entered("licensing_1"))[:3] == ["talks", "in_force", "tested"]
    free = World(law=whole(*CALM, "licensing_begins"), **LICENSED).go(1, european_commission="draft_rules")
    rounds = world.state.round
    while free.state.round < rounds:
        free.go()
    assert free.state.ending is None
    assert world["google.spend"] < free["google.spend"]


def test_talks_about_licences_fail_where_nobody_is_worried_any_more() -> None:
    world = World(law=whole(*CALM, "frontier_advances"), **LICENSED).go(1, european_commission="draft_rules")
    while not any(name.startswith("licensing") for name in world.state.instances):
        world.go()
    tired = World(law=whole("frontier_advances"), **{**LICENSED, "world__concern": 27})
    tired.go(1, european_commission="draft_rules")
    assert ended(tired, 10) != "regulated_path"


GIANT: dict[str, Any] = {"google__cash": 550, "google__spend": 14, "saas__share": 80, "saas__live": True}


def test_one_company_may_end_up_with_the_power_without_an_accident() -> None:
    law = whole("runner_prepares", "fund_prepares")
    world = World(law=law, **GIANT)
    assert world["google.power"] > world.state.numbers["power_bar"]
    assert ended(world, 9) == "concentrated_power"
    assert list(world.entered("dominance_1")) == ["ahead", "entrenched"]
    assert World(law=law, **GIANT, numbers__power_bar=100).go(8).state.ending is None


def test_a_court_may_divide_it() -> None:
    start: dict[str, Any] = {**GIANT, "doj__staff": 80, "doj__trust": 80, "doj__evidence": 12, "world__reform": 100}
    for seed in range(1, 6):
        world = World(seed, law=whole("runner_prepares", "fund_prepares"), **start).go(1)
        world.go(1, doj_antitrust="divide_company")
        if any(e.kind == "action_taken" and e.succeeded for e in world.of("doj_antitrust/divide_company")):
            assert world.outcome("dominance_1") == "countered"
            return
    pytest.fail("no court ever divided it")


@pytest.mark.parametrize(("charter", "ending"), [(False, "concentrated_power"), (True, None)])
def test_a_finished_system_serves_its_owner_unless_the_charter_holds(charter: bool, ending: str | None) -> None:
    done: dict[str, Any] = {"codex_4__phase": "finished", "numbers__wake": 100, "openai__charter": charter}
    law = whole("runner_prepares", "fund_prepares", "one_company_ahead")
    assert ended(World(law=law, **done), 7) == ending


def test_time_may_simply_run_out() -> None:
    silent = ("runner_prepares", "fund_prepares", "one_company_ahead")
    assert ended(World(law=whole(*silent)), 20) == "out_of_time"


def test_no_ending_is_foregone() -> None:
    found: Counter[str | None] = Counter()
    for seed in range(1, 9):
        found[ended(World(seed, law=whole()), 20, policy=True)] += 1
    assert len(found) >= 3
    assert max(found.values()) <= 5
    assert None not in found
