"""The menu: quick, small, and without what only a game needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import orchestrator
from orchestrator.cli.main import COMMANDS, load, main

HEAVY = (
    "sqlalchemy",
    "alembic",
    "httpx",
    "aiohttp",
    "rich",
    "jinja2",
    "xllamacpp",
    "ruamel",
    "pydantic",
    "asyncio",
)
OURS = ("core", "config", "library", "ledger", "backends", "judging", "runtime", "views")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json; from orchestrator.cli.main import main; code = main(['--help']);"
        "print(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code_, modules = json.loads(done.stdout.splitlines()[-1])
    assert code_ == 0
    assert "typer" in modules
    assert not [name for name in HEAVY if name in modules]
    assert not [name for name in OURS if f"orchestrator.{name}" in modules]


def test_a_game_on_policy_imports_what_it_needs(tmp_path: Path) -> None:
    code = (
        "import sys, json, os; from orchestrator.cli.main import main;"
        "sys.stderr = open(os.devnull, 'w');"
        "game = main(['run', '--scenario', 'commons', '--policy', 'all', '--rounds', '1', '--json']);"
        "print(); print(json.dumps([game, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    code_, modules = json.loads(done.stdout.splitlines()[-1])
    assert code_ == 0
    wanted = ("pydantic", "asyncio", "ruamel", "sqlalchemy")
    assert not [name for name in HEAVY if name in modules and name not in wanted]
    assert "orchestrator.backends.models" not in modules


def test_help_is_small() -> None:
    code = (
        "import resource, subprocess, sys;"
        "argv = [sys.executable, '-m', 'orchestrator.cli.main', '--help'];"
        "subprocess.run(argv, stdout=subprocess.DEVNULL, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60 * 1024  # kilobytes, as Linux counts


def test_help_names_every_command_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    alone = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == alone
    lines = alone.splitlines()
    for name, entry in COMMANDS.items():
        assert any(line.split() == [name, *entry.help.split()] for line in lines), name


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_name_of_the_menu_leads_to_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert load(name) is not None
    assert main([name, "--help"]) == 0
    assert f"orchestrate {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"orchestrate {orchestrator.__version__}\n"
