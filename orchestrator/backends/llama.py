"""The embedded model: llama.cpp in this process, through xllamacpp.

One model, one slot, one worker thread. One thread because two slots gain nothing on two cores, miss the
prefix cache and change the answers; calls wait in the thread's queue in the order in which they came. Every
answer is streamed with prompt progress, so that a cancelled task ends the work at the next batch or token.
Errors of the library come back as values and are turned into exceptions here; nothing of its log is let
out (`verbosity` 0, and grammars are built by `grammar`, which it can always read).
"""

import asyncio
import importlib
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from orchestrator.backends.llama_wire import read, request
from orchestrator.backends.models import check_model
from orchestrator.backends.protocol import Abilities
from orchestrator.core.call import Answer, Call, Reply
from orchestrator.errors import BadConfig, BadModelFile

BATCH = 16
"""Prompt tokens a step: the work can be stopped between two steps, and 256 a step took 5 % less."""


PREFIXES_MIB = 1024
"""Memory for prompts that the slot had to give up. Without it a judge with another opening and the seats push
each other out: 213 instead of 22 fresh tokens a call. The 1.5B model takes about 30 KB a token."""


class LlamaBackend:
    """A GGUF file that answers. `context` is in tokens; `threads` None means every core we may use."""

    kind = "llama"

    def __init__(self, path: Path, *, name: str = "local", threads: int | None = None, context: int = 8192) -> None:
        self.name = name
        self._path = path
        self._threads = threads or cores()
        self._context = context
        self._sha256 = ""
        self._server: Any = None
        self._worker: ThreadPoolExecutor | None = None
        self._answering: set[asyncio.Future[Answer]] = set()

    @property
    def model(self) -> str:
        """sha256 of the file; the first reading checks and hashes it. Raises BadModelFile."""
        if not self._sha256:
            self._sha256 = check_model(self._path)
        return self._sha256

    @property
    def abilities(self) -> Abilities:
        return Abilities(logprobs=True, schema_enforced=True, seed=True, begun=True, copying=True, paid=False)

    async def start(self) -> None:
        """Checks and loads the file (seconds). Raises BadModelFile, BadConfig."""
        await asyncio.get_running_loop().run_in_executor(self._thread(), self._load)

    async def answer(self, call: Call) -> Answer:
        """Answers one call after those that wait already. Raises BackendFailed.

        Cancelling returns at once; the model stops at its next token or batch of the prompt.
        """
        stop = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._thread(), self._generate, call, stop)
        self._answering.add(future)
        try:
            return await future
        finally:
            self._answering.discard(future)
            stop.set()

    async def aclose(self) -> None:
        """Ends the calls that run or wait, as if each were cancelled, and frees the model."""
        worker, self._worker = self._worker, None
        for task in self._answering:
            task.cancel()
        if worker is not None:
            await asyncio.get_running_loop().run_in_executor(worker, self._unload)
            worker.shutdown(wait=True)

    def _thread(self) -> ThreadPoolExecutor:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"llama-{self.name}")
        return self._worker

    def _load(self) -> None:
        if self._server is not None:
            return
        _ = self.model
        # Before the import: by default idle OpenMP threads spin, and any other program stalls them.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            library: Any = importlib.import_module("xllamacpp")
        except ImportError as error:
            raise BadConfig(
                f"the embedded backend {self.name} needs the package xllamacpp, which does not load here: {error}",
                hint="give the seats another backend, e.g. one of kind openai",
            ) from error
        try:
            self._server = library.Server(self._parameters(library))
        except RuntimeError as error:
            raise BadModelFile(
                f"llama.cpp cannot load {self._path}; expected a text model of a kind that it knows, and enough "
                f"memory for it with a context of {self._context:,} tokens",
                hint="orchestrate models list",
                where=str(self._path),
            ) from error

    def _parameters(self, library: Any) -> Any:
        parameters = library.CommonParams()
        parameters.model.path = str(self._path)
        parameters.model_alias = {self._path.stem}
        parameters.n_ctx = self._context
        parameters.n_parallel = 1
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._threads
        parameters.reasoning_format = library.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
        parameters.cache_ram_mib = PREFIXES_MIB
        parameters.verbosity = 0
        # The library also listens on a loopback port: with a key that nobody has it answers no one.
        parameters.api_keys = [secrets.token_hex(32)]
        parameters.endpoint_slots = parameters.ui = False
        return parameters

    def _unload(self) -> None:
        self._server = None

    def _generate(self, call: Call, stop: threading.Event) -> Answer:
        chunks: list[Any] = []

        def received(chunk: Any) -> bool:
            chunks.append(chunk)
            return stop.is_set()

        self._load()
        began = time.monotonic()
        returned: Any = self._server.handle_chat_completions(request(call), received)
        seconds = time.monotonic() - began
        if returned is not None:
            chunks.append(returned)
        if stop.is_set():
            # The task was cancelled: nobody reads this.
            return Answer(reply=Reply(text="", outcome="empty"))
        return read(call, chunks, seconds, self.name)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
