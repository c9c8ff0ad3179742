"""The backends that run without a real model, each able to be given the answers of a test."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.backends.openai import OpenAIBackend
from orchestrator.backends.protocol import Backend
from orchestrator.backends.script import ScriptBackend
from orchestrator.core.call import Outcome, TokenChoice
from tests.support import fault_server as fs

SECRET = "sk-test-0123456789"
SECRET_ENV = "CONTRACT_TEST_KEY"


@dataclass(frozen=True)
class Planned:
    """What a backend is to answer to one key. Tests put the key into the prompt as well, because a
    server never sees keys."""

    text: str = ""
    outcome: Outcome = "ok"
    tokens: tuple[TokenChoice, ...] = ()


Plan = Mapping[str, Planned]
Serving = Callable[[Path, Plan], AbstractAsyncContextManager[Backend]]


@asynccontextmanager
async def openai_on_loopback(folder: Path, plan: Plan) -> AsyncGenerator[Backend, None]:
    """Not started; `SECRET` must be in the environment. A key that is not planned is a 404."""
    async with fs.FaultServer(_planned(plan)) as server:
        yield OpenAIBackend(
            name="lab",
            base_url=server.base_url,
            model="m",
            api_key_env=SECRET_ENV,
            timeout_s=5,
            refused_for_s=1,
        )


@asynccontextmanager
async def script_from_file(folder: Path, plan: Plan) -> AsyncGenerator[Backend, None]:
    path = folder / "contract.jsonl"
    path.write_text("".join(_line(key, planned) for key, planned in plan.items()), encoding="utf-8")
    yield ScriptBackend(name="canned", path=path)


CASES: dict[str, Serving] = {"openai": openai_on_loopback, "script": script_from_file}


def _line(key: str, planned: Planned) -> str:
    tokens = [token.model_dump(mode="json") for token in planned.tokens]
    line = {"key": key, "text": planned.text, "outcome": planned.outcome, "tokens": tokens}
    return json.dumps(line, ensure_ascii=False) + "\n"


def _planned(plan: Plan) -> fs.Behaviour:
    async def run(exchange: fs.Exchange) -> None:
        planned = plan.get(exchange.asked)
        await (fs.status(404, "not planned") if planned is None else _served(planned))(exchange)

    return run


def _served(planned: Planned) -> fs.Behaviour:
    entries = [
        {
            "token": t.token,
            "logprob": t.logprob,
            "top_logprobs": [{"token": a, "logprob": p} for a, p in t.top],
        }
        for t in planned.tokens
    ]
    choice = {"logprobs": {"content": entries}} if entries else {}
    message = {"refusal": planned.text or "no"} if planned.outcome == "refused" else {}
    finish = {"length": "length", "filtered": "content_filter"}.get(planned.outcome, "stop")
    return fs.answers(planned.text, finish, choice=choice, message=message)
