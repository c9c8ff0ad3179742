"""A small model of an invented catalogue, a hub that serves it, and a package index that holds its parts."""

import hashlib
import threading
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from orchestrator.backends.models import CatalogueModel, Parts

CONTENT = b"GGUF" + bytes(range(256)) * 1200
"""307,204 bytes."""
PART_SIZES = (120_000, 120_000, len(CONTENT) - 240_000)

MODEL = CatalogueModel(
    name="tiny",
    title="Tiny",
    publisher="Nobody",
    licence="Apache-2.0",
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    hub_repo="nobody/tiny",
    parts=Parts(package="tiny-model-part", count=3, version="1.0", payload="tiny_model_part{n}/data/p{n:02}.bin"),
)

Manner = Literal["whole", "no ranges", "cut", "wrong bytes", "too long", "absent"]


class Hub:
    """What the server does, and the `Range` header of each request it saw."""

    def __init__(self, manner: Manner) -> None:
        self.manner: Manner = manner
        self.ranges: list[str] = []
        self.address = ""


@contextmanager
def hub(manner: Manner = "whole") -> Generator[Hub]:
    """A loopback hub. `cut` ends every answer after 100,000 bytes."""
    served = Hub(manner)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.ranges.append(asked)
            if served.manner == "absent" or self.path != "/nobody/tiny/resolve/main/tiny.gguf":
                self.send_error(404)
                return
            body = CONTENT
            if served.manner == "wrong bytes":
                body = bytes(len(CONTENT))
            if served.manner == "too long":
                body = CONTENT + b"more"
            start = 0 if not asked or served.manner == "no ranges" else int(asked[6:-1])
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = start + 100_000 if served.manner == "cut" else len(body)
            self.wfile.write(body[start:end])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def index(folder: Path, content: bytes = CONTENT, parts: tuple[int, ...] = (1, 2, 3)) -> Path:
    """A folder of wheels that hold the parts."""
    folder.mkdir(exist_ok=True)
    start = 0
    for number, size in enumerate(PART_SIZES, 1):
        if number in parts:
            _wheel(folder, number, content[start : start + size])
        start += size
    return folder


def _wheel(folder: Path, number: int, payload: bytes) -> None:
    name = f"tiny_model_part{number}"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(f"{name}/data/p{number:02}.bin", payload)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def quick_pip(folder: Path) -> Path:
    """A program that takes pip's words and copies the wheel from PIP_FIND_LINKS: pip itself needs seconds."""
    program = folder / "quick-python"
    program.write_text(
        """#!/bin/sh
while [ $# -gt 1 ]; do
    if [ "$1" = --dest ]; then dest=$2; fi
    shift
done
name=$(echo "$1" | sed 's/==/-/' | sed 's/tiny-model-part/tiny_model_part/')
cp "$PIP_FIND_LINKS/$name-py3-none-any.whl" "$dest/" 2>/dev/null && exit 0
echo "WARNING: nothing at http://user:secret@index.example/simple"
echo "ERROR: no $1 at http://user:secret@index.example/simple."
exit 1
"""
    )
    program.chmod(0o755)
    return program
