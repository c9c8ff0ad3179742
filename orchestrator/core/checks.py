"""What an author should know of a scenario that holds together: warnings, and what it assumes.

A problem keeps a scenario from being played; a warning says that a part of it does nothing: an ending that
nothing brings about, an action nobody can take, a report that reaches nobody, a number nothing reads.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from orchestrator.core.blocks import Problem
from orchestrator.core.compile import type_of
from orchestrator.core.exprtypes import NUM
from orchestrator.core.law import Law
from orchestrator.core.parts import Effects, Number, Sourced, Tell, Variable
from orchestrator.core.reach import Reach, ended_by
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.value import Value
from orchestrator.core.walk import parts_of, texts_of

ASSUMED = "assumed"
Parts = Sequence[tuple[tuple[str, ...], Value]]
"""Every part of a scenario with its path."""
_NUMBER = re.compile(r"\bnumbers\.([a-z][a-z0-9_]*)")
_PAIR = re.compile(r"\b([a-z][a-z0-9_]*)\[")
_REPORT = re.compile(r"\bknown\.([a-z][a-z0-9_]*)")


class Assumption(NamedTuple):
    """Something that the source does not give."""

    path: tuple[str, ...]
    why: str
    band: tuple[float, float] | None
    bare: bool
    """It does not say why, or is a number without a band in which it could as well lie."""


def warnings(scenario: Scenario, personas: Mapping[str, Persona], law: Law) -> list[Problem]:
    """Everything that does nothing, or cannot; `scenario` is what the author wrote, `law` what became of it."""
    reach = Reach(law)
    written = tuple(parts_of(scenario))
    played = written if law.scenario is scenario else tuple(parts_of(law.scenario))
    found = [*_dead(scenario, reach), *_endings(scenario, reach, played), *_processes(scenario, reach)]
    found += [*_reports(scenario, written), *_unheard(scenario, personas, played), *_unread(scenario, personas)]
    found += [*_ledgers(scenario, law, played), *_idle(scenario, personas, law)]
    return found


def assumptions(scenario: Scenario, personas: Mapping[str, Persona]) -> list[Assumption]:
    """Everything whose source is `assumed`, in the order of the scenario."""
    everything = [*parts_of(scenario), *parts_of(dict(personas), ("personas",))]
    return [
        Assumption(path, part.why, part.band, not part.why or (part.band is None and _single(part)))
        for path, part in everything
        if isinstance(part, Sourced) and ASSUMED in part.source
    ]


def _single(part: Sourced) -> bool:
    """Whether it is one number, without a spread of its own."""
    return (isinstance(part, Number) and part.low is None) or (isinstance(part, Variable) and type_of(part) == NUM)


def _dead(scenario: Scenario, reach: Reach) -> Iterator[Problem]:
    """Rules that never fire and actions that nobody takes."""
    for key in scenario.actions:
        if key not in reach.actions:
            why = reach.why.get(("actions", key), "no instance of the process it aims at ever begins")
            yield Problem(("actions", key), f"nobody can ever take it: {why}")
    for key, rule in scenario.rules.items():
        if key not in reach.rules:
            waits = (
                f"what it follows ({', '.join(rule.upon)}) never happens"
                if rule.upon
                else "it needs a process that never begins"
            )
            yield Problem(("rules", key), f"it never fires: {reach.why.get(('rules', key), waits)}")


def _endings(scenario: Scenario, reach: Reach, played: Parts) -> Iterator[Problem]:
    named = ended_by(played)
    for key in scenario.endings:
        if key not in reach.endings:
            there = [".".join(path) for path in named.get(key, ())]
            why = f"{', '.join(there)} would, and never takes place" if there else "no rule, stage or clock does"
            yield Problem(("endings", key), f"nothing can bring it about: {why}")


def _processes(scenario: Scenario, reach: Reach) -> Iterator[Problem]:
    for name, process in scenario.processes.items():
        if name not in reach.processes:
            yield Problem(("processes", name), "nothing ever starts it (`starts`)")
            continue
        for index, stage in enumerate(process.stages):
            at = ("processes", name, "stages", str(index))
            stuck = reach.why.get(("processes", f"{name}.{stage.id}"))
            if (name, stage.id) not in reach.stages:
                yield Problem(at, f"no way leads to the stage {stage.id}")
            elif stuck is not None:
                yield Problem(at, f"the stage {stage.id} never ends by itself: {stuck}")


def _reports(scenario: Scenario, written: Parts) -> Iterator[Problem]:
    """Reports that reach nobody."""
    for path, part in written:
        if not isinstance(part, Tell):
            continue
        known = [name for name in part.to if name in scenario.seats or name in scenario.groups]
        if len(known) == len(part.to) and not _behind(known, scenario):
            yield Problem((*path, "to"), f"nobody receives the report {part.report}: {', '.join(part.to)} is empty")


def _behind(names: list[str], scenario: Scenario) -> set[str]:
    """The seats that names of seats and groups stand for."""
    return {seat for name in names for seat in (scenario.groups.get(name, (name,))) if seat in scenario.seats}


def _unheard(scenario: Scenario, personas: Mapping[str, Persona], played: Parts) -> Iterator[Problem]:
    """Lines of a policy that wait for a report which that seat is never sent."""
    sent: dict[str, set[str] | None] = {}
    for _, part in played:
        if isinstance(part, Tell):
            known = [name for name in part.to if name in scenario.seats or name in scenario.groups]
            before = sent.setdefault(part.report, set())
            # A name in scope (`self`, a role) may be any seat.
            sent[part.report] = (
                None if before is None or len(known) < len(part.to) else before | _behind(known, scenario)
            )
    for seat, persona in personas.items():
        for index, rule in enumerate(persona.policy):
            for report in sorted({name for text in texts_of(rule) for name in _REPORT.findall(text)}):
                readers = sent.get(report)
                if readers is not None and seat not in readers:
                    told = ", ".join(sorted(readers)) or "nobody"
                    yield Problem(
                        ("personas", seat, "policy", str(index)),
                        f"it reads the report {report}, which {seat} is never sent (only {told})",
                    )


def _unread(scenario: Scenario, personas: Mapping[str, Persona]) -> Iterator[Problem]:
    """Numbers and relations that nothing reads."""
    # As text in one piece: what sets a number by hand does not read it.
    texts = [scenario.model_dump_json(exclude={"interventions"}), *(one.model_dump_json() for one in personas.values())]
    whole = "\n".join(texts)
    numbers = set(_NUMBER.findall(whole))
    pairs = set(_PAIR.findall(whole))
    for key in scenario.numbers:
        if key not in numbers:
            yield Problem(("numbers", key), f"nothing reads it (numbers.{key})")
    for key in scenario.relations:
        if key not in pairs:
            yield Problem(("relations", key), f"nothing reads or changes it ({key}[..., ...])")


def _ledgers(scenario: Scenario, law: Law, played: Parts) -> Iterator[Problem]:
    moved = [
        (ledger, end)
        for _, part in played
        if isinstance(part, Effects)
        for ledger, move in part.move.items()
        for end in (move.from_, move.to)
    ]
    for key, ledger in scenario.ledgers.items():
        if not any(info.ledger == key for info in law.variables.values()):
            yield Problem(("ledgers", key), "no variable is kept in it (`ledger`)")
        for word, names in (("sources", ledger.sources), ("sinks", ledger.sinks)):
            for name in names:
                if (key, name) not in moved:
                    yield Problem(("ledgers", key, word), f"no `move` uses {name}")
    kept = {(kind, name) for (kind, name), info in law.variables.items() if info.ledger}
    for kind in {kind for kind, _ in kept}:
        twice: dict[str, list[str]] = {}
        for name in (name for owner, name in kept if owner == kind):
            twice.setdefault(str(law.variables[kind, name].ledger), []).append(name)
        for ledger, names in sorted(twice.items()):
            if len(names) > 1:
                yield Problem(
                    ("kinds", kind),
                    f"{' and '.join(sorted(names))} are both kept in {ledger}: a `move` reaches the first only",
                )
    for key, item in scenario.interventions.items():
        head, _, rest = item.sets.partition(".")
        if (law.names.entities.get(head, ""), rest) in kept:
            yield Problem(("interventions", key), f"it changes what the ledger sums to ({item.sets})")


def _idle(scenario: Scenario, personas: Mapping[str, Persona], law: Law) -> Iterator[Problem]:
    """Seats that cannot be played by their own rules, kinds of which there is nothing."""
    for seat in scenario.seats:
        persona = personas.get(seat)
        asked = any(seat in ask.seats for ask in law.asks.values())
        if persona is not None and not persona.policy and (law.actions.get(seat) or asked):
            yield Problem(("personas", seat), f"{seat} has no policy: played by its own rules it would only wait")
        if not law.actions.get(seat) and not asked:
            yield Problem(("seats", seat), f"{seat} has nothing to do: no action is its own, and nobody asks it")
    for kind in scenario.kinds:
        if not law.members.get(kind):
            yield Problem(("kinds", kind), f"there is no {kind}: no entity is of this kind")
