"""What a declaration may not say: forms that contradict each other, days that are none, entries nobody listed."""

from typing import Any

import pytest

from orchestrator.core.scenario import Scenario
from tests.support.worlds import problems, world


def kind(**variable: Any) -> dict[str, Any]:
    return {"kinds": {"firm": {"odd": variable}}}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (kind(enum=["a"], bool=True), "kinds.firm.odd: is either `enum` or `bool`"),
        (kind(ref="firm", bool=True), "kinds.firm.odd: is either `bool` or `ref`"),
        (kind(bool=True, range=[0, 1]), "kinds.firm.odd.range: `range` is for numbers alone, and this has `bool`"),
        (
            {"processes": {"p": {"holds": {"h": {"enum": ["a"], "range": [0, 1]}}, "stages": [{"id": "s"}]}}},
            "processes.p.holds.h.range: `range` is for numbers alone, and this has `enum`",
        ),
        (kind(**{"is": "self.cap > 3"}), "kinds.firm.odd.is: it yields a yes or no, and a number is declared"),
        (kind(**{"is": "self.cap", "bool": True}), "kinds.firm.odd.is: it yields a number, and a yes"),
        ({"rules": {"r": {"on": "02-30", "says": "x"}}}, "rules.r.on: '02-30' is no day of a year"),
        ({"rules": {"r": {"on": "13-01", "says": "x"}}}, "rules.r.on: '13-01' is no day of a year"),
        (kind(start=1, source="M7"), "kinds.firm.odd.source: 'M7' is not listed under sources"),
        (kind(start=1, source="assumed"), "kinds.firm.odd: `source: assumed` needs a `why`"),
        (
            {"processes": {"p": {"stages": [{"id": "s", "outcomes": {"o": {"source": "M8"}}}]}}},
            "processes.p.stages.0.outcomes.o.source: 'M8' is not listed under sources",
        ),
        ({"interventions": {"i": {"label": "i", "sets": "alpha.twice"}}}, "'alpha.twice' is neither"),
        ({"entities": {"gamma": {"kind": "firm", "owner": {"a": 1}}}}, "entities.gamma.owner: '{'a': 1}' is no firm"),
        ({"entities": {"gamma": {"kind": "firm", "owner": "alpah"}}}, "is no firm; did you mean 'alpha'?"),
    ],
)  # fmt: skip
def test_what_a_declaration_may_not_say(sections: dict[str, Any], said: str) -> None:
    assert any(said in found for found in problems(world(**sections)))


def test_the_last_day_of_february_is_a_day() -> None:
    assert problems(world(rules={"r": {"on": "02-29", "says": "x"}})) == []


def test_all_who_play_a_kind_may_be_named_by_it() -> None:
    go = {"label": "Go", "purpose": "p"}
    data = world(actions={"a": {**go, "by": {"kind": "firm"}}, "b": {**go, "by": "firm"}})
    actions = Scenario.model_validate(data).actions
    assert actions["a"].by == actions["b"].by == ("firm",)
    assert problems(data) == []
    with pytest.raises(ValueError, match="by"):
        Scenario.model_validate(world(actions={"a": {**go, "by": {"kind": "firm", "seat": "ann"}}}))


def test_a_date_of_the_year_is_written_with_on() -> None:
    with pytest.raises(ValueError, match='names a happening; a date of the year is written `on: "06-01"`'):
        Scenario.model_validate(world(rules={"r": {"upon": {"date": "06-01"}, "says": "x"}}))


def test_a_group_may_be_empty() -> None:
    assert problems(world(groups={"crew": []}, rules={"r": {"says": "x", "audience": ["crew"]}})) == []
