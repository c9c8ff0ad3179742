"""One working folder with runs, made once: looking changes nothing."""

from collections.abc import Generator
from pathlib import Path

import pytest

from orchestrator.ledger.store import Ledger
from tests.support.playing import gallery, store


@pytest.fixture(scope="session")
def gallery_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    gallery(folder)
    return folder


@pytest.fixture(scope="session")
def ledger(gallery_folder: Path) -> Generator[Ledger]:
    with store(gallery_folder) as opened:
        yield opened
