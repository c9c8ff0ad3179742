"""The state is a fold: of the events as they are, and as they are stored."""

import json

from orchestrator.core.events import event_from
from orchestrator.core.state import fold
from orchestrator.core.value import canonical
from tests.support.worlds import law_of, persona, play_policy, world

BAND = {"low": 9, "mode": 20, "high": 40}
BUSY = world(
    actions={
        "buy": {"label": "Buy", "purpose": "p", "by": ["ann", "bob"], "costs": {"self.money": "5"}, "chance": "0.7",
                "move": {"compute": {"from": "fab", "to": "self", "amount": "2.5"}}},
    },
    rules={
        "grow": {"for": "firm", "every": "week", "scale": {"self.x": "1.1"}, "add": {"self.cap": "numbers.band"}},
        "turn": {"for": "firm", "becomes": "self.cap > 25", "set": {"self.phase": "busy"}, "says": "{self} is busy",
                 "starts": {"case": {"who": "self"}}},
        "note": {"on": "01-20", "tells": {"to": "ann", "report": "sign", "says": "x", "lag": {"days": 20}}},
        "first": {"once": True, "add": {"alpha.money": "-1"}},
        "odd": {"add": {"alpha.x": "log(0)"}},
    },
    processes={"case": {"roles": {"who": "firm"}, "stages": [{"id": "one", "lasts": {"days": BAND}}]}},
)  # fmt: skip
LAW = law_of(BUSY, {seat: persona(seat, {"do": "buy"}) for seat in ("ann", "bob")})


def test_stored_events_fold_to_the_same_state() -> None:
    for seed in range(8):
        events, state = play_policy(LAW, seed)
        assert {"action_taken", "stage_entered", "rule_failed", "report_arrived"} <= {event.kind for event in events}
        bodies = [event.body() for event in events]
        again = [event_from(body) for body in bodies]
        assert fold(again) == fold(events) == state
        assert [event.body() for event in again] == bodies


def test_a_body_is_canonical_and_names_its_kind() -> None:
    events, _ = play_policy(LAW)
    for event in events:
        data = json.loads(event.body())
        assert canonical(data) == event.body()
        assert data["kind"] == event.kind
        assert data.get("from", data["to"]) <= data["to"]


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    one, two, other = (play_policy(LAW, seed)[0] for seed in (1, 1, 2))
    assert [event.body() for event in one] == [event.body() for event in two]
    assert [event.body() for event in one] != [event.body() for event in other]


def test_numbers_in_events_have_twelve_digits_at_most() -> None:
    events, _ = play_policy(LAW)
    for event in events:
        for change in event.changes:
            if isinstance(change.value, float):
                assert float(f"{change.value:.12g}") == change.value
