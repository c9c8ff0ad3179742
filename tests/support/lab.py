"""A model server for games through the command line: answers by schema, the same question always alike.

It runs in a thread of the test's process, so that a child process (or `main` itself) can ask it. Who was asked what
is known by the seed that every call carries: it is derived from the run's seed and the call's key.
"""

import asyncio
import hashlib
import json
import random
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from tests.support.fault_server import Exchange, FaultServer, completion

WORDS = (
    "compute",
    "prices",
    "courts",
    "talent",
    "power",
    "risk",
    "trust",
    "money",
    "speed",
    "care",
    "rivals",
    "clients",
)


def fitting(schema: dict[str, Any], dice: random.Random) -> Any:
    """A value of one of our schemas: objects, enums, texts, lists of enums."""
    if "enum" in schema:
        return dice.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {name: fitting(held, dice) for name, held in schema["properties"].items()}
        case "array":
            return [fitting(schema["items"], dice)]
        case "integer":
            return dice.randint(schema["minimum"], schema["maximum"])
        case _:
            return f"We look at {dice.choice(WORDS)} and {dice.choice(WORDS)} first."[: schema.get("maxLength", 200)]


def answer_to(body: dict[str, Any]) -> str:
    """The answer to a request: equal requests get equal ones."""
    dice = random.Random(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest())
    asked = body.get("response_format")
    if asked is None:
        return f"we look at {dice.choice(WORDS)}, {dice.choice(WORDS)} and {dice.choice(WORDS)}"
    return json.dumps(fitting(asked["json_schema"]["schema"], dice))


class Lab:
    """What was asked so far, and what to do when something is asked. `number` counts from 1 since `reset`."""

    def __init__(self) -> None:
        self.base_url = ""
        self.reset()

    def reset(self) -> None:
        """As at the start: nothing asked, answers at once, no hook."""
        self.seeds: list[int] = []
        """The seed of each request, in order of arrival."""
        self.answered: list[int] = []
        """The seed of each request whose answer was sent."""
        self.arrived: Callable[[int], None] = nothing
        """Called with the request's number before it is answered."""
        self.sent: Callable[[int], None] = nothing
        """Called with the request's number right after its answer was sent."""
        self.hold: threading.Event | None = None
        """No answer is sent before it is set."""
        self.delay_s = 0.0
        self.asked = threading.Event()
        """Set by every request."""

    async def __call__(self, exchange: Exchange) -> None:
        """Answers one request. A request from before `reset` leaves no trace after it."""
        seeds, answered, sent, hold = self.seeds, self.answered, self.sent, self.hold
        seeds.append(int(exchange.body["seed"]))
        number = len(seeds)
        self.asked.set()
        self.arrived(number)
        await asyncio.sleep(self.delay_s)
        while hold is not None and not hold.is_set():
            await asyncio.sleep(0.01)
        await exchange.send(200, json.dumps(completion(answer_to(exchange.body))).encode())
        answered.append(seeds[number - 1])
        sent(number)


def nothing(number: int) -> None:
    """What a hook does where nobody wants one."""


@contextmanager
def serving() -> Generator[Lab, None, None]:
    """A lab on a free loopback port, in a thread of its own, until the block ends."""
    lab = Lab()
    ready, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with FaultServer(lab) as server:
            lab.base_url = server.base_url
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="lab")
    thread.start()
    try:
        assert ready.wait(10)
        yield lab
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
