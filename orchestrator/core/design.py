"""The design of a run: everything it was started with, as one value whose hash the first event carries.

A run plays from its stored design, never from today's files. Names of backends, addresses, keys and limits
are no part of it: they say where an answer comes from, not what was asked.
"""

from typing import Any, Literal

from orchestrator.core.events import RULES_VERSION, SeatPlay
from orchestrator.core.value import Value, canonical, digest

JudgeMode = Literal["score"]


class JudgePlay(Value):
    """Who judges, and how."""

    plays: tuple[SeatPlay, ...]
    """One judge; several are a panel."""
    mode: JudgeMode = "score"
    policy_too: bool = False
    """Moves of seats on policy are judged as well."""


class ForkPoint(Value):
    """What a fork changed, and where."""

    at: int
    """Rounds kept."""
    parent_hash: str
    seats: dict[str, SeatPlay] = {}
    sets: dict[str, Any] = {}


class Design(Value):
    rules_version: int = RULES_VERSION
    data: str
    """sha256 of the stored text with scenario, personas and prompt templates (`library.packed`)."""
    seed: int
    seats: dict[str, SeatPlay]
    judge: JudgePlay | None
    sets: dict[str, Any] = {}
    """Interventions: path -> checked value."""
    forks: tuple[ForkPoint, ...] = ()
    """Where this run parted from its ancestors; not part of the hash that the first event carries."""

    def text(self) -> str:
        """The canonical JSON that is stored."""
        return canonical(self.model_dump(mode="json", exclude=None if self.forks else {"forks"}))

    def hash(self) -> str:
        """The hash in `run_started`: the design without what forks changed later."""
        return digest(canonical(self.model_dump(mode="json", exclude={"forks"})))
