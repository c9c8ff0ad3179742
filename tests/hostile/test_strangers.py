"""A scenario from a stranger, met with the commands: whatever one of its files holds, one sentence, exit 2, at once.

Every sort of file (the scenario, an included file, a table, a variant, a persona) with every sort of harm; nothing
outside the folder is opened, nothing is run and nothing is left behind.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.library.newly import create_scenario
from tests.cli.gallery_kit import clear
from tests.library.kit import within

HOME = "scenarios/winter"
FILES = {
    "the scenario": f"{HOME}/scenario.yaml",
    "an included file": f"{HOME}/more.yaml",
    "a table": f"{HOME}/towns.csv",
    "a variant": f"{HOME}/variants/cold.yaml",
    "a persona": f"{HOME}/personas/north_manager.md",
}
SECRET = "what lies outside"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a scenario of all sorts of files, and a secret beside it."""
    clear(monkeypatch)
    home = tmp_path / "work"
    home.mkdir()
    (tmp_path / "secret.yaml").write_text(f"title: {SECRET}\n", "utf-8")
    create_scenario("winter", home)
    main_file = home / FILES["the scenario"]
    text = main_file.read_text("utf-8").replace(
        "entities: ", "entities:\n  towns: {kind: utility, rows: towns.csv}\n #", 1
    )
    main_file.write_text(text + "include: [more.yaml]\n", "utf-8")
    (home / FILES["an included file"]).write_text("numbers:\n  spare: {value: 1}\n", "utf-8")
    (home / FILES["a table"]).write_text("id,label,gas\neast_gas,East Gas,50\n", "utf-8")
    (home / HOME / "variants").mkdir()
    (home / FILES["a variant"]).write_text("variant: a cold one\nnumbers:\n  price: {value: 2}\n", "utf-8")
    monkeypatch.chdir(home)
    yield home
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.yaml", "work"]
    assert not (home / "runs").exists()


