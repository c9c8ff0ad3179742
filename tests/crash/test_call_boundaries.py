"""SIGKILL at every call of a game, and at random instants: driven from the server that is asked."""

import random
import signal
import time
from typing import Any

import pytest

from tests.crash.conftest import CALLS
from tests.crash.scene import AT_ONCE, Scene


@pytest.mark.parametrize("hook", ["arrived", "sent"])
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_at_a_call_it_goes_on_to_the_same_end(
    scene: Scene, whole: dict[str, Any], hook: str, number: int
) -> None:
    scene.killed_at(scene.play, hook, number)
    scene.goes_on(whole)


def test_killed_again_and_again_it_gets_on_each_time_and_still_ends_the_same(
    scene: Scene, whole: dict[str, Any]
) -> None:
    kept: set[int] = set()
    kills = 0
    while CALLS - len(kept) > AT_ONCE:
        asked = len(scene.lab.seeds)
        # One more request than can be in flight: an answer was recorded before it was put.
        scene.killed_at(scene.resume if kills else scene.play, "arrived", asked + AT_ONCE + 1)
        kills += 1
        assert not kept & set(scene.lab.seeds[asked:])
        before, kept = kept, scene.recorded()
        assert before < kept
    assert kills >= 2
    scene.goes_on(whole, kills)


def test_killed_at_random_instants_it_goes_on_to_the_same_end(scene: Scene, whole: dict[str, Any]) -> None:
    scene.lab.delay_s = 0.03
    dice = random.Random(20260301)
    child = scene.play()
    assert scene.lab.asked.wait(20)
    kills = 0
    for _ in range(5):
        time.sleep(dice.uniform(0.0, 0.25))
        child.signal(signal.SIGKILL)
        if child.wait() == 0:
            break  # it had ended a moment before
        kills += 1
        scene.holds()
        child = scene.resume()
    else:
        child.signal(signal.SIGKILL)
        child.wait()
    assert kills >= 1
    scene.lab.delay_s = 0.0
    scene.goes_on(whole, kills + 1)
