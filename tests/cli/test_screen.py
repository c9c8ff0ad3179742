"""The live screen: what it shows at every width, that text stays text, and that it leaves the terminal in order."""

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestrator.cli import frame
from orchestrator.cli.screen import LiveScreen
from orchestrator.cli.watching import Watching
from orchestrator.core import events as ev
from orchestrator.core.call import Answer, Call, Reply, Sampling
from orchestrator.core.events import AnyEvent
from tests.cli.playing import JUDGE, MODEL, Clock, composed, play, row_of, verdict

_SGR = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = "We [/bold][red] \x1b[31mred\x1b]0;title\x07\x9b2J\u202e 漢字漢字 now " + "x" * 150
LINES = {
    1: "We buy because nobody else does it for us, and because the winter will be long and the nights are cold.",
    2: "Our people asked for more, so more is what they get.",
}


def console(width: int, height: int = 30, **more: Any) -> Console:
    made: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False, "force_terminal": True, **more}
    return Console(file=io.StringIO(), width=width, height=height, color_system="truecolor", **made)


def written(on: Console) -> str:
    """What was written, without colours."""
    assert isinstance(on.file, io.StringIO)
    return _SGR.sub("", on.file.getvalue())


def answers(call: Call) -> str:
    return verdict() if call.place[2] == "judge" else composed(statement=LINES[call.place[0]])


def shown(width: int) -> str:
    """The finished rounds of a judged game at this width."""
    on = console(width)
    with LiveScreen(on, Watching(clock=Clock()), live=False) as look:
        play(look, alpha=MODEL, judge=JUDGE, answers=answers, rounds=2)
    return written(on)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_finished_rounds_keep_to_the_width_and_hold_everything(width: int) -> None:
    text = shown(width)
    assert max(cell_len(line) for line in text.splitlines()) < width
    flat = " ".join(text.split())
    for part in (
        "A small game", "Round 1 of 3 · 1 July to 30 September 2023", "Buy chips for Alpha", "4.0* uncal.",
        "the winter will be long",
        "1 Jul Alpha buys; its money falls from 100 to 70.",
        "(only Beta) Beta chose to watch Alpha, without success.",
        "31 Oct BELL (only Beta) Alpha stands at 4.5.", "Power of Alpha 1.0 → 3.5 points +2.5",
        "2 calls · 2,000 prompt tokens (90 % cached) · 100 generated", "uncalibrated", "the seat's own model",
    ):  # fmt: skip
        assert part in flat, part
    assert flat.count("Scores: plausibility") == 1, "the legend is printed once"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("height", [6, 30])
def test_the_running_round_keeps_to_the_window(width: int, height: int) -> None:
    on, clock = console(width, height), Clock()
    look = LiveScreen(on, Watching(clock=clock), live=False)
    frames: list[list[str]] = []

    def asked(call: Call) -> None:
        lines = look.running().lines
        frames.append(["".join(span.text for span in line) for line in lines])

    play(look, alpha=MODEL, judge=JUDGE, answers=answers, rounds=2, asked=asked, clock=clock)
    assert len(frames) == 4
    for lines in frames:
        assert len(lines) < height
        assert max(map(cell_len, lines)) < width
    deciding, judging = (" ".join(" ".join(lines).split()) for lines in frames[2:])
    assert "Round 2 of 3 · 1 October to 31 December 2023" in deciding
    if height == 30:
        assert "deciding 2 s" in deciding
        assert "about 4 s to the end of the round" in deciding
        assert "Buy chips for Alpha judging 2 s" in judging
        assert "8 s so far · about 2 s to the end of the round 3 calls" in judging


def test_calls_to_a_backend_that_takes_one_at_a_time_wait_in_line() -> None:
    clock = Clock()
    seen = Watching(clock=clock)
    play(LiveScreen(console(80), seen, live=False), rounds=1)
    first = call_of("alpha", "llama")
    seen.asking(first)
    clock.now = 5
    seen.asking(call_of("beta", "llama"))
    assert [flight.since for flight in seen.flights] == [0, None]
    seen.asking(call_of("gamma", "openai"))
    assert [flight.since for flight in seen.flights] == [0, None, 5]
    clock.now = 9
    seen.answered(first, Answer(reply=Reply(text="x")), reused=False)
    assert [(flight.seat, flight.since) for flight in seen.flights] == [("beta", 9), ("gamma", 5)]


