"""A call as texts and back: prompts of one run share most of their parts, and each part is stored once.

A request is the canonical JSON of a call without its key, where the content of each message is replaced by
the hashes of its parts. A part begins at each "\\n## " heading; joined they give the content, byte for byte.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from orchestrator.core.call import Call
from orchestrator.core.value import canonical, digest

_HEADING = "\n## "


class Request(NamedTuple):
    """A call in its stored form."""

    hash: str
    """sha256 of `text`."""
    text: str
    parts: dict[str, str]
    """hash -> text of every part of its messages."""


class UnreadableError(ValueError):
    """A stored request that cannot be put together again; the message says why."""


def request_of(call: Call) -> Request:
    """The call's stored form, without its key."""
    data = call.model_dump(mode="json", exclude={"key"})
    parts: dict[str, str] = {}
    for message in cast(list[dict[str, Any]], data["messages"]):
        first, *rest = cast(str, message.pop("content")).split(_HEADING)
        pieces = [piece for piece in (first, *(_HEADING + piece for piece in rest)) if piece]
        hashes = [digest(piece) for piece in pieces]
        parts.update(zip(hashes, pieces, strict=True))
        message["parts"] = hashes
    text = canonical(data)
    return Request(digest(text), text, parts)


def part_hashes(request: str) -> Iterator[str]:
    """The hashes of the parts that a request's text names. Raises UnreadableError."""
    for message in _messages(_parsed(request)):
        yield from cast(list[str], message["parts"])


def call_of(key: str, request: str, text_of: Callable[[str], str | None]) -> Call:
    """The call with that key, from a request's text. Raises UnreadableError: no JSON, a part that is missing,
    a field that no call has."""
    data = _parsed(request)
    for message in _messages(data):
        pieces: list[str] = []
        for part in cast(list[str], message.pop("parts")):
            piece = text_of(part)
            if piece is None:
                raise UnreadableError(f"part {part[:12]} of the prompt is missing")
            pieces.append(piece)
        message["content"] = "".join(pieces)
    try:
        return Call.model_validate({**data, "key": key})
    except ValidationError as error:
        raise UnreadableError(f"the request is no call: {error.errors()[0]['msg']}") from error


def _parsed(request: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(request)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the request is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise UnreadableError("the request is no JSON object")
    return cast(dict[str, Any], data)


def _messages(data: dict[str, Any]) -> list[dict[str, Any]]:
    messages: Any = data.get("messages")
    if not isinstance(messages, list):
        raise UnreadableError("the request has no messages")
    for message in cast(list[Any], messages):
        if not isinstance(message, dict):
            raise UnreadableError("a message of the request is no object")
        parts = cast(dict[str, Any], message).get("parts")
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in cast(list[Any], parts)):
            raise UnreadableError("a message of the request does not name its parts")
    return cast(list[dict[str, Any]], messages)
