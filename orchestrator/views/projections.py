"""What a stored run comes to, as plain data: the document of a run, and the states it went through.

Everything is folded from rows that are there already: looking costs no call and changes nothing. The keys
are those of the command's JSON, which is a promise: add to them, never rename one.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from orchestrator.config import Price
from orchestrator.core import events as ev
from orchestrator.core.design import Design
from orchestrator.core.draft import scene_of
from orchestrator.core.effects import ARITHMETIC
from orchestrator.core.events import AnyEvent, SeatPlay
from orchestrator.core.law import Law
from orchestrator.core.state import RunState, evolve
from orchestrator.errors import DamageFound
from orchestrator.ledger.rows import CallCost, CallRow, RunRow
from orchestrator.ledger.store import Ledger

FAILURES = (
    "answer_degraded",
    "seat_failed",
    "judge_failed",
    "answer_failed",
    "words_refused",
    "message_refused",
    "action_refused",
    "off_list",
    "rule_failed",
    "conflict",
    "ledger_leaked",
)
"""Kinds of events that `failures` counts: `answer_degraded` under what was wrong with the answer (`repaired`,
`malformed`, `length`, `refused`, `filtered`, `empty`, `off_menu`, `dropped`), the others under their own name."""
_TALLIED = (*FAILURES, "verdict_given")
FREE_KINDS = ("llama", "script")
"""Backends within this process: nobody bills their tokens, unless `[prices]` says so."""


class Facts(NamedTuple):
    """What a run's document is made of, beside its row."""

    design: str
    calls: Sequence[CallCost]
    marked: Sequence[tuple[str, str]]
    """(kind, body) of the events that are counted."""


def run_document(
    ledger: Ledger, row: RunRow, *, prices: Mapping[str, Price] | None = None, seats: bool = True
) -> dict[str, Any]:
    """A run as `runs show`, `run`, `resume` and `fork` print it; without `seats` as in `runs list`.

    Tokens, cost and the seconds of the model are those of calls that this run asked itself; calls copied
    from a parent are counted as `reused`. Raises DamageFound where the design cannot be read.
    """
    marked = ledger.events_of(_TALLIED, row.id).get(row.id, [])
    facts = Facts(ledger.text(row.design), ledger.costs(row.id), marked)
    return _document(ledger, row, facts, prices or {}, seats=seats)


def run_documents(
    ledger: Ledger, *, prices: Mapping[str, Price] | None = None
) -> Iterator[tuple[RunRow, dict[str, Any] | DamageFound]]:
    """Every run as in `runs list`, oldest first, or what is wrong with it; read together, thousands of them."""
    designs, asked, marked = ledger.designs(), ledger.asked(), ledger.events_of(_TALLIED)
    for row in ledger.runs():
        costs = ledger.costs(row.id) if row.id in asked else []
        facts = Facts(designs.get(row.id, ""), costs, marked.get(row.id, ()))
        try:
            yield row, _document(ledger, row, facts, prices or {}, seats=False)
        except DamageFound as error:
            yield row, error


def _document(ledger: Ledger, row: RunRow, facts: Facts, prices: Mapping[str, Price], *, seats: bool) -> dict[str, Any]:
    design, calls = _design(facts.design, row), facts.calls
    asked = [call for call in calls if not call.reused]
    failures, methods = _tallied(facts.marked, row)
    model_s = busy_seconds(asked)
    document: dict[str, Any] = {
        "run": row.id, "name": row.name, "scenario": row.scenario, "seed": row.seed, "status": ledger.status_of(row),
        "reason": row.reason, "rounds": row.rounds, "outcome": row.outcome, "hash": row.last_hash, "parent": row.parent,
        "fork_round": row.fork_round, "variant": design.variant,
    }  # fmt: skip
    if seats:
        document["seats"] = seat_rows(design, backends_of(row))
    return document | {
        "calls": {
            "total": len(calls),
            "asked": len(asked),
            "reused": len(calls) - len(asked),
            "by_kind": _counted(call.kind for call in calls),
        },
        "tokens": {
            "prompt": sum(call.prompt_tokens for call in asked),
            "cached": sum(call.cached_tokens for call in asked),
            "completion": sum(call.completion_tokens for call in asked),
        },
        "cost_usd": cost_usd(asked, prices),
        # A session that was killed could not add its seconds to the row; its answers show that it lasted.
        "seconds": {"wall": round(max(row.wall_s, model_s), 3), "model": round(model_s, 3)},
        "failures": failures,
        "judge": _judge(design, backends_of(row), methods),
        "engine": row.engine,
    }  # fmt: skip


def design_of(ledger: Ledger, row: RunRow) -> Design:
    """The stored design of a run. Raises DamageFound."""
    return _design(ledger.text(row.design), row)


def _design(text: str, row: RunRow) -> Design:
    try:
        return Design.model_validate_json(text)
    except ValidationError as error:
        raise DamageFound(
            f"the design of run {row.id} cannot be read", hint=f"orchestrate verify {row.id}", where=row.id
        ) from error


def backends_of(row: RunRow) -> dict[str, str]:
    """Seat (and `judge`) -> the configured name of who answered for it."""
    named = _object(row.limits, row).get("backends", {})
    return {str(seat): str(name) for seat, name in named.items()}


