"""How an ending came about, who could have broken the chain, and which warnings rang."""

from typing import Any

from orchestrator.core import rules
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.turn import Move
from orchestrator.views.outcome import bells, outcome_explained
from tests.support.worlds import begun, law_of, move, play_round, world

ESCAPE: dict[str, Any] = {
    "stages": [
        {
            "id": "access",
            "label": "seeking access",
            "every": "month",
            "needs": "alpha.cap >= 10",
            "source": "M1",
            "tells": {"to": ["ann"], "report": "traffic", "says": "Odd traffic.", "lag": {"days": 3}, "bell": True},
            "countered_by": {"cut": {"back_to": "end"}},
        },
        {"id": "power", "after": ["access"], "every": "month"},
        {"id": "over", "after": ["power"], "ends": "won", "rank": 1},
    ]
}
CUT = {"by": "ann", "label": "Cut the cable", "purpose": "stop it", "repeat": True}
DATA = world(
    clock={"rounds": 6},
    processes={"escape": ESCAPE},
    actions={"cut": CUT},
    rules={"begin": {"on": "01-02", "once": True, "starts": {"escape": {}}}},
)


def played(*moves: tuple[int, Move], data: dict[str, Any] = DATA) -> tuple[Law, list[AnyEvent]]:
    law = law_of(data)
    events, state = rules.open_run(law, 1, "design", {}), begun(law)
    while not state.ended:
        happened, state = play_round(law, state, [each for at, each in moves if at == state.round + 1])
        events += happened
    return law, events


def test_the_chain_is_told_stage_by_stage_with_its_weakest_link() -> None:
    law, events = played()
    found = outcome_explained(law, events)
    assert found is not None
    assert (found["outcome"], found["cause"]["id"]) == ("won", "escape_1")
    assert [link["stage"] for link in found["chain"]] == ["access", "power", "over"]
    access = found["chain"][0]
    assert (access["label"], access["cites"], access["needs"]) == ("seeking access", ["M1"], ["alpha.cap >= 10"])
    assert [(sign["report"], sign["seats"], sign["bell"]) for sign in access["signs"]] == [("traffic", ["ann"], True)]
    assert found["weakest"] is None  # it began and passed within the round that nobody decided in


def test_who_could_have_broken_a_stage_is_computed_from_legal_moves() -> None:
    slow = {**ESCAPE, "stages": [{**ESCAPE["stages"][0], "needs": "clock.round >= 3"}, *ESCAPE["stages"][1:]]}
    law, events = played(data=world(**{**DATA, "processes": {"escape": slow}}))
    found = outcome_explained(law, events)
    assert found is not None
    assert found["chain"][0]["could_break"] == [{"seat": "ann", "action": "cut", "rounds": [2, 3]}]
    assert found["weakest"] == 0


def test_a_chain_that_was_broken_leads_nowhere() -> None:
    law, events = played((1, move("ann")))
    assert outcome_explained(law, events) is not None
    cut = outcome_explained(law, events[:5])
    assert cut is None  # no ending was reached yet


def test_bells_are_listed_with_who_saw_them_and_what_was_left() -> None:
    law, events = played()
    [bell] = bells(law, events, "2023-02-28")
    assert (bell["report"], bell["rang"], bell["noticed"]) == ("traffic", ["2023-01-05"], ["ann"])
    assert (bell["acted"], bell["days_left"]) == ([], 54)


def test_a_bell_that_never_rang_is_listed_as_well() -> None:
    law = law_of(world(**{**DATA, "rules": {"begin": {"on": "12-31", "starts": {"escape": {}}}}}))
    [bell] = bells(law, rules.open_run(law, 1, "design", {}))
    assert (bell["first"], bell["declared_for"], bell["days_left"]) == (None, ["ann"], None)


def test_acting_on_a_bell_is_seen() -> None:
    law, events = played((2, move("ann", "cut")))
    [bell] = bells(law, events)
    assert bell["acted"] == [{"seat": "ann", "action": "cut", "date": "2023-02-01"}]
