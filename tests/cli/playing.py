"""A small game for the tests of the screen and the plain lines: two seats, a bell, a private number, an ending."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.core import rules
from orchestrator.core.call import Answer, Call, Reply, Usage
from orchestrator.core.compile import compile_law
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.prompts import PROMPTS, Prompter
from orchestrator.core.scenario import Persona, Scenario
from orchestrator.core.state import fold
from orchestrator.ledger.rows import RunRow
from orchestrator.runtime.recorded import Played
from orchestrator.runtime.round import Table, play_round
from orchestrator.runtime.run import Onlooker

DATA: dict[str, Any] = {
    "scenario": "small", "title": "A small game", "about": "Two laboratories buy.",
    "clock": {"start": "2023-07-01", "rounds": 3, "ends": "over"},
    "sources": {"M1": "x"},
    "kinds": {"lab": {"money": {"start": 100, "range": [0, 1000]}, "power": {"start": 1, "range": [0, 50]}}},
    "entities": {"a": {"kind": "lab", "label": "Alpha"}, "b": {"kind": "lab", "label": "Beta"}},
    "indicators": {
        "power": {"label": "power of Alpha", "is": "a.power", "unit": "points", "digits": 1},
        "purse": {"label": "Beta's purse", "is": "b.money", "digits": 0, "visible_to": ["beta"]},
        "still": {"label": "never moves", "is": "7", "digits": 0},
    },
    "rules": {
        "grow": {"for": "lab", "every": "quarter", "add": {"self.power": "1.5"}, "source": "M1"},
        "sign": {"becomes": "a.power > 3", "source": "M1",
                 "tells": {"to": "beta", "report": "sign", "says": "Alpha stands at {value:.1f}.", "value": "a.power",
                           "bell": True}},
    },
    "actions": {
        "buy": {"label": "Buy chips for {self}", "purpose": "more power", "by": ["lab"], "repeat": True,
                "costs": {"self.money": 30}, "add": {"self.power": "1"}, "source": "M1", "stem": "We bought, because",
                "says": "{self} buys; its money falls from {before(self.money):.0f} to {self.money:.0f}."},
        "spy": {"label": "Watch {target}", "purpose": "know more", "by": ["lab"], "target": {"kind": "lab"},
                "visibility": "self", "repeat": True, "source": "M1", "chance": "0"},
    },
    "seats": {"alpha": {"label": "Alpha's lead", "plays": "a", "by": "model"}, "beta": {"label": "Beta", "plays": "b"}},
    "endings": {"over": {"label": "Nobody wins", "says": "Time is up at {a.power:.1f}.", "source": "M1"}},
}  # fmt: skip
PERSONAS = {
    "alpha": {"seat": "alpha", "organisation": "Alpha", "goals": ["grow"], "prose": "You.", "policy": [{"do": "buy"}]},
    "beta": {"seat": "beta", "organisation": "Beta", "goals": ["see"], "prose": "You.", "policy": [{"do": "spy"}]},
}
TEMPLATES = {str(name): "A question." for name in PROMPTS}
MODEL = SeatPlay(by="model", backend_kind="llama", model="m", model_label="a model", style="compose")
POLICY = SeatPlay(by="policy")
JUDGE = JudgePlay(plays=(MODEL,))


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def law_with(**labels: str) -> Law:
    """The small game's law; labels of seats may be given others."""
    seats = {seat: {**held, "label": labels.get(seat, held["label"])} for seat, held in DATA["seats"].items()}
    scenario = Scenario.model_validate({**DATA, "seats": seats})
    compiled = compile_law(scenario, {seat: Persona.model_validate(held) for seat, held in PERSONAS.items()})
    assert compiled.law is not None, compiled.problems
    return compiled.law


def row_of(**more: Any) -> RunRow:
    when = "2026-01-01T00:00:00.000000Z"
    common: dict[str, Any] = {"scenario": "small", "seed": 1, "design": "0" * 64, "rules_version": 1, "engine": ""}
    return RunRow(id="0123456789abc", created_at=when, updated_at=when, **common, **more)


def composed(**more: Any) -> str:
    return json.dumps({"reason": "", "action": "buy", "statement": "We need them.", **more})


def verdict(rating: int = 4) -> str:
    names = ("resources", "incentive", "information", "timing", "authority", "plausibility")
    return json.dumps({"reason": "It has cause.", **dict.fromkeys(names, rating)})


Answers = Callable[[Call], str]


def play(
    look: Onlooker,
    *,
    alpha: SeatPlay = POLICY,
    judge: JudgePlay | None = None,
    answers: Answers | None = None,
    labels: Mapping[str, str] | None = None,
    rounds: int = 3,
    asked: Callable[[Call], None] | None = None,
    clock: Clock | None = None,
) -> None:
    """Plays the small game before an onlooker, as `runtime.run` would; `asked` is called while a call is under way."""
    law = law_with(**(labels or {}))
    seats = {"alpha": alpha, "beta": POLICY}
    design = Design(data="0" * 64, seed=1, seats=seats, judge=judge)

    async def ask(call: Call) -> Reply:
        assert answers is not None
        look.asking(call)
        await asyncio.sleep(0)
        if clock is not None:
            clock.now += 2
        if asked is not None:
            asked(call)
        answer = Answer(reply=Reply(text=answers(call)), usage=Usage(prompt=1000, cached=900, completion=50))
        look.answered(call, answer, reused=False)
        return answer.reply

    async def all_rounds() -> None:
        table = Table(law, Prompter(law, TEMPLATES, 1), seats, judge, look.event)
        state = fold(rules.open_run(law, 1, "0" * 64, {}))
        look.begins(row_of(), Played(design, law, TEMPLATES), state)
        for round_ in range(1, rounds + 1):
            look.round_begins(round_, state)
            events = await play_round(table, state, ask)
            before, state = state, fold(events, state)
            look.round_over(events, before, state)

    asyncio.run(all_rounds())
