"""The form of chat completions: a Call becomes a request body, a response body becomes a Reply.

Pure: bytes and plain data in, values out. What a server refuses to understand (`max_tokens`,
`response_format`, `logprobs`, `seed`, `temperature`) is learned into a `Dialect`, left out from then on,
and named in `Reply.dropped`. What went wrong inside an answer with status 200 becomes an `Outcome`.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from orchestrator.backends.faults import Fault, about_key, class_inside
from orchestrator.backends.wire import mapping, one_line, sequence, storable
from orchestrator.core.call import Call, Outcome, Reply, TokenChoice, Usage
from orchestrator.core.value import canonical, digest

_UNSUPPORTED = re.compile(
    r"unsupported|(not|n't) support|unavailable|not available|unknown|unrecogni[sz]ed|unexpected"
    r"|not permitted|not allowed|not implemented|not enabled|disabled|only the default",
    re.IGNORECASE,
)
_BAD_SCHEMA = re.compile(r"invalid schema|invalid_json_schema|schema.{0,40}invalid", re.IGNORECASE)
_NAMES = {
    "schema": re.compile(r"response_format|json_schema|structured outputs?", re.IGNORECASE),
    "logprobs": re.compile(r"(top_)?logprobs", re.IGNORECASE),
    "seed": re.compile(r"\bseed\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
}
_LARGEST_COUNT = 2**53


@dataclass(frozen=True)
class Dialect:
    """What one server was found to understand."""

    room: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    left_out: frozenset[str] = frozenset()
    """Of `schema`, `logprobs`, `seed`, `temperature`: what it refuses for every call."""
    bad_schemas: frozenset[str] = frozenset()
    """Digests of the schemas that it refuses although it knows schemas."""

    def joined(self, other: "Dialect") -> "Dialect":
        """What both have learned."""
        return Dialect(
            room=other.room if self.room == "max_tokens" else self.room,
            left_out=self.left_out | other.left_out,
            bad_schemas=self.bad_schemas | other.bad_schemas,
        )


class ServerError(NamedTuple):
    """The error of a response body, whichever of the usual forms it has."""

    message: str = ""
    words: str = ""
    """Its `type`, `code` and `status`, in lower case."""
    param: str = ""
    code: int = 0
    """An HTTP status inside the error, 0 where there is none."""


class Answered(NamedTuple):
    """A response body, read."""

    reply: Reply
    usage: Usage
    served_by: str
    facts: dict[str, Any]


def request(call: Call, model: str, dialect: Dialect) -> tuple[bytes, tuple[str, ...]]:
    """The body to send and the settings of the call that it leaves out."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in call.messages],
        dialect.room: call.sampling.max_tokens,
        "stream": False,
    }
    dropped: list[str] = []

    def put(setting: str, **fields: Any) -> None:
        if setting in dialect.left_out:
            dropped.append(setting)
        else:
            body.update(fields)

    schema = call.shape.json_schema
    if schema is not None:
        if _schema_id(schema) in dialect.bad_schemas:
            dropped.append("schema")
        else:
            form = {"name": "answer", "strict": True, "schema": schema}
            put("schema", response_format={"type": "json_schema", "json_schema": form})
    if call.shape.choices:
        dropped.append("choices")  # no grammar that all servers know
    if call.sampling.top_logprobs > 0:
        put("logprobs", logprobs=True, top_logprobs=call.sampling.top_logprobs)
    put("seed", seed=call.seed)
    put("temperature", temperature=call.sampling.temperature)
    if call.begun:
        dropped.append("begun")
    if call.sampling.copying:
        dropped.append("copying")  # servers that know it do not agree on a name
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii"), tuple(dropped)


def learned(dialect: Dialect, call: Call, error: ServerError) -> Dialect:
    """The dialect with what a 400 or 422 teaches; the same dialect where it teaches nothing.

    One thing at a time: `param` names it, else the first setting that the sentence mentions.
    """
    text = f"{error.message} {error.words}"
    if dialect.room == "max_tokens" and "max_completion_tokens" in text:
        return replace(dialect, room="max_completion_tokens")
    sent = {"seed", "temperature"}
    schema = call.shape.json_schema
    if schema is not None:
        sent.add("schema")
    if call.sampling.top_logprobs > 0:
        sent.add("logprobs")
    sent -= dialect.left_out
    if schema is not None and "schema" in sent and _BAD_SCHEMA.search(text):
        known = dialect.bad_schemas | {_schema_id(schema)}
        return replace(dialect, bad_schemas=known)
    if not _UNSUPPORTED.search(text):
        return dialect
    for place in (error.param, error.message):
        found = {what: hit.start() for what in sent if (hit := _NAMES[what].search(place))}
        if found:
            first = min(found, key=lambda what: (found[what], what))
            return replace(dialect, left_out=dialect.left_out | {first})
    return dialect


