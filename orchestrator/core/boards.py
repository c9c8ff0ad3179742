"""Boards: numbers of every entity of a kind, a line an entity, for everyone to read, or for the story alone."""

from typing import TYPE_CHECKING

from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.expr import Scene
from orchestrator.core.exprtypes import Values, near
from orchestrator.core.law import Law
from orchestrator.core.scenario import Scenario
from orchestrator.core.state import RunState
from orchestrator.core.turn import Reading, Row

if TYPE_CHECKING:
    from orchestrator.core.blocks import Builder

MOST_CELLS = 1000
"""Numbers on all boards of a scenario: each is read in every round."""


def public_rows(law: Law, state: RunState) -> tuple[Row, ...]:
    """The lines that everyone reads, with the changes since the last round began."""
    shown = [key for key, held in law.scenario.boards.items() if held.visible_to == "public"]
    return tuple(row for key in shown for row in rows_of(law, state, key, state.before))


def rows_of(law: Law, state: RunState, board: str, earlier: Values) -> tuple[Row, ...]:
    """The lines of a board; `earlier`: the values against which a change is shown."""
    held = law.scenario.boards[board]
    kind, scene = held.of or board, scene_of(law, state)
    made: list[Row] = []
    for entity in law.members[kind]:
        cells = (_cell(law, scene, earlier, kind, entity, name) for name in held.shows)
        made.append(Row(entity, law.labels[entity], tuple(cell for cell in cells if cell is not None)))
    return tuple(made)


def _cell(law: Law, scene: Scene, earlier: Values, kind: str, entity: str, name: str) -> Reading | None:
    info = law.variables[kind, name]

    def read(values: Values) -> float | None:
        try:
            return law.derived[f"{kind}.{name}"](scene, values, entity) if info.derived else values[entity][name]
        except ARITHMETIC:
            return None  # a number without a value is not shown

    value = read(scene.values)
    return None if value is None else Reading(info.label, value, info.unit, info.digits, read(earlier))


def line_of(row: Row) -> str:
    """`North: ships 12 (+1), cash 20 m eur`."""
    return f"{row.label}: {', '.join(map(_shown, row.cells))}"


def _shown(cell: Reading) -> str:
    number, _, change = number_of(cell).partition(" ")
    return " ".join(part for part in (cell.label, number, cell.unit, change) if part)


def number_of(cell: Reading) -> str:
    """`12 (+1)`: the value and its change, from the figures as shown."""
    value = float(cell.value)
    change = 0.0 if cell.was is None else round(round(value, cell.digits) - round(cell.was, cell.digits), cell.digits)
    told = f" ({change:+,.{cell.digits}f})" if change else ""
    return f"{value:,.{cell.digits}f}{told}"


def check_boards(scenario: Scenario, build: "Builder") -> None:
    """Boards show numbers of kinds that are there, public boards those that everyone sees, and not too many."""
    cells = 0
    for key, held in scenario.boards.items():
        kind = held.of or key
        if kind not in scenario.kinds:
            build.say(("boards", key), f"no kind is called '{kind}'{near(kind, scenario.kinds)}")
            continue
        cells += len(held.shows) * sum(entity.kind == kind for entity in scenario.entities.values())
        for name in held.shows:
            info = build.variables.get((kind, name))
            if info is None:
                build.say(("boards", key), f"a {kind} has no '{name}'{near(name, scenario.kinds[kind].variables)}")
            elif info.type.name != "num":
                build.say(("boards", key), f"'{name}' is no number: a board shows only those")
            elif held.visible_to == "public" and info.visible is not None:
                build.say(("boards", key), f"not everyone sees '{name}': a public board shows what everyone sees")
    if cells > MOST_CELLS:
        build.say(("boards",), f"{cells:,} numbers, at most {MOST_CELLS:,}")
