"""Warnings: what of a scenario does nothing, and what it assumes; a scenario in which all is alive has none."""

from typing import Any

import pytest

from orchestrator.core.checks import assumptions, warnings
from orchestrator.core.scenario import Scenario
from tests.support.worlds import law_of, persona, personas, world

LINE = {"do": "go"}
ANN, BOB = persona("ann", LINE), persona("bob", LINE)


def alive() -> dict[str, Any]:
    """A world without a warning: everything in it does something."""
    return world(
        actions={"go": {"label": "Go", "purpose": "p", "by": "firm", "emits": "gone"}},
        rules={
            "k": {"upon": "gone", "when": "numbers.k + numbers.band > 0", "ends": "won"},
            "l": {"every": "month", "when": "alpha.cap > 40", "ends": "lost"},
            "m": {"every": "month", "move": {"compute": {"from": "fab", "to": "alpha", "amount": "1"}}},
            "n": {"every": "month", "move": {"compute": {"from": "alpha", "to": "spent", "amount": "1"}}},
        },
    )


def doubts(data: dict[str, Any], ann: dict[str, Any] = ANN, bob: dict[str, Any] = BOB) -> list[str]:
    """Every warning as `path: message`."""
    people = {"ann": ann, "bob": bob}
    found = warnings(Scenario.model_validate(data), personas(people), law_of(data, people))
    return [f"{'.'.join(one.path)}: {one.message}" for one in found]


def test_what_is_alive_is_not_warned_of() -> None:
    assert doubts(alive()) == []


PROCESS: dict[str, Any] = {
    "roles": {"who": "firm"},
    "stages": [
        {"id": "one", "lasts": {"days": 3}, "outcomes": {"on": {"next": "two"}, "off": {"when": "who.cap > 60"}}},
        {"id": "two", "needs": ["who.cap > 10"]},
    ],
}
NO = {"label": "No", "purpose": "p", "by": "ann"}
GO = {"label": "Go", "purpose": "p", "by": "firm", "emits": "gone"}
TELL = {"to": "bob", "report": "x", "says": "x"}
STUCK = {"id": "one", "needs": ["who.cap < 0"]}
START = {"every": "month", "starts": {"case": {"who": "alpha"}}}

DEAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"endings": {"never": {"label": "x", "says": "x"}}},
        ["endings.never: nothing can bring it about: no rule, stage or clock does"],
    ),
    (
        {"rules": {"r": {"every": "month", "when": "alpha.cap > 90", "ends": "never"}},
         "endings": {"never": {"label": "x", "says": "x"}}},
        [
            "rules.r: it never fires: `alpha.cap > 90` never holds: alpha.cap lies from 0 to 50",
            "endings.never: nothing can bring it about: rules.r would, and never takes place",
        ],
    ),
    (
        {"rules": {"a": {"every": "month", "chance": "0", "emits": "x"}, "b": {"upon": "x", "says": "hi"}}},
        [
            "rules.a: it never fires: its chance `0` is never above 0",
            "rules.b: it never fires: what it follows (x) never happens",
        ],
    ),
    (
        {"kinds": {"ship": {}}, "rules": {"a": {"for": "ship", "every": "month", "says": "x"}}},
        [
            "rules.a: it never fires: there is no ship",
            "kinds.ship: there is no ship: no entity is of this kind",
        ],
    ),
    (
        {"actions": {"no": {"label": "No", "purpose": "p", "by": "firm", "needs": ["self.cap > 50", "self.open"]}}},
        ["actions.no: nobody can ever take it: `self.cap > 50` never holds: self.cap lies from 0 to 50"],
    ),
    (
        {"actions": {"no": {**NO, "needs": ["self.phase == 'idle'", "self.phase == 'busy'"]}}},
        ["actions.no: nobody can ever take it: `self.phase == 'busy'` contradicts `self.phase == 'idle'`"],
    ),
    (
        {"actions": {"no": {"label": "No", "purpose": "p", "by": "ann", "costs": {"self.money": "1001"}}}},
        ["actions.no: nobody can ever take it: its cost of 1001 money is more than anyone can hold (1000)"],
    ),
    (
        {"kinds": {"ship": {"x": {}}}, "entities": {"s": {"kind": "ship"}},
         "seats": {"carl": {"label": "C", "plays": "s"}},
         "actions": {"no": {**NO, "by": "carl", "target": {"kind": "ship"}}}},
        ["actions.no: nobody can ever take it: there is no ship to be its target"],
    ),
    (
        {"groups": {"crew": []}, "actions": {"no": {"label": "No", "purpose": "p", "by": ["crew"]}}},
        ["actions.no: nobody can ever take it: no seat may take it (`by`)"],
    ),
    (
        {"processes": {"case": PROCESS},
         "actions": {"no": {"label": "No", "purpose": "p", "by": "ann", "target": {"process": "case"}}}},
        [
            "actions.no: nobody can ever take it: no instance of the process it aims at ever begins",
            "processes.case: nothing ever starts it (`starts`)",
        ],
    ),
    ({"processes": {"case": PROCESS}, "rules": {"s": START}}, []),
    (
        {"processes": {"case": {**PROCESS, "stages": [*PROCESS["stages"], {"id": "three"}]}}, "rules": {"s": START}},
        ["processes.case.stages.2: no way leads to the stage three"],
    ),
    (
        {"processes": {"case": {**PROCESS, "stages": [*PROCESS["stages"], {"id": "three"}]}},
         "rules": {"s": START, "t": {"for": "case", "every": "month", "sends": {"self": "three"}}}},
        [],
    ),
    (
        {"processes": {"case": {**PROCESS, "stages": [STUCK, {"id": "two", "after": ["one"]}]}}, "rules": {"s": START}},
        [
            "processes.case.stages.0: the stage one never ends by itself: "
            "`who.cap < 0` never holds: who.cap lies from 0 to 50",
            "processes.case.stages.1: no way leads to the stage two",
        ],
    ),
    (
        {"groups": {"crew": []}, "rules": {"t": {"every": "month", "tells": {**TELL, "to": "crew"}}}},
        ["rules.t.tells.0.to: nobody receives the report x: crew is empty"],
    ),
    ({"numbers": {"idle": {"value": 1}}}, ["numbers.idle: nothing reads it (numbers.idle)"]),
    (
        {"numbers": {"idle": {"value": 1}}, "interventions": {"i": {"label": "i", "sets": "numbers.idle"}}},
        ["numbers.idle: nothing reads it (numbers.idle)"],
    ),
    (
        {"relations": {"idle": {"of": ["firm", "firm"]}}},
        ["relations.idle: nothing reads or changes it (idle[..., ...])"],
    ),
    (
        {"ledgers": {"compute": {"sources": ["fab", "rain"], "sinks": ["spent"]}, "tea": {}}},
        ["ledgers.compute.sources: no `move` uses rain", "ledgers.tea: no variable is kept in it (`ledger`)"],
    ),
    (
        {"kinds": {"firm": {"bits": {"ledger": "compute"}}}},
        ["kinds.firm: bits and chips are both kept in compute: a `move` reaches the first only"],
    ),
    (
        {"interventions": {"i": {"label": "i", "sets": "alpha.chips"}}},
        ["interventions.i: it changes what the ledger sums to (alpha.chips)"],
    ),
    (
        {"seats": {"carl": {"label": "Carl", "plays": "beta"}}, "actions": {"go": {**GO, "by": ["ann", "bob"]}}},
        ["seats.carl: carl has nothing to do: no action is its own, and nobody asks it"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "said"), DEAD)
