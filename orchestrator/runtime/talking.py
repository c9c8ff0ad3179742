"""Talks before the decisions of a round: each turn every seat may write once, all at the same time.

A model seat is asked by a call of kind `talk` (`r3/SEAT/talk/1`); a seat on policy writes what its persona's lines
say, or nothing. There are no repairs: an answer that cannot be used is recorded, and nothing is sent.
"""

from collections.abc import Awaitable, Callable, Mapping

from orchestrator.core import parse
from orchestrator.core.events import AnyEvent, Cause, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.observe import glance, observe
from orchestrator.core.prompts import Prompter
from orchestrator.core.seated import Ask, Seated
from orchestrator.core.state import RunState
from orchestrator.core.talkcalls import message, talk_call
from orchestrator.core.talks import others, policy_message, refused, sent, wrong

Gathered = Callable[[list[Awaitable[list[AnyEvent]]]], Awaitable[list[list[AnyEvent]]]]
"""Runs all at once and gives the results in the order given."""


async def talk_turn(
    law: Law,
    prompter: Prompter,
    seats: Mapping[str, SeatPlay],
    state: RunState,
    n: int,
    ask: Ask,
    gathered: Gathered,
) -> list[AnyEvent]:
    """The messages of one turn, in the order of the seats; nobody reads another's before having written."""
    writers = [
        seat
        for seat, held in law.scenario.seats.items()
        if held.members is None and seat not in state.muted and seats[seat].by != "log"
    ]
    turns = [_write(law, prompter, seats[seat], state, seat, n, ask) for seat in writers if others(law, seat)]
    return [event for events in await gathered(list(turns)) for event in events]


async def _write(
    law: Law, prompter: Prompter, play: SeatPlay, state: RunState, seat: str, n: int, ask: Ask
) -> list[AnyEvent]:
    if play.by == "policy":
        written = policy_message(law, state, seat, n)
        if written is None:
            return []
        at = Seated(law, prompter, state, glance(law, state, seat), play)
        return [sent(at, n, written, Cause(kind="move", id=f"{seat}/talk"))]
    at = Seated(law, prompter, state, observe(law, state, seat), play)
    key = f"r{state.round}/{seat}/talk/{n}"
    cause = Cause(kind="call", id=key)
    reply = await ask(talk_call(at, key))
    events = at.dropped(key, reply, matters=("schema",))
    found = message(reply, others(law, seat))
    if isinstance(found, parse.Malformed):
        return [*events, at.degraded(key, found.kind, found.why)]
    written, repaired = found
    if repaired:
        events.append(at.degraded(key, "repaired", "the JSON had to be mended"))
    if written is None:
        return events
    why = wrong(at, written)
    return [*events, refused(at, n, why, cause) if why else sent(at, n, written, cause)]