def server_error(data: Any) -> ServerError | None:
    """The error in a response body, or None where it holds none."""
    body = mapping(data)
    if body is None:
        return None
    inner = body.get("error", body.get("detail"))
    if inner is None and body.get("object") == "error":
        inner = body
    if inner is None or inner == [] or inner == {}:
        return None
    fields = mapping(inner)
    if fields is None:  # a bare sentence, or a list of complaints with their places
        items = sequence(inner) or []
        parts = [f"{i.get('loc', '')} {i.get('msg', '')}" for i in map(mapping, items) if i]
        message = "; ".join(parts) if parts else str(inner)
        return ServerError(message=message, words=str(body.get("type", "")).lower())
    words = " ".join(str(fields[k]) for k in ("type", "code", "status") if fields.get(k) is not None)
    code = str(fields.get("code", ""))
    return ServerError(
        message=str(fields.get("message") or fields.get("msg") or ""),
        words=words.lower(),
        param=str(fields.get("param") or ""),
        code=int(code) if re.fullmatch(r"[45]\d\d", code) else 0,
    )


def read(data: Any, call: Call, dropped: tuple[str, ...]) -> Answered:
    """The answer in a response body with status 200. Raises Fault where there is none."""
    body = mapping(data)
    if body is None:
        raise Fault("broken", "JSON that is no object", status=200)
    choices = sequence(body.get("choices"))
    if not choices:
        if error := server_error(body):
            raise fault_inside(error)
        if choices is None:
            raise Fault("broken", "an answer without choices", status=200)
    choice = mapping(choices[0]) if choices else {}
    message = mapping(choice.get("message")) if choice else {}
    if choice is None or message is None:
        raise Fault("broken", "a choice without a message", status=200)
    if error := server_error({"error": choice.get("error")}):
        raise fault_inside(error)
    tokens = _tokens(choice) if call.sampling.top_logprobs > 0 else ()
    if call.sampling.top_logprobs > 0 and not tokens and "logprobs" not in dropped:
        dropped = (*dropped, "logprobs")
    text, outcome = _text(message, str(choice.get("finish_reason") or ""))
    facts = {k: one_line(str(body[k]), 120) for k in ("id", "system_fingerprint") if body.get(k)}
    return Answered(
        reply=Reply(text=text, outcome=outcome, tokens=tokens, dropped=dropped),
        usage=_usage(body.get("usage")),
        served_by=one_line(str(body.get("model") or ""), 120),
        facts=facts,
    )


def fault_inside(error: ServerError) -> Fault:
    """The fault of an error object inside an answer with status 200."""
    status = error.code or (401 if about_key(error.words) else 200)
    return Fault(class_inside(error.code, error.words), error.message or error.words, status=status)


def _schema_id(schema: dict[str, Any]) -> str:
    return digest(canonical(schema))


def _text(message: dict[str, Any], finish: str) -> tuple[str, Outcome]:
    """Text and outcome of a message. Raises Fault where the content is of an unknown form."""
    content = message.get("content")
    refusal = message.get("refusal")
    if (parts := sequence(content)) is not None:  # some servers send the text in parts
        fields = [part for part in map(mapping, parts) if part]
        content = "".join(str(p.get("text") or "") for p in fields if p.get("type") == "text")
        refusal = refusal or "".join(str(p.get("refusal") or "") for p in fields)
    if content is not None and not isinstance(content, str):
        raise Fault("broken", "a message whose content is no text", status=200)
    text = storable(content or "")
    if refusal or finish == "refusal":
        return text or storable(str(refusal or "")), "refused"
    if finish == "content_filter":
        return text, "filtered"
    if finish == "length":
        return text, "length"
    return text, "ok" if text.strip() else "empty"


def _tokens(choice: dict[str, Any]) -> tuple[TokenChoice, ...]:
    """The log-probabilities of a choice; empty where they are missing or not numbers."""
    entries = sequence((mapping(choice.get("logprobs")) or {}).get("content")) or []
    made: list[TokenChoice] = []
    for entry in entries:
        own = _pair(entry)
        if own is None:
            return ()
        listed = sequence((mapping(entry) or {}).get("top_logprobs")) or []
        top = sorted((pair for pair in map(_pair, listed) if pair), key=lambda pair: -pair[1])
        made.append(TokenChoice(token=own[0], logprob=own[1], top=tuple(top)))
    return tuple(made)


def _pair(entry: Any) -> tuple[str, float] | None:
    """(token, log-probability). A token that is part of a character stands as the server wrote it."""
    fields = mapping(entry) or {}
    token, logprob = fields.get("token"), fields.get("logprob")
    if not isinstance(token, str) or isinstance(logprob, bool) or not isinstance(logprob, (int, float)):
        return None
    try:
        number = float(logprob)
    except OverflowError:  # an integer beyond all floats
        return None
    return storable(token), number


def _usage(data: Any) -> Usage:
    fields = mapping(data) or {}
    details = mapping(fields.get("prompt_tokens_details")) or {}
    return Usage(
        prompt=_count(fields.get("prompt_tokens")),
        cached=_count(details.get("cached_tokens")),
        completion=_count(fields.get("completion_tokens")),
    )


def _count(value: Any) -> int:
    """A count of tokens as an integer; 0 where the server gave something else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    return int(value) if 0 <= value < _LARGEST_COUNT else 0
