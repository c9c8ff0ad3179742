"""`runs ...`: what the commands print, for programs and for people."""

import json
from pathlib import Path

import pytest

from tests.cli.gallery_kit import Shell, clear, enter

DOCUMENT = {
    "run", "name", "scenario", "seed", "status", "reason", "rounds", "outcome", "hash", "parent", "fork_round", "seats",
    "calls", "tokens", "cost_usd", "seconds", "failures", "judge", "engine", "variant",
}  # fmt: skip


@pytest.fixture
def ids(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return enter(tmp_path, tmp_path_factory, monkeypatch)


@pytest.fixture
def sh(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_without_a_store_the_list_is_empty_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell
) -> None:
    clear(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert (said := sh("runs", "list", "--json")).code == 0
    assert said.json == {"runs": []}
    assert "no run yet in runs/orchestrate.db" in sh("runs", "list").out
    assert sh("verify", "--json").json == {"runs": [], "ok": True}
    for words in (
        ["runs", "show", "last"],
        ["runs", "events", "x"],
        ["verify", "x"],
        ["story", "last"],
        ["runs", "delete", "x", "--yes"],
    ):
        assert (said := sh(*words, "--json")).code == 6
        assert said.json["error"]["kind"] == "unknown_run"
    assert list(tmp_path.iterdir()) == []


def test_list(ids: dict[str, str], sh: Shell) -> None:
    found = sh("runs", "list", "--json").json["runs"]
    assert [one["run"] for one in found] == list(ids.values())
    assert all(set(one) == DOCUMENT - {"seats"} for one in found)
    lines = sh("runs", "list").out.splitlines()
    assert lines[0].split() == ["RUN", "NAME", "SCENARIO", "SEED", "STATUS", "ROUNDS", "OUTCOME"]
    assert lines[4].split() == [ids["short"], "short", "duel", "3", "finished", "2", "rounds"]


def test_show(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    document = sh("runs", "show", "talk", "--json").json
    assert set(document) == DOCUMENT
    assert document["cost_usd"] is None
    (tmp_path / "orchestrate.toml").write_text('[prices."parrot-1"]\nprompt = 1.0\ncompletion = 1.0\n', "utf-8")
    assert sh("runs", "show", "talk", "--json").json["cost_usd"] == pytest.approx(1210e-6)
    out = sh("runs", "show", ids["talk"][:9]).out
    assert f"run {ids['talk']}  talk" in out
    assert "judge      Parrot on cage, sampled (uncalibrated)" in out
    assert "status     finished with out after 4 rounds" in out
    assert f"fork of    {ids['plain']}, after round 2" in sh("runs", "show", "child").out
    assert "cut short by --rounds" in sh("runs", "show", "last").out


def test_state(ids: dict[str, str], sh: Shell) -> None:
    every = sh("runs", "state", "plain", "--every-round", "--json").json
    assert every["run"] == ids["plain"]
    assert [one["round"] for one in every["rounds"]] == [0, 1, 2, 3, 4]
    assert set(every["rounds"][0]) == {"round", "from", "to", "values"}
    assert every["rounds"][0]["values"]["beta"]["money"] == 50
    assert sh("runs", "state", "plain", "--json").json["rounds"] == [every["rounds"][4]]
    assert sh("runs", "state", "plain", "--round", "2", "--json").json["rounds"] == [every["rounds"][2]]
    start = sh("runs", "state", "plain", "--round", "0").out.splitlines()
    assert start[0] == "At the start (2023-07-01)"
    assert ["alpha", "money", "100", "m", "usd"] in [line.split() for line in start]
    assert "After round 2 (2023-10-01 to 2023-12-31)" in sh("runs", "state", "plain", "--every-round").out


def test_a_round_that_was_not_played(ids: dict[str, str], sh: Shell) -> None:
    said = sh("runs", "state", "short", "--round", "3", "--json")
    assert said.code == 6
    assert said.json["error"]["kind"] == "unknown_round"
    assert "completed 2 rounds" in said.json["error"]["message"]
    assert sh("runs", "state", "short", "--round", "1", "--every-round").code == 2


def test_events(ids: dict[str, str], sh: Shell) -> None:
    found = sh("runs", "events", "talk", "--json").lines
    assert [one["seq"] for one in found] == list(range(len(found)))
    assert all({"seq", "round", "from", "to", "kind", "cause", "hash", "cites"} <= set(one) for one in found)
    assert found[-1]["hash"] == sh("runs", "show", "talk", "--json").json["hash"]
    assert [one["cites"] for one in found if one["kind"] == "run_ended"] == [["C1"]]
    out = sh("runs", "events", "talk").out
    assert "Round 1: 2023-07-01 to 2023-09-30" in out
    assert "alpha.money 70 (-30); alpha.compute 15 (+5)" in out
    assert "(only seat_b) A friend saw Alpha at 6." in out


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        ("grow", {"numbers_moved"}),
        ("case", {"stage_entered", "rule_fired", "process_ended"}),
        ("case_1", {"stage_entered", "rule_fired", "process_ended"}),
        ("buy", {"move_chosen", "action_taken"}),
        ("follow", {"rule_fired", "report_sent", "report_arrived"}),
    ],
)
def test_events_of_one_rule(ids: dict[str, str], sh: Shell, rule: str, kinds: set[str]) -> None:
    found = sh("runs", "events", "plain", "--rule", rule, "--json").lines
    assert {one["kind"] for one in found} == kinds


def test_events_of_an_unknown_rule(ids: dict[str, str], sh: Shell) -> None:
    said = sh("runs", "events", "plain", "--rule", "grwo", "--json")
    assert said.code == 2
    assert "did you mean 'grow'?" in said.json["error"]["message"]


def test_calls(ids: dict[str, str], sh: Shell) -> None:
    found = sh("runs", "calls", "talk", "--json").lines
    assert [one["key"] for one in found[:2]] == ["r1/seat_a/decide/1", "r1/seat_a/judge/1"]
    assert {"key", "round", "seat", "kind", "backend", "model", "fingerprint", "outcome", "tokens", "seconds"} <= set(
        found[0]
    )
    assert found[0]["tokens"] == {"prompt": 100, "cached": 60, "completion": 10}
    assert "messages" not in found[0]
    full = sh("runs", "calls", "talk", "--full", "--json").lines
    assert [one["key"] for one in full] == [one["key"] for one in found]
    assert "You lead Alpha." in full[0]["messages"][1]["content"]
    assert json.loads(full[0]["reply"]["text"])["action"] == "buy"
    assert "no call" in sh("runs", "calls", "plain").out
    table = sh("runs", "calls", "talk").out.splitlines()
    assert table[1].split() == ["r1/seat_a/decide/1", "cage", "ok", "100", "60", "10", "0.0"]


def test_calls_in_full_for_people_move_no_cursor(ids: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    from orchestrator.cli.main import main

    assert main(["runs", "calls", "talk", "--full"]) == 0
    out = capsys.readouterr().out
    assert "[answer]" in out
    assert "\x1b" not in out


def test_diff(ids: dict[str, str], sh: Shell) -> None:
    document = sh("runs", "diff", "plain", "child", "--json").json
    assert document["runs"] == [ids["plain"], ids["child"]]
    assert set(document["first"]) == {"seq", "round", "what"}
    assert document["first"]["round"] == 3
    assert len(document["indicators"]["alpha"]["money"]) == 2
    assert sh("runs", "diff", "plain", "plain", "--json").json["first"] is None
    assert "tell the same events" in sh("runs", "diff", "plain", "plain").out
    assert "They part at event" in sh("runs", "diff", "plain", "child").out
    assert sh("runs", "diff", "plain", "short", "--json").json["round"] == 2


def test_a_damaged_event_is_told_by_its_number(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    damage(tmp_path, "update events set body = '[]' where seq = 5")
    said = sh("runs", "events", "plain", "--json")
    assert said.code == 5
    error = json.loads(said.out.splitlines()[-1])["error"]
    assert error["kind"] == "damage_found"
    assert "event 5" in error["message"]


def damage(folder: Path, change: str) -> None:
    """Changes the store behind its back."""
    import sqlite3

    with sqlite3.connect(folder / "runs" / "orchestrate.db") as on:
        for (trigger,) in on.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            on.execute(f'drop trigger "{trigger}"')
        assert on.execute(change).rowcount > 0
    on.close()
