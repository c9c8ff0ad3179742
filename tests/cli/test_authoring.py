"""`scenarios check` and `scenarios new` as an author meets them: warnings, assumptions, a first game."""

from pathlib import Path

import pytest

from tests.cli.gallery_kit import Shell, clear

FILE = "scenarios/my_winter/scenario.yaml"


@pytest.fixture
def sh(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    clear(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


@pytest.fixture
def mine(sh: Shell) -> Shell:
    """The same with a new scenario."""
    assert sh("scenarios", "new", "my-winter").code == 0
    return sh


def bend(old: str, new: str) -> int:
    """Exchanges a piece of the new scenario and gives its line."""
    text = Path(FILE).read_text("utf-8")
    assert text.count(old) == 1, old
    Path(FILE).write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_new_says_what_it_wrote_and_what_to_do_next_and_that_works(sh: Shell) -> None:
    said = sh("scenarios", "new", "my-winter").out.splitlines()
    assert said[0] == f"wrote {FILE}"
    assert said[-3:] == [
        "orchestrate scenarios check my_winter",
        "orchestrate run --scenario my_winter --policy all",
        "orchestrate story last",
    ]
    for line in said[-3:]:
        assert sh(*line.split()[1:], wide=True).code == 0
    assert sh("scenarios", "check", "my_winter").out == "my_winter holds together\n"


def test_new_into_another_folder(sh: Shell) -> None:
    Path("there").mkdir()
    document = sh("scenarios", "new", "w", "--into", "there", "--json").json
    assert document["folder"] == "there/scenarios/w"
    assert document["files"][0] == "there/scenarios/w/scenario.yaml"
    assert document["next"][0] == "cd there"
    assert Path("there/scenarios/w/personas/board_chair.md").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("../x",), "will not do as a name"),
        (("Winter",), "will not do as a name"),
        (("takeoff",), "came with the program"),
        (("my-winter",), "is there already"),
        (("w", "--into", "nowhere"), "there is no folder nowhere"),
    ],
)
def test_new_refuses_with_one_sentence(mine: Shell, words: tuple[str, ...], said: str) -> None:
    before = sorted(Path().rglob("*"))
    refused = mine("scenarios", "new", *words, "--json")
    assert refused.code == 2
    assert said in refused.json["error"]["message"]
    assert sorted(Path().rglob("*")) == before


def test_show_tells_questions_and_relations(mine: Shell) -> None:
    document = mine("scenarios", "show", "my_winter", "--json").json
    assert document["questions"] == [{"id": "rationing", "asks": "Will anyone ration gas on 2031-03-31?"}]
    assert document["relations"] == [
        {"id": "trust", "label": "trust in", "of": ["utility", "utility"], "unit": "", "seen_by": None}
    ]
    out = mine("scenarios", "show", "my_winter").out
    assert "  Will anyone ration gas on 2031-03-31?" in out.splitlines()
    assert "  trust[utility, utility]: trust in" in out.splitlines()


def test_a_warning_is_told_and_is_no_problem(mine: Shell) -> None:
    line = bend("endings:\n", "endings:\n  melt: {label: Melt, says: The ice melts.}\n") + 1
    said = mine("scenarios", "check", "my_winter", "--json")
    assert (said.code, said.json["ok"], said.json["problems"]) == (0, True, [])
    message = "endings.melt: nothing can bring it about: no rule, stage or clock does"
    assert said.json["warnings"] == [{"where": f"{FILE}:{line}", "message": message}]
    out = mine("scenarios", "check", "my_winter").out
    assert " ".join(out.split()).startswith(f"{FILE}:{line}: warning: {message}")
    assert out.splitlines()[-1] == "my_winter holds together, with 1 warning"


def test_what_a_variant_brings_to_life_is_not_warned_of(mine: Shell) -> None:
    bend("endings:\n", "endings:\n  melt: {label: Melt, says: The ice melts.}\n")
    Path("scenarios/my_winter/variants").mkdir()
    variant = Path("scenarios/my_winter/variants/warm.yaml")
    variant.write_text("variant: a thaw\nrules:\n  thaw: {every: month, ends: melt, source: S1}\n", "utf-8")
    assert mine("scenarios", "check", "my_winter", "--json").json["warnings"] == []
    variant.write_text("variant: a thaw\nrules:\n  thaw: {every: month, ends: mlet, source: S1}\n", "utf-8")
    found = mine("scenarios", "check", "my_winter", "--json")
    assert found.code == 2
    (problem,) = found.json["problems"]
    assert problem["message"].startswith("variant warm: rules.thaw.ends: no ending is called 'mlet'")
    assert problem["where"] == "scenarios/my_winter/variants/warm.yaml:3"


def test_assumptions_without_a_reason_or_a_band_are_listed_apart(mine: Shell) -> None:
    line = bend("why: a round figure, band: [0.4, 1.5]", "why: a round figure")
    document = mine("scenarios", "check", "my_winter", "--json").json
    assert {one["what"]: one["bare"] for one in document["assumed"]} == {
        "kinds.utility.money": False,
        "numbers.price": True,
    }
    lines = mine("scenarios", "check", "my_winter").out.splitlines()
    assert lines == [
        "1 of 2 assumptions have no `why` or no `band`:",
        f"  {FILE}:{line}: numbers.price",
        "my_winter holds together",
    ]


def test_problems_of_every_sort_are_told_at_once(mine: Shell) -> None:
    bend("    for: utility                # once", "    four: utility               # once")
    bend('when: "self.gas <= 0"', 'when: "self.gaz <= 0"')
    said = mine("scenarios", "check", "my_winter")
    assert said.code == 2
    flat = " ".join(said.out.split())
    assert "unknown key 'four' in rules.people_heat: did you mean 'for'?" in flat
    assert "rules.lights_go_out.when: a utility has no 'gaz'; did you mean 'gas'?" in flat
    assert said.out.splitlines()[-1] == "my_winter: 2 problems"
    refused = mine("run", "--scenario", "my_winter", "--policy", "all", "--json")
    assert refused.code == 2
    assert "unknown key 'four'" in refused.json["error"]["message"]


def test_answers_reach_the_record_and_a_pair_may_be_set(mine: Shell) -> None:
    assert (
        mine("run", "--scenario", "my_winter", "--policy", "all", "--set", "trust.north_gas.south_gas=9", "--json").code
        == 0
    )
    ended = mine("runs", "events", "last", "--json").lines[-1]
    assert ended["answers"] in ({"rationing": True}, {"rationing": False})
    states = mine("runs", "state", "last", "--round", "0", "--json").json
    assert states["rounds"][0]["values"]["trust"]["north_gas.south_gas"] == 9
    said = "**Yes.**" if ended["answers"]["rationing"] else "**No.**"
    assert f"- Will anyone ration gas on 31 March 2031? {said}" in mine("story", "last").out.splitlines()
    assert mine("verify", "last", "--json").json["ok"]
    assert mine("replay", "last", "--json").code == 0
    for words in (("runs", "state", "last"), ("runs", "events", "last"), ("story", "last"), ("replay", "last")):
        assert mine(*words, wide=True).code == 0
    assert mine("explain", "last", "trust.south_gas.north_gas", "--json").code == 0
