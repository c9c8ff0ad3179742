"""The YAML reader: what plain scalars mean, which line is which, what is refused and how fast."""

import importlib
import math
from typing import Any

import pytest

from orchestrator.errors import BadScenario
from orchestrator.library.yaml import Budget, Plain, Tree, parse, shown
from tests.library.kit import SCENARIO, told, within

MOST_NODES = Budget().values


def read(text: str) -> Tree:
    return parse(text, name="f.yaml", error=BadScenario, budget=Budget(characters=20_000_000))


def refused(text: str) -> BadScenario:
    with within(1.0):
        return told(lambda: read(text), BadScenario)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-7", -7),
        ("+12", 12),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("999999999999999999", 999999999999999999),
        ("2.0e6", 2e6),
        ("2e6", 2e6),
        (".5", 0.5),
        ("-1.", -1.0),
        ("1e-3", 1e-3),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        (".e3", ".e3"),
        ("+", "+"),
        ("\n- a", ["a"]),
        ("1.2.3", "1.2.3"),
        ("2023-07-01", "2023-07-01"),
        ("06-01", "06-01"),
        ("<<", "<<"),
        ("=", "="),
        ('"true"', "true"),
        ("'1'", "1"),
        ("''", ""),
        ('"\\u00e9\\n"', "é\n"),
        ("|-\n  1\n  2", "1\n2"),
        (">\n  a\n  b", "a b\n"),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(written: str, meant: Plain) -> None:
    data = read(f"k: {written}\n").data
    assert isinstance(data, dict)
    assert data == {"k": meant}
    assert type(data["k"]) is type(meant)


