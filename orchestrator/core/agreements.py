"""What a kind of agreement is made of: a process, three actions and a few rules, like any others.

`expanded` adds them to a scenario before it is compiled, so that nothing in the engine knows what an agreement
is: offers, signatures and breaches are instances, deals are chosen from menus, clauses are conditions of rules.
For an agreement `pact` there are

- the process `pact` (roles `maker`, `proposer`, `terms`): stages `offered` and `in_force`; outcomes `lapsed`,
  `settled`, `dissolved`;
- the process `pact_party` (roles `pact`, `party`, `signer`, `terms`): one a signature; `found` counts breaches that
  came to light, `breaches` (hidden) those that were committed;
- the process `pact_breach` (hidden; roles `member`, `pact`, `party`, `terms`): one a breach, until it is found;
- the actions `offer_pact`, `sign_pact`, `leave_pact`;
- an entity a possible offer, of the kind `pact_terms`; and the entity `pact_agreement` with `enforced`.
"""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from orchestrator.core.actions import Action
from orchestrator.core.dealparts import ENFORCED, Agreement
from orchestrator.core.exprtypes import near
from orchestrator.core.parts import Process, Rule, Variable
from orchestrator.core.renaming import braced, renamed, word
from orchestrator.core.scenario import Entity, Kind, Scenario
from orchestrator.core.value import Value

KIND = "agreement"
"""The kind of the entities that say how an agreement is enforced."""
LONGEST = 30
"""Characters of an agreement's name: its parts have longer ones."""
MOST_PARTIES = 64


class Bar(NamedTuple):
    """A condition under which an action is refused to whoever is bound."""

    why: str
    when: str
    """Over `self` (what the actor plays) and `target`."""
    path: tuple[str, ...]


class Guard(NamedTuple):
    """A clause that holds, as it binds one party."""

    agreement: str
    why: str
    holds: str
    """Over `self`, the party's instance."""
    path: tuple[str, ...]


class Expanded(NamedTuple):
    """A scenario whose agreements have become processes, actions and rules."""

    scenario: Scenario
    bars: Mapping[str, tuple[Bar, ...]] = {}
    """Action -> what refuses it."""
    guards: tuple[Guard, ...] = ()
    origins: Mapping[tuple[str, str], tuple[str, ...]] = {}
    """(section, key) of what was added -> the path that an author knows it by."""
    problems: tuple[tuple[tuple[str, ...], str], ...] = ()

    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Where the author wrote what stands at this path."""
        for (section, key), origin in self.origins.items():
            if path[:2] == (section, key):
                return origin
        return path


def expanded(scenario: Scenario) -> Expanded:
    """The scenario with all that its agreements are made of; the same one where it has none."""
    if not scenario.agreements:
        return Expanded(scenario)
    new = _Parts(scenario)
    for key, held in scenario.agreements.items():
        if len(key) > LONGEST:
            new.problems.append((("agreements", key), f"its name is longer than {LONGEST} characters"))
        else:
            _Maker(new, key, held).make()
    if KIND in scenario.kinds:
        new.problems.append((("kinds", KIND), f"'{KIND}' is the kind of the scenario's agreements: take another name"))
    sections: dict[str, dict[str, Any]] = {
        name: {**getattr(scenario, name), **made} for name, made in new.sections.items()
    }
    whole = scenario.model_copy(update=sections)
    bars = {action: tuple(held) for action, held in new.bars.items()}
    return Expanded(whole, bars, tuple(new.guards), new.origins, tuple(new.problems))


def enforcement(path: str) -> str:
    """The variable behind `agreements.NAME.enforced`; any other path as it is."""
    head, _, rest = path.partition(".")
    name, _, field = rest.partition(".")
    return f"{name}_{KIND}.enforced" if head == "agreements" and field == "enforced" else path


class _Parts:
    """What is added to a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        enforced = Variable.model_validate({"enum": ENFORCED, "start": "declared", "listed": False})
        self.sections: dict[str, dict[str, Any]] = {
            "kinds": {KIND: Kind.model_validate({"enforced": enforced})},
            "entities": {}, "rules": {}, "processes": {}, "actions": {},
        }  # fmt: skip
        self.bars: dict[str, list[Bar]] = {}
        self.guards: list[Guard] = []
        self.origins: dict[tuple[str, str], tuple[str, ...]] = {}
        self.problems: list[tuple[tuple[str, ...], str]] = []

    def add(self, section: str, key: str, model: type[Value], data: Mapping[str, Any], path: tuple[str, ...]) -> None:
        if key in getattr(self.scenario, section) or key in self.sections[section]:
            self.problems.append((path, f"the agreement needs the name '{key}' among {section}, and it is taken"))
            return
        try:
            self.sections[section][key] = model.model_validate(data)
        except ValidationError as error:  # what was written fits, and what it becomes is longer
            place = ".".join(str(step) for step in error.errors()[0]["loc"])
            self.problems.append((path, f"it makes {key} ({place}) too long: write it more briefly"))
        self.origins[section, key] = path


