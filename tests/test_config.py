"""Settings: what beats what, where each value came from, and what a bad file is told."""

from pathlib import Path

import pytest

from orchestrator.config import LlamaConfig, OpenAIConfig, ScriptConfig, Settings, load
from orchestrator.errors import BadConfig, UnknownBackend, UnknownSeat
from orchestrator.toml_file import line_of, lines_of

SERVER = '[backends.lab]\nkind = "openai"\nbase_url = "http://127.0.0.1:8000/v1/"\nmodel = "m"\n'


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's configuration: a fresh working folder and a fresh user folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str, name: str = "orchestrate.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def loaded(text: str, **flags: object) -> Settings:
    written(text)
    return load(None, {}, {name.replace("__", "."): value for name, value in flags.items()})


def test_without_a_file_the_embedded_model_plays_and_judges(empty_folder: Path) -> None:
    settings = load(None, {}, {})
    assert settings.backends == {"local": LlamaConfig(model="qwen2.5-coder-1.5b")}
    assert settings.backends["local"].style == "choose"
    assert (settings.default, settings.judge, settings.db) == ("local", ("local",), "runs/orchestrate.db")
    assert (settings.file, settings.base) == (None, empty_folder)
    assert settings.origin("db") == settings.origin("seats.judge") == "default"


def test_flag_beats_environment_beats_file_beats_default() -> None:
    written('db = "file.db"')
    environment = {"ORCHESTRATE_DB": "environment.db"}
    for env, flags, db, origin in [
        ({}, {}, "file.db", "orchestrate.toml:1"),
        (environment, {}, "environment.db", "environment ORCHESTRATE_DB"),
        (environment, {"db": "flag.db"}, "flag.db", "flag --db"),
        (environment, {"db": None}, "environment.db", "environment ORCHESTRATE_DB"),
    ]:
        settings = load(None, env, flags)
        assert (settings.db, settings.origin("db")) == (db, origin)


def test_the_file_is_found_by_flag_then_variable_then_here_then_the_users_folder() -> None:
    user = written('db = "user"', "user/orchestrate/orchestrate.toml")
    assert load(None, {}, {}).db == "user"
    written('db = "here"')
    assert load(None, {}, {}).db == "here"
    variable = written('db = "variable"', "a/v.toml")
    assert load(None, {"ORCHESTRATE_CONFIG": str(variable)}, {}).db == "variable"
    assert load(user, {"ORCHESTRATE_CONFIG": str(variable)}, {}).db == "user"


@pytest.mark.parametrize(("flag", "env"), [(Path("no.toml"), {}), (None, {"ORCHESTRATE_CONFIG": "no.toml"})])
def test_a_named_file_must_exist(flag: Path | None, env: dict[str, str]) -> None:
    with pytest.raises(BadConfig, match=r"no\.toml"):
        load(flag, env, {})


def test_every_kind_with_its_defaults_and_its_places() -> None:
    path = written(
        SERVER
        + '[backends.canned]\nkind = "script"\npath = "a.jsonl"\n'
        + '[backends.file]\nkind = "llama"\nmodel = "m.gguf"\nthreads = 2\n'
        + '[prices."m"]\nprompt = 1\ncompletion = 2.5\n'
        + '[seats]\ndefault = "lab"\nred_team = "policy"\njudge = ["local", "lab"]\n',
        "sub/c.toml",
    )
    settings = load(path, {}, {})
    lab, canned, file = (settings.backends[name] for name in ("lab", "canned", "file"))
    assert isinstance(lab, OpenAIConfig)
    assert (lab.base_url, lab.concurrency, lab.timeout_s, lab.style) == (
        "http://127.0.0.1:8000/v1",
        16,
        120,
        "compose",
    )
    assert isinstance(canned, ScriptConfig)
    assert (canned.path, canned.style) == ("a.jsonl", "compose")
    assert isinstance(file, LlamaConfig)
    assert (file.threads, file.style, file.temperature) == (2, "choose", 0.7)
    assert settings.base == Path("sub").absolute()
    assert settings.judge == ("local", "lab")
    assert settings.prices["m"].completion == 2.5
    assert settings.origin("backends.lab.model") == f"{path}:4"
    assert settings.origin("backends.lab.style") == "default"
    assert settings.origin("seats.red_team") == f"{path}:17"


def test_a_seat_plays_as_named_else_as_its_kind() -> None:
    settings = loaded(SERVER + '[seats]\ndefault = "lab"\na = "policy"\nb = "local"\n', seats__c="lab")
    assert settings.backend_of("a", model_seat=True) == "policy"
    assert settings.backend_of("b", model_seat=False) == "local"
    assert settings.backend_of("c", model_seat=False) == "lab"
    assert settings.backend_of("d", model_seat=True) == "lab"
    assert settings.backend_of("d", model_seat=False) == "policy"
    settings.check_seats(["a", "b", "c", "d"])
    with pytest.raises(UnknownSeat, match=r"no seat 'a'.*did you mean 'aa'|no seat 'a'") as caught:
        settings.check_seats(["aa", "b", "c"])
    assert caught.value.where == "orchestrate.toml:7"


