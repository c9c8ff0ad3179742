"""Rows to test with: a small run, its calls and its events."""

from collections.abc import Iterable
from typing import Any

from orchestrator.core.call import Answer, Call, Message, Reply, Sampling, TokenChoice, Usage
from orchestrator.core.value import canonical, digest
from orchestrator.ledger.ids import new_run_id, utc_now
from orchestrator.ledger.rows import CallRecord, EventRow, NewEvent, RunRow, chained
from orchestrator.ledger.store import Ledger

DESIGN = canonical({"scenario": "takeoff", "seed": 7, "prompt": digest("Decide.")})
TEXTS = {digest(DESIGN): DESIGN, digest("Decide."): "Decide."}
SHARED = "Rules of the exercise.\n## Record\nNothing yet.\n## State\ncompute: 1.5"


def run_row(**columns: Any) -> RunRow:
    now = utc_now()
    base: dict[str, Any] = {
        "id": new_run_id(), "scenario": "takeoff", "seed": 7, "design": digest(DESIGN), "rules_version": 1,
        "engine": "0.1.0", "created_at": now, "updated_at": now,
    }  # fmt: skip
    return RunRow(**{**base, **columns})


def started(run: str) -> tuple[EventRow, ...]:
    return chained(run, new_events(0, ["run_started"]))


def new_events(round_: int, kinds: Iterable[str]) -> list[NewEvent]:
    return [
        NewEvent(round_, kind, canonical({"kind": kind, "round": round_, "n": n, "note": "Ä word: 12"}))
        for n, kind in enumerate(kinds)
    ]


def record(n: int, text: str = "We publish.", *, reused: bool = False) -> CallRecord:
    call = Call(
        key=f"r{1 + n // 6}/seat_{n % 6}/decide/1",
        messages=(
            Message(role="system", content=SHARED),
            Message(role="user", content=f"\n## You\nYou hold seat {n % 6}.\n## Question {n}\nWhat now?"),
        ),
        sampling=Sampling(max_tokens=64, top_logprobs=2),
        seed=n,
        backend_kind="script",
        model="canned",
    )
    reply = Reply(text=text, tokens=(TokenChoice(token="We", logprob=-0.25, top=(("We", -0.25), ("I", -1.5))),))
    answer = Answer(
        reply=reply,
        usage=Usage(prompt=100 + n, cached=80, completion=9),
        seconds=0.5,
        served_by="canned-1",
        facts={"id": f"x{n}"},
    )
    return CallRecord(
        call=call, answer=answer, backend="local", started_at=1000.0 + n, ended_at=1000.5 + n, reused=reused
    )


def begun(ledger: Ledger, **columns: Any) -> RunRow:
    row = run_row(**columns)
    return ledger.begin_run(row, TEXTS, started(row.id)).result()


def played(ledger: Ledger, rounds: int = 2, **columns: Any) -> RunRow:
    """A run of some rounds: six calls and three events each."""
    row = begun(ledger, **columns)
    for round_ in range(1, rounds + 1):
        for n in range(6 * (round_ - 1), 6 * round_):
            ledger.keep_call(row.id, record(n)).result()
        row = ledger.run(row.id)
        kinds = ["turn_taken", "effect_applied", "round_ended"]
        new = chained(row.id, new_events(round_, kinds), first=row.events, previous=row.last_hash)
        ledger.append(row.id, row.events, new).result()
    ledger.finish(row.id, "finished", "ending", "contained_incident", wall_s=2.5).result()
    return ledger.run(row.id)
