"""Entities from a CSV of the scenario's folder: read like any entity, told by the table's own lines."""

import json
from pathlib import Path

import pytest

from orchestrator.core.compile import compile_law
from orchestrator.core.value import canonical
from orchestrator.errors import BadScenario
from orchestrator.library import from_data, problems
from orchestrator.library.examine import examined
from orchestrator.library.faults import Problem
from orchestrator.library.tables import MOST_ROWS, MOST_TOLD
from tests.library.kit import SCENARIO, Desk, told, within

TABLE = """\
id,label,budget,mood
east,East Desk,5.5,tense
west,"West, by the sea",,

far,,1e3,calm
"""
ASKED = "entities:\n  desks: {kind: desk, rows: desks.csv, mood: tense, budget: 7}\n"
FILE = "scenarios/tiny/desks.csv"


@pytest.fixture
def table(desk: Desk) -> Desk:
    bend(desk, "entities:\n", ASKED)
    desk.write(FILE, TABLE)
    return desk


def bend(desk: Desk, *pieces: str) -> None:
    """Writes the scenario anew with pieces exchanged, and without the sentence that does not compile."""
    text = SCENARIO.replace("{self.label} spends", "{self} spends")
    for old, new in zip(pieces[::2], pieces[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    desk.write("scenarios/tiny/scenario.yaml", text)


def in_table(desk: Desk) -> list[Problem]:
    """What is said of the table once its form holds."""
    found = examined("tiny", desk.working, packaged=desk.packaged).problems
    return [one for one in found if one.where.startswith(FILE)]


def wrong(desk: Desk, text: str | bytes) -> list[Problem]:
    desk.write(FILE, text)
    return problems("tiny", desk.working, packaged=desk.packaged)


def test_each_row_is_an_entity_with_the_entrys_values_where_a_cell_is_empty(table: Desk) -> None:
    found = table.load().scenario.entities
    assert list(found) == ["north", "south", "east", "west", "far"]
    assert [(found[key].label, found[key].values) for key in ("east", "west", "far")] == [
        ("East Desk", {"budget": 5.5, "mood": "tense"}),
        ("West, by the sea", {"budget": 7, "mood": "tense"}),
        ("", {"budget": 1000.0, "mood": "calm"}),
    ]


def test_what_is_kept_of_a_scenario_holds_the_rows_and_needs_no_file(table: Desk) -> None:
    data = json.loads(canonical(table.load().design_data))
    (table.working / FILE).unlink()
    scenario, personas, _ = from_data(data)
    law = compile_law(scenario, personas).law
    assert law is not None
    assert law.values["west"] == {"budget": 7, "mood": "tense"}
    assert "csv" not in canonical(data)


def test_a_fault_in_a_cell_is_told_by_the_tables_line(table: Desk) -> None:
    table.write(FILE, TABLE.replace("far,,1e3,calm", "far,,1e3,clam"))
    (found,) = in_table(table)
    assert found.where == f"{FILE}:5"
    assert found.message == "entities.far.mood: 'clam' is none of calm, tense; did you mean 'calm'?"


def test_cells_are_read_as_yaml_reads_them(desk: Desk) -> None:
    bend(desk, "    mood:", "    open: {bool: true}\n    boss: {ref: desk}\n    mood:", "entities:\n", ASKED)
    desk.write(FILE, "id , open,boss,budget\n a,true, north ,+1\n b,null,null,-.5e1\n")
    found = desk.load().scenario.entities
    assert found["a"].values == {"open": True, "boss": "north", "budget": 1, "mood": "tense"}
    assert found["b"].values["budget"] == -5.0
    assert [one.message for one in in_table(desk)] == [
        "entities.b.budget: -5.0 lies outside 0 to inf",
        "entities.b.open: 'null' is neither true nor false",
        "entities.b.boss: 'null' is no desk",
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the table is empty"),
        ("\n", 1, "the table has no column 'id'"),
        ("name,budget\na,1\n", 1, "the table has no column 'id'"),
        ("ids,budget\na,1\n", 1, "did you mean 'ids'?"),
        ("id,Budget\na,1\n", 1, "the column 'Budget' is no name"),
        ("id,budget,budget\na,1,1\n", 1, "the column 'budget' stands twice"),
        ("id,kind\na,desk\n", 1, "a table has no column 'kind'"),
        ("id," + ",".join(f"c{n}" for n in range(70)), 1, "71 columns, at most 64"),
        ("id,budget\na\n", 2, "1 cells, where the header names 2 columns"),
        ("id,budget\na,1,2\n", 2, "3 cells, where the header names 2 columns"),
        ("id;budget\na;1\n", 1, "is no name of a variable"),
        ("id,budget\nA b,1\n", 2, "'A b' will not do as an id"),
        ("id,budget\n,1\n", 2, "'' will not do as an id"),
        ("id,budget\na,1\nb,2\na,3\n", 4, "'a' is given twice, first on line 2"),
        ('id,label\na,"two\nlines"\n', 2, "no short text of one line"),
        ("id,label\na," + "x" * 301 + "\n", 2, "no short text of one line"),
        ('id,label\na,"open\n', 2, "no table of comma-separated values"),
        ('id,label\na,"b"c\n', 2, "no table of comma-separated values"),
        ("id,budget\na," + "9" * 19 + "\n", 2, "a whole number of more than 18 digits"),
        ("id,budget\na,1e999\n", 2, "the number under 'budget' is too large"),
        ("id,budget\n" + "".join(f"r{n},1\n" for n in range(MOST_ROWS + 1)), MOST_ROWS + 2, "more than 2,000 rows"),
        ("id,label\na,\x1b[2J\n", 2, "the character U+001B may not stand"),
        ("\ufeffid\na\n", 1, "begins with a byte order mark"),
        (b"id,label\na,\xff\n", 2, "is not UTF-8 in line 2"),
        ("id\na\n".encode("utf-16"), None, "looks like UTF-16"),
        (b"id\n" + b"a,1\n" * 300_000, None, "is too large: at most 1024 KiB"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_its_line(table: Desk, text: str | bytes, line: int | None, said: str) -> None:
    with within(1.0):
        found = wrong(table, text)
    assert said in found[0].message
    if line is not None:
        assert found[0].where == f"{FILE}:{line}"
    assert told(table.load, BadScenario).message.startswith(found[0].message)


def test_every_row_that_is_wrong_is_told_up_to_a_bound(table: Desk) -> None:
    found = wrong(table, "id,budget\n" + "X,1\n" * 5 + "a,1\n")
    assert [one.where for one in found] == [f"{FILE}:{line}" for line in range(2, 7)]
    assert len(wrong(table, "id,budget\n" + "X,1\n" * 1000)) == MOST_TOLD


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{kind: desk, rows: [a.csv]}", "entities.desks.rows: this will not do"),
        ("{kind: desk, rows: desks.txt}", "a plain name of a .csv file of this folder is expected"),
        ("{kind: desk, rows: ../outside.csv}", "'../outside.csv' will not do"),
        ("{kind: desk, rows: /etc/passwd}", "'/etc/passwd' will not do"),
        ("{kind: desk, rows: 'C:\\desks.csv'}", "will not do"),
        ("{kind: desk, rows: 'a\\nb.csv'}", "will not do"),
        ("{kind: desk, rows: 'desks.csv '}", "will not do"),
        ("{kind: desk, rows: gone.csv}", "there is no such file"),
        ("{rows: desks.csv}", "a table needs the `kind` of its rows"),
    ],
)
def test_only_a_file_of_the_folder_is_a_table(desk: Desk, entry: str, said: str) -> None:
    desk.write("outside.csv", "id\nstranger\n")
    desk.write("scenarios/outside.csv", "id\nstranger\n")
    desk.write(FILE, TABLE)
    desk.scenario("entities:\n", f"entities:\n  desks: {entry}\n")
    (found,) = problems("tiny", desk.working, packaged=desk.packaged)
    assert said in found.message
    assert found.where == "scenarios/tiny/scenario.yaml:11"


@pytest.mark.parametrize(
    "target", ["../../outside.csv", "/etc/passwd", "/dev/zero", "desks.csv", "gone.csv", "/proc/self/environ"]
)
def test_a_link_out_of_the_folder_is_not_followed(table: Desk, target: str) -> None:
    table.write("outside.csv", "id\nstranger\n")
    (table.working / FILE).unlink()
    (table.working / FILE).symlink_to(target)
    with within(1.0):
        error = told(table.load, BadScenario)
    assert "desks.csv" in error.message
    assert "stranger" not in error.message


def test_a_row_may_not_stand_for_what_stands_elsewhere(table: Desk) -> None:
    (found,) = wrong(table, "id,budget\nnorth,1\n")
    assert found.message == "entities.north stands here and in scenarios/tiny/scenario.yaml:12"
    assert found.where == f"{FILE}:2"


def test_tables_of_included_files_and_several_of_them_are_read(table: Desk) -> None:
    table.write("scenarios/tiny/more.yaml", "entities:\n  crew: {kind: desk, rows: sub/crew.csv}\n")
    table.write("scenarios/tiny/sub/crew.csv", "id\nzoe\n")
    text = (table.folder / "scenario.yaml").read_text("utf-8")
    table.write("scenarios/tiny/scenario.yaml", text + "include: [more.yaml]\n")
    assert list(table.load().scenario.entities)[-4:] == ["east", "west", "far", "zoe"]


def test_the_values_of_tables_count_with_those_of_the_files(table: Desk) -> None:
    wide = "id," + ",".join(f"c{n}" for n in range(60)) + "\n"
    files = [f"t{number}.csv" for number in range(9)]
    for number, file in enumerate(files):
        rows = "".join(f"r{number}_{row}" + ",1" * 60 + "\n" for row in range(900))
        table.write(f"scenarios/tiny/{file}", wide + rows)
    entries = "".join(f"  t{number}: {{kind: desk, rows: {file}}}\n" for number, file in enumerate(files))
    table.scenario("entities:\n", "entities:\n" + entries)
    with within(2.0):
        found = problems("tiny", table.working, packaged=table.packaged)
    assert any("more than 50000 values in all" in one.message for one in found)


def test_a_stored_design_that_names_a_table_is_refused(table: Desk) -> None:
    data = json.loads(canonical(table.load().design_data))
    data["scenario"]["entities"]["east"]["rows"] = "desks.csv"
    data["order"].pop("/scenario/entities/east", None)
    scenario, personas, _ = from_data(data)
    (found,) = compile_law(scenario, personas).problems
    assert (found.path, found.message) == (
        ("entities", "east", "rows"),
        "a table is read with the files of its folder, and here is none",
    )


def test_the_working_folder_is_named_in_no_message(table: Desk, tmp_path: Path) -> None:
    assert str(tmp_path) not in wrong(table, "x")[0].where
