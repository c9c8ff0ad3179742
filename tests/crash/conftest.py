"""A server, a warm process, the uninterrupted game, and a fresh folder for each game that is killed."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.scene import Scene
from tests.support.lab import Lab, serving
from tests.support.nursery import Nursery


@pytest.fixture(scope="package")
def server() -> Generator[Lab, None, None]:
    with serving() as lab:
        yield lab


@pytest.fixture(scope="package")
def nursery() -> Generator[Nursery, None, None]:
    with Nursery() as made:
        yield made


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery, server: Lab) -> dict[str, Any]:
    """The document of the game that nothing interrupts."""
    scene = Scene(tmp_path_factory.mktemp("whole"), nursery, server)
    child = scene.play()
    assert child.wait() == 0, child.err
    scene.holds()
    assert child.json["calls"]["total"] == len(server.seeds) == CALLS
    return child.json


CALLS = 8
"""Two rounds of two seats, each with one decision and one verdict."""


@pytest.fixture
def scene(tmp_path: Path, nursery: Nursery, server: Lab, whole: dict[str, Any]) -> Scene:
    return Scene(tmp_path, nursery, server)
