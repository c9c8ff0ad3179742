"""A file that comes in is proved whole before anything is written; whatever is wrong with it, it is refused whole."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.value import canonical, digest
from orchestrator.errors import BadFile, DamageFound
from orchestrator.ledger import exchange
from orchestrator.ledger.store import Ledger
from tests.ledger.making import played

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("out")
    with Ledger.open(str(folder / "o.db")) as ledger:
        ledger.export(played(ledger, name="base").id, folder / "run.jsonl")
    return (folder / "run.jsonl").read_bytes()


def _refused(tmp_path: Path, content: bytes) -> str:
    """The sentence with which the file is refused; the store must be as before."""
    file = tmp_path / "in.jsonl"
    file.write_bytes(content)
    with Ledger.open(str(tmp_path / "o.db")) as ledger:
        with pytest.raises(BadFile) as refused:
            ledger.import_run(file)
        assert ledger.runs() == []
        assert ledger.commits == 0
    assert refused.value.code == 2
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 700
    return refused.value.message


def _signed(lines: Lines) -> bytes:
    """The lines as a file whose closing line fits them: what a forger would write."""
    body = b"".join(canonical(line).encode() + b"\n" for line in lines)
    end = {"end": {"lines": len(lines), "sha256": hashlib.sha256(body).hexdigest()}}
    return body + canonical(end).encode() + b"\n"


def test_the_file_is_as_documented(exported: bytes) -> None:
    lines = [json.loads(line) for line in exported.splitlines()]
    assert lines[0]["orchestrator_run"] == exchange.FORMAT
    kinds = [next(iter(line)) for line in lines[1:]]
    assert kinds == sorted(kinds, key=["text", "call", "event", "end"].index)
    assert (kinds.count("call"), kinds.count("event"), kinds[-1]) == (12, 7, "end")
    assert exported == _signed(lines[:-1])


def test_any_changed_byte_is_refused(exported: bytes, tmp_path: Path) -> None:
    step = max(1, len(exported) // 40)
    for at in range(0, len(exported), step):
        changed = bytearray(exported)
        changed[at] ^= 1 << (at % 7)
        _refused(tmp_path, bytes(changed))


def test_any_cut_is_refused(exported: bytes, tmp_path: Path) -> None:
    for length in (*range(0, len(exported), len(exported) // 20), len(exported) - 1):
        _refused(tmp_path, exported[:length])
    _refused(tmp_path, exported + b"\n")
    _refused(tmp_path, exported + exported)


def _set(kind: str, field: str, value: object) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        next(line for line in lines if kind in line)[kind][field] = value

    return change


def _chain_over(lines: Lines) -> None:
    """A body is changed and its own hash made to fit, but not the next one's."""
    event = next(line["event"] for line in lines if line.get("event", {}).get("seq") == 3)
    event["body"] = event["body"].replace("word", "wort")


def _text_with_another(lines: Lines) -> None:
    """A text is changed under its right new hash; nobody names that hash."""
    text = next(line["text"] for line in lines if "Question 0" in line.get("text", {}).get("text", ""))
    text["text"] += "!"
    text["hash"] = digest(text["text"])


def _reply(lines: Lines) -> None:
    call = next(line["call"] for line in lines if "call" in line)
    call["reply"] = call["reply"].replace("publish", "punish")


