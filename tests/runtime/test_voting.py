"""Votes answered by models: each member's call, what a bad answer does, and the tape, the cache and replay."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core import rules
from orchestrator.core.answering import Question
from orchestrator.core.call import Call, Reply
from orchestrator.core.events import SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Keys
from orchestrator.core.state import RunState, fold
from orchestrator.errors import BudgetExhausted, RunPaused
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.runtime import run
from orchestrator.runtime.ask import Stop
from orchestrator.runtime.recorded import recorded
from orchestrator.runtime.replay import check, replay
from orchestrator.runtime.voting import answer
from tests.support.asking import Answering, Script, menu_reply
from tests.support.games import Nobody, Rule, bodies, play, store
from tests.support.prompting import CHOOSE, COMPOSE, POLICY, PROMPTS
from tests.support.votes import DATA, PEOPLE, ballots, voting
from tests.support.worlds import SECRET, begun, law_of, of_kind, opened


def asked(play_: SeatPlay, *answers: Answering) -> tuple[list[Any], Script, RunState, Law]:
    """The first member's answer to the first question, given by a model that answers so in turn."""
    law = law_of(DATA, PEOPLE)
    state = opened(law, begun(law))
    state = fold(rules.pass_time(law, state), state)
    question: Question = rules.pending(law, state)[0]
    script = Script(dict(zip((f"r1/crew_1/vote/{n}" for n in (1, 2, 3, 4)), answers, strict=False)))
    keys = Keys(1, question.member)
    events = asyncio.run(answer(law, Prompter(law, PROMPTS, state.seed), state, play_, question, keys, script))
    return events, script, state, law


def yes(reason: str = "The wind is fair.") -> Answering:
    return {"reason": reason, "answer": "yes"}


# --- one answer ---------------------------------------------------------------------------------------------


def test_a_composed_answer_is_an_event_with_its_reason() -> None:
    events, script, _, _ = asked(COMPOSE, yes())
    (given,) = events
    assert (given.kind, given.member, given.seat, given.answer) == ("answer_given", "crew_1", "crew", "yes")
    assert (given.why, given.style, given.cause.id, given.to) == (
        "The wind is fair.", "compose", "r1/crew_1/vote/1", "2023-01-20",
    )  # fmt: skip
    assert given.audience == ("crew_1",)
    assert given.text == "Asked whether the ship may sail with 10, we answered yes. Our reason: The wind is fair."
    assert script.keys == ["r1/crew_1/vote/1"]


def test_the_prompt_holds_what_the_member_may_know_and_ends_with_the_question() -> None:
    _, script, state, law = asked(COMPOSE, yes())
    text = script.asked[0].messages[1].content
    question = text[text.index("## A question") :]
    assert "The crew are asked whether the ship may sail with 10." in question
    assert "one no is enough to refuse" in question
    assert "You are sailor 1; each answers alone" in question
    assert f"your nerve: {state.draws['crew_1']['nerve']:.1f}" in text
    assert "## The world on 20 January 2023" in text
    assert SECRET not in text
    assert f"your nerve: {state.draws['crew_2']['nerve']:.1f}" not in text
    assert law.labels["crew_1"] == "sailor 1"


def test_all_members_share_everything_before_their_desks() -> None:
    law = law_of(DATA, PEOPLE)
    state = opened(law, begun(law))
    state = fold(rules.pass_time(law, state), state)
    prompter, script = Prompter(law, PROMPTS, 1), Script(lambda call: yes())
    for question in rules.pending(law, state):
        asyncio.run(answer(law, prompter, state, COMPOSE, question, Keys(1, question.member), script))
    before = {call.messages[1].content.partition("## Your seat")[0] for call in script.asked}
    assert len(before) == 1
    assert len({call.fingerprint for call in script.asked}) == 3


def test_a_malformed_answer_is_asked_again_with_the_error() -> None:
    events, script, _, _ = asked(COMPOSE, "no object", {"reason": "r", "answer": "maybe"}, yes())
    assert [(event.kind, getattr(event, "what", "")) for event in events] == [
        ("answer_degraded", "malformed"), ("answer_degraded", "off_menu"), ("answer_given", ""),
    ]  # fmt: skip
    assert script.keys == [f"r1/crew_1/vote/{number}" for number in (1, 2, 3)]
    assert '"answer" should be "yes" or "no"' in script.asked[2].messages[-1].content
    assert {event.call for event in of_kind(events, "answer_degraded")} == {"vote"}


@pytest.mark.parametrize("bad", ["no object", Reply(text="", outcome="refused")])
def test_an_answer_that_fails_at_the_limit_is_an_event_of_its_own(bad: Answering) -> None:
    events, script, _, _ = asked(COMPOSE, bad, bad, bad)
    assert [event.kind for event in events] == ["answer_degraded"] * 3 + ["answer_failed"]
    assert (events[-1].member, events[-1].cause.id) == ("crew_1", "r1/crew_1/vote/3")
    assert len(script.asked) == 3


def test_a_chosen_answer_takes_the_first_token_times_the_lines_of_the_persona() -> None:
    events, script, state, _ = asked(CHOOSE, menu_reply("no", {"no": 0.8, "yes": 0.1}))
    (given,) = events
    tilt = 4 if state.draws["crew_1"]["nerve"] > 2 else 1
    chances = dict(given.menu)
    assert chances["yes"] == pytest.approx(0.1 * tilt / (0.1 * tilt + 0.8))
    assert given.mass == pytest.approx(0.9)
    assert set(script.asked[0].shape.choices) == {"yes", "no"}
    assert script.asked[0].sampling.max_tokens == 1


