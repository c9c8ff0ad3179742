"""The document of a run and the states it went through."""

import pytest

from orchestrator.config import Price
from orchestrator.core.state import fold
from orchestrator.errors import DamageFound
from orchestrator.ledger.rows import CallRow
from orchestrator.ledger.store import Ledger
from orchestrator.runtime.recorded import recorded
from orchestrator.views.projections import busy_seconds, cost_usd, run_document, states

KEYS = {
    "run", "name", "scenario", "seed", "status", "reason", "rounds", "outcome", "hash", "parent", "fork_round", "seats",
    "calls", "tokens", "cost_usd", "seconds", "failures", "judge", "engine", "variant",
}  # fmt: skip
PARROT = {"parrot-1": Price(prompt=2, cached=1, completion=10)}


def a_call(
    began: float,
    ended: float,
    *,
    model: str = "m",
    kind: str = "openai",
    prompt: int = 0,
    cached: int = 0,
    out: int = 0,
) -> CallRow:
    return CallRow.model_construct(
        None, model=model, served_by=model, backend_kind=kind, prompt_tokens=prompt, cached_tokens=cached,
        completion_tokens=out, started_at=began, ended_at=ended,
    )  # fmt: skip


def test_a_run_with_a_model(ledger: Ledger) -> None:
    row = ledger.find("talk")
    document = run_document(ledger, row, prices=PARROT)
    assert set(document) == KEYS
    assert (document["status"], document["reason"], document["rounds"], document["outcome"]) == (
        "finished",
        "ending",
        4,
        "out",
    )
    assert document["hash"] == list(ledger.events(row.id))[-1].hash
    assert document["seats"] == [
        {"seat": "seat_a", "persona": "seat_a", "backend": "cage", "model": "Parrot"},
        {"seat": "seat_b", "persona": "seat_b", "backend": "policy", "model": None},
    ]
    assert document["calls"] == {
        "total": 11,
        "asked": 11,
        "reused": 0,
        "by_kind": {"decide": 4, "judge": 4, "repair": 2, "speak": 1},
    }
    assert document["tokens"] == {"prompt": 1100, "cached": 660, "completion": 110}
    assert document["cost_usd"] == pytest.approx((440 * 2 + 660 * 1 + 110 * 10) / 1e6)
    assert 0 < document["seconds"]["model"] <= document["seconds"]["wall"]
    assert document["judge"] == {"backend": "cage", "model": "Parrot", "method": "sampled", "calibration": None}
    # Two malformed answers and one refused end in a seat that fails; two malformed verdicts in a judge that fails.
    assert document["failures"] == {
        "judge_failed": 1, "malformed": 4, "refused": 1, "rule_failed": 1, "seat_failed": 1, "words_refused": 1,
    }  # fmt: skip


def test_without_a_price_the_cost_is_unknown_and_without_calls_nothing(ledger: Ledger) -> None:
    assert run_document(ledger, ledger.find("talk"))["cost_usd"] is None
    plain = run_document(ledger, ledger.find("plain"))
    assert (plain["cost_usd"], plain["judge"], plain["calls"]["total"]) == (0, None, 0)
    assert plain["seconds"]["model"] == 0


def test_a_fork_names_its_parent_and_its_new_seat(ledger: Ledger) -> None:
    child, plain = ledger.find("child"), ledger.find("plain")
    document = run_document(ledger, child)
    assert (document["parent"], document["fork_round"]) == (plain.id, 2)
    assert document["seats"][0]["model"] == "Parrot"
    assert document["calls"]["asked"] == 2


def test_a_run_cut_short_has_no_outcome(ledger: Ledger) -> None:
    document = run_document(ledger, ledger.find("short"), seats=False)
    assert set(document) == KEYS - {"seats"}
    assert (document["status"], document["reason"], document["outcome"], document["rounds"]) == (
        "finished",
        "rounds",
        None,
        2,
    )


def test_a_damaged_row_is_told(ledger: Ledger) -> None:
    row = ledger.find("talk").model_copy(update={"limits": "{"})
    with pytest.raises(DamageFound, match="cannot be read"):
        run_document(ledger, row)


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [([], 0), ([(0, 2)], 2), ([(0, 2), (1, 3)], 3), ([(5, 6), (0, 2), (1, 1.5)], 3), ([(0, 10), (2, 3), (9, 12)], 12)],
)
def test_busy_seconds_are_the_union(spans: list[tuple[float, float]], seconds: float) -> None:
    assert busy_seconds(a_call(began, ended) for began, ended in spans) == seconds


def test_costs() -> None:
    price = {"m": Price(prompt=3, completion=5)}
    assert cost_usd([a_call(0, 1, prompt=10, cached=4, out=2)], price) == pytest.approx(40e-6)
    assert cost_usd([a_call(0, 1, prompt=10, model="other")], price) is None
    assert cost_usd([a_call(0, 1, model="other")], price) == 0
    assert cost_usd([a_call(0, 1, prompt=10, kind="llama", model="f" * 64)], {}) == 0


def test_states_are_the_fold_round_by_round(ledger: Ledger) -> None:
    held = recorded(ledger, ledger.find("plain"))
    found = states(held.events)
    assert [one["round"] for one in found] == [0, 1, 2, 3, 4]
    assert (found[0]["from"], found[0]["to"]) == ("2023-07-01", "2023-07-01")
    assert (found[1]["from"], found[1]["to"]) == ("2023-07-01", "2023-09-30")
    assert found[0]["values"]["alpha"]["cap"] == 1
    assert "case_1" not in found[1]["values"]
    assert found[-1]["values"]["case_1"]["stage"] == "end"
    for one in found:
        assert one["values"] == fold(event for event in held.events if event.round <= one["round"]).values


def test_with_the_law_derived_variables_stand_among_them(ledger: Ledger) -> None:
    held = recorded(ledger, ledger.find("plain"))
    alpha = states(held.events, held.played.law)[-1]["values"]["alpha"]
    assert alpha["pace"] == pytest.approx(alpha["cap"] / alpha["money"])


def test_what_a_fork_sets_belongs_to_the_last_round_it_kept(ledger: Ledger) -> None:
    child, plain = (states(recorded(ledger, ledger.find(name)).events) for name in ("child", "plain"))
    assert child[1]["values"] == plain[1]["values"]
    assert plain[2]["values"]["alpha"]["money"] != 300
    assert child[2]["values"]["alpha"]["money"] == 300
