"""Whether a record holds together by itself: chain, totals, texts, fingerprints, hashes. No rules needed.

The same questions are put to a run in the store and to one in a file that asks to be let in. Columns may
hold anything here (a damaged database keeps what was written into it), so nothing is taken for granted.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from orchestrator.core.call import Reply
from orchestrator.core.value import canonical, digest, linked
from orchestrator.ledger.requests import UnreadableError, call_of, part_hashes
from orchestrator.ledger.rows import CallRow, EventRow, RunRow, Whole

TextOf = Callable[[str], str | None]
_KEY = re.compile(r"r(0|[1-9][0-9]*)/([^/\s]+)/([a-z]+)/[0-9]+", re.ASCII)


def problems(whole: Whole) -> Iterator[str]:
    """What is wrong with a run, a sentence each; nothing: it holds together."""
    yield from text_problems(whole.texts)
    if whole.texts.get(whole.run.design) is None:
        yield f"the design {str(whole.run.design)[:12]} is not among the texts of the run"
    yield from row_problems(whole.run)
    yield from chain_problems(whole.run, whole.events)
    yield from call_problems(whole.calls, whole.texts)


def row_problems(run: RunRow) -> Iterator[str]:
    """What cannot be in a row of `runs`, whatever the run."""
    try:
        RunRow.model_validate(dict(run), strict=True)
    except ValidationError as error:
        for fault in error.errors():
            yield f"the row of the run: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        return
    try:
        limits: Any = json.loads(run.limits)
    except (ValueError, RecursionError):
        limits = None
    if not isinstance(limits, dict):
        yield "the row of the run: limits: no JSON object"


def text_problems(texts: Mapping[str, str | None]) -> Iterator[str]:
    """Texts that are missing or not what their hash says."""
    for key, text in texts.items():
        if text is None:
            yield f"text {key[:12]} is missing"
        elif not isinstance(cast(Any, text), str) or digest(text) != key:
            yield f"text {key[:12]} is not the one that was stored: its hash is another"


def chain_problems(run: RunRow, events: Iterable[EventRow]) -> Iterator[str]:
    """Gaps, broken links, columns that contradict the body, and totals that contradict the events."""
    previous, count, last_round = "", 0, 0
    for event in events:
        if event.seq != count:
            yield f"events: {event.seq!r} stands where {count} is due"
        if not isinstance(cast(Any, event.body), str) or linked(previous, event.body) != event.hash:
            yield f"chain broken at event {event.seq!r}: its hash is not that of its body and the hash before"
        else:
            yield from _body_problems(event)
        previous, count, last_round = str(event.hash), count + 1, event.round
    if count != run.events:
        yield f"the run counts {run.events!r} events, and {count} are there"
    if previous != run.last_hash:
        yield "the last event's hash is not the last hash of the run"
    if last_round != run.rounds:
        yield f"the run counts {run.rounds!r} rounds, and its last event is of round {last_round!r}"


def _body_problems(event: EventRow) -> Iterator[str]:
    try:
        body: Any = json.loads(event.body)
    except (ValueError, RecursionError):
        yield f"event {event.seq!r}: its body is no JSON"
        return
    if not isinstance(body, dict):
        yield f"event {event.seq!r}: its body is no JSON object"
        return
    for name, stored in (("kind", event.kind), ("round", event.round)):
        said = cast(dict[str, Any], body).get(name, stored)
        if said != stored:
            yield f"event {event.seq!r}: the column {name} says {stored!r}, its body {said!r}"


def call_problems(calls: Iterable[CallRow], texts: Mapping[str, str | None]) -> Iterator[str]:
    """Gaps in the order, and calls whose columns do not follow from their request and reply."""
    for order, row in enumerate(calls):
        if row.ord != order:
            yield f"call {row.key}: number {row.ord!r} stands where {order} is due"
        for problem in (*_request_problems(row, texts.get), *_reply_problems(row)):
            yield f"call {row.key}: {problem}"


def _request_problems(row: CallRow, text_of: TextOf) -> Iterator[str]:
    place = _KEY.fullmatch(str(row.key))
    if place is None or place.groups() != (str(row.round), row.seat, row.kind):
        yield "its round, seat and kind are not those of its key"
        return
    request = text_of(row.request)
    if request is None:
        yield f"its request {str(row.request)[:12]} is missing"
        return
    try:
        missing = [part for part in part_hashes(request) if text_of(part) is None]
        if missing:
            yield f"part {missing[0][:12]} of its prompt is missing"
            return
        call = call_of(row.key, request, text_of)
    except UnreadableError as error:
        yield str(error)
        return
    if call.fingerprint != row.fingerprint:
        yield "its fingerprint does not follow from its request"
    if (call.backend_kind, call.model) != (row.backend_kind, row.model):
        yield "its backend kind and model are not those of its request"


def _reply_problems(row: CallRow) -> Iterator[str]:
    if not isinstance(cast(Any, row.reply), str) or digest(row.reply) != row.reply_hash:
        yield "its reply is not the one that was stored: its hash is another"
        return
    try:
        reply = Reply.model_validate_json(row.reply)
    except ValidationError as error:
        yield f"its reply cannot be read: {error.errors()[0]['msg']}"
        return
    if canonical(reply.model_dump(mode="json")) != row.reply:
        yield "its reply is not in canonical form"
    if reply.outcome != row.outcome:
        yield f"its outcome is {row.outcome!r}, and its reply says {reply.outcome!r}"
