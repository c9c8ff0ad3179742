"""Draws docs/screen.svg, the picture of the live screen in the README.

    python docs/make_screenshot.py

Plays the first round of `takeoff` and stops within the second, on answers written below (no model is asked,
nothing is stored), with a clock of its own: the same picture each time, until the scenario or the screen changes.
"""

import asyncio
import io
import json
import re
from pathlib import Path

from rich.console import Console

from orchestrator.cli.screen import LiveScreen
from orchestrator.cli.watching import Watching
from orchestrator.core import rules
from orchestrator.core.call import Answer, Call, Reply, Usage
from orchestrator.core.design import Design, JudgePlay
from orchestrator.core.events import SeatPlay
from orchestrator.core.prompts import Prompter
from orchestrator.core.state import fold
from orchestrator.core.value import canonical, digest
from orchestrator.ledger.rows import RunRow
from orchestrator.library import load_scenario
from orchestrator.runtime.recorded import Played, law_of
from orchestrator.runtime.round import Table, play_round

HERE = Path(__file__).parent
COLUMNS = 84
SHOT = 9
"""Answers of the second round before the picture is taken."""

# Seat -> its moves in order of preference: (action, what it says about it).
PLANS = {
    "bytedance_exec": [
        ("start_articles", "We would rather fill the empty hours ourselves than wait for somebody to do it."),
        ("employ_editors", "Readers forgive us a dull item, and never an embarrassing one."),
    ],
    "medallion_risk_team": [("rehearse_playbook", ""), ("tighten_limits", "")],
    "openai_alignment_lead": [
        ("publish_evaluations", "We publish our tests, because a danger that only we can measure persuades nobody."),
        ("recruit_specialists", ""),
    ],
    "doj_antitrust": [
        ("investigate_google", "We ask whoever ranks its own services beside others to show us how."),
        ("interview_vendors", "We begin with the people who lose their customers to it."),
    ],
    "european_commission": [
        ("request_data", "We ask for evidence first; an order without it falls at its first hearing."),
        ("hire_experts", "Nobody in our house can read a ranking system yet."),
    ],
    "market_regulator": [
        ("require_disclosure", "We cannot supervise a market by its rumours."),
        ("read_reports", ""),
    ],
}  # fmt: skip


class Taken(Exception):
    """The picture is taken; nothing more needs to be played."""


class Cast:
    """Answers every call from the plans, one at a time, and moves the clock by what a small model would take."""

    def __init__(self) -> None:
        self.now = 0.0
        self.screen: LiveScreen | None = None
        self.console: Console | None = None
        self._one = asyncio.Lock()
        self._answers: dict[int, int] = {}
        self._asked: list[str] = []

    async def __call__(self, call: Call) -> Reply:
        assert self.screen is not None
        assert self.console is not None
        round_, seat, kind, _ = call.place
        self.screen.asking(call)
        await asyncio.sleep(0)  # as with a real backend, all seats have asked before the first is answered
        async with self._one:
            self.now += 3.4
            count = self._answers[round_] = self._answers.get(round_, 0) + 1
            if round_ == 2 and count == SHOT:
                self.console.print(self.screen.running(), end="")
            if round_ == 2 and count >= SHOT:
                raise Taken
            reply = Reply(text=json.dumps(self._verdict(seat) if kind == "judge" else self._move(call, seat)))
            self.screen.answered(call, Answer(reply=reply, usage=self._usage(call, reply)), reused=False)
            return reply

    def _move(self, call: Call, seat: str) -> dict[str, object]:
        if call.shape.json_schema is None:
            raise SystemExit(f"the line of {seat} was refused (orchestrator/core/speech.py says why): write another")
        fields = call.shape.json_schema["properties"]
        open_ = fields["action"]["enum"]
        action, line = next(((a, line) for a, line in PLANS[seat] if a in open_), (open_[0], ""))
        rest = {name: field.get("enum", [""])[0] for name, field in fields.items()}
        return {**rest, "reason": "", "action": action, "statement": line}

    def _verdict(self, seat: str) -> dict[str, object]:
        rating = 3 + len(seat) % 3
        names = ("resources", "incentive", "information", "timing", "authority", "plausibility")
        return {"reason": "It can do this and has cause to.", **dict.fromkeys(names, rating)}

    def _usage(self, call: Call, reply: Reply) -> Usage:
        """Tokens at four characters each; what an earlier prompt began with comes from the cache."""
        text = "".join(message.content for message in call.messages)
        known = max((_shared(text, earlier) for earlier in self._asked), default=0)
        self._asked.append(text)
        return Usage(prompt=len(text) // 4, cached=known // 4, completion=len(reply.text) // 4)


def _shared(one: str, two: str) -> int:
    """Length of what both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


async def play(console: Console) -> None:
    data = load_scenario("takeoff", HERE.parent).design_data
    law, prompts = law_of(canonical(data))
    cast = SeatPlay(by="model", backend_kind="llama", model="cast", model_label="a scripted cast", style="compose")
    judge = JudgePlay(plays=(cast.model_copy(update={"model": "judge", "model_label": "a scripted judge"}),))
    seats = {seat: cast if seat in PLANS else SeatPlay(by="policy") for seat in law.scenario.seats}
    design = Design(data=digest(canonical(data)), seed=1, seats=seats, judge=judge)
    row = RunRow(
        id="0123456789abc", name="demo", scenario="takeoff", seed=1, design=digest(design.text()), rules_version=1,
        engine="", created_at="2026-01-01T00:00:00.000000Z", updated_at="2026-01-01T00:00:00.000000Z",
    )  # fmt: skip
    ask = Cast()
    watching = Watching(clock=lambda: ask.now, slots={("llama", "judge"): 1})
    ask.screen, ask.console = LiveScreen(console, watching, live=False), console
    table = Table(law, Prompter(law, prompts, 1), seats, judge, ask.screen.event)
    state = fold(rules.open_run(law, 1, design.hash(), {}))
    ask.screen.begins(row, Played(design, law, prompts), state)
    try:
        for round_ in (1, 2):
            ask.screen.round_begins(round_, state)
            events = await play_round(table, state, ask)
            before, state = state, fold(events, state)
            ask.screen.round_over(events, before, state)
    except Taken:
        return
    raise SystemExit("the second round ended before the picture was taken: lower SHOT")


def picture(console: Console) -> str:
    """The console's record as SVG, without web fonts: whatever monospaced font the reader has."""
    svg = console.export_svg(title="orchestrate run --scenario takeoff", unique_id="orchestrate")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=COLUMNS, height=50, record=True,
        markup=False, emoji=False, highlight=False,
    )  # fmt: skip
    asyncio.run(play(console))
    (HERE / "screen.svg").write_text(picture(console), "utf-8")


if __name__ == "__main__":
    main()
