"""Calls for tests of backends."""

from typing import Any

from orchestrator.core.call import Call, Message, Sampling, Shape


def a_call(
    key: str = "r1/alpha_ceo/decide/1",
    *,
    asked: str = "What now?",
    schema: dict[str, Any] | None = None,
    choices: tuple[str, ...] = (),
    begun: str = "",
    top_logprobs: int = 0,
    max_tokens: int = 50,
    copying: float = 0.0,
) -> Call:
    """A call with one system and one user message."""
    return Call(
        key=key,
        messages=(Message(role="system", content="You sit at a table."), Message(role="user", content=asked)),
        shape=Shape(json_schema=schema, choices=choices),
        begun=begun,
        sampling=Sampling(max_tokens=max_tokens, temperature=0.7, top_logprobs=top_logprobs, copying=copying),
        seed=7,
        backend_kind="openai",
        model="m",
    )
