"""What a seat may know: declared, and nothing else; no menu tells a secret."""

from typing import Any

import pytest

from orchestrator.core.observe import observe
from orchestrator.core.state import RunState
from tests.support.worlds import SECRET, begun, law_of, opened, play_round, problems, world

SEES_ALL = {
    "rules": {
        "note": {"tells": {"to": "bob", "report": "sign", "says": "only Bob reads this"}},
        "mind": {"says": "hidden in the engine", "audience": "hidden"},
    },
    "indicators": {
        "quiet": {"label": "Quiet", "is": "alpha.secret", "visible_to": ["bob"]},
        "broken": {"label": "Broken", "is": "1 / (alpha.cap - 10)"},
    },
}


def seen(seat: str, state: RunState | None = None) -> Any:
    law = law_of(world(**SEES_ALL))
    if state is None:
        _, state = play_round(law, begun(law))
    return observe(law, opened(law, state), seat)


def test_an_observation_holds_what_is_declared() -> None:
    ann = seen("ann")
    assert (ann.seat, ann.label, ann.round, ann.rounds, ann.date) == ("ann", "Ann", 2, 3, "2023-02-01")
    assert [reading.label for reading in ann.public] == ["Capability of Alpha"]
    assert {"money", "private", "twice", "owner"} <= {reading.label for reading in ann.private}
    assert next(reading.value for reading in ann.private if reading.label == "owner") == "Beta"


def test_hidden_variables_and_the_reports_of_others_stay_away() -> None:
    ann, bob = repr(seen("ann")), repr(seen("bob"))
    assert "only Bob reads this" in bob
    assert "only Bob reads this" not in ann
    assert "555" in ann
    assert "555" not in bob
    assert "777" not in ann
    assert "777" in bob  # by the indicator that was declared for Bob
    assert "hidden in the engine" not in ann + bob
    assert SECRET not in ann + bob


def test_the_clock_of_a_menu_is_that_of_the_round_s_first_day() -> None:
    spring = {"label": "Sow", "purpose": "p", "by": "ann", "needs": "clock.month == 2"}
    law = law_of(world(actions={"sow": spring}))
    state = begun(law)
    assert len(observe(law, opened(law, state), "ann").options) == 1
    _, state = play_round(law, state)
    assert [option.action for option in observe(law, opened(law, state), "ann").options] == ["sow", "wait"]


def test_a_reading_has_its_value_at_the_start_of_the_last_round() -> None:
    law = law_of(world(rules={"grow": {"add": {"alpha.cap": "3"}}}))
    _, state = play_round(law, begun(law))
    [reading] = observe(law, state, "ann").public
    assert (reading.value, reading.was) == (13, 10)


ACTION = {"label": "Do it", "purpose": "p", "by": "ann"}


@pytest.mark.parametrize(
    "more",
    [
        {"needs": "self.secret > 1"},
        {"needs": "beta.secret > 1"},
        {"needs": "sum(f.secret for f in firm) > 1"},
        {"label": "Do {self.secret}"},
        {"label": "Do {self.private}"},
        {"stem": "We have {self.private}"},
        {"purpose": "{self.secret} of it"},
        {"costs": {"self.money": "self.secret"}},
        {"label": "Hit {target}", "target": {"kind": "firm", "where": "target.secret > 1"}},
    ],
)
def test_a_menu_that_would_tell_a_secret_is_refused_at_load(more: dict[str, Any]) -> None:
    [problem] = problems(world(actions={"do_it": {**ACTION, **more}}))
    assert "does not see" in problem


@pytest.mark.parametrize(
    "more",
    [
        {"chance": "0.5 if self.secret > 1 else 1"},
        {"needs": "self.private > 1"},
        {"purpose": "{self.private}"},
        {"label": "Do {self.private}", "visibility": "self"},
        {"add": {"self.x": "self.secret"}},
    ],
)
def test_hidden_causes_go_to_chances_and_effects(more: dict[str, Any]) -> None:
    assert problems(world(actions={"do_it": {**ACTION, **more}})) == []


def test_a_policy_reads_only_what_its_seat_sees() -> None:
    bob = {
        "seat": "bob",
        "organisation": "b",
        "goals": ["g"],
        "prose": "p",
        "policy": [{"do": "wait", "when": "alpha.private > 1"}],
    }
    [problem] = problems(world(), {"bob": bob})
    assert problem.startswith("personas.bob.policy.0.when")


def test_a_process_may_be_seen_by_some_only() -> None:
    case = {"stages": [{"id": "one"}], "visible_to": ["bob"], "holds": {"weight": {"start": 1}}}
    needs = "count(c for c in case if c.running and c.weight > 0) > 0"
    assert "does not see" in problems(world(processes={"case": case}, actions={"do_it": {**ACTION, "needs": needs}}))[0]
    ok = {**ACTION, "by": "bob", "needs": needs}
    assert problems(world(processes={"case": case}, actions={"do_it": ok})) == []
