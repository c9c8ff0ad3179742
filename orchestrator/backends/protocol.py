"""The one seam to the outside: a backend answers a call.

A backend knows nothing of runs, seats' meaning or the store. It classes faults: what a server did wrong
inside a good answer is an `Outcome`; what may pass is waited for or tried again inside `answer`, within
the call's deadline; what will not pass is raised as `BackendFailed` (exit 4) or `QuotaExhausted` (exit 3).
Cancelling the task of `answer` stops the work within a second and leaves the backend usable.
"""

from typing import Protocol

from orchestrator.core.call import Answer, Call
from orchestrator.core.value import Value


class Abilities(Value):
    """What a backend is known to honour, reported at the start of a run."""

    logprobs: bool = False
    schema_enforced: bool = False
    """Answers are held to the JSON schema or the choices while they are generated."""
    seed: bool = False
    begun: bool = False
    """An answer can be begun for the model."""
    copying: bool = False
    """Going on with words of the prompt can be discouraged."""
    concurrency: int = 1
    """How many calls it takes at once."""
    paid: bool = True
    """A call in flight may have been paid for, so a run that stops gives it a moment to answer."""


class Backend(Protocol):
    """A source of answers. Implementations: llama, openai, script."""

    @property
    def kind(self) -> str:
        """`llama`, `openai`, `script`: part of a call's fingerprint."""
        ...

    @property
    def model(self) -> str:
        """The model's id; for a model file its sha256: part of a call's fingerprint."""
        ...

    @property
    def abilities(self) -> Abilities: ...

    async def start(self) -> None:
        """Makes it ready to answer (loads the model, resolves the key). Raises BadModelFile, MissingKey."""
        ...

    async def answer(self, call: Call) -> Answer:
        """Answers one call. Raises BackendFailed, QuotaExhausted."""
        ...

    async def aclose(self) -> None:
        """Frees what `start` took; may be called twice."""
        ...
