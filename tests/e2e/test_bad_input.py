"""Bad input gets its exit code and one sentence that names the place; no traceback, nothing half-written."""

import socket
from dataclasses import dataclass, field

import pytest

from tests.support.lab import Lab
from tests.support.work import DUEL, Done, Work

PLAY = ("run", "--scenario", "duel", "--policy", "all", "--rounds", "1")
LLAMA = '[backends.x]\nkind = "llama"\nmodel = "m.gguf"\n'
OPENAI = '[backends.x]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n'
SEATED = '[seats]\ndefault = "x"\n'
SCENARIO = "scenarios/duel/scenario.yaml"


@dataclass(frozen=True)
class Case:
    """Words of a command line, what it must end in, and what its sentence must name."""

    name: str
    code: int
    kind: str
    words: tuple[str, ...]
    mentions: tuple[str, ...]
    files: dict[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    """Files that are written first; an edit of the scenario is `old -> new`."""


def toml(name: str, kind: str, text: str, *mentions: str) -> Case:
    return Case(name, 2, kind, PLAY, ("orchestrate.toml", *mentions), {"orchestrate.toml": text})


def number(flag: str, *words: str) -> Case:
    return Case(" ".join(words), 2, "bad_usage", words, (flag, words[-1]))


CASES = [
    Case("unknown scenario", 6, "unknown_scenario", ("run", "--scenario", "takeof"), ("takeof", "takeoff")),
    Case("unknown run", 6, "unknown_run", ("replay", "nosuchrun"), ("orchestrate run",)),
    Case("unknown run, resume", 6, "unknown_run", ("resume", "last"), ("store",)),
    Case("unknown run, verify", 6, "unknown_run", ("verify", "last"), ()),
    Case("unknown model", 6, "unknown_model", ("models", "pull", "nosuchmodel"), ("nosuchmodel",)),
    Case("unknown model, near", 6, "unknown_model", ("models", "path", "qwen2.5-coder-1.5"), ("qwen2.5-coder-1.5b",)),
    Case("unknown backend", 6, "unknown_backend", (*PLAY[:3], "--backend", "nosuch"), ("nosuch", "local")),
    Case("unknown judge", 6, "unknown_backend", (*PLAY, "--judge", "nosuch"), ("nosuch",)),
    Case("unknown seat", 2, "unknown_seat", (*PLAY, "--policy", "seat_x"), ("seat_x", "seat_")),
    Case("unknown seat, backend", 2, "unknown_seat", (*PLAY, "--backend", "nobody=local"), ("nobody", "seat_b")),
    Case("a seat of both", 2, "bad_usage", (*PLAY[:3], "--policy", "seat_a", "--backend", "seat_a=local"), ("seat_a",)),
    Case("unknown command", 2, "bad_usage", ("pley",), ("pley", "replay")),
    Case("unknown flag", 2, "bad_usage", (*PLAY, "--round", "3"), ("--round",)),
    Case("no scenario", 2, "bad_usage", ("run",), ("--scenario",)),
    Case("set, no value", 2, "bad_usage", (*PLAY, "--set", "richer"), ("--set", "PATH=VALUE")),
    Case("set, out of the menu's range", 2, "bad_usage", (*PLAY, "--set", "richer=501"), ("501", "0 to 500")),
    Case("set, no number", 2, "bad_usage", (*PLAY, "--set", "richer=lots"), ("lots", "number")),
    Case("set, infinite", 2, "bad_usage", (*PLAY, "--set", "richer=1e999"), ("1e999",)),
    Case("set, nan", 2, "bad_usage", (*PLAY, "--set", "alpha.secret=nan"), ("nan",)),
    Case("set, no such path", 2, "bad_usage", (*PLAY, "--set", "alfa.money=1"), ("alfa", "alpha")),
    Case("set, no such variable", 2, "bad_usage", (*PLAY, "--set", "alpha.monney=1"), ("monney", "money")),
    Case("set, derived", 2, "bad_usage", (*PLAY, "--set", "alpha.pace=1"), ("pace", "derived")),
    Case("set, no word of it", 2, "bad_usage", (*PLAY, "--set", "alpha.phase=over"), ("over", "idle, busy")),
    Case("set, twice", 2, "bad_usage", (*PLAY, "--set", "richer=1", "--set", "richer=2"), ("richer", "twice")),
    Case("bad name", 2, "bad_usage", (*PLAY, "--name", "a/b"), ("a/b",)),
    Case("unknown mode", 2, "bad_usage", (*PLAY, "--judge-mode", "wiegh"), ("--judge-mode", "wiegh")),
    *[number(words[-2], *words) for words in (
        (*PLAY[:5], "--rounds", "-3"), (*PLAY[:5], "--rounds", "0"), (*PLAY[:5], "--rounds", "many"),
        (*PLAY[:5], "--rounds", "1.5"), (*PLAY[:5], "--rounds", "401"), (*PLAY[:5], "--rounds", "1e3"),
        (*PLAY, "--seed", "-1"), (*PLAY, "--seed", "9223372036854775808"), (*PLAY, "--seed", "0x1"),
        (*PLAY, "--max-calls", "0"), (*PLAY, "--max-calls", "-1"), (*PLAY, "--max-calls", "nan"),
        (*PLAY, "--max-tokens", "0"), (*PLAY, "--max-tokens", "1e6"), (*PLAY, "--max-tokens", ""),
        ("fork", "last", "--at", "-1"), ("fork", "last", "--at", "x"), ("resume", "last", "--rounds", "0"),
        ("resume", "last", "--max-calls", "0"), ("replay", "last", "--round", "-1"), ("replay", "last", "--pace", "-1"),
        ("replay", "last", "--pace", "inf"), ("runs", "state", "last", "--round", "x"),
    )],
    toml("syntax", "bad_config", "[backends.x\nkind=", ":1"),
    toml("unknown key", "bad_config", OPENAI.replace("base_url", "base_ur"), "base_ur", "base_url", ":3"),
    toml("unknown table", "bad_config", "[backend.x]\n", "backend", "backends"),
    toml("unknown kind", "bad_config", OPENAI.replace("openai", "opnai"), "opnai", "openai", ":2"),
    toml("no model", "bad_config", OPENAI.replace('model = "m"\n', ""), "model"),
    toml("wrong type", "bad_config", OPENAI + 'concurrency = "2"\n', "concurrency", ":5"),
    toml("too small", "bad_config", OPENAI + "timeout_s = 0\n", "timeout_s", ":5"),
    toml("no address", "bad_config", OPENAI.replace("http://127.0.0.1:9/v1", "127.0.0.1"), "base_url"),
    toml("a key in the file", "bad_config", OPENAI + 'api_key = "x"\n', "api_key", "api_key_env"),
    toml("a seat of nobody", "bad_config", '[seats]\ndefault = "nosuch"\n', "nosuch", ":2"),
    toml("a price of nothing", "bad_config", '[prices."m"]\nprompt = -1\ncompletion = 1\n', "prompt"),
    Case("a seat the scenario has not", 2, "unknown_seat", PLAY, ("seat_z", "orchestrate.toml"),
         {"orchestrate.toml": '[seats]\nseat_z = "local"\n'}),
    Case("no such file", 2, "bad_config", ("--config", "nosuch.toml", *PLAY), ("--config", "nosuch.toml")),
    Case("missing key", 2, "missing_key", DUEL, ("NO_SUCH_KEY_VAR",),
         {"orchestrate.toml": OPENAI + 'api_key_env = "NO_SUCH_KEY_VAR"\n' + SEATED}),
    Case("missing key of the judge", 2, "missing_key", (*PLAY, "--judge", "x", "--judge-policy"), ("NO_SUCH_KEY_VAR",),
         {"orchestrate.toml": OPENAI + 'api_key_env = "NO_SUCH_KEY_VAR"\n'}),
    Case("truncated model", 2, "bad_model_file", DUEL, ("m.gguf",),
         {"m.gguf": b"GGUF\x03\x00", "orchestrate.toml": LLAMA + SEATED}),
    Case("no model at all", 2, "bad_model_file", DUEL, ("m.gguf", "GGUF"),
         {"m.gguf": b"PK\x03\x04" * 99, "orchestrate.toml": LLAMA + SEATED}),
    Case("missing model file", 2, "bad_model_file", DUEL, ("m.gguf",),
         {"orchestrate.toml": LLAMA + SEATED}),
    Case("model of no name", 6, "unknown_model", DUEL, ("qwen9",),
         {"orchestrate.toml": '[backends.x]\nkind = "llama"\nmodel = "qwen9"\n' + SEATED}),
    Case("missing script", 2, "bad_file", DUEL, ("a.jsonl",),
         {"orchestrate.toml": '[backends.x]\nkind = "script"\npath = "a.jsonl"\n' + SEATED}),
    Case("a bad line in a script", 2, "bad_file", DUEL, ("a.jsonl:2",),
         {"a.jsonl": '{"match": "*", "text": "x"}\n{"key": 1}\n',
          "orchestrate.toml": '[backends.x]\nkind = "script"\npath = "a.jsonl"\n' + SEATED}),
    Case("not a database", 2, "bad_database", ("--db", "x.db", *PLAY), ("x.db",), {"x.db": b"no database " * 100}),
    Case("not a database, to look at", 2, "bad_database", ("--db", "x.db", "runs", "list"), ("x.db",),
         {"x.db": b"no database " * 100}),
    Case("a folder for a database", 2, "bad_database", ("--db", "scenarios", *PLAY), ("scenarios",)),
    Case("no file to import", 2, "bad_file", ("runs", "import", "nosuch.jsonl"), ("nosuch.jsonl",)),
    Case("scenario, YAML", 2, "bad_scenario", PLAY, (f"{SCENARIO}:30",), {SCENARIO: "title: A duel -> title: 'A duel"}),
    Case("scenario, unknown key", 2, "bad_scenario", PLAY, (f"{SCENARIO}:2", "tittle"),
         {SCENARIO: "title: A duel -> tittle: x\ntitle: A duel"}),
    Case("scenario, unknown name", 2, "bad_scenario", PLAY, (f"{SCENARIO}:10", "pase", "phase"),
         {SCENARIO: "self.cap / self.money -> self.pase / self.money"}),
    Case("scenario, no number", 2, "bad_scenario", PLAY, (f"{SCENARIO}:4",), {SCENARIO: "rounds: 4 -> rounds: four"}),
    Case("persona", 2, "bad_persona", PLAY, ("seat_a.md", "do"),
         {"personas/duel/seat_a.md": "do: hit -> do: hitt"}),
    Case("prompt, syntax", 2, "bad_prompt", DUEL, ("prompts/judge.j2",),
         {"orchestrate.toml": OPENAI + SEATED, "prompts/judge.j2": "{{ nosuch"}),
    Case("prompt, name", 2, "bad_prompt", DUEL, ("prompts/compose.j2", "nosuch"),
         {"orchestrate.toml": OPENAI + SEATED, "prompts/compose.j2": "{{ nosuch }}"}),
    Case("prompt, dry run", 2, "bad_prompt", (*DUEL, "--dry-run"), ("prompts/speak.j2",),
         {"orchestrate.toml": OPENAI + SEATED, "prompts/speak.j2": "{% for %}"}),
]  # fmt: skip


def prepared(work: Work, case: Case) -> None:
    """Writes the case's files."""
    for name, text in case.files.items():
        path = work.folder / name
        if isinstance(text, str) and " -> " in text:
            old, new = text.split(" -> ")
            before = path.read_text("utf-8")
            assert old in before
            path.write_text(before.replace(old, new, 1), "utf-8")
        else:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())


