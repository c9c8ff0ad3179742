"""The only module that speaks HTTP: one POST, its answer as bytes, its failures as `Fault`s.

httpx.AsyncClient over httpx-aiohttp's transport: httpx's own pool walks all connections at each request
(11 ms CPU a call at 512 in flight, against 1). Another client is one class here. Not here: what a status
or a body means (`faults`, `chat`), and when to try again.

Guards: no redirect is followed; nothing is read from the environment (`trust_env` False: no proxy, no
.netrc that would replace the key; only SSL_CERT_FILE and SSL_CERT_DIR count, for https); no cookie is
kept; a body is decoded only up to a cap, so a gzip bomb never exists in memory. There is no time limit
here beside the one for connecting: the caller sets one deadline around the call, because limits per
read never end a server that drips.
"""

import socket
import zlib
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator.backends.faults import Fault

BODY_CAP = 2 * 1024 * 1024
"""Most bytes of a decoded body that are kept."""

KEEPALIVE_S = 4.0
"""Idle connections are closed after this: many servers close theirs after 5 s, and a request that meets
a closing connection is lost."""


CONNECT_S = 4.0
"""Longest wait for a connection: an address that swallows packets is found out in a few tries."""


class Raw(NamedTuple):
    """An HTTP answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Decoded; at most the cap."""
    whole: bool
    """False where the body was larger than the cap and the rest was not read."""
    packed: bool
    """The body came compressed."""


class Wire:
    """One address, one client, as many connections as calls in flight. Must be made inside a running loop."""

    def __init__(self, url: httpx.URL, headers: Mapping[str, str], *, body_cap: int = BODY_CAP) -> None:
        self._url = url
        self._cap = body_cap
        # A certificate store costs 100 ms to load; plain http needs none.
        tls = httpx.create_ssl_context(verify=url.scheme == "https")
        connector = aiohttp.TCPConnector(
            limit=0,  # None would silently mean 100; our semaphore is the limit
            limit_per_host=0,
            keepalive_timeout=KEEPALIVE_S,
            ssl=tls,
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=tls, trust_env=False, client=session),
            headers={**headers, "accept": "application/json", "accept-encoding": "gzip"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, body: bytes) -> Raw:
        """Sends a JSON body. Raises Fault `refused` (nothing reached), `rejected` (TLS) or `broken`."""
        headers = {"content-type": "application/json"}
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                kept, whole, packed = await self._body(response)
                return Raw(response.status_code, response.headers, kept, whole, packed)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            raise _fault(error) from None  # the library's sentence may quote the request

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _body(self, response: httpx.Response) -> tuple[bytes, bool, bool]:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        packed = coding in ("gzip", "x-gzip", "deflate")
        if not packed and coding not in ("identity", ""):
            raise Fault("broken", "a content encoding that was not asked for", status=response.status_code)
        kept = bytearray()
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        async for chunk in response.aiter_raw():
            room = self._cap - len(kept)
            if unpack is None:
                kept += chunk[: room + 1]
            else:
                try:
                    kept += unpack.decompress(chunk, room + 1)
                except zlib.error:
                    raise Fault("broken", "a damaged gzip body", status=response.status_code) from None
            if len(kept) > self._cap:
                return bytes(kept[: self._cap]), False, packed
        if unpack is not None and not unpack.eof:
            raise Fault("broken", "a gzip body that was cut off", status=response.status_code)
        return bytes(kept), True, packed


def _fault(error: Exception) -> Fault:
    """The class of a transport failure. httpx-aiohttp maps several of aiohttp's errors to the same
    httpx class (a refused connection and a reset both become ConnectTimeout), so its cause is asked first."""
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) and error.__cause__ else error
    if isinstance(cause, aiohttp.ClientSSLError):
        return Fault("rejected", "no secure connection: its certificate or TLS is not accepted")
    if isinstance(cause, aiohttp.ClientConnectorError):
        inner = cause.os_error
        if isinstance(inner, socket.gaierror):
            return Fault("refused", "its name does not resolve")
        refused = isinstance(inner, ConnectionRefusedError)
        return Fault("refused", "connection refused" if refused else f"cannot be reached ({inner.strerror})")
    if isinstance(cause, (aiohttp.ConnectionTimeoutError, httpx.ConnectError, httpx.ConnectTimeout)):
        return Fault("refused", "no connection came about in time")
    if isinstance(cause, (aiohttp.ClientPayloadError, httpx.RemoteProtocolError)):
        return Fault("broken", "the answer was cut off")
    if isinstance(cause, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, OSError)):
        return Fault("broken", "the connection was closed before the answer was whole")
    return Fault("broken", f"no readable HTTP answer ({type(cause).__name__})")
