"""Questions: asked in words, checked at load, resolved from the state when a run is over."""

from typing import Any

import pytest

from orchestrator.core.draft import scene_of
from orchestrator.core.events import event_from
from orchestrator.core.questions import asked, last_day, resolved
from tests.support.worlds import begun, law_of, of_kind, play_policy, problems, world

RICH = {"asks": "Will Alpha hold more than 105 on {date}?", "resolves": "alpha.money > 105"}
ODD = {"asks": "What of {alpha.owner}?", "resolves": "1 / (beta.cap - 20) > 0"}
GROW = {"grow": {"every": "month", "add": {"alpha.money": 2}}}


def test_questions_are_answered_in_the_last_event() -> None:
    law = law_of(world(questions={"rich": RICH, "odd": ODD}, rules=GROW))
    events, _ = play_policy(law)
    (ended,) = of_kind(events, "run_ended")
    assert ended.answers == {"rich": True, "odd": None}
    assert event_from(ended.body()) == ended


def test_a_run_without_questions_says_nothing_of_them() -> None:
    (ended,) = of_kind(play_policy(law_of(world()))[0], "run_ended")
    assert "answers" not in ended.body()


def test_a_question_reads_as_text_and_is_answerable_at_any_time() -> None:
    law = law_of(world(questions={"rich": RICH, "odd": ODD}, rules=GROW))
    state = begun(law)
    assert last_day(law) == "2023-03-31"
    assert asked(law, law.questions[0], state, last_day(law)) == "Will Alpha hold more than 105 on 2023-03-31?"
    assert asked(law, law.questions[1], state, "x") == "What of Beta?"
    assert resolved(law, scene_of(law, state)) == {"rich": False, "odd": None}
    broken = law_of(world(questions={"odd": {"asks": "Is {1 / (alpha.cap - 10)} odd?", "resolves": "true"}}))
    assert asked(broken, broken.questions[0], state, "x") == "odd?"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({**RICH, "resolves": "alpha.mony > 1"}, "questions.q.resolves: a firm has no 'mony'; did you mean 'money'?"),
        ({**RICH, "resolves": "alpha.money"}, "questions.q.resolves: 'alpha.money' is a number, where a yes or no"),
        ({**RICH, "resolves": "date == alpha"}, "questions.q.resolves: nothing is called 'date' here"),
        ({**RICH, "asks": "Will {gamma}?"}, "questions.q.asks: nothing is called 'gamma' here"),
        ({**RICH, "asks": "Is {alpha.secret} known?"}, "reads firm.secret, which ann does not see"),
        ({**RICH, "asks": "By {date:.1f}?"}, "'date' is no number, so it takes no format"),
        ({**RICH, "source": "M9"}, "questions.q.source: 'M9' is not listed under sources"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(question: dict[str, Any], said: str) -> None:
    assert said in problems(world(questions={"q": question}))[0]
