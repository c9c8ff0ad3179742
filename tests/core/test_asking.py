"""Questions within a round: who is asked, how answers decide, what follows and when."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orchestrator.core import events as ev
from orchestrator.core import rules
from orchestrator.core.answering import drawn, observe_member
from orchestrator.core.asking import MOST_QUESTIONS, decided
from orchestrator.core.events import AnyEvent
from orchestrator.core.law import Law
from orchestrator.core.state import RunState, fold
from tests.support.worlds import begun, law_of, move, of_kind, opened, persona, play_round, problems, world

CREW = {"label": "the crew", "plays": "alpha", "members": 3, "member": "sailor"}
MATE = {"label": "the mate", "plays": "alpha"}
ASK: dict[str, Any] = {
    "seats": "crew", "question": "the ship may sail with {alpha.cap:.0f}", "decides": "unanimous",
    "yes": {"set": {"alpha.phase": "busy"}}, "no": {"add": {"alpha.x": "1"}, "says": "It stays in port."},
    "neither": {"add": {"alpha.x": "100"}},
}  # fmt: skip
YES, NO = {"asked": "sail", "do": "yes"}, {"asked": "sail", "do": "no"}


def ship(*policy: Mapping[str, Any], ask: Mapping[str, Any] | None = None, **sections: Any) -> Law:
    """Alpha with a crew of three that is asked at the end of the month."""
    rules_: dict[str, Any] = {"sail": {"every": "month", "asks": {**ASK, **(ask or {})}, "source": "M1"}}
    data = world(**{"seats": {"crew": CREW}, "rules": rules_, **sections})
    return law_of(data, {"crew": persona("crew", *policy, draws={"limit": {"low": 1, "mode": 2, "high": 4}})})


def answering(*words: str) -> Any:
    """Answers the members with these words in order; an empty one is an answer that failed."""

    def answer(law: Law, state: RunState) -> list[AnyEvent]:
        made: list[AnyEvent] = []
        for question, word in zip(rules.pending(law, state), words, strict=True):
            common: dict[str, Any] = {"round": state.round, "cause": question.held.cause, **question.common}
            made.append(
                ev.AnswerGiven(**common, answer="yes" if word == "yes" else "no")
                if word
                else ev.AnswerFailed(**common, why="silence")
            )
        return made

    return answer


def told(events: Sequence[AnyEvent]) -> list[str]:
    return [event.text for event in events if event.text]


def test_each_member_is_asked_and_answers_by_itself() -> None:
    law = ship(YES)
    events, state = play_round(law, begun(law))
    asked, *answers, decision = of_kind(events, "question_asked", "answer_given", "question_decided")
    assert (asked.question, asked.seats, asked.about) == ("sail", ("crew",), "the ship may sail with 10")
    assert [(each.seat, each.member, each.answer) for each in answers] == [
        ("crew", "crew_1", "yes"), ("crew", "crew_2", "yes"), ("crew", "crew_3", "yes"),
    ]  # fmt: skip
    assert {each.to for each in (asked, *answers, decision)} == {"2023-01-31"}
    assert (decision.decision, decision.yes, decision.cause.id, decision.cites) == ("yes", 3, "sail", ("M1",))
    assert state.values["alpha"]["phase"] == "busy"
    assert state.open == ()


def test_one_refusal_of_an_unanimous_consent_is_a_no() -> None:
    law = ship()
    events, state = play_round(law, begun(law), (), answering("yes", "no", "yes"))
    assert told(events)[:2] == [
        "The crew are asked whether the ship may sail with 10: two agree, one refuses.", "It stays in port.",
    ]  # fmt: skip
    assert (state.values["alpha"]["phase"], state.values["alpha"]["x"]) == ("idle", 9)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("yes", "yes", "yes"), "The crew are asked whether the ship may sail with 10: all three agree."),
        (("", "no", "yes"), "The crew are asked whether the ship may sail with 10: one agrees, one refuses, "
         "one gives no usable answer."),
        (("", "", ""), "The crew are asked whether the ship may sail with 10: all three give no usable answer."),
    ],
)  # fmt: skip
def test_the_record_counts_the_answers(words: tuple[str, ...], text: str) -> None:
    law = ship()
    assert told(play_round(law, begun(law), (), answering(*words))[0])[0] == text


def test_a_whole_question_is_told_as_one() -> None:
    law = ship(YES, ask={"question": "May we sail?", "says_yes": ["casts off", "cast off"]})
    assert told(play_round(law, begun(law))[0])[0] == "The crew are asked “May we sail?”: all three cast off."


@pytest.mark.parametrize(
    ("decides", "answers", "decision"),
    [
        ("any", (1, 2, 0), "yes"), ("any", (1, 0, 2), "yes"), ("any", (0, 3, 0), "no"), ("any", (0, 2, 1), "neither"),
        ("unanimous", (3, 0, 0), "yes"), ("unanimous", (2, 1, 0), "no"), ("unanimous", (0, 1, 2), "no"),
        ("unanimous", (2, 0, 1), "neither"), ("unanimous", (0, 0, 3), "neither"),
        ("majority", (2, 1, 0), "yes"), ("majority", (1, 2, 0), "no"), ("majority", (1, 1, 1), "neither"),
        ("majority", (2, 2, 0), "neither"), ("majority", (2, 0, 2), "neither"),
    ],
)  # fmt: skip
def test_a_failed_answer_is_neither_consent_nor_refusal(
    decides: str, answers: tuple[int, int, int], decision: str
) -> None:
    assert decided(decides, *answers) == decision


def test_a_vote_without_a_decision_has_effects_of_its_own() -> None:
    law = ship()
    _, state = play_round(law, begun(law), (), answering("yes", "", "yes"))
    assert state.values["alpha"]["x"] == 108


def test_where_no_line_of_the_persona_holds_the_declared_default_answers() -> None:
    for given in ("yes", "no"):
        law = ship({**YES, "when": "alpha.cap > 99"}, ask={"else": given})
        answers = of_kind(play_round(law, begun(law))[0], "answer_given")
        assert {(each.answer, each.why) for each in answers} == {(given, "")}


def test_an_answer_says_which_line_gave_it() -> None:
    law = ship({**NO, "when": "self.cap < 11"})
    assert {each.why for each in of_kind(play_round(law, begun(law))[0], "answer_given")} == {"self.cap < 11"}


def test_each_member_draws_for_itself_once_a_run() -> None:
    law = ship({**YES, "when": "my.limit > 2"})
    draws = drawn(law, 7)
    assert list(draws) == ["crew_1", "crew_2", "crew_3"]
    assert len({own["limit"] for own in draws.values()}) == 3
    events, state = play_round(law, begun(law, 7))
    assert state.draws == draws
    assert {each.member: each.answer for each in of_kind(events, "answer_given")} == {
        member: "yes" if own["limit"] > 2 else "no" for member, own in draws.items()
    }
    assert [member for member in drawn(law, 8) if drawn(law, 8)[member] == draws[member]] == []


def test_members_weigh_their_lines_by_dice_of_their_own() -> None:
    law = ship({**YES, "weight": 2}, NO)
    words = [
        each.answer for seed in range(60) for each in of_kind(play_round(law, begun(law, seed))[0], "answer_given")
    ]
    assert 0.55 < words.count("yes") / len(words) < 0.78
    one_run = [each.answer for each in of_kind(play_round(law, begun(law, 3))[0], "answer_given")]
    assert len({tuple(one_run), *[tuple(words[at : at + 3]) for at in range(0, 60, 3)]}) > 2


def test_a_further_question_moves_no_die() -> None:
    lines = ({**YES, "weight": 2}, NO)
    early: dict[str, Any] = {**ASK, "yes": {}, "no": {}, "neither": {}, "id": "early"}
    more: dict[str, Any] = {"early": {"every": "week", "asks": early},
            "sail": {"every": "month", "asks": ASK}}  # fmt: skip
    for seed in range(8):
        plain = ship(*lines)
        other = ship(*lines, {"asked": "early", "do": "no"}, rules=more)
        found = [
            [(each.member, each.answer) for each in of_kind(play_round(law, begun(law, seed))[0], "answer_given")
             if each.question == "sail"]
            for law in (plain, other)
        ]  # fmt: skip
        assert found[0] == found[1]


def test_a_plain_seat_may_be_asked_and_reads_its_draws_in_its_moves() -> None:
    data = world(
        seats={"mate": MATE}, rules={"sail": {"every": "month", "asks": {**ASK, "seats": ["mate"]}}},
        actions={"row": {"label": "Row", "purpose": "to move", "by": "mate", "add": {"alpha.x": "1"}}},
    )  # fmt: skip
    lines = [{**YES, "when": "my.nerve > 0"}, {"do": "row", "when": "my.nerve > 0"}]
    law = law_of(data, {"mate": persona("mate", *lines, draws={"nerve": {"value": 2}})})
    events, _ = play_round(law, begun(law))
    assert told(events)[0] == "The mate is asked whether the ship may sail with 10, and agrees."
    assert of_kind(events, "answer_given")[0].member == "mate"
    from orchestrator.core.observe import observe
    from orchestrator.core.policy import policy_move

    state = opened(law, begun(law))
    assert policy_move(law, state, observe(law, state, "mate")).action == "row"


def test_a_group_takes_no_turn() -> None:
    assert rules.acting(ship()) == ("ann", "bob")


def test_the_queue_halts_at_the_question_and_goes_on_after_it() -> None:
    rules_: dict[str, Any] = {
        "early": {"every": "week", "asks": {**ASK, "id": "sail"}},
        "late": {"every": "month", "add": {"alpha.cap": "1"}},
    }
    law = ship(NO, rules=rules_)
    state = opened(law, begun(law))
    events = rules.pass_time(law, state)
    assert [event.kind for event in events] == ["question_asked"]
    assert events[0].to == "2023-01-07"
    state = fold(events, state)
    assert len(rules.pending(law, state)) == 3
    happened = answering("yes", "yes", "yes")(law, state)
    state = fold(happened, state)
    further = rules.advance(law, state)
    assert [event.kind for event in further] == ["question_decided", "rule_fired", "question_asked"]
    assert [event.to for event in further] == ["2023-01-07", "2023-01-07", "2023-01-14"]


def test_effects_of_a_decision_fall_on_the_date_of_the_question() -> None:
    rules_: dict[str, Any] = {
        "sign": {"on": "01-10", "emits": {"seen": {}}},
        "cord": {"upon": "seen", "asks": {**ASK, "id": "sail", "decides": "any", "yes": {
            "set": {"alpha.phase": "over"}, "emits": {"stopped": {}}}}},
        "after": {"upon": "stopped", "add": {"beta.x": "1"}, "says": "All is still."},
    }  # fmt: skip
    law = ship({**YES, "when": "my.limit > 1"}, rules=rules_)
    events, state = play_round(law, begun(law))
    assert {event.to for event in events if event.text == "All is still."} == {"2023-01-10"}
    assert state.values["alpha"]["phase"] == "over"
    fired = next(event for event in of_kind(events, "rule_fired") if event.cause.id == "cord")
    assert [change[:3] for change in fired.changes] == [("alpha", "phase", "over")]


def test_a_report_of_the_date_is_known_to_those_who_are_asked() -> None:
    rules_: dict[str, Any] = {
        "sign": {"on": "01-10", "tells": {"to": "crew", "report": "odd", "says": "odd {value}", "value": "5"},
                 "emits": {"seen": {}}},
        "cord": {"upon": "seen", "asks": {**ASK, "id": "sail"}},
    }  # fmt: skip
    law = ship({**YES, "when": "known.odd.value > my.limit"}, rules=rules_)
    assert {each.answer for each in of_kind(play_round(law, begun(law))[0], "answer_given")} == {"yes"}


def test_a_member_sees_what_its_group_may_know_and_its_own() -> None:
    rules_: dict[str, Any] = {
        "sign": {"on": "01-10", "tells": {"to": "crew", "report": "odd", "says": "Something odd.", "value": "5"},
                 "emits": {"seen": {}}},
        "cord": {"upon": "seen", "asks": {**ASK, "id": "sail"}},
    }  # fmt: skip
    kinds = {"firm": {"log": {"start": 3, "visible_to": ["crew"]}}}
    law = ship(rules=rules_, kinds=kinds)
    state = opened(law, begun(law))
    state = fold(rules.pass_time(law, state), state)
    seen = [observe_member(law, state, question) for question in rules.pending(law, state)]
    assert [one.label for one in seen] == ["sailor 1", "sailor 2", "sailor 3"]
    assert seen[0].date == "2023-01-10"
    labels = [reading.label for reading in seen[0].private]
    assert "log" in labels
    assert not {"secret", "private"} & set(labels)
    assert [line.text for line in seen[0].notebook] == ["Something odd."]
    limits = [next(reading.value for reading in one.private if reading.label == "limit") for one in seen]
    assert limits == [round(drawn(law, 1)[member]["limit"], 12) for member in ("crew_1", "crew_2", "crew_3")]


def test_what_is_asked_while_moves_are_carried_out_waits_for_all_of_them() -> None:
    rules_: dict[str, Any] = {"sail": {"upon": "leave", "asks": ASK}, "daily": {"every": "day", "add": {"beta.x": "1"}}}
    actions = {"leave": {"label": "Leave", "purpose": "to go", "by": "ann"}}
    law = ship(YES, rules=rules_, actions=actions)
    state = opened(law, begun(law))
    moved = rules.carry_out(law, state, [move("ann", "leave")])
    assert [event.kind for event in moved] == ["action_taken", "question_asked"]
    state = fold(moved, state)
    assert rules.pass_time(law, state) == []
    events, state = play_round(law, begun(law), [move("ann", "leave")])
    assert next(event for event in events if event.kind == "question_decided").to == "2023-01-01"
    assert state.values["beta"]["x"] == 39, "the first day's own queue comes after the answer, and only once"


def test_an_ending_takes_open_questions_back() -> None:
    rules_: dict[str, Any] = {"sail": {"on": "01-10", "asks": ASK}, "over": {"on": "01-10", "ends": "won"}}
    law = ship(YES, rules=rules_)
    events, state = play_round(law, begun(law))
    assert [event.decision for event in of_kind(events, "question_decided")] == ["lapsed"]
    assert of_kind(events, "answer_given") == []
    assert state.ended


def test_a_round_puts_only_so_many_questions() -> None:
    rules_: dict[str, Any] = {"sail": {"every": "day", "asks": {**ASK, "no": {"emits": {"again": {}}}}},
              "more": {"upon": "again", "asks": {**ASK, "id": "sail"}}}  # fmt: skip
    law = ship(NO, rules=rules_)
    events, state = play_round(law, begun(law))
    assert len(of_kind(events, "question_asked")) == MOST_QUESTIONS == state.asked
    assert of_kind(events, "rule_failed")[0].what == "more than 24 questions in one round: this one is not put"
    events, _ = play_round(law, state)
    assert len(of_kind(events, "question_asked")) == MOST_QUESTIONS


def test_a_question_without_a_value_is_not_put() -> None:
    law = ship(YES, ask={"question": "the ship may sail with {1 / (alpha.x - 8):.0f}"})
    events, _ = play_round(law, begun(law))
    assert of_kind(events, "question_asked") == []
    assert of_kind(events, "rule_failed")[0].what == "the question has no value: ZeroDivisionError"


def test_a_rule_for_many_asks_once_for_each() -> None:
    ask = {**ASK, "question": "{self} may sail", "no": {"add": {"self.x": "1"}}}
    law = ship(NO, rules={"sail": {"every": "month", "for": "firm", "asks": ask}})
    events, state = play_round(law, begun(law))
    assert [event.about for event in of_kind(events, "question_asked")] == ["Alpha may sail", "Beta may sail"]
    assert [state.values[firm]["x"] for firm in ("alpha", "beta")] == [9, 9]


def training(**ask: Any) -> dict[str, Any]:
    """A process: work, then a consent."""
    asks = {**ASK, "yes": {"next": "work", "add": {"alpha.cap": "1"}}, "no": {}, "neither": {}, "id": "sail", **ask}
    stages = [{"id": "work", "lasts": {"days": 5}},
              {"id": "consent", "after": ["work"], "every": "week", "asks": asks},
              {"id": "closed", "lasts": {"days": 1}}]  # fmt: skip
    return {"training": {"stages": stages}}


START: dict[str, Any] = {"begin": {"on": "01-02", "starts": {"training": {}}}}


def stages_of(events: Sequence[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.to, event.stage) for event in of_kind(events, "stage_entered")]


def test_a_stage_asks_when_it_begins_and_goes_where_the_answer_leads() -> None:
    law = ship(YES, rules=START, processes=training())
    events, _ = play_round(law, begun(law))
    assert stages_of(events)[:5] == [
        ("2023-01-02", "work"), ("2023-01-07", "consent"), ("2023-01-07", "work"),
        ("2023-01-12", "consent"), ("2023-01-12", "work"),
    ]  # fmt: skip


def test_a_refused_stage_stays_and_asks_again_on_its_beats() -> None:
    law = ship(rules=START, processes=training())
    events, state = play_round(law, begun(law), (), answering("yes", "no", "yes"))
    assert [event.to for event in of_kind(events, "question_asked")] == [
        "2023-01-07", "2023-01-14", "2023-01-21", "2023-01-28",
    ]  # fmt: skip
    assert state.values["training_1"]["stage"] == "consent"


def test_a_stage_with_needs_asks_once_they_hold() -> None:
    processes = training()
    processes["training"]["stages"][1]["needs"] = "alpha.cap >= 12"
    law = ship(YES, rules={**START, "grow": {"every": "week", "add": {"alpha.cap": "1"}}}, processes=processes)
    events, _ = play_round(law, begun(law))
    assert of_kind(events, "question_asked")[0].to == "2023-01-21"


def test_a_stage_with_a_length_asks_when_it_is_over_and_then_on_its_beats() -> None:
    processes = training()
    processes["training"]["stages"][1]["lasts"] = {"days": 3}
    law = ship(NO, rules=START, processes=processes)
    events, _ = play_round(law, begun(law))
    assert [event.to for event in of_kind(events, "question_asked")] == [
        "2023-01-10", "2023-01-14", "2023-01-21", "2023-01-28",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "stage", "outcome"),
    [
        (("yes", "yes", "yes"), "end", "yes"),
        (("no", "yes", "yes"), "closed", "none"),
        (("", "yes", "yes"), "end", "neither"),
    ],
)
def test_next_of_each_decision(words: tuple[str, ...], stage: str, outcome: str) -> None:
    ways = {"yes": {"next": "end"}, "no": {"next": "closed"}, "neither": {"next": "end"}}
    processes = training(**ways)
    processes["training"]["stages"][2]["lasts"] = {"days": 90}
    law = ship(rules=START, processes=processes)
    _, state = play_round(law, begun(law), (), answering(*words))
    assert (state.values["training_1"]["stage"], state.values["training_1"]["outcome"]) == (stage, outcome)


def test_a_plain_yes_goes_on_to_the_stage_that_follows() -> None:
    processes = training(yes={})
    processes["training"]["stages"][2] |= {"after": ["consent"], "lasts": {"days": 90}}
    law = ship(YES, rules=START, processes=processes)
    assert play_round(law, begun(law))[1].values["training_1"]["stage"] == "closed"


def test_a_cord_of_the_same_date_outlasts_a_consent() -> None:
    rules_: dict[str, Any] = {
        **START,
        "odd": {"on": "01-07", "emits": {"seen": {}}},
        "cord": {"upon": "seen", "with": {"held": {"first": "training", "where": "held.running"}}, "asks": {
            **ASK, "seats": "mate", "decides": "any", "id": "cord", "yes": {"sends": {"held": "closed"}}}},
    }  # fmt: skip
    processes = training()
    processes["training"]["stages"][2]["lasts"] = {"days": 90}
    data = world(seats={"crew": CREW, "mate": MATE}, rules=rules_, processes=processes)
    people = {"crew": persona("crew", YES), "mate": persona("mate", {"asked": "cord", "do": "yes"})}
    law = law_of(data, people)
    events, state = play_round(law, begun(law))
    assert [event.to for event in of_kind(events, "question_decided")] == ["2023-01-07", "2023-01-07"]
    assert state.values["training_1"]["stage"] == "closed"


def test_a_question_lapses_when_its_stage_is_left_before_anybody_answers() -> None:
    rules_: dict[str, Any] = {
        **START,
        "odd": {"on": "01-07", "with": {"held": {"first": "training"}}, "emits": {"seen": {"it": "held"}}},
        "then": {"upon": "seen", "emits": {"seen_again": {"it": "event.it"}}},
        "away": {"upon": "seen_again", "with": {"held": {"first": "training"}}, "sends": {"held": "closed"}},
    }  # fmt: skip
    law = ship(YES, rules=rules_, processes=training())
    events, _ = play_round(law, begun(law))
    first = of_kind(events, "question_decided")[0]
    assert (first.to, first.decision) == ("2023-01-07", "lapsed")


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ({"rules": {"sail": {"asks": {**ASK, "seats": "crw"}}}},
         "rules.sail.asks.seats: no seat, group or kind of player is called 'crw'; did you mean 'crew'?"),
        ({"rules": {"sail": {"asks": {**ASK, "yes": {"next": "x"}}}}},
         "rules.sail.asks.yes.next: only the question of a stage has `next`; use `sends` to move a process"),
        ({"rules": {"sail": {"asks": {**ASK, "no": {"add": {"alpha.y": "1"}}}}}},
         "rules.sail.asks.no.add.alpha.y: a firm has no 'y'"),
        ({"rules": {"sail": {"asks": {**ASK, "question": "{alpha.secret} is known"}}}},
         "rules.sail.asks.question: 'alpha.secret' reads firm.secret, which crew does not see (visible_to); "
         "use `chance` or a report for hidden causes"),
        ({"rules": {"sail": {"asks": ASK}}, "processes": training(no={"next": "wrk"})},
         "processes.training.stages.1.asks.no.next: no stage is called 'wrk'; did you mean 'work'?"),
        ({"rules": {}}, "seats.crew.members: no question is put to crew, and a group does nothing but answer"),
        ({"rules": {"sail": {"asks": ASK}}, "actions": {"go": {"label": "Go", "purpose": "p", "by": "crew"}}},
         "actions.go.by: crew is a group: it answers questions and takes no turn"),
        ({"rules": {"sail": {"asks": ASK}}, "turns": {"order": ["crew"]}},
         "turns.order: crew is a group: it answers questions and takes no turn"),
        ({"rules": {"sail": {"asks": ASK}}, "seats": {"crew": CREW, "crew_2": MATE}},
         "seats.crew_2: 'crew_2' is what a member of crew is called"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(sections: dict[str, Any], problem: str) -> None:
    people = {"crew": persona("crew", YES), "crew_2": persona("crew_2")}
    data = world(**{"seats": {"crew": CREW}, **sections})
    assert problem in problems(data, {seat: held for seat, held in people.items() if seat in data["seats"]})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"asked": "sial", "do": "yes"}, "policy.0.asked: crew: there is no question 'sial'; did you mean 'sail'?"),
        ({"do": "wait"},
         "policy.0: crew is a group and takes no turn: a line of its policy answers a question (`asked`)"),
        ({**YES, "when": "my.limt > 1"}, "policy.0.when: this persona draws no 'limt'; did you mean 'limit'?"),
        ({**YES, "when": "alpha.secret > 1"}, "policy.0.when: 'alpha.secret > 1' reads firm.secret, which crew does "
         "not see (visible_to); use `chance` or a report for hidden causes"),
    ],
)  # fmt: skip
def test_what_a_persona_cannot_answer_is_told(line: dict[str, Any], problem: str) -> None:
    data = world(seats={"crew": CREW}, rules={"sail": {"asks": ASK}})
    people = {"crew": persona("crew", line, draws={"limit": {"value": 1}})}
    assert f"personas.crew.{problem}" in problems(data, people)


def test_my_is_known_to_personas_alone() -> None:
    data = world(rules={"sail": {"when": "my.limit > 1"}})
    assert problems(data) == ["rules.sail.when: `my` is what a member drew: only its persona's policy may read it"]