def call_of(seat: str, kind: str) -> Call:
    return Call(
        key=f"r2/{seat}/decide/1", messages=(), sampling=Sampling(max_tokens=1), seed=1, backend_kind=kind, model="m"
    )


def test_hostile_text_is_only_text() -> None:
    """The rules keep such a line out of a game; the screen must not need them to."""
    said = ev.LineSpoken(**COMMON, seat="alpha", n=1, line=HOSTILE)
    judged = ev.VerdictGiven(
        **COMMON, seat="alpha", n=1, score=4.0, ratings={}, reason=HOSTILE, method="sampled", judge=HOSTILE
    )

    class Meddling(LiveScreen):
        def event(self, event: AnyEvent) -> None:
            for each in (event, *((said, judged) if isinstance(event, ev.MoveChosen) else ())):
                super().event(each)

    on = console(60)
    with Meddling(on, Watching(clock=Clock()), live=False) as look:
        play(look, labels={"beta": HOSTILE}, rounds=1)
        look.note(HOSTILE)
    text = written(on)
    assert "“We [/bold][red] red 漢字漢字 now" in text
    assert not [sign for sign in text if sign != "\n" and not sign.isprintable()]
    assert max(cell_len(line) for line in text.splitlines()) < 60


COMMON: dict[str, Any] = {
    "round": 1,
    "from_": "2023-07-01",
    "to": "2023-07-01",
    "cause": ev.Cause(kind="call", id="r1/alpha/decide/1"),
}


@pytest.mark.parametrize("text", [HOSTILE, "", "漢字 漢字", "漢" * 50, "a b " * 40, "e\u0301" * 60])
@pytest.mark.parametrize("width", [8, 11, 40])
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    text = "".join(sign for sign in text if sign.isprintable())
    lines = frame.wrap(text, width)
    assert all(frame.cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert frame.cells(frame.fit(text, width)) == width


def test_a_live_area_appears_only_where_a_model_is_asked() -> None:
    on = console(80)
    with LiveScreen(on) as look:
        play(look, rounds=2)
    assert "\x1b[?25l" not in written(on)
    assert "Round 2 of 3" in written(on)


def test_the_terminal_is_given_back_after_a_stop() -> None:
    def broken(call: Call) -> str:
        if call.place[2] == "judge":
            raise KeyboardInterrupt
        return answers(call)

    on = console(80)
    look = LiveScreen(on)
    with pytest.raises(KeyboardInterrupt), look:
        play(look, alpha=MODEL, judge=JUDGE, answers=broken)
    text = written(on)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
    end = text[text.rindex("\x1b[?25h") :]
    assert "Buy chips for Alpha" in end
    assert "Round 1 was not finished; the answers so far are kept." in end
    look.close()
    assert written(on) == text, "a second close does nothing"


def test_no_color_takes_the_colours_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    on = console(80)
    play(LiveScreen(on, live=False), rounds=1)
    assert isinstance(on.file, io.StringIO)
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", on.file.getvalue()) for code in found.split(";")}
    assert codes <= {"0", "1", "2", "3"}
    assert written(on) == shown_policy()


def shown_policy() -> str:
    on = console(80)
    play(LiveScreen(on, live=False), rounds=1)
    return written(on)


def test_a_terminal_without_utf8_gets_signs_that_it_has() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    look = LiveScreen(Console(file=out, width=80, force_terminal=True), live=False)
    play(look, alpha=MODEL, answers=answers, rounds=1)
    out.flush()
    text = raw.getvalue().decode("ascii")
    assert "1.0 > 3.5" in _SGR.sub("", text)
    assert "-- A small game" in _SGR.sub("", text)


def test_a_resumed_run_counts_its_earlier_seconds() -> None:
    clock = Clock()
    seen = Watching(clock=clock)
    play(LiveScreen(console(80), seen, live=False), rounds=1)
    seen.row = row_of(wall_s=100.0)
    clock.now = 7
    assert seen.played_s() == 107
