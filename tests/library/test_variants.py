"""Variants: what a file of `variants/` changes, and what is told of one that is wrong."""

import pytest

from orchestrator.errors import BadPersona, BadScenario, UnknownVariant
from orchestrator.library import Loaded, from_data, list_variants, load_scenario, problems
from tests.library.kit import Desk, told

SLOW = """\
variant: the budget lasts longer
clock: {rounds: 8}
entities:
  north: {budget: 9}
rules:
  drain: {source: A1, for: desk, every: quarter, add: {self.budget: -1}}
personas:
  alpha:
    policy: [{do: wait_and_see, weight: 7}]
"""


def write(desk: Desk, text: str, name: str = "slow") -> None:
    desk.write(f"scenarios/tiny/variants/{name}.yaml", text)


def varied(desk: Desk, name: str = "slow") -> Loaded:
    return load_scenario("tiny", desk.working, packaged=desk.packaged, variant=name)


def wrong(desk: Desk, text: str) -> list[tuple[str, str]]:
    """Every problem of a variant of this text, as (line, message)."""
    write(desk, "variant: another one\n" + text)
    found = problems("tiny", desk.working, packaged=desk.packaged, variant="slow")
    return [(one.where.removeprefix("scenarios/tiny/"), one.message) for one in found]


def test_a_variant_is_laid_over_the_scenario(desk: Desk) -> None:
    write(desk, SLOW)
    plain, loaded = desk.load(), varied(desk)
    assert (plain.scenario.clock.rounds, loaded.scenario.clock.rounds) == (4, 8)
    assert loaded.scenario.clock.start == "2023-07-01"
    assert loaded.scenario.entities["north"].values == {"budget": 9}
    assert loaded.scenario.entities["south"] == plain.scenario.entities["south"]
    assert (loaded.variant, plain.variant) == ("slow", None)


def test_a_rule_that_is_given_stands_for_the_whole_of_it(desk: Desk) -> None:
    write(desk, SLOW)
    rule = varied(desk).scenario.rules["drain"]
    assert (rule.every, rule.says) == ("quarter", "")


def test_only_the_named_parts_of_a_persona_change(desk: Desk) -> None:
    write(desk, SLOW)
    plain, loaded = desk.load().personas, varied(desk).personas
    assert [line.weight for line in loaded["alpha"].policy] == [7]
    assert loaded["alpha"].private == plain["alpha"].private
    assert loaded["zulu"] == plain["zulu"]


def test_null_takes_an_entry_away(desk: Desk) -> None:
    write(desk, "variant: no drain\nrules: {drain: null}\n")
    assert varied(desk).scenario.rules == {}


def test_a_seat_that_is_taken_away_takes_its_persona_along(desk: Desk) -> None:
    write(desk, "variant: one desk\nseats: {zulu: null}\nactions: {wait_and_see: {label: W, purpose: p, by: alpha}}\n")
    loaded = varied(desk)
    assert list(loaded.scenario.seats) == list(loaded.personas) == ["alpha"]


def test_the_stored_copy_is_the_variant(desk: Desk) -> None:
    write(desk, SLOW)
    loaded = varied(desk)
    scenario, personas, _ = from_data(loaded.design_data)
    assert (scenario, personas) == (loaded.scenario, loaded.personas)


def test_the_list_tells_what_each_changes(desk: Desk) -> None:
    write(desk, SLOW)
    write(desk, "no mapping", "broken")
    desk.write("scenarios/tiny/variants/README.md", "words")
    desk.write("scenarios/tiny/variants/Not a name.yaml", "variant: x")
    assert [(one.id, one.title) for one in list_variants(desk.folder, desk.working)] == [
        ("broken", ""),
        ("slow", "the budget lasts longer"),
    ]


def test_a_dash_may_stand_for_an_underscore(desk: Desk) -> None:
    write(desk, SLOW, "very_slow")
    assert varied(desk, "very-slow").variant == "very_slow"


def test_an_unknown_variant_is_named_with_the_near_one(desk: Desk) -> None:
    write(desk, SLOW)
    error = told(lambda: varied(desk, "slwo"), UnknownVariant)
    assert error.code == 6
    assert error.message == "tiny has no variant 'slwo': did you mean 'slow'? (it has: slow)"
    assert told(lambda: varied(desk, "../../etc"), UnknownVariant).code == 6


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rules: {drian: null}\n", 2, "rules: there is no 'drian' to take away: did you mean 'drain'?"),
        ("seats: {alpa: {plays: north, label: x}}\n", 2,
         "seats: there is no 'alpa' to change, and a variant adds none: did you mean 'alpha'?"),
        ("\nclok: {rounds: 3}\n", 3, "unknown key 'clok' in the scenario: did you mean 'clock'?"),
        ("clock:\n  rounds: no\n", 3, "clock.rounds: expected a whole number, not the text 'no'"),
        ("clock: null\n", 2, "clock: null takes away an entry of a section, not all of it"),
        ("include: [x.yaml]\n", 2, "a variant has no 'include': it says what is otherwise, in one file"),
        ("personas: {alhpa: {policy: []}}\n", 2, "personas: there is no seat 'alhpa': did you mean 'alpha'?"),
        ("personas:\n  alpha:\n    polcy: []\n", 4,
         "personas.alpha: a variant changes no 'polcy' of a persona: did you mean 'policy'?"),
        ("personas: [alpha]\n", 2,
         "personas: expected seats, each with what is otherwise of its persona (`policy:` ...)"),
        ("personas:\n  alpha:\n    policy:\n      - {do: x, wheight: 2}\n", 5,
         "unknown key 'wheight' in policy[0]: did you mean 'weight'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_line_of_the_variant(desk: Desk, text: str, line: int, message: str) -> None:
    assert (f"variants/slow.yaml:{line}", message) in wrong(desk, text)


def test_a_variant_says_what_it_changes(desk: Desk) -> None:
    write(desk, "clock: {rounds: 3}\n")
    error = told(lambda: varied(desk), BadScenario)
    assert error.message.startswith("'variant' says in at most 300 characters what is otherwise here")
    assert error.where == "scenarios/tiny/variants/slow.yaml:1"


def test_a_variant_that_leads_elsewhere_is_not_read(desk: Desk) -> None:
    desk.write("elsewhere.yaml", SLOW)
    (desk.folder / "variants").mkdir()
    (desk.folder / "variants" / "slow.yaml").symlink_to(desk.working / "elsewhere.yaml")
    assert "leads out of its folder" in told(lambda: varied(desk), BadScenario).message


def test_what_is_wrong_in_the_persona_itself_keeps_its_own_line(desk: Desk) -> None:
    write(desk, SLOW)
    path = desk.working / "personas" / "tiny" / "alpha.md"
    path.write_text(path.read_text("utf-8").replace("- fact:", "- fct:"), "utf-8")
    assert told(lambda: varied(desk), BadPersona).where == "personas/tiny/alpha.md:6"
