"""Runs through a real store: played, stopped, resumed, replayed, forked, verified."""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.call import Answer, Call
from orchestrator.core.events import RULES_VERSION, SeatPlay
from orchestrator.errors import (
    BackendFailed,
    BadUsage,
    BudgetExhausted,
    OtherRules,
    ReplayDiverged,
    RunBusy,
    RunPaused,
    UnknownRound,
)
from orchestrator.ledger.rows import RunRow
from orchestrator.ledger.store import Ledger
from orchestrator.runtime import run
from orchestrator.runtime.ask import Stop
from orchestrator.runtime.recorded import Played, law_of_data, recorded
from orchestrator.runtime.replay import Checked, Replayed, check, replay
from tests.support.games import GAME, Nobody, Rule, begin, bodies, by_kind, design_of, play, store
from tests.support.prompting import COMPOSE, POLICY, PROMPTS
from tests.support.worlds import persona, world


def replayed(ledger: Ledger, row: RunRow, **more: Any) -> Replayed:
    return asyncio.run(replay(ledger, recorded(ledger, ledger.run(row.id)), **more))


def checked(ledger: Ledger, row: RunRow) -> Checked:
    return asyncio.run(check(ledger, row.id))


def forked(
    ledger: Ledger,
    row: RunRow,
    at: int,
    *,
    seats: Mapping[str, SeatPlay] | None = None,
    sets: Mapping[str, Any] | None = None,
    rounds: int | None = None,
) -> RunRow:
    parent = recorded(ledger, ledger.run(row.id))
    return run.fork(ledger, parent, at, seats=seats or {}, sets=sets or {}, rounds=rounds, name=None, backends={})


# --- run ----------------------------------------------------------------------------------------------------


