"""Compiles what all parts of a scenario share: expressions, templates, audiences, targets, blocks of effects."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from orchestrator.core.actions import Target
from orchestrator.core.agreements import Bar
from orchestrator.core.expr import Compiled, ExprProblem, Names, Scene, Type, compile_expr, compile_pair, near
from orchestrator.core.exprtypes import BOOL, NUM, PAIR, an
from orchestrator.core.happenings import happenings
from orchestrator.core.law import CEffects, CTell, CTransfer, Place, VariableInfo
from orchestrator.core.parts import Effects, Process, Rule, Tell, Transfer
from orchestrator.core.scenario import Scenario
from orchestrator.core.text import Text, compile_text
from orchestrator.core.weighing import MOST_PASSES, Weigher, too_much


def constant(text: str, type_: Type, value: Any) -> Compiled:
    """An expression that always yields this value."""

    def run(_scene: Scene) -> Any:
        return value

    return Compiled(text, type_, lambda: run, frozenset())


MOST_PROBLEMS = 100
"""More are not looked for: nobody reads them, and each takes its search for near names."""
MOST_LABEL = 1000
"""Passes of a template for the names of instances: every sentence that names one evaluates it."""


class TooMany(Exception):
    """Enough problems were found."""


def _places(process: Process) -> set[str]:
    """Where `sends` may move an instance: a stage, the end, or the end with one of its outcomes (two of them every
    process has: `countered` and `failed`)."""
    outcomes = {name for stage in process.stages for name in stage.outcomes}
    return {"end", "countered", "failed", *(stage.id for stage in process.stages), *outcomes}


TRUE = constant("True", BOOL, value=True)


class Problem(NamedTuple):
    """One thing wrong with a scenario or persona."""

    path: tuple[str, ...]
    """Keys that lead to it; a persona's begin with `personas`, seat."""
    message: str


class Scope(NamedTuple):
    """The names that an expression finds beside the scenario's own."""

    names: Mapping[str, Type]
    event: Mapping[str, Type] | None = None
    known: bool = False
    seats: tuple[str, ...] = ()
    """Those who must be able to see every variable that is read; empty: no such bound."""

    def more(self, /, **names: Type) -> "Scope":
        return self._replace(names={**self.names, **names})


