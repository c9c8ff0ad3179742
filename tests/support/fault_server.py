"""A loopback server of raw sockets that answers chat completions well, or as badly as a test wants.

`FaultServer(first, second, ...)` gives each request the next behaviour, and the last one to all that
follow. A behaviour is an async function of an `Exchange`; the ones here are made by functions named
after what the client sees (`answers`, `status`, `reset`, `drip`...).
"""

import asyncio
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast


@dataclass
class Exchange:
    """One request and the connection to answer it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    at: float = field(default_factory=time.monotonic)
    """When the request was whole, in monotonic seconds."""

    async def send(self, status: int, payload: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole HTTP response; `content-length` may be overridden to lie."""
        lines = {"content-type": "application/json", "content-length": str(len(payload)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + payload)
        await self.writer.drain()

    @property
    def asked(self) -> str:
        """The last message of the prompt."""
        return str(self.body["messages"][-1]["content"])


Behaviour = Callable[[Exchange], Awaitable[None]]


def completion(text: str | None = "yes", finish: str = "stop", **extra: Any) -> dict[str, Any]:
    """A chat completion; `message=`, `choice=` and other keywords are merged into their level."""
    message: dict[str, Any] = {"role": "assistant", "content": text, **extra.pop("message", {})}
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": finish,
        "message": message,
        **extra.pop("choice", {}),
    }
    usage = {"prompt_tokens": 30, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 20}}
    body = {"id": "c-1", "object": "chat.completion", "model": "served", "system_fingerprint": "fp"}
    return {**body, "choices": [choice], "usage": usage, **extra}


def answers(text: str | None = "yes", finish: str = "stop", **extra: Any) -> Behaviour:
    return says(json.dumps(completion(text, finish, **extra)).encode())


def says(payload: bytes, code: int = 200, **headers: str) -> Behaviour:
    """These bytes as a whole body; header names with `_` for `-`."""

    async def run(exchange: Exchange) -> None:
        await exchange.send(code, payload, {name.replace("_", "-"): value for name, value in headers.items()})

    return run


def status(code: int, message: str = "", /, *, headers: dict[str, str] | None = None, **error: Any) -> Behaviour:
    """An error in the usual form."""

    async def run(exchange: Exchange) -> None:
        body = {"error": {"message": message, **error}}
        await exchange.send(code, json.dumps(body).encode(), headers)

    return run


def echoing(text_of: Callable[[Exchange], str]) -> Behaviour:
    async def run(exchange: Exchange) -> None:
        await exchange.send(200, json.dumps(completion(text_of(exchange))).encode())

    return run


async def reset(exchange: Exchange) -> None:
    """RST instead of an answer."""
    sock = cast("socket.socket", exchange.writer.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


async def hang_up(exchange: Exchange) -> None:
    """FIN instead of an answer."""
    exchange.writer.close()


async def cut(exchange: Exchange) -> None:
    """A body shorter than its content-length."""
    payload = json.dumps(completion("yes")).encode()
    await exchange.send(200, payload[:40], {"content-length": str(len(payload))})
    exchange.writer.close()


async def cut_chunks(exchange: Exchange) -> None:
    """Chunked, and gone before the last chunk."""
    exchange.writer.write(b'HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"id"\r\n')
    await exchange.writer.drain()
    exchange.writer.close()


async def no_http(exchange: Exchange) -> None:
    exchange.writer.write(b"220 mail.example ESMTP\r\n")
    await exchange.writer.drain()
    exchange.writer.close()


async def silent(exchange: Exchange) -> None:
    """Not one byte."""
    await asyncio.sleep(60)


async def headers_only(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n")
    await exchange.writer.drain()
    await asyncio.sleep(60)


async def drip(exchange: Exchange) -> None:
    """A byte now and then: no limit per read ever ends this."""
    exchange.writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n")
    while True:
        exchange.writer.write(b" ")
        await exchange.writer.drain()
        await asyncio.sleep(0.02)


def late(seconds: float, then: Behaviour) -> Behaviour:
    async def run(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await then(exchange)

    return run


def bomb(megabytes: int) -> Behaviour:
    """A gzip body that unpacks to so many megabytes of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * (1 << 20)
    payload = b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()
    return says(payload, content_encoding="gzip")


def packed(text: str) -> Behaviour:
    return says(gzip.compress(json.dumps(completion(text)).encode()), content_encoding="gzip")


class FaultServer:
    """Serves on a free loopback port inside `async with`."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0
        self._server: asyncio.Server | None = None
        self.exchanges: list[Exchange] = []
        """Every request so far."""
        self.now = 0
        self.peak = 0
        """Most requests that were in work at once."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def at(self, base_url: str) -> "FaultServer":
        """The same server, to be opened at that address."""
        self._port = int(base_url.split(":")[2].split("/")[0])
        return self

    async def __aenter__(self) -> "FaultServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                exchange = await self._read(reader, writer)
                number = len(self.exchanges)
                self.exchanges.append(exchange)
                behaviour = self._behaviours[min(number, len(self._behaviours) - 1)]
                self.now += 1
                self.peak = max(self.peak, self.now)
                try:
                    await behaviour(exchange)
                finally:
                    self.now -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # The client went away or the test is over: both are how a connection ends here. (A task of
            # asyncio.start_server that ends cancelled is reported as an error by Python 3.11.)
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        method, path, _ = first.split(" ", 2)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Exchange(method, path, headers, json.loads(body) if body else {}, writer)
