"""A run as the store holds it, made ready to be played on: its design, its law, its events and its calls."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestrator.core import logs, rules
from orchestrator.core.calendar import iso, span_of
from orchestrator.core.call import Answer, Reply, Usage
from orchestrator.core.compile import compile_law
from orchestrator.core.design import Design, ForkPoint
from orchestrator.core.events import RULES_VERSION, AnyEvent, Cause, RunForked, event_from
from orchestrator.core.law import Law
from orchestrator.core.state import RunState, fold
from orchestrator.errors import BadScenario, DamageFound, OtherRules
from orchestrator.ledger.rows import CallRow, EventRow, RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.library import from_data
from orchestrator.runtime.ask import Kept


@dataclass(frozen=True)
class Played:
    """A design with its law: all that a round needs beside its state."""

    design: Design
    law: Law
    prompts: dict[str, str]


@dataclass(frozen=True)
class Recorded:
    """A stored run."""

    row: RunRow
    played: Played
    events: tuple[AnyEvent, ...]
    rows: tuple[EventRow, ...]
    state: RunState


_laws: dict[str, tuple[Law, dict[str, str]]] = {}
"""Text of packed data -> its law and prompts: one process compiles a scenario once."""


def remember_law(text: str, law: Law, prompts: dict[str, str]) -> None:
    """Keeps a law that was compiled from this text."""
    if len(_laws) >= 8:
        _laws.pop(next(iter(_laws)))
    _laws[text] = law, prompts


def law_of(text: str) -> tuple[Law, dict[str, str]]:
    """The law and the prompts of packed data, as stored. Raises BadScenario with the first problem."""
    if text not in _laws:
        remember_law(text, *law_of_data(json.loads(text)))
    return _laws[text]


def law_of_data(data: Any) -> tuple[Law, dict[str, str]]:
    """The same from plain data."""
    scenario, personas, prompts = from_data(data)
    compiled = compile_law(scenario, personas)
    if compiled.law is None:
        problem = compiled.problems[0]
        raise BadScenario(f"{'.'.join(problem.path)}: {problem.message}", where=".".join(problem.path))
    return compiled.law, prompts


def played_of(ledger: Ledger, row: RunRow) -> Played:
    """The design of a run and its law, from the store alone. Raises DamageFound."""
    try:
        design = Design.model_validate_json(ledger.text(row.design))
        law, prompts = law_of(ledger.text(design.data))
    except (ValidationError, ValueError, RecursionError) as error:
        raise DamageFound(
            f"the design of run {row.id} cannot be read: {' '.join(str(error).split())[:120]}",
            hint=f"orchestrate verify {row.id}",
        ) from error
    if why := unfit(design, law):
        raise DamageFound(
            f"the design of run {row.id} does not fit its scenario: {why}", hint=f"orchestrate verify {row.id}"
        )
    return Played(design, law, prompts)


def unfit(design: Design, law: Law) -> str | None:
    """Why a stored design cannot be played under its law; None: it can."""
    seats = set(law.scenario.seats)
    if set(design.seats) != seats:
        return "it does not say for each seat, and for no other, how it is played"
    if not all(seats.issuperset((*fork.seats, *fork.mutes)) for fork in design.forks):
        return "a fork changes a seat that is not there"
    if design.judge is not None and not design.judge.plays:
        return "its judge is nobody"
    if why := logs.unfit(law, design.log):
        return why
    for sets in (design.sets, *(fork.sets for fork in design.forks)):
        for path, value in sets.items():
            if not _settable(law, path, value):
                return f"{path[:60]} cannot be set to {str(value)[:30]!r}"
    return None


def _settable(law: Law, path: str, value: Any) -> bool:
    head, _, rest = path.partition(".")
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e300
    if head == "numbers":
        return rest in law.scenario.numbers and number
    info = law.info_of(head, rest)
    if info is None or info.derived:
        return False
    match info.type.name:
        case "num":
            return number
        case "bool":
            return isinstance(value, bool)
        case "enum":
            return value in info.type.names
        case _:
            return value is None or (isinstance(value, str) and law.names.entities.get(value) == info.type.kind)


def recorded(ledger: Ledger, row: RunRow, rows: tuple[EventRow, ...] | None = None) -> Recorded:
    """The run with its events folded; `rows`: where they are read already. Raises DamageFound."""
    rows = tuple(ledger.events(row.id)) if rows is None else rows
    try:
        events = tuple(event_from(held.body, str(held.kind)) for held in rows)
        state = fold(events)
    except (ValidationError, KeyError, TypeError) as error:
        raise DamageFound(
            f"the events of run {row.id} cannot be read: {str(error)[:120]}", hint=f"orchestrate verify {row.id}"
        ) from error
    return Recorded(row, played_of(ledger, row), events, rows, state)


def own_rules(row: RunRow) -> None:
    """Raises OtherRules where the run was played under rules that this program no longer has."""
    if row.rules_version != RULES_VERSION:
        raise OtherRules(
            f"run {row.id} was played under rules version {row.rules_version}, this program has {RULES_VERSION}",
            hint=f"orchestrate replay {row.id} shows it as it was stored",
        )


def kept_of(rows: Iterable[CallRow], *, after: int = 0) -> dict[str, Kept]:
    """Stored calls by key, from the round after `after` on, with the accounting a copy needs. Raises DamageFound."""
    return {row.key: _kept(row) for row in rows if row.round > after}


def _kept(row: CallRow) -> Kept:
    try:
        reply = Reply.model_validate_json(row.reply)
        usage = Usage(prompt=row.prompt_tokens, cached=row.cached_tokens, completion=row.completion_tokens)
        answer = Answer(
            reply=reply,
            usage=usage,
            seconds=row.seconds,
            tries=row.tries,
            served_by=row.served_by,
            facts=json.loads(row.facts),
        )
    except (ValidationError, ValueError) as error:
        raise DamageFound(
            f"the reply to {row.key} cannot be read", hint=f"orchestrate verify {row.run}", where=row.key
        ) from error
    return Kept(row.fingerprint, reply, answer, row.backend)


def fork_events(law: Law, fork: ForkPoint) -> list[AnyEvent]:
    """The events with which a fork begins: what it changed, dated at the end of the last round kept."""
    date = iso(law.start) if fork.at == 0 else iso(span_of(law.start, law.scenario.clock.step, fork.at)[1])
    base: dict[str, Any] = {"round": fork.at, "to": date, "cause": Cause(kind="fork", id=f"r{fork.at}")}
    forked = RunForked(
        **base, parent_hash=fork.parent_hash, at=fork.at, seats=fork.seats, sets=fork.sets, mutes=fork.mutes
    )
    return [forked, *rules.set_values(base, fork.sets)]