def asked(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    """(exit code, the JSON document, what stands on stderr) of a command."""
    capsys.readouterr()
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def test_the_folder_as_it_is_holds_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("scenarios", "check", "winter", capsys=capsys)[:2] == (0, {**asked_check(capsys), "ok": True})


def asked_check(capsys: pytest.CaptureFixture[str]) -> Any:
    return asked("scenarios", "check", "winter", capsys=capsys)[1]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
YAML: dict[str, bytes] = {
    "an alias bomb": BOMB.encode(),
    "a tag": b"title: !!python/object/apply:os.system ['touch ran']\n",
    "a tag of its own": b"title: !run x\n",
    "a key twice": b"title: a\ntitle: b\n",
    "an unknown key": b"titel: a\n",
    "Latin-1": "title: Königsberg\n".encode("latin-1"),
    "UTF-16": "title: x\n".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbftitle: x\n",
    "a NUL": b"title: a\x00b\n",
    "an escape": b"title: \x1b[2J\n",
    "a written escape": b'title: "\\e[2J"\n',
    "an override": "title: \u202ex\n".encode(),
    "10 MB": b"title: x\n" + b"# x\n" * 2_500_000,
    "10 MB in a line": b"title: " + b"x" * 10_000_000,
    "5,000 deep": b"title: " + b"[" * 5000 + b"]" * 5000,
    "5,000 deep in blocks": b"title:\n" + b"".join(b" " * (n + 1) + b"a:\n" for n in range(5000)),
    "many documents": b"title: x\n---\ntitle: y\n",
    "a merge": b"title: x\n<<: {title: y}\n",
    "a number of many digits": b"clock: {rounds: " + b"9" * 5000 + b"}\n",
    "no mapping": b"- a\n",
}
TABLES: dict[str, bytes] = {
    "10 MB": b"id,gas\n" + b"a,1\n" * 2_500_000,
    "10 MB in a cell": b"id,gas\na," + b"1" * 10_000_000,
    "a cell that never ends": b'id,gas\na,"' + b"x\n" * 100_000,
    "5,000 columns": b"id," + b",".join(b"c%d" % n for n in range(5000)) + b"\n",
    "Latin-1": "id,label\na,König\n".encode("latin-1"),
    "UTF-16": "id,gas\na,1\n".encode("utf-16"),
    "a NUL": b"id,label\na,\x00\n",
    "an escape": b"id,label\na,\x1b[2J\n",
    "a formula": b"id,gas\na,=cmd|'/c calc'!A0\n",
    "an unknown column": b"id,gsa\na,1\n",
    "a row twice": b"id,gas\na,1\na,2\n",
    "a path": b"id,gas\n../../x,1\n",
}
CASES = [
    *((kind, name, data) for kind in FILES if kind not in ("a table", "a persona") for name, data in YAML.items()),
    *(("a table", name, data) for name, data in TABLES.items()),
    *(("a persona", name, b"---\n" + data + b"---\nYou are.\n") for name, data in YAML.items() if name != "a merge"),
]


@pytest.mark.parametrize(
    ("kind", "data"), [case[::2] for case in CASES], ids=[f"{kind}: {name}" for kind, name, _ in CASES]
)
def test_harm_in_any_file_is_refused_at_once(
    folder: Path, kind: str, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / FILES[kind]).write_bytes(data)
    with within(1.0):
        code, document, err = asked("scenarios", "check", "winter", capsys=capsys)
    assert (code, err) == (2, "")
    assert document["ok"] is False
    assert all(one["message"].isprintable() and len(one["message"]) < 400 for one in document["problems"])
    assert any(FILES[kind] in one["where"] + one["message"] for one in document["problems"])
    variant = ["--variant", "cold"] if kind == "a variant" else []
    with within(1.0):
        code, document, _ = asked("run", "--scenario", "winter", "--policy", "all", *variant, capsys=capsys)
    assert code == 2
    assert "\n" not in document["error"]["message"]
    assert not list(folder.rglob("ran"))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "target", ["../../../secret.yaml", "/etc/passwd", "/dev/zero", "/proc/self/environ", "nowhere"]
)
def test_no_link_leads_out_of_the_folder(
    folder: Path, kind: str, target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / FILES[kind]
    path.unlink()
    path.symlink_to("../" * (len(Path(FILES[kind]).parts) - 3) + target if target.startswith("..") else target)
    opened: list[str] = []
    real = os.open

    def watched(file: Any, *given: Any, **more: Any) -> int:
        opened.append(str(file))
        return real(file, *given, **more)

    monkeypatch.setattr(os, "open", watched)
    with within(1.0):
        code, document, _ = asked("scenarios", "check", "winter", capsys=capsys)
    assert code in (2, 6)
    assert SECRET not in json.dumps(document)
    assert not [file for file in opened if "secret" in file or file.startswith(("/etc", "/dev", "/proc"))]


INJECTED = [
    "{__import__('os').system('touch ran')}", "{self.__class__.__mro__}", "{{7*7}}{%", "{% include '/etc/passwd' %}",
    "{self.gas.__init__.__globals__}", "{open('/etc/passwd')}", "{'a' * 9 ** 9}", "{9**9**9}", "{self.gas!r}",
    "{self.gas:>1000000000}", "${PATH}", "{lambda: 1}", "{[x for x in utility]}", "{self[0]}", "{trust.__class__}",
    "{trust[self, self].__class__}", "{trust[self.__class__, self]}", "{trust[*utility]}",
    "{" + "(" * 5000 + ")" * 5000 + "}", "{" + "-" * 5000 + "1}", "{" + "+".join(["self.gas"] * 300) + "}",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTED)
@pytest.mark.parametrize("place", ["says", "add", "question", "variant"])
def test_nothing_is_run_by_a_sentence_or_an_expression(
    folder: Path, text: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = json.dumps(text if place in ("says", "question") else text.strip("{}"))
    rule = "rules:\n  odd: {for: utility, every: month, %s, source: S1}\n"
    more = {
        "says": rule % f"says: {quoted}",
        "add": rule % f"add: {{self.money: {quoted}}}",
        "variant": "variant: odd\n" + rule % f"when: {quoted}",
        "question": f"questions:\n  odd: {{asks: {quoted}, resolves: 'true'}}\n",
    }[place]
    (folder / FILES["a variant" if place == "variant" else "an included file"]).write_text(more, "utf-8")
    with within(1.0):
        code, document, err = asked("scenarios", "check", "winter", capsys=capsys)
    assert err == ""
    assert code == 2 or text in ("{{7*7}}{%", "${PATH}")
    assert all(one["message"].isprintable() and len(one["message"]) < 400 for one in document["problems"])
    assert not list(folder.rglob("ran"))


NAMES = [
    "../winter",
    "/etc/passwd",
    "winter/../winter",
    "win\x1b[2Jter",
    "winter\n",
    "win\0ter",
    "w" * 10_000,
    "",
    ".",
    "-",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "words",
    [("scenarios", "check"), ("scenarios", "show"), ("scenarios", "new"), ("run", "--policy", "all", "--scenario"),
     ("run", "--scenario", "winter", "--policy", "all", "--variant")],
)  # fmt: skip
def test_a_name_with_parts_of_a_path_or_controls_is_no_name(
    folder: Path, words: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "winter\n" and words != ("scenarios", "new"):
        return  # blanks around a name are not part of it
    if name == "-":
        name = "--"  # a lone hyphen would be read as a name with an underscore
    with within(1.0):
        capsys.readouterr()
        code = main(
            [*words[:-1], "--json", *words[-1:], name] if words[-1].startswith("--") else [*words, "--json", name]
        )
    out, err = capsys.readouterr()
    assert code in (2, 6), (out, err)
    said = json.loads(out)["error"]["message"]
    assert said.isprintable()
    assert len(said) < 300
