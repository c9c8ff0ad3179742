"""What the screens know of a turn."""

from orchestrator.cli.watching import Turn


def test_all_moves_of_a_turn_are_told_one_after_the_other() -> None:
    turn = Turn("a", "Alpha", asked=True, shown=True, move="Give to Beta", earlier=("Lift our own", "Wait"))
    assert turn.moves == "Lift our own; Wait; Give to Beta"
    assert Turn("a", "Alpha", asked=True, shown=True, move="Wait").moves == "Wait"
