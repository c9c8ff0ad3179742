"""Everything against a scenario in one pass: faults of form, of names and types, warnings, assumptions, by line."""

from pathlib import Path

import pytest

from orchestrator.errors import UnknownScenario
from orchestrator.library.examine import Examined, examined
from orchestrator.library.newly import create_scenario
from tests.library.kit import Desk, told, within

NAME = "winter"
FILE = f"scenarios/{NAME}/scenario.yaml"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A working folder with a new scenario."""
    create_scenario(NAME, tmp_path)
    return tmp_path


def bend(folder: Path, *pieces: str) -> str:
    """Exchanges pieces of the new scenario; gives its text."""
    path = folder / FILE
    text = path.read_text("utf-8")
    for old, new in zip(pieces[::2], pieces[1::2], strict=True):
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")
    return text


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


def said(found: Examined) -> list[str]:
    return [f"{one.where}: {one.message}" for one in found.problems]


def test_a_sound_scenario_has_neither_problems_nor_warnings(fresh: Path) -> None:
    found = examined(NAME, fresh)
    assert (found.problems, found.warnings) == ([], [])
    assert [one.what for one in found.assumed] == ["kinds.utility.money", "numbers.price"]
    assert not any(one.bare for one in found.assumed)
    assert found.loaded is not None


MISTAKES = {
    "step: month": ("stepp: month", "unknown key 'stepp' in clock: did you mean 'step'?"),
    "  people_heat:\n    source: S1\n    for: utility": (
        "  people_heat:\n    sauce: S1\n    for: utility",
        "unknown key 'sauce' in rules.people_heat: did you mean 'source'?",
    ),
    '    for: utility\n    becomes: "self.gas < 15"': (
        '    for: utlity\n    becomes: "self.gas < 15"',
        "rules.store_runs_low.for: no kind or process is called 'utlity'; did you mean 'utility'?",
    ),
    'when: "self.gas <= 0"': ('when: "self.gass <= 0"', "rules.lights_go_out.when: a utility has no 'gass'; did you"),
    "add: {supply_board.inspectors: 1}": (
        "add: {supply_bored.inspectors: 1}",
        "rules.inspectors_return.add.supply_bored.inspectors: nothing is called 'supply_bored' here; did you mean",
    ),
    "unit: GWh, ledger: gas": (
        "unit: MWh, ledger: gas",
        "kinds.utility.gas.unit: its unit is 'MWh', but the ledger gas is kept in 'GWh'",
    ),
    "every: month\n    add: {self.money:": (
        "every: fortnight\n    add: {self.money:",
        "rules.bills_are_paid.every: expected day, week, month, quarter, year or step, not the text 'fortnight'",
    ),
    "ends: blackout": (
        "ends: blakout",
        "rules.lights_go_out.ends: no ending is called 'blakout'; did you mean 'blackout'?",
    ),
    "costs: {self.inspectors: 1}": (
        "costs: {self.inspector: 1}",
        "actions.open_inquiry.costs.self.inspector: an agency has no 'inspector'; did you mean 'inspectors'?",
    ),
    "sets: numbers.month_use": (
        "sets: numbers.month_usage",
        "interventions.cold_winter.sets: 'numbers.month_usage' is neither",
    ),
}


def test_every_problem_is_told_in_one_pass_with_file_and_line(fresh: Path) -> None:
    text = bend(fresh, *(piece for old, (new, _) in MISTAKES.items() for piece in (old, new)))
    persona = fresh / f"scenarios/{NAME}/personas/south_manager.md"
    persona.write_text(persona.read_text("utf-8").replace("do: lend_gas", "do: lent_gas"), "utf-8")
    found = said(examined(NAME, fresh))
    for new, message in MISTAKES.values():
        where = line_of(text, new) + next(n for n, part in enumerate(new.splitlines()) if _differs(part))
        assert any(one.startswith(f"{FILE}:{where}: {message}") for one in found), (new, message, found)
    assert found[-1].endswith("south_manager has no action 'lent_gas'; did you mean 'lend_gas'?")
    assert len(found) == len(MISTAKES) + 1, found
    assert found[:-1] == sorted(found[:-1], key=lambda one: int(one.split(":")[1]))


def _differs(part: str) -> bool:
    olds = {line for old in MISTAKES for line in old.splitlines()}
    return part not in olds


def test_what_follows_from_a_part_that_was_taken_out_is_not_told(fresh: Path) -> None:
    bend(fresh, "south_gas: {kind: utility,", "south_gas: {kind: [utility],")
    (found,) = said(examined(NAME, fresh))
    assert "entities.south_gas.kind: expected a text, not a list" in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("scenario: winter\n", "", ["'scenario' is missing in the scenario"]),
        ("clock:", "cloak:", ["'clock' is missing", "unknown key 'cloak' in the scenario"]),
        ("endings:\n", "endings: 3\nendless:\n", ["endings: expected a mapping, not 3", "unknown key 'endless'"]),
        ("kinds:\n", "kinds: [a]\nsorts:\n", ["kinds: expected a mapping, not a list", "unknown key 'sorts'"]),
        ("title: Winter", "title: [Winter]", ["title: expected a text, not a list"]),
        ("seats:\n", "seats: 7\nchairs:\n", ["seats: expected a mapping, not 7", "unknown key 'chairs'"]),
        ("    stages:\n", "    stags:\n", ["'stages' is missing", "unknown key 'stags' in processes.inquiry"]),
    ],
)
def test_a_whole_section_may_be_missing(fresh: Path, old: str, new: str, expected: list[str]) -> None:
    bend(fresh, old, new)
    found = said(examined(NAME, fresh))
    assert [next((one for one in expected if one in line), line) for line in found] == expected


def test_faults_of_personas_do_not_hide_each_other(fresh: Path) -> None:
    path = fresh / f"scenarios/{NAME}/personas/north_manager.md"
    text = path.read_text("utf-8")
    text = text.replace("goals: [", "gaols: [").replace("do: lend_gas, weight: 1", "do: lend_gsa, weight: 1")
    path.write_text(text.replace("do: buy_gas, weight: 3", "do: buy_gas, weight: many"), "utf-8")
    found = said(examined(NAME, fresh))
    assert [one.partition(": ")[2].split(";")[0] for one in found] == [
        "'goals' is missing in the front matter of north_manager",
        "unknown key 'gaols' in the front matter of north_manager: did you mean 'goals'?",
        "policy[0].weight: expected a number, not the text 'many'",
        "personas.north_manager.policy.1.do: north_manager has no action 'lend_gsa'",
    ]


def test_a_missing_persona_is_told_beside_what_is_wrong_elsewhere(fresh: Path) -> None:
    (fresh / f"scenarios/{NAME}/personas/board_chair.md").unlink()
    bend(fresh, 'becomes: "self.gas < 15"', 'becomes: "self.gas < 15 +"')
    found = said(examined(NAME, fresh))
    assert any("the seat 'board_chair' has no persona: expected" in one for one in found)
    assert any("rules.store_runs_low.becomes: 'self.gas < 15 +' is no expression" in one for one in found)


def test_warnings_are_told_by_line_where_nothing_is_wrong(fresh: Path) -> None:
    text = bend(fresh, "endings:\n", "endings:\n  melt: {label: Melt, says: The ice melts.}\n")
    found = examined(NAME, fresh)
    assert found.problems == []
    assert [f"{one.where}: {one.message}" for one in found.warnings] == [
        f"{FILE}:{line_of(text, 'melt:')}: endings.melt: nothing can bring it about: no rule, stage or clock does"
    ]


def test_yaml_that_cannot_be_read_hides_what_lies_beyond_it(fresh: Path) -> None:
    bend(fresh, "rules:\n", "rules: [\n")
    (found,) = said(examined(NAME, fresh))
    assert "not YAML" in found


def test_hundreds_of_faults_are_told_within_a_second(desk: Desk) -> None:
    desk.scenario("", "free:\n" + "".join(f"  x{n}: 1\n" for n in range(900)))
    with within(1.0):
        assert len(examined("tiny", desk.working, packaged=desk.packaged).problems) == 201


def test_an_unknown_scenario_is_none(tmp_path: Path) -> None:
    assert "there is no scenario 'wintre'" in told(lambda: examined("wintre", tmp_path), UnknownScenario).message
