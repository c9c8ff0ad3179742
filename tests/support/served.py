"""An openai backend on a fault server, and one call to it, in one line of a test."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

from orchestrator.backends.faults import Patience
from orchestrator.backends.openai import OpenAIBackend
from orchestrator.core.call import Answer, Call
from orchestrator.errors import OrchestratorError
from tests.support.calls import a_call
from tests.support.fault_server import Behaviour, FaultServer

QUICK = Patience(tries=3, broken_for_s=2, first_wait_s=0.01, longest_wait_s=0.05, busy_cap_s=0.3)


@asynccontextmanager
async def served(
    *behaviours: Behaviour,
    api_key_env: str | None = None,
    concurrency: int = 8,
    timeout_s: float = 5,
    patience: Patience = QUICK,
) -> AsyncGenerator[tuple[FaultServer, OpenAIBackend], None]:
    """A server with these behaviours and a started backend that asks it."""
    async with FaultServer(*behaviours) as server:
        backend = OpenAIBackend(
            name="lab",
            base_url=server.base_url,
            model="m",
            api_key_env=api_key_env,
            concurrency=concurrency,
            timeout_s=timeout_s,
            refused_for_s=0.3,
            patience=patience,
        )
        await backend.start()
        try:
            yield server, backend
        finally:
            await backend.aclose()


@dataclass
class Asked:
    """What came of one call."""

    server: FaultServer
    answer: Answer | None = None
    error: OrchestratorError | None = None
    gaps: list[float] = field(default_factory=list[float])
    """Seconds between requests."""

    @property
    def good(self) -> Answer:
        assert self.answer is not None, self.error
        return self.answer

    @property
    def failed(self) -> OrchestratorError:
        assert self.error is not None, self.answer
        return self.error


async def ask(
    *behaviours: Behaviour,
    call: Call | None = None,
    timeout_s: float = 5,
    api_key_env: str | None = None,
    **patience: float,
) -> Asked:
    """One call to a server with these behaviours; keywords change the patience."""
    eager = replace(QUICK, **patience)
    async with served(*behaviours, timeout_s=timeout_s, api_key_env=api_key_env, patience=eager) as (
        server,
        backend,
    ):
        asked = Asked(server)
        try:
            asked.answer = await backend.answer(call or a_call())
        except OrchestratorError as error:
            asked.error = error
        times = [exchange.at for exchange in server.exchanges]
        asked.gaps = [later - earlier for earlier, later in pairwise(times)]
        return asked
