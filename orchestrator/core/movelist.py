"""From a composed list of moves to moves: what is on no list stays as it was named, and nothing comes of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from orchestrator.core.call import Reply
from orchestrator.core.law import Law
from orchestrator.core.logs import NAME
from orchestrator.core.menus import NOBODY
from orchestrator.core.parse import Malformed, obj, text_of
from orchestrator.core.turn import WAIT, Move, Option
from orchestrator.core.turns import BESIDE, Group, groups

MOST_ITEMS = 40
"""Longest list that is read: nobody needs more, and each of them is looked at."""


class MoveList(NamedTuple):
    """A composed turn."""

    reason: str
    moves: tuple[Move, ...]
    repaired: bool
    over: int
    """Moves left out, since the turn was full."""


def composed_moves(law: Law, seat: str, reply: Reply, options: Sequence[Option]) -> MoveList | Malformed:
    """The moves of a turn, in the order written. A list that is none, or a wrong parameter, is malformed."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    data, repaired = found
    listed = data.get("moves")
    if not isinstance(listed, list):
        return Malformed('"moves" should be a list')
    items = cast("list[Any]", listed)[:MOST_ITEMS]
    by_id = {group.action: group for group in groups(options)}
    turn = _Turn(law, seat)
    for item in items:
        if not isinstance(item, dict) or not isinstance(cast("dict[str, Any]", item).get("action"), str):
            return Malformed('each of "moves" should be an object with an "action"')
        move = _move(law, seat, cast("dict[str, Any]", item), by_id)
        if isinstance(move, Malformed):
            return move
        if move is not None:
            turn.add(move)
    return MoveList(text_of(data, "reason"), tuple(turn.moves), repaired, turn.over)


class _Turn:
    """The moves of a turn as they are added, up to what a turn holds."""

    def __init__(self, law: Law, seat: str) -> None:
        self.law, self.seat = law, seat
        self.moves: list[Move] = []
        self.over = 0
        self.room = {False: law.scenario.turns.actions_per_turn, True: BESIDE}

    def add(self, move: Move) -> None:
        action = self.law.actions[self.seat].get(move.action)
        beside = action is not None and action.beside
        if self.room[beside] == 0:
            self.over += 1
            return
        self.room[beside] -= 1
        self.moves.append(move._replace(n=len(self.moves) + 1))


def _move(law: Law, seat: str, item: dict[str, Any], by_id: dict[str, Group]) -> Move | Malformed | None:
    """One item as a move; None where it waits."""
    named = str(item["action"]).strip()
    action = named.replace("-", "_")
    words = " ".join(text_of(item, "words").split())
    base = Move(seat, 0, named[:NAME], style="compose", statement=words)
    if action == WAIT:
        return None
    group = by_id.get(action)
    if group is None:
        return base._replace(unlisted=True)
    params: dict[str, Any] = {}
    for name, values in group.options[0].params.items():
        if item.get(name) not in values:
            return Malformed(f'"{name}" of {action} should be one of {", ".join(map(str, values[:12]))}')
        params[name] = values[values.index(item[name])]  # 1, where 1.0 or true was written
    move = base._replace(action=action, params=params)
    if not group.targets:
        return move
    wanted = text_of(item, "target").strip()
    target = next((one for one in group.targets if wanted in (one, law.labels.get(one))), None)
    if target is None and wanted in ("", NOBODY) and len(group.targets) == 1:
        target = group.targets[0]
    return move._replace(missing=wanted[:NAME]) if target is None else move._replace(target=target)
