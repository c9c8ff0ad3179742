"""A recorded log at the table: its order across seats, its words, and seats that a fork has given to others."""

from orchestrator.core.events import AnyEvent, LineSpoken, MoveChosen, OffList, SeatPlay
from orchestrator.core.logs import Logged
from orchestrator.core.turn import Move
from orchestrator.runtime.logged import recorded_for
from tests.support.duel import DUEL, PERSONAS
from tests.support.worlds import begun, law_of, opened

LAW = law_of(DUEL, PERSONAS)
STATE = opened(LAW, begun(LAW))
BY_LOG = {seat: SeatPlay(by="log") for seat in ("ann", "bob")}
ROWS = (
    Logged(1, "Beta", "Alpha", "Give", "take it"),
    Logged(1, "Alpha", "Beta", "Say", "hush\n now"),
    Logged(2, "Alpha", "", "Lift it"),
    Logged(1, "Beta", "World", "Say", "hear all"),
    Logged(1, "Alpha", "Beta", "lift it", "lost"),
    Logged(1, "Beta", "Nobody", "Give", "lost"),
)


def told(event: AnyEvent) -> str:
    match event:
        case MoveChosen():
            return f"{event.seat} {event.n} {event.action} {event.target}"
        case LineSpoken():
            return f"{event.seat} {event.n} says {event.line} to {event.audience}"
        case OffList():
            return f"{event.seat} {event.n} astray {event.action}"
        case _:
            return event.kind


def test_a_round_is_told_in_the_recorded_order_across_seats() -> None:
    found = recorded_for(LAW, STATE, BY_LOG, ROWS)
    assert [told(event) for event in found.events] == [
        "bob 1 give alpha",
        "bob 1 says take it to None",
        "ann 1 write beta",
        "ann 1 says hush now to ('bob',)",
        "bob 2 cry None",
        "bob 2 says hear all to None",
        "ann 2 astray lift it",
        "bob 3 give None",
    ]
    assert all(event.cause.kind == "log" for event in found.events)
    assert [(move.seat, move.n) for move in found.moves] == [("bob", 1), ("ann", 1), ("bob", 2), ("ann", 2), ("bob", 3)]


def test_rows_of_other_rounds_are_left_for_theirs() -> None:
    assert not recorded_for(LAW, STATE, BY_LOG, ROWS[2:3]).moves
    assert recorded_for(LAW, STATE, BY_LOG, ()) == recorded_for(LAW, STATE, BY_LOG, ROWS[2:3])


def test_a_seat_keeps_its_part_where_seats_act_one_by_one() -> None:
    own = recorded_for(LAW, STATE, BY_LOG, ROWS).of("ann")
    assert [move.action for move in own.moves] == ["write", "lift it"]
    assert len(own.events) == 3


def test_moves_of_a_seat_that_left_the_log_stand_where_its_first_row_stood() -> None:
    plays = {"ann": SeatPlay(by="policy"), "bob": SeatPlay(by="log")}
    found = recorded_for(LAW, STATE, plays, ROWS)
    assert [move.seat for move in found.moves] == ["bob", "bob", "bob"]
    own = [Move("ann", 1, "lift"), Move("ann", 2, "halve", "beta")]
    assert [move.seat for move in found.among([("ann", own)])] == ["bob", "ann", "ann", "bob", "bob"]


def test_moves_of_a_seat_without_rows_come_last() -> None:
    plays = {"ann": SeatPlay(by="policy"), "bob": SeatPlay(by="log")}
    found = recorded_for(LAW, STATE, plays, ROWS[:1])
    assert [move.seat for move in found.among([("ann", [Move("ann", 1, "lift")])])] == ["bob", "ann"]
