"""Private messages before the decisions: what a seat on policy writes, and what every message is checked for.

A message reaches its recipients only, stands in their prompts between the marks of speech, and is held to the
checks of spoken lines: nobody's private facts, no figure that the record does not hold, nothing in another's name.
"""

import math
from typing import NamedTuple

from orchestrator.core import events as ev
from orchestrator.core import speech
from orchestrator.core.dice import roll
from orchestrator.core.draft import Draft, scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import AnyEvent, Cause
from orchestrator.core.law import CTalk, Law
from orchestrator.core.prompts import quoted
from orchestrator.core.seated import Seated
from orchestrator.core.state import Line, RunState
from orchestrator.core.text import render

OWN = ("We chose to ", "We wrote to ")
"""How a seat's notes of its own doing begin."""
LONGEST = 1000
"""Characters of a message, whatever its words."""
_WAIVED = ("not in the first person", "too long")
"""A message may be a question; its length is counted in words."""


class Written(NamedTuple):
    """A message as it was written."""

    to: tuple[str, ...]
    """Seats, in the scenario's order."""
    words: str


def others(law: Law, seat: str) -> tuple[str, ...]:
    """Whom a seat may write to: every seat that takes turns, but itself."""
    return tuple(one for one, held in law.scenario.seats.items() if one != seat and held.members is None)


def policy_message(law: Law, state: RunState, seat: str, n: int) -> Written | None:
    """Picks by weight among the lines that hold and have not been written this round, as a policy picks its move."""
    scene = scene_of(law, state, {"self": law.scenario.seats[seat].plays, "seat": seat,
                                  "my": state.draws.get(seat, {})}, seat=seat)  # fmt: skip
    best: tuple[float, CTalk, str] | None = None
    written = {line.text for line in state.notebook.get(seat, ()) if line.round == state.round}
    for line in law.talks.get(seat, ()):
        try:
            if not line.when.run(scene):
                continue
            words = quoted(render(line.says, scene, Draft(law, state, 0).label), LONGEST)
        except ARITHMETIC:
            continue  # a line without a value is not written
        if noted(law, Written(line.to, words)) in written:
            continue
        die = roll(state.seed, f"r{state.round}", seat, "talk", line.id, n)
        reached = -math.log(1.0 - die) / line.weight
        if best is None or reached < best[0]:
            best = reached, line, words
    return None if best is None else Written(best[1].to, best[2])


def noted(law: Law, message: Written) -> str:
    """The sender's own note of a message."""
    labels = [law.labels[seat] for seat in message.to]
    who = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    return f"We wrote to {who}: {message.words}"


def sent(at: Seated, n: int, message: Written, cause: Cause) -> AnyEvent:
    """The event of a message that is delivered."""
    common = at.common(cause, text=noted(at.law, message), audience=(at.seat,))
    return ev.MessageSent(**common, seat=at.seat, n=n, recipients=message.to, words=message.words)


def refused(at: Seated, n: int, why: tuple[str, ...], cause: Cause) -> AnyEvent:
    """The event of a message that is not: its writer is told why."""
    text = f"Our message was not delivered: {', '.join(why)}."
    return ev.MessageRefused(**at.common(cause, text=text, audience=(at.seat,)), seat=at.seat, n=n, why=why)


def wrong(at: Seated, message: Written) -> tuple[str, ...]:
    """The checks that a message fails; none: it is delivered."""
    most = at.law.scenario.talks.words
    count = len(message.words.split())
    found = [f"more than {most} words"] if count > most or len(message.words) > LONGEST else []
    found += [why for why in speech.failed(message.words, _ground(at, message)) if why not in _WAIVED]
    return tuple(found)


def _ground(at: Seated, message: Written) -> speech.Ground:
    """What a message is checked against: it may quote what its one reader wrote, and nobody else's letters."""
    law, seen = at.law, at.seen
    own = law.scenario.seats[at.seat].plays
    played = {seat.plays for seat in law.scenario.seats.values()}
    names = [label for name, label in law.labels.items() if name not in (own, at.seat)
             and (name in law.scenario.seats or name in played)]  # fmt: skip
    private = [fact.fact for fact in law.personas[at.seat].private]
    private += [line.text for line in seen.notebook if line.speaker != at.seat and _secret(line, message.to)]
    texts = [line.text for line in (*seen.record, *seen.notebook)]
    texts += [f"{option.label} {option.purpose}" for option in seen.options]
    return speech.Ground("", (), at.prompter.prompts["talk"], private, names, texts, seen.public)


def _secret(line: Line, to: tuple[str, ...]) -> bool:
    """Whether a note may not be handed on in its own words: a report, or what somebody else wrote."""
    return (line.speaker,) != to if line.speaker else not line.text.startswith(OWN)
