"""Runs through a real SQLite store: a design of the bench, a backend that answers by rule, and an onlooker."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.backends.protocol import Abilities
from orchestrator.core.call import Answer, Call, Usage
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import AnyEvent, SeatPlay
from orchestrator.core.state import RunState
from orchestrator.core.value import canonical, digest
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.library.design import packed
from orchestrator.runtime import run
from orchestrator.runtime.ask import Stop
from orchestrator.runtime.recorded import Played, law_of
from tests.support.asking import VERDICT, Answering, reply_of
from tests.support.prompting import COMPOSE, POLICY, PROMPTS
from tests.support.worlds import SECRET, persona, world

BOTH = ["ann", "bob"]
ACTIONS: dict[str, Any] = {
    "buy": {
        "label": "Buy chips", "purpose": "more of them", "by": BOTH, "costs": {"self.money": "5"}, "chance": "0.7",
        "move": {"compute": {"from": "fab", "to": "self", "amount": "2"}}, "repeat": True,
        "stem": "We have bought, because",
    },
    "hit": {
        "label": "Attack {target}", "purpose": "harm", "by": BOTH, "target": {"kind": "firm"}, "repeat": True,
        "scale": {"target.x": "0.9"}, "says": "{target} is hit and has {target.x:.1f} left.",
    },
}  # fmt: skip
RULES: dict[str, Any] = {
    "grow": {"for": "firm", "every": "week", "add": {"self.cap": "numbers.band"}},
    "busy": {"for": "firm", "becomes": "self.cap > 25", "set": {"self.phase": "busy"}, "says": "{self} is busy.",
             "starts": {"case": {"who": "self"}}},
    "luck": {"every": "month", "chance": "0.5", "add": {"alpha.x": "1"}, "says": "Alpha is lucky."},
    "note": {"on": "01-20", "tells": {"to": "ann", "report": "sign", "says": "an odd sign", "lag": {"days": 20}}},
}  # fmt: skip
CASE: dict[str, Any] = {
    "label": "the case of {who}", "roles": {"who": "firm"},
    "stages": [{"id": "open", "lasts": {"days": {"low": 9, "mode": 20, "high": 60}}, "says": "{self} opens.",
                "outcomes": {"lost": {"chance": "0.5", "add": {"who.money": "-10"}}, "won": {}}}],
}  # fmt: skip
GAME = world(actions=ACTIONS, rules=RULES, processes={"case": CASE}, clock={"rounds": 4})
POLICIES = {
    "ann": persona("ann", {"do": "buy"}, {"do": "hit"}, private=[{"fact": SECRET, "source": "M1"}]),
    "bob": persona("bob", {"do": "buy", "weight": 2}, {"do": "hit"}),
}


class Nobody:
    """Looks on and keeps the kinds of what it saw."""

    def __init__(self) -> None:
        self.reused: list[str] = []
        self.rounds: list[int] = []

    def begins(self, row: RunRow, played: Played, state: RunState) -> None: ...

    def round_begins(self, round_: int, state: RunState) -> None: ...

    def event(self, event: AnyEvent) -> None: ...

    def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None:
        self.rounds.append(after.round)

    def asking(self, call: Call) -> None: ...

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None:
        self.reused += [call.key] if reused else []


class Rule:
    """A backend of kind `script`, model `m`: the answer is a function of the call; `asked` keeps the keys."""

    def __init__(self, answering: Callable[[Call], Answering] | None = None, *, delay: float = 0.0) -> None:
        self.answering, self.delay = answering or by_kind, delay
        self.asked: list[str] = []
        self.kind, self.model = "script", "m"
        self.abilities = Abilities(concurrency=8)

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...

    async def answer(self, call: Call) -> Answer:
        self.asked.append(call.key)
        await asyncio.sleep(self.delay)
        reply = reply_of(self.answering(call))
        return Answer(reply=reply, usage=Usage(prompt=10, completion=2), served_by="rule")


def by_kind(call: Call) -> Answering:
    """A legal answer that depends on the call's seed."""
    _, _, kind, _ = call.place
    if kind == "judge":
        return {**VERDICT, "plausibility": 1 + call.seed % 5}
    if kind == "speak":
        return f"our workshop number {call.seed % 12} asked us for it."
    target = "beta" if "/ann/" in call.key else "alpha"
    action = "buy" if call.seed % 3 else f"hit {target}"
    return {"reason": f"reason {call.seed}", "action": action, "statement": ""}


def design_of(
    data: Mapping[str, Any] = GAME,
    *,
    seats: Mapping[str, SeatPlay] | None = None,
    judge: bool = True,
    seed: int = 1,
    sets: Mapping[str, Any] | None = None,
    policies: Mapping[str, Mapping[str, Any]] = POLICIES,
) -> tuple[Design, Any, Played]:
    """The design, its stored data and its law: Ann by model, Bob on policy, unless said otherwise."""
    held, wrong = packed(data, policies, PROMPTS)
    assert not wrong
    text = canonical(held)
    law, prompts = law_of(text)
    plays = {"ann": COMPOSE, "bob": POLICY, **(seats or {})}
    panel = JudgePlay(plays=(COMPOSE,)) if judge else None
    design = Design(data=digest(text), seed=seed, seats=plays, judge=panel, sets=dict(sets or {}))
    return design, held, Played(design, law, prompts)


def store(folder: Path) -> Ledger:
    return Ledger.open(str(folder / "runs.db"))


def begin(ledger: Ledger, limits: run.Limits | None = None, rounds: int | None = None, **more: Any) -> RunRow:
    """A new run of the bench."""
    design, data, played = design_of(**more)
    return run.begin(
        ledger, design, canonical(data), played,
        name=None, rounds=rounds, limits=limits or run.Limits(), backends={},
    )  # fmt: skip


def play(
    ledger: Ledger,
    row: RunRow,
    backend: Rule | None = None,
    stop: Stop | None = None,
    onlooker: run.Onlooker | None = None,
) -> RunRow:
    """Plays a stored run on."""
    backends = {} if backend is None else {("script", "m"): ("rule", backend)}

    async def go() -> RunRow:
        return await run.play(ledger, row.id, backends, stop or Stop(), onlooker or Nobody())

    return asyncio.run(go())


def bodies(ledger: Ledger, row: RunRow) -> list[str]:
    return [event.body for event in ledger.events(row.id)]
