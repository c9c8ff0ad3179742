"""Conditions that can never hold, told from ranges, names, numbers and the calendar alone."""

import pytest

from orchestrator.core.exprtypes import NUM, Type
from orchestrator.core.possible import Span, never, span_of_text
from tests.support.worlds import law_of, world

LAW = law_of(
    world(
        relations={
            "trust": {"of": ["firm", "firm"], "range": [0, 10]},
            "rank": {"of": ["firm", "firm"], "enum": ["a", "b"]},
        },
        interventions={"k": {"label": "k", "sets": "numbers.k", "range": [0, 6]}},
        kinds={"firm": {"phase": {"enum": ["idle", "busy", "over"]}}},
    )
)
SCOPE = {"self": Type("ref", kind="firm"), "target": Type("ref", kind="firm"), "n": NUM}

POSSIBLE = [
    "self.cap > 49", "self.cap >= 50", "self.cap <= 0", "self.x > 1e9", "self.twice > 1000", "not self.open",
    "self.phase == 'idle' or self.phase == 'busy'", "self.phase >= 'busy' and self.phase <= 'busy'",
    "self.cap > 5 and self.cap < 6", "self.cap > 5 and target.cap < 3", "self.owner.cap > 49", "numbers.band >= 4",
    "numbers.k > 5", "clock.month == 12", "clock.round >= 3", "trust[self, target] >= 10", "rank[self, target] == 'b'",
    "self.cap - target.cap >= 50", "self.cap * 2 > 99", "min(self.cap, self.x) < 3", "count(f for f in firm) > 1",
    "abs(self.x) > 3", "exp(self.x) > 1", "was(self.cap) > 40 and self.cap < 10", "n == 3", "self.owner == beta",
    "self.cap == 5 and self.money == 7", "clamp(self.x, 2, 4) >= 4", "10 < self.cap < 20",
    "(1 if self.open else 2) > 1",
    "self.x > 1 and self.x < 0 or self.open", "true", "self.open", "self.cap != 5 and self.cap == 6",
    "this is no expression",
]  # fmt: skip


@pytest.mark.parametrize("text", POSSIBLE)
def test_what_may_hold_is_left_alone(text: str) -> None:
    assert never(LAW, [text], SCOPE) is None


IMPOSSIBLE = {
    "self.cap > 50": "`self.cap > 50` never holds: self.cap lies from 0 to 50",
    "60 <= self.cap": "`60 <= self.cap` never holds: self.cap lies from 0 to 50",
    "self.cap < 0": "`self.cap < 0` never holds: self.cap lies from 0 to 50",
    "self.cap == 51": "`self.cap == 51` never holds",
    "self.owner.cap > 50": "self.owner.cap lies from 0 to 50",
    "alpha.cap > 50": "alpha.cap lies from 0 to 50",
    "self.cap > 30 and self.cap < 20": "`self.cap < 20` contradicts `self.cap > 30`",
    "self.cap > 30 and 30 >= self.cap": "`30 >= self.cap` contradicts `self.cap > 30`",
    "self.x > 5 and self.x == 5": "`self.x == 5` contradicts `self.x > 5`",
    "self.x < 5 and self.x >= 5": "`self.x >= 5` contradicts `self.x < 5`",
    "self.phase == 'idle' and self.phase == 'busy'": "`self.phase == 'busy'` contradicts `self.phase == 'idle'`",
    "self.phase > 'over'": "`self.phase > 'over'` never holds",
    "'idle' > self.phase": "`'idle' > self.phase` never holds",
    "self.phase != 'idle' and self.phase < 'busy'": "contradicts `self.phase != 'idle'`",
    "self.open and not self.open": "`not self.open` contradicts `self.open`",
    "numbers.band > 4": "numbers.band lies from 1 to 4",
    "numbers.k > 6": "numbers.k lies from 0 to 6",
    "clock.month > 12": "clock.month lies from 1 to 12",
    "clock.round > clock.rounds": "clock.round lies from 0 to 3",
    "clock.rounds == 5": "clock.rounds is 3",
    "trust[self, target] > 10": "trust[self, target] lies from 0 to 10",
    "rank[self, target] == 'a' and rank[self, target] == 'b'": "contradicts",
    "self.cap + target.cap > 100": "self.cap + target.cap lies from 0 to 100",
    "self.cap - target.cap > 50": "self.cap - target.cap lies from -50 to 50",
    "-self.cap > 0": "-self.cap lies from -50 to 0",
    "self.cap * 2 > 100": "self.cap * 2 lies from 0 to 100",
    "max(self.cap, 7) < 7": "max(self.cap, 7) lies from 7 to 50",
    "count(f for f in firm) < 0": "is at least 0",
    "clamp(self.x, 2, 4) > 4": "lies from 2 to 4",
    "10 < self.cap < 5": "contradicts `10 < self.cap`",
    "(1 if self.open else 2) > 2": "lies from 1 to 2",
    "self.cap > 60 or self.cap < -1": "`self.cap > 60` never holds",
    "false": "it is never true",
    "1 > 2": "never holds",
}


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_what_can_never_hold_is_told_with_its_reason(text: str) -> None:
    assert IMPOSSIBLE[text] in (never(LAW, [text], SCOPE) or "")


def test_several_conditions_are_taken_together() -> None:
    assert never(LAW, ["self.cap > 30", "target.cap < 20"], SCOPE) is None
    assert "contradicts `self.cap > 30`" in (never(LAW, ["self.cap > 30", "self.cap < 20"], SCOPE) or "")


def test_spans_are_cut_and_joined() -> None:
    assert span_of_text(LAW, "self.cap * -1 + 3", SCOPE) == Span(-47, 3)
    assert span_of_text(LAW, "self.x * 0", SCOPE) == Span()
    assert Span(0, 5).cut(">", 5).empty
    assert Span(0, 5).cut("==", 5) == Span(5, 5)
    assert not Span(0, 5).cut(">=", 5).empty
    assert Span(0, 5).cut("<", 9) == Span(0, 5)
