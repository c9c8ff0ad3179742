"""A working folder to run commands in, and a server to play against."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.lab import Lab, serving
from tests.support.work import Work, begin_work


@pytest.fixture
def work(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Work:
    return begin_work(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="package")
def server() -> Generator[Lab, None, None]:
    with serving() as lab:
        yield lab


@pytest.fixture
def lab(server: Lab, work: Work) -> Lab:
    """A server that was asked nothing yet; the working folder's configuration names it."""
    server.reset()
    work.config(server.base_url)
    return server
