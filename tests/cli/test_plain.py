"""The plain lines: whole and stable for a game on policy, harmless whatever a model writes; and who gets the screen."""

import io
import os
import subprocess
import sys
from typing import Any

import pytest

from orchestrator.cli import telling
from orchestrator.cli.plain import Plain, onlooker
from orchestrator.cli.watching import Spent, Watching
from orchestrator.core import events as ev
from orchestrator.core.call import Call
from orchestrator.core.events import AnyEvent
from orchestrator.core.state import RunState
from tests.cli.playing import JUDGE, MODEL, Answers, Clock, composed, law_with, play, verdict

GAME = """\
A small game: run 0123456789abc, seed 1, 3 rounds
  Alpha's lead, Beta: rules of their own

Round 1 of 3, 1 July to 30 September 2023
  Alpha's lead: Buy chips for Alpha
  Beta: Watch Alpha
  Beta: without success
  1 July 2023: Alpha buys; its money falls from 100 to 70.
  1 July 2023: (only Beta) Beta chose to watch Alpha, without success.
  Power of Alpha: 1.0 -> 3.5 points (+2.5)

Round 2 of 3, 1 October to 31 December 2023
  Alpha's lead: Buy chips for Alpha
  Beta: Watch Alpha
  Beta: without success
  1 October 2023: Alpha buys; its money falls from 70 to 40.
  1 October 2023: (only Beta) Beta chose to watch Alpha, without success.
  31 October 2023: BELL (only Beta): Alpha stands at 4.5.
  Power of Alpha: 3.5 -> 6.0 points (+2.5)

Round 3 of 3, 1 January to 31 March 2024
  Alpha's lead: Buy chips for Alpha
  Beta: Watch Alpha
  Beta: without success
  1 January 2024: Alpha buys; its money falls from 40 to 10.
  1 January 2024: (only Beta) Beta chose to watch Alpha, without success.
  31 March 2024: Time is up at 8.5.
  Power of Alpha: 6.0 -> 8.5 points (+2.5)

The run ends: Nobody wins
"""


def saying(text: str) -> Answers:
    """Every call gets this text."""

    def answer(call: Call) -> str:
        return text

    return answer


def told(**more: Any) -> str:
    out = io.StringIO()
    with Plain(out, Watching(clock=more.get("clock") or Clock())) as look:
        play(look, **more)
    return out.getvalue()


def test_a_game_on_policy_is_told_whole_and_the_same_each_time() -> None:
    assert told() == GAME
    assert told() == GAME


def answers(call: Call) -> str:
    return verdict() if call.place[2] == "judge" else composed()


def test_a_judged_move_comes_with_its_words_its_score_and_what_it_used() -> None:
    text = told(alpha=MODEL, judge=JUDGE, answers=answers, rounds=1, clock=Clock())
    assert "  Alpha's lead: “We need them.”\n" in text
    score = "plausibility 4.0 of 5 (uncalibrated; judge a model, the seat's own model): It has cause."
    assert f"  Alpha's lead: {score}\n" in text
    assert "  round 1 took 4 s · 2 calls · 2,000 prompt tokens (90 % cached) · 100 generated\n" in text


def test_what_a_backend_could_not_give_is_told() -> None:
    text = told(alpha=MODEL, judge=JUDGE, answers=saying("no JSON at all"), rounds=1)
    assert text.count("decide answer malformed") == 1
    assert text.count("repair answer malformed") == 2
    assert "  Alpha's lead: no usable answer: " in text


def test_hostile_text_comes_out_as_text() -> None:
    hostile = "We [/bold] \x1b[31mred\x1b]0;title\x07\x9b2J\u202e are here\r\n\tnow " + "x" * 100
    text = told(alpha=MODEL, answers=saying(composed(statement=hostile)), labels={"beta": "[red]Be\x1bta"}, rounds=1)
    assert "[red]Be" in text
    assert not [sign for sign in text if sign != "\n" and not sign.isprintable()]


def test_a_round_that_was_not_finished_is_said_to_be_so() -> None:
    def broken(_: Call) -> str:
        raise KeyboardInterrupt

    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Plain(out, Watching(clock=Clock())) as look:
        play(look, alpha=MODEL, answers=broken)
    assert out.getvalue().endswith("round 1 was not finished; the answers so far are kept\n")


def test_events_of_a_whole_round_shown_again_are_told_once() -> None:
    """As a replay does: every event of the round passes by, what the rules made of the moves among them."""

    class Replayed(Plain):
        def round_over(self, events: list[AnyEvent], before: RunState, after: RunState) -> None:
            for event in events:
                if not isinstance(event, ev.MoveChosen):  # these passed by when they were made
                    self.event(event)
            super().round_over(events, before, after)

    out = io.StringIO()
    play(Replayed(out, Watching(clock=Clock())))
    assert out.getvalue() == GAME


@pytest.mark.parametrize(("seats", "readers"), [(("beta",), ("Beta",)), (("beta", "alpha"), None)])
def test_a_bell_that_every_seat_hears_is_public(seats: tuple[str, ...], readers: tuple[str, ...] | None) -> None:
    rung = ev.ReportArrived(
        round=1, from_="2023-07-02", to="2023-07-02", cause=ev.Cause(kind="rule", id="sign"), text="It rings.",
        audience=seats, report="sign", seats=seats, value=1, bell=True,
    )  # fmt: skip
    assert telling.told(law_with(), [rung]) == [telling.Entry("2023-07-02", "It rings.", readers, "bell")]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "quiet", "term", "kind"),
    [
        (Tty(), False, "xterm-256color", "LiveScreen"),
        (Tty(), True, "xterm-256color", "Plain"),
        (Tty(), False, "dumb", "Plain"),
        (io.StringIO(), False, "xterm-256color", "Plain"),
    ],
)
def test_who_gets_the_live_screen(
    out: io.StringIO, *, quiet: bool, term: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert type(onlooker(out=out, quiet=quiet)).__name__ == kind


def test_plain_lines_do_not_load_rich() -> None:
    code = (
        "import sys, io; from orchestrator.cli.plain import onlooker;"
        "onlooker(out=io.StringIO(), quiet=False); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False).returncode == 0


def test_what_earlier_sessions_used_is_counted_on() -> None:
    assert (
        Spent(2, 1, 3000, 1500, 40).words() == "2 calls · 1 reused · 3,000 prompt tokens (50 % cached) · 40 generated"
    )
    assert Spent(5, 1, 9, 9, 9).since(Spent(4, 1, 0, 9, 9)).words() == "1 call · 9 prompt tokens (0 % cached)"
    assert Spent().words() == ""
