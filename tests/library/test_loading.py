"""Loading a whole scenario: finding, merging, validating, personas, prompts, the stored copy."""

import json

import pytest

import orchestrator
from orchestrator.core.value import canonical
from orchestrator.errors import BadPersona, BadPrompt, BadScenario, UnknownScenario
from orchestrator.library import find_scenario, from_data, list_scenarios, load_scenario, problems
from orchestrator.library.files import packaged_root
from tests.library.kit import PERSONA, SCENARIO, Desk, told

MAIN = "scenarios/tiny/scenario.yaml"
ROOT = packaged_root()


def line_of(piece: str) -> int:
    return SCENARIO[: SCENARIO.index(piece)].count("\n") + 1


class TestFinding:
    def test_the_working_folder_comes_before_the_packaged_one(self, desk: Desk) -> None:
        desk.write("scenarios/tiny/scenario.yaml", SCENARIO, packaged=True)
        desk.write("scenarios/other/scenario.yaml", SCENARIO, packaged=True)
        assert find_scenario("tiny", working=desk.working, packaged=desk.packaged) == desk.folder
        assert find_scenario("other", working=desk.working, packaged=desk.packaged).is_relative_to(desk.packaged)

    def test_the_shipped_scenarios_are_found_from_anywhere(self, desk: Desk) -> None:
        assert find_scenario("takeoff", working=desk.working).name == "takeoff"

    def test_a_dash_may_stand_for_an_underscore(self, desk: Desk) -> None:
        desk.write("scenarios/two_words/scenario.yaml", SCENARIO)
        assert find_scenario("two-words", working=desk.working, packaged=desk.packaged).name == "two_words"

    def test_a_near_miss_is_named(self, desk: Desk) -> None:
        error = told(lambda: load_scenario("tinny", desk.working, packaged=desk.packaged), UnknownScenario)
        assert error.message == "there is no scenario 'tinny': did you mean 'tiny'?"
        assert "there are: tiny" in error.hint

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "",
                ".",
                "..",
                "../tiny",
                "tiny/",
                "./tiny",
                "tiny/scenario.yaml",
                "scenario.yaml",
                "a\\b",
                "C:tiny",
                "-",
            ),
            *("ti\x00ny", "tiny\n", "\x1b[2J", "Tiny", "tïny", "t" * 49, "t" * 100_000, "\ud800", "/etc"),
        ],
    )
    def test_what_is_no_name_is_refused(self, desk: Desk, name: str) -> None:
        error = told(lambda: find_scenario(name, working=desk.working, packaged=desk.packaged), UnknownScenario)
        assert error.message.isprintable()
        assert len(error.message) < 160

    def test_the_list_has_title_and_seats_and_says_what_cannot_be_read(self, desk: Desk) -> None:
        desk.write("scenarios/broken/scenario.yaml", "title: [", packaged=True)
        desk.write("scenarios/tiny/scenario.yaml", "title: hidden", packaged=True)
        desk.write("scenarios/Not a name/scenario.yaml", SCENARIO)
        broken, tiny = list_scenarios(desk.working, packaged=desk.packaged)
        assert (tiny.id, tiny.title, tiny.where) == ("tiny", "A tiny exercise", "scenarios/tiny")
        assert (tiny.seats, tiny.problem) == (("zulu", "alpha"), "")
        assert (broken.id, broken.title, broken.seats) == ("broken", "", ())
        assert "scenario.yaml:1: not YAML" in broken.problem

    def test_a_folder_without_scenarios_lists_none(self, desk: Desk) -> None:
        assert list_scenarios(desk.packaged, packaged=desk.packaged) == []

    def test_an_installed_wheel_has_them_beside_its_modules(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        module = desk.write("site/orchestrator/__init__.py", "")
        monkeypatch.setattr(orchestrator, "__file__", str(module))
        assert packaged_root() == module.parent.parent
        desk.write("site/orchestrator/shipped/scenarios/far/scenario.yaml", SCENARIO)
        assert packaged_root() == module.parent / "shipped"
        assert find_scenario("far", working=desk.packaged).is_relative_to(module.parent)


class TestLoading:
    def test_everything_is_there(self, desk: Desk) -> None:
        loaded = desk.load()
        assert loaded.scenario.title == "A tiny exercise"
        assert loaded.scenario.kinds["desk"].variables["budget"].range == (0, float("inf"))
        assert loaded.scenario.entities["north"].values == {"budget": 3}
        assert list(loaded.personas) == ["zulu", "alpha"]
        assert loaded.personas["zulu"].prose == "You are the head of a desk."
        assert loaded.personas["zulu"].policy[0].weight == 2
        assert loaded.prompts == {"decide": "Decide, {{ seat }}.\n"}
        assert problems("tiny", desk.working, packaged=desk.packaged) == []

    def test_crlf_is_a_line_end(self, desk: Desk) -> None:
        before = desk.load().design_data
        desk.write(MAIN, SCENARIO.replace("\n", "\r\n"))
        desk.write("personas/tiny/zulu.md", PERSONA.format(seat="zulu").replace("\n", "\r\n"))
        assert desk.load().design_data == before

    def test_where_finds_lines_of_every_part(self, desk: Desk) -> None:
        loaded = desk.load()
        assert loaded.where(("rules", "drain", "says")) == f"{MAIN}:{line_of('says: ')}"
        # A compiler walks the model: a lone source is a list there, variables lie one level deeper.
        assert loaded.where(("rules", "drain", "source", 0)) == f"{MAIN}:{line_of('source: A1' + chr(10) + '    for')}"
        assert loaded.where(("kinds", "desk", "variables", "mood")) == f"{MAIN}:{line_of('mood')}"
        assert loaded.where(("entities", "north", "values", "budget")) == f"{MAIN}:{line_of('north:')}"
        assert loaded.where(("personas", "alpha", "policy", 0, "when")) == "personas/tiny/alpha.md:9"
        assert loaded.where(("personas", "alpha", "prose")) == "personas/tiny/alpha.md:11"
        assert loaded.where(("prompts", "decide")) == "prompts/decide.j2"
        assert loaded.where(()) == f"{MAIN}:1"

    def test_all_faults_are_told_in_one_pass(self, desk: Desk) -> None:
        bent = SCENARIO.replace("every: month", "evry: month").replace("title: A tiny exercise\n", "")
        desk.write(MAIN, bent.replace("rounds: 4", "rounds: '4'").replace("plays: south", "plays: South"))
        desk.write("personas/tiny/alpha.md", PERSONA.format(seat="zulu"))
        found = problems("tiny", desk.working, packaged=desk.packaged)
        assert [(p.where.rpartition(":")[2], p.message) for p in found] == [
            ("1", "'title' is missing in the scenario"),
            ("3", "clock.rounds: expected a whole number, not the text '4'"),
            (str(line_of("    every") - 1), "unknown key 'evry' in rules.drain: did you mean 'every'?"),
            (
                str(line_of("  alpha:") - 1),
                "seats.alpha.plays: 'South' will not do: a name is made of a-z, 0-9 and _, a letter first, "
                "at most 64 characters",
            ),
            ("2", "seat is 'zulu', but the file is named 'alpha.md'"),
        ]
        error = told(desk.load, BadScenario)
        assert error.message == "'title' is missing in the scenario (and 4 more; orchestrate scenarios check tiny)"
        assert error.where == f"{MAIN}:1"

    @pytest.mark.parametrize(
        ("old", "new", "piece", "says"),
        [
            ("scenario: tiny", "scenario: big", "scenario: big", "its folder is named 'tiny'"),
            ("step: quarter", "step: decade", "clock", "clock.step: expected day, week, month, quarter or year"),
            ("rounds: 4", "rounds: 401", "clock", "clock.rounds must be at most 400, not 401"),
            ("rounds: 4", "rounds: 0", "clock", "clock.rounds must be at least 1, not 0"),
            ("rounds: 4", "rounds: 1.5", "clock", "clock.rounds: expected a whole number, not 1.5"),
            ("2023-07-01", "July", "clock", "a date is written like 2023-07-01"),
            ("start: 2.0e6", "start: .inf", "budget: {u", "an infinite number may stand only at an end of a range"),
            ("[0, .inf]", "[0]", "budget: {u", "kinds.desk.budget.range has too few entries"),
            ("[0, .inf]", "[0, 1, 2]", "budget: {u", "kinds.desk.budget.range needs at most 2 entries"),
            ("[0, .inf]", "[0, nan]", "budget: {u", "range[1]: expected a number, not the text 'nan'"),
            ("unit: usd", "visible_to: 3", "budget: {v", "expected public or hidden or a list, not 3"),
            (
                "    every: month",
                "    tells: {to: zulu, repotr: x}",
                "    tells",
                "unknown key 'repotr' in rules.drain.tells: did you mean 'report'?",
            ),
            ("    every: month", "    tells: {to: zulu}", "    tells", "'report' is missing in rules.drain.tells"),
            ("for: desk", "for: [desk]", "for: [", "rules.drain.for: expected a text, not a list"),
            ("  drain:", "  Drain:", "  Drain:", "rules.Drain: 'Drain' will not do as a key"),
            ("rules:\n", "rules: []\nprocesses:\n", "rules: []", "rules: expected a mapping, not a list"),
            (
                "actions:",
                "numbers: {a: {low: 1}}\nactions:",
                "numbers",
                "numbers.a needs `value`, or `low`, `mode` and `high`",
            ),
            (
                "actions:",
                "processes: {p: {stages: []}}\nactions:",
                "processes",
                "processes.p.stages needs at least 1 entries",
            ),
            (
                "actions:",
                "processes: {p: {stages: [{id: a, lasts: {days: {low: 1}}}]}}\nactions:",
                "processes",
                "'mode' is missing in processes.p.stages[0].lasts.days",
            ),
            (
                "actions:",
                "processes: {p: {stages: [{id: a, lasts: {days: long}}]}}\nactions:",
                "processes",
                "days: expected a number or a mapping, not the text 'long'",
            ),
            ("about: Two desks share one budget.", "about: 5", "about", "about: expected a text, not 5"),
            (
                "purpose: to learn more",
                "purpose: " + "x" * 601,
                "wait_and",
                "actions.wait_and_see.purpose is longer than 600",
            ),
        ],
    )
    def test_a_fault_is_one_sentence_at_its_line(self, desk: Desk, old: str, new: str, piece: str, says: str) -> None:
        desk.scenario(old, new)
        text = SCENARIO.replace(old, new, 1)
        error = told(desk.load, BadScenario)
        assert says in error.message
        assert error.where == f"{MAIN}:{text[: text.index(piece)].count(chr(10)) + 1}"
        assert error.hint == "orchestrate scenarios check tiny"
        assert "\n" not in error.message


class TestIncluding:
    def test_sections_of_several_files_merge_by_key(self, desk: Desk) -> None:
        desk.scenario("", "include: [more.yaml, deep/er.yml]\n")
        desk.write(
            "scenarios/tiny/more.yaml", "rules:\n  fill: {for: desk, add: {self.budget: 1}}\nnumbers: {n: {value: 1}}\n"
        )
        desk.write("scenarios/tiny/deep/er.yml", "numbers:\n\n  m: {value: 2}\n")
        loaded = desk.load()
        assert list(loaded.scenario.rules) == ["drain", "fill"]
        assert list(loaded.scenario.numbers) == ["n", "m"]
        assert loaded.where(("rules", "fill", "add")) == "scenarios/tiny/more.yaml:2"
        assert loaded.where(("numbers", "m", "value")) == "scenarios/tiny/deep/er.yml:3"
        assert loaded.where(("rules", "drain")) == f"{MAIN}:{line_of('  drain')}"

    def test_what_stands_twice_names_both_places(self, desk: Desk) -> None:
        desk.scenario("", "include: [more.yaml]\n")
        desk.write("scenarios/tiny/more.yaml", "rules:\n  drain: {every: day}\nclock: {rounds: 3}\n")
        found = problems("tiny", desk.working, packaged=desk.packaged)
        assert [(p.where, p.message) for p in found] == [
            ("scenarios/tiny/more.yaml:2", f"rules.drain stands here and in {MAIN}:{line_of('  drain')}"),
            ("scenarios/tiny/more.yaml:3", f"clock stands here and in {MAIN}:{line_of('clock')}"),
        ]

    def test_faults_of_two_files_are_told_together(self, desk: Desk) -> None:
        desk.scenario("    every: month", "    evry: month")
        desk.write(MAIN, (desk.folder / "scenario.yaml").read_text() + "include: [bad.yaml, more.yaml]\n")
        desk.write("scenarios/tiny/bad.yaml", "a: [")
        desk.write("scenarios/tiny/more.yaml", "include: [bad.yaml]\nactons: {}\n")
        found = {(p.where, p.message) for p in problems("tiny", desk.working, packaged=desk.packaged)}
        assert (f"{MAIN}:{line_of('    every')}", "unknown key 'evry' in rules.drain: did you mean 'every'?") in found
        assert ("scenarios/tiny/more.yaml:1", "only scenario.yaml may include files") in found
        assert ("scenarios/tiny/more.yaml:2", "unknown key 'actons' in the scenario: did you mean 'actions'?") in found
        assert any(where == "scenarios/tiny/bad.yaml:1" and "not YAML" in message for where, message in found)
        assert len(found) == 4

    def test_a_missing_file_is_told_where_it_is_included(self, desk: Desk) -> None:
        desk.scenario("", "include:\n  - gone.yaml\n")
        error = told(desk.load, BadScenario)
        assert error.message == "cannot read scenarios/tiny/gone.yaml: there is no such file"
        assert error.where == f"{MAIN}:{SCENARIO.count(chr(10)) + 2}"


class TestPersonas:
    def test_the_working_folder_then_the_scenarios_own_then_the_packaged(self, desk: Desk) -> None:
        (desk.working / "personas/tiny/zulu.md").unlink()
        text = PERSONA.format(seat="zulu")
        desk.write("personas/tiny/zulu.md", text.replace("the desk", "packaged"), packaged=True)
        assert desk.load().personas["zulu"].organisation == "packaged"
        desk.write("scenarios/tiny/personas/zulu.md", text.replace("the desk", "own"))
        assert desk.load().personas["zulu"].organisation == "own"
        desk.write("personas/tiny/zulu.md", text.replace("the desk", "working"))
        assert desk.load().personas["zulu"].organisation == "working"

    def test_a_seat_without_one_names_the_expected_file(self, desk: Desk) -> None:
        (desk.working / "personas/tiny/alpha.md").unlink()
        error = told(desk.load, BadPersona)
        assert error.message == "the seat 'alpha' has no persona: expected personas/tiny/alpha.md"
        assert error.where == "personas/tiny/alpha.md"

    def test_one_without_a_seat_is_an_error(self, desk: Desk) -> None:
        desk.write("personas/tiny/alfa.md", PERSONA.format(seat="alfa"))
        desk.write("personas/tiny/README.md", "About these.")
        error = told(desk.load, BadPersona)
        assert error.message == "there is no seat 'alfa' in tiny: did you mean 'alpha'?"

    @pytest.mark.parametrize(
        ("old", "new", "line", "says"),
        [
            ("---\nseat", "seat", 1, "its first line is ---"),
            ("\n---\nYou", "\nYou", 1, "the front matter does not end"),
            ("You are the head of a desk.", "  \n", 11, "there is no prose"),
            ("You are the head of a desk.", "You " * 1001, 11, "the prose has 4003 characters: at most 4000"),
            ("organisation", "organization", 2, "'organisation' is missing in the front matter of alpha (and 1 more"),
            ("goals: [keep the budget]", "goals: []", 4, "goals needs at least 1 entries"),
            ("    source: A1", "    sauce: A1", 7, "unknown key 'sauce' in private[0]: did you mean 'source'?"),
            ("weight: 2", "weight: 0", 9, "policy[0].weight must be above 0, not 0"),
            ("goals:", "prose: hidden\ngoals:", 4, "the prose stands below the front matter"),
            ("goals: [keep", "goals: &x [keep", 4, "anchors are not read"),
            ("seat: alpha\n", "seat: alpha\nseat: alpha\n", 3, "given twice"),
            ("seat: alpha", "seat: zulu", 2, "but the file is named 'alpha.md'"),
            ("You are", "You \x1b[2J are", 11, "U+001B"),
        ],
    )
    def test_a_fault_is_one_sentence_at_its_line(self, desk: Desk, old: str, new: str, line: int, says: str) -> None:
        text = PERSONA.format(seat="alpha")
        assert old in text
        desk.write("personas/tiny/alpha.md", text.replace(old, new, 1))
        error = told(desk.load, BadPersona)
        assert says in error.message
        assert error.where == f"personas/tiny/alpha.md:{line}"

    def test_front_matter_of_another_shape(self, desk: Desk) -> None:
        desk.write("personas/tiny/alpha.md", "---\n- a\n---\nYou are.\n")
        assert told(desk.load, BadPersona).where == "personas/tiny/alpha.md:2"


class TestPrompts:
    def test_the_working_folder_comes_first_file_by_file(self, desk: Desk) -> None:
        desk.write("prompts/decide.j2", "packaged", packaged=True)
        desk.write("prompts/judge.j2", "packaged", packaged=True)
        desk.write("prompts/notes.txt", "no template")
        assert desk.load().prompts == {"decide": "Decide, {{ seat }}.\n", "judge": "packaged"}

    @pytest.mark.parametrize(
        ("name", "text"),
        [("Bad Name.j2", b"x"), ("judge.j2", b"\xff\xfe"), ("judge.j2", b"a\x00"), ("judge.j2", b"x" * 70_000)],
    )
    def test_what_is_no_template_is_refused(self, desk: Desk, name: str, text: bytes) -> None:
        desk.write(f"prompts/{name}", text)
        assert f"prompts/{name}" in told(desk.load, BadPrompt).where


class TestStoredCopy:
    def test_it_gives_back_the_same_after_canonical_json(self, desk: Desk) -> None:
        loaded = desk.load()
        text = canonical(loaded.design_data)
        scenario, personas, prompts = from_data(json.loads(text))
        assert (scenario, personas, prompts) == (loaded.scenario, loaded.personas, loaded.prompts)
        assert scenario.kinds["desk"].variables["budget"].range == (0, float("inf"))

    def test_the_order_of_the_author_survives_sorted_keys(self, desk: Desk) -> None:
        scenario, personas, _ = from_data(json.loads(canonical(desk.load().design_data)))
        assert list(scenario.seats) == list(personas) == ["zulu", "alpha"]
        assert list(scenario.model_dump(exclude_unset=True)["clock"]) == ["start", "step", "rounds", "ends"]

    @pytest.mark.parametrize("name", [found.id for found in list_scenarios(ROOT)])
    def test_what_is_played_at_first_is_what_the_stored_copy_gives(self, name: str) -> None:
        loaded = load_scenario(name, ROOT)
        scenario, personas, prompts = from_data(json.loads(canonical(loaded.design_data)))
        assert scenario.model_dump_json() == loaded.scenario.model_dump_json()  # in this order
        assert [p.model_dump_json() for p in personas.values()] == [
            p.model_dump_json() for p in loaded.personas.values()
        ]
        assert (list(personas), prompts) == (list(loaded.personas), loaded.prompts)

    def test_another_order_is_another_design(self, desk: Desk) -> None:
        before = canonical(desk.load().design_data)
        north, south = "  north: {kind: desk, budget: 3}\n", "  south: {kind: desk}\n"
        desk.scenario(north + south, south + north)
        assert canonical(desk.load().design_data) != before

    def test_keys_with_slashes_keep_their_order(self, desk: Desk) -> None:
        desk.scenario("{self.budget: -1}", "{z/y: 1, 'a~1/b': 2, '': 3}")
        loaded = desk.load()
        again = from_data(json.loads(canonical(loaded.design_data)))[0]
        assert list(again.rules["drain"].add) == ["z/y", "a~1/b", ""]

    @pytest.mark.parametrize(
        "bend",
        [
            "[]",
            "null",
            '{"scenario":{},"personas":{},"prompts":{}}',
            '{"scenario":{},"personas":{},"prompts":{},"order":[]}',
            '{"scenario":{},"personas":{},"prompts":{},"order":{}}',
            '{"scenario":{"a":1},"personas":{},"prompts":{},"order":{"/scenario":["b"]}}',
            '{"scenario":{"a":1},"personas":{},"prompts":{},"order":{"/scenario":[["a"]]}}',
            '{"scenario":{"title":"\\u001b[2J"},"personas":{},"prompts":{},"order":{}}',
            '{"scenario":NaN,"personas":{},"prompts":{},"order":{}}',
            '{"scenario":1e999,"personas":{},"prompts":{},"order":{}}',
            '{"scenario":' + "9" * 400 + ',"personas":{},"prompts":{},"order":{}}',
            '{"scenario":' + "[" * 500 + "]" * 500 + ',"personas":{},"prompts":{},"order":{}}',
        ],
    )
    def test_damaged_data_is_refused(self, bend: str) -> None:
        assert told(lambda: from_data(json.loads(bend)), BadScenario).where

    def test_a_design_lacking_a_persona_or_prompt_text_is_refused(self, desk: Desk) -> None:
        data = desk.load().design_data
        lacking = {**data, "personas": {"zulu": data["personas"]["zulu"]}, "order": {}}
        assert told(lambda: from_data(lacking), BadPersona).where == "personas"
        assert told(lambda: from_data({**data, "prompts": {"decide": 3}}), BadPrompt).where == "prompts"
