"""`scenarios list|show|check`."""

from pathlib import Path

import pytest

from tests.cli.gallery_kit import Shell, clear
from tests.support.playing import desk


@pytest.fixture
def sh(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    clear(monkeypatch)
    monkeypatch.chdir(desk(tmp_path))
    return Shell(capsys)


def test_list(sh: Shell) -> None:
    found = {one["id"]: one for one in sh("scenarios", "list", "--json").json["scenarios"]}
    assert found["duel"] == {
        "id": "duel", "title": "A duel of laboratories", "seats": ["seat_a", "seat_b"],
        "where": "scenarios/duel", "problem": None,
    }  # fmt: skip
    assert "takeoff" in found
    assert any(line.split()[:2] == ["duel", "A"] for line in sh("scenarios", "list").out.splitlines())


def test_show(sh: Shell) -> None:
    document = sh("scenarios", "show", "duel", "--json").json
    assert document["title"] == "A duel of laboratories"
    assert [seat["seat"] for seat in document["seats"]] == ["seat_a", "seat_b"]
    out = sh("scenarios", "show", "duel").out
    for line in (
        "4 rounds of a quarter each, 2023-07-01 to 2024-06-30",
        "  aim: win the race",
        "  never: never lie to a court",
        "    - Attack a lab (costs 5 cash): to slow it",
        "    - Listen at the door, in secret: to learn more",
        "  out: Out of time",
        "  richer: Alpha's cash at the start, from 0 to 500 (alpha.money, now 100)",
    ):
        assert line in out.splitlines()


def test_show_of_what_is_not_there(sh: Shell) -> None:
    said = sh("scenarios", "show", "dual", "--json")
    assert said.code == 6
    assert said.json["error"]["kind"] == "unknown_scenario"


def test_check_of_a_sound_scenario(sh: Shell) -> None:
    document = sh("scenarios", "check", "duel", "--json").json
    assert set(document) == {"ok", "problems", "warnings", "assumed", "entries", "missing"}
    assert (document["ok"], document["problems"], document["entries"], document["missing"]) == (True, [], {}, [])
    covered = sh("scenarios", "check", "duel", "--coverage", "--json")
    assert covered.code == 0
    assert covered.json["entries"]["P1"] == ["follow"]
    assert covered.json["missing"] == ["M3"]
    out = sh("scenarios", "check", "duel", "--coverage").out
    assert "M3    (missing)" in out
    assert "4 of 5 entries are realised" in out
    assert "  numbers.k: nothing is known of it (could as well lie from 0 to 5)" in out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("self.cap > 4", "self.cpa > 4", "did you mean 'cap'"),
        ("clock:", "clocks:", "clock"),
        ("plays: beta", "plays: gamma", "gamma"),
        ('lasts: {months: 2}, says: "A case', 'lasts: {months: 2}, says: "{nobody} A case', "nobody"),
    ],
)
def test_check_names_file_and_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    said: str,
) -> None:
    clear(monkeypatch)
    monkeypatch.chdir(desk(tmp_path, old, new))
    found = Shell(capsys)("scenarios", "check", "duel", "--json")
    assert found.code == 2
    assert found.json["ok"] is False
    text = (tmp_path / "scenarios" / "duel" / "scenario.yaml").read_text("utf-8")
    line = text[: text.index(new)].count("\n") + 1
    assert [
        one
        for one in found.json["problems"]
        if one["where"] == f"scenarios/duel/scenario.yaml:{line}" and said in one["message"]
    ]


def test_check_reads_personas_too(sh: Shell, tmp_path: Path) -> None:
    file = tmp_path / "personas" / "duel" / "seat_b.md"
    file.write_text(file.read_text("utf-8").replace("do: spy", "do: sly"), "utf-8")
    found = sh("scenarios", "check", "duel", "--json")
    assert found.code == 2
    assert found.json["problems"][0]["where"] == "personas/duel/seat_b.md:6"
    assert "did you mean 'spy'" in found.json["problems"][0]["message"]


def test_the_shipped_scenario_holds_together_and_fits_the_screen(sh: Shell) -> None:
    assert sh("scenarios", "check", "takeoff", "--json").json["problems"] == []
    assert sh("scenarios", "show", "takeoff").code == 0
