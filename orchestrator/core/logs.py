"""A recorded log of moves: what its names mean in a scenario, and the moves of a round in the recorded order.

A row is kept as it was written; its meaning is looked up when it is played, so that a run made from a log is
played again from its design like any other. Names are compared exactly: case and blanks count.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.core.exprtypes import near
from orchestrator.core.law import Law
from orchestrator.core.logparts import Log
from orchestrator.core.scenario import Scenario
from orchestrator.core.turn import WAIT, Move

if TYPE_CHECKING:
    from orchestrator.core.blocks import Builder

NAME = 200
"""Most characters of a name that an event keeps."""
WORDS = 2000
"""Most characters of what was said that an event keeps."""
MOST_ROWS = 20_000
MOST_A_DAY = 2_000
"""Rows of one day: all of them happen on one date."""


class Logged(NamedTuple):
    """One row of a log, as it was written."""

    day: int
    """The round, from 1 on."""
    seat: str
    """The name of who acts."""
    target: str
    action: str
    words: str = ""


class Named(NamedTuple):
    """What the names in a log mean."""

    seats: Mapping[str, str]
    entities: Mapping[str, str]
    actions: Mapping[str, str]
    """Name -> action, `wait` among them."""
    instead: Mapping[str, Mapping[str, str]]


def named(scenario: Scenario) -> Named:
    """The names of a scenario's logs; its own ids where it has no section `log`, or none of that sort."""
    log = scenario.log or Log()
    plays: dict[str, list[str]] = {}
    for seat, held in scenario.seats.items():
        plays.setdefault(held.plays, []).append(seat)
    seats: dict[str, str] = {}
    for name, meant in (log.names or {key: key for key in (*scenario.entities, *scenario.seats)}).items():
        players = [meant] if meant in scenario.seats else plays.get(meant, [])
        if len(players) == 1:  # of an entity that several play no name says who acts
            seats[name] = players[0]
    given = log.names or {key: key for key in scenario.entities}
    entities = {name: meant for name, meant in given.items() if meant in scenario.entities}
    actions = log.actions or {key: key for key in (WAIT, *scenario.actions)}
    return Named(seats, entities, actions, log.instead)


def moves_of(law: Law, rows: Iterable[Logged]) -> list[Move]:
    """The moves of one round's rows, in their order; numbered for each seat."""
    names = named(law.scenario)
    counts: dict[str, int] = {}
    found: list[Move] = []
    for row in rows:
        seat = names.seats.get(row.seat)
        if seat is None:
            continue  # of another scenario than the one it was read for (`unfit`)
        counts[seat] = counts.get(seat, 0) + 1
        found.append(_move(law, names, row, seat, counts[seat]))
    return found


def _move(law: Law, names: Named, row: Logged, seat: str, n: int) -> Move:
    meant = names.actions.get(row.action)
    base = Move(seat, n, meant or row.action[:NAME], style="log", statement=row.words[:WORDS])
    if meant == WAIT:
        return base._replace(statement="")
    if meant is not None:
        meant = names.instead.get(row.target, {}).get(meant, meant)
    action = law.actions[seat].get(meant or "")
    if meant is None or action is None:
        return base._replace(action=row.action[:NAME], unlisted=True)
    move = base._replace(action=meant, params={name: values[0] for name, values in action.params.items()})
    if action.target_kind is None:
        return move
    target = names.entities.get(row.target)
    if target is None or target not in law.members.get(action.target_kind, ()):
        return move._replace(missing=row.target[:NAME])
    return move._replace(target=target)


def unfit(law: Law, rows: Sequence[Logged]) -> str | None:
    """Why these rows are no log of this scenario; None: they are."""
    days, seats = Counter(row.day for row in rows), named(law.scenario).seats
    if len(rows) > MOST_ROWS or max(days.values(), default=0) > MOST_A_DAY:
        return f"its log has more than {MOST_ROWS:,} rows, or {MOST_A_DAY:,} a day"
    if not all(1 <= day <= law.scenario.clock.rounds for day in days):
        return "its log has a day that the exercise has not"
    if not {row.seat for row in rows} <= set(seats):
        return "somebody acts in its log who is not there"
    return None


def check_log(scenario: Scenario, build: "Builder") -> None:
    """Every name of a section `log` means something that is there."""
    log = scenario.log
    if log is None:
        return
    for name, meant in log.names.items():
        _known(build, ("log", "names", name), meant, (*scenario.entities, *scenario.seats), "entity or seat")
    for name, meant in log.actions.items():
        _known(build, ("log", "actions", name), meant, (WAIT, *scenario.actions), "action")
    for name, pairs in log.instead.items():
        for one, other in pairs.items():
            _known(build, ("log", "instead", name, one), one, scenario.actions, "action")
            _known(build, ("log", "instead", name, one), other, scenario.actions, "action")
            if other in scenario.actions and scenario.actions[other].target is not None:
                build.say(("log", "instead", name, one), f"'{other}' has a target: name an action without one")


def _known(build: "Builder", at: Sequence[str], name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        build.say(at, f"no {what} is called '{name}'{near(name, known)}")
