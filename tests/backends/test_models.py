"""The catalogue and the files on this machine."""

import fcntl
import os
from pathlib import Path

import pytest

from orchestrator.backends.models import (
    CATALOGUE,
    DEFAULT,
    check_model,
    file_sha256,
    find_model,
    hash_bytes,
    list_models,
    models_folder,
    remember_sha256,
    remove_model,
)
from orchestrator.errors import BadInput, BadModelFile, UnknownModel
from tests.backends.gguf_kit import gguf, written
from tests.backends.model_kit import CONTENT, MODEL


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "models"
    place.mkdir()
    monkeypatch.setenv("ORCHESTRATE_MODELS", str(place))
    monkeypatch.setitem(CATALOGUE, "tiny", MODEL)
    return place


def test_the_folder_is_named_by_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models_folder() == folder
    monkeypatch.delenv("ORCHESTRATE_MODELS")
    assert models_folder().parts[-2:] == ("orchestrator", "models")


def test_the_catalogue_has_the_default_and_whole_facts() -> None:
    assert DEFAULT in CATALOGUE
    for name, model in CATALOGUE.items():
        assert model.name == name
        assert len(model.sha256) == 64
        assert model.licence == "Apache-2.0"


def test_a_name_is_found_in_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "tiny.gguf").write_bytes(CONTENT)
    assert find_model("tiny", tmp_path) == folder / "tiny.gguf"


@pytest.mark.parametrize("value", ["own.gguf", "sub/own.bin", "./own.gguf"])
def test_a_path_counts_from_the_base(folder: Path, tmp_path: Path, value: str) -> None:
    path = tmp_path / value
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    assert find_model(value, tmp_path) == path


def test_an_absolute_path_stays(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path, b"x")
    assert find_model(str(path), Path("elsewhere")) == path


def test_a_near_miss_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"no model named 'qwen2.5-coder-1b'") as caught:
        find_model("qwen2.5-coder-1b", tmp_path)
    assert "did you mean qwen2.5-coder-1.5b" in caught.value.hint


def test_a_far_miss_lists_the_names(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel) as caught:
        find_model("zzz", tmp_path)
    assert DEFAULT in caught.value.hint


def test_a_missing_file_names_the_next_command(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="not on this machine") as caught:
        find_model("tiny", tmp_path)
    assert caught.value.hint == "orchestrate models pull tiny"
    with pytest.raises(BadModelFile, match="is not there"):
        find_model("own.gguf", tmp_path)


def test_the_list_says_what_is_there(folder: Path) -> None:
    states = {info.name: info.state for info in list_models()}
    assert states == {DEFAULT: "absent", "qwen2.5-coder-0.5b": "absent", "tiny": "absent"}
    (folder / "tiny.gguf.hub.part").write_bytes(CONTENT[:1000])
    (folder / "own.gguf").write_bytes(b"GGUF")
    listed = {info.name: info for info in list_models()}
    assert (listed["tiny"].state, listed["tiny"].have) == ("partial", 1000)
    assert (listed["own.gguf"].state, listed["own.gguf"].size) == ("present", 4)
    (folder / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert {info.name: info.state for info in list_models()}["tiny"] == "damaged"
    (folder / "tiny.gguf").write_bytes(CONTENT)
    assert {info.name: info.state for info in list_models()}["tiny"] == "present"
    assert [info.name for info in list_models() if info.default] == [DEFAULT]


def test_the_list_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert {info.state for info in list_models(tmp_path / "nowhere")} == {"absent"}
    assert not (tmp_path / "nowhere").exists()


def test_removing_frees_everything_of_a_model(folder: Path) -> None:
    (folder / "tiny.gguf").write_bytes(CONTENT)
    (folder / "tiny.gguf.index.part").write_bytes(b"12345")
    assert remove_model("tiny") == len(CONTENT) + 5
    assert not list(folder.glob("*.part"))
    assert not list(folder.glob("*.gguf"))
    assert remove_model("tiny") == 0


def test_removing_what_is_being_fetched_is_refused(folder: Path) -> None:
    with (folder / "tiny.gguf.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="another process is fetching"):
            remove_model("tiny")


def test_removing_an_unknown_model(folder: Path) -> None:
    with pytest.raises(UnknownModel):
        remove_model("nope")


def test_a_hash_is_remembered_until_the_file_changes(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path, b"one")
    first = file_sha256(path)
    assert first == hash_bytes(path)
    remember_sha256(path, "f" * 64)
    assert file_sha256(path) == "f" * 64
    times = path.stat()
    path.write_bytes(b"two")  # same size
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # and same time of change
    assert file_sha256(path) == hash_bytes(path)


def test_a_damaged_memory_is_no_fault(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path, b"one")
    (folder / "hashes.json").write_text("{not json")
    assert file_sha256(path) == hash_bytes(path)
    assert "sha256" in (folder / "hashes.json").read_text()


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ORCHESTRATE_MODELS", str(tmp_path / "file" / "models"))
    path = written(tmp_path, b"one")
    assert file_sha256(path) == hash_bytes(path)


def test_a_catalogue_model_of_another_size_is_refused(folder: Path) -> None:
    path = written(folder, CONTENT[:-1], "tiny.gguf")
    with pytest.raises(BadModelFile, match=r"has 307,203 bytes; expected 307,204") as caught:
        check_model(path)
    assert caught.value.hint == "orchestrate models pull tiny"


def test_a_catalogue_model_with_other_bytes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder, gguf(), "tiny.gguf")
    monkeypatch.setitem(CATALOGUE, "tiny", MODEL.model_copy(update={"size": path.stat().st_size}))
    with pytest.raises(BadModelFile, match=f"is damaged.*expected {MODEL.sha256[:12]}"):
        check_model(path)


def test_any_other_whole_file_is_known_by_its_sha256(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path, gguf(), "own.gguf")
    assert check_model(path) == hash_bytes(path)
