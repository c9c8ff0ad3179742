"""The chronicle: complete, in order, secrets apart, nothing a model wrote taken for markup."""

import re
from typing import Any

import pytest

from orchestrator.core import events as ev
from orchestrator.ledger.store import Ledger
from orchestrator.runtime.recorded import recorded
from orchestrator.views.chapters import score
from orchestrator.views.projections import run_document
from orchestrator.views.story import story


def told(ledger: Ledger, name: str, **changed: Any) -> str:
    held = recorded(ledger, ledger.find(name))
    document = {**run_document(ledger, held.row), **changed}
    return story(held.played.law, held.played.design, held.events, document)


def chapter(text: str, heading: str) -> str:
    """From one heading of the second level to the next."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return next(part for part in parts if part.startswith(f"## {heading}"))


@pytest.mark.parametrize("name", ["talk", "plain", "child", "short"])
def test_no_blank_section_and_no_id(ledger: Ledger, name: str) -> None:
    text = told(ledger, name)
    assert not re.search(r"^#+ [^\n]*\n+(?=#|\Z)", re.sub(r"^# [^\n]*\n", "", text), re.MULTILINE)
    body = text.split("## Appendix")[0]
    for hidden in ("seat_a", "seat_b", "case_1", "alpha.", "boom", "numbers."):
        assert hidden not in body, hidden


def test_every_public_sentence_stands_in_its_chapter_and_in_order(ledger: Ledger) -> None:
    held = recorded(ledger, ledger.find("plain"))
    text = " ".join(told(ledger, "plain").split())
    for number in range(1, 5):
        public = [
            event.text for event in held.events if event.round == number and event.text and event.audience is None
        ]
        found = " ".join(chapter(told(ledger, "plain"), f"Round {number}").split())
        places = [
            found.find(sentence[:1].upper() + sentence[1:])
            for sentence in public
            if not sentence.startswith("Time is up")
        ]
        assert -1 not in places
        assert places == sorted(places)
    assert "**30 June 2024.** Time is up, and Alpha stands at" in text


def test_a_line_stands_beneath_its_move_and_its_score_in_small_type(ledger: Ledger) -> None:
    first = " ".join(chapter(told(ledger, "talk"), "Round 1").split())
    move = first.index("Alpha buys compute; its cash falls from 100 to 70.")
    line = first.index("> **Head of Alpha:** “We have bought compute because our model \\*needs\\* it soon.”")
    small = first.index(
        "<sub>Plausibility 4.0 of 5 (uncalibrated; judged by the seat's own model): It can pay for it.</sub>"
    )
    assert move < line < small < first.index("Beta buys compute")


def test_secrets_are_told_behind_the_curtain_only(ledger: Ledger) -> None:
    second = chapter(told(ledger, "talk"), "Round 2")
    open_, _, secret = second.partition("### Behind the curtain")
    for text in ("A friend saw Alpha", "Something stirs"):
        assert text not in open_
        assert text in secret
    assert "**Only Head of Beta:**\n\n- 10 December: **(warning)** A friend saw" in secret
    assert "**Nobody at the table:**\n\n- 31 December: Something stirs in the dark." in secret
    third = chapter(told(ledger, "talk"), "Round 3")
    assert third.index("### Behind") < third.index("Beta listens at the door.")
    assert "Cash of Beta: 20 → 10" in third


def test_failures_are_told(ledger: Ledger) -> None:
    text = told(ledger, "talk")
    assert "Head of Alpha gave no usable answer and passes (the answer was refused)." in text
    assert "*Head of Alpha waits and watches.*\n\n<sub>Head of Alpha: the judge gave no verdict" in text
    assert "<sub>Its words were left out (too short; no whole sentence; not in the first person)" in text
    appendix = chapter(text, "Appendix")
    assert re.search(r"\| The judge +\| verdicts that never came +\| +1 \|", appendix)
    assert re.search(r"\| Head of Alpha \(Parrot\) +\| turns passed for want of an answer +\| +1 \|", appendix)
    assert "- the rule of nought: ZeroDivisionError" in appendix


def test_a_refused_move_is_told_with_its_reason(ledger: Ledger) -> None:
    held = recorded(ledger, ledger.find("plain"))
    first = next(event for event in held.events if isinstance(event, ev.ActionTaken) and event.action == "buy")
    common = first.model_dump(include={"round", "from_", "to", "cause"})
    refused = ev.ActionRefused(
        **common,
        seat=first.seat,
        n=1,
        action="buy",
        why="it costs 30 money and 2 are left",
        audience=(first.seat,),
        text="We chose",
    )
    events = [refused if event is first else event for event in held.events]
    text = story(held.played.law, held.played.design, events, run_document(ledger, held.row))
    assert f"{held.played.law.labels[first.seat].capitalize()[:7]}" in text
    assert "meant to buy compute, and the rules refused it: it costs 30 money and 2 are left." in " ".join(text.split())
    assert "moves the rules refused" in text


def test_figures_that_do_not_move_are_left_out(ledger: Ledger) -> None:
    text = told(ledger, "plain")
    assert "A figure that never moves" not in text
    assert re.search(
        r"\| Capability of Alpha \(points\) \| +1\.0 \| +\d+\.\d \| +\+\d+\.\d \|", chapter(text, "Round 1")
    )


def test_who_plays_and_who_judges(ledger: Ledger) -> None:
    text = told(ledger, "talk")
    assert re.search(r"\| Head of Alpha \| Win the race +\| Parrot \(cage\) \|", text)
    assert "Head of Beta follows its persona's own rules" in text
    assert "**This judge is uncalibrated**" in " ".join(text.split())
    assert "No model was asked" in told(ledger, "plain")
    assert "judge" not in told(ledger, "plain").split("## Round 1")[0].lower()


def test_a_judge_at_chance_shows_no_number(ledger: Ledger) -> None:
    held = recorded(ledger, ledger.find("talk"))
    judge = {"backend": "cage", "model": "Parrot", "method": "sampled", "calibration": {"verdict": "chance"}}
    assert "no better than chance" in " ".join(told(ledger, "talk", judge=judge).split())
    given = next(event for event in held.events if isinstance(event, ev.VerdictGiven))
    shown = score(given.model_copy(update={"calibration": "chance"}))
    assert "4.0" not in shown
    assert "no better than chance" in shown


def test_a_fork_says_where_it_parts_and_what_it_changed(ledger: Ledger) -> None:
    text = told(ledger, "child")
    assert text.index("## Round 2") < text.index("*Here this run parts from its parent:*") < text.index("## Round 3")
    assert "- Head of Alpha is now played by Parrot" in text
    assert "- Alpha's cash at the start is set to 300" in text


def test_an_unfinished_run_and_what_was_set_by_hand(ledger: Ledger) -> None:
    text = told(ledger, "short")
    assert "- how fast capability drifts: 4" in chapter(text, "Before the beginning")
    assert "cut short after 2 rounds" in chapter(text, "Here the record stops")
    assert "resume" in chapter(told(ledger, "short", status="paused"), "Here the record stops")


def test_no_control_reaches_the_text(ledger: Ledger) -> None:
    text = told(ledger, "talk")
    assert "“Compute decides.”" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert "<b>" not in text
