"""What a scenario's indicators read after a round, those that no player sees among them."""

from typing import Any

from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.law import Law
from orchestrator.core.state import RunState
from orchestrator.core.value import rounded


def indicators(law: Law, state: RunState) -> dict[str, dict[str, Any]]:
    """Indicator -> `{"label", "value", "unit", "digits"}`; one without a value is left out."""
    scene = scene_of(law, state)
    found: dict[str, dict[str, Any]] = {}
    for item in law.indicators:
        try:
            value = rounded(item.value.run(scene))
        except ARITHMETIC:
            continue
        found[item.id] = {"label": item.label, "value": value, "unit": item.unit, "digits": item.digits}
    return found