class _Maker:
    """Makes the parts of one kind of agreement."""

    def __init__(self, new: _Parts, key: str, held: Agreement) -> None:
        self.new, self.key, self.held = new, key, held
        self.at = ("agreements", key)
        self.party = f"{key}_party"
        self.seats = _seats(new.scenario, held)
        count = len(self.seats)
        self.enough = count if held.parties.at_least == "all" else held.parties.at_least
        self.possible = 1 <= self.enough <= count
        if held.parties.kind not in new.scenario.kinds:
            self.possible = False
            meant = near(held.parties.kind, new.scenario.kinds)
            new.problems.append(((*self.at, "parties", "kind"), f"no kind is called '{held.parties.kind}'{meant}"))
        elif not self.possible:
            why = f"{count} seats may be parties, and {held.parties.at_least} are needed"
            new.problems.append(((*self.at, "parties"), why))
        self.label = held.label.replace("{", "{{").replace("}", "}}")
        self.cited = {"source": held.source, "why": held.why, "band": held.band}
        hears = () if held.visible_to == "public" else tuple(dict.fromkeys([*held.visible_to, *self.seats]))
        self.sight: Any = hears or "public"
        self.mine = f"m.running and m.party == self for m in {self.party}"

    def make(self) -> None:
        if not self.possible:
            return  # all that follows would only say so again
        self.terms()
        self.processes()
        self.lifecycle()
        self.deals()
        for name, clause in self.held.clauses.items():
            path = (*self.at, "clauses", name)
            if clause.holds is not None:
                self.holds(name, clause.holds, path)
            else:
                self.forbids(name, clause.forbids, clause.when, path)

    def rule(self, name: str, parts: Mapping[str, Any], path: tuple[str, ...] | None = None) -> None:
        self.new.add("rules", f"{self.key}_{name}", Rule, {**self.cited, **parts}, path or self.at)

    def terms(self) -> None:
        """The entity that says how it is enforced, and one for each offer that can be made."""
        entity = {"kind": KIND, "label": self.held.label, "enforced": self.held.enforced}
        self.new.add("entities", f"{self.key}_{KIND}", Entity, entity, self.at)
        if not self.held.terms:
            return
        kind = f"{self.key}_terms"
        variables = {
            name: {"unit": term.unit, "digits": term.digits, "start": term.values()[0], "listed": False}
            for name, term in self.held.terms.items()
        }
        self.new.add("kinds", kind, Kind, variables, (*self.at, "terms"))
        choices = [[(name, value) for value in term.values()] for name, term in self.held.terms.items()]
        for number, offer in enumerate(itertools.product(*choices), start=1):
            words = ", ".join(self.held.terms[name].words(name, value) for name, value in offer)
            entity = {"kind": kind, "label": words, **dict(offer)}
            self.new.add("entities", f"{kind}_{number}", Entity, entity, (*self.at, "terms"))

    def roles(self, **more: str) -> dict[str, str]:
        return {**more, **({"terms": f"{self.key}_terms"} if self.held.terms else {})}

    def processes(self) -> None:
        held, key = self.held, self.key
        step = f"{self.new.scenario.clock.step}s"
        named = f"{self.label}{': {terms}' if held.terms else ''}"
        offered: dict[str, Any] = {
            "id": "offered", "label": "offered", "lasts": held.open or {step: 2.0},
            "outcomes": {"lapsed": {"says": "The offer of {self} lapses.", "audience": self.sight, **self.cited}},
        }  # fmt: skip
        members = f"m for m in {self.party} if m.running and m.pact == self"
        in_force: dict[str, Any] = {
            "id": "in_force", "label": "in force", "lasts": held.lasts, **self.cited, "audience": self.sight,
            "says": "{self} comes into force; {count(" + members + "):.0f} have signed.",
            "emits": {f"{key}_in_force": {"pact": "self"}} if self.followed(f"{key}_in_force") else {},
            "outcomes": {
                "settled": {"says": "{self} has run its time and ends.", "audience": self.sight, **self.cited},
                # Never by the clock: a rule sends it there when too few are left.
                "dissolved": {"when": "False", "says": "{self} is dissolved: too few are left.",
                              "audience": self.sight, **self.cited},
            },
        }  # fmt: skip
        pact: dict[str, Any] = {
            **self.cited, "label": named, "roles": self.roles(maker=held.parties.kind, proposer="seat"),
            "stages": (offered, in_force), "visible_to": self.sight, "limit": held.limit,
        }  # fmt: skip
        self.new.add("processes", key, Process, pact, self.at)
        holds = {
            "breaches": {"label": "breaches committed", "start": 0, "visible_to": "hidden", "digits": 0},
            "found": {"label": "breaches found", "start": 0, "digits": 0},
        }
        signed = {"id": "signed", "label": "signed", "every": "step", "needs": ("not pact.running",)}
        party: dict[str, Any] = {
            **self.cited, "label": "the part of {party} in {pact}", "visible_to": self.sight, "holds": holds,
            "roles": self.roles(pact=key, party=held.parties.kind, signer="seat"), "stages": (signed,),
            "limit": max(1, min(MOST_PARTIES, held.limit * len(self.seats))),
        }  # fmt: skip
        self.new.add("processes", self.party, Process, party, self.at)
        self.breach()

    def breach(self) -> None:
        """A breach is open until it is noticed on a beat, then under examination for the lag, then found."""
        breach, found = self.held.breach, self.held.breach.tells
        effects = renamed(breach.when_found, {"self": "party"})
        known = {**effects.get("add", {}), "member.found": "1"}
        says = braced(found.says, {"self": "party"}) or "{party} has broken {pact}."
        tells = {
            "to": found.to or self.seats, "report": found.report, "says": says, "bell": found.bell,
        }  # fmt: skip
        outcome = {**self.cited, **effects, "add": known, "tells": tells}
        stages: list[dict[str, Any]] = [
            {"id": "unnoticed", "every": found.every, "chance": word(found.chance, {"self": "party"})}
        ]
        if found.lag is None:
            stages[0]["outcomes"] = {"found": outcome}
        else:
            stages[0]["outcomes"] = {"noticed": {"next": "examined"}}
            stages.append({"id": "examined", "lasts": found.lag, "outcomes": {"found": outcome}})
        process: dict[str, Any] = {
            **self.cited, "label": "the breach of {pact} by {party}", "visible_to": "hidden", "limit": MOST_PARTIES,
            "roles": self.roles(member=self.party, pact=self.key, party=self.held.parties.kind),
            "stages": tuple(stages),
        }  # fmt: skip
        self.new.add("processes", f"{self.key}_breach", Process, process, (*self.at, "breach"))

    def followed(self, happening: str) -> bool:
        return any(happening in rule.upon for rule in self.new.scenario.rules.values())

    def lifecycle(self) -> None:
        """Signatures bring it into force, leaving or running out ends it."""
        pact, terms = "event.instance.pact", {"terms": "event.instance.terms"} if self.held.terms else {}
        left = f"count(m for m in {self.party} if m.running and m.pact == {pact})"
        parties = {"for": self.party}
        maker = {"pact": "event.instance", "party": "event.instance.maker", "signer": "event.instance.proposer"}
        self.rule("offered", {"upon": f"{self.key}_started", "starts": {self.party: {**maker, **terms}}})
        enough = f"{pact}.stage == 'offered' and {left} >= {self.enough}"
        self.rule("signed", {"upon": f"{self.party}_started", "when": enough, "sends": {pact: "in_force"}})
        gone = "self.pact == event.target and self.party == event.actor"
        self.rule("left", {**parties, "upon": f"leave_{self.key}", "when": gone, "sends": {"self": "end"}})
        few = f"{pact}.running and {left} < ({self.enough} if {pact}.stage == 'in_force' else 1)"
        self.rule("thinned", {"upon": f"{self.party}_ended", "when": few, "sends": {pact: "dissolved"}})
        over = "self.pact == event.instance"
        self.rule("over", {**parties, "upon": f"{self.key}_ended", "when": over, "sends": {"self": "end"}})

    def deals(self) -> None:
        """The three moves of those who may be parties."""
        held, key = self.held, self.key
        by, enforced = held.parties.by or (held.parties.kind,), f"{key}_{KIND}.enforced"
        says = braced(held.says, {"terms": "target.terms"})
        seen = {"visibility": "public"} if self.sight == "public" else {"visibility": "self", "audience": self.sight}
        common: dict[str, Any] = {**self.cited, **seen, "by": by, "repeat": True}
        if held.terms:
            aim: dict[str, Any] = {"target": {"kind": f"{key}_terms"}}
            chosen, offer = {"terms": "target"}, braced(held.says, {"terms": "target"})
        else:
            aim, chosen, offer = {}, {}, held.says
        moves: dict[str, dict[str, Any]] = {
            "offer": {
                **common, **aim,
                "label": f"Propose {self.label}{': {target}' if held.terms else ''}",
                "purpose": offer, "stem": f"We have proposed {self.label}, because",
                "needs": (f"{enforced} != 'none'", f"not any({self.mine})",
                          f"count(p for p in {key} if p.running) < {held.limit}", *held.needs),
                "starts": {key: {"maker": "self", "proposer": "seat", **chosen}},
                "says": "{self} proposes " + self.label + ": " + offer + ".",
            },
            "sign": {
                **common, "label": "Sign {target}", "purpose": says, "stem": f"We have signed {self.label}, because",
                "target": {"process": key, "where": f"not any({self.mine} if m.pact == target)"},
                "needs": (f"{enforced} != 'none'", f"not any({self.mine} if m.pact.stage == 'in_force')"),
                "starts": {
                    self.party: {"pact": "target", "party": "self", "signer": "seat",
                                 **({"terms": "target.terms"} if held.terms else {})}
                },
                "says": "{self} signs {target}.",
            },
            "leave": {
                **common, "label": "Leave {target}", "purpose": "free to act alone again, and seen to be so",
                "target": {"process": key, "where": f"any({self.mine} if m.pact == target)"},
                "needs": (f"not ({enforced} == 'binding' and target.stage == 'in_force')",),
                "says": "{self} leaves {target}.", "stem": f"We have left {self.label}, because",
            },
        }  # fmt: skip
        for verb, parts in moves.items():
            self.new.add("actions", f"{verb}_{key}", Action, parts, self.at)

    def active(self, member: str) -> str:
        return f"{member}.pact.stage == 'in_force' and {self.key}_{KIND}.enforced"

    def broken(self, name: str, path: tuple[str, ...], parts: Mapping[str, Any]) -> None:
        """The rule that records a breach, for nobody to read, and starts what brings it to light."""
        terms = {"terms": "self.terms"} if self.held.terms else {}
        breach = {"member": "self", "pact": "self.pact", "party": "self.party", **terms}
        common: dict[str, Any] = {
            "for": self.party, "add": {"self.breaches": "1"}, "starts": {f"{self.key}_breach": breach},
            "says": "{self.party} breaks {self.pact} (" + name.replace("_", " ") + ").", "audience": "hidden",
        }  # fmt: skip
        self.rule(f"breaks_{name}", {**common, **parts}, path)

    def holds(self, name: str, clause: str, path: tuple[str, ...]) -> None:
        """A clause that holds: looked at on every beat, and at each move of one who is bound."""
        code = word(clause, {"self": "self.party", "terms": "self.terms"})
        when = f"{self.active('self')} != 'none' and not ({code})"
        self.broken(name, path, {"becomes": when, "every": self.held.every})
        self.new.guards.append(Guard(self.key, f"it would break {self.held.label}", code, path))

    def forbids(self, name: str, actions: tuple[str, ...], when: str, path: tuple[str, ...]) -> None:
        """Actions left alone: a breach where it is declared, closed where it is binding."""
        known = self.new.scenario.actions
        for action in actions:
            if action not in known:
                problem = f"no action is called '{action}'{near(action, known)}"
                self.new.problems.append(((*path, "forbids"), problem))
                return
        event = {"self": "self.party", "terms": "self.terms", "target": "event.target"}
        held = f"self.party == event.actor and {self.active('self')} != 'none' and ({word(when, event)})"
        self.broken(name, path, {"upon": actions, "when": held})
        bar = f"{self.active('m')} == 'binding' and ({word(when, {'terms': 'm.terms'})})"
        closed = Bar(f"{self.held.label} forbids it", f"any({self.mine} if {bar})", path)
        for action in actions:
            self.new.bars.setdefault(action, []).append(closed)


def _seats(scenario: Scenario, held: Agreement) -> tuple[str, ...]:
    """The seats that may be parties, in the scenario's order; groups of people take no part."""
    named = {one for name in held.parties.by for one in (name, *scenario.groups.get(name, ()))}
    plays = {key: entity.kind for key, entity in scenario.entities.items()}
    return tuple(
        seat
        for seat, one in scenario.seats.items()
        if one.members is None and plays.get(one.plays) == held.parties.kind and (not named or seat in named)
    )
