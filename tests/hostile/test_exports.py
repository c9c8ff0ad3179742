"""Export files that hold a hostile design: each is proved wrong soon, by one of our errors; nothing is let in."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.store import _proved as proved  # pyright: ignore[reportPrivateUsage]
from orchestrator.core.design import Design
from orchestrator.core.value import canonical, digest
from orchestrator.errors import BadFile
from orchestrator.ledger import exchange
from orchestrator.ledger.rows import NewEvent, Whole, chained
from tests.library.kit import within
from tests.support.playing import desk, played, store

MODEL = {"by": "model", "backend_kind": "x", "model": "m"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run of two rounds as an export file holds it."""
    folder = desk(tmp_path_factory.mktemp("played"))
    with store(folder) as ledger:
        row = played(ledger, folder, rounds=2)
        ledger.export(row.id, folder / "run.jsonl")
    return exchange.read(folder / "run.jsonl")


def forged(whole: Whole, out: Path, *, data: Callable[[Any], None] | None, design: Any, raw: str = "") -> Path:
    """A file like the run's with another design, all hashes made to fit."""
    plays: dict[str, Any] = json.loads(whole.texts[whole.run.design] or "")
    scenario = copy.deepcopy(json.loads(whole.texts[plays["data"]] or ""))
    if data is not None:
        data(scenario)
    text = raw or canonical(scenario)
    made = Design.model_validate_json(json.dumps({**plays, **design, "data": digest(text)}))
    bodies = [json.loads(event.body) for event in whole.events]
    bodies[0]["design"] = made.hash()
    rows = chained(whole.run.id, [NewEvent(body["round"], body["kind"], canonical(body)) for body in bodies])
    run = whole.run.model_copy(update={"design": digest(made.text()), "last_hash": rows[-1].hash})
    texts: dict[str, str | None] = {digest(one): one for one in (text, made.text())}
    out.write_bytes(b"".join(exchange.lines_of(Whole(run, texts, (), rows))))
    return out


def tower(data: Any) -> None:
    kind = data["scenario"]["kinds"]["lab"]
    for level in range(20):
        kind[f"v{level}"] = {"is": "self.cap" if level == 0 else f"sum(o.v{level - 1} for o in lab)"}
    data["order"].pop("/scenario/kinds/lab", None)


def loops(data: Any) -> None:
    data["prompts"]["system"] = "{% for a in about %}{% for b in about %}{% endfor %}{% endfor %}"


CASES: dict[str, tuple[Callable[[Any], None] | None, dict[str, Any], str]] = {
    "a tower of loops": (tower, {}, "may take 32,765 passes"),
    "a prompt that loops": (loops, {"seats": {"seat_a": MODEL, "seat_b": MODEL}}, "a loop goes over a list"),
    "a terminal sequence": (lambda d: d["scenario"].update(title="\x1b[2J"), {}, "holds the character U+001B"),
    "a thousand million rounds": (lambda d: d["scenario"]["clock"].update(rounds=10**9), {}, "at most 400"),
    "no seats": (None, {"seats": {}}, "for each seat"),
    "a seat too many": (None, {"seats": {s: {"by": "policy"} for s in ("seat_a", "seat_b", "c")}}, "for each seat"),
    "nobody judges": (None, {"judge": {"plays": []}}, "its judge is nobody"),
    "an unknown entity": (None, {"sets": {"ghost.x": 1}}, "ghost.x cannot be set"),
    "a text for a number": (None, {"sets": {"numbers.k": "x"}}, "numbers.k cannot be set"),
    "a list for a name": (None, {"sets": {"alpha.phase": ["idle"]}}, "alpha.phase cannot be set"),
    "a derived variable": (None, {"sets": {"alpha.pace": 1}}, "alpha.pace cannot be set"),
    "a huge number": (None, {"sets": {"alpha.money": 10**400}}, "alpha.money cannot be set"),
    "a fork of no seat": (
        None,
        {"forks": [{"at": 1, "parent_hash": "x", "seats": {"c": MODEL}}]},
        "a seat that is not",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_forged_design_is_refused_in_one_sentence(whole: Whole, tmp_path: Path, name: str) -> None:
    data, design, why = CASES[name]
    file = forged(whole, tmp_path / "run.jsonl", data=data, design=design)
    with within(1.5), pytest.raises(BadFile) as caught:
        proved(file)
    assert why in caught.value.message
    assert "nothing was imported" in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("raw", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "9" * 6000])
def test_a_design_that_is_no_honest_json(whole: Whole, tmp_path: Path, raw: str) -> None:
    file = forged(whole, tmp_path / "run.jsonl", data=None, design={}, raw=raw)
    with within(1.5), pytest.raises(BadFile, match="nothing was imported"):
        proved(file)


def test_the_forger_can_also_write_an_honest_file(whole: Whole, tmp_path: Path) -> None:
    proved(forged(whole, tmp_path / "run.jsonl", data=None, design={}))
