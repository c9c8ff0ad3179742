"""Conserved quantities, checked where a scenario is loaded: nothing but a `move` may change what a ledger sums to."""

from collections.abc import Iterator

from orchestrator.core.blocks import Builder
from orchestrator.core.parts import Variable
from orchestrator.core.scenario import Scenario


def check_ledgers(scenario: Scenario, build: Builder) -> None:
    """Says where a ledger would leak, mixes units, or takes an entity for one of its sources."""
    for at, variable, owner in _kept(scenario):
        ledger = scenario.ledgers.get(variable.ledger or "")
        if ledger is None:
            continue  # said where the variable is declared
        if variable.enum or variable.bool_ or variable.ref or variable.is_ is not None:
            build.say((*at, "ledger"), "only a number that is stored can be kept in a ledger")
        if variable.unit and ledger.unit and variable.unit != ledger.unit:
            build.say(
                (*at, "unit"),
                f"its unit is '{variable.unit}', but the ledger {variable.ledger} is kept in '{ledger.unit}'",
            )
        if owner == "process" and variable.start not in (None, 0):
            build.say(
                (*at, "start"),
                f"every instance would bring {variable.start} into the ledger {variable.ledger} from nowhere: "
                "start at 0 and let a `move` fill it",
            )
    for key, ledger in scenario.ledgers.items():
        for word, names in (("sources", ledger.sources), ("sinks", ledger.sinks)):
            for name in names:
                if name in scenario.entities:
                    build.say(("ledgers", key, word), f"'{name}' is an entity as well: call one of them otherwise")


def _kept(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], Variable, str]]:
    """(path, variable, `kind` or `process`) of everything that is kept in a ledger."""
    for name, kind in scenario.kinds.items():
        for key, variable in kind.variables.items():
            if variable.ledger:
                yield ("kinds", name, key), variable, "kind"
    for name, process in scenario.processes.items():
        for key, variable in process.holds.items():
            if variable.ledger:
                yield ("processes", name, "holds", key), variable, "process"
