"""Who answered what: told where members differ, give reasons or fail, and nowhere else."""

from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.views.votes import ballots
from tests.support.votes import DATA, PEOPLE
from tests.support.worlds import law_of

BASE: dict[str, Any] = {"round": 1, "to": "2023-01-20", "cause": Cause("rule", "sail")}
ASKED = ev.QuestionAsked(**BASE, n=1, question="sail", place="sail", seats=("crew",), about="the ship may sail")


def given(number: int, answer: str, why: str = "", style: str = "policy") -> AnyEvent:
    more: dict[str, Any] = {"seat": "crew", "member": f"crew_{number}", "n": 1, "question": "sail"}
    if not answer:
        return ev.AnswerFailed(**BASE, **more, why=why)
    return ev.AnswerGiven.model_validate({**BASE, **more, "answer": answer, "why": why, "style": style})


def told(*answers: AnyEvent) -> list[str]:
    return [text for _, _, text in ballots(law_of(DATA, PEOPLE), [ASKED, *answers])]


def test_what_the_count_tells_already_is_not_told_again() -> None:
    assert told(given(1, "yes"), given(2, "yes"), given(3, "yes")) == []


def test_members_who_say_the_same_stand_together() -> None:
    assert told(given(1, "yes"), given(2, "no", "my.nerve > 2"), given(3, "yes")) == [
        "asked whether the ship may sail, sailor 1 and sailor 3: yes; sailor 2: no (my.nerve \\> 2)"
    ]


def test_a_model_s_reason_stands_in_quotes_and_a_failure_is_named() -> None:
    answers = (given(1, "yes", "*Fair* wind.", "compose"), given(2, "", "no JSON"), given(3, "no", "", "choose"))
    assert told(*answers) == [
        "asked whether the ship may sail, sailor 1: yes, “\\*Fair\\* wind.”; "
        "sailor 2: no usable answer (no JSON); sailor 3: no"
    ]


def test_it_is_told_of_those_who_were_asked_on_its_date() -> None:
    (found,) = ballots(law_of(DATA, PEOPLE), [ASKED, given(1, "no"), given(2, "yes"), given(3, "yes")])
    assert found[:2] == (("crew",), "2023-01-20")
