"""Whole runs: out, in, away, verified, told."""

import io
import os
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.cli.gallery_kit import Shell, enter


@pytest.fixture
def ids(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return enter(tmp_path, tmp_path_factory, monkeypatch)


@pytest.fixture
def sh(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_a_run_goes_out_and_comes_in(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    assert sh("runs", "export", "talk", "--out", "talk.jsonl", "--json").json["run"] == ids["talk"]
    assert sh("runs", "export", "talk", "--out", "talk.jsonl").code == 2
    assert sh("runs", "export", "talk").code == 2
    before = sh("runs", "show", "talk", "--json").json
    said = sh("runs", "import", "talk.jsonl", "--db", "other/store.db", "--json")
    assert said.code == 0
    assert said.json == {**before, "seconds": said.json["seconds"]}
    assert sh("runs", "import", "talk.jsonl", "--json").code == 2  # it is here already
    assert sh("verify", "--db", "other/store.db").code == 0


def test_a_changed_file_is_not_let_in(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    sh("runs", "export", "plain", "--out", "plain.jsonl")
    text = (tmp_path / "plain.jsonl").read_text("utf-8")
    (tmp_path / "forged.jsonl").write_text(text.replace("buys compute", "buys nothing", 1), "utf-8")
    said = sh("runs", "import", "forged.jsonl", "--db", "new/store.db", "--json")
    assert said.code == 2
    assert said.json["error"]["kind"] == "bad_file"
    assert not (tmp_path / "new").exists()


def test_a_file_that_only_a_replay_finds_out_is_not_let_in(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    """Whoever knows the format can make a chain that holds; the events then do not follow from the design."""
    from orchestrator.ledger import exchange
    from orchestrator.ledger.rows import NewEvent, chained
    from orchestrator.ledger.store import Ledger

    with Ledger.open("runs/orchestrate.db") as ledger:
        whole = ledger.whole(ids["plain"])
    bodies = [NewEvent(row.round, row.kind, row.body.replace("buys compute", "buys nothing")) for row in whole.events]
    events = chained(whole.run.id, bodies)
    forged = whole._replace(events=events, run=whole.run.model_copy(update={"last_hash": events[-1].hash}))
    exchange.write(exchange.lines_of(forged), tmp_path / "forged.jsonl", force=False)
    said = sh("runs", "import", "forged.jsonl", "--db", "new/store.db", "--json")
    assert said.code == 2
    assert "does not follow from its own record" in said.json["error"]["message"]
    assert not (tmp_path / "new").exists()


def test_delete_needs_a_yes(ids: dict[str, str], sh: Shell) -> None:
    said = sh("runs", "delete", "plain", "--json")
    assert (said.code, said.json["error"]["kind"]) == (2, "bad_usage")
    assert "--yes" in said.json["error"]["hint"]
    assert sh("runs", "delete", "plain").code == 2
    assert sh("runs", "delete", "plain", "--yes", "--json").json == {"deleted": ids["plain"]}
    assert ids["plain"] not in sh("runs", "list").out
    assert sh("verify", "child").code == 0


@pytest.mark.parametrize(("answer", "gone"), [("y\n", "gone"), ("n\n", ""), ("\n", "")])
def test_delete_asks_on_a_terminal(
    ids: dict[str, str], sh: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, gone: str
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert sh("runs", "delete", "plain").code == 0
    assert (ids["plain"] not in sh("runs", "list").out) is bool(gone)


def test_verify(ids: dict[str, str], sh: Shell) -> None:
    document = sh("verify", "--json").json
    assert document["ok"] is True
    assert [one["run"] for one in document["runs"]] == list(ids.values())
    assert set(document["runs"][0]) == {"run", "ok", "events", "calls", "rederived", "problem"}
    assert document["runs"][0]["calls"] == 11
    assert [one["run"] for one in sh("verify", "plain", "talk", "--json").json["runs"]] == [ids["plain"], ids["talk"]]
    out = sh("verify", "talk", "short").out.splitlines()
    assert "derived again, byte for byte" in out[0]
    assert out[-1] == "2 of 2 runs are whole"
    assert sh("verify", "nobody").code == 6


@pytest.mark.parametrize(
    "change",
    [
        "update events set body = replace(body, 'buys', 'bays') where run = :plain and body like '%buys compute%'",
        "delete from events where run = :plain and seq = (select max(seq) from events where run = :plain)",
        "update runs set seed = 77 where id = :plain",
        "update runs set outcome = 'won' where id = :plain",
    ],
)
def test_verify_finds_damage_and_names_the_run(ids: dict[str, str], sh: Shell, tmp_path: Path, change: str) -> None:
    with sqlite3.connect(tmp_path / "runs" / "orchestrate.db") as on:
        for (trigger,) in on.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            on.execute(f'drop trigger "{trigger}"')
        assert on.execute(change, {"plain": ids["plain"]}).rowcount > 0
    on.close()
    said = sh("verify", "--json")
    assert said.code == 5
    assert [one["run"] for one in said.json["runs"] if not one["ok"]] == [ids["plain"]]
    assert f"run {ids['plain']}: DAMAGED: " in sh("verify", wide=True).out


def test_story(ids: dict[str, str], sh: Shell, tmp_path: Path) -> None:
    text = sh("story", "talk").out
    assert text.startswith("# A duel of laboratories\n")
    assert text.endswith("shows it again.\n")
    assert sh("story", "talk", "--json").json == {"run": ids["talk"], "story": text}
    said = sh("story", "talk", "--out", "talk.md", "--json")
    assert said.json == {"run": ids["talk"], "out": "talk.md"}
    assert (tmp_path / "talk.md").read_text("utf-8") == text
    assert sh("story", "talk", "--out", "talk.md").code == 0
    assert sh("story", "talk", "--out", "nowhere/talk.md").code == 2
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".talk")]
