"""Boards: what everyone reads of each entity of a kind, and what may stand on them."""

from typing import Any

import pytest

from orchestrator.core.boards import line_of, rows_of
from orchestrator.core.observe import observe
from orchestrator.core.turn import Move
from orchestrator.views.chapters import Teller, told_round
from tests.support.duel import DUEL, PERSONAS
from tests.support.prompting import prompter
from tests.support.worlds import begun, law_of, opened, play_round, problems

LAW = law_of(DUEL, PERSONAS)


def test_a_line_an_entity_with_the_changes_of_the_last_round() -> None:
    _, state = play_round(LAW, begun(LAW), [Move("ann", 1, "lift")])
    lines = [line_of(row) for row in rows_of(LAW, state, "firm", state.was)]
    assert lines == ["Alpha: cap 50.0 (+40.0), money 100.0", "Beta: cap 20.0, money 50.0"]


def test_every_seat_reads_the_same_board_in_the_shared_part_of_its_prompt() -> None:
    state = opened(LAW, begun(LAW))
    seen = [observe(LAW, state, seat) for seat in ("ann", "bob")]
    assert seen[0].boards == seen[1].boards
    assert "Beta: cap 20.0, money 50.0" in prompter(LAW).world(state, seen[0])


@pytest.mark.parametrize(
    ("board", "told"),
    [
        ({"frim": ["cap"]}, "boards.frim: no kind is called 'frim'; did you mean 'firm'?"),
        ({"b": {"of": "firm", "shows": ["cup"]}}, "boards.b: a firm has no 'cup'; did you mean 'cap'?"),
        ({"firm": ["cap", "secret"]}, "boards.firm: not everyone sees 'secret': a public board shows what everyone"),
        ({"firm": ["phase"]}, "boards.firm: 'phase' is no number: a board shows only those"),
        ({"firm": ["cap"] * 501}, "boards: 1,002 numbers, at most 1,000"),
    ],
)
def test_a_board_shows_numbers_that_its_readers_may_see(board: dict[str, Any], told: str) -> None:
    assert any(problem.startswith(told) for problem in problems({**DUEL, "boards": board}, PERSONAS))


def test_a_briefing_stands_in_the_shared_part() -> None:
    assert "Alpha and Beta have known each other for long." in prompter(LAW).system()
    assert "up to 2 moves a month" in prompter(LAW).system()


def test_a_hidden_board_is_for_the_story_alone_and_may_hold_what_is_derived() -> None:
    board = {"of": "firm", "shows": ["secret", "twice"], "visible_to": "hidden"}
    law = law_of({**DUEL, "boards": {"books": board}}, PERSONAS)
    events, state = play_round(law, begun(law), [Move("ann", 1, "lift")])
    assert [line_of(row) for row in rows_of(law, state, "books", state.was)] == [
        "Alpha: secret 777.0, twice 100.0 (+80.0)",
        "Beta: secret 777.0, twice 40.0",
    ]
    assert observe(law, opened(law, state), "ann").boards == ()
    told = "\n".join(told_round(Teller(law), 1, ("2023-01-01", "2023-01-31"), events, begun(law), state))
    assert "| Alpha |  777.0 | 100.0 (+80.0) |" in told


def test_a_number_without_a_value_is_left_out() -> None:
    kinds = {"firm": {**DUEL["kinds"]["firm"], "ratio": {"is": "1 / (self.cap - 10)"}}}
    law = law_of({**DUEL, "kinds": kinds, "boards": {"firm": ["cap", "ratio"]}}, PERSONAS)
    state = begun(law)
    lines = [line_of(row) for row in rows_of(law, state, "firm", state.was)]
    assert lines == ["Alpha: cap 10.0", "Beta: cap 20.0, ratio 0.1"]
