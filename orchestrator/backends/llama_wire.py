"""What goes to llama.cpp and what comes back: a `Call` as its request, its streamed chunks as an `Answer`.

Pure: no thread, no model. Running is in `llama`, grammars are in `grammar`.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.backends import grammar
from orchestrator.core.call import Answer, Call, Outcome, Reply, TokenChoice, Usage
from orchestrator.errors import BackendFailed

SAMPLERS = {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.0, "dry_multiplier": 0.0}
"""Given with every call, so that another version of the library cannot change them."""

COPYING = {"dry_base": 1.75, "dry_allowed_length": 3, "dry_penalty_last_n": 8192}
"""How copying is discouraged: a token that would go on with three or more tokens of the prompt loses
`dry_multiplier * dry_base ** (how many more than three)`. Shorter runs are names."""

LEAST_LOGPROB = -999.0
"""Stands for minus infinity, which JSON does not have."""


class _Alternative(BaseModel):
    token: str
    logprob: float | None = None

    @property
    def finite(self) -> float:
        return LEAST_LOGPROB if self.logprob is None else max(self.logprob, LEAST_LOGPROB)


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta = _Delta()
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int = 0


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details = _Details()


class _Timings(BaseModel):
    prompt_ms: float = 0.0
    predicted_ms: float = 0.0


class _Fault(BaseModel):
    type: str = ""
    message: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Chunk(BaseModel):
    model: str = ""
    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: _Fault | None = None


def request(call: Call) -> dict[str, Any]:
    """The call as llama.cpp takes it. Begun words are a last assistant message, which the model goes on
    from; an answer in JSON cannot be begun (its grammar starts at the first brace)."""
    messages = [{"role": message.role, "content": message.content} for message in call.messages]
    shape = call.shape
    body: dict[str, Any] = {}
    if shape.json_schema is not None:
        body["grammar"] = grammar.of_schema(shape.json_schema)
    elif shape.choices:
        body["grammar"] = grammar.of_choices(shape.choices, call.begun)
    elif shape.line is not None:
        body["grammar"] = grammar.of_line(shape.line, call.begun)
    if call.begun and shape.json_schema is None:
        messages.append({"role": "assistant", "content": call.begun})
    if call.sampling.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": call.sampling.top_logprobs}
    return {
        **body,
        **SAMPLERS,
        **({"dry_multiplier": call.sampling.copying, **COPYING} if call.sampling.copying else {}),
        "messages": messages,
        "max_tokens": call.sampling.max_tokens,
        "temperature": call.sampling.temperature,
        "seed": call.seed,
        "cache_prompt": True,
        "stream": True,
        "return_progress": True,
        "stream_options": {"include_usage": True},
    }


def read(call: Call, received: Sequence[Any], seconds: float, name: str) -> Answer:
    """The answer out of the streamed chunks; `name` is the backend's. Raises BackendFailed on an error
    among them, and where they are not what llama.cpp is known to send or have no end."""
    text, finish, served = "", "", ""
    tokens: list[TokenChoice] = []
    usage, timings = _Usage(), _Timings()
    for chunk in _chunks(call, received, name):
        if chunk.error is not None:
            raise _failure(call, chunk.error, name)
        served = chunk.model or served
        usage = chunk.usage or usage
        timings = chunk.timings or timings
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            tokens += _tokens(choice.logprobs)
    if not finish:
        raise BackendFailed(f"the embedded model {name} broke off its answer to {call.key}", where=call.key)
    if call.shape.choices:
        text = text.lstrip()
    return Answer(
        reply=Reply(
            text=text,
            outcome=_outcome(call, text, finish),
            tokens=tuple(tokens),
            dropped=_dropped(call, text, finish),
        ),
        usage=Usage(
            prompt=usage.prompt_tokens,
            cached=usage.prompt_tokens_details.cached_tokens,
            completion=usage.completion_tokens,
        ),
        seconds=seconds,
        served_by=served,
        facts={"prompt_ms": timings.prompt_ms, "predicted_ms": timings.predicted_ms},
    )


def _chunks(call: Call, received: Sequence[Any], name: str) -> list[_Chunk]:
    try:
        return [_Chunk.model_validate(chunk) for chunk in received]
    except ValidationError as error:
        raise BackendFailed(
            f"the embedded model {name} answered {call.key} in an unknown form",
            hint="this version of xllamacpp may be too new; `pip show xllamacpp` names it",
            where=call.key,
        ) from error


def _tokens(logprobs: _Logprobs | None) -> list[TokenChoice]:
    return [
        TokenChoice(
            token=token.token,
            logprob=token.finite,
            top=tuple((other.token, other.finite) for other in token.top_logprobs),
        )
        for token in (logprobs.content if logprobs and logprobs.content else [])
    ]


def _outcome(call: Call, text: str, finish: str) -> Outcome:
    if not text.strip():
        return "empty"
    if finish == "length" and not _begins_a_choice(call, text):
        return "length"
    return "ok"


def _begins_a_choice(call: Call, text: str) -> bool:
    return any(choice.startswith(text) for choice in call.shape.choices)


def _dropped(call: Call, text: str, finish: str) -> tuple[str, ...]:
    """What was not honoured: begun words of an answer in JSON, and a schema that llguidance could not read,
    which it passes over without a word."""
    dropped: list[str] = []
    if call.shape.json_schema is not None:
        if call.begun:
            dropped.append("begun")
        if not text.startswith("{") or (finish != "length" and not _is_json(text)):
            dropped.append("schema")
    if (
        call.shape.choices
        and text not in call.shape.choices
        and not (finish == "length" and _begins_a_choice(call, text))
    ):
        dropped.append("choices")
    return tuple(dropped)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _failure(call: Call, fault: _Fault, name: str) -> BackendFailed:
    if fault.type == "exceed_context_size_error":
        return BackendFailed(
            f"the prompt of {call.key} has {fault.n_prompt_tokens:,} tokens, and the context of the embedded "
            f"model {name} holds {fault.n_ctx:,}",
            hint=f"raise `context` under [backends.{name}], or give the seat a backend with a longer context",
            where=call.key,
        )
    return BackendFailed(
        f"the embedded model {name} refused {call.key}: {fault.message or 'no reason given'}",
        hint="orchestrate backends list",
        where=call.key,
    )
