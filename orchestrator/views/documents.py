"""Stored events as users script against them: every field by name, every share of a change spelled out.

The stored body is written for size (`core.events`): causes, changes and happenings are arrays, a share that is
the whole difference is left out, and one event holds what all silent rules of a date did.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from orchestrator.core.value import rounded
from orchestrator.errors import DamageFound
from orchestrator.ledger.rows import EventRow

Json = dict[str, Any]


def event_documents(rows: Iterable[EventRow]) -> Iterator[Json]:
    """The lines of `runs events`, in order; `rows` begin with the run's first. Raises DamageFound."""
    values: dict[str, Json] = {}
    for row in rows:
        try:
            yield _document(row, values)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DamageFound(
                f"event {row.seq} of run {row.run} cannot be read",
                hint=f"orchestrate verify {row.run}",
                where=str(row.seq),
            ) from error


def _document(row: EventRow, values: dict[str, Json]) -> Json:
    body = cast("Json", json.loads(row.body))
    kind, id_ = body["cause"]
    made: Json = {
        "seq": row.seq,
        "round": body["round"],
        "from": body.get("from", body["to"]),
        "to": body["to"],
        "kind": body["kind"],
        "cause": {"kind": kind, "id": id_},
        "hash": row.hash,
        "cites": [],
    }
    made |= {key: value for key, value in body.items() if key not in ("cause", "changes", "emits")}
    if "changes" in body:
        made["changes"] = [_change(change, values) for change in body["changes"]]
        for entity, variable, value, *_ in body["changes"]:
            values.setdefault(entity, {})[variable] = value
    if "emits" in body:
        made["emits"] = [{"name": name, "params": params} for name, params in body["emits"]]
    if body["kind"] == "numbers_moved":
        named = [rule for rule, count in body["rules"] for _ in range(count)]
        made["changes"] = [{"rule": rule, **held} for rule, held in zip(named, made["changes"], strict=True)]
        made["rules"] = [rule for rule, _ in body["rules"]]
    if body["kind"] == "run_started":
        values |= {entity: dict(held) for entity, held in cast("dict[str, Json]", body["values"]).items()}
    if body["kind"] == "process_started":
        values[body["instance"]] = dict(body["values"])
    return made


def _change(change: list[Any], values: dict[str, Json]) -> Json:
    entity, variable, value, *share = change
    before = values.get(entity, {}).get(variable)
    delta = share[0] if share else None
    if delta is None and _number(value) and _number(before):
        delta = rounded(value - before)
    return {"entity": entity, "variable": variable, "delta": delta, "value": value}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def caused_by(document: Json, wanted: str, instances: set[str]) -> Json | None:
    """The event as far as the rule, process, instance or action of this name caused it; None: not at all.

    `instances` are those of the process of that name, as far as the events went; what begins is added.
    """
    if document["kind"] == "process_started" and document.get("process") == wanted:
        instances.add(str(document.get("instance")))
    if document["kind"] == "numbers_moved":
        own = [change for change in document["changes"] if change["rule"] == wanted]
        return {**document, "cause": {"kind": "rule", "id": wanted}, "changes": own} if own else None
    cause = cast("dict[str, str]", document["cause"])
    match cause["kind"]:
        case "move":
            return document if cause["id"].rpartition("/")[2] == wanted else None
        case "process":
            return document if cause["id"] == wanted or cause["id"] in instances else None
        case _:
            return document if cause["id"] == wanted else None
