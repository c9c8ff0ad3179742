"""Dice that are addressed, not drawn: each has a path, so a change elsewhere moves no other draw."""

import hashlib
import math
from collections.abc import Sequence

from orchestrator.core.value import quoted


def roll(seed: int, *path: str | int) -> float:
    """A number in [0, 1) from the seed and the die's address: the top 53 bits of a sha256."""
    address = ",".join([quoted(part) if isinstance(part, str) else str(part) for part in path])
    raw = hashlib.sha256(f"[{seed},{address}]".encode()).digest()
    return (int.from_bytes(raw[:8], "big") >> 11) / 9007199254740992.0


def seed_for(seed: int, *path: str | int) -> int:
    """A sampling seed from 0 to 2**31-1 for one call."""
    return int(roll(seed, *path) * 2147483648)


def triangular(low: float, mode: float, high: float, die: float) -> float:
    """Inverse distribution function of the triangular distribution on [low, high] with that mode."""
    if high <= low:
        return low
    cut = (mode - low) / (high - low)
    if die < cut:
        return low + math.sqrt(die * (high - low) * (mode - low))
    return high - math.sqrt((1 - die) * (high - low) * (high - mode))


def pick(weights: Sequence[float], die: float) -> int:
    """Index of the weight the die falls on. Raises ValueError where no weight is positive."""
    total = math.fsum(weights)
    if not total > 0:
        raise ValueError("no positive weight to pick from")
    reached = 0.0
    for index, weight in enumerate(weights):
        reached += weight / total
        if die < reached:
            return index
    return max(index for index, weight in enumerate(weights) if weight > 0)


def shuffled(count: int, seed: int, *path: str | int) -> list[int]:
    """The numbers 0 to count-1 in an order given by one die an element."""
    return sorted(range(count), key=lambda index: (roll(seed, *path, index), index))
