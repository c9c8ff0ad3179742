"""Turns of several moves: what may still be added, long menus by action, and what a persona's own rules make of one."""

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.core.law import Law
from orchestrator.core.observe import MENU
from orchestrator.core.policy import policy_move
from orchestrator.core.state import RunState
from orchestrator.core.turn import WAIT, Move, Observation, Option
from orchestrator.core.workload import BESIDE as BESIDE


def several(law: Law) -> bool:
    """Whether a turn has several moves, or a menu that is too long for one question."""
    turns = law.scenario.turns
    return turns.actions_per_turn > 1 or turns.menu > MENU


class Group(NamedTuple):
    """The legal moves of one action."""

    action: str
    options: tuple[Option, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(option.target for option in self.options if option.target is not None)


def groups(options: Sequence[Option]) -> tuple[Group, ...]:
    """Legal moves by action, in the order in which the actions stand."""
    held: dict[str, list[Option]] = {}
    for option in options:
        held.setdefault(option.action, []).append(option)
    return tuple(Group(action, tuple(found)) for action, found in held.items())


def left(law: Law, seat: str, options: Sequence[Option], chosen: Sequence[tuple[str, str | None]]) -> list[Option]:
    """The moves that a seat may still add to those it has chosen (action, target), waiting last."""
    actions = law.actions[seat]

    def beside(action: str) -> bool:
        return action in actions and actions[action].beside

    spent = sum(not beside(action) for action, _ in chosen)
    spare = BESIDE - (len(chosen) - spent)
    full = spent >= law.scenario.turns.actions_per_turn
    return [
        option
        for option in options
        if option.action == WAIT
        or ((option.action, option.target) not in chosen and (spare > 0 if beside(option.action) else not full))
    ]


def policy_turn(law: Law, state: RunState, seen: Observation) -> list[Move]:
    """The moves that a persona's own rules draw, one after the other; waiting alone where the first draw waits."""
    moves: list[Move] = []
    for n in range(1, (law.scenario.turns.actions_per_turn + BESIDE if several(law) else 1) + 1):
        open_ = left(law, seen.seat, seen.options, [(move.action, move.target) for move in moves])
        move = policy_move(law, state, seen._replace(options=tuple(open_)), n)
        if move.action == WAIT:
            return moves or [move]
        moves.append(move)
    return moves
