"""Agreements: offered, signed, in force, lapsed, dissolved; clauses that are broken, found, refused where binding."""

from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.core import rules
from orchestrator.core.agreements import enforcement, expanded
from orchestrator.core.dealparts import MOST_TERMS
from orchestrator.core.interventions import checked_sets
from orchestrator.core.law import Law
from orchestrator.core.observe import legal, observe
from orchestrator.core.scenario import Scenario
from orchestrator.core.state import RunState, fold
from orchestrator.core.turn import Move
from tests.support.worlds import begun, law_of, move, of_kind, opened, persona, play_round, problems, world

BOTH = ["ann", "bob"]
ACTIONS: dict[str, Any] = {
    "raid": {"label": "Raid {target}", "purpose": "loot", "by": BOTH, "target": {"kind": "firm"}, "repeat": True,
             "visibility": "self", "add": {"self.money": "5"}},
    "build": {"label": "Build", "purpose": "capability", "by": BOTH, "repeat": True, "add": {"self.cap": "6"}},
}  # fmt: skip
PACT: dict[str, Any] = {
    "source": ["M1"],
    "label": "the pact",
    "says": "each keeps to {terms}",
    "parties": {"kind": "firm"},
    "terms": {"most": {"label": "at most {value} points", "choices": [22, 30], "digits": 0}},
    "clauses": {
        "cap": "self.cap <= terms.most",
        "peace": {"forbids": "raid", "when": "target == beta or terms.most > 25"},
    },
    "open": {"days": 40},
    "lasts": {"months": 6},
    "breach": {
        "tells": {"to": "bob", "says": "{self} broke {pact} ({terms})", "chance": 1, "every": "month",
                  "lag": {"days": 10}},
        "when_found": {"add": {"self.x": -2}, "says": "{self} loses trust"},
    },
}  # fmt: skip
NONE = {"ann": persona("ann"), "bob": persona("bob")}
OFFER = move("ann", "offer_pact", "pact_terms_1")


def data(**pact: Any) -> dict[str, Any]:
    return world(actions=ACTIONS, agreements={"pact": {**PACT, **pact}}, clock={"rounds": 12})


def law(**pact: Any) -> Law:
    return law_of(data(**pact), NONE)


def signed(made: Law, **sets: str) -> RunState:
    """Offered in round 1 and signed in round 2: the state before round 3."""
    state = begun(made, sets=checked_sets(made, {name.replace("__", "."): value for name, value in sets.items()}))
    _, state = play_round(made, state, [OFFER])
    _, state = play_round(made, state, [move("bob", "sign_pact", "pact_1")])
    return state


def told(events: Sequence[Any]) -> list[str]:
    return [event.text for event in events if event.text]


def menu(made: Law, state: RunState, seat: str) -> list[str]:
    return [option.id for option in legal(made, opened(made, state), seat)]


def test_offers_are_listed_with_their_terms_and_signing_brings_one_into_force() -> None:
    made = law()
    state = begun(made)
    labels = [option.label for option in legal(made, opened(made, state), "ann")]
    assert "Propose the pact: at most 22 points" in labels
    assert "Propose the pact: at most 30 points" in labels
    assert not any("sign_pact" in option or "leave_pact" in option for option in menu(made, state, "bob"))
    events, state = play_round(made, state, [OFFER])
    assert "Alpha proposes the pact: each keeps to at most 22 points." in told(events)
    assert state.values["pact_1"]["stage"] == "offered"
    assert state.values["pact_party_1"]["party"] == "alpha"
    assert menu(made, state, "bob")[-2:] == ["sign_pact pact_1", "wait"]
    assert "leave_pact pact_1" in menu(made, state, "ann")
    assert not any("offer_pact" in option for option in menu(made, state, "ann"))
    events, state = play_round(made, state, [move("bob", "sign_pact", "pact_1")])
    assert "The pact: at most 22 points comes into force; 2 have signed." in told(events)
    assert state.values["pact_1"]["stage"] == "in_force"
    assert state.values["pact_party_2"]["signer"] == "bob"


def test_those_who_have_signed_read_it_on_their_desk() -> None:
    made = law()
    _, state = play_round(made, begun(made), [OFFER])
    reading = next(one for one in observe(made, opened(made, state), "ann").private if one.label == "Signed")
    assert reading.value == "the pact: at most 22 points (each keeps to at most 22 points), offered, 1 signed so far"
    assert all(one.label != "Signed" for one in observe(made, opened(made, state), "bob").private)
    _, state = play_round(made, state, [move("bob", "sign_pact", "pact_1")])
    reading = next(one for one in observe(made, opened(made, state), "bob").private if one.label == "Signed")
    assert "in force until 1 August 2023 between 2, by its parties' word" in str(reading.value)


