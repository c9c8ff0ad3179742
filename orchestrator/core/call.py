"""A question to the outside and its answer, as values.

A `Call` is built by `prompts`, put by `runtime.ask`, answered by a backend with an `Answer`, of which
only the `Reply` is ever read by the program: tokens, seconds and server ids are accounting and stay in
columns. What counts as the same question is `Call.fingerprint`.
"""

from functools import cached_property
from typing import Any, Literal

from pydantic import ConfigDict, Field

from orchestrator.core.value import Value, canonical, digest

CallKind = Literal["decide", "speak", "repair", "referee", "judge", "vote", "talk", "forecast", "narrate"]
Outcome = Literal["ok", "length", "refused", "filtered", "empty"]


class _Asked(Value):
    """Of these a run on policy needs none: they are built when they are met."""

    model_config = ConfigDict(defer_build=True)


class Message(_Asked):
    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(_Asked):
    """How an answer is drawn."""

    max_tokens: int
    """Most tokens the answer may have."""
    temperature: float = 0.7
    top_logprobs: int = 0
    """How many alternatives a token to report with log-probabilities; 0: none wanted."""
    copying: float = 0.0
    """How strongly going on with words of the prompt is discouraged; 0: not at all."""


class Shape(_Asked):
    """What form the answer must take; at most one of the three is set, none means free text."""

    json_schema: dict[str, Any] | None = None
    """The answer is a JSON object of this schema (enums, small integers, strings with maxLength)."""
    choices: tuple[str, ...] = ()
    """The answer is exactly one of these texts; each begins with another word."""
    line: int | None = None
    """The answer is one sentence on one line, of at most so many characters (begun text not counted)."""


class Call(_Asked):
    key: str
    """`r<round>/<seat>/<kind>/<n>`: where in the run the question stands. Not part of the fingerprint."""
    messages: tuple[Message, ...]
    shape: Shape = Shape()
    begun: str = ""
    """The first words of the answer, given to the model to go on from. The reply does not repeat them:
    backends that cannot begin an answer ignore this (the prompt says it too) and the parser strips it."""
    sampling: Sampling
    seed: int
    """Derived from the run's seed and the key, 0 to 2**31-1."""
    backend_kind: str
    """`llama`, `openai`, `script`, ..."""
    model: str
    """The model's id; for a model file its sha256."""

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all that can change the answer: messages, shape, begun text, sampling, seed, kind, model."""
        return digest(canonical(self.model_dump(mode="json", exclude={"key"})))

    @property
    def place(self) -> tuple[int, str, str, int]:
        """The key's parts: round, seat, kind, number."""
        where, seat, kind, number = self.key.split("/")
        return int(where[1:]), seat, kind, int(number)


class TokenChoice(_Asked):
    """One generated token and what else could have stood there."""

    token: str
    logprob: float
    """Natural logarithm of its probability."""
    top: tuple[tuple[str, float], ...] = ()
    """(token, log-probability) of the likeliest alternatives, before any grammar, likeliest first."""


class Reply(_Asked):
    """The part of an answer that the program reads, and so the part that is hashed and replayed."""

    text: str
    """Without the begun words; may be empty where the outcome says so."""
    outcome: Outcome = "ok"
    """`length`: cut off at max_tokens or the context; `refused`: a refusal field; `filtered`: by the server."""
    tokens: tuple[TokenChoice, ...] = ()
    """Per token, where log-probabilities were asked for and given."""
    dropped: tuple[str, ...] = ()
    """Settings of the call that the backend did not honour: `schema`, `choices`, `logprobs`, `seed`, `begun`,
    `copying`."""


class Usage(_Asked):
    """Tokens as the server counted them."""

    prompt: int = 0
    cached: int = 0
    """Of the prompt tokens, those found in the server's prefix cache."""
    completion: int = 0


class Answer(_Asked):
    """What a backend gives back: the reply, and the accounting that no hash may depend on."""

    reply: Reply
    usage: Usage = Usage()
    seconds: float = 0.0
    """From the first byte sent to the last byte read of the try that succeeded."""
    tries: int = 1
    served_by: str = ""
    """The model name that the server said it used."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """Anything else worth keeping: response id, system fingerprint. Never a key or a header."""