def test_a_chosen_answer_without_probabilities_is_read_as_written() -> None:
    (given,) = asked(CHOOSE, "Yes.")[0]
    assert dict(given.menu)["yes"] == 1
    events, script, _, _ = asked(CHOOSE, "Aye")
    assert [event.kind for event in events] == ["answer_degraded", "answer_failed"]
    assert events[0].what == "off_menu"
    assert len(script.asked) == 1


# --- runs ---------------------------------------------------------------------------------------------------


def failing(times: int) -> Callable[[Call], Answering]:
    """The same, and the first sailor fails so many times in each round."""

    def answering(call: Call) -> Answering:
        _, member, kind, number = call.place
        return "nothing" if kind == "vote" and member == "crew_1" and number <= times else ballots(call)

    return answering


def events_of(ledger: Ledger, row: RunRow) -> list[Any]:
    return list(recorded(ledger, ledger.run(row.id)).events)


def test_a_run_with_votes_is_played_verified_and_replayed(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        backend = Rule(ballots)
        row = play(ledger, voting(ledger), backend)
        assert row.status == "finished"
        votes = [call for call in ledger.calls(row.id) if call.kind == "vote"]
        # 20 January once, each month's storm: three sailors; the seat of Ann answers by policy.
        assert sorted(call.key for call in votes) == sorted(
            [f"r1/crew_{n}/vote/{k}" for n in (1, 2, 3) for k in (1, 2)]
            + [f"r{r}/crew_{n}/vote/1" for n in (1, 2, 3) for r in (2, 3)]
        )
        assert {call.seat for call in votes} == {"crew_1", "crew_2", "crew_3"}
        assert len(of_kind(events_of(ledger, row), "question_decided")) == 4
        held = recorded(ledger, ledger.run(row.id))
        assert list(asyncio.run(replay(ledger, held)).events) == list(held.events)
        found = asyncio.run(check(ledger, row.id))
        assert (found.ok, found.rederived) == (True, True)


def test_a_failed_vote_stands_in_the_record_and_decides_nothing(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, voting(ledger), Rule(failing(3)))
        events = events_of(ledger, row)
        failed = of_kind(events, "answer_failed")
        assert {event.member for event in failed} == {"crew_1"}
        first = of_kind(events, "question_decided")[0]
        assert (first.failed, first.yes + first.no) == (1, 2)
        assert first.decision == ("no" if first.no else "neither")
        assert asyncio.run(check(ledger, row.id)).ok


def test_a_stop_amid_votes_loses_none_that_was_answered(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        whole = play(ledger, voting(ledger), Rule(ballots))
        row = voting(ledger)
        backend, stop = Rule(ballots), Stop()

        class Stopping(Nobody):
            def answered(self, call: Call, answer: Any, *, reused: bool) -> None:
                if call.key == "r1/crew_2/vote/2":
                    stop.now(RunPaused("enough"))

        with pytest.raises(RunPaused):
            play(ledger, row, backend, stop, Stopping())
        kept = {call.key for call in ledger.calls(row.id)}
        assert "r1/crew_2/vote/2" in kept
        again = Rule(ballots)
        done = play(ledger, row, again)
        assert done.last_hash == whole.last_hash
        assert not kept & set(again.asked)


def test_a_budget_ends_amid_votes_and_resumes(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        whole = play(ledger, voting(ledger), Rule(ballots))
        row = voting(ledger, limits=run.Limits(max_calls=4))
        with pytest.raises(BudgetExhausted):
            play(ledger, row, Rule(ballots))
        assert ledger.run(row.id).status == "paused"
        ledger.update_run(row.id, limits='{"backends":{},"max_calls":null,"max_tokens":null}').result()
        assert play(ledger, row, Rule(ballots)).last_hash == whole.last_hash


def test_the_order_of_arrival_changes_nothing(tmp_path: Path) -> None:
    class Slow(Rule):
        async def answer(self, call: Call) -> Any:
            await asyncio.sleep(0.03 if "crew_1" in call.key else 0)
            return await super().answer(call)

    with store(tmp_path) as ledger:
        one = play(ledger, voting(ledger), Rule(failing(1)))
        two = play(ledger, voting(ledger), Slow(failing(1)))
        assert one.last_hash == two.last_hash


def test_a_fork_puts_a_group_on_a_model_and_keeps_what_it_does_not_touch(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        parent = play(ledger, voting(ledger, seats={"ann": POLICY, "crew": POLICY}))
        held = recorded(ledger, ledger.run(parent.id))
        row = run.fork(ledger, held, 1, seats={"crew": COMPOSE}, sets={}, rounds=None, name=None, backends={})
        backend = Rule(ballots)
        done = play(ledger, row, backend)
        assert {key.split("/")[0] for key in backend.asked} == {"r2", "r3"}
        kept = sum(event.round <= 1 for event in held.events)
        assert bodies(ledger, done)[:kept] == bodies(ledger, parent)[:kept]
        assert asyncio.run(check(ledger, done.id)).ok


def test_a_fork_reuses_the_votes_that_are_asked_the_same(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        parent = play(ledger, voting(ledger), Rule(ballots))
        held = recorded(ledger, ledger.run(parent.id))
        row = run.fork(ledger, held, 1, seats={}, sets={"beta.secret": 5}, rounds=None, name=None, backends={})
        looker, backend = Nobody(), Rule(ballots)
        play(ledger, row, backend, onlooker=looker)
        assert backend.asked == []
        assert len(looker.reused) == 6
