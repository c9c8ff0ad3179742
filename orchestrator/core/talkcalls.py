"""The call for a private message, and what its answer says: the shared record first, the desk, then whom to write."""

from collections.abc import Sequence
from typing import Any, cast

from orchestrator.core.call import Call, Reply, Shape
from orchestrator.core.parse import Malformed, obj
from orchestrator.core.prompts import fill
from orchestrator.core.seated import Seated
from orchestrator.core.talks import LONGEST, Written, others

CHARACTERS = 8
"""Of a word, about: bounds what may be generated."""


def talk_call(at: Seated, key: str) -> Call:
    """One JSON object: the recipients' ids and the message; both may be empty."""
    law, prompter, brief = at.law, at.prompter, at.play.style == "choose"
    may = others(law, at.seat)
    words = law.scenario.talks.words
    values = {
        "label": at.seen.label,
        "others": [f"{seat}: {law.labels[seat]}" for seat in may],
        "words": words,
        "step": law.scenario.clock.step,
    }
    properties: dict[str, Any] = {
        "to": {"type": "array", "items": {"type": "string", "enum": list(may)}, "maxItems": len(may)},
        "message": {"type": "string", "maxLength": min(LONGEST, words * CHARACTERS)},
    }
    schema = {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip
    parts = (
        prompter.world(at.state, at.seen, brief=brief),
        prompter.desk(at.seen, brief=brief),
        fill("talk", prompter.prompts, values),
    )
    return prompter.call(key, at.play, parts, Shape(json_schema=schema), 60 + 3 * words)


def message(reply: Reply, may: Sequence[str]) -> tuple[Written | None, bool] | Malformed:
    """(the message, or None where nobody is written to; whether the JSON had to be repaired)."""
    found = obj(reply)
    if isinstance(found, Malformed):
        return found
    data, repaired = found
    to, words = data.get("to"), data.get("message")
    if not isinstance(to, list) or not isinstance(words, str):
        return Malformed('"to" should be a list of ids and "message" a text')
    named = [name for name in cast("list[Any]", to) if isinstance(name, str)]
    if len(named) != len(cast("list[Any]", to)) or not set(named) <= set(may):
        return Malformed('"to" names somebody who cannot be written to', "off_menu")
    text = " ".join(words.split())
    if not named or not text:
        return None, repaired
    return Written(tuple(seat for seat in may if seat in named), text), repaired
