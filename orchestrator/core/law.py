"""The compiled law of a scenario: every name resolved, every expression and template ready to run.

Built by `compile`, read by `rules`, `policy` and `prompts`. Nothing here changes after loading.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from orchestrator.core.expr import Compiled, Names, Type
from orchestrator.core.parts import Duration
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.text import Text


class Place(NamedTuple):
    """A variable that an effect changes."""

    owner: Compiled
    """Yields the entity."""
    kind: str
    variable: str


class CTransfer(NamedTuple):
    ledger: str
    variables: Mapping[str, str]
    """Kind -> its variable in this ledger."""
    payer: Compiled | None
    """None: a declared source creates it."""
    receiver: Compiled | None
    """None: a declared sink uses it up."""
    amount: Compiled


class CTell(NamedTuple):
    seats: tuple[str, ...]
    named: tuple[Compiled, ...]
    """Expressions that yield further seats."""
    report: str
    says: Text
    value: Compiled
    when: Compiled
    chance: Compiled
    lag: Duration | None
    bell: bool


class CEffects(NamedTuple):
    adds: tuple[tuple[Place, Compiled], ...]
    scales: tuple[tuple[Place, Compiled], ...]
    sets: tuple[tuple[Place, Compiled], ...]
    moves: tuple[CTransfer, ...]
    emits: tuple[tuple[str, tuple[tuple[str, Compiled], ...]], ...]
    tells: tuple[CTell, ...]
    starts: tuple[tuple[str, tuple[tuple[str, Compiled], ...]], ...]
    sends: tuple[tuple[Compiled, str], ...]
    ends: str | None
    rank: int
    says: Text | None
    audience: tuple[str, ...] | None
    cites: tuple[str, ...]


class CPick(NamedTuple):
    name: str
    kind: str
    where: Compiled
    by: Compiled


class CRule(NamedTuple):
    id: str
    for_: str | None
    every: str | None
    upon: str | None
    on: str | None
    when: Compiled
    becomes: Compiled | None
    once: bool
    picks: tuple[CPick, ...]
    chance: Compiled
    effects: CEffects


class COutcome(NamedTuple):
    id: str
    when: Compiled
    chance: Compiled
    next: str
    effects: CEffects


class CStage(NamedTuple):
    id: str
    lasts: Duration | None
    every: str
    needs: tuple[Compiled, ...]
    chance: Compiled
    fails_if: Compiled | None
    outcomes: tuple[COutcome, ...]
    counters: Mapping[str, tuple[str, CEffects]]
    """Action -> (stage to fall back to or `end`, effects)."""
    next: str
    """The stage that follows where there are no outcomes, or `end`."""
    effects: CEffects


class CProcess(NamedTuple):
    id: str
    label: Text | None
    roles: Mapping[str, str]
    holds: Mapping[str, Any]
    """Start values."""
    stages: Mapping[str, CStage]
    first: str
    limit: int


class CAction(NamedTuple):
    """An action as one kind of actor sees it."""

    id: str
    label: Text
    purpose: Text
    target_kind: str | None
    target_where: Compiled | None
    target_self: bool
    params: Mapping[str, tuple[Any, ...]]
    """Parameter -> its possible values."""
    needs: tuple[Compiled, ...]
    costs: tuple[tuple[str, Compiled], ...]
    """(variable of the entity played, amount)."""
    chance: Compiled
    fails: CEffects | None
    visibility: str
    stem: Text | None
    repeat: bool
    effects: CEffects


class CPolicy(NamedTuple):
    id: str
    """From what the rule says, not from where it stands: a rule that is added moves no other rule's die."""
    when: Compiled
    do: str
    target: Compiled | None
    params: Mapping[str, Compiled]
    weight: float


class CFree(NamedTuple):
    id: str
    label: str
    target_kind: str | None
    target_where: Compiled | None
    target_self: bool
    effects: CEffects


class VariableInfo(NamedTuple):
    type: Type
    range: tuple[float, float] | None
    visible: frozenset[str] | None
    """Seats that see it; None: everyone."""
    derived: bool
    ledger: str | None
    unit: str
    digits: int
    label: str
    listed: bool


class CIndicator(NamedTuple):
    id: str
    label: str
    value: Compiled
    unit: str
    digits: int
    visible: frozenset[str] | None


class Work(NamedTuple):
    """What parts of a law cost where they take place, in passes (see `workload`)."""

    rules: Mapping[str, int]
    """Rule -> once, for one entity."""
    stages: Mapping[tuple[str, str], int]
    """(process, stage) -> that it begins and ends."""


class Law(NamedTuple):
    scenario: Scenario
    personas: Mapping[str, Persona]
    names: Names
    start: int
    """Day number of the first day."""
    values: Mapping[str, Mapping[str, Any]]
    """The world at the start."""
    variables: Mapping[tuple[str, str], VariableInfo]
    derived: Mapping[str, Callable[..., Any]]
    members: Mapping[str, tuple[str, ...]]
    """Kind -> its entities, in the order of the file."""
    rules: tuple[CRule, ...]
    followers: Mapping[str, tuple[CRule, ...]]
    """Happening -> the rules that follow it."""
    processes: Mapping[str, CProcess]
    actions: Mapping[str, Mapping[str, CAction]]
    """Seat -> action -> as that seat sees it."""
    policies: Mapping[str, tuple[CPolicy, ...]]
    free: Mapping[str, Mapping[str, CFree]]
    """Seat -> the declared effects its free move may be mapped onto."""
    indicators: tuple[CIndicator, ...]
    endings: Mapping[str, Text]
    labels: Mapping[str, str]
    """Entity or seat -> what people call it."""
    work: Work = Work({}, {})

    def kind_of(self, entity: str, instances: Mapping[str, str]) -> str:
        """The kind of an entity or the process of an instance."""
        return self.names.entities.get(entity) or instances[entity]

    def sees(self, seat: str, kind: str, variable: str) -> bool:
        visible = self.variables[kind, variable].visible
        return visible is None or seat in visible
