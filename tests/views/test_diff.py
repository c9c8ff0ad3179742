"""Where two runs part."""

from orchestrator.ledger.store import Ledger
from orchestrator.runtime.recorded import Recorded, recorded
from orchestrator.views.diff import design_differences, dice_shared, differing, first_difference
from tests.support.worlds import law_of, play_policy, world


def two(ledger: Ledger, one: str, other: str) -> tuple[Recorded, Recorded, list[str]]:
    pair = recorded(ledger, ledger.find(one)), recorded(ledger, ledger.find(other))
    return pair[0], pair[1], design_differences(pair[0].played.design, pair[1].played.design)


def test_a_run_and_itself(ledger: Ledger) -> None:
    a, b, designs = two(ledger, "plain", "plain")
    assert designs == []
    assert first_difference(a.rows, b.rows, designs) is None


def test_a_fork_parts_where_it_plays_otherwise_not_where_it_says_so(ledger: Ledger) -> None:
    a, b, designs = two(ledger, "plain", "child")
    assert designs == ["seat_a policy / Parrot", "alpha.money nothing / 300.0"]
    first = first_difference(a.rows, b.rows, designs)
    assert first is not None
    assert first["round"] == 3
    assert first["what"].startswith("move_chosen")
    seq: int = first["seq"]
    assert a.rows[seq].kind == "move_chosen"


def test_another_seed_parts_at_the_numbers(ledger: Ledger) -> None:
    a, b, designs = two(ledger, "talk", "plain")
    assert designs == ["seed 1 / 2", "seat_a Parrot / policy", "judge"]
    first = first_difference(a.rows, b.rows, designs)
    assert first is not None
    assert (first["seq"], first["round"]) == (1, 0)
    assert first["what"].startswith("numbers_drawn start: numbers.k ")


def test_a_fork_that_changes_nothing_differs_in_saying_so(ledger: Ledger) -> None:
    a, b, _ = two(ledger, "plain", "child")
    at = next(index for index, row in enumerate(b.rows) if row.kind == "run_forked")
    idle = (*a.rows[:at], b.rows[at]._replace(seq=at), *a.rows[at:])
    first = first_difference(a.rows, idle, [])
    assert first == {"seq": at, "round": 3, "what": "what a fork says of itself, and nothing else"}


def test_a_shorter_record(ledger: Ledger) -> None:
    rows = recorded(ledger, ledger.find("plain")).rows
    assert first_difference(rows, rows[:-2], []) == {
        "seq": rows[-2].seq,
        "round": 4,
        "what": f"only the first run goes on, with {rows[-2].kind}",
    }


def test_designs_alone(ledger: Ledger) -> None:
    rows = recorded(ledger, ledger.find("plain")).rows
    assert first_difference(rows, rows, ["judge"]) == {"seq": 0, "round": 0, "what": "the designs: judge"}


def test_differing_values() -> None:
    one = {"a": {"x": 1, "y": 2}, "b": {"z": 0}}
    other = {"a": {"x": 1, "y": 3}, "b": {"z": 0}, "c": {"w": True}}
    assert differing(one, other) == {"a": {"y": [2, 3]}, "c": {"w": [None, True]}}


def test_runs_of_one_seed_share_the_dice_that_both_rolled() -> None:
    chances = {name: {"for": "firm", "every": "week", "chance": "0.5", "says": "x"} for name in ("one", "two")}
    law = law_of(world(rules=chances))
    fewer = law_of(world(rules={"one": chances["one"]}))
    a, b, c = play_policy(law, 1)[0], play_policy(fewer, 1)[0], play_policy(law, 2)[0]
    assert set(dice_shared(a, a).values()) == {0, sum(event.die is not None for event in a)}
    shared = dice_shared(a, b)
    assert shared["shared"] == sum(event.die is not None for event in b) > 0
    assert (shared["differing"], shared["only_second"]) == (0, 0)
    assert shared["only_first"] > 0
    assert dice_shared(a, c)["shared"] == 0
