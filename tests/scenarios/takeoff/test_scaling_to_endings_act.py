"""Each entry of the source that S1 and S6 to S11 stand for is cited by a rule, stage or outcome that acts.

What acts is taken out, and some run then shows another indicator or another legal menu. Entries of the last pages
are held by the chain of happenings that carries the ending: without any of them there is no such ending.
"""

from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from tests.scenarios.takeoff.acting import idle_parts, rule_acts
from tests.scenarios.takeoff.alone import World, takeoff
from tests.scenarios.takeoff.ends import AWAKE, ended, whole

ENTRIES = [
    *("A1", "A31", "A32", *(f"A{n}" for n in range(36, 47))),
    *(f"M{n}" for n in (*range(1, 10), *range(32, 48))),
    *("N1", *(f"N{n}" for n in range(11, 20))),
    *("E1", *(f"E{n}" for n in range(21, 29))),
    *(f"C{n}" for n in range(16, 30) if n != 19),
    "E29",
]
PAGES = {
    "E30": "precautions_failed",
    "M48": "precautions_failed",
    "E31": "average_person",
    "M49": "average_person",
    "A48": "average_person",
    "M50": "pause_before",
    "N20": "pause_before",
    "C19": "pause_before",
    "M51": "only_limits",
    "A49": "only_limits",
    "M52": "no_competitor",
    "E32": "peak_and_drawdown",
    "M53": "peak_and_drawdown",
}


@cache
def worlds() -> tuple[World, ...]:
    """Two runs on policy, and a system that reaches out while the seats follow their own rules, or sleep."""
    start: dict[str, Any] = {**AWAKE, "numbers__boldness": 1, "world__concern": 30}
    long = (World(seed).on_policy(17) for seed in (1, 2))
    return (*long, World(1, **start).on_policy(8), World(1, **AWAKE).go(8))


@cache
def cited() -> dict[str, dict[str, list[str]]]:
    """Entry -> the rules, processes (by a stage or an outcome) and actions that cite it."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"rules": [], "processes": [], "actions": []})
    scenario = takeoff().scenario
    for section in ("rules", "actions"):
        for key, held in getattr(scenario, section).items():
            for entry in held.source:
                found[entry][section].append(key)
    for key, process in scenario.processes.items():
        for stage in process.stages:
            for block in (stage, *stage.outcomes.values()):
                for entry in block.source:
                    found[entry]["processes"].append(key)
    return found


@cache
def acts(rule: str) -> bool:
    return rule_acts(rule, worlds())


@cache
def idle(process: str) -> list[str]:
    return idle_parts(process, worlds())


@cache
def chosen() -> set[str]:
    """The actions that somebody took: without one of them it could not have been chosen."""
    return {event.action for world in worlds() for event in world.events if event.kind == "action_taken"}


def parts(process: str, entry: str) -> list[str]:
    """The stages and outcomes of a process that cite an entry."""
    stages = takeoff().scenario.processes[process].stages
    return [f"{process}.{stage.id}" for stage in stages if entry in stage.source] + [
        f"{process}.{stage.id}.{key}"
        for stage in stages
        for key, outcome in stage.outcomes.items()
        if entry in outcome.source
    ]


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_is_cited_by_something_that_acts(entry: str) -> None:
    held = cited()[entry]
    if any(acts(rule) for rule in held["rules"]):
        return
    if set(held["actions"]) & chosen():
        return
    assert any(set(parts(process, entry)) - set(idle(process)) for process in dict.fromkeys(held["processes"]))


@pytest.mark.parametrize(("entry", "rule"), PAGES.items())
def test_an_entry_of_the_last_pages_carries_the_ending(entry: str, rule: str) -> None:
    assert entry in takeoff().scenario.rules[rule].source
    assert ended(World(law=whole(rule), **AWAKE), 6) != "uncontained"


def test_ninety_rules_and_more_carry_the_entries_of_the_source() -> None:
    own = {
        key
        for key, rule in takeoff().scenario.rules.items()
        if any(entry[0] in "AMNE" and entry[1:].isdigit() for entry in rule.source)
    }
    assert len(own) >= 90