def test_an_offer_that_too_few_sign_lapses() -> None:
    made = law()
    events, state = play_round(made, begun(made), [OFFER])
    while state.values["pact_1"]["running"]:
        events, state = play_round(made, state)
    assert state.values["pact_1"]["outcome"] == "lapsed"
    assert "The offer of the pact: at most 22 points lapses." in told(events)
    assert not state.values["pact_party_1"]["running"], "its signatures end with it"
    assert any("offer_pact" in option for option in menu(made, state, "ann"))


def test_an_agreement_runs_its_time_and_ends() -> None:
    made = law()
    state = signed(made)
    while state.values["pact_1"]["running"]:
        _, state = play_round(made, state)
    assert (state.values["pact_1"]["outcome"], state.round) == ("settled", 8)
    assert not any(state.values[f"pact_party_{n}"]["running"] for n in (1, 2))


def test_leaving_dissolves_it_where_too_few_are_left() -> None:
    made = law()
    events, state = play_round(made, signed(made), [move("bob", "leave_pact", "pact_1")])
    assert state.values["pact_1"]["outcome"] == "dissolved"
    assert told(events)[:2] == [
        "Beta leaves the pact: at most 22 points.",
        "The pact: at most 22 points is dissolved: too few are left.",
    ]
    ended = [event.instance for event in of_kind(events, "process_ended")]
    assert sorted(ended) == ["pact_1", "pact_party_1", "pact_party_2"], "each ends once"


def test_all_who_sign_on_one_date_bring_it_into_force_once() -> None:
    seats = {"cid": {"label": "Cid", "plays": "gamma"}}
    more = world(
        actions=ACTIONS, agreements={"pact": {**PACT, "parties": {"kind": "firm", "at_least": "all"}}}, seats=seats,
        entities={"gamma": {"kind": "firm", "label": "Gamma"}}, clock={"rounds": 12},
    )  # fmt: skip
    made = law_of(more, {**NONE, "cid": persona("cid")})
    _, state = play_round(made, begun(made), [OFFER])
    events, state = play_round(made, state, [move(seat, "sign_pact", "pact_1") for seat in ("bob", "cid")])
    entered = [event.stage for event in of_kind(events, "stage_entered") if event.instance == "pact_1"]
    assert entered == ["in_force"]
    assert "The pact: at most 22 points comes into force; 3 have signed." in told(events)


# --- declared ------------------------------------------------------------------------------------------------


def test_a_declared_breach_is_recorded_at_once_for_nobody_and_takes_effect_when_it_is_found() -> None:
    made = law()
    trust = signed(made).values["alpha"]["x"]
    events, state = play_round(made, signed(made), [move("ann", "raid", "beta")])
    fired = next(event for event in of_kind(events, "rule_fired") if event.cause.id == "pact_breaks_peace")
    assert (fired.text, fired.audience, fired.to) == (
        "Alpha breaks the pact: at most 22 points (peace).", (), "2023-03-01",
    )  # fmt: skip
    assert state.values["pact_party_1"]["breaches"] == 1
    assert state.values["alpha"]["x"] == trust
    assert "Alpha" not in " ".join(line.text for line in state.notebook.get("bob", ())), "the others are not told"
    assert not made.sees("bob", "pact_party", "breaches")
    assert not made.sees("bob", "pact_breach", "running")
    events, state = play_round(made, state)
    assert state.values["alpha"]["x"] == trust - 2
    report = next(event for event in of_kind(events, "report_arrived"))
    assert (report.report, report.seats, report.to) == ("breach", ("bob",), "2023-04-10")
    assert report.text == "Alpha broke the pact: at most 22 points (at most 22 points)"
    assert state.values["pact_party_1"]["found"] == 1
    assert state.values["pact_breach_1"]["outcome"] == "found"
    assert "Alpha loses trust" in told(events)


def test_a_clause_over_balances_is_checked_on_every_beat_and_tells_a_breach_once() -> None:
    made = law(clauses={"cap": "self.cap <= terms.most"})
    state = signed(made)
    counts: list[float] = []
    for _ in range(3):
        _, state = play_round(made, state, [move("ann", "build")])
        counts.append(state.values["pact_party_1"]["breaches"])
    assert counts == [0, 0, 1], "16, 22, then 28 points against 22"
    _, state = play_round(made, state)
    assert state.values["pact_party_1"]["breaches"] == 1, "it stays broken: the same breach"


def test_the_condition_of_a_forbidden_action_narrows_it() -> None:
    made = law()
    _, state = play_round(made, signed(made), [move("bob", "raid", "alpha")])
    assert state.values["pact_party_2"]["breaches"] == 0


