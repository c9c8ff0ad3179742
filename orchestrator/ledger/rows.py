"""The rows of the store as frozen values: what a reader gets and a writer gives.

Rows that come out of the database are not validated (damage must be readable to be reported); rows that
are built by the program or read from an export are.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field

from orchestrator.core.call import Answer, Call, Reply
from orchestrator.core.value import Value, linked
from orchestrator.ledger.ids import RUN_ID

Status = Literal["running", "paused", "failed", "finished"]
"""As stored. A stored `running` whose lock is free is `interrupted`: see `Ledger.status_of`."""

_SHA = r"^[0-9a-f]{64}$"
_SHA_OR_NONE_YET = r"^([0-9a-f]{64})?$"
_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"
_MOST = 2**63 - 1


class RunRow(Value):
    """One run: what it is, where it stands, and the totals that find a truncated record."""

    id: str = Field(pattern=RUN_ID)
    """See `ids.new_run_id`."""
    name: str | None = None
    """Unique where given; see `ids.checked_name`."""
    scenario: str
    """The scenario's id."""
    seed: int = Field(ge=-_MOST - 1, le=_MOST)
    """The run's seed, as in the design."""
    design: str = Field(pattern=_SHA)
    """sha256 of the design's text, which is in `texts`."""
    parent: str | None = Field(default=None, pattern=RUN_ID)
    """The id of the run this one was forked from; it may have been deleted since."""
    parent_hash: str | None = Field(default=None, pattern=_SHA)
    """The parent's last hash at the fork point; null: no fork."""
    fork_round: int | None = Field(default=None, ge=0, le=_MOST)
    """The last round that was kept from the parent; null: no fork."""
    rounds_limit: int | None = Field(default=None, ge=0, le=_MOST)
    """The round after which the run is cut short; null: as long as the scenario."""
    rules_version: int = Field(ge=0, le=_MOST)
    """RULES_VERSION the run is played under."""
    engine: str
    """Version of the program that began the run."""
    status: Status = "running"
    reason: str | None = None
    """Why the run stopped; null while it is running."""
    outcome: str | None = None
    """The ending that was reached; null: none yet, or cut short."""
    rounds: int = Field(default=0, ge=0, le=_MOST)
    """The completed rounds: the round of the last event."""
    events: int = Field(default=0, ge=0, le=_MOST)
    """How many events the run has; the next event has this sequence number."""
    last_hash: str = Field(default="", pattern=_SHA_OR_NONE_YET)
    """The hash of the last event; empty: no event."""
    wall_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Seconds the run has been played, over all its sessions."""
    created_at: str = Field(pattern=_UTC)
    """UTC, see `ids.utc_now`."""
    updated_at: str = Field(pattern=_UTC)
    """UTC of the last change of this row; set by the ledger on every write."""
    limits: str = "{}"
    """JSON text of an object: `max_calls`, `max_tokens` ..., cumulative over the run."""
    error: str | None = None
    """The sentence the run stopped with; null: none."""


class EventRow(NamedTuple):
    """One event as stored; made by `chained`. A tuple: a run has a thousand, and many runs are read at once."""

    run: Annotated[str, Field(pattern=RUN_ID)]
    seq: Annotated[int, Field(ge=0, le=_MOST)]
    """0, 1, 2 ... without a gap."""
    round: Annotated[int, Field(ge=0, le=_MOST)]
    kind: str
    """The event's literal, past tense."""
    body: str
    """Canonical JSON text, which the chain covers."""
    hash: Annotated[str, Field(pattern=_SHA)]
    """sha256 of the previous hash and the body."""


class CallRow(Value):
    """One call with its reply as stored. Tokens, seconds and server names are accounting, under no hash."""

    model_config = ConfigDict(defer_build=True)

    run: str = Field(pattern=RUN_ID)
    key: str
    """`r<round>/<seat>/<kind>/<n>`."""
    ord: int = Field(ge=0, le=_MOST)
    """The order of recording within the run: 0, 1, 2 ... without a gap."""
    round: int = Field(ge=0, le=_MOST)
    seat: str
    kind: str
    backend: str
    """The configured name of the backend."""
    backend_kind: str
    model: str
    fingerprint: str = Field(pattern=_SHA)
    request: str = Field(pattern=_SHA)
    """sha256 of the request's text in `texts`; see `requests`."""
    reply: str
    """Canonical JSON text of the `Reply`."""
    reply_hash: str = Field(pattern=_SHA)
    """sha256 of `reply`."""
    outcome: str
    """The reply's outcome, once more."""
    prompt_tokens: int = Field(ge=0, le=_MOST)
    cached_tokens: int = Field(ge=0, le=_MOST)
    completion_tokens: int = Field(ge=0, le=_MOST)
    seconds: float = Field(ge=0, allow_inf_nan=False)
    """Of the try that succeeded."""
    started_at: float = Field(allow_inf_nan=False)
    """Seconds since 1970 when the call was put; with `ended_at` the interval in which it was answered."""
    ended_at: float = Field(allow_inf_nan=False)
    tries: int = Field(ge=0, le=_MOST)
    served_by: str
    """The model name that the server said it used."""
    reused: bool
    """Copied from a parent instead of asked."""
    facts: str = "{}"
    """JSON text of an object: what else the server said about the answer."""

    @property
    def answer(self) -> Reply:
        """The reply as the program reads it. Raises pydantic.ValidationError where the text was damaged."""
        return Reply.model_validate_json(self.reply)


class CallCost(NamedTuple):
    """Of a stored call what it took; see `CallRow`."""

    kind: str
    backend_kind: str
    model: str
    served_by: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    started_at: float
    ended_at: float
    reused: bool


class CallRecord(Value):
    """What `Ledger.keep_call` stores: a call, its answer, and who gave it when."""

    model_config = ConfigDict(defer_build=True)

    call: Call
    answer: Answer
    backend: str
    """The configured name of the backend."""
    started_at: float
    """Seconds since 1970."""
    ended_at: float
    reused: bool = False


class Whole(NamedTuple):
    """All there is of one run at one moment."""

    run: RunRow
    texts: dict[str, str | None]
    """hash -> text of every text the run uses; None where it is missing."""
    calls: tuple[CallRow, ...]
    """In the order of recording."""
    events: tuple[EventRow, ...]


class NewRun(NamedTuple):
    """A run to be written whole: see `Ledger.begin_run`."""

    row: RunRow
    texts: dict[str, str]
    """hash -> text."""
    events: Sequence[EventRow]
    shared: Sequence[str] = ()
    """Hashes of further texts of its own that an earlier run has brought."""


class NewEvent(NamedTuple):
    """An event before it has a place in a chain."""

    round: int
    kind: str
    body: str
    """Canonical JSON text."""


def chained(run: str, new: Iterable[NewEvent], *, first: int = 0, previous: str = "") -> tuple[EventRow, ...]:
    """The events as rows from sequence number `first` on, each linked to the one before; `previous` is the
    hash before the first (empty at the start of a run)."""
    rows: list[EventRow] = []
    for seq, event in enumerate(new, start=first):
        previous = linked(previous, event.body)
        rows.append(EventRow(run, seq, event.round, event.kind, event.body, previous))
    return tuple(rows)


def plain(row: Value) -> dict[str, Any]:
    """A row as the columns of an insert."""
    return dict(row)
