"""The embedded backend without its model: files that are refused, the queue, cancelling, closing.

A stand-in takes the place of llama.cpp's server where a call is answered; `test_llama_real` has the real one.
"""

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.llama import LlamaBackend, cores
from orchestrator.backends.models import hash_bytes
from orchestrator.core.call import Call
from orchestrator.errors import BackendFailed, BadModelFile
from tests.backends.gguf_kit import gguf, written
from tests.support.calls import a_call


class Server:
    """Answers "yes" at once, or drips until it is stopped where the question says "slow"."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stopped = threading.Event()

    def handle_chat_completions(self, body: dict[str, Any], received: Callable[[Any], bool]) -> Any:
        question = body["messages"][1]["content"]
        self.asked.append(question)
        if question == "fault":
            return {"error": {"message": "no", "type": "x"}}
        while question == "slow":
            if received({"choices": []}):
                self.stopped.set()
                return None
            time.sleep(0.01)
        received({"choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}]})
        return None


class Ready(LlamaBackend):
    """A backend whose model is loaded: the stand-in."""

    def __init__(self) -> None:
        super().__init__(Path("none.gguf"))
        self.server = Server()

    def _load(self) -> None:
        self._server = self.server


def asked(question: str) -> Call:
    return a_call(asked=question)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setenv("ORCHESTRATE_MODELS", str(tmp_path / "models"))


def test_what_it_can() -> None:
    backend = LlamaBackend(Path("none.gguf"))
    assert backend.kind == "llama"
    assert backend.abilities.logprobs
    assert backend.abilities.begun
    assert backend.abilities.concurrency == 1
    assert cores() >= 1


def test_the_model_is_the_hash_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, gguf())
    assert LlamaBackend(path).model == hash_bytes(path)


@pytest.mark.parametrize("content", [b"", b"nothing like it", gguf()[:-40]], ids=["empty", "foreign", "cut"])
def test_a_bad_file_is_refused_at_start(content: bytes, tmp_path: Path) -> None:
    async def start() -> None:
        backend = LlamaBackend(written(tmp_path, content))
        try:
            await backend.start()
        finally:
            await backend.aclose()

    with pytest.raises(BadModelFile):
        asyncio.run(start())


def test_a_whole_file_that_is_no_language_model_is_refused_in_silence(tmp_path: Path) -> None:
    path = written(tmp_path, gguf())
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from orchestrator.backends.llama import LlamaBackend
        from orchestrator.errors import BadModelFile

        async def main():
            backend = LlamaBackend(Path({str(path)!r}))
            try:
                await backend.start()
            except BadModelFile as error:
                print(error.message)
            await backend.aclose()

        asyncio.run(main())
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert ended.stdout.startswith(f"llama.cpp cannot load {path}; expected")
    assert ended.stdout.count("\n") == 1


def test_calls_are_answered_in_the_order_in_which_they_came() -> None:
    async def play(backend: Ready) -> list[str]:
        answers = await asyncio.gather(*(backend.answer(asked(str(number))) for number in range(20)))
        await backend.aclose()
        await backend.aclose()
        return [answer.reply.text for answer in answers]

    backend = Ready()
    assert asyncio.run(play(backend)) == ["yes"] * 20
    assert backend.server.asked == [str(number) for number in range(20)]


def test_cancelling_ends_the_call_and_leaves_the_backend_usable() -> None:
    async def play(backend: Ready) -> float:
        slow = asyncio.create_task(backend.answer(asked("slow")))
        waiting = asyncio.create_task(backend.answer(asked("waiting")))
        while not backend.server.asked:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        waiting.cancel()
        slow.cancel()
        for task in (slow, waiting):
            with pytest.raises(asyncio.CancelledError):
                await task
        took = time.monotonic() - began
        assert (await backend.answer(asked("next"))).reply.text == "yes"
        await backend.aclose()
        return took

    backend = Ready()
    assert asyncio.run(play(backend)) < 0.2
    assert backend.server.stopped.is_set()
    assert backend.server.asked == ["slow", "next"]


def test_a_loop_that_ends_stops_the_model() -> None:
    async def leave(backend: Ready) -> None:
        task = asyncio.create_task(backend.answer(asked("slow")))
        while not backend.server.asked:
            await asyncio.sleep(0.01)
        assert not task.done()

    backend = Ready()
    asyncio.run(leave(backend))
    assert backend.server.stopped.wait(5)
    asyncio.run(backend.aclose())


def test_closing_ends_the_call_that_runs() -> None:
    async def play(backend: Ready) -> None:
        slow = asyncio.create_task(backend.answer(asked("slow")))
        while not backend.server.asked:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(backend.aclose(), 5)
        with pytest.raises(asyncio.CancelledError):
            await slow

    asyncio.run(play(Ready()))


def test_an_error_that_is_returned_is_raised() -> None:
    async def play(backend: Ready) -> None:
        try:
            await backend.answer(asked("fault"))
        finally:
            await backend.aclose()

    with pytest.raises(BackendFailed, match="refused r1/alpha_ceo/decide/1: no"):
        asyncio.run(play(Ready()))
