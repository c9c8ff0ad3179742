"""Every shipped scenario plays as its golden playthrough says, line by line."""

from itertools import zip_longest

import pytest

from tests.golden import FOLDER, path_of, playthrough, scenarios

MOST_BYTES = 500_000


@pytest.mark.parametrize("scenario", scenarios())
def test_a_scenario_plays_as_its_golden_playthrough(scenario: str) -> None:
    path = path_of(scenario)
    assert path.is_file(), f"{scenario} has no golden playthrough: run `python -m tests.golden` and read it"
    stored = path.read_text("utf-8").splitlines()
    for number, (was, now) in enumerate(zip_longest(stored, playthrough(scenario).splitlines()), start=1):
        assert now == was, f"{path.name}:{number} differs; `python -m tests.golden` rewrites it: read the difference"


def test_no_golden_playthrough_is_left_over_or_large() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == scenarios()
    assert all(path.stat().st_size < MOST_BYTES for path in FOLDER.glob("*.txt"))