@pytest.mark.parametrize(
    ("flags", "judge"),
    [
        ({}, ("local",)),
        ({"seats.default": "lab"}, ("lab",)),
        ({"seats.default": "policy"}, ("local",)),
        ({"seats.judge": "off"}, ()),
        ({"seats.default": "lab", "seats.judge": "local"}, ("local",)),
    ],
)
def test_the_judge_sits_where_the_seats_do_unless_named(flags: dict[str, object], judge: tuple[str, ...]) -> None:
    written(SERVER)
    assert load(None, {}, flags).judge == judge


BAD = [
    ("syntax", "[backends.x\nkind=", 1, "no valid TOML"),
    ("unknown key", SERVER + 'temprature = 1\n', 5, "'temprature' in [backends.lab], did you mean"),
    ("misspelt required key", SERVER.replace("base_url", "base_ur"), 3, "unknown key 'base_ur'"),
    ("of another kind", '[backends.x]\nkind = "llama"\nmodel = "m"\nbase_url = "x"\n', 4, "key 'base_url'"),
    ("unknown kind", SERVER.replace("openai", "opnai"), 2, "unknown kind 'opnai' in [backends.lab], did"),
    ("no kind", '[backends.x]\nmodel = "m"\n', 1, "key 'kind' is missing in [backends.x]"),
    ("missing", '[backends.x]\nkind = "script"\n', 1, "key 'path' is missing in [backends.x]"),
    ("unknown table", "\n[seat]\na = 1\n", 2, "unknown key 'seat', did you mean 'seats'?"),
    ("text for a number", SERVER + 'concurrency = "4"\n', 5, "concurrency: should be a valid integer"),
    ("out of range", SERVER + "concurrency = 0\n", 5, "greater than or equal to 1, not 0"),
    ("not finite", SERVER + "timeout_s = inf\n", 5, "backends.lab.timeout_s"),
    ("style", SERVER + 'style = "chose"\n', 5, "should be 'choose' or 'compose'"),
    ("no address", SERVER.replace("http:", "ftp:"), 3, "http://"),
    ("port", SERVER.replace("8000", "80000"), 3, "backends.lab.base_url"),
    ("password in the address", SERVER.replace("//127", "//u:pw@127"), 3, "api_key_env"),
    ("variable", SERVER + 'api_key_env = "sk-test-1"\n', 5, "never the key itself"),
    ("no table", "backends = 3\n", 1, "backends should be a table"),
    ("unknown backend", '[seats]\ndefault = "lcal"\n', 2, "no backend 'lcal' is configured, did you"),
    ("judge on policy", '[seats]\njudge = "policy"\n', 2, "no backend 'policy'"),
    ("two for one seat", '[seats]\na = ["local"]\n', 2, "seats.a should be the name of one backend"),
    ("number for a seat", "[seats]\na = 3\n", 2, "seats.a should be the name of a backend"),
    ("reserved", '[backends.policy]\nkind = "llama"\nmodel = "m"\n', 1, "'policy' is reserved"),
    ("price", "[prices.m]\nprompt = 1\ncompletion = -1\n", 3, "prices.m.completion"),
    ("deep", "a = " + "[" * 5000, 1, "no valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_file_is_told_its_line_its_field_and_what_was_expected(text: str, line: int, said: str) -> None:
    with pytest.raises(BadConfig) as caught:
        loaded(text)
    assert said in caught.value.message
    assert caught.value.where == f"orchestrate.toml:{line}"
    assert caught.value.message.startswith(caught.value.where)
    assert caught.value.hint
    assert "\n" not in caught.value.message.replace(text, "")


def test_a_key_in_the_file_is_refused_unshown() -> None:
    with pytest.raises(BadConfig) as caught:
        loaded(SERVER + 'api_key = "sk-test-very-secret"\n')
    assert "api_key_env" in caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xfe=1", "UTF-8"), (b"#" * (1 << 20) + b"\n", "larger than 1048576 bytes")]
)
def test_a_file_that_is_no_text_is_refused(content: bytes, said: str) -> None:
    Path("orchestrate.toml").write_bytes(content)
    with pytest.raises(BadConfig, match=said):
        load(None, {}, {})


def test_a_flag_that_names_no_backend_is_another_error_than_a_file_that_does() -> None:
    with pytest.raises(UnknownBackend, match=r"no backend 'lcl' is configured, did you mean 'local'") as caught:
        load(None, {}, {"seats.default": "lcl"})
    assert caught.value.code == 6
    assert caught.value.hint == "orchestrate backends list"


def test_lines_are_found_under_quotes_dots_and_comments() -> None:
    lines = lines_of('a = 1\n[ b . "c.d" ] # here\n  e.f = """\nx\n"""\n\'g\'=2\n')
    assert lines == {("a",): 1, ("b", "c.d"): 2, ("b", "c.d", "e", "f"): 3, ("b", "c.d", "g"): 6}
    assert line_of(("b", "c.d", "nowhere"), lines) == 2
    assert line_of(("z",), lines) == 1