def test_a_run_is_played_to_its_end_and_its_row_says_so(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        backend, looker = Rule(), Nobody()
        row = play(ledger, begin(ledger), backend, onlooker=looker)
        assert (row.status, row.reason, row.outcome, row.rounds, row.rules_version) == (
            "finished",
            "ending",
            "out",
            4,
            RULES_VERSION,
        )
        assert looker.rounds == [1, 2, 3, 4]
        calls = list(ledger.calls(row.id))
        assert sorted(call.key for call in calls) == sorted(backend.asked)
        assert not any(call.reused for call in calls)
        assert row.last_hash == list(ledger.events(row.id))[-1].hash
        found = checked(ledger, row)
        assert (found.ok, found.rederived, found.problem, found.events, found.calls) == (
            True,
            True,
            None,
            row.events,
            len(calls),
        )


def test_equal_design_and_answers_give_an_equal_hash_on_another_store(tmp_path: Path) -> None:
    hashes: list[str] = []
    for name in ("one", "two"):
        with store(tmp_path / name) as ledger:
            hashes.append(play(ledger, begin(ledger), Rule()).last_hash)
    assert hashes[0] == hashes[1]


def test_answers_that_come_in_another_order_change_nothing(tmp_path: Path) -> None:
    class Reversed(Rule):
        async def answer(self, call: Call) -> Answer:
            await asyncio.sleep(0.02 if "/ann/" in call.key else 0)
            return await super().answer(call)

    both = {"bob": COMPOSE}
    with store(tmp_path) as ledger:
        one = play(ledger, begin(ledger, seats=both), Rule())
        two = play(ledger, begin(ledger, seats=both), Reversed())
        assert one.last_hash == two.last_hash


def test_no_event_holds_the_run_s_id_or_a_clock_of_ours(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        text = "".join(bodies(ledger, row))
        assert row.id not in text
        assert row.created_at[:10] not in text
        assert str(tmp_path) not in text


def test_all_policy_asks_nothing_and_has_no_judge(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger, seats={"ann": POLICY}))
        assert row.status == "finished"
        assert list(ledger.calls(row.id)) == []


def test_a_limit_of_rounds_cuts_the_run_and_going_on_gives_the_whole(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        whole = play(ledger, begin(ledger), Rule())
        row = play(ledger, begin(ledger, rounds=2), Rule())
        assert (row.status, row.reason, row.outcome, row.rounds) == ("finished", "rounds", None, 2)
        assert checked(ledger, row).ok
        assert play(ledger, row, Rule()).rounds == 2
        ledger.update_run(row.id, rounds_limit=None).result()
        row = play(ledger, row, Rule())
        assert (row.reason, row.last_hash) == ("ending", whole.last_hash)


def test_the_moves_of_seats_on_policy_are_judged_only_when_asked(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        assert {call.seat for call in ledger.calls(row.id) if call.kind == "judge"} == {"ann"}


def test_in_order_each_seat_sees_what_those_before_it_did(tmp_path: Path) -> None:
    data = {**GAME, "turns": {"decide": "in_order", "apply": "in_order", "order": ["bob"]}}
    with store(tmp_path) as ledger:
        row = play(
            ledger,
            begin(ledger, data=data, policies={"ann": persona("ann"), "bob": persona("bob", {"do": "hit"})}),
            Rule(),
        )
        call, _ = ledger.call_record(row.id, "r1/ann/decide/1")
        assert "Alpha is hit and has 7.2 left." in call.messages[-1].content
        assert checked(ledger, row).ok


# --- stop and resume ----------------------------------------------------------------------------------------


class Stopping(Rule):
    """Fails for good at its n-th call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    async def answer(self, call: Call) -> Answer:
        if len(self.asked) == self.at:
            raise BackendFailed("nothing listens there")
        return await super().answer(call)


@pytest.mark.parametrize("at", [0, 1, 2, 5, 7])
def test_a_resumed_run_equals_an_uninterrupted_one_and_asks_nothing_twice(tmp_path: Path, at: int) -> None:
    with store(tmp_path) as ledger:
        whole = Rule()
        expected = play(ledger, begin(ledger), whole)
        row, first, second = begin(ledger), Stopping(at), Rule()
        with pytest.raises(BackendFailed):
            play(ledger, row, first)
        stopped = ledger.run(row.id)
        assert (stopped.status, stopped.reason, stopped.error) == ("failed", "backend_failed", "nothing listens there")
        assert checked(ledger, row).ok
        done = play(ledger, row, second)
        assert (done.status, done.error, done.last_hash) == ("finished", None, expected.last_hash)
        assert len(first.asked) + len(second.asked) == len(whole.asked)
        assert not set(first.asked) & set(second.asked)
        assert checked(ledger, row).ok


def test_a_run_killed_between_its_last_round_and_its_row_is_finished_by_resume(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        ledger.update_run(row.id, status="running", reason=None, outcome=None).result()
        assert checked(ledger, row).ok
        done = play(ledger, row)
        assert (done.status, done.reason, done.outcome, done.last_hash) == ("finished", "ending", "out", row.last_hash)


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        assert play(ledger, row) == row


def test_a_budget_stops_a_run_resumably_and_counts_over_sessions(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row, backend = begin(ledger, limits=run.Limits(max_calls=3)), Rule()
        for _ in range(2):
            with pytest.raises(BudgetExhausted):
                play(ledger, row, backend)
        assert len(backend.asked) == 3
        assert (ledger.run(row.id).status, ledger.run(row.id).reason) == ("paused", "budget_exhausted")


def test_a_stop_pauses_the_run(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = begin(ledger)

        async def go() -> None:
            stop = Stop()
            backends = {("script", "m"): ("rule", Rule(delay=0.05))}
            asyncio.get_running_loop().call_later(0.08, stop.now, run.interrupted())
            await run.play(ledger, row.id, backends, stop, Nobody())

        with pytest.raises(RunPaused):
            asyncio.run(go())
        assert (ledger.run(row.id).status, ledger.run(row.id).reason) == ("paused", "run_paused")
        done = play(ledger, row, Rule())
        assert done.last_hash == play(ledger, begin(ledger), Rule()).last_hash


def test_a_run_under_way_is_refused_to_a_second_player(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = begin(ledger)
        with ledger.lock(row.id), pytest.raises(RunBusy):
            play(ledger, row, Rule())


def test_other_rules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store(tmp_path) as ledger:
        row = begin(ledger)
        for module in ("recorded", "replay"):
            monkeypatch.setattr(f"orchestrator.runtime.{module}.RULES_VERSION", RULES_VERSION + 1)
        with pytest.raises(OtherRules):
            play(ledger, row, Rule())
        with pytest.raises(OtherRules):
            forked(ledger, row, 0)
        assert not replayed(ledger, row).rederived
        assert checked(ledger, row) == Checked(row.id, ok=True, events=2, calls=0, rederived=False, problem=None)


# --- replay -------------------------------------------------------------------------------------------------


def test_a_replay_gives_the_same_bytes_without_a_backend(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        again = replayed(ledger, row)
        assert [event.body() for event in again.events] == bodies(ledger, row)
        assert again.state == recorded(ledger, row).state
        assert replayed(ledger, row, upto=2).state.round == 2


def today(data: Mapping[str, Any] = GAME, prompts: Mapping[str, str] = PROMPTS, **more: Any) -> Played:
    """The same design under other files."""
    from orchestrator.library.design import packed
    from tests.support.games import POLICIES

    held, wrong = packed(data, POLICIES, prompts)
    assert not wrong
    law, texts = law_of_data(held)
    return Played(design_of(**more)[0], law, texts)


def test_today_s_files_replay_where_nothing_changed(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        assert replayed(ledger, row, today=today()).rederived


def test_a_changed_prompt_is_a_divergence_that_names_the_call(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        changed = {**PROMPTS, "compose": PROMPTS["compose"].replace("Choose the one move", "Choose one move")}
        with pytest.raises(ReplayDiverged, match=r"message 2 \(user\) differs") as caught:
            replayed(ledger, row, today=today(prompts=changed))
        assert caught.value.key == "r1/ann/decide/1"


def test_a_changed_rule_is_a_divergence_that_names_the_event(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger, seats={"ann": POLICY}))
        data = world(
            **{**GAME, "rules": {**GAME["rules"], "grow": {**GAME["rules"]["grow"], "add": {"self.cap": "1"}}}}
        )
        with pytest.raises(ReplayDiverged, match="numbers_moved differs at character"):
            replayed(ledger, row, today=today(data, seats={"ann": POLICY}))


# --- fork ---------------------------------------------------------------------------------------------------


def test_a_fork_that_changes_nothing_reuses_every_reply(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        backend, looker = Rule(), Nobody()
        child = play(ledger, forked(ledger, row, 2), backend, onlooker=looker)
        assert backend.asked == []
        assert {key.split("/")[0] for key in looker.reused} == {"r3", "r4"}
        assert all(call.reused for call in ledger.calls(child.id))
        assert (child.parent, child.fork_round, child.outcome) == (row.id, 2, "out")
        mine, theirs = bodies(ledger, child), bodies(ledger, row)
        at = next(index for index, event in enumerate(recorded(ledger, child).events) if event.kind == "run_forked")
        assert mine[:at] == theirs[:at]
        assert mine[at + 1 :] == theirs[at:]
        assert checked(ledger, child).ok


def test_a_fork_shares_every_die_that_its_change_does_not_touch(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger, seats={"ann": POLICY}))
        child = play(ledger, forked(ledger, row, 1, sets={"beta.money": 900}))

        def dice(of: RunRow) -> list[Any]:
            events = recorded(ledger, of).events
            return [(event.kind, event.cause.id, event.to, event.die) for event in events if event.die is not None]

        def moves(of: RunRow) -> list[Any]:
            events = recorded(ledger, of).events
            return [(event.round, event.seat, event.action) for event in events if event.kind == "move_chosen"]

        assert dice(child) == dice(row)
        assert moves(child) == moves(row)
        spent = [
            50 - recorded(ledger, row).state.values["beta"]["money"],
            900 - recorded(ledger, child).state.values["beta"]["money"],
        ]
        assert spent == [15, 10]  # five less, which the parent spent in the round before the fork
        assert checked(ledger, child).ok


def test_a_fork_asks_again_only_where_the_question_is_another_one(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        backend = Rule()
        child = play(ledger, forked(ledger, row, 1, sets={"alpha.cap": 50}), backend)
        assert {key.split("/")[0] for key in backend.asked} <= {"r2", "r3", "r4"}
        assert backend.asked
        assert [call.reused for call in ledger.calls(child.id) if call.round == 1] == [True, True]
        assert checked(ledger, child).ok


def test_a_fork_may_put_a_seat_on_policy_and_be_forked_again(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        child = play(ledger, forked(ledger, row, 1, seats={"ann": POLICY}))
        assert {call.round for call in ledger.calls(child.id)} == {1}
        grandchild = play(ledger, forked(ledger, child, 3, sets={"numbers.k": 9}))
        state = recorded(ledger, grandchild).state
        assert (state.numbers["k"], state.seats["ann"]) == (9, POLICY)
        assert checked(ledger, grandchild).ok


def test_a_fork_outlives_its_parent(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        child = forked(ledger, row, 2)
        ledger.delete(row.id)
        done = play(ledger, child, Rule())
        assert done.status == "finished"
        assert checked(ledger, done).ok


def test_where_a_fork_cannot_begin(tmp_path: Path) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        with pytest.raises(UnknownRound, match="can be 0 to 3"):
            forked(ledger, row, 4)
        with pytest.raises(BadUsage, match="--rounds 2"):
            forked(ledger, row, 2, rounds=2)
        assert play(ledger, forked(ledger, row, 0), Rule()).rounds == 4


# --- verify -------------------------------------------------------------------------------------------------


LAST = "seq = (select max(seq) from events where body like '%Alpha%')"
FIRST = "seq = (select min(seq) from events where body like '%changes%')"


@pytest.mark.parametrize(
    "damage",
    [
        f"update events set body = replace(body, 'Alpha', 'Alphx') where {LAST}",
        f"update events set body = replace(body, '\"changes\":', '\"changes\": ') where {FIRST}",
        "delete from events where seq = (select max(seq) from events)",
        "update calls set reply = replace(reply, 'plausibility', 'plausibilitz') where kind = 'judge' and round = 2",
        "update calls set fingerprint = substr(fingerprint, 2) || substr(fingerprint, 1, 1) where ord = 0",
        "delete from calls where ord = (select max(ord) from calls)",
        "update runs set seed = 2",
        "update runs set outcome = 'won'",
        "update runs set rounds = 3",
        "update texts set text = replace(text, 'Bench', 'Bensh')",
    ],
)
def test_verify_finds_damage(tmp_path: Path, damage: str) -> None:
    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule(by_kind))
    connection = sqlite3.connect(tmp_path / "runs.db")
    assert connection.execute(damage).rowcount
    connection.commit()
    connection.close()
    with store(tmp_path) as ledger:
        found = checked(ledger, row)
        assert not found.ok
        assert found.problem


def test_verify_finds_a_record_whose_chain_was_forged(tmp_path: Path) -> None:
    """Every hash made anew over a changed event: only playing the rounds again finds it."""
    from orchestrator.core.value import linked

    with store(tmp_path) as ledger:
        row = play(ledger, begin(ledger), Rule())
        rows = [(event.seq, event.body) for event in ledger.events(row.id)]
    connection = sqlite3.connect(tmp_path / "runs.db")
    previous = ""
    for seq, body in rows:
        forged = body.replace("It fits", "It suits")
        previous = linked(previous, forged)
        connection.execute("update events set body = ?, hash = ? where seq = ?", (forged, previous, seq))
    connection.execute("update runs set last_hash = ?", (previous,))
    connection.commit()
    connection.close()
    with store(tmp_path) as ledger:
        found = checked(ledger, row)
        assert not found.ok
        assert "verdict_given differs" in (found.problem or "")
