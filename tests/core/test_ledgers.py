"""Ledgers: what would leak is refused at load, and a sum that changes all the same is an event."""

from typing import Any

import pytest

from orchestrator.core import effects
from orchestrator.core.draft import Draft
from orchestrator.core.events import Cause, Change, LedgerLeaked, event_from
from orchestrator.core.settling import Wish, leaks
from tests.support.worlds import begun, first_round, law_of, of_kind, opened, problems, world

CHIPS = {"from": "alpha", "to": "beta", "amount": "4"}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"kinds": {"firm": {"chips": {"unit": "usd"}}}},
            "kinds.firm.chips.unit: its unit is 'usd', but the ledger compute is kept in 'day'",
        ),
        (
            {"kinds": {"firm": {"phase": {"ledger": "compute"}}}},
            "kinds.firm.phase.ledger: only a number that is stored can be kept in a ledger",
        ),
        (
            {"kinds": {"firm": {"twice": {"ledger": "compute"}}}},
            "kinds.firm.twice.ledger: only a number that is stored can be kept in a ledger",
        ),
        (
            {"processes": {"p": {"holds": {"h": {"ledger": "compute", "start": 3}}, "stages": [{"id": "a"}]}}},
            "processes.p.holds.h.start: every instance would bring 3 into the ledger compute from nowhere",
        ),
        ({"ledgers": {"compute": {"sources": ["alpha"]}}}, "ledgers.compute.sources: 'alpha' is an entity as well"),
        ({"rules": {"r": {"add": {"alpha.chips": 1}}}}, "'alpha.chips' is kept in the ledger compute: only `move`"),
        ({"rules": {"r": {"set": {"alpha.chips": 1}}}}, "'alpha.chips' is kept in the ledger compute: only `move`"),
        (
            {"actions": {"a": {"label": "Go", "purpose": "p", "by": "ann", "costs": {"self.chips": 1}}}},
            "'self.chips' is kept in the ledger compute: let a `move` to a sink take it",
        ),
    ],
)
def test_what_would_leak_is_refused(sections: dict[str, Any], said: str) -> None:
    assert any(said in found for found in problems(world(**sections)))


def test_equal_units_and_an_empty_process_are_fine() -> None:
    process = {"holds": {"h": {"ledger": "compute", "unit": "day"}}, "stages": [{"id": "a"}]}
    assert problems(world(processes={"p": process})) == []


def test_moves_of_one_date_do_not_leak() -> None:
    rules = {
        "out": {"every": "month", "move": {"compute": CHIPS}},
        "more": {"every": "month", "move": {"compute": {**CHIPS, "amount": "100"}}},
        "in": {"every": "month", "move": {"compute": {"from": "fab", "to": "alpha", "amount": "1 / 3"}}},
        "gone": {"every": "month", "move": {"compute": {"from": "beta", "to": "spent", "amount": "0.1"}}},
    }
    events, state = first_round(world(rules=rules))
    assert of_kind(events, "ledger_leaked") == []
    assert state.values["alpha"]["chips"] + state.values["beta"]["chips"] == pytest.approx(20 + 1 / 3 - 0.1, rel=1e-11)


@pytest.mark.parametrize("amount", ["exp(700)", "exp(700) * exp(700)", "exp(700) * exp(700) - exp(700) * exp(700)"])
def test_what_is_beyond_numbers_is_not_moved(amount: str) -> None:
    vast = {"from": "fab", "to": "alpha", "amount": amount}
    data = world(rules={name: {"every": "month", "move": {"compute": vast}} for name in ("one", "two")})
    data["kinds"]["firm"]["chips"] = {"ledger": "compute", "start": 1e300}
    events, state = first_round(data)
    assert [event.cause.id for event in of_kind(events, "rule_failed")] == ["one", "two"]
    assert state.values["alpha"]["chips"] == 1e300


def test_the_largest_sums_do_not_leak() -> None:
    rules: dict[str, Any] = {
        f"r{n}": {"every": "day", "move": {"compute": {"from": "fab", "to": "alpha", "amount": "exp(690)"}}}
        for n in range(9)
    }
    rules["all"] = {"every": "day", "move": {"compute": {**CHIPS, "amount": "alpha.chips"}}}
    data = world(rules=rules)
    data["kinds"]["firm"]["chips"] = {"ledger": "compute"}
    events, _ = first_round(data)
    assert of_kind(events, "ledger_leaked") == []


def test_a_change_that_is_lost_on_one_side_is_told_as_a_defect() -> None:
    law = law_of(world())
    draft = Draft(law, opened(law, begun(law)), law.start)
    cause = Cause(kind="rule", id="r")
    shifts = [Wish(0, "alpha", "chips", "add", -4.0), Wish(0, "beta", "chips", "add", 4.0)]
    whole = {0: [Change("alpha", "chips", 6, -4.0), Change("beta", "chips", 14, 4.0)]}
    assert leaks(draft, [cause], shifts, whole) == []
    (found,) = leaks(draft, [cause], shifts, {0: whole[0][:1]})
    assert isinstance(found, LedgerLeaked)
    assert (found.ledger, found.by, found.cause) == ("compute", -4, cause)
    assert event_from(found.body()) == found


def test_the_sum_is_looked_at_on_every_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """A settlement that forgets a receiver is found out in the run."""
    settle = effects.settle

    def forgetful(*given: Any) -> Any:
        changes, events = settle(*given)
        return {key: [one for one in held if one.entity != "beta"] for key, held in changes.items()}, events

    monkeypatch.setattr(effects, "settle", forgetful)
    events, _ = first_round(world(rules={"out": {"every": "month", "move": {"compute": CHIPS}}}))
    assert [(event.ledger, event.by, event.to) for event in of_kind(events, "ledger_leaked")] == [
        ("compute", -4, "2023-01-31")
    ]
