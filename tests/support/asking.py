"""Something to ask that answers from a script: replies by key, or by a function of the call."""

import json
from collections.abc import Callable, Mapping
from math import log
from typing import Any

from orchestrator.core.call import Call, Reply, TokenChoice

Answering = Reply | str | Mapping[str, Any]


def reply_of(given: Answering) -> Reply:
    """A text as it stands, plain data as JSON."""
    if isinstance(given, Reply):
        return given
    return Reply(text=given if isinstance(given, str) else json.dumps(given))


class Script:
    """`await script(call)`: the reply under the call's key; every call is kept in `asked`."""

    def __init__(self, answers: Mapping[str, Answering] | Callable[[Call], Answering]) -> None:
        self.answers = answers
        self.asked: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(call)
        return reply_of(self.answers(call) if callable(self.answers) else self.answers[call.key])

    @property
    def keys(self) -> list[str]:
        return [call.key for call in self.asked]


def menu_reply(text: str, top: Mapping[str, float]) -> Reply:
    """A first token with the natural logarithms of these probabilities."""
    dist = tuple((token, log(p)) for token, p in top.items())
    return Reply(text=text, tokens=(TokenChoice(token=text, logprob=dist[0][1], top=dist),))


RATINGS = {"resources": 4, "incentive": 4, "information": 3, "timing": 4, "authority": 5, "plausibility": 4}
VERDICT = {"reason": "It fits its aims.", **RATINGS}