HOSTILE = {
    "alias": ("a: &x 1\nb: *x", 1, "anchors are not read (&x)"),
    "undefined alias": ("a: 1\nb: *x", 2, "aliases are not read (*x)"),
    "alias bomb": (
        "a: &a [x,x]\n" + "".join(f"{c}: &{c} [*{p},*{p}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True)),
        1,
        "anchors",
    ),
    "tag": ("a: 1\nb: !!python/object/apply:os.system ['true']", 2, "tags are not read"),
    "own tag": ("a: !x 1", 1, "tags are not read"),
    "lone tag": ("a: ! 1", 1, "tags are not read"),
    "tagged list": ("a: !!set {b}", 1, "tags are not read"),
    "twice": ("a:\n  b: 1\n  c: 2\n  b: 3", 4, "the key 'b' is given twice in a, first on line 2"),
    "twice, other quotes": ("a: 1\n'a': 2", 2, "given twice, first on line 1"),
    "twice, in a list": ("a:\n- {b: 1}\n- {c: 1, c: 2}", 3, "given twice in a[1]"),
    "number as key": ("a: {1: b}", 1, "a key must be text: put 1 in quotes in a"),
    "truth twice": ("false: 1\nfalse: 2", 2, "the key 'false' is given twice, first on line 1"),
    "null as key": ("a:\n  ~: b", 2, "a key must be text"),
    "list as key": ("? [a]\n: b", 1, "a key must be text, not a list"),
    "mapping as key": ("? {a: b}\n: b", 1, "a key must be text, not a mapping"),
    "two documents": ("a: 1\n---\nb: 2", 2, "a second document begins here"),
    "empty documents": ("---\n" * 5000, 2, "a second document begins here"),
    "directive": ("%YAML 1.1\n---\na: 1", 1, "directives"),
    "tag directive": ("%TAG ! !evil\n---\na: 1", 1, "directives"),
    "NaN": ("a: {b: .nan}", 1, "NaN is not a number that a scenario may hold in a.b"),
    "too large a number": ("a: 1e999", 1, "the number 1e999 is too large in a"),
    "19 digits": ("a: 1000000000000000000", 1, "more than 18 digits"),
    "a million digits": ("a: " + "9" * 1_000_000, 1, "more than 18 digits"),
    "a million hex digits": ("a: 0x" + "f" * 1_000_000, 1, "base 8 or 16"),
    "a million decimals": ("a: 1." + "1" * 1_000_000, 1, "a number of more than 64 characters"),
    "escape": ('a: 1\nb: "\\e[2J"', 2, "U+001B may not stand in a text in b"),
    "escaped lone surrogate": ('a: "\\ud800"', 1, "not YAML"),
    "escaped override": ('a: "\\u202e"', 1, "U+202E"),
    "raw escape": ("a: 1\nb: \x1b", 2, "U+001B"),
    "NUL": ("a: \x00", 1, "U+0000"),
    "mark inside": ("a: 1\n\ufeffb: 2", 2, "U+FEFF"),
    "line separator": ("a: b\u2028c: d", 1, "U+2028"),
    "override": ("a: b\u202ec", 1, "U+202E"),
    "invisible words": ("a: b\U000e0041", 1, "U+E0041"),
    "no YAML": ("a: b: c", 1, "mapping values are not allowed"),
    "open list": ("a: [1,\n", 1, "not YAML"),
    "open quote": ("a: 'b\n\n", 1, "not YAML"),
    "tab": ("a:\n\tb: 1", 2, "not YAML"),
    "5,000 deep, flow lists": ("[" * 5000 + "]" * 5000, 1, "nested deeper than 40"),
    "5,000 deep, flow mappings": ("{a: " * 5000, 1, "nested deeper than 40"),
    "5,000 deep, dashes": ("- " * 5000 + "x", 1, "nested deeper than 40"),
    "5,000 deep, block": ("".join(" " * n + "a:\n" for n in range(5000)), 41, "nested deeper than 40"),
    "5,000 deep, keys": ("? " * 5000, 1, "a key must be text"),
    "two million brackets": ("[" * 2_000_000, 1, "nested deeper than 40"),
    "too many values": ("- []\n" * (MOST_NODES + 1), MOST_NODES, "too large"),
    "too many keys": ("".join(f"k{n}:\n" for n in range(MOST_NODES)), MOST_NODES // 2, "too large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_plain_yaml_is_refused_with_its_line(name: str) -> None:
    text, line, says = HOSTILE[name]
    error = refused(text)
    assert error.where == f"f.yaml:{line}"
    assert says in error.message
    assert "\n" not in error.message
    assert len(error.message) < 250
    assert shown(error.message, 250) == error.message


def test_depth_of_forty_is_read() -> None:
    deep = read("[" * 40 + "]" * 40).data
    for _ in range(39):
        assert isinstance(deep, list)
        (deep,) = deep
    assert deep == []


def test_long_texts_and_many_values_are_read_within_a_second() -> None:
    with within(1.0):
        assert len(str(read("a: " + "word " * 400_000).data)) > 1_999_000
    with within(1.0):
        data = read("".join(f"k{n}: v\n" for n in range(MOST_NODES // 2 - 1))).data
        assert isinstance(data, dict)
        assert len(data) == MOST_NODES // 2 - 1


def test_lines_are_those_of_keys_and_items() -> None:
    tree = read(
        "a: 1\n\n# note\nb:\n  c:\n    - x\n    - d: >\n        long\n        text\n      e: {f: 1,\n        g: 2}\n"
    )
    wanted: dict[tuple[str | int, ...], int] = {
        ("a",): 1,
        ("b",): 4,
        ("b", "c"): 5,
        ("b", "c", 0): 6,
        ("b", "c", 1): 7,
        ("b", "c", 1, "d"): 7,
        ("b", "c", 1, "e"): 10,
        ("b", "c", 1, "e", "g"): 11,
        ("b", "c", 9): 5,
        ("b", "missing"): 4,
        ("b", "variables", "c", 0): 6,
        (): 1,
    }
    assert {path: tree.find(path)[1] for path in wanted} == wanted


def test_first_line_shifts_every_line() -> None:
    tree = parse("a: 1\nb: 2\n", name="p.md", error=BadScenario, first_line=10)
    assert tree.find(("b",))[1] == 11
    error = told(lambda: parse("a: 1\nb: [", name="p.md", error=BadScenario, first_line=10), BadScenario)
    assert error.where == "p.md:11"


def test_an_empty_file_holds_nothing() -> None:
    assert read("").data is None
    assert read("# only a note\n").data is None


class TestWithoutTheCParser:
    @pytest.fixture(autouse=True)
    def _no_c(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = importlib.import_module

        def without(name: str, package: str | None = None) -> Any:
            if name == "_ruamel_yaml":
                raise ModuleNotFoundError(name)
            return real(name, package)

        monkeypatch.setattr(importlib, "import_module", without)

    def test_it_gives_the_same_data_and_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slow = read(SCENARIO)
        lines = slow.lines
        monkeypatch.undo()
        fast = read(SCENARIO)
        assert (slow.data, lines) == (fast.data, fast.lines)

    @pytest.mark.parametrize("name", [n for n, (text, _, _) in HOSTILE.items() if len(text) < 10_000])
    def test_it_refuses_the_same(self, name: str) -> None:
        text, line, says = HOSTILE[name]
        error = told(lambda: read(text), BadScenario)
        # Where the text is no YAML at all the two parsers notice at different places.
        if "not YAML" not in error.message and says not in ("not YAML", "directives"):
            assert error.where == f"f.yaml:{line}"
            assert says in error.message

    @pytest.mark.parametrize("unit", ["[", "{a: ", "- "])
    def test_it_stops_at_the_same_depth(self, unit: str) -> None:
        assert "nested deeper than 40" in told(lambda: read(unit * 1000), BadScenario).message
