"""`config show` and `backends list`: every value with its origin, no secret, no probe."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.config import without_password
from orchestrator.cli.main import main

TOML = """\
db = "a.db"
[backends.lab]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
model = "m"
api_key_env = "LAB_KEY_FOR_TESTS"
[seats]
default = "lab"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    for name in ("ORCHESTRATE_DB", "ORCHESTRATE_CONFIG", "LAB_KEY_FOR_TESTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orchestrate.toml").write_text(TOML)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_config_show_says_where_each_value_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    document = shown(capsys, "config", "show")
    by_name = {row["name"]: (row["value"], row["origin"]) for row in document["settings"]}
    assert document["file"] == "orchestrate.toml"
    assert document["folder"] == str(folder)
    assert by_name["db"] == ("a.db", "orchestrate.toml:1")
    assert by_name["backends.lab.model"] == ("m", "orchestrate.toml:5")
    assert by_name["backends.lab.style"] == ("compose", "default")
    assert by_name["seats.judge"] == (["lab"], "as seats.default")
    monkeypatch.setenv("ORCHESTRATE_DB", "b.db")
    assert shown(capsys, "config", "show")["settings"][0]["origin"] == "environment ORCHESTRATE_DB"


@pytest.mark.parametrize("words", [["--db", "c.db", "config", "show"], ["config", "show", "--db", "c.db"]])
def test_a_global_option_stands_before_or_after_the_command(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(capsys, *words)["settings"][0] == {"name": "db", "value": "c.db", "origin": "flag --db"}


def test_for_people_it_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert "configuration file: orchestrate.toml" in text
    assert any(line.split() == ["db", "a.db", "orchestrate.toml:1"] for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 80


def test_a_password_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "config", "show", "--db", "postgresql://u:pw1234@h/d")["settings"][0]["value"] == (
        "postgresql://u:***@h/d"
    )
    assert without_password("postgresql://u@h/d") == "postgresql://u@h/d"
    assert without_password("runs/a.db") == "runs/a.db"


def test_backends_list_says_who_uses_what_and_whether_a_key_is_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {row["name"]: row for row in shown(capsys, "backends", "list")["backends"]}
    assert rows["local"]["used_by"] == []
    assert rows["lab"]["used_by"] == ["default", "judge"]
    assert rows["lab"]["key_set"] is False
    assert main(["backends", "list"]) == 0
    assert "LAB_KEY_FOR_TESTS" in capsys.readouterr().out
    monkeypatch.setenv("LAB_KEY_FOR_TESTS", "sk-test-1")
    assert shown(capsys, "backends", "list")["backends"][1]["key_set"] is True
    assert main(["backends", "list"]) == 0
    text = capsys.readouterr().out
    assert "LAB_KEY_FOR_TESTS" not in text
    assert "sk-test-1" not in text


def test_a_bad_file_is_one_sentence(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "orchestrate.toml").write_text(TOML.replace("base_url", "base_ur"))
    for words in (["config", "show"], ["backends", "list"]):
        assert main(words) == 2
        assert "orchestrate.toml:4: unknown key 'base_ur'" in capsys.readouterr().err
