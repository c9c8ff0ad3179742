"""Values of pairs: declared, read, changed, shown, set, and folded like any variable."""

from typing import Any

import pytest

from orchestrator.core.interventions import checked_sets
from orchestrator.core.observe import observe
from orchestrator.core.relations import MOST_PAIRS
from orchestrator.core.state import RunState
from orchestrator.errors import BadUsage
from orchestrator.views.projections import world_of
from tests.library.kit import within
from tests.support.worlds import begun, first_round, law_of, move, of_kind, opened, persona, play_round, problems, world

EVIDENCE: dict[str, Any] = {
    "of": ["seat", "firm"],
    "label": "evidence against",
    "unit": "exhibits",
    "range": [0, 5],
    "digits": 0,
    "values": {"ann": {"beta": 3}},
}
TRUST: dict[str, Any] = {"of": ["firm", "firm"], "enum": ["low", "high"]}


def related(**sections: Any) -> dict[str, Any]:
    return world(relations={"evidence": EVIDENCE, "trust": TRUST}, **sections)


def held(state: RunState) -> dict[str, Any]:
    return dict(state.values["evidence"])


def test_every_pair_has_a_value_in_the_first_event() -> None:
    state = begun(law_of(related()))
    assert held(state) == {"ann.alpha": 0, "ann.beta": 3, "bob.alpha": 0, "bob.beta": 0}
    assert set(state.values["trust"].values()) == {"low"}


def test_rules_read_and_change_pairs_and_tell_before_and_after() -> None:
    rules = {
        "grow": {
            "for": "firm",
            "every": "month",
            "when": "evidence[ann, self] >= 3",
            "add": {"evidence[bob, self]": "evidence[ann, self] - 1"},
            "scale": {"evidence[ann, self]": 2},
            "set": {"trust[self, alpha]": "high"},
            "says": "{self}: {before(evidence[bob, self]):.0f} to {evidence[bob, self]:.0f}, {trust[self, alpha]}",
        }
    }
    events, state = first_round(related(rules=rules))
    assert held(state) == {"ann.alpha": 0, "ann.beta": 5, "bob.alpha": 0, "bob.beta": 2}
    assert state.values["trust"]["beta.alpha"] == "high"
    assert [event.text for event in of_kind(events, "rule_fired")] == ["Beta: 0 to 2, high"]
    assert len(of_kind(events, "clamped")) == 1  # 3 times 2, and 5 is the most


def test_was_is_the_value_when_the_round_began() -> None:
    rules = {
        "grow": {"every": "month", "add": {"evidence[bob, beta]": 1}},
        "turn": {"every": "month", "when": "evidence[bob, beta] > was(evidence[bob, beta]) + 0.5", "says": "more"},
    }
    law = law_of(related(rules=rules, clock={"step": "quarter"}))
    events, _ = play_round(law, begun(law))
    assert [event.to for event in of_kind(events, "rule_fired")] == ["2023-02-28", "2023-03-31"]


def test_the_one_who_acts_is_both_the_entity_and_the_seat() -> None:
    sue = {
        "label": "Sue {target}",
        "purpose": "win",
        "by": {"kind": "firm"},
        "target": {"kind": "firm"},
        "needs": ["evidence[self, target] >= 2"],
        "add": {"evidence[seat, target]": -2},
    }
    law = law_of(related(actions={"sue": sue}))
    asked = opened(law, begun(law))
    assert [option.target for option in observe(law, asked, "ann").options] == ["beta", None]
    assert [option.action for option in observe(law, asked, "bob").options] == ["wait"]
    events, state = play_round(law, begun(law), [move("ann", "sue", "beta"), move("bob", "sue", "alpha")])
    assert held(state)["ann.beta"] == 1
    assert [event.seat for event in of_kind(events, "action_refused")] == ["bob"]


def test_loops_and_references_reach_pairs() -> None:
    rules = {
        "sum": {
            "every": "month",
            "set": {"alpha.x": "sum(evidence[ann, f] for f in firm) + evidence[ann, alpha.owner]"},
        }
    }
    _, state = first_round(related(rules=rules))
    assert state.values["alpha"]["x"] == 6


def test_a_reference_to_nothing_is_told_and_changes_nothing() -> None:
    rules = {
        "read": {"every": "month", "when": "evidence[ann, beta.owner] > 0", "says": "x"},
        "write": {"every": "month", "add": {"evidence[ann, beta.owner]": 1}},
    }
    events, state = first_round(related(rules=rules))
    assert [event.cause.id for event in of_kind(events, "rule_failed")] == ["read", "write"]
    assert held(state)["ann.beta"] == 3


def test_a_seat_finds_its_own_pairs_on_its_desk_once_they_are_unusual() -> None:
    law = law_of(related())
    assert [(one.label, one.value, one.unit) for one in _pairs(law, "ann")] == [
        ("evidence against, Beta", 3, "exhibits")
    ]
    assert _pairs(law, "bob") == []
    hidden = related()
    hidden["relations"]["evidence"] = {**EVIDENCE, "visible_to": ["bob"]}
    assert _pairs(law_of(hidden), "ann") == []


def _pairs(law: Any, seat: str) -> list[Any]:
    return [one for one in observe(law, opened(law, begun(law)), seat).private if one.label.startswith("evidence")]


