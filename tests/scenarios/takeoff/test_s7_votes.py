"""S7, the vote and the interrupt: every senior engineer consents or training rests; any specialist's cord stops it."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core import rules
from orchestrator.core.answering import Question, policy_answer
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.state import RunState
from orchestrator.runtime.prepare import load_law
from tests.support.worlds import begun, move, of_kind, play_round

ROOT = Path(__file__).parents[3]
BOUGHT = {
    "openai.owned": True, "codex_4.funds": 300, "microsoft.compute": 2400, "numbers.tenth_gain": 0.2,
    "numbers.tendency": 0.0,
}  # fmt: skip
"""Microsoft has bought OpenAI and set money aside; the system itself does nothing of its own."""
Word = Callable[[Question], str | None]
"""What a member says: yes, no, nothing usable (an empty text), or None: as its persona has it."""


@cache
def law() -> Law:
    return load_law("takeoff", ROOT)[1]


def saying(word: Word) -> Callable[[Law, RunState], list[AnyEvent]]:
    def answer(law_: Law, state: RunState) -> list[AnyEvent]:
        made: list[AnyEvent] = []
        for question in rules.pending(law_, state):
            said = word(question)
            common: dict[str, Any] = {"round": state.round, "cause": question.held.cause, **question.common}
            if said is None:
                made.append(policy_answer(law_, state, question))
            elif said:
                made.append(ev.AnswerGiven(**common, answer="yes" if said == "yes" else "no"))
            else:
                made.append(ev.AnswerFailed(**common, why="silence"))
        return made

    return answer


def trained(word: Word, rounds: int = 3, seed: int = 1) -> tuple[list[AnyEvent], RunState]:
    """Training is begun in the first round; members say these words."""
    events, state = play_round(
        law(), begun(law(), seed, BOUGHT), [move("openai_management", "start_codex")], saying(word)
    )
    for _ in range(rounds - 1):
        happened, state = play_round(law(), state, (), saying(word))
        events += happened
    return events, state


def stages(events: Sequence[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.to, event.stage) for event in of_kind(events, "stage_entered") if "guarded" in event.instance]


def engineers(word: str, member: str = "") -> Word:
    """All engineers consent but those meant; the specialists let everything run."""

    def said(question: Question) -> str:
        if question.ask.id == "andon_cord":
            return "no"
        return word if member in ("", question.member) else "yes"

    return said


def test_every_senior_engineer_is_asked_by_itself_after_each_tenth() -> None:
    events, state = trained(engineers("yes"))
    asked = of_kind(events, "question_asked")
    answers = of_kind(events, "answer_given")
    tenths = state.values["codex_4"]["tenths"]
    assert tenths >= 4
    consents = [event for event in asked if event.place == "guarded_training.consent"]
    assert len(consents) >= tenths - 1
    for question in consents:
        own = [each.member for each in answers if (each.round, each.n) == (question.round, question.n)]
        assert own == [f"senior_engineers_{number}" for number in range(1, 6)]


def test_one_refusal_keeps_training_stopped() -> None:
    events, state = trained(engineers("no", "senior_engineers_4"))
    assert [stage for _, stage in stages(events)].count("train") == 1
    assert state.values["codex_4"]["tenths"] == 1
    assert not state.values["codex_4"]["consent"]
    said = [event.text for event in of_kind(events, "question_decided")]
    assert said[0].endswith("may resume after tenth 1: four agree, one refuses.")
    decided = {(event.round, event.n): event.decision for event in of_kind(events, "question_decided")}
    assert set(decided.values()) == {"no"}


def test_after_a_refusal_the_tenth_is_reviewed_again_and_asked_again() -> None:
    refused: list[int] = []

    def once(question: Question) -> str:
        if question.ask.id == "andon_cord":
            return "no"
        refused.append(question.held.n)
        return "no" if len(refused) == 1 else "yes"

    found = [stage for _, stage in stages(trained(once)[0])]
    at = found.index("consent")
    assert found[at : at + 4] == ["consent", "long_review", "consent", "train"]


def test_a_failed_answer_is_no_consent_and_no_refusal() -> None:
    events, state = trained(engineers("", "senior_engineers_2"), rounds=2)
    decided = of_kind(events, "question_decided")
    assert {event.decision for event in decided} == {"neither"}
    assert decided[0].text.endswith("four agree, one gives no usable answer.")
    assert state.values["codex_4"]["tenths"] == 1
    assert [stage for _, stage in stages(events)].count("long_review") == 1, "it waits, and is asked again"
    assert len(decided) > 1


def test_any_specialist_s_cord_stops_training_on_the_date_on_which_the_sign_shows() -> None:
    stopped = 0
    for member in ("safety_specialists_1", "safety_specialists_3"):
        for seed in (2, 3, 4):

            def one(question: Question, member: str = member) -> str:
                return "yes" if question.ask.id == "resume" or question.member == member else "no"

            events, _ = trained(one, rounds=4, seed=seed)
            signs = [event.to for event in of_kind(events, "report_arrived") if event.report == "oddity"]
            cords = [date for date, stage in stages(events) if stage == "stopped"]
            assert cords == signs
            stopped += len(cords)
            for event in of_kind(events, "question_decided"):
                if event.question == "andon_cord":
                    assert (event.decision, event.yes, event.no) == ("yes", 1, 3)
                    assert event.to in cords
    assert stopped >= 3


def test_nothing_is_trained_between_a_cord_and_the_consent_of_every_engineer() -> None:
    def cord_and_silence(question: Question) -> str:
        if question.ask.id == "andon_cord":
            return "yes"
        return "no" if question.ask.place == "guarded_training.stopped" else "yes"

    for seed in (2, 3, 4, 5):
        events, state = trained(cord_and_silence, rounds=5, seed=seed)
        found = [stage for _, stage in stages(events)]
        if "stopped" in found:
            assert "train" not in found[found.index("stopped") :]
            assert state.values["codex_4"]["phase"] == "halted"
            return
    raise AssertionError("no seed had an odd sample")


def test_without_a_cord_an_odd_sample_stops_nothing() -> None:
    events, _ = trained(engineers("yes"), rounds=4, seed=2)
    assert any(event.report == "oddity" for event in of_kind(events, "report_arrived"))
    assert "stopped" not in [stage for _, stage in stages(events)]


def test_a_specialist_on_policy_pulls_where_the_sample_is_odder_than_it_lets_pass() -> None:
    seen = 0
    for seed in range(1, 9):
        events, state = trained(lambda _: None, rounds=4, seed=seed)
        values = {event.to: event.value for event in of_kind(events, "report_arrived") if event.report == "oddity"}
        count = 0
        for answer in of_kind(events, "answer_given"):
            if answer.question == "andon_cord":
                value, limit = values[answer.to], state.draws[answer.member]["limit"]
                seen += 1
                if value > limit:
                    assert answer.answer == "yes"
                elif count < 3 and value <= limit - 1:
                    assert answer.answer == "no"
    assert seen >= 8


def test_a_cord_ends_what_had_only_begun_to_reach_outside() -> None:
    sets = {**BOUGHT, "numbers.tendency": 1.0, "numbers.wake": 40}

    def all_stop(question: Question) -> str:
        return "yes"

    for seed in range(1, 12):
        events, state = play_round(
            law(), begun(law(), seed, sets), [move("openai_management", "start_codex")], saying(all_stop)
        )
        for _ in range(3):
            happened, state = play_round(law(), state, (), saying(all_stop))
            events += happened
        ended = [event for event in of_kind(events, "process_ended") if event.instance.startswith("step_two")]
        cords = {date for date, stage in stages(events) if stage == "stopped"}
        if any(event.outcome == "countered" and event.to in cords for event in ended):
            return
    raise AssertionError("no cord met the chain")