def _object(text: str, row: RunRow) -> dict[str, Any]:
    """A stored text that is a JSON object. Raises DamageFound."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DamageFound(
            f"the record of run {row.id} cannot be read", hint=f"orchestrate verify {row.id}", where=row.id
        )
    return cast("dict[str, Any]", found)


def plays_now(design: Design) -> dict[str, SeatPlay]:
    """How each seat is played at the end of the record: the design, and what forks changed."""
    plays = dict(design.seats)
    for point in design.forks:
        plays.update(point.seats)
    return plays


def seat_rows(design: Design, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Who plays each seat. A persona is called as its seat is; a seat on policy, or by a log, has no model."""
    rows: list[dict[str, Any]] = []
    for seat, play in plays_now(design).items():
        backend = named.get(seat, play.backend_kind) if play.by == "model" else play.by
        rows.append({"seat": seat, "persona": seat, "backend": backend, "model": model_name(play)})
    return rows


def model_name(play: SeatPlay) -> str | None:
    """What people call the model; None: no model."""
    return play.model_label or play.model if play.by == "model" else None


def _judge(design: Design, named: Mapping[str, str], methods: set[str]) -> dict[str, Any] | None:
    if design.judge is None:
        return None
    kinds = ",".join(dict.fromkeys(play.backend_kind for play in design.judge.plays))
    models = ",".join(model_name(play) or "" for play in design.judge.plays)
    method = None if not methods else methods.pop() if len(methods) == 1 else "mixed"
    return {"backend": named.get("judge", kinds), "model": models, "method": method, "calibration": None}


def _tallied(marked: Iterable[tuple[str, str]], row: RunRow) -> tuple[dict[str, int], set[str]]:
    """(failures by kind, methods of the verdicts); only the bodies that are needed are parsed."""
    found: list[str] = []
    methods: set[str] = set()
    for kind, body in marked:
        if kind == "answer_degraded":
            found.append(str(_object(body, row).get("what")))
        elif kind == "verdict_given":
            methods.add(str(_object(body, row).get("method")))
        else:
            found.append(kind)
    return _counted(found), methods


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))


def busy_seconds(calls: Iterable[CallRow | CallCost]) -> float:
    """Seconds in which at least one call was being answered: the union of the calls' intervals."""
    total, reached = 0.0, -math.inf
    for began, ended in sorted((call.started_at, call.ended_at) for call in calls):
        if ended > reached:
            total += ended - max(began, reached)
            reached = ended
    return total


def cost_usd(calls: Iterable[CallRow | CallCost], prices: Mapping[str, Price]) -> float | None:
    """USD for these calls; None where the price of one is unknown, 0 where nothing was used."""
    total = 0.0
    for call in calls:
        price = prices.get(call.model) or prices.get(call.served_by)
        if call.prompt_tokens + call.completion_tokens == 0 or (price is None and call.backend_kind in FREE_KINDS):
            continue
        if price is None:
            return None
        cached = min(call.cached_tokens, call.prompt_tokens)
        kept = price.prompt if price.cached is None else price.cached
        total += (
            (call.prompt_tokens - cached) * price.prompt + cached * kept + call.completion_tokens * price.completion
        )
    return round(total / 1e6, 9)


def call_document(row: CallRow) -> dict[str, Any]:
    """A line of `runs calls`."""
    return {
        "key": row.key, "round": row.round, "seat": row.seat, "kind": row.kind, "backend": row.backend,
        "model": row.model, "fingerprint": row.fingerprint, "outcome": row.outcome,
        "tokens": {"prompt": row.prompt_tokens, "cached": row.cached_tokens, "completion": row.completion_tokens},
        "seconds": row.seconds, "reused": row.reused, "tries": row.tries,
    }  # fmt: skip


def states(events: Iterable[AnyEvent], law: Law | None = None) -> list[dict[str, Any]]:
    """The world at the end of each round: `{"round", "from", "to", "values"}`, round 0 is the start.

    `from` and `to` are dates of the world; `values` is entity or process instance -> variable -> value. With
    the law, derived variables stand among them (null where they have no value). What a fork changed belongs
    to the last round it kept.
    """
    found: list[dict[str, Any]] = []
    for round_, state, span in by_round(events):
        found.append({"round": round_, "from": span[0], "to": span[1], "values": world_of(state, law)})
    return found


def by_round(events: Iterable[AnyEvent]) -> Iterable[tuple[int, RunState, tuple[str, str]]]:
    """(round, the state at its end, its first and last day) of every round in the record, from round 0 on."""
    state, at, span = RunState(), 0, ("", "")
    for event in events:
        if event.round != at:
            yield at, state, span
            at = event.round
        if isinstance(event, ev.RunStarted | ev.RoundStarted):
            span = (event.from_ or event.to, event.to)
        state = evolve(state, event)
    if span != ("", ""):
        yield at, state, span


def world_of(state: RunState, law: Law | None = None) -> dict[str, dict[str, Any]]:
    """Entity or process instance -> variable -> value."""
    values = {entity: dict(held) for entity, held in state.values.items()}
    if law is None:
        return values
    scene = scene_of(law, state)
    for entity, held in values.items():
        kind = law.kind_of(entity, state.instances)
        for name, slot in law.names.kinds.get(kind, {}).items():  # a relation has pairs and nothing derived
            if slot.derived:
                held[name] = _derived(law, f"{kind}.{name}", scene, state, entity)
    return values


def _derived(law: Law, name: str, scene: Any, state: RunState, entity: str) -> Any:
    try:
        value = law.derived[name](scene, state.values, entity)
    except ARITHMETIC:
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value
