"""What holds for the whole tree: module size, import layers, no machine's traces, one version."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestrator

ROOT = Path(__file__).parent.parent
MOST_LINES = 400
MODULES = sorted((ROOT / "orchestrator").rglob("*.py"))


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Every file that is or would be in the repository, and its text; binary files are passed over."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            try:
                yield path.relative_to(ROOT), path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


# Written in parts, so that this file does not find itself.
_MACHINE = re.compile(
    r"(?<![\w.~/-])/(?:" + "|".join(["root", "work", "farm", "home/[a-z]", "Users/[A-Z]"]) + r")[/\w]"
)
_REGISTRY = re.compile(
    "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(?:org|com)", "ar" + "tifactory"])
)
_KEY = re.compile(
    "|".join(
        [
            r"\bsk-(?!test-)[A-Za-z0-9_-]{16,}",
            r"\bghp_[A-Za-z0-9]{20,}",
            r"\bhf_[A-Za-z0-9]{20,}",
            r"\bAKIA[0-9A-Z]{16}\b",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
            r"\b(?:[Bb]earer|(?i:api[_-]?key))[\"']?\s*[:=]?\s+[\"']?[A-Za-z0-9]{32,}",
        ]
    )
)


@pytest.mark.parametrize(
    ("what", "pattern"),
    [("a path of one machine", _MACHINE), ("a registry host", _REGISTRY), ("a key", _KEY)],
    ids=["path", "registry", "key"],
)
def test_no_file_holds(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in tracked_texts()
        if path.name != "LICENSE"
        for match in pattern.finditer(text)
    ]
    assert not found, f"{what}: {found}"


def test_the_patterns_find_what_they_are_for() -> None:
    assert _MACHINE.search('open("/' + 'root/x")')
    assert _MACHINE.search("/" + "work/main")
    assert not _MACHINE.search("docs/work/notes.md and a/home/x")
    assert _REGISTRY.search("https://files.python" + "hosted.org/x")
    assert _KEY.search('key = "sk-' + "a" * 24 + '"')
    assert not _KEY.search("sk-test-not-a-secret")


def test_no_module_is_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    long = {str(path): lines for path, lines in lengths.items() if lines > MOST_LINES}
    assert len(lengths) > 10
    assert not long, f"over {MOST_LINES} lines: {long}"


def test_every_module_says_what_lives_there() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent, f"no module docstring: {silent}"


def test_imports_point_down() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(\d+) kept, 0 broken", done.stdout)


def test_changelog_and_project_name_the_same_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert newest is not None
    assert newest[1] == orchestrator.__version__ == project["version"]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    pins = re.findall(r"^([a-z0-9][\w.-]*(?:\[\w+\])?)==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"://|--index-url|--find-links|file:", text)
    for dependency in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]:
        plain = re.split(r"[<>=\[ ]", dependency)[0].replace(".", "-").lower()
        assert plain in {re.sub(r"\[.*", "", pin).replace(".", "-") for pin in pins}, f"{plain} is not locked"


def test_the_sample_configuration_changes_nothing() -> None:
    text = (ROOT / "orchestrate.toml").read_text("utf-8")
    assert tomllib.loads(text) == {}
