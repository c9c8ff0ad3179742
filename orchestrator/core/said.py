"""Events of what seats say to each other: private messages and promises; and the promises that still stand.

A message is words to named recipients. A promise is a typed claim about the seat's own moves, kept or broken by
what was carried out, never by what anybody reads into words.
"""

from typing import Literal, NamedTuple

from orchestrator.core.eventbase import Event


class MessageSent(Event):
    """A private message. `text` is the sender's own note of it; the recipients read `words`, and nobody else."""

    kind: Literal["message_sent"] = "message_sent"
    seat: str
    n: int
    """1-based number of the talk's turn in this round."""
    recipients: tuple[str, ...]
    words: str


class MessageRefused(Event):
    """A message that failed the checks, or was for nobody who may read it: it is not delivered."""

    kind: Literal["message_refused"] = "message_refused"
    seat: str
    n: int
    why: tuple[str, ...]


class PromiseMade(Event):
    """A promise of a seat, heard by `audience`."""

    kind: Literal["promise_made"] = "promise_made"
    promise: str
    """Its id: round, seat and number, `r3/upper_farmer/1`."""
    seat: str
    will: bool
    """That it takes the action; false: that it leaves it alone."""
    action: str
    target: str | None = None
    """None: whatever the target."""
    until: int
    """The last round it speaks of; the first is the one after it was made."""
    heard: tuple[str, ...]
    """The seats that learn of it; their policies read `known.promise_made`."""


class PromiseKept(Event):
    kind: Literal["promise_kept"] = "promise_kept"
    promise: str
    seat: str
    action: str
    heard: tuple[str, ...]
    """The seats that learn of it; their policies read `known.promise_kept`."""


class PromiseBroken(Event):
    kind: Literal["promise_broken"] = "promise_broken"
    promise: str
    seat: str
    action: str
    heard: tuple[str, ...]
    """The seats that learn of it; their policies read `known.promise_broken`."""


class Standing(NamedTuple):
    """A promise that is neither kept nor broken yet."""

    id: str
    seat: str
    will: bool
    action: str
    target: str | None
    made: int
    """The round in which it was made."""
    until: int
    heard: tuple[str, ...]
    """Who heard it, beside the one who made it."""
    public: bool
    """Whether everyone did."""
    taken: bool = False
    """Whether the action was carried out since."""


def standing(event: PromiseMade) -> Standing:
    """The promise that this event makes."""
    about = (event.seat, event.will, event.action, event.target)
    return Standing(event.promise, *about, event.round, event.until, event.heard, event.audience is None)


REPORTS = ("promise_made", "promise_kept", "promise_broken")
"""What a seat's policy may know of promises, as of any report."""


def after_move(
    held: tuple[Standing, ...], seat: str, action: str, target: str | None, round_: int
) -> tuple[Standing, ...]:
    """The promises once a move of this seat has been carried out."""
    return tuple(
        one._replace(taken=True)
        if (one.seat, one.action) == (seat, action) and one.target in (None, target) and one.made < round_ <= one.until
        else one
        for one in held
    )
