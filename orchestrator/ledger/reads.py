"""What is read, as functions on a connection: rows as stored, damage and all."""

import difflib
from collections.abc import Sequence

from orchestrator.errors import BadUsage, UnknownRun
from orchestrator.ledger import sql
from orchestrator.ledger.rows import CallCost, CallRow, EventRow, RunRow, Whole
from orchestrator.ledger.talk import On, Row

_PAGE = 1000
_LAST = 2**63 - 1
_REUSED = sql.CALL_COLUMNS.index("reused")


def _run(row: Row) -> RunRow:
    return RunRow.model_construct(None, **dict(zip(sql.RUN_COLUMNS, row, strict=True)))


def _call(row: Row) -> CallRow:
    # SQLite knows no truth values
    return CallRow.model_construct(
        None, **{**dict(zip(sql.CALL_COLUMNS, row, strict=True)), "reused": bool(row[_REUSED])}
    )


def all_runs(on: On) -> list[RunRow]:
    """Every run, oldest first."""
    return [_run(row) for row in on.rows(sql.RUNS)]


def run_row(on: On, run: str) -> RunRow:
    """The run with exactly this id. Raises UnknownRun."""
    found = on.row(sql.RUN, {"run": run})
    if found is None:
        raise UnknownRun(f"there is no run {run[:80]!r}", hint="orchestrate runs list", where=run[:80])
    return _run(found)


def find(on: On, wanted: str) -> RunRow:
    """The run meant by `last`, an id, a name, or the beginning of exactly one id.

    Raises UnknownRun (with what is near), BadUsage where several ids begin so.
    """
    known = on.rows(sql.KNOWN)
    if wanted == "last":
        if not known:
            raise UnknownRun("there is no run yet", hint="orchestrate run --scenario takeoff")
        return run_row(on, known[-1][0])
    for row in known:
        if wanted in row:
            return run_row(on, row[0])
    begun = [row[0] for row in known if wanted and row[0].startswith(wanted)]
    if len(begun) == 1:
        return run_row(on, begun[0])
    if begun:
        some = ", ".join(begun[:5]) + (" ..." if len(begun) > 5 else "")
        raise BadUsage(f"{len(begun)} runs begin with {wanted[:40]!r}: {some}", hint="give more of the id")
    names = [str(name) for row in known for name in row if name]
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "orchestrate runs list"
    raise UnknownRun(f"there is no run {wanted[:80]!r}", hint=hint, where=wanted[:80])


def event_page(on: On, run: str, first: int, last_round: int | None, skip: int) -> list[EventRow]:
    """Up to a page of the events from sequence number `first` on and up to `last_round`, without the first
    `skip` of them (pages are counted, not keyed: a damaged number must not end the reading)."""
    given: dict[str, str | int] = {"run": run, "most": _PAGE, "skip": skip}
    if first > 0 or last_round is not None:
        last = _LAST if last_round is None else last_round
        given |= {"first": first, "last": last}
        return [EventRow(*row) for row in on.rows(sql.EVENTS_BETWEEN, given)]
    return [EventRow(*row) for row in on.rows(sql.EVENTS, given)]


def call_page(on: On, run: str, skip: int) -> list[CallRow]:
    """Up to a page of the calls in the order of recording, without the first `skip`."""
    return [_call(row) for row in on.rows(sql.CALLS, {"run": run, "most": _PAGE, "skip": skip})]


def call_row(on: On, run: str, key: str) -> CallRow | None:
    """The call with this key, or None."""
    found = on.row(sql.CALL, {"run": run, "key": key})
    return None if found is None else _call(found)


def costs(on: On, run: str) -> list[CallCost]:
    """What each call of a run took, in the order of recording."""
    return [CallCost(*row)._replace(reused=bool(row[-1])) for row in on.rows(sql.COSTS, {"run": run})]


def asked(on: On) -> set[str]:
    """The runs that have calls."""
    return {row[0] for row in on.rows(sql.ASKED)}


def designs(on: On) -> dict[str, str]:
    """Run -> the text of its design, where it is there."""
    return dict(on.rows(sql.DESIGNS))


def events_of(on: On, kinds: Sequence[str], run: str | None) -> dict[str, list[tuple[str, str]]]:
    """Run -> (kind, body) of its events of these kinds, in sequence; of one run, or of all that have any."""
    found: dict[str, list[tuple[str, str]]] = {}
    given = {"run": run, **{f"kind{number}": kind for number, kind in enumerate(kinds)}}
    if run is None:
        del given["run"]
    for of, kind, body in on.rows(sql.events_of_kinds(len(kinds), of_one=run is not None), given):
        found.setdefault(of, []).append((kind, body))
    return found


def whole(on: On, run: str) -> Whole:
    """All of a run, read within one transaction. Raises UnknownRun."""
    row = run_row(on, run)
    found_calls: list[CallRow] = []
    while page := call_page(on, run, len(found_calls)):
        found_calls += page
    found_events: list[EventRow] = []
    while events_page := event_page(on, run, 0, None, len(found_events)):
        found_events += events_page
    texts: dict[str, str | None] = dict(on.rows(sql.TEXTS_OF, {"run": run}))
    return Whole(row, texts, tuple(found_calls), tuple(found_events))


def storage_problems(on: On) -> list[str]:
    """What SQLite finds wrong with its own pages, indexes and references."""
    found = [str(row[0]) for row in on.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
    loose = on.rows("PRAGMA foreign_key_check")
    return found + [f"a row of {row[0]} names a row of {row[2]} that is not there" for row in loose[:20]]


def text_of(on: On, key: str) -> str | None:
    """The text under the hash, or None."""
    found = on.row(sql.TEXT, {"hash": key})
    return None if found is None else found[0]
