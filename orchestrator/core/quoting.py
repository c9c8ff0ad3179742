"""Somebody's words as they may stand in a prompt: one line, no control signs, no look-alikes of any marks."""

import re
from typing import Any

from orchestrator.core.law import Law
from orchestrator.core.turn import Observation

LETTERS = 8
"""Most private messages of this round and the last in a seat's prompt."""
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    r"\u2039\u203a\u2329\u232a\u27e8\u27e9\u3008\u3009\ufe64\ufe65\uff1c\uff1e]"  # other angle brackets
)
_MARK = re.compile(
    r"<{1,}\s*/?\s*(words|speech|system|user|assistant|im_start|im_end|\|)[^>]*>*|<\|[^>]*\|?>?", re.IGNORECASE
)


def quoted(text: str, most: int = 400) -> str:
    """Somebody's words as they may stand in a prompt: one line, no controls, no look-alike marks."""
    return " ".join(_MARK.sub(" ", _CONTROL.sub(" ", text)).split())[:most]


def letters(law: Law, seen: Observation) -> list[dict[str, Any]]:
    """The private messages of this round and the last, as they may stand in the prompt of whoever got them."""
    held = [line for line in seen.notebook if line.speaker not in ("", seen.seat) and line.round >= seen.round - 1]
    return [{"who": law.labels[line.speaker], "text": quoted(line.text, 1000)} for line in held[-LETTERS:]]
