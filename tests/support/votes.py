"""A small game with votes: a crew of three is asked on 20 January and, with Ann, at the end of each month."""

from typing import Any

from orchestrator.core.call import Call
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from tests.support.asking import Answering
from tests.support.games import begin, by_kind
from tests.support.prompting import COMPOSE, POLICY
from tests.support.worlds import SECRET, persona, world

SAYS = "the ship may sail with {alpha.cap:.0f}"
DATA = world(
    clock={"rounds": 3},
    seats={"crew": {"label": "the crew", "plays": "alpha", "members": 3, "member": "sailor"}},
    rules={
        "sign": {"every": "month", "tells": {"to": "crew", "report": "odd", "says": "Something odd at {value}.",
                                             "value": "alpha.cap"}},
        "sail": {"on": "01-20", "asks": {"seats": "crew", "question": SAYS, "decides": "unanimous",
                                         "yes": {"set": {"alpha.phase": "busy"}}, "no": {"add": {"alpha.x": "1"}}}},
        "storm": {"every": "month", "asks": {"seats": ["crew", "ann"], "question": "It storms. Stay?",
                                             "decides": "majority", "yes": {"add": {"alpha.x": "10"}}}},
        "grow": {"every": "month", "add": {"alpha.cap": "1"}},
    },
)  # fmt: skip
CREW = persona(
    "crew", {"asked": "sail", "when": "my.nerve > 2", "do": "yes", "weight": 3},
    draws={"nerve": {"low": 1, "mode": 2, "high": 4, "label": "your nerve"}},
)  # fmt: skip
PEOPLE = {"ann": persona("ann", private=[{"fact": SECRET, "source": "M1"}]), "bob": persona("bob"), "crew": CREW}


def voting(ledger: Ledger, **more: Any) -> RunRow:
    """A new run of it: the crew's answers are asked of a model, all else is on policy, unless said otherwise."""
    given: dict[str, Any] = {
        "data": DATA,
        "policies": PEOPLE,
        "judge": False,
        "seats": {"ann": POLICY, "crew": COMPOSE},
    }
    return begin(ledger, **{**given, **more})


def ballots(call: Call) -> Answering:
    """Yes or no by the call's seed; what is no vote as everywhere."""
    if call.place[2] != "vote":
        return by_kind(call)
    return {"reason": f"reason {call.seed}", "answer": "yes" if call.seed % 3 else "no"}
