"""Settings: flag beats environment beats file beats default, and each value knows where it came from.

The file is `orchestrate.toml` (the shape is the models below); `load` reads it, checks it whole and gives a
frozen `Settings`. Whatever is wrong is one sentence with the file, the line and the field. A key never
stands in the file: a backend names the environment variable that holds it, and nothing here reads that
variable. Paths of models and scripts stay as written; they count from `Settings.base`.

`local` (the embedded model) exists without any file. `policy` is no backend but may be named as one: the
seat then plays by its persona's own rules. `off` as judge means none.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, cast
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from orchestrator.core.value import Value
from orchestrator.errors import BadConfig, UnknownBackend, UnknownSeat
from orchestrator.toml_file import Key, Lines, line_of, read_toml

Style = Literal["choose", "compose"]

POLICY = "policy"
"""The name that puts a seat on its persona's own rules."""
OFF = "off"
"""The name that stands for no judge."""


class _Strict(BaseModel):
    """Closed, frozen, and without conversions: `"2"` is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class _Backend(_Strict):
    temperature: float = Field(default=0.7, ge=0, le=2)
    """How freely an answer is drawn; 0 is the likeliest."""


class LlamaConfig(_Backend):
    """A model file, run inside this process."""

    kind: Literal["llama"] = "llama"
    model: str = Field(min_length=1)
    """A name of `models list`, or a path (it holds a separator or ends in .gguf)."""
    threads: int | None = Field(default=None, ge=1, le=256)
    """None: as many as there are cores."""
    context: int = Field(default=8192, ge=512, le=1_048_576)
    """Tokens that prompt and answer share."""
    style: Style = "choose"


class OpenAIConfig(_Backend):
    """A server that speaks chat completions."""

    kind: Literal["openai"] = "openai"
    base_url: str
    """Up to and with `/v1`."""
    model: str = Field(min_length=1)
    api_key_env: str | None = None
    """The environment variable that holds the key."""
    concurrency: int = Field(default=16, ge=1, le=4096)
    """Calls in flight at once."""
    timeout_s: float = Field(default=120, gt=0, le=86_400)
    """Seconds until a call counts as failed."""
    style: Style = "compose"

    @field_validator("api_key_env")
    @classmethod
    def _is_name(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
            raise ValueError("should be the name of an environment variable, never the key itself")
        return text

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, text: str) -> str:
        try:
            parts: SplitResult = urlsplit(text)
            parts.port  # noqa: B018 (raises ValueError where the port is none)
        except ValueError as e:
            raise ValueError(f"should be an address such as http://127.0.0.1:8000/v1 ({e})") from e
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("should begin with http:// or https:// and name a host")
        if parts.username or parts.password:
            raise ValueError("should hold no user or password; name a variable with api_key_env")
        return text.rstrip("/")


class ScriptConfig(_Backend):
    """Answers from a file, by key."""

    kind: Literal["script"] = "script"
    path: str = Field(min_length=1)
    style: Style = "compose"


BackendConfig = LlamaConfig | OpenAIConfig | ScriptConfig
KINDS = ("llama", "openai", "script")


class Price(_Strict):
    """USD per million tokens of one model."""

    prompt: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """None: as `prompt`."""
    completion: float = Field(ge=0)


class _File(_Strict):
    """The whole of orchestrate.toml."""

    db: str | None = Field(default=None, min_length=1)
    backends: dict[str, Annotated[BackendConfig, Field(discriminator="kind")]] = {}
    prices: dict[str, Price] = {}
    seats: dict[str, str | list[str]] = {}


LOCAL = LlamaConfig(model="qwen2.5-coder-1.5b")


class Settings(Value):
    """What holds for this command."""

    db: str
    """A path (relative ones count from the working folder) or a URL."""
    backends: dict[str, BackendConfig]
    prices: dict[str, Price]
    """Model name -> price."""
    default: str
    """The backend of the scenario's model seats."""
    seats: dict[str, str]
    """Seat id -> backend name or `policy`, for seats that are named."""
    judge: tuple[str, ...]
    """One backend, several (a panel), or none."""
    file: Path | None
    """The configuration file that was read."""
    base: Path
    """The folder that relative model and script paths count from: the file's, else the working folder."""
    origins: dict[str, str]

    def origin(self, name: str) -> str:
        """Where a value came from: `flag --db`, `environment NAME`, `file:line`, `default`.

        `name` is dotted, as in the file: `db`, `backends.lab.model`, `seats.judge`.
        """
        return self.origins.get(name, "default")

    def backend_of(self, seat: str, *, model_seat: bool) -> str:
        """The backend of one seat: as named, else `default` for a model seat and `policy` for the others."""
        return self.seats.get(seat) or (self.default if model_seat else POLICY)

    def check_seats(self, known: Iterable[str]) -> None:
        """Raises UnknownSeat where a named seat is not one of the scenario's."""
        seats = sorted(known)
        for seat in self.seats:
            if seat not in seats:
                message = f"the scenario has no seat {seat!r}{did_you_mean(seat, seats)}"
                raise UnknownSeat(f"{message} (its seats: {', '.join(seats)})", where=self.origin(f"seats.{seat}"))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?`, or nothing where nothing known is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""


def load(config_file: Path | None, env: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """Reads the settings of one command.

    `config_file` is the flag --config; `env` the environment. `flags` maps `db`, `seats.default`,
    `seats.judge` and `seats.<id>` to texts (None: not given). Raises BadConfig (the file or the
    environment), UnknownBackend (a flag that names a backend which is not configured).
    """
    path = _find_file(config_file, env)
    file, lines = _parsed(path) if path else (_File.model_construct(), _NO_LINES)
    origins = {".".join(key): f"{path}:{line}" for key, line in lines.items()}
    values: dict[str, object] = {f"seats.{seat}": value for seat, value in file.seats.items()}
    for name, value in values.items():
        if isinstance(value, list) and name != "seats.judge":
            message = f"{origins[name]}: {name} should be the name of one backend, not a list"
            raise BadConfig(message, hint=f"mend {path}", where=origins[name])
    if file.db:
        values["db"] = file.db
    if env.get("ORCHESTRATE_DB"):
        values["db"], origins["db"] = env["ORCHESTRATE_DB"], "environment ORCHESTRATE_DB"
    stood = origins.get("seats.default", "default")
    for name, value in flags.items():
        if value is not None:
            values[name], origins[name] = value, f"flag {_flag(name)}"

    backends: dict[str, BackendConfig] = {"local": LOCAL, **file.backends}
    default = values.pop("seats.default", "local")
    judge = values.pop("seats.judge", None)
    if judge is None:
        # One configured server is enough to play: the judge sits where the seats do, or would without --policy all.
        sits = default if default != POLICY else file.seats.get("default", "local")
        judge = "local" if sits == POLICY else sits
        origins["seats.judge"] = "default" if sits == "local" else "as seats.default" if sits == default else stood
    panel = cast(list[object], judge) if isinstance(judge, list) else [] if judge == OFF else [judge]
    settings = Settings(
        db=str(values.pop("db", "runs/orchestrate.db")),
        backends=backends,
        prices=file.prices,
        default=str(default),
        seats={name.removeprefix("seats."): str(value) for name, value in values.items()},
        judge=tuple(str(name) for name in panel),
        file=path,
        base=(path.parent if path else Path()).absolute(),
        origins=origins,
    )
    _check_names(settings)
    return settings


def _flag(name: str) -> str:
    return {"db": "--db", "seats.judge": "--judge"}.get(name, "--backend or --policy")


def _find_file(named: Path | None, env: Mapping[str, str]) -> Path | None:
    """The file named by flag or environment (which must exist), else the first default place that has one."""
    if named is not None or env.get("ORCHESTRATE_CONFIG"):
        path = named if named is not None else Path(env["ORCHESTRATE_CONFIG"])
        if not path.is_file():
            source = "--config" if named is not None else "ORCHESTRATE_CONFIG"
            raise BadConfig(f"{source} names {path}, and there is no such file", where=str(path))
        return path
    import platformdirs

    places = Path("orchestrate.toml"), platformdirs.user_config_path("orchestrate") / "orchestrate.toml"
    return next((place for place in places if place.is_file()), None)


_NO_LINES: Lines = {}
_SECRET = re.compile(r"(api_?)?(key|token|secret|password)(_env)?", re.IGNORECASE)


def _parsed(path: Path) -> tuple[_File, Lines]:
    data, lines = read_toml(path)
    try:
        return _File.model_validate(data), lines
    except ValidationError as e:
        # A misspelt key says more than the key that is missing for it.
        errors = sorted(e.errors(), key=lambda error: error["type"] != "extra_forbidden")
        message, key = _sentence(errors[0])
        secret = any(_SECRET.fullmatch(part) for part in key[2:])
        hint = 'name the variable that holds it: api_key_env = "MY_KEY"' if secret else f"mend {path}"
        where = f"{path}:{line_of(key, lines)}"
        raise BadConfig(f"{where}: {message}", hint=hint, where=where) from e


def _sentence(error: ErrorDetails) -> tuple[str, Key]:
    """What is wrong, and the key it is about. A value is shown only where it cannot be a secret."""
    key, ctx, kind = tuple(str(part) for part in error["loc"]), error.get("ctx", {}), error["type"]
    known = _known_keys(key)
    if key[:1] == ("backends",) and len(key) > 2 and key[2] in KINDS:
        key = key[:2] + key[3:]  # pydantic puts the kind into the place: backends, lab, openai, model
    name, within = "".join(key[-1:]), f" in [{'.'.join(key[:-1])}]" if key[:-1] else ""
    kinds = f"one of {', '.join(KINDS)}"
    if key[:1] == ("seats",) and len(key) > 1:
        return f"{'.'.join(key[:2])} should be the name of a backend (judge: or a list of names)", key[:2]
    if kind == "extra_forbidden":
        return f"unknown key {name!r}{within}{did_you_mean(name, known)} (known: {', '.join(known)})", key
    if kind == "missing":
        return f"key {name!r} is missing{within}", key
    if kind == "union_tag_not_found":
        return f"key 'kind' is missing in [{'.'.join(key)}] ({kinds})", key
    if kind == "union_tag_invalid":
        tag = str(ctx.get("tag"))
        said = f"unknown kind {tag!r} in [{'.'.join(key)}]{did_you_mean(tag, KINDS)} ({kinds})"
        return said, (*key, "kind")
    if kind in ("dict_type", "model_attributes_type", "model_type"):
        return f"{'.'.join(key)} should be a table: [{'.'.join(key)}]", key
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    shown = f", not {error['input']!r}" if isinstance(error["input"], int | float) else ""
    return f"{'.'.join(key)}{': ' if key else ''}{said[0].lower() + said[1:]}{shown}", key


def _known_keys(key: Key) -> list[str]:
    """The keys that may stand where the unknown `key` (a place of pydantic's) stands."""
    models = {"prices": Price, "llama": LlamaConfig, "openai": OpenAIConfig, "script": ScriptConfig}
    place = key[2] if key[:1] == ("backends",) and len(key) > 2 else ".".join(key[:1])
    return list(models.get(place, _File).model_fields)


def _check_names(settings: Settings) -> None:
    """Every name of a backend is configured; no backend bears a reserved name or stands in a circle."""
    mend = f"mend {settings.file}"
    for name in settings.backends:
        origin = settings.origin(f"backends.{name}")
        if name in (POLICY, OFF) or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            said = "is reserved" if name in (POLICY, OFF) else "is no name (letters, digits, _ and - only)"
            raise BadConfig(f"{origin}: the backend name {name!r} {said}", hint=mend, where=origin)
    for key, name, may_be_policy in _uses(settings):
        if name in settings.backends or (may_be_policy and name == POLICY):
            continue
        origin = settings.origin(key)
        known = sorted(settings.backends) + ([POLICY] if may_be_policy else [])
        message, hint = (
            f"no backend {name!r} is configured{did_you_mean(name, known)}",
            "orchestrate backends list",
        )
        message += f" (there are: {', '.join(known)})"
        if origin.startswith("flag"):
            raise UnknownBackend(message, hint=hint, where=origin.removeprefix("flag "))
        raise BadConfig(f"{origin}: {key}: {message}", hint=hint, where=origin)


def _uses(settings: Settings) -> Iterator[tuple[str, str, bool]]:
    """(setting, backend it names, may it be `policy`)."""
    yield "seats.default", settings.default, True
    for seat, name in settings.seats.items():
        yield f"seats.{seat}", name, True
    for name in settings.judge:
        yield "seats.judge", name, False
