"""Runs to look at: a small scenario on disk, played on policy or by a model that answers by rote.

`desk` writes the scenario `duel` (two laboratories, a court case, a secret report) into a folder; `played`
plays it there into `runs/orchestrate.db`.
"""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.backends.protocol import Abilities, Backend
from orchestrator.core.call import Answer, Call, Reply, Usage
from orchestrator.core.compile import compile_law
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import AnyEvent, SeatPlay
from orchestrator.core.state import RunState
from orchestrator.core.value import digest
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.library import load_scenario
from orchestrator.runtime import run as runtime
from orchestrator.runtime.ask import Stop
from orchestrator.runtime.recorded import Played, recorded

ROOT = Path(__file__).parents[2]

DUEL = """\
scenario: duel
title: A duel of laboratories
about: Two laboratories race, and a court may have its say.
clock: {start: "2023-07-01", step: quarter, rounds: 4, ends: out}
sources: {M1: growth, M2: the court, M3: nobody cites this, C1: an ending, P1: a rumour}
kinds:
  lab:
    money: {start: 100, range: [0, 1000], unit: m usd, label: cash}
    cap: {start: 1, range: [0, 50], label: capability}
    pace: {is: "self.cap / self.money", label: pace}
    secret: {start: 3, visible_to: hidden}
    phase: {enum: [idle, busy], start: idle}
    compute: {ledger: compute, start: 10}
entities:
  alpha: {kind: lab, label: Alpha}
  beta: {kind: lab, label: Beta, money: 50}
ledgers: {compute: {sources: [fab]}}
numbers:
  k: {low: 1, mode: 2, high: 3, label: drift of capability, source: assumed, why: nothing is known of it, band: [0, 5]}
indicators:
  cap_a: {label: capability of Alpha, is: alpha.cap, unit: points}
  flat: {label: a figure that never moves, is: "7"}
  cash_b: {label: cash of Beta, is: beta.money, digits: 0, visible_to: [seat_b]}
rules:
  grow: {for: lab, every: month, add: {self.cap: "numbers.k * 0.5"}, source: M1}
  boom:
    for: lab
    becomes: "self.cap > 4"
    source: M1
    says: "{self}'s capability passes {self.cap:.1f}."
    emits: {boomed: {who: self}}
    starts: {case: {plaintiff: seat_a, defendant: self}}
  follow:
    upon: boomed
    source: P1
    tells:
      to: seat_b
      report: sign
      says: "A friend saw {event.who} at {value:.0f}."
      value: event.who.cap
      lag: {days: 10}
      bell: true
  whisper: {every: year, says: "Something stirs in the dark.", audience: hidden}
  broken: {label: the rule of nought, on: "08-01", add: {alpha.cap: "1 / (alpha.compute - alpha.compute)"}}
processes:
  case:
    source: M2
    label: the case against {defendant}
    roles: {plaintiff: seat, defendant: lab}
    holds: {demand: {start: 2}}
    stages:
      - {id: open, lasts: {months: 2}, says: "A case opens against {defendant}."}
      - id: ruled
        after: [open]
        lasts: {days: {low: 5, mode: 6, high: 9}}
        outcomes:
          guilty: {chance: "0.5", says: "The court finds against {defendant}.", add: {defendant.money: -10}}
          free: {says: "The court lets {defendant} go.", source: M2}
actions:
  buy:
    label: Buy compute
    purpose: more compute for the next model
    by: [lab]
    costs: {self.money: 30}
    move: {compute: {from: fab, to: self, amount: "5"}}
    says: "{self} buys compute; its cash falls from {before(self.money):.0f} to {self.money:.0f}."
    stem: We have bought compute, because
    repeat: true
    source: M1
  hit:
    label: Attack {target}
    purpose: to slow it
    by: [seat_a]
    target: {kind: lab}
    costs: {self.money: 5}
    chance: "0.5"
    scale: {target.cap: "0.9"}
    repeat: true
  spy:
    label: Listen at the door
    purpose: to learn more
    by: [seat_b]
    visibility: self
    says: Beta listens at the door.
    repeat: true
seats:
  seat_a: {label: head of Alpha, plays: alpha, by: model}
  seat_b: {label: head of Beta, plays: beta}
endings:
  out: {label: Out of time, says: "Time is up, and Alpha stands at {alpha.cap:.1f}.", source: C1}
interventions:
  richer: {label: Alpha's cash at the start, sets: alpha.money, range: [0, 500]}
  faster: {label: how fast capability drifts, sets: numbers.k, range: [0, 5]}
"""

PERSONAS = {
    "seat_a": """\
---
seat: seat_a
organisation: Alpha
goals: [win the race]
red_lines: [never lie to a court]
policy:
  - {do: buy, weight: 2}
  - {do: hit, weight: 1}
---
You lead Alpha.
""",
    "seat_b": """\
---
seat: seat_b
organisation: Beta
goals: [not to lose]
policy:
  - {when: "known.sign.count > 0", do: spy}
  - {when: "known.sign.count < 1", do: buy}
---
You lead Beta.
""",
}

ON_POLICY = SeatPlay(by="policy")
ROTE = SeatPlay(
    by="model", backend_kind="rote", model="parrot-1", model_label="Parrot", temperature=0.7, style="compose"
)