def one_sentence(done: Done) -> str:
    """The error as people see it: one sentence and at most one hint, on stderr."""
    lines = done.err.splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) <= 2
    assert all(line.startswith("hint: ") for line in lines[1:])
    assert done.out == ""
    return done.err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_one_sentence_and_leaves_nothing(work: Work, case: Case) -> None:
    prepared(work, case)
    before = sorted(str(path) for path in work.folder.rglob("*"))
    bytes_before = {name: (work.folder / name).read_bytes() for name in case.files}
    said = one_sentence(work(*case.words, code=case.code))
    assert [word for word in case.mentions if word not in said] == []
    error = work(*case.words, "--json", code=case.code).error
    assert (error["kind"], set(error)) == (case.kind, {"kind", "message", "hint", "where"})
    left = {str(path) for path in work.folder.rglob("*")} - set(before)
    assert {path for path in left if "hashes.json" not in path and not path.endswith("home/orchestrator")} <= {
        str(work.folder / "home"), str(work.folder / "home" / "orchestrator" / "models"),
    }  # fmt: skip
    assert {name: (work.folder / name).read_bytes() for name in case.files} == bytes_before


def test_what_is_said_of_a_store_that_is_there(work: Work) -> None:
    run = work(*PLAY, "--name", "one", "--json").json["run"]
    before = work.store.read_bytes()
    for words, code, mentions in (
        (("replay", "nosuch"), 6, ("nosuch",)),
        (("replay", "on"), 6, ("one",)),
        (("fork", "one", "--at", "3"), 6, ("--at", "0 to 1")),
        (("fork", "one", "--at", "0", "--backend", "seat_x=local"), 2, ("seat_x",)),
        (("fork", "one", "--at", "0", "--backend", "seat_a=nosuch"), 6, ("nosuch",)),
        (("fork", "one", "--at", "0", "--set", "richer=9999"), 2, ("9999",)),
        (("fork", "one", "--at", "0", "--name", "one"), 2, ("one",)),
        (("fork", "one", "--at", "1", "--rounds", "1"), 2, ("--rounds",)),
        (("fork", "one", "--at", "0", "--backend", "seat_a=local", "--no-download"), 2, ("models pull",)),
        (("replay", "one", "--round", "2"), 6, ("round",)),
        (("runs", "state", "one", "--round", "2"), 6, ("round",)),
        (("runs", "delete", "one"), 2, ("--yes",)),
        (("runs", "diff", "one", "two"), 6, ("two",)),
        (("resume", run, "--rounds", "0"), 2, ("--rounds",)),
    ):
        said = one_sentence(work(*words, code=code))
        assert [word for word in mentions if word not in said] == []
    assert work.written() == 1
    assert work.store.read_bytes() == before


def test_a_port_with_nothing_behind_fails_for_good_and_can_be_gone_on_with(work: Work, lab: Lab) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    work.config(f"http://127.0.0.1:{port}/v1")
    text = (work.folder / "orchestrate.toml").read_text("utf-8").replace("timeout_s = 20", "timeout_s = 1")
    (work.folder / "orchestrate.toml").write_text(text, "utf-8")
    document = work(*DUEL, "--json", code=4).json
    assert (document["status"], document["reason"], document["error"]["kind"]) == (
        "failed", "backend_failed", "backend_failed",
    )  # fmt: skip
    assert str(port) in document["error"]["message"]
    assert f"orchestrate resume {document['run']}" in document["error"]["hint"]
    work.config(lab.base_url)
    done = work("resume", "last", "--json").json
    assert (done["status"], done["run"], done["calls"]["asked"]) == ("finished", document["run"], len(lab.seeds))
