"""What `--set` may change, and the sentence for everything else."""

from typing import Any

import pytest

from orchestrator.core.interventions import checked_sets
from orchestrator.errors import BadUsage
from tests.support.worlds import law_of, world

LAW = law_of(
    world(interventions={"richer": {"label": "More money", "sets": "alpha.money", "range": [100, 200]}}),
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"numbers.band": "2.5"}, {"numbers.band": 2.5}),
        ({"numbers.k": "9"}, {"numbers.k": 9}),
        ({"alpha.money": "20"}, {"alpha.money": 20}),
        ({"alpha.x": "-1e3"}, {"alpha.x": -1000}),
        ({"richer": "150"}, {"alpha.money": 150}),
        ({"alpha.open": "false"}, {"alpha.open": False}),
        ({"alpha.phase": "busy"}, {"alpha.phase": "busy"}),
        ({"alpha.owner": "null"}, {"alpha.owner": None}),
        ({"beta.owner": "alpha"}, {"beta.owner": "alpha"}),
    ],
)
def test_a_value_is_read_by_its_type(given: dict[str, str], expected: dict[str, Any]) -> None:
    assert checked_sets(LAW, given) == expected


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("numbers.none", "1", "no number is called 'none'"),
        ("numbers.band", "5", "outside 1 to 4"),
        ("numbers.k", "many", "no finite number"),
        ("numbers.k", "nan", "no finite number"),
        ("numbers.k", "1e999", "no finite number"),
        ("alpha.cap", "51", "outside 0 to 50"),
        ("richer", "50", "outside 100 to 200"),
        ("alpha.twice", "1", "is derived from others"),
        ("alpha.mony", "1", "does not exist; did you mean 'money'"),
        ("gamma.cap", "1", "neither an intervention nor an entity"),
        ("nonsense", "1", "neither an intervention nor an entity"),
        ("alpha.open", "yes", "neither true nor false"),
        ("alpha.phase", "asleep", "is none of idle"),
        ("alpha.owner", "ann", "is no firm"),
    ],
)
def test_what_cannot_be_set_is_said(name: str, text: str, what: str) -> None:
    with pytest.raises(BadUsage, match=what) as caught:
        checked_sets(LAW, {name: text})
    assert caught.value.where == name
    assert caught.value.message.startswith(f"--set {name}")
