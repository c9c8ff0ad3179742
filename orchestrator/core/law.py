"""The compiled law of a scenario: every name resolved, every expression and template ready to run.

Built by `compile`, read by `rules`, `policy` and `prompts`. Nothing here changes after loading.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from orchestrator.core.expr import Compiled, Names, Type
from orchestrator.core.exprtypes import PAIR
from orchestrator.core.parts import Duration
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.text import Text
from orchestrator.core.turn import Promise


class Place(NamedTuple):
    """A variable that an effect changes."""

    owner: Compiled
    """Yields the entity."""
    kind: str
    variable: str
    pair: Compiled | None = None
    """For a relation: yields the pair, which is the variable; `owner` and `kind` are the relation then."""


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
    false: Compiled | None = None
    """Chance of a false alarm."""


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

    @property
    def still(self) -> bool:
        """It changes numbers at most: nothing else follows from it."""
        return not (self.emits or self.tells or self.starts or self.sends)


Answer = Literal["yes", "no"]


class CDecision(NamedTuple):
    """What happens where a question is decided one way."""

    effects: CEffects
    next: str | None
    """Of a stage: where the process goes, `end` among it; None: it stays."""


class CAsk(NamedTuple):
    """A question, ready to be put."""

    place: str
    """The rule, or `process.stage`: what asks."""
    id: str
    """As personas name it."""
    seats: tuple[str, ...]
    """Those asked, in seat order."""
    question: Text
    decides: str
    default: Answer
    """The answer of a member on policy where no line of its persona holds."""
    decisions: Mapping[str, CDecision]
    """`yes`, `no`, `neither`."""
    words: Mapping[str, tuple[str, str]]
    """Answer -> its verb for one and for several."""
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
    upon: tuple[str, ...]
    on: str | None
    when: Compiled
    becomes: Compiled | None
    once: bool
    picks: tuple[CPick, ...]
    chance: Compiled
    effects: CEffects
    asks: CAsk | None = None
    always: bool = False
    """`when` is true whatever happens."""
    sure: bool = False
    """`chance` is 1 whatever happens."""
    alarms: bool = False
    """It may raise false alarms."""


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
    asks: CAsk | None = None
    """Put instead of the outcomes."""


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
    bars: tuple[tuple[str, Compiled], ...] = ()
    """(sentence, condition) of what closes it to those whom an agreement binds."""
    beside: bool = False
    words: bool = False


class CGuard(NamedTuple):
    """A clause of an agreement that binds: a move that would break it is refused."""

    process: str
    """Whose instances are the parties' signatures."""
    why: str
    binds: Compiled
    """Whether the party `self` is bound."""
    holds: Compiled


class CPolicy(NamedTuple):
    id: str
    """From what the rule says, not from where it stands: a rule that is added moves no other rule's die."""
    when: Compiled
    do: str
    target: Compiled | None
    params: Mapping[str, Compiled]
    weight: float
    promises: tuple[Promise, ...] = ()


class CTalk(NamedTuple):
    """A message that a seat on policy may write."""

    id: str
    """As of `CPolicy`."""
    when: Compiled
    to: tuple[str, ...]
    says: Text
    weight: float


class CVote(NamedTuple):
    """A line of a persona's policy that answers a question."""

    id: str
    """As of `CPolicy`."""
    when: Compiled
    answer: Answer
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


class CQuestion(NamedTuple):
    id: str
    asks: Text
    """`date` is in scope: a date as text."""
    resolves: Compiled


class Work(NamedTuple):
    """What parts of a law cost where they take place, in passes (see `workload`)."""

    rules: Mapping[str, int]
    """Rule -> once, for one entity."""
    stages: Mapping[tuple[str, str], int]
    """(process, stage) -> that it begins and ends."""
    steps: Mapping[str, int] = {}
    """Process -> the most that one of its stages costs."""


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
    questions: tuple[CQuestion, ...] = ()
    asks: Mapping[str, CAsk] = {}
    """Place -> the question put there."""
    votes: Mapping[str, Mapping[str, tuple[CVote, ...]]] = {}
    """Seat -> question -> the lines of its persona that answer it."""
    people: Mapping[str, tuple[str, ...]] = {}
    """Seat -> its members; itself where it is one person."""
    seat_of: Mapping[str, str] = {}
    """Member -> its seat."""
    talks: Mapping[str, tuple[CTalk, ...]] = {}
    """Seat -> what it writes on policy."""
    guards: tuple[CGuard, ...] = ()
    undertakings: Mapping[str, Text] = {}
    """Agreement -> what each party undertakes; `terms` is in scope."""

    usual: Mapping[str, Any] = {}
    """Relation -> the value at which its pairs start, where they say nothing else."""

    def kind_of(self, entity: str, instances: Mapping[str, str]) -> str:
        """The kind of an entity or the process of an instance; a relation is its own."""
        if entity in self.names.relations:
            return entity
        return self.names.entities.get(entity) or instances[entity]

    def info_of(self, entity: str, variable: str) -> VariableInfo | None:
        """What is declared of a variable of an entity, or of a pair of a relation; None where there is none."""
        kind = entity if entity in self.names.relations else self.names.entities.get(entity, "")
        return None if variable == PAIR else self.variables.get((kind, variable))

    def sees(self, seat: str, kind: str, variable: str) -> bool:
        visible = self.variables[kind, variable].visible
        return visible is None or seat in visible