def _twice(kind: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines.append(next(line for line in lines if kind in line))

    return change


def _headless(lines: Lines) -> None:
    lines.pop(0)


def _added(line: dict[str, Any]) -> Callable[[Lines], None]:
    return lambda lines: lines.append(line)


def _format(version: object) -> Callable[[Lines], None]:
    return lambda lines: lines[0].update(orchestrator_run=version)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set("run", "id", "../../etc/passwd"), "run.id"),
        (_set("run", "id", "0" * 13), "belongs to run"),
        (_set("run", "name", "../x"), "name '../x' cannot be used"),
        (_set("run", "name", "last"), "always means the latest"),
        (_set("run", "parent", "..//"), "run.parent"),
        (_set("run", "seed", 2**70), "run.seed"),
        (_set("run", "seed", "7"), "run.seed"),
        (_set("run", "events", 6), "counts 6 events, and 7 are there"),
        (_set("run", "rounds", 9), "counts 9 rounds"),
        (_set("run", "last_hash", "0" * 64), "not the last hash"),
        (_set("run", "design", "0" * 64), "not among the texts"),
        (_set("run", "status", "winning"), "run.status"),
        (_set("run", "created_at", "soon"), "run.created_at"),
        (_set("run", "limits", "[" * 100_000), "limits: no JSON object"),
        (_set("run", "extra", 1), "run.extra"),
        (_set("event", "run", "0" * 13), "belongs to run"),
        (_set("event", "seq", 1), "events: 1 stands where 0 is due"),
        (_set("event", "body", "{}"), "chain broken at event 0"),
        (_set("event", "kind", "other_thing"), "the column kind says"),
        (_chain_over, "chain broken at event 3"),
        (_text_with_another, "is missing"),
        (_set("text", "text", "other"), "its hash is another"),
        (_reply, "its reply is not the one"),
        (_set("call", "fingerprint", "0" * 64), "fingerprint does not follow"),
        (_set("call", "request", "0" * 64), "its request 000000000000 is missing"),
        (_set("call", "key", "../../x"), "not those of its key"),
        (_set("call", "model", "other"), "not those of its request"),
        (_set("call", "outcome", "refused"), "its reply says 'ok'"),
        (_set("call", "reused", 1), "call.reused"),
        (_set("call", "seconds", "1e999"), "call.seconds"),
        (_set("call", "ord", 5), "number"),
        (_twice("call"), "came before"),
        (_twice("text"), "came before"),
        (_twice("event"), "stands where"),
        (_twice("run"), "one of text, call, event, end"),
        (_headless, "header"),
        (_added({"surprise": {}}), "was expected"),
        (_added({"text": 3}), "text"),
        (_format(2), "format 1 was expected, and 2 is given"),
        (_format("\x1b[31m"), "format 1 was expected"),
    ],
)
def test_a_forged_file_is_refused(exported: bytes, tmp_path: Path, change: Callable[[Lines], None], says: str) -> None:
    lines = [json.loads(line) for line in exported.splitlines()[:-1]]
    assert _signed(lines) == exported
    change(lines)
    assert says in _refused(tmp_path, _signed(lines))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"text":{"hash":"a","hash":"b","text":"c"}}', "a key stands twice"),
        (b'{"call":{"seconds":NaN}}', "NaN is no number"),
        (b'{"call":{"seconds":1e999}}', "a number is too large"),
        (b'{"call":{"ord":' + b"9" * 5000 + b"}}", "JSON was expected"),
        (b"[" * 200_000, "JSON was expected"),
        (b"\xff\xfe", "JSON was expected"),
        (b"\x1b[2J", "JSON was expected"),
        (b"[]", "a JSON object was expected"),
    ],
)
def test_a_line_that_is_no_plain_json_is_refused(exported: bytes, tmp_path: Path, line: bytes, says: str) -> None:
    head, rest = exported.split(b"\n", 1)
    message = _refused(tmp_path, head + b"\n" + line + b"\n" + rest)
    assert says in message
    assert "in.jsonl:2" in message


def test_files_larger_than_any_run_are_refused(
    exported: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("MOST_LINE_BYTES", 200), ("MOST_BYTES", 3000), ("MOST_LINES", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(exchange, name, most)
            assert "larger than any run" in _refused(tmp_path, exported)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path / "o.db")) as ledger:
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(BadFile, match="cannot be read"):
                ledger.import_run(path)


def test_export_writes_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with Ledger.open(str(tmp_path / "o.db")) as ledger:
        run = played(ledger)
        with pytest.raises(BadFile, match="cannot be written"):
            ledger.export(run.id, tmp_path / "nowhere" / "run.jsonl")
        with pytest.raises(BadFile):
            ledger.export(run.id, out, force=True)
        (out / "mine").write_text("mine")
        with pytest.raises(BadFile, match="there already; nothing was written"):
            ledger.export(run.id, out / "mine")
        assert (out / "mine").read_text() == "mine"
        assert [entry.name for entry in out.iterdir()] == ["mine"]
        assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_a_damaged_run_is_not_exported(tmp_path: Path) -> None:
    import sqlite3

    with Ledger.open(str(tmp_path / "o.db")) as ledger:
        run = played(ledger)
    connection = sqlite3.connect(tmp_path / "o.db", isolation_level=None)
    connection.execute("UPDATE events SET body = body || ' ' WHERE seq = 2")
    connection.close()
    damaged = Ledger.open(str(tmp_path / "o.db"))
    with damaged, pytest.raises(DamageFound, match="chain broken at event 2"):
        damaged.export(run.id, tmp_path / "run.jsonl")
    assert not (tmp_path / "run.jsonl").exists()
