"""Everything that stands against a scenario is said at once, with its place and a near miss."""

from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.core.scenario import Persona, Scenario
from tests.support.worlds import BASE, law_of, persona, problems, world

RULE = {"every": "month"}
ACTION: dict[str, Any] = {"label": "Do it", "purpose": "p", "by": "ann"}


def rule(**more: Any) -> dict[str, Any]:
    return {"rules": {"odd": {**RULE, **more}}}


def action(**more: Any) -> dict[str, Any]:
    return {"actions": {"do_it": {**ACTION, **more}}}


def process(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"processes": {"case": {"stages": list(stages) or [{"id": "one"}], **more}}}


def test_the_bench_has_no_problem() -> None:
    assert problems(world()) == []
    assert law_of(world()).values["beta"]["money"] == 50


@pytest.mark.parametrize(
    ("sections", "where", "what"),
    [
        (rule(add={"alpha.mony": "1"}), "rules.odd.add.alpha.mony", "did you mean 'money'"),
        (rule(add={"alpha": "1"}), "rules.odd.add.alpha", "ENTITY.VARIABLE"),
        (rule(add={"alpha.twice": "1"}), "rules.odd.add.alpha.twice", "is derived"),
        (rule(add={"alpha.phase": "1"}), "rules.odd.add.alpha.phase", "is no number"),
        (rule(add={"alpha.chips": "1"}), "rules.odd.add.alpha.chips", "only `move` changes it"),
        (rule(scale={"alpha.open": "1"}), "rules.odd.scale.alpha.open", "is no number"),
        (rule(set={"alpha.phase": "asleep"}), "rules.odd.set.alpha.phase", "asleep"),
        (rule(set={"alpha.phase": "1"}), "rules.odd.set.alpha.phase", "does not yield one of idle"),
        (rule(set={"alpha.owner": "ann"}), "rules.odd.set.alpha.owner", "does not yield a firm"),
        (rule(set={"alpha.open": "1"}), "rules.odd.set.alpha.open", "true or false"),
        (rule(add={"self.x": "1"}), "rules.odd.add.self.x", "nothing is called 'self'"),
        (rule(**{"for": "lab"}), "rules.odd.for", "no kind or process"),
        (rule(**{"with": {"a": {"first": "lab"}}}), "rules.odd.with", "no kind or process"),
        (rule(**{"with": {"self": {"first": "firm"}}}), "rules.odd.with.self", "means something else"),
        (rule(when="alpha.cap"), "rules.odd.when", "a yes or no is needed"),
        (rule(chance="alpha.open"), "rules.odd.chance", "a number is needed"),
        (rule(upon="nothing"), "rules.odd.upon", "nothing emits 'nothing'"),
        (rule(ends="never"), "rules.odd.ends", "no ending"),
        (rule(source="M9"), "rules.odd.source", "'M9' is not listed under sources"),
        (rule(source="assumed"), "rules.odd", "needs a `why`"),
        (rule(starts={"trial": {}}), "rules.odd.starts.trial", "no process"),
        (rule(move={"gold": {"from": "alpha", "to": "beta", "amount": "1"}}), "rules.odd.move.gold", "no ledger"),
        (rule(move={"compute": {"from": "fog", "to": "beta", "amount": "1"}}), "rules.odd.move.compute.from", "fog"),
        (rule(tells={"to": "nobody", "report": "r", "says": "s"}), "rules.odd.tells.to", "nothing is called 'nobody'"),
        (rule(tells={"to": "alpha", "report": "r", "says": "s"}), "rules.odd.tells.to", "no seat, group or role"),
        (rule(says="{alpha.cap"), "rules.odd.says", "a lone '{'"),
        (rule(audience=["nobody"]), "rules.odd.audience", "no seat, group"),
        (rule(sends={"alpha": "end"}), "rules.odd.sends.alpha", "has no stage 'end'"),
        (action(by="nobody"), "actions.do_it.by", "no seat, group"),
        (action(label=" "), "actions.do_it.label", "needs a verb"),
        (action(costs={"alpha.money": "1"}), "actions.do_it.costs.alpha.money", "a number of one's own"),
        (action(costs={"self.twice": "1"}), "actions.do_it.costs.self.twice", "a number of one's own"),
        (action(costs={"self.phase": "1"}), "actions.do_it.costs.self.phase", "a number of one's own"),
        (action(costs={"self.chips": "1"}), "actions.do_it.costs.self.chips", "kept in the ledger"),
        (action(target={"kind": "lab"}), "actions.do_it.target", "no kind or process"),
        (action(params={"n": {"low": 1, "high": 500}}), "actions.do_it.params.n", "at most 100 apart"),
        ({"actions": {"wait": ACTION}}, "actions.wait", "every seat has already"),
        (process({"id": "one"}, {"id": "one"}), "processes.case.stages", "must differ"),
        (process({"id": "one", "outcomes": {"a": {"next": "two"}}}), "processes.case.stages.0.outcomes", "no stage"),
        (process({"id": "one", "after": ["two"]}), "processes.case.stages.0.after", "no stage is called 'two'"),
        (process({"id": "one", "countered_by": {"hit": {}}}), "processes.case.stages.0.countered_by", "no action"),
        (process(roles={"who": "lab"}), "processes.case.roles.who", "no kind is called 'lab'"),
        (process(roles={"self": "firm"}), "processes.case.roles.self", "already"),
        (process(holds={"stage": {"start": 1}}), "processes.case.holds.stage", "already"),
        ({"processes": {"firm": {"stages": [{"id": "one"}]}}}, "processes.firm", "is a kind as well"),
        ({**process(), "entities": {"case_1": {"kind": "firm"}}}, "entities.case_1", "an instance of the process case"),
        ({"entities": {"clock": {"kind": "firm"}}}, "entities.clock", "means something else"),
        ({"entities": {"gamma": {"kind": "lab"}}}, "entities.gamma.kind", "no kind is called 'lab'"),
        ({"entities": {"gamma": {"kind": "firm", "mony": 1}}}, "entities.gamma.mony", "did you mean 'money'"),
        ({"entities": {"gamma": {"kind": "firm", "cap": 51}}}, "entities.gamma.cap", "lies outside 0 to 50"),
        ({"entities": {"gamma": {"kind": "firm", "cap": "x"}}}, "entities.gamma.cap", "no finite number"),
        ({"entities": {"gamma": {"kind": "firm", "phase": "x"}}}, "entities.gamma.phase", "is none of idle"),
        ({"entities": {"gamma": {"kind": "firm", "open": 3}}}, "entities.gamma.open", "neither true nor false"),
        ({"entities": {"gamma": {"kind": "firm", "owner": "ann"}}}, "entities.gamma.owner", "is no firm"),
        ({"kinds": {"firm": {"bad": {"is": "self.bad + 1"}}}}, "kinds.firm.bad.is", "derived from itself"),
        ({"kinds": {"firm": {"bad": {"is": "self.none"}}}}, "kinds.firm.bad.is", "has no 'none'"),
        ({"kinds": {"firm": {"bad": {"ref": "lab"}}}}, "kinds.firm.bad.ref", "no kind"),
        ({"kinds": {"firm": {"bad": {"ledger": "gold"}}}}, "kinds.firm.bad.ledger", "no ledger"),
        ({"kinds": {"firm": {"bad": {"visible_to": ["eve"]}}}}, "kinds.firm.bad.visible_to", "'eve'"),
        ({"seats": {"carl": {"label": "C", "plays": "gamma"}}}, "seats.carl.plays", "no entity is called 'gamma'"),
        ({"groups": {"all": ["ann", "eve"]}}, "groups.all", "no seat is called 'eve'"),
        ({"clock": {"ends": "never"}}, "clock.ends", "no ending"),
        ({"clock": {"start": "2023-02-30"}}, "clock.start", "no such day"),
        ({"turns": {"order": ["eve"]}}, "turns.order", "no seat is called 'eve'"),
        ({"interventions": {"i": {"label": "l", "sets": "alpha.none"}}}, "interventions.i.sets", "neither numbers."),
        ({"indicators": {"i": {"label": "l", "is": "alpha.open"}}}, "indicators.i.is", "a number is needed"),
        ({"free": {"by": "eve", "may": {"a": {"label": "x"}}}}, "free.by", "'eve'"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_its_reason(sections: dict[str, Any], where: str, what: str) -> None:
    found = problems(world(**sections))
    assert any(problem.startswith(f"{where}: ") and what in problem for problem in found), found


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"do": "dance"}, "ann has no action 'dance'"),
        ({"do": "wait", "when": "self.none"}, "has no 'none'"),
        ({"do": "wait", "params": {"n": "1"}}, "no parameter 'n'"),
        ({"do": "wait", "when": "known.none.count > 1"}, "no report is called 'none'"),
    ],
)
def test_a_policy_is_checked_with_the_scenario(line: dict[str, Any], what: str) -> None:
    [problem] = problems(world(), {"ann": persona("ann", line)})
    assert problem.startswith("personas.ann.policy.0")
    assert what in problem


