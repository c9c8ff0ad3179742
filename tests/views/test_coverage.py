"""Which entries of the source a scenario realises."""

from pathlib import Path

import pytest

from orchestrator.core.compile import compile_law
from orchestrator.library import Loaded, load_scenario
from orchestrator.views.coverage import coverage
from orchestrator.views.listing import scenario_document
from tests.support.playing import desk


@pytest.fixture
def duel(tmp_path: Path) -> Loaded:
    return load_scenario("duel", desk(tmp_path))


def test_every_way_of_citing_is_found(duel: Loaded) -> None:
    found = coverage(duel.scenario, duel.personas)
    assert found.entries == {
        "M1": ["grow", "boom", "buy"],
        "M2": ["case", "case.ruled.free"],
        "M3": [],
        "C1": ["endings.out"],
        "P1": ["follow"],
    }
    assert found.missing == ["M3"]
    assert found.assumed == [{"what": "numbers.k", "why": "nothing is known of it", "band": [0, 5]}]


def test_the_document_of_a_scenario(duel: Loaded) -> None:
    law = compile_law(duel.scenario, duel.personas).law
    assert law is not None
    document = scenario_document(law, "scenarios/duel")
    assert document["clock"] == {
        "start": "2023-07-01",
        "step": "quarter",
        "rounds": 4,
        "end": "2024-06-30",
        "ends": "out",
    }
    first, second = document["seats"]
    assert (first["goals"], first["red_lines"], first["by"]) == (["win the race"], ["never lie to a court"], "model")
    assert [action["label"] for action in first["actions"]] == ["Buy compute", "Attack a lab"]
    assert first["actions"][0]["costs"] == {"cash": "30"}
    assert [action["visibility"] for action in second["actions"]] == ["public", "self"]
    assert document["interventions"] == [
        {"id": "richer", "label": "Alpha's cash at the start", "sets": "alpha.money", "range": [0, 500], "now": 100},
        {"id": "faster", "label": "how fast capability drifts", "sets": "numbers.k", "range": [0, 5], "now": [1, 2, 3]},
    ]
    assert document["indicators"][2]["seen_by"] == ["seat_b"]
