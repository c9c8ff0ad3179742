"""Every rule, stage, outcome and action of S2 to S5 acts: without it some run would show something else."""

from functools import cache
from typing import Any

import pytest

from orchestrator.core.observe import glance
from tests.scenarios.takeoff.acting import idle_parts, ids_of, rule_acts
from tests.scenarios.takeoff.alone import World, played
from tests.support.worlds import opened

FILES = ("s2_media.yaml", "s3_attention.yaml", "s4_software.yaml", "s5_law.yaml")
SUED: dict[str, Any] = {
    "saas__live": True, "saas__share": 30, "saas__quality": 60, "saas__discount": 60, "doj__evidence": 6,
    "commission__evidence": 6,
}  # fmt: skip
NO_FILE: dict[str, Any] = {"commission__evidence": 3, "saas__share": 0, "saas__placement": 0}
FEED: dict[str, Any] = {"tiktok__launched": True, "tiktok__synthetic": 20, "tiktok__quality": 45}
AUDITS: list[dict[str, Any]] = [
    {"numbers__tilt": tilt, "tiktok__personal": personal, "bytedance__open_books": books}
    for tilt in (0, 1)
    for personal, books in ((0, False), (60, False), (60, True))
]


def sued(seed: int, **more: Any) -> World:
    """A world in which the Division sues, up to the end of the case."""
    world = World(seed, **{**SUED, **more}).go(1, doj_antitrust="sue_google")
    while world.outcome("antitrust_case_1") == "none":
        world.go()
    return world


@cache
def worlds() -> tuple[World, ...]:
    """Two long runs on policy, and starts from which the rarer branches are reached."""
    long = [played(seed) for seed in (1, 2)]
    rare = [World(1, **FEED, **more).go(4, european_commission="audit_feed") for more in AUDITS]
    rare += [sued(seed).go(2) for seed in (1, 2, 3)]
    rare += [
        sued(1, saas__ranked=False, saas__switching=0, saas__discount=0),
        World(1, **SUED, world__reform=95, congress__stake=0, world__concern=70).go(9),
        World(1, **SUED, world__reform=61).go(2),
        World(1, **SUED, saas__fold=False).go(9, european_commission="proceed_google"),
        World(1, **SUED | NO_FILE).go(9, european_commission="proceed_google"),
        World(1, saas__developers=100).go(2, github="wall_repositories"),
        World(1, **SUED, saas__margin=60).go(5),
        World(3, **SUED, saas__margin=60).go(5),
    ]
    return (*long, *rare)


@pytest.mark.parametrize("file", FILES)
def test_every_rule_acts(file: str) -> None:
    rules = ids_of(file, "rules")
    assert len(rules) > 10
    assert [rule for rule in rules if not rule_acts(rule, worlds())] == []


@pytest.mark.parametrize("file", [file for file in FILES if file != "s3_attention.yaml"])
def test_every_stage_and_outcome_acts(file: str) -> None:
    processes = ids_of(file, "processes")
    assert processes
    assert [part for process in processes for part in idle_parts(process, worlds())] == []


@pytest.mark.parametrize("file", FILES)
def test_every_action_is_open_to_somebody_in_some_round(file: str) -> None:
    actions = set(ids_of(file, "actions"))
    assert actions
    for world in worlds():
        for state, _ in world.past:
            for seat in world.law.scenario.seats if actions else ():
                actions -= {option.action for option in glance(world.law, opened(world.law, state), seat).options}
    assert actions == set()
