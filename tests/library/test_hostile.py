"""Files that want to do harm: each is refused by one of our errors, soon, and nothing outside is read."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadInput, BadPersona, BadPrompt, BadScenario
from orchestrator.library import problems
from orchestrator.library.yaml import shown
from tests.library.kit import PERSONA, SCENARIO, Desk, told, within

MAIN = "scenarios/tiny/scenario.yaml"
SECRET = "secret: what lies outside"

BYTES: dict[str, bytes] = {
    "empty": b"",
    "UTF-16 with a mark": SCENARIO.encode("utf-16"),
    "UTF-16 without": SCENARIO.encode("utf-16-le"),
    "UTF-32": SCENARIO.encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + SCENARIO.encode(),
    "Latin-1": SCENARIO.replace("report", "r\u00e9port").encode("latin-1"),
    "overlong": SCENARIO.encode() + b"# \xc0\xaf",
    "surrogate": SCENARIO.encode() + b"# \xed\xa0\x80",
    "old Mac line ends": SCENARIO.replace("\n", "\r").encode(),
    "NUL at the end": SCENARIO.encode() + b"\x00",
    "10 MB": SCENARIO.encode() + b"# x\n" * 2_500_000,
    "10 MB in one line": b"a: " + b"x" * 10_000_000,
    "10 MB of brackets": b"[" * 10_000_000,
    "2 MB of brackets": b"[" * 2_000_000,
    "2 MB of keys": b"".join(b"k%d: 1\n" % n for n in range(180_000)),
    "thousands of unknown keys": b"".join(b"k%d: 1\n" % n for n in range(24_000)),
    "thousands of bad rules": b"rules:\n" + b"".join(b"  r%d: {evry: 1}\n" % n for n in range(12_000)),
    "thousands of wrong values": b"rules:\n" + b"".join(b"  r%d: 1\n" % n for n in range(24_000)),
    "a thousand bad rules": b"rules:\n" + b"".join(b"  r%d: {evry: 1}\n" % n for n in range(1_900)),
    "thousands of good numbers": SCENARIO.encode()
    + b"numbers:\n"
    + b"".join(b"  n%d: {value: 1}\n" % n for n in range(12_000)),
    "thousands of seats": b"seats:\n" + b"".join(b"  s%d: {label: x, plays: y}\n" % n for n in range(8_000)),
    "thousands of includes": b"include: [" + b",".join(b"f%d.yaml" % n for n in range(40_000)) + b"]",
    "thousands of bad includes": b"include: [" + b"..," * 40_000 + b"]",
    "huge round count": SCENARIO.replace("rounds: 4", "rounds: " + "9" * 5000).encode(),
    "huge but short": SCENARIO.replace("rounds: 4", "rounds: 0x" + "f" * 14).encode(),
    "a list": b"- a",
    "a text": b"hello",
    "front matter": PERSONA.encode(),
}


@pytest.mark.parametrize("name", BYTES)
def test_a_hostile_scenario_file_is_refused_within_a_second(desk: Desk, name: str) -> None:
    desk.write(MAIN, BYTES[name])
    with within(1.0):
        error = told(desk.load, BadScenario)
    assert error.code == 2
    assert error.where.startswith(MAIN)
    assert error.message.isprintable()
    assert len(error.message) < 300


@pytest.mark.parametrize("name", [n for n in BYTES if n != "front matter"])
def test_the_same_as_a_persona(desk: Desk, name: str) -> None:
    desk.write("personas/tiny/alpha.md", BYTES[name])
    with within(1.0):
        error = told(desk.load, BadPersona)
    assert error.where.startswith("personas/tiny/alpha.md")


@pytest.mark.parametrize("name", ["byte order mark", "2 MB of brackets", "thousands of unknown keys", "UTF-16 without"])
def test_the_same_as_front_matter(desk: Desk, name: str) -> None:
    desk.write("personas/tiny/alpha.md", b"---\n" + BYTES[name] + b"\n---\nYou are.\n")
    with within(1.0):
        told(desk.load, BadPersona)


@pytest.mark.parametrize(
    "file",
    [
        "../outside.yaml", "..", ".", "", "sub/../../outside.yaml", "sub/../more.yaml", "./more.yaml", "/etc/passwd",
        "/etc/hosts.yaml", "~/x.yaml", "a\\b.yaml", "C:/x.yaml", "//host/x.yaml", "file:///etc/x.yaml", "more.yaml/",
        "more.txt", ".hidden.yaml", "a\u0301.yaml", "a b.yaml", "$HOME.yaml", "x" * 300 + ".yaml", "a/b/c/d/e.yaml",
        "scenario.yaml", "sub/.git/config.yaml",
    ],
)  # fmt: skip
def test_an_include_that_leaves_the_folder_is_refused(desk: Desk, file: str) -> None:
    desk.write("scenarios/outside.yaml", SECRET)
    desk.write("scenarios/tiny/sub/empty.yaml", "{}")
    desk.write("scenarios/tiny/more.yaml", "{}")
    desk.scenario("", f"include:\n  - {file!r}\n")
    error = told(desk.load, BadScenario)
    assert error.where == f"{MAIN}:{SCENARIO.count(chr(10)) + 2}"
    assert "include" in error.message
    assert "outside.yaml stands" not in error.message


@pytest.mark.parametrize("what", ["x", "[[a]]", "[1]", "[null]", "{a: b}", '["a\\nb.yaml"]', "[more.yaml, more.yaml]"])
def test_an_include_of_another_shape_is_refused(desk: Desk, what: str) -> None:
    desk.write("scenarios/tiny/more.yaml", "{}")
    desk.scenario("", f"include: {what}\n")
    assert "include" in told(desk.load, BadScenario).message


def link(desk: Desk, path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


LINKS = {
    "a file outside": "../../outside.yaml",
    "an absolute path": "/etc/passwd",
    "a device": "/dev/zero",
    "itself": "more.yaml",
    "nothing": "gone.yaml",
    "a folder": "/etc",
    "a process": "/proc/self/environ",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_the_folder_is_not_followed(desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("scenarios/outside.yaml", SECRET)
    desk.write("personas/outside.yaml", SECRET)
    desk.scenario("", "include: [more.yaml]\n")
    link(desk, desk.folder / "more.yaml", LINKS[name])
    opened = watch_opens(monkeypatch)
    error = told(desk.load, BadScenario)
    assert "more.yaml" in error.message
    assert all(str(desk.working) in path and "outside" not in path for path in opened)


def test_links_of_main_file_persona_and_prompt_are_held_to_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("outside.yaml", SCENARIO)
    desk.write("outside.md", PERSONA.format(seat="alpha"))
    opened = watch_opens(monkeypatch)
    link(desk, desk.working / "prompts/judge.j2", "../outside.md")
    assert "leads out of its folder" in told(desk.load, BadPrompt).message
    link(desk, desk.working / "personas/tiny/alpha.md", "../../outside.md")
    assert "leads out of its folder" in told(desk.load, BadPersona).message
    link(desk, desk.folder / "scenario.yaml", "../../outside.yaml")
    assert "leads out of its folder" in told(desk.load, BadScenario).message
    assert not [path for path in opened if "outside" in path]


def test_a_link_within_the_folder_is_read(desk: Desk) -> None:
    desk.write("scenarios/tiny/real.yaml", "numbers: {n: {value: 1}}\n")
    desk.scenario("", "include: [more.yaml]\n")
    link(desk, desk.folder / "more.yaml", "real.yaml")
    assert desk.load().scenario.numbers["n"].value == 1


def watch_opens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are opened from now on."""
    opened: list[str] = []
    real = os.open

    def watched(path: str | Path, flags: int) -> int:
        opened.append(str(path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", watched)
    return opened


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket is limited to some hundred bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize("make", [_pipe, _socket, Path.mkdir])
@pytest.mark.parametrize("name", [MAIN, "scenarios/tiny/more.yaml", "personas/tiny/alpha.md", "prompts/decide.j2"])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(
    desk: Desk, name: str, make: Callable[[Path], None]
) -> None:
    desk.scenario("", "include: [more.yaml]\n")
    desk.write("scenarios/tiny/more.yaml", "{}")
    (desk.working / name).unlink()
    make(desk.working / name)
    with pytest.raises(BadInput) as caught:
        desk.load()
    assert name in caught.value.message


def test_the_values_of_all_files_are_counted_together(desk: Desk) -> None:
    files = [f"f{n:02}.yaml" for n in range(20)]
    for file in files:
        desk.write(f"scenarios/tiny/{file}", "x: [" + "1," * 20_000 + "]")
    desk.scenario("", f"include: [{', '.join(files)}]\n")
    with within(1.0):
        found = problems("tiny", desk.working, packaged=desk.packaged)
    assert [p.where for p in found if "too large" in p.message][0] == "scenarios/tiny/f02.yaml:1"  # noqa: RUF015


def test_so_are_those_of_files_with_an_error_at_their_end(desk: Desk) -> None:
    files = [f"f{n}.yaml" for n in range(60)]
    for file in files:
        desk.write(f"scenarios/tiny/{file}", "x: [" + "1," * 45_000 + "]\n: [\n")
    desk.scenario("", f"include: [{', '.join(files)}]\n")
    with within(1.5):
        assert len(problems("tiny", desk.working, packaged=desk.packaged)) == 60


PIECES = st.sampled_from(
    [*"\n\t:{}[],>'\"#?%@`~!&*|", "  ", "- ", "&a", "*a", "!t", "rules:", "tells:", "seats:", "  add: {self.x: 1}"]  # noqa: RUF005
    + [".inf", ".nan", "1e999", "0x", "---", "...", "\\u0000", "plays: ", "range: "]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map("".join)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["public", "1", "a.b", "", "é"])
KEYS = st.sampled_from(["source", "range", "kind", "values", "variables", "low", "for", "tells", "x"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def loads_or_refuses(desk: Desk) -> None:
    found = problems("tiny", desk.working, packaged=desk.packaged)
    assert all(p.where and p.message == shown(p.message, 500) and p.error in (BadScenario, BadPersona) for p in found)
    if not found:
        desk.load()


@FUZZ
@given(at=st.integers(0, len(SCENARIO)), cut=st.integers(0, 30), text=TEXTS)
def test_no_text_makes_loading_raise_anything_else(desk: Desk, at: int, cut: int, text: str) -> None:
    desk.write(MAIN, SCENARIO[:at] + text + SCENARIO[at + cut :])
    loads_or_refuses(desk)


@FUZZ
@given(at=st.integers(0, 200), cut=st.integers(0, 30), text=TEXTS)
def test_nor_does_any_persona(desk: Desk, at: int, cut: int, text: str) -> None:
    persona = PERSONA.format(seat="alpha")
    desk.write("personas/tiny/alpha.md", persona[:at] + text + persona[at + cut :])
    loads_or_refuses(desk)


@FUZZ
@given(
    section=st.sampled_from(
        ["kinds", "entities", "rules", "actions", "numbers", "processes", "clock", "free", "seats"]
    ),
    tree=TREES,
)
def test_nor_does_any_value_in_the_place_of_another(desk: Desk, section: str, tree: object) -> None:
    desk.write(MAIN, f"{section}: {written(tree)}\n" + SCENARIO.replace(f"\n{section}:", f"\nx{section}:"))
    loads_or_refuses(desk)


def written(tree: object) -> str:
    """A value in YAML's flow style."""
    match tree:
        case dict():
            return "{" + ", ".join(f"{k}: {written(v)}" for k, v in tree.items()) + "}"  # type: ignore[misc]
        case list():
            return "[" + ", ".join(written(v) for v in tree) + "]"  # type: ignore[misc]
        case str():
            return "'" + tree.replace("'", "''") + "'"
        case float():
            return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(tree), repr(tree))
        case None:
            return "~"
        case _:
            return str(tree).lower()