def test_a_menu_may_not_read_pairs_that_its_seat_does_not_see() -> None:
    data = related(actions={"go": {"label": "Go", "purpose": "p", "by": "ann", "needs": ["evidence[seat, beta] > 0"]}})
    data["relations"]["evidence"] = {**EVIDENCE, "visible_to": "hidden"}
    (found,) = problems(data)
    assert found.startswith("actions.go.needs: 'evidence[seat, beta] > 0' reads evidence.*, which ann does not see")


def test_a_pair_may_be_set_by_hand_and_is_shown_under_its_ids() -> None:
    law = law_of(related(interventions={"file": {"label": "a file", "sets": "evidence.bob.alpha", "range": [0, 2]}}))
    assert checked_sets(law, {"evidence.bob.beta": "4", "file": "2"}) == {
        "evidence.bob.beta": 4,
        "evidence.bob.alpha": 2,
    }
    state = begun(law, sets={"evidence.bob.beta": 4})
    assert world_of(state, law)["evidence"]["bob.beta"] == 4
    for path, said in (("evidence.bob", "no pair of evidence"), ("evidence.bob.beta.x", "did you mean 'bob.beta'")):
        with pytest.raises(BadUsage, match=said):
            checked_sets(law, {path: "1"})
    with pytest.raises(BadUsage, match="lies outside 0 to 5"):
        checked_sets(law, {"evidence.bob.beta": "6"})


@pytest.mark.parametrize(
    ("relation", "rule", "said"),
    [
        ({"of": ["seat", "firn"]}, {}, "relations.bad.of: no kind is called 'firn'; did you mean 'firm'?"),
        ({**TRUST, "bool": True}, {}, "relations.bad: is either an `enum` or a `bool`"),
        (
            {**EVIDENCE, "values": {"anne": {"beta": 1}}},
            {},
            "relations.bad.values.anne.beta: 'anne' is no seat; did you",
        ),
        ({**EVIDENCE, "values": {"ann": {"gamma": 1}}}, {}, "relations.bad.values.ann.gamma: 'gamma' is no firm"),
        ({**EVIDENCE, "start": 9}, {}, "relations.bad.start: 9 lies outside 0 to 5"),
        (EVIDENCE, {"when": "bed[ann, beta] > 0"}, "no relation is called 'bed'; did you mean 'bad'?"),
        (EVIDENCE, {"when": "bad[beta, ann] > 0"}, "'beta' is no seat, which stands here in a pair"),
        (EVIDENCE, {"when": "bad[ann] > 0"}, "'bad[ann]' is no pair: write RELATION[FIRST, SECOND]"),
        (EVIDENCE, {"when": "bad[ann, beta, beta] > 0"}, "is no pair"),
        (EVIDENCE, {"when": "bad[ann:beta] > 0"}, "is no pair"),
        (EVIDENCE, {"when": "bad.x > 0"}, "nothing is called 'bad' here"),
        (EVIDENCE, {"add": {"bad[ann]": 1}}, "'bad[ann]' is no pair"),
        (EVIDENCE, {"add": {"bad[ann, beta].x": 1}}, "is no pair"),
        (EVIDENCE, {"add": {"bud[ann, beta]": 1}}, "no relation is called 'bud'"),
        (EVIDENCE, {"set": {"bad[ann, beta]": "true"}}, "does not yield a number"),
        (TRUST, {"add": {"bad[beta, beta]": 1}}, "is no number: only `set` changes it"),
        (TRUST, {"set": {"bad[beta, beta]": "middling"}}, "nothing is called 'middling' here"),
        (TRUST, {"when": "bad[beta, beta] == 'hihg'"}, "'hihg' is none of low, high; did you mean 'high'?"),
    ],
)
def test_what_is_wrong_with_a_pair_is_said(relation: dict[str, Any], rule: dict[str, Any], said: str) -> None:
    rules = {"r": {"every": "month", **rule}} if rule else {}
    (found,) = problems(world(relations={"bad": relation}, rules=rules))
    assert said in found


def test_a_relation_may_not_be_called_like_anything_else() -> None:
    assert problems(world(relations={"alpha": TRUST})) == [
        "relations.alpha: 'alpha' is an entity, kind or process as well: give the relation another name"
    ]
    assert "means something else" in problems(world(relations={"numbers": TRUST}))[0]


def test_pairs_are_bounded() -> None:
    entities = {f"f{number}": {"kind": "firm"} for number in range(200)}
    with within(2.0):
        (found,) = problems(world(entities=entities, relations={"trust": TRUST}))
    assert found == f"relations.trust: {202 * 202:,} pairs of all relations, at most {MOST_PAIRS:,}"


def test_what_a_seat_is_called_may_be_what_an_entity_is_called() -> None:
    seats = {"alpha": {"label": "Ann", "plays": "alpha"}}
    rules = {"r": {"every": "month", "add": {"evidence[alpha, alpha]": 1}}}
    data = world(relations={"evidence": {"of": ["seat", "firm"]}}, rules=rules, seats=seats)
    law = law_of(data, {"alpha": persona("alpha")})
    _, state = play_round(law, begun(law))
    assert state.values["evidence"]["alpha.alpha"] == 1
