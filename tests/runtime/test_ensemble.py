"""Many runs of one design: written whole, some together, the same as alone; what is lost ends them in words."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.value import canonical
from orchestrator.errors import BadUsage, OrchestratorError, RunPaused
from orchestrator.ledger.store import Ledger
from orchestrator.runtime import ensemble, run
from orchestrator.runtime.ensemble import Common, Done, on_policy, play_all, play_out, there_already, wanted_of
from orchestrator.runtime.recorded import recorded
from orchestrator.runtime.workers import FEW, Workers
from tests.support.games import design_of, play, store
from tests.support.prompting import POLICY


def never() -> bool:
    return False


def common(rounds: int | None = None, **more: Any) -> Common:
    _, data, played = design_of(seats={"ann": POLICY}, judge=False, **more)
    return Common(played, canonical(data), rounds, run.Limits(), {})


def alone(ledger: Ledger, shared: Common, seed: int) -> str:
    design, data, played = design_of(seats={"ann": POLICY}, judge=False, seed=seed)
    row = run.begin(
        ledger, design, canonical(data), played, name=None, rounds=shared.rounds, limits=run.Limits(), backends={}
    )  # fmt: skip
    return play(ledger, row).last_hash


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("rounds", [None, 2])
def test_each_has_the_hash_of_a_run_alone(tmp_path: Path, processes: int, rounds: int | None) -> None:
    shared = common(rounds)
    count = FEW + 2
    with store(tmp_path) as ledger:
        done = list(play_all(ledger, shared, wanted_of(4, count, "x"), never, processes=processes))
        rows = ledger.runs()
        assert [one.run for one in done] == [row.id for row in rows]
        assert [(row.name, row.seed) for row in rows] == [(f"x-{n + 1:04d}", 4 + n) for n in range(count)]
        assert {row.rounds_limit for row in rows} == {rounds}
        assert alone(ledger, shared, 5) == rows[1].last_hash != rows[0].last_hash
        assert all(ledger.integrity(row.id) == [] for row in rows)
        assert recorded(ledger, rows[0]).state.round == rows[0].rounds
        assert [done[0].status, done[0].outcome] == [rows[0].status, rows[0].outcome]


def test_some_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "TOGETHER_S", 3600.0)
    monkeypatch.setattr(ensemble, "MOST_TOGETHER", 4)
    with store(tmp_path) as ledger:
        assert len(list(play_all(ledger, common(1), wanted_of(1, 10, None), never, processes=1))) == 10
        assert ledger.commits == 3
        ledger.delete(ledger.runs()[0].id)  # it has brought the text that all share
        assert all(ledger.integrity(row.id) == [] for row in ledger.runs())


def test_what_was_played_before_an_error_is_written_and_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ensemble._one_by_one  # pyright: ignore[reportPrivateUsage]

    def breaking(*given: Any) -> Iterator[Any]:
        records = real(*given)
        yield next(records)
        yield next(records)
        raise RunPaused("a process is lost")

    monkeypatch.setattr(ensemble, "_one_by_one", breaking)
    done: list[Done] = []
    with store(tmp_path) as ledger:
        with pytest.raises(RunPaused, match="lost"):
            done.extend(play_all(ledger, common(1), wanted_of(1, 5, None), never, processes=1))
        assert [one.run for one in done] == [row.id for row in ledger.runs()]
    assert len(done) == 2


def test_a_run_that_the_rules_stop_is_kept_as_far_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ensemble.play_round

    async def stopping(table: Any, state: Any, ask: Any) -> Any:
        if state.round == 1 and state.seed == 2:
            raise OrchestratorError("no further")
        return await real(table, state, ask)

    monkeypatch.setattr(ensemble, "play_round", stopping)
    with store(tmp_path) as ledger:
        done = list(play_all(ledger, common(3), wanted_of(1, 3, None), never, processes=1))
        assert [one.status for one in done] == ["finished", "failed", "finished"]
        row = ledger.run(done[1].run)
        assert (row.rounds, row.reason, row.error, row.outcome) == (1, "orchestrator_error", "no further", None)
        monkeypatch.setattr(ensemble, "play_round", real)
        assert play(ledger, row).last_hash == alone(ledger, common(3), 2)


def test_it_stops_between_two_rounds() -> None:
    shared, asked = common(), iter([False, False, True])
    assert play_out(shared.played, None, lambda: next(asked)) is None


def test_only_what_asks_nobody_is_played_so() -> None:
    assert on_policy(common().played.design)
    assert not on_policy(design_of(judge=False)[0])
    assert not on_policy(design_of(seats={"ann": POLICY})[0])


def test_the_names_tell_what_is_there(tmp_path: Path) -> None:
    shared, runs = common(1), wanted_of(1, 3, "x")
    with store(tmp_path) as ledger:
        list(play_all(ledger, shared, runs[:2], never, processes=1))
        assert list(there_already(ledger, shared, runs)) == ["x-0001", "x-0002"]
        assert there_already(ledger, shared, wanted_of(1, 3, None)) == {}
        for other in (common(2), common(1, sets={"alpha.x": 7})):
            with pytest.raises(BadUsage, match="x-0001"):
                there_already(ledger, other, runs)


def test_a_worker_lost_in_the_middle_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Workers] = []
    real = Workers.__enter__

    def entered(self: Workers) -> Workers:
        made.append(self)
        return real(self)

    monkeypatch.setattr(Workers, "__enter__", entered)
    done: list[Done] = []

    def killing(runs: Iterator[Done]) -> Iterator[Done]:
        for one in runs:
            if not done:
                os.kill(made[0]._all[0].process.pid, signal.SIGKILL)  # pyright: ignore[reportPrivateUsage]
            yield one

    with store(tmp_path) as ledger:
        with pytest.raises(RunPaused, match="ended with code -9"):
            done.extend(killing(play_all(ledger, common(), wanted_of(1, 3000, None), never, processes=2)))
        rows = ledger.runs()
    assert [one.run for one in done] == [row.id for row in rows]
    assert 0 < len(rows) < 3000
    assert {row.status for row in rows} == {"finished"}