def test_all_problems_are_found_at_once() -> None:
    data = world(rules={"one": {"add": {"alpha.none": "1"}}, "two": {"says": "{x}"}}, clock={"ends": "never"})
    assert len(problems(data)) == 3


NO_SHAPE: list[dict[str, Any]] = [
    {"surprise": 1},
    {"kinds": {"firm": {"Bad-Name": {}}}},
    {"rules": {"odd": {"when": "x" * 700}}},
    {"clock": {"rounds": 0}},
    {"rules": {"odd": {"on": "1 May"}}},
    {"numbers": {"n": {"low": 3, "mode": 2, "high": 1}}},
    {"numbers": {"n": {}}},
    {"processes": {"case": {"stages": []}}},
    {"processes": {"case": {"stages": [{"id": "one", "lasts": {}}]}}},
    {"processes": {"case": {"stages": [{"id": "one", "lasts": {"days": 1, "weeks": 1}}]}}},
    {"processes": {"case": {"stages": [{"id": "one", "lasts": {"days": -1}}]}}},
    {"processes": {"case": {"stages": [{"id": "one", "lasts": {"days": float("inf")}}]}}},
    {"processes": {"case": {"stages": [{"id": "one", "lasts": {"days": {"low": 3, "mode": 2, "high": 9}}}]}}},
    {"actions": {"a": {**ACTION, "target": {}}}},
    {"actions": {"a": {**ACTION, "target": {"kind": "firm", "process": "case"}}}},
]


@pytest.mark.parametrize("sections", NO_SHAPE)
def test_a_shape_that_is_no_scenario_is_refused(sections: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Scenario.model_validate(world(**sections))


def test_a_policy_weight_is_positive() -> None:
    with pytest.raises(ValidationError):
        Persona.model_validate(persona("ann", {"do": "wait", "weight": 0}))


def test_the_base_is_not_touched_by_what_is_laid_over_it() -> None:
    world(kinds={"firm": {"money": {"start": 1}}})
    assert BASE["kinds"]["firm"]["money"]["start"] == 100
