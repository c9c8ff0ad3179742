"""From a configured backend to the object that answers.

Each kind's module is imported when the first backend of that kind is made, so that a run on policy alone
loads neither the model library nor the HTTP client. Making one opens nothing: `Backend.start` does.
"""

from pathlib import Path
from typing import assert_never

from orchestrator.backends.protocol import Backend
from orchestrator.config import BackendConfig, LlamaConfig, OpenAIConfig, ScriptConfig


def make_backend(name: str, config: BackendConfig, *, base: Path) -> Backend:
    """One backend by its configuration; relative paths in it count from `base`, a folder.

    Raises UnknownModel (no such name), BadModelFile (the file is not there).
    """
    match config:
        case LlamaConfig():
            from orchestrator.backends.llama import LlamaBackend
            from orchestrator.backends.models import find_model

            path = find_model(config.model, base)
            return LlamaBackend(path, name=name, threads=config.threads, context=config.context)
        case OpenAIConfig():
            from orchestrator.backends.openai import OpenAIBackend

            return OpenAIBackend(
                name=name,
                base_url=config.base_url,
                model=config.model,
                api_key_env=config.api_key_env,
                concurrency=config.concurrency,
                timeout_s=config.timeout_s,
            )
        case ScriptConfig():
            from orchestrator.backends.script import ScriptBackend

            return ScriptBackend(name=name, path=base / config.path)
        case _:
            assert_never(config)


class Backends:
    """The backends of one process: one instance a name, however many seats and runs share it."""

    def __init__(self, configured: dict[str, BackendConfig], *, base: Path) -> None:
        self._configured = configured
        self._base = base
        self._made: dict[str, Backend] = {}

    def get(self, name: str) -> Backend:
        """The backend of that name, made at its first use. Raises KeyError where none is configured."""
        if name not in self._made:
            self._made[name] = make_backend(name, self._configured[name], base=self._base)
        return self._made[name]

    @property
    def made(self) -> tuple[Backend, ...]:
        """Those that were used so far: what there is to close."""
        return tuple(self._made.values())
