"""What the names in a recorded log mean, and the moves they make."""

from typing import Any

import pytest

from orchestrator.core.logs import MOST_A_DAY, NAME, WORDS, Logged, moves_of, named, unfit
from orchestrator.core.scenario import Scenario
from orchestrator.core.turn import WAIT, Move
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import law_of, problems, world

LAW = law_of(DUEL, PERSONAS)


def move_of(seat: str, target: str, action: str, words: str = "") -> Move:
    [move] = moves_of(LAW, [Logged(1, seat, target, action, words)])
    return move


def test_a_row_is_a_move_of_whoever_plays_the_entity() -> None:
    move = move_of("Beta", "Alpha", "Give", "take it")
    assert (move.seat, move.n, move.action, move.target) == ("bob", 1, "give", "alpha")
    assert (move.style, move.statement, move.unlisted, move.missing) == ("log", "take it", False, None)


def test_moves_keep_the_order_of_the_rows_and_are_numbered_for_each_seat() -> None:
    rows = [Logged(1, "Beta", "Alpha", "Give"), Logged(1, "Alpha", "", "Lift it"), Logged(1, "Beta", "Alpha", "Give")]
    assert [(move.seat, move.n) for move in moves_of(LAW, rows)] == [("bob", 1), ("ann", 1), ("bob", 2)]


@pytest.mark.parametrize("name", ["give", "Give ", " Give", "GIVE", "Give to Alpha", "", "x" * 500])
def test_a_name_that_is_not_exactly_on_the_list_stays_as_it_was_named(name: str) -> None:
    move = move_of("Beta", "Alpha", name)
    assert (move.unlisted, move.action, move.target) == (True, name[:NAME], None)


@pytest.mark.parametrize("name", ["World", "alpha", "Alpha ", "", "None", "Alpha, Beta"])
def test_a_target_that_does_not_exist_is_kept_by_name(name: str) -> None:
    move = move_of("Beta", name, "Give")
    assert (move.action, move.target, move.missing, move.unlisted) == ("give", None, name, False)


def test_a_move_without_a_target_asks_for_none() -> None:
    assert move_of("Alpha", "nobody at all", "Lift it") == move_of("Alpha", "", "Lift it")
    assert move_of("Alpha", "x", "Wait", "nothing") == Move("ann", 1, WAIT, style="log")


def test_a_name_in_the_column_of_the_other_can_make_another_action_of_it() -> None:
    assert (move_of("Alpha", "World", "Say", "hear").action, move_of("Alpha", "Beta", "Say").action) == ("cry", "write")


def test_words_are_kept_up_to_a_bound() -> None:
    assert len(move_of("Alpha", "Beta", "Say", "w" * 9000).statement) == WORDS


def test_without_a_section_the_names_are_the_scenarios_own() -> None:
    held = named(Scenario.model_validate(world(actions={"buy": {"label": "Buy", "purpose": "b", "by": "ann"}})))
    assert held.seats == {"alpha": "ann", "beta": "bob", "ann": "ann", "bob": "bob"}
    assert held.entities == {"alpha": "alpha", "beta": "beta"}
    assert held.actions == {"wait": "wait", "buy": "buy"}


def test_an_entity_that_two_play_says_nothing_of_who_acts() -> None:
    data = world(seats={"cat": {"label": "Cat", "plays": "beta"}})
    assert named(Scenario.model_validate(data)).seats == {"alpha": "ann", "ann": "ann", "bob": "bob", "cat": "cat"}


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"names": {"A": "alfa"}}, "log.names.A: no entity or seat is called 'alfa'; did you mean 'alpha'?"),
        ({"actions": {"A": "lifts"}}, "log.actions.A: no action is called 'lifts'; did you mean 'lift'?"),
        ({"instead": {"All": {"wrote": "cry"}}}, "log.instead.All.wrote: no action is called 'wrote'"),
        ({"instead": {"All": {"write": "cries"}}}, "log.instead.All.write: no action is called 'cries'"),
        ({"instead": {"All": {"cry": "give"}}}, "log.instead.All.cry: 'give' has a target: name an action without one"),
    ],
)
def test_a_name_that_means_nothing_is_a_problem(section: dict[str, Any], told: str) -> None:
    assert any(problem.startswith(told) for problem in problems({**DUEL, "log": section}, PERSONAS))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([Logged(1, "Gamma", "", "Give")], "somebody acts in its log who is not there"),
        ([Logged(0, "Alpha", "", "Give")], "its log has a day that the exercise has not"),
        ([Logged(4, "Alpha", "", "Give")], "its log has a day that the exercise has not"),
        ([Logged(1, "Alpha", "", "Give")] * (MOST_A_DAY + 1), "its log has more than 20,000 rows, or 2,000 a day"),
        ([Logged(3, "Alpha", "x", "y")], None),
        ([], None),
    ],
)
def test_a_stored_log_must_be_one_of_its_scenario(rows: list[Logged], told: str | None) -> None:
    assert unfit(LAW, rows) == told


def test_rows_of_somebody_who_is_not_there_are_left_out() -> None:
    assert moves_of(LAW, [Logged(1, "Gamma", "Alpha", "Give")]) == []
