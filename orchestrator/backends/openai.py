"""Any server that speaks chat completions: hosted, vLLM, Ollama, llama.cpp.

A call goes out without streaming, under one deadline that covers every try and every wait; the deadline
begins when the call gets one of the backend's `concurrency` places, so that a queue of our own never
counts against the server. The form of request and answer is in `chat`, the classes of faults and the
policy in `faults`, the transport in `http`.
"""

import asyncio
import os
import time
from dataclasses import replace

import httpx
from pydantic import SecretStr

from orchestrator.backends.chat import Answered, Dialect, ServerError, learned, read, request, server_error
from orchestrator.backends.faults import Fault, Health, Patience, Tries, class_of, told_wait
from orchestrator.backends.http import BODY_CAP, Raw, Wire
from orchestrator.backends.protocol import Abilities
from orchestrator.backends.wire import one_line, strict_json
from orchestrator.core.call import Answer, Call, Reply, Usage
from orchestrator.errors import BackendFailed, BadConfig, MissingKey, OrchestratorError, QuotaExhausted

_SHORTEST_SECRET = 8
"""Keys shorter than this ("EMPTY", "none") are conventions of local servers and not cut out of answers."""


class OpenAIBackend:
    """A backend of kind `openai` (see `protocol.Backend`).

    Raises BadConfig where an argument cannot be honoured. `patience` is for tests.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        model: str,
        api_key_env: str | None,
        concurrency: int = 8,
        timeout_s: float = 120,
        refused_for_s: float = 15,
        patience: Patience | None = None,
    ) -> None:
        self._name = name
        self._url, self._shown = _address(name, base_url)
        self._model = model
        self._key_env = api_key_env
        if concurrency < 1 or not 0 < timeout_s < float("inf"):
            raise BadConfig(
                f"backend {name}: concurrency must be at least 1 and timeout_s above 0",
                hint="correct it in the configuration",
                where=f"backends.{name}",
            )
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        given = patience or Patience()
        self._patience = replace(
            given,
            refused_for_s=refused_for_s,
            # Half the deadline at most: after any wait there is time for one more try.
            busy_cap_s=min(given.busy_cap_s, timeout_s / 2),
        )
        self._dialect = Dialect()
        self._health = Health(self._patience)
        self._key: SecretStr | None = None
        self._wire: Wire | None = None
        self._places = asyncio.Semaphore(concurrency)

    def __repr__(self) -> str:
        return f"OpenAIBackend(name={self._name!r}, base_url={self._shown!r}, model={self._model!r})"

    @property
    def kind(self) -> str:
        return "openai"

    @property
    def model(self) -> str:
        return self._model

    @property
    def abilities(self) -> Abilities:
        """What is asked of the server, less what it has refused since the start."""
        out = self._dialect.left_out
        return Abilities(
            logprobs="logprobs" not in out,
            schema_enforced="schema" not in out,
            seed="seed" not in out,
            begun=False,
            concurrency=self._concurrency,
        )

    async def start(self) -> None:
        """Reads the key and makes the client; nothing is sent. Raises MissingKey."""
        if self._wire is not None:
            return
        self._key = self._read_key()
        headers = {"user-agent": "orchestrator"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        self._places = asyncio.Semaphore(self._concurrency)
        self._wire = Wire(self._url, headers)

    async def aclose(self) -> None:
        """Closes the client; may be called twice, and `start` makes another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.aclose()

    async def answer(self, call: Call) -> Answer:
        """Answers one call. Raises BackendFailed, QuotaExhausted."""
        if self._wire is None:
            raise OrchestratorError(f"backend {self._name} was asked before it was started")
        async with self._places:
            tries = Tries(self._health)
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await tries.retrying()(self._try, self._wire, call, tries)
            except TimeoutError:
                raise self._given_up(self._asleep(tries), tries) from None
            except Fault as fault:
                raise self._given_up(fault, tries) from None

    async def _try(self, wire: Wire, call: Call, tries: Tries) -> Answer:
        await self._health.wait_turn()
        dialect = self._dialect
        body, dropped = request(call, self._model, dialect)
        sent_at = time.monotonic()
        tries.made += 1
        try:
            raw = await wire.post(body)
            seconds = time.monotonic() - sent_at
            answered = self._read(raw, call, dialect, dropped)
        except Fault as fault:
            tries.note(fault, sent_at)
            raise
        self._health.was_reached()
        self._health.was_good()
        return Answer(
            reply=answered.reply,
            usage=answered.usage,
            seconds=seconds,
            tries=tries.made,
            served_by=answered.served_by,
            facts=answered.facts,
        )

    def _read(self, raw: Raw, call: Call, dialect: Dialect, dropped: tuple[str, ...]) -> Answered:
        """The answer in a response. Raises Fault."""
        body = self._without_key(raw.body)
        if not 200 <= raw.status < 300:
            raise self._refusal(raw, body, call, dialect)
        if not raw.whole:
            if raw.packed:
                raise Fault("broken", f"a compressed body that unpacks to more than {BODY_CAP} bytes", status=200)
            # A model that talks without end is no broken server: the seat gets an answer that was cut.
            cut = Reply(text="", outcome="length", dropped=dropped)
            return Answered(cut, Usage(), "", {"over_cap": BODY_CAP})
        try:
            data = strict_json(body)
        except ValueError as error:
            html = body.lstrip()[:1] == b"<" or "html" in raw.headers.get("content-type", "")
            raise Fault("broken", "HTML instead of an answer" if html else str(error), status=200) from None
        return read(data, call, dropped)

    def _refusal(self, raw: Raw, body: bytes, call: Call, dialect: Dialect) -> Fault:
        """The fault of a response with a status that is no success; what it teaches is learned."""
        try:
            error = server_error(strict_json(body)) or ServerError()
        except ValueError:
            error = ServerError()
        if raw.status in (400, 422):
            better = learned(dialect, call, error)
            if better != dialect:
                self._dialect = self._dialect.joined(better)
                return Fault("learned", error.message, status=raw.status)
        if 300 <= raw.status < 400:
            place = raw.headers.get("location", "")
            return Fault("rejected", f"a redirect to {place!r}, which is not followed", status=raw.status)
        kind = class_of(raw.status, error.words)
        wait = told_wait(raw.headers) if kind == "busy" else None
        return Fault(kind, error.message, status=raw.status, wait_s=wait)

    def _read_key(self) -> SecretStr | None:
        if self._key_env is None:
            return None
        key = os.environ.get(self._key_env, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            state = "holds characters that no key has" if key else "is not set"
            raise MissingKey(
                f"backend {self._name} needs the environment variable {self._key_env}, which {state}",
                hint=f"set {self._key_env}, or remove api_key_env if the server wants no key",
                where=f"backends.{self._name}.api_key_env",
            )
        return SecretStr(key)

    def _without_key(self, body: bytes) -> bytes:
        """A body in which the key, should a server echo it, is blotted out."""
        key = self._key.get_secret_value() if self._key else ""
        return body.replace(key.encode(), b"***") if len(key) >= _SHORTEST_SECRET else body

    def _asleep(self, tries: Tries) -> Fault:
        """What to say when the deadline has passed: the latest fault says more than the clock."""
        last = tries.last
        sentence = f"no whole answer within {self._timeout_s:g} s"
        if last is None:
            return Fault("asleep", sentence)
        if last.kind in ("refused", "busy"):
            return last
        return Fault("asleep", f"{sentence}; before that: {last.sentence}", status=last.status)

    def _given_up(self, fault: Fault, tries: Tries) -> OrchestratorError:
        """The exception that a fault deserves, as one sentence with the next command."""
        said = one_line(self._without_any_key(fault.sentence))
        status = f"status {fault.status}" if fault.status else ""
        what = ": ".join(part for part in (status, said) if part) or "an error without a word"
        who = f"backend {self._name} at {self._shown}"
        where = f"backends.{self._name}"
        often = f" ({tries.made} tries)" if tries.made > 1 else ""
        again = "`orchestrate resume` goes on"
        if fault.kind == "broke":
            return QuotaExhausted(f"{who} {self._wants(fault)} ({what})", hint=f"then {again}", where=where)
        if fault.kind == "refused":
            return BackendFailed(
                f"{who} does not answer: {what}{often}",
                hint=f"start the server or correct base_url; then {again}",
                where=where,
            )
        if fault.kind == "rejected":
            missing = f" (no model {self._model!r}, or no such path)" if fault.status == 404 else ""
            return BackendFailed(
                f"{who} rejects the request{missing}: {what}",
                hint=f"correct the backend's model and base_url in the configuration; then {again}",
                where=where,
            )
        verb = {"busy": "stays busy", "asleep": "is too slow"}.get(fault.kind, "gives no usable answer")
        return BackendFailed(f"{who} {verb}: {what}{often}", hint=f"when it works again, {again}", where=where)

    def _wants(self, fault: Fault) -> str:
        if fault.status not in (401, 403):
            return "wants money or a higher quota: top up the account or raise its limit"
        if self._key_env is None:
            return "wants a key: name its environment variable as api_key_env"
        return f"does not accept the key in {self._key_env}: put a valid key there"

    def _without_any_key(self, sentence: str) -> str:
        key = self._key.get_secret_value() if self._key else ""
        return sentence.replace(key, "***") if key else sentence


def _address(name: str, base_url: str) -> tuple[httpx.URL, str]:
    """The address of completions, and the base as it may be shown. Raises BadConfig."""
    where = f"backends.{name}.base_url"
    hint = 'write it like "http://127.0.0.1:8000/v1"'
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError) as error:
        raise BadConfig(f"backend {name}: base_url is no address", hint=hint, where=where) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise BadConfig(
            f"backend {name}: base_url must begin with http:// or https:// and name a host",
            hint=hint,
            where=where,
        )
    if url.userinfo:
        raise BadConfig(
            f"backend {name}: base_url holds a user name or password, which would be shown and stored",
            hint="put the key into an environment variable and name it as api_key_env",
            where=where,
        )
    path = url.path.rstrip("/")
    full = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
    shown = str(url.copy_with(query=None, fragment=None)).rstrip("/")
    return url.copy_with(path=full, fragment=None), shown