def test_what_does_nothing_is_told_with_its_reason(sections: dict[str, Any], said: list[str]) -> None:
    data = laid_over(alive(), sections)
    people = {"carl": persona("carl", {"do": "wait"})} if "carl" in data["seats"] else {}
    given = {"ann": ANN, "bob": BOB, **people}
    found = warnings(Scenario.model_validate(data), personas(given), law_of(data, given))
    assert [f"{'.'.join(one.path)}: {one.message}" for one in found] == said


def laid_over(data: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    result = dict(data)
    for section, value in sections.items():
        held = dict(result.get(section, {}))
        for key, inner in value.items():
            merged = section == "kinds" and key in held
            held[key] = {**held[key], **inner} if merged else inner
        result[section] = held
    return result


def test_a_seat_without_a_policy_and_a_report_that_never_reaches_its_reader() -> None:
    rules = {"t": {"every": "month", "tells": {"to": "bob", "report": "sign", "says": "x"}}}
    data = laid_over(alive(), {"rules": rules})
    waits = persona("ann", {"do": "go", "when": "known.sign.count > 0"})
    assert doubts(data, ann=waits) == [
        "personas.ann.policy.0: it reads the report sign, which ann is never sent (only bob)"
    ]
    assert doubts(data, ann=persona("ann")) == [
        "personas.ann: ann has no policy: played by its own rules it would only wait"
    ]


def test_a_report_to_whoever_acts_may_reach_anyone() -> None:
    actions = {
        "look": {"label": "Look", "purpose": "p", "by": "firm", "tells": {"to": "seat", "report": "s", "says": "x"}}
    }
    reads = persona("ann", {"do": "look", "when": "known.s.count < 1"})
    assert doubts(laid_over(alive(), {"actions": actions}), ann=reads) == []


def test_assumptions_are_listed_and_the_bare_ones_marked() -> None:
    data = laid_over(
        alive(),
        {
            "numbers": {
                "k": {"value": 3, "source": "assumed", "why": "round"},
                "band": {"low": 1, "mode": 2, "high": 4, "source": "assumed", "why": "wide"},
            },
            "rules": {"x": {"every": "month", "says": "x", "source": "assumed", "why": "it must be said"}},
        },
    )
    ann = persona("ann", LINE, private=[{"fact": "f", "source": "assumed"}])
    found = assumptions(Scenario.model_validate(data), personas({"ann": ann, "bob": BOB}))
    assert [(".".join(one.path), one.why, one.bare) for one in found] == [
        ("numbers.k", "round", True),
        ("numbers.band", "wide", False),
        ("rules.x", "it must be said", False),
        ("personas.ann.private.0", "", True),
    ]
