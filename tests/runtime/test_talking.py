"""Talks in whole runs: asked before the decisions, on the tape, replayed, muted by a fork."""

import asyncio
from pathlib import Path
from typing import Any

from orchestrator.core.call import Call
from orchestrator.core.design import Design
from orchestrator.core.events import AnyEvent, event_from
from orchestrator.core.value import canonical
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.runtime import run
from orchestrator.runtime.recorded import Played, recorded
from orchestrator.runtime.replay import check, replay
from tests.support.asking import Answering
from tests.support.games import ACTIONS, CASE, POLICIES, RULES, Nobody, Rule, by_kind, design_of, play, store
from tests.support.prompting import POLICY
from tests.support.worlds import of_kind, persona, world

DATA = world(
    actions=ACTIONS, rules=RULES, processes={"case": CASE}, clock={"rounds": 3}, talks={"words": 20},
    promises={"rounds": 2},
)  # fmt: skip
PEOPLE = {
    **POLICIES,
    "bob": {**POLICIES["bob"], "talk": [{"to": "ann", "says": "We have {beta.chips:.0f} days left and want a truce."}]},
}


def talkative(call: Call) -> Answering:
    """Writes to Bob in the first turn of each round, to nobody in the second, and promises with every move."""
    _, _, kind, n = call.place
    if kind == "talk":
        return {"to": ["bob"] if n == 1 else [], "message": f"We could stop, in month {call.place[0]}, all of it."}
    answer = by_kind(call)
    if kind == "decide" and isinstance(answer, dict):
        return {**answer, "promise": "will buy", "promise_rounds": 1, "promise_to": "bob"}
    return answer


def begin(ledger: Ledger, talk: int = 2, **more: Any) -> RunRow:
    design, data, played = design_of(DATA, policies=PEOPLE, **more)
    design = design.model_copy(update={"talk": talk})
    played = Played(design, played.law, played.prompts)
    return run.begin(ledger, design, canonical(data), played, name=None, rounds=None, limits=run.Limits(), backends={})


def events_of(ledger: Ledger, row: RunRow) -> list[AnyEvent]:
    return [event_from(held.body) for held in ledger.events(row.id)]


def test_every_seat_writes_before_anyone_decides(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        backend = Rule(talkative)
        row = play(ledger, begin(ledger), backend)
        first = [key for key in backend.asked if key.startswith("r1/")]
        assert first[:2] == ["r1/ann/talk/1", "r1/ann/talk/2"]
        assert first[2] == "r1/ann/decide/1"
        events = events_of(ledger, row)
        opening = [event.kind for event in events if event.round == 1]
        assert opening[:4] == ["round_started", "message_sent", "message_sent", "move_chosen"]
        assert {event.seat for event in of_kind(events, "message_sent")} == {"ann", "bob"}
        decide = next(record for record in ledger.calls(row.id) if record.key == "r1/ann/decide/1")
        call, _ = ledger.call_record(row.id, decide.key)
        body = call.messages[1].content
        assert "From Bob: <words" in body
        assert "want a truce" in body


def test_promises_come_with_composed_moves_and_are_kept_or_broken_by_what_was_done(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule(talkative))
        events = events_of(ledger, row)
        made = of_kind(events, "promise_made")
        assert [event.promise for event in made] == ["r1/ann/1", "r2/ann/1"], "in the last round nothing is left"
        assert all(event.audience == ("ann", "bob") for event in made)
        taken = of_kind(events, "action_taken")
        bought = {event.round for event in taken if (event.seat, event.action) == ("ann", "buy")}
        expected = ["promise_kept" if round_ in bought else "promise_broken" for round_ in (2, 3)]
        assert [event.kind for event in of_kind(events, "promise_kept", "promise_broken")] == expected


def test_a_promise_off_the_list_is_recorded_and_the_move_stands(tmp_path: Path) -> None:
    def boastful(call: Call) -> Answering:
        answer = talkative(call)
        return {**answer, "promise": "will win"} if call.place[2] == "decide" and isinstance(answer, dict) else answer

    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule(boastful))
        events = events_of(ledger, row)
        assert of_kind(events, "promise_made") == []
        flaws = [event for event in of_kind(events, "answer_degraded") if event.what == "off_menu"]
        assert {event.round for event in flaws} == {1, 2}
        assert of_kind(events, "seat_failed") == []


def test_a_run_with_talks_resumes_replays_and_verifies(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule(talkative))
        again = asyncio.run(replay(ledger, recorded(ledger, row)))
        assert [event.body() for event in again.events] == [event.body() for event in events_of(ledger, row)]
        assert asyncio.run(check(ledger, row.id)).ok


def test_a_run_without_talks_has_the_design_it_always_had() -> None:
    plain, _, _ = design_of(DATA, policies=PEOPLE)
    assert '"talk"' not in plain.text()
    talking = plain.model_copy(update={"talk": 1})
    assert talking.hash() != plain.hash()
    assert Design.model_validate_json(talking.text()) == talking


def test_a_fork_mutes_a_seat_and_says_so(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        parent = play(ledger, begin(ledger), Rule(talkative))
        held = recorded(ledger, parent)
        child = run.fork(ledger, held, 1, seats={}, sets={}, mutes=("ann",), rounds=None, name=None, backends={})
        backend, looker = Rule(talkative), Nobody()
        row = play(ledger, child, backend, onlooker=looker)
        events = events_of(ledger, row)
        (forked,) = of_kind(events, "run_forked")
        assert forked.mutes == ("ann",)
        assert recorded(ledger, row).played.design.forks[-1].mutes == ("ann",)
        later = [event for event in of_kind(events, "message_sent", "promise_made") if event.round > 1]
        assert later
        assert {event.seat for event in later} == {"bob"}
        assert not any("/ann/talk/" in key for key in backend.asked)
        assert asyncio.run(check(ledger, row.id)).ok


def test_a_fork_changes_the_enforcement_of_an_agreement_alone(tmp_path: Path) -> None:
    pact = {
        "label": "the pact", "says": "no attacks", "parties": {"kind": "firm"}, "enforced": "declared",
        "clauses": {"peace": {"forbids": "hit"}}, "lasts": {"months": 6},
    }  # fmt: skip
    data = {**DATA, "agreements": {"pact": pact}, "clock": {**DATA["clock"], "rounds": 5}}
    lines = [{"do": "offer_pact", "weight": 900}, {"do": "sign_pact", "weight": 900}, {"do": "hit"}]
    people = {"ann": persona("ann", *lines), "bob": persona("bob", *lines)}
    with store(tmp_path) as ledger:
        design, stored, played = design_of(data, policies=people, seats={"ann": POLICY})
        text = canonical(stored)
        row = run.begin(ledger, design, text, played, name=None, rounds=None, limits=run.Limits(), backends={})
        parent = play(ledger, row)
        held = recorded(ledger, parent)
        entered = of_kind(events_of(ledger, parent), "stage_entered")
        at = next(event.round for event in entered if event.stage == "in_force")
        child = run.fork(
            ledger, held, at, seats={}, sets={"pact_agreement.enforced": "binding"}, rounds=None, name=None, backends={}
        )
        forked = play(ledger, child)
        assert held.state.values["pact_party_1"]["breaches"] + held.state.values["pact_party_2"]["breaches"] > 0
        after = recorded(ledger, forked).state
        assert after.values["pact_party_1"]["breaches"] == after.values["pact_party_2"]["breaches"] == 0
        assert after.values["pact_agreement"]["enforced"] == "binding"
