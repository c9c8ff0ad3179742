"""A new scenario: whole, sound and playable as it is written, or nothing at all."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.compile import compile_law
from orchestrator.errors import BadUsage
from orchestrator.library import load_scenario
from orchestrator.library.examine import examined
from orchestrator.library.newly import STARTER, create_scenario
from tests.library.kit import told
from tests.support.worlds import of_kind, play_policy

FILES = [
    "scenario.yaml",
    "README.md",
    "personas/board_chair.md",
    "personas/north_manager.md",
    "personas/south_manager.md",
]


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_scenario_is_whole_and_sound(tmp_path: Path) -> None:
    made = create_scenario("cold_winter", tmp_path)
    home = tmp_path / "scenarios/cold_winter"
    assert [path.relative_to(home).as_posix() for path in made] == FILES
    assert all(path.is_file() for path in made)
    found = examined("cold_winter", tmp_path)
    assert (found.problems, found.warnings) == ([], [])
    assert found.loaded is not None
    assert found.loaded.scenario.title == "Cold winter"
    assert "my_exercise" not in "".join(path.read_text("utf-8") for path in made)
    assert tree(tmp_path / "scenarios") == sorted(
        ["cold_winter", "cold_winter/personas", *(f"cold_winter/{f}" for f in FILES)]
    )


def test_it_plays_to_both_of_its_endings_and_every_part_of_it_happens(tmp_path: Path) -> None:
    create_scenario("w", tmp_path)
    loaded = load_scenario("w", tmp_path)
    law = compile_law(loaded.scenario, loaded.personas).law
    assert law is not None
    seen: set[str] = set()
    for seed in range(40):
        events, state = play_policy(law, seed)
        assert not of_kind(events, "rule_failed", "conflict", "ledger_leaked")
        seen |= {str(state.ending)} | {event.cause.id.rpartition("/")[2] for event in events}
        seen |= {rule for event in of_kind(events, "numbers_moved") for rule, _ in event.rules}
        seen |= {event.outcome for event in of_kind(events, "process_ended")}
        seen |= {str(event.answers) for event in of_kind(events, "run_ended")}
    assert {"spring", "blackout", "fined", "cleared", "{'rationing': True}", "{'rationing': False}"} <= seen
    assert set(loaded.scenario.rules) | set(loaded.scenario.actions) <= seen


def test_the_folder_of_scenarios_may_be_named_itself(tmp_path: Path) -> None:
    create_scenario("one", tmp_path)
    create_scenario("two", tmp_path / "scenarios")
    assert {path.name for path in (tmp_path / "scenarios").iterdir()} == {"one", "two"}


@pytest.mark.parametrize(
    "name",
    ["", "Winter", "9lives", "a b", "../x", "a/b", "/etc", ".", "..", "x" * 49, "wintér", "a\nb", "a\x1b[2J", "nul\0"],
)  # fmt: skip
def test_a_bad_name_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    error = told(lambda: create_scenario(name, tmp_path), BadUsage)
    assert "will not do as a name" in error.message
    assert "\n" not in error.message
    assert "\x1b" not in error.message
    assert tree(tmp_path) == []


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    create_scenario("mine", tmp_path)
    (tmp_path / "scenarios/mine/scenario.yaml").write_text("mine", "utf-8")
    before = tree(tmp_path)
    assert "scenarios/mine is there already" in told(lambda: create_scenario("mine", tmp_path), BadUsage).message
    assert (tmp_path / "scenarios/mine/scenario.yaml").read_text("utf-8") == "mine"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("taken", ["scenarios/mine", "personas/mine"])
def test_an_empty_folder_a_file_and_a_link_to_nowhere_are_there_too(tmp_path: Path, taken: str) -> None:
    def link(path: Path) -> None:
        path.symlink_to("nowhere")

    for make in (Path.mkdir, Path.touch, link):
        path = tmp_path / taken
        path.parent.mkdir(exist_ok=True)
        make(path)
        before = tree(tmp_path)
        told(lambda: create_scenario("mine", tmp_path), BadUsage)
        assert tree(tmp_path) == before
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_a_name_of_the_program_is_taken(tmp_path: Path) -> None:
    assert "came with the program" in told(lambda: create_scenario("takeoff", tmp_path), BadUsage).message
    assert tree(tmp_path) == []


def test_a_folder_that_is_not_there_is_named_with_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    assert "did you mean 'work'?" in told(lambda: create_scenario("w", tmp_path / "wrok"), BadUsage).message
    assert "there is no folder" in told(lambda: create_scenario("w", tmp_path / "x" / "y"), BadUsage).message
    assert tree(tmp_path) == ["work"]


class Full(Exception):
    """Stands in for whatever ends a write."""


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), Full()])
def test_nothing_half_written_stays_behind(
    tmp_path: Path, fault: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, or the writer is interrupted, at the first step, the second, and so on."""
    for steps in range(30):
        left = iter(range(steps))

        def stepwise(real: Callable[..., Any], left: Iterator[int] = left) -> Callable[..., Any]:
            def step(*given: Any, **more: Any) -> Any:
                if next(left, None) is None:
                    raise fault
                return real(*given, **more)

            return step

        with monkeypatch.context() as patched:
            for owner, word in ((Path, "write_text"), (Path, "mkdir"), (os, "rename")):
                patched.setattr(owner, word, stepwise(getattr(owner, word)))
            try:
                create_scenario("w", tmp_path)
            except (BadUsage, KeyboardInterrupt, Full):
                assert tree(tmp_path) == []
                continue
        assert steps > 5
        assert (tmp_path / "scenarios/w/scenario.yaml").is_file()
        return
    raise AssertionError("it never came to an end")


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert "No space left on device" in told(lambda: create_scenario("w", tmp_path), BadUsage).message


def test_the_starter_has_no_line_too_long_to_read() -> None:
    long = [
        f"{path.name}:{number}"
        for path in STARTER.rglob("*.*")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if len(line) > 120
    ]
    assert long == []