class Builder:
    """Compiles parts of one scenario and collects the problems it meets."""

    def __init__(
        self,
        scenario: Scenario,
        names: Names,
        problems: list[Problem],
        bars: Mapping[str, tuple[Bar, ...]] | None = None,
    ) -> None:
        self.scenario, self.names, self.problems = scenario, names, problems
        self.bars = bars or {}
        """Action -> what refuses it to those who are bound."""
        self.variables: dict[tuple[str, str], VariableInfo] = {}
        self.events: dict[str, dict[str, Type]] = {}
        """Happening -> its parameters."""
        self.weigh = Weigher({})
        self._holders: dict[str, dict[str, str]] = {}
        self._who: dict[tuple[str, ...], tuple[str, ...]] = {}

    def say(self, path: Iterable[str], message: str) -> None:
        """Notes a problem. Raises TooMany with the last that is kept."""
        self.problems.append(Problem(tuple(path), message))
        if len(self.problems) >= MOST_PROBLEMS:
            raise TooMany

    def expr(self, text: str, scope: Scope, at: tuple[str, ...], want: str = "", *, changing: bool = False) -> Compiled:
        try:
            code = compile_expr(
                text, self.names, scope.names, want, event=scope.event, known=scope.known, changing=changing
            )
        except ExprProblem as error:
            self.say(at, str(error))
            return TRUE
        self.seen(code, scope, at)
        self.weighed(code, at)
        return code

    def weighed(self, code: Compiled, at: tuple[str, ...]) -> None:
        """An expression must end soon."""
        if (cost := self.weigh.of(code)) > MOST_PASSES:
            self.say(at, too_much(code.text, cost))

    def seen(self, code: Compiled, scope: Scope, at: tuple[str, ...]) -> None:
        """Whoever acts on an expression must see what it reads, or a menu would tell secrets."""
        for kind, variable in sorted(code.reads):
            info = self.variables.get((kind, variable))
            blind = (
                []
                if info is None or info.visible is None
                else [seat for seat in scope.seats if seat not in info.visible]
            )
            if blind:
                self.say(
                    at,
                    f"'{code.text}' reads {kind}.{variable}, which {blind[0]} does not see (visible_to); "
                    "use `chance` or a report for hidden causes",
                )

    def text(self, raw: str, scope: Scope, at: tuple[str, ...], *, changing: bool = True) -> Text:
        try:
            made = compile_text(raw, self.names, scope.names, event=scope.event, changing=changing)
        except ExprProblem as error:
            self.say(at, str(error))
            return Text(raw, (raw,))
        for part in made.parts:
            if not isinstance(part, str):
                self.seen(part[0], scope, at)
                self.weighed(part[0], at)
        return made

    def who(self, given: Iterable[str], at: tuple[str, ...]) -> tuple[str, ...]:
        """Seats behind names of seats, groups, entities played and their kinds, in seat order."""
        given = tuple(given)
        if given in self._who:
            return self._who[given]
        problems = len(self.problems)
        found: set[str] = set()
        for name in given:
            hits = [
                seat
                for seat, held in self.scenario.seats.items()
                if name in (seat, held.plays, self.names.entities.get(held.plays))
            ]
            hits += self.scenario.groups.get(name, ())
            if not hits and name not in self.scenario.groups:
                hint = near(name, [*self.scenario.seats, *self.scenario.groups])
                self.say(at, f"no seat, group or kind of player is called '{name}'{hint}")
            found.update(hits)
        seats = tuple(seat for seat in self.scenario.seats if seat in found)
        if len(self.problems) == problems:
            self._who[given] = seats
        return seats

    def audience(self, given: str | tuple[str, ...], at: tuple[str, ...]) -> tuple[str, ...] | None:
        """None for everyone, empty for nobody."""
        if given == "public":
            return None
        return () if given == "hidden" else self.who((given,) if isinstance(given, str) else given, at)

    def actor(self, seat: str, *, sees: bool = False) -> Scope:
        """The scope of one who acts: `self` and `seat`."""
        kind = self.names.entities.get(self.scenario.seats[seat].plays, "")
        return Scope({"self": Type("ref", kind=kind), "seat": Type("ref", kind="seat")}, seats=(seat,) if sees else ())

    def target(self, target: Target | None, scope: Scope, at: tuple[str, ...]) -> tuple[str | None, Compiled | None]:
        """(kind or process, condition on `target`)."""
        if target is None:
            return None, None
        kind = target.kind or target.process or ""
        if kind not in self.names.kinds:
            self.say((*at, "target"), f"no kind or process is called '{kind}'{near(kind, self.names.kinds)}")
            return None, None
        return kind, self.expr(
            target.where, scope.more(target=Type("ref", kind=kind)), (*at, "target", "where"), "bool"
        )

    def effects(self, block: Effects, scope: Scope, at: tuple[str, ...]) -> CEffects:
        blind = scope._replace(seats=())
        kinds = {
            word: self._assigned(getattr(block, word), blind, (*at, word), word) for word in ("add", "scale", "set")
        }
        return CEffects(
            adds=kinds["add"], scales=kinds["scale"], sets=kinds["set"],
            moves=tuple(self._transfer(key, move, blind, (*at, "move", key)) for key, move in block.move.items()),
            emits=tuple((key, self._params(given, blind, (*at, "emits", key))) for key, given in block.emits.items()),
            tells=tuple(self._tell(tell, blind, (*at, "tells")) for tell in block.tells),
            starts=tuple((key, self._roles(key, to, blind, (*at, "starts", key))) for key, to in block.starts.items()),
            sends=tuple(self._send(text, stage, blind, (*at, "sends")) for text, stage in block.sends.items()),
            ends=self._ending(block.ends, at), rank=block.rank,
            says=self.text(block.says, blind, (*at, "says")) if block.says else None,
            audience=self.audience(block.audience, (*at, "audience")), cites=tuple(block.source),
        )  # fmt: skip

    def _ending(self, name: str | None, at: tuple[str, ...]) -> str | None:
        if name is not None and name not in self.scenario.endings:
            self.say((*at, "ends"), f"no ending is called '{name}'{near(name, self.scenario.endings)}")
        return name

    def _assigned(
        self, block: Mapping[str, str], scope: Scope, at: tuple[str, ...], word: str
    ) -> tuple[tuple[Place, Compiled], ...]:
        made: list[tuple[Place, Compiled]] = []
        for left, right in block.items():
            place = self.place(left, scope, (*at, left))
            if place is None:
                continue
            info = self.variables[place.kind, place.variable]
            if info.derived or (
                place.variable in ("stage", "outcome", "running") and place.kind in self.scenario.processes
            ):
                self.say(
                    (*at, left),
                    f"'{left}' is derived and cannot be changed; change what it is derived from (or use `sends`)",
                )
            elif info.ledger:
                self.say((*at, left), f"'{left}' is kept in the ledger {info.ledger}: only `move` changes it")
            elif word != "set" and info.type != NUM:
                self.say((*at, left), f"'{left}' is no number: only `set` changes it")
            else:
                made.append((place, self._value(right, info.type, scope, (*at, left))))
        return tuple(made)

    def _value(self, text: str, want: Type, scope: Scope, at: tuple[str, ...]) -> Compiled:
        word = text.strip().strip("'\"")
        if want.name == "enum" and word in want.names:
            return constant(text, want, word)
        code = self.expr(text, scope, at)
        fits = code.type == want or (want.name == "ref" and code.type.name == "null")
        if not fits and code is not TRUE:
            wanted = (
                f"one of {', '.join(want.names)}"
                if want.names
                else {"num": "a number", "bool": "true or false"}.get(want.name, f"a {want.kind}")
            )
            self.say(at, f"'{text}' does not yield {wanted}")
        return code

    def place(self, text: str, scope: Scope, at: tuple[str, ...]) -> Place | None:
        """`self.owner.users` as the owner and its variable."""
        if "[" in text:
            return self.pair(text, scope, at)
        owner, _, variable = text.rpartition(".")
        if not owner:
            self.say(at, f"'{text}' names no variable: write ENTITY.VARIABLE")
            return None
        code = self.expr(owner, scope, at, "ref")
        if code is TRUE:
            return None
        if (code.type.kind, variable) not in self.variables:
            self.say(
                at,
                f"{an(code.type.kind)} has no '{variable}'{near(variable, self.names.kinds.get(code.type.kind, {}))}",
            )
            return None
        return Place(code, code.type.kind, variable)

    def pair(self, text: str, scope: Scope, at: tuple[str, ...]) -> Place | None:
        """`evidence[self, target]` as the relation and the pair."""
        try:
            made = compile_pair(text, self.names, scope.names, event=scope.event)
        except ExprProblem as error:
            self.say(at, str(error))
            return None
        if made is None:
            self.say(at, f"'{text[:60]}' is no pair: write RELATION[FIRST, SECOND]")
            return None
        relation, code = made
        self.weighed(code, at)
        return Place(constant(relation, code.type, relation), relation, PAIR, code)

    def _transfer(self, ledger: str, move: Transfer, scope: Scope, at: tuple[str, ...]) -> CTransfer:
        held = self.scenario.ledgers.get(ledger)
        if held is None:
            self.say(at, f"no ledger is called '{ledger}'{near(ledger, self.scenario.ledgers)}")
        if ledger not in self._holders:
            kept = [(kind, key) for (kind, key), info in reversed(self.variables.items()) if info.ledger == ledger]
            self._holders[ledger] = dict(kept)  # of two in one kind the first
        holders = self._holders[ledger]
        ends: list[Compiled | None] = []
        for word, text, open_ in (
            ("from", move.from_, held.sources if held else ()),
            ("to", move.to, held.sinks if held else ()),
        ):
            code = None if text in open_ else self.expr(text, scope, (*at, word), "ref")
            if code is not None and code is not TRUE and code.type.kind not in holders:
                self.say((*at, word), f"{an(code.type.kind)} holds nothing of the ledger {ledger}")
            ends.append(code)
        return CTransfer(ledger, holders, ends[0], ends[1], self.expr(move.amount, scope, (*at, "amount"), "num"))

    def _params(self, params: Mapping[str, str], scope: Scope, at: tuple[str, ...]) -> tuple[tuple[str, Compiled], ...]:
        return tuple((key, self.expr(text, scope, (*at, key))) for key, text in params.items())

    def _tell(self, tell: Tell, scope: Scope, at: tuple[str, ...]) -> CTell:
        static: list[str] = []
        named: list[Compiled] = []
        for name in tell.to:
            if name in self.scenario.seats or name in self.scenario.groups:
                static += self.who((name,), (*at, "to"))
            else:
                code = self.expr(name, scope, (*at, "to"), "ref")
                if code is not TRUE and code.type.kind != "seat":
                    self.say((*at, "to"), f"'{name}' is no seat, group or role of a seat")
                named.append(code)
        value = self.expr(tell.value, scope, (*at, "value"), "num")
        says = self.text(tell.says, scope.more(value=NUM), (*at, "says"))
        when = self.expr(tell.when, scope, (*at, "when"), "bool")
        chance = self.expr(tell.chance, scope, (*at, "chance"), "num")
        seats = tuple(dict.fromkeys(static))
        false = None if tell.false is None else self.expr(tell.false, scope, (*at, "false"), "num")
        return CTell(seats, tuple(named), tell.report, says, value, when, chance, tell.lag, tell.bell, false)

    def _roles(
        self, name: str, roles: Mapping[str, str], scope: Scope, at: tuple[str, ...]
    ) -> tuple[tuple[str, Compiled], ...]:
        process = self.scenario.processes.get(name)
        if process is None:
            self.say(at, f"no process is called '{name}'{near(name, self.scenario.processes)}")
            return ()
        if set(roles) != set(process.roles):
            self.say(at, f"a {name} needs the roles {', '.join(process.roles) or '(none)'}")
        made: list[tuple[str, Compiled]] = []
        for role, text in roles.items():
            code = self.expr(text, scope, (*at, role), "ref")
            kind = process.roles.get(role, "")
            fits = code.type.kind == kind or (kind == "seat" and text in self.scenario.seats)
            if code is not TRUE and not fits:
                self.say((*at, role), f"'{text}' is no {kind}")
            made.append((role, code))
        return tuple(made)

    def _send(self, text: str, stage: str, scope: Scope, at: tuple[str, ...]) -> tuple[Compiled, str]:
        code = self.expr(text, scope, (*at, text), "ref")
        process = self.scenario.processes.get(code.type.kind)
        if code is not TRUE and (process is None or stage not in _places(process)):
            self.say((*at, text), f"'{text}' has no stage '{stage}'")
        return code, stage

    def happenings(self) -> None:
        """Learns what rules may follow."""
        self.events = happenings(self)

    def rule_scope(self, rule: Rule) -> dict[str, Type]:
        names = {"self": Type("ref", kind=rule.for_)} if rule.for_ else {}
        return {**names, **{name: Type("ref", kind=pick.first) for name, pick in rule.with_.items()}}

    def process_scope(self, name: str, process: Process) -> dict[str, Type]:
        return {
            "self": Type("ref", kind=name),
            **{role: Type("ref", kind=kind) for role, kind in process.roles.items()},
        }