# --- binding, none -------------------------------------------------------------------------------------------


def test_a_binding_clause_closes_the_action_and_refuses_it_by_event() -> None:
    made = law()
    state = signed(made, agreements__pact__enforced="binding")
    assert not any(option.startswith("raid") for option in menu(made, state, "ann"))
    assert "raid alpha" in menu(made, state, "bob")
    events, state = play_round(made, state, [move("ann", "raid", "beta"), move("bob", "raid", "alpha")])
    refused = of_kind(events, "action_refused")
    assert [(event.seat, event.why) for event in refused] == [("ann", "the pact forbids it")]
    assert state.values["pact_party_1"]["breaches"] == 0
    assert "leave_pact pact_1" not in menu(made, state, "bob"), "nobody leaves what binds"


def test_a_binding_clause_over_balances_refuses_the_move_that_would_break_it() -> None:
    made = law(enforced="binding", clauses={"cap": "self.cap <= terms.most"})
    state = signed(made)
    _, state = play_round(made, state, [move("ann", "build")])
    _, state = play_round(made, state, [move("ann", "build")])
    assert state.values["alpha"]["cap"] == 22
    events, state = play_round(made, state, [move("ann", "build"), move("bob", "raid", "alpha")])
    assert [event.why for event in of_kind(events, "action_refused")] == ["it would break the pact"]
    assert [event.seat for event in of_kind(events, "action_taken")] == ["bob"]
    assert state.values["alpha"]["cap"] == 22


def test_what_a_rule_brings_about_is_a_breach_even_where_it_is_binding() -> None:
    made = law_of({**data(enforced="binding"), "rules": {"grow": {"every": "month", "add": {"alpha.cap": "20"}}}}, NONE)
    _, state = play_round(made, signed(made))
    assert state.values["pact_party_1"]["breaches"] == 1


def test_a_refused_move_frees_what_was_reserved_for_it() -> None:
    costly = {"build": {**ACTIONS["build"], "costs": {"self.money": 70}}}
    made = law_of(world(actions={**ACTIONS, **costly}, agreements={"pact": {**PACT, "enforced": "binding"}}), NONE)
    state = signed(made)
    first, second = Move("ann", 1, "build"), Move("ann", 2, "raid", "alpha")
    state = fold([], state)
    state.values = {**state.values, "alpha": {**state.values["alpha"], "cap": 20}}
    events, state = play_round(made, state, [first, second])
    assert [event.action for event in of_kind(events, "action_taken")] == ["raid"]
    assert state.values["alpha"]["money"] == 105


def test_without_enforcement_nothing_can_be_offered_and_nothing_binds() -> None:
    made = law()
    assert not any("offer_pact" in option for option in menu(made, signed_none(made), "ann"))
    state = fold(rules.set_values(
        {"round": 2, "to": "2023-02-28", "cause": ("fork", "r2")}, {"pact_agreement.enforced": "none"}
    ), signed(made))  # fmt: skip
    _, state = play_round(made, state, [move("ann", "raid", "beta")])
    assert state.values["pact_party_1"]["breaches"] == 0


def signed_none(made: Law) -> RunState:
    return begun(made, sets=checked_sets(made, {"agreements.pact.enforced": "none"}))


def test_the_path_of_an_agreement_is_that_of_its_variable() -> None:
    made = law()
    assert checked_sets(made, {"agreements.pact.enforced": "binding"}) == {"pact_agreement.enforced": "binding"}
    assert enforcement("numbers.k") == "numbers.k"


# --- what it is made of --------------------------------------------------------------------------------------


def test_a_scenario_without_agreements_stays_as_it_is() -> None:
    scenario = Scenario.model_validate(world())
    assert expanded(scenario).scenario is scenario


def test_without_terms_there_is_one_offer() -> None:
    made = law(terms={}, says="each keeps the peace", clauses={"peace": {"forbids": "raid"}},
               breach={"tells": {"chance": 1}})  # fmt: skip
    assert "offer_pact" in menu(made, begun(made), "ann")
    _, state = play_round(made, begun(made), [move("ann", "offer_pact")])
    _, state = play_round(made, state, [move("bob", "sign_pact", "pact_1")])
    events, state = play_round(made, state, [move("ann", "raid", "beta")])
    report = next(event for event in of_kind(events, "report_arrived"))
    assert (report.seats, report.text) == (("ann", "bob"), "Alpha has broken the pact.")