class Rote:
    """A backend whose answers are given by key; what is not given is a fit move and a middling verdict."""

    kind = "rote"
    model = "parrot-1"
    abilities = Abilities()

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self.answers = answers or {}

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...

    async def answer(self, call: Call) -> Answer:
        kind = call.place[2]
        if kind == "judge":
            ratings = dict.fromkeys(("resources", "incentive", "information", "timing", "authority", "plausibility"), 4)
            text = json.dumps({"reason": "It can pay for it.", **ratings})
        else:
            text = json.dumps({"reason": "Compute decides.", "action": "buy", "statement": ""})
        text = self.answers.get(call.key, text)
        outcome = "refused" if text == "REFUSED" else "ok"
        return Answer(
            reply=Reply(text=text, outcome=outcome),
            usage=Usage(prompt=100, cached=60, completion=10),
            seconds=0.001,
            served_by="parrot-1",
        )


class Nobody:
    """Looks on and does nothing."""

    def asking(self, call: Call) -> None: ...

    def answered(self, call: Call, answer: Answer, *, reused: bool) -> None: ...

    def begins(self, row: RunRow, played: Played, state: RunState) -> None: ...

    def round_begins(self, round_: int, state: RunState) -> None: ...

    def event(self, event: AnyEvent) -> None: ...

    def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None: ...


def desk(folder: Path, old: str = "", new: str = "") -> Path:
    """A working folder with the scenario `duel` (one piece exchanged), its personas and the prompts."""
    assert old in DUEL
    (folder / "scenarios" / "duel").mkdir(parents=True, exist_ok=True)
    (folder / "personas" / "duel").mkdir(parents=True, exist_ok=True)
    (folder / "scenarios" / "duel" / "scenario.yaml").write_text(DUEL.replace(old, new, 1) if old else DUEL, "utf-8")
    for seat, text in PERSONAS.items():
        (folder / "personas" / "duel" / f"{seat}.md").write_text(text, "utf-8")
    if not (folder / "prompts").exists():
        shutil.copytree(ROOT / "prompts", folder / "prompts")
    return folder


def store(folder: Path) -> Ledger:
    """The store of a working folder, made where it is missing."""
    return Ledger.open(str(folder / "runs" / "orchestrate.db"))


def played(
    ledger: Ledger,
    folder: Path,
    *,
    scenario: str = "duel",
    seed: int = 1,
    rounds: int | None = None,
    name: str | None = None,
    seats: Mapping[str, SeatPlay] | None = None,
    judged: bool = False,
    sets: Mapping[str, Any] | None = None,
    answers: Mapping[str, str] | None = None,
) -> RunRow:
    """A run that was played to its end (or `rounds`); `seats` other than on policy are answered by `Rote`."""
    loaded = load_scenario(scenario, folder)
    law = compile_law(loaded.scenario, loaded.personas).law
    assert law is not None
    plays = {**dict.fromkeys(law.scenario.seats, ON_POLICY), **(seats or {})}
    judge = JudgePlay(plays=(ROTE,)) if judged else None
    design = Design(data=digest(loaded.design_text), seed=seed, seats=plays, judge=judge, sets=dict(sets or {}))
    named = {seat: "policy" if play.by == "policy" else "cage" for seat, play in plays.items()}
    row = runtime.begin(
        ledger,
        design,
        loaded.design_text,
        Played(design, law, loaded.prompts),
        name=name,
        rounds=rounds,
        limits=runtime.Limits(),
        backends={**named, "judge": "cage"} if judged else named,
    )
    return go_on(ledger, row.id, answers)


def forked(
    ledger: Ledger,
    parent: RunRow,
    at: int,
    *,
    seats: Mapping[str, SeatPlay] | None = None,
    sets: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> RunRow:
    """A fork that was played to its end."""
    held = recorded(ledger, ledger.run(parent.id))
    named = dict.fromkeys(seats or {}, "cage")
    row = runtime.fork(
        ledger, held, at, seats=dict(seats or {}), sets=dict(sets or {}), rounds=None, name=name, backends=named
    )
    return go_on(ledger, row.id)


def go_on(ledger: Ledger, run: str, answers: Mapping[str, str] | None = None) -> RunRow:
    """Plays a stored run to its end."""
    rote: Backend = Rote(answers)
    return asyncio.run(runtime.play(ledger, run, {("rote", "parrot-1"): ("cage", rote)}, Stop(), Nobody()))


def composed(action: str, statement: str = "", reason: str = "It serves us.") -> str:
    """What a model writes in the style `compose`."""
    return json.dumps({"reason": reason, "action": action, "statement": statement})


TALK = {
    "r1/seat_a/decide/1": composed(
        "buy", "We have bought compute because our model *needs* it soon.", "Compute \x1b[2Jdecides."
    ),
    "r2/seat_a/decide/1": "no object",
    "r2/seat_a/repair/1": "still none",
    "r2/seat_a/repair/2": "REFUSED",
    "r3/seat_a/decide/1": composed("wait"),
    "r3/seat_a/judge/1": "no rating",
    "r3/seat_a/judge/2": "no rating",
    "r4/seat_a/decide/1": composed("hit beta", "<b>bad</b>"),
    "r4/seat_a/speak/1": "x",
}
"""Answers with a spoken line, a seat that fails, a wait without a verdict, and refused words."""


def gallery(folder: Path) -> dict[str, str]:
    """A working folder with four runs, by name: `talk` (a model, judged), `plain` (all on policy), `child` (its
    fork after round 2) and `short` (cut after two rounds, a number set by hand). Gives their ids."""
    desk(folder)
    with store(folder) as ledger:
        talk = played(ledger, folder, seats={"seat_a": ROTE}, judged=True, answers=TALK, name="talk")
        plain = played(ledger, folder, seed=2, name="plain")
        child = forked(ledger, plain, 2, seats={"seat_a": ROTE}, sets={"alpha.money": 300.0}, name="child")
        short = played(ledger, folder, seed=3, rounds=2, sets={"numbers.k": 4.0}, name="short")
    return {"talk": talk.id, "plain": plain.id, "child": child.id, "short": short.id}
