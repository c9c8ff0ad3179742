"""How votes are told while they happen: on the live screen, in plain lines, and who is asked what meanwhile."""

import io
from pathlib import Path

from rich.console import Console

from orchestrator.cli import frame
from orchestrator.cli.plain import Plain
from orchestrator.cli.screen import LiveScreen
from orchestrator.cli.watching import Watching
from orchestrator.core.call import Call
from tests.support.asking import Answering
from tests.support.games import Rule, play, store
from tests.support.prompting import POLICY
from tests.support.votes import ballots, voting


def fixed(call: Call) -> Answering:
    """The first sailor has no usable answer, the second says no, the others yes."""
    if "crew_1" in call.key:
        return "nothing"
    return {"reason": "The \x1b[31mwind is fair.", "answer": "no" if "crew_2" in call.key else "yes"}


def plain(folder: Path, rule: Rule, **more: object) -> str:
    out = io.StringIO()
    with store(folder) as ledger, Plain(out) as look:
        play(ledger, voting(ledger, rounds=1, **more), rule, onlooker=look)
    return out.getvalue()


def test_plain_lines_tell_each_model_s_answer_and_the_decision(tmp_path: Path) -> None:
    lines = plain(tmp_path, Rule(fixed)).splitlines()
    assert "  Sailor 1: no usable answer: it held no JSON object" in lines
    assert "  Sailor 2: No: The wind is fair." in lines
    assert "  Sailor 3: Yes: The wind is fair." in lines
    asked = "The crew are asked whether the ship may sail with 10: one agrees, one refuses, one gives no usable answer."
    assert f"  20 January 2023: {asked}" in lines
    assert any(line.startswith("  31 January 2023: Ann and the crew are asked “It storms. Stay?”: ") for line in lines)


def test_of_members_on_policy_only_the_decision_is_told(tmp_path: Path) -> None:
    text = plain(tmp_path, Rule(), seats={"ann": POLICY, "crew": POLICY})
    assert "Sailor" not in text
    assert "The crew are asked whether the ship may sail with 10: " in text


def test_the_live_area_shows_who_is_answering(tmp_path: Path) -> None:
    seen = Watching()
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    frames: list[str] = []

    def answering(call: Call) -> Answering:
        block = frame.running(seen, 80, 30, legend=False, note="")
        frames.append("\n".join("".join(span.text for span in line) for line in block.lines))
        return ballots(call)

    with store(tmp_path) as ledger, LiveScreen(console, seen, live=False) as look:
        play(ledger, voting(ledger, rounds=1), Rule(answering), onlooker=look)
    assert "Sailor 1" in frames[0]
    assert "answering a question" in frames[0]
    text = " ".join(console.file.getvalue().split()) if isinstance(console.file, io.StringIO) else ""
    assert "Sailor 3" in text
    assert "Yes: reason" in text, "what was answered stands in its row"
    assert "The crew are asked whether the ship may sail" in text