def test_an_agreement_that_only_its_parties_see_is_told_to_nobody_else() -> None:
    seats = {"eve": {"label": "Eve", "plays": "omega"}}
    more = world(
        actions=ACTIONS, agreements={"pact": {**PACT, "visible_to": ["ann"]}}, seats=seats,
        kinds={"club": {"size": {"start": 1}}}, entities={"omega": {"kind": "club"}}, clock={"rounds": 12},
    )  # fmt: skip
    made = law_of(more, {**NONE, "eve": persona("eve")})
    state = signed(made)
    lines = " ".join(line.text for line in state.record)
    assert "pact" not in lines
    assert any("comes into force" in line.text for line in state.notebook["bob"])
    assert not made.sees("eve", "pact", "stage")
    assert "eve" not in state.notebook


@pytest.mark.parametrize(
    ("pact", "where", "what"),
    [
        ({"clauses": {"cap": "self.cup <= terms.most"}}, "agreements.pact.clauses.cap", "has no 'cup'"),
        ({"clauses": {"cap": "self.cap <= terms.mast"}}, "agreements.pact.clauses.cap", "did you mean 'most'?"),
        ({"clauses": {"p": {"forbids": "riad"}}}, "agreements.pact.clauses.p.forbids", "did you mean 'raid'?"),
        ({"clauses": {"p": {"forbids": "raid", "when": "gone"}}}, "agreements.pact.clauses.p", "'gone'"),
        ({"says": "each {terms.lost}"}, "agreements.pact.says", "has no 'lost'"),
        ({"parties": {"kind": "firm", "at_least": 3}}, "agreements.pact.parties", "2 seats may be parties"),
        ({"parties": {"kind": "farm"}}, "agreements.pact.parties.kind", "did you mean 'firm'?"),
        ({"breach": {"tells": {"to": "zoe"}}}, "agreements.pact.breach", "'zoe'"),
        ({"breach": {"when_found": {"add": {"self.z": 1}}}}, "agreements.pact.breach", "has no 'z'"),
        ({"source": ["M9"]}, "agreements.pact", "'M9' is not listed under sources"),
    ],
)  # fmt: skip
def test_a_problem_of_an_agreement_is_told_where_its_author_wrote_it(
    pact: dict[str, Any], where: str, what: str
) -> None:
    found = problems(data(**pact), NONE)
    assert any(problem.startswith(where) and what in problem for problem in found), found
    assert all(problem.startswith("agreements.") for problem in found), found


def test_a_name_that_an_agreement_needs_may_not_be_taken() -> None:
    taken = world(actions=ACTIONS, agreements={"pact": PACT}, processes={"pact": {"stages": [{"id": "a"}]}})
    assert any("agreements.pact: the agreement needs the name 'pact'" in one for one in problems(taken, NONE))


@pytest.mark.parametrize(
    ("pact", "what"),
    [
        ({"terms": {key: {"choices": [1, 2, 3]} for key in "ab"}}, f"9 different offers, at most {MOST_TERMS}"),
        ({"terms": {"a": {}}}, "needs `range` or `choices`"),
        ({"terms": {"a": {"range": [0, 5], "choices": [9]}}}, "a choice outside its range"),
        ({"clauses": {}}, "at least 1"),
        ({"clauses": {"p": {"forbids": "raid", "holds": "True"}}}, "only one"),
        ({"visible_to": "hidden"}, "hides itself"),
    ],
)  # fmt: skip
def test_an_agreement_that_makes_no_sense_is_refused(pact: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Scenario.model_validate(data(**pact))


def test_a_range_gives_its_ends_and_its_middle() -> None:
    made = law(terms={"most": {"range": [10, 30], "unit": "points"}})
    assert [made.values[f"pact_terms_{n}"]["most"] for n in (1, 2, 3)] == [10, 20, 30]
    assert made.labels["pact_terms_2"] == "most 20 points"


@pytest.mark.parametrize(
    "pact",
    [
        {"says": "each " + "x" * 590},
        {"label": "the " + "pact " * 59, "says": "each " + "x" * 320},
        {"terms": {"most": {"label": "at most {value} " + "x" * 284, "choices": [22]}, "more": {"choices": [1]}}},
        {"clauses": {"cap": "self.cap <= terms.most" + " + 0" * 143}},
    ],
)
def test_what_becomes_too_long_is_a_problem_with_its_place(pact: dict[str, Any]) -> None:
    found = problems(data(**pact), NONE)
    assert any(problem.startswith("agreements.pact") and "too long" in problem for problem in found), found


def test_a_term_may_not_be_called_as_a_field_of_an_entity() -> None:
    found = problems(data(terms={"label": {"choices": [1, 2]}}, clauses={"peace": {"forbids": "raid"}}), NONE)
    assert any("agreements.pact.terms" in problem for problem in found), found
