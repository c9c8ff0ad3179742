"""Dice: addressed, independent, and of the distributions they claim."""

import math
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.dice import pick, roll, seed_for, shuffled, triangular

MANY = 4000


def test_a_die_is_a_function_of_seed_and_address() -> None:
    assert roll(1, "r1", "a") == roll(1, "r1", "a")
    assert len({roll(1, "r1", "a"), roll(2, "r1", "a"), roll(1, "r2", "a"), roll(1, "r1", "a", "")}) == 4
    assert roll(1, "a", "bc") != roll(1, "ab", "c")
    assert roll(1, "1") != roll(1, 1)


def test_dice_are_uniform_and_addresses_independent() -> None:
    ones = [roll(7, "r1", "one", n) for n in range(MANY)]
    twos = [roll(7, "r1", "two", n) for n in range(MANY)]
    assert all(0 <= die < 1 for die in ones)
    assert abs(fmean(ones) - 0.5) < 0.02
    assert abs(pstdev(ones) - math.sqrt(1 / 12)) < 0.01
    covariance = fmean([a * b for a, b in zip(ones, twos, strict=True)]) - fmean(ones) * fmean(twos)
    assert abs(covariance) < 0.006


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=8))
def test_sampling_seeds_fit_31_bits(seed: int, word: str) -> None:
    assert 0 <= seed_for(seed, word) < 2**31


@pytest.mark.parametrize(("low", "mode", "high"), [(0, 0, 1), (1, 2, 6), (5, 20, 20), (3, 3, 3)])
def test_triangular_has_its_mean_and_stays_inside(low: float, mode: float, high: float) -> None:
    draws = [triangular(low, mode, high, roll(3, "run", n)) for n in range(MANY)]
    assert low <= min(draws) <= max(draws) <= high
    assert fmean(draws) == pytest.approx((low + mode + high) / 3, abs=0.02 * (high - low) + 1e-12)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_pick_takes_only_what_has_weight(weights: list[float], die: float) -> None:
    if math.fsum(weights) > 0:
        assert weights[pick(weights, die)] > 0
    else:
        with pytest.raises(ValueError, match="no positive weight"):
            pick(weights, die)


def test_pick_follows_the_weights() -> None:
    picked = [pick([1, 0, 3], roll(5, "run", n)) for n in range(MANY)]
    assert picked.count(1) == 0
    assert picked.count(2) / MANY == pytest.approx(0.75, abs=0.03)


def test_an_order_is_a_permutation_and_its_own() -> None:
    assert sorted(shuffled(9, 1, "menu")) == list(range(9))
    assert shuffled(9, 1, "menu") != shuffled(9, 2, "menu")
    assert len({tuple(shuffled(3, seed, "menu")) for seed in range(60)}) == 6
