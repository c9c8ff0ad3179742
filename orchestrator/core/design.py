"""The design of a run: everything it was started with, as one value whose hash the first event carries.

A run plays from its stored design, never from today's files. Names of backends, addresses, keys and limits
are no part of it: they say where an answer comes from, not what was asked.
"""

from typing import Any, Literal

from orchestrator.core.events import RULES_VERSION, SeatPlay
from orchestrator.core.logs import Logged
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
    mutes: tuple[str, ...] = ()
    """Seats that send no messages and make no promises from here on."""


class Design(Value):
    rules_version: int = RULES_VERSION
    data: str
    """sha256 of the stored text with scenario, personas and prompt templates (`library.packed`)."""
    seed: int
    seats: dict[str, SeatPlay]
    judge: JudgePlay | None
    sets: dict[str, Any] = {}
    """Interventions: path -> checked value."""
    log: tuple[Logged, ...] = ()
    """The recorded moves of seats that are played by a log, in the recorded order."""
    talk: int = 0
    """How often each seat may write private messages before the decisions of a round."""
    variant: str | None = None
    """The scenario's variant that `data` holds; none: the scenario as it stands."""
    forks: tuple[ForkPoint, ...] = ()
    """Where this run parted from its ancestors; not part of the hash that the first event carries."""

    def text(self) -> str:
        """The canonical JSON that is stored."""
        return canonical(self.model_dump(mode="json", exclude=self._idle({"forks"} if not self.forks else set())))

    def hash(self) -> str:
        """The hash in `run_started`: the design without what forks changed later."""
        return digest(canonical(self.model_dump(mode="json", exclude=self._idle({"forks"}))))

    def _idle(self, more: set[str]) -> set[str]:
        """What is left out: a log and talks where there are none, and these."""
        return more | {name for name in ("log", "talk") if not getattr(self, name)}
