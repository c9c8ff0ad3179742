"""The script backend: which line answers which call, and what is said of a file that is not right."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from orchestrator.backends.script import ScriptBackend
from orchestrator.core.call import Answer, Call, TokenChoice, Usage
from orchestrator.errors import BackendFailed, BadFile
from tests.support.calls import a_call


def _script(folder: Path, *lines: str) -> ScriptBackend:
    path = folder / "answers.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return ScriptBackend(name="canned", path=path)


def _answer(backend: ScriptBackend, call: Call | str) -> Answer:
    return asyncio.run(backend.answer(a_call(call) if isinstance(call, str) else call))


def test_an_answer_by_its_key(tmp_path: Path) -> None:
    backend = _script(
        tmp_path, '{"key": "r1/a/decide/1", "text": "Wait. é"}', "", '{"key":"r2/a/decide/1","text":"Go."}'
    )
    assert _answer(backend, "r1/a/decide/1").reply.text == "Wait. é"
    assert _answer(backend, "r2/a/decide/1").reply.text == "Go."
    assert _answer(backend, "r1/a/decide/1").reply.text == "Wait. é"


def test_json_keeps_the_order_of_its_author(tmp_path: Path) -> None:
    backend = _script(tmp_path, '{"key": "r1/a/decide/1", "json": {"reason": "é", "action": ["b", 1.5]}}')
    assert _answer(backend, "r1/a/decide/1").reply.text == '{"reason": "é", "action": ["b", 1.5]}'


def test_json_null_is_an_answer(tmp_path: Path) -> None:
    assert _answer(_script(tmp_path, '{"match": "*", "json": null}'), "r1/a/decide/1").reply.text == "null"


def test_an_exact_key_comes_before_patterns_and_patterns_in_file_order(tmp_path: Path) -> None:
    backend = _script(
        tmp_path,
        '{"match": "r*/a/judge/*", "text": "any judge of a"}',
        '{"match": "r[12]/*/judge/?", "text": "early judge"}',
        '{"match": "*", "text": "anything"}',
        '{"key": "r1/a/judge/1", "text": "exact"}',
    )
    wanted = {
        "r1/a/judge/1": "exact",
        "r1/a/judge/2": "any judge of a",
        "r9/a/judge/12": "any judge of a",
        "r2/b/judge/1": "early judge",
        "r3/b/judge/1": "anything",
        "r2/b/judge/10": "anything",
    }
    assert {key: _answer(backend, key).reply.text for key in wanted} == wanted


def test_repeat_answers_that_seat_and_kind_from_then_on(tmp_path: Path) -> None:
    backend = _script(
        tmp_path,
        '{"key": "r1/a/decide/1", "text": "again", "repeat": true}',
        '{"key": "r2/a/decide/1", "text": "once"}',
    )
    assert [_answer(backend, f"r{n}/a/decide/1").reply.text for n in (1, 2, 3)] == ["again", "once", "again"]
    with pytest.raises(BackendFailed):
        _answer(backend, "r1/a/judge/1")


def test_the_answer_depends_on_the_key_alone(tmp_path: Path) -> None:
    lines = ('{"match": "r*/a/*/*", "text": "first"}', '{"match": "r*/a/decide/*", "text": "second"}')
    keys = [f"r{n}/a/decide/1" for n in range(1, 5)]
    forward = [_answer(_script(tmp_path, *lines), key).reply.text for key in keys]
    one = _script(tmp_path, *lines)
    assert [_answer(one, key).reply.text for key in reversed(keys)] == forward


def test_outcomes_tokens_and_usage(tmp_path: Path) -> None:
    backend = _script(
        tmp_path,
        '{"key": "r1/a/decide/1", "outcome": "refused"}',
        '{"key": "r1/a/judge/1", "text": "4", '
        '"tokens": [{"token": "4", "logprob": -0.1, "top": [["4", -0.1], ["5", -2]]}]}',
        '{"key": "r2/a/judge/1", "text": "4", "usage": {"prompt": 9, "completion": 1}}',
    )  # fmt: skip
    refused = _answer(backend, "r1/a/decide/1").reply
    assert (refused.outcome, refused.text) == ("refused", "")
    rated = _answer(backend, a_call("r1/a/judge/1", top_logprobs=5)).reply
    assert rated.tokens == (TokenChoice(token="4", logprob=-0.1, top=(("4", -0.1), ("5", -2.0))),)
    assert rated.dropped == ()
    assert _answer(backend, "r1/a/judge/1").reply.tokens == ()
    plain = _answer(backend, a_call("r2/a/judge/1", top_logprobs=5))
    assert plain.reply.dropped == ("logprobs",)
    assert plain.usage == Usage(prompt=9, completion=1)


def test_the_model_is_the_files_hash(tmp_path: Path) -> None:
    backend = _script(tmp_path, '{"match": "*", "text": "x"}')
    path = tmp_path / "answers.jsonl"
    assert backend.kind == "script"
    assert backend.model == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("changed later")
    assert _answer(backend, "r1/a/decide/1").reply.text == "x"


def test_a_missing_answer_names_key_and_file(tmp_path: Path) -> None:
    backend = _script(tmp_path, '{"match": "r*/a/*/*", "text": "x"}')
    with pytest.raises(BackendFailed, match=r"answers\.jsonl has no answer for r1/b/decide/1") as caught:
        _answer(backend, "r1/b/decide/1")
    assert '{"key": "r1/b/decide/1"' in caught.value.hint


BAD = [
    ("not json", "invalid JSON"),
    ("[1]", "dictionary"),
    ('{"text": "x"}', "either `key` or `match`"),
    ('{"key": "r1/a/decide/1", "match": "*", "text": "x"}', "either `key` or `match`"),
    ('{"key": "r1/a/decide/1"}', "needs `text` or `json`"),
    ('{"key": "r1/a/decide/1", "text": null}', "needs `text` or `json`"),
    ('{"key": "r1/a/decide/1", "text": "x", "json": 1}', "both `text` and `json`"),
    ('{"key": "r1/a/decide/1", "text": "x", "tekst": "y"}', "tekst"),
    ('{"key": "r1/a/decide/1", "text": 5}', "text"),
    ('{"key": "r1/a/decide/1", "text": "x", "outcome": "fine"}', "outcome"),
    ('{"key": "r1/a/decide/1", "text": "x", "tokens": [{"token": "x"}]}', "tokens.0.logprob"),
    ('{"key": "r1/a/think/1", "text": "x"}', "r1/a/think/1"),
    ('{"key": "1/a/decide/1", "text": "x"}', "1/a/decide/1"),
    ('{"match": "r*/a", "text": "x"}', "four parts"),
    ('{"key": "r9/z/decide/1", "text": "twice"}', "a second answer for r9/z/decide/1"),
    ('{"key": "r1/a/decide/1", "key": "r1/b/decide/1", "text": "x"}', "duplicate key"),
    ('{"key": "r1/a/decide/1", "json": 1e999}', "too large"),
    ('{"key": "r1/a/decide/1", "json": ' + "[" * 3000 + "]" * 3000 + "}", "deeper"),
]


@pytest.mark.parametrize(("line", "why"), BAD)
def test_a_bad_line_is_named(line: str, why: str, tmp_path: Path) -> None:
    backend = _script(tmp_path, '{"key": "r9/z/decide/1", "text": "good"}', "", line)
    with pytest.raises(BadFile) as caught:
        asyncio.run(backend.start())
    assert why in caught.value.message
    assert caught.value.where == f"{tmp_path / 'answers.jsonl'}:3"
    assert caught.value.message.startswith(caught.value.where)
    assert len(caught.value.message) < 500
    assert "\n" not in caught.value.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    backend = _script(tmp_path)
    (tmp_path / "answers.jsonl").write_bytes(b'\xef\xbb\xbf{"match":"*","text":"x"}\r\n{"match":"*","text":"\xff"}\n')
    with pytest.raises(BadFile, match=r":2: invalid UTF-8"):
        asyncio.run(backend.start())


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    backend = ScriptBackend(name="canned", path=tmp_path / name)
    with pytest.raises(BadFile, match="cannot be read"):
        asyncio.run(backend.start())
    with pytest.raises(BadFile, match="cannot be read"):
        _ = backend.model
