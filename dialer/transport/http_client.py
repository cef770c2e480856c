"""One HTTP client per session, a check right before a request is written, and our errors for its failures.

Whether a call may have been placed depends on whether any byte of the request was sent. aiohttp's exceptions say so:
only its failures to connect count as nothing sent.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from types import coroutine
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import httpx

from dialer.errors import NotPlaced, ProviderError, TooLate, Unconfirmed, Unreachable
from dialer.http import HttpReply, HttpRequest
from dialer.transport.patience import PatientTimeout
from dialer.verdicts import Ruling, Verdict

# A server may close an idle connection just as we use it, which leaves the request unconfirmed: we close it sooner.
IDLE_SECONDS = 4.0
LARGEST_REPLY = 16 << 20  # bytes, decoded; a list of ten thousand calls has less
USER_AGENT = "campaign-dialer"
ALWAYS_SENT = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": USER_AGENT}
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
TIMED_OUT = (aiohttp.ServerTimeoutError, TimeoutError)
BROKEN = (aiohttp.ClientError, OSError, asyncio.CancelledError)
UNTIMED = aiohttp.ClientTimeout()  # ours are patient

BeforeSend = Callable[[], None]
ConnectsTo = Callable[[str], None]
_before_send: ContextVar[BeforeSend | None] = ContextVar("before_send", default=None)


class _Request(aiohttp.ClientRequest):
    """The request of aiohttp; with a connection it calls the `before_send` of its exchange, and is written at once."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if check := _before_send.get():
            check()
        return await super().send(conn)

    if sys.version_info < (3, 12):

        def write_bytes(self, *arguments: Any) -> Coroutine[Any, Any, None]:
            """Begin to write at once, as later Pythons do: an iteration later the slot of a call may be over."""
            return _begun(super().write_bytes(*arguments))


def _begun(writing: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    """What is left of a coroutine whose first step has been done."""
    try:
        awaited = writing.send(None)
    except StopIteration:
        return _rest(None)
    return _rest(_steps(writing, awaited))


async def _rest(steps: Awaitable[None] | None) -> None:
    if steps is not None:
        await steps


@coroutine
def _steps(writing: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """The steps of a coroutine that waits for this."""
    while True:
        try:
            step = partial(writing.send, (yield awaited))
        except BaseException as exc:
            step = partial(writing.throw, exc)
        try:
            awaited = step()
        except StopIteration:
            return


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities that every client trusts: they take some 15 ms to read, so once for all."""
    return httpx.create_ssl_context(trust_env=False)


def _headers_of(reply: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in reply.raw_headers:
        name, value = raw_name.decode("utf-8", "replace").lower(), raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(reply: aiohttp.ClientResponse, most_bytes: int | None) -> bytes:
    """The whole body; or no more of it than that, and the rest is not waited for."""
    body = bytearray()
    async for part in reply.content.iter_any():
        body += part
        if most_bytes is not None and len(body) >= most_bytes:
            reply.close()
            break
        if len(body) > LARGEST_REPLY:
            raise ReplyTooLarge
    return bytes(body[:most_bytes])


class NoFreeConnection(Exception):
    """All connections that we allow ourselves are in use: nothing was sent, and the provider has no part in it."""


class ReplyTooLarge(Exception):
    """A reply that went on beyond `LARGEST_REPLY`; the rest was not read."""


class Carrier(Protocol):
    """What carries a session's requests: `HttpClient`, or what stands for it."""

    @property
    def is_closed(self) -> bool: ...

    async def aclose(self) -> None: ...

    async def exchange(
        self,
        request: HttpRequest,
        *,
        timeout: float,
        connect_timeout: float,
        place_timeout: float | None = None,
        before_send: BeforeSend | None = None,
    ) -> HttpReply: ...


class HttpClient:
    """An HTTP client for one event loop, with so many connections at most."""

    def __init__(
        self, connections: int, *, connects_to: ConnectsTo | None = None, most_bytes: int | None = None
    ) -> None:
        """`connects_to` is asked before each connection, by the address that the name led to; an OSError refuses it.

        With `most_bytes` no more of a reply's body is read, and it is read as it comes, whatever it is packed by.
        """
        self._connections = connections
        self._connects_to = connects_to
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None  # made on the loop that it belongs to
        self._places = asyncio.Semaphore(connections)
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether it sends nothing any more."""
        return self._is_closed

    async def aclose(self) -> None:
        """Close its connections; it sends nothing any more."""
        self._is_closed = True
        if self._session:
            await self._session.close()

    async def exchange(
        self,
        request: HttpRequest,
        *,
        timeout: float,
        connect_timeout: float,
        place_timeout: float | None = None,
        before_send: BeforeSend | None = None,
    ) -> HttpReply:
        """Send a request and read its whole reply; raises ReplyTooLarge, NoFreeConnection and what aiohttp raises.

        The timeouts are in seconds, for one thing after the other: a free connection of ours (None: as long as for
        connecting), connecting, and the reply from when the request leaves.

        `before_send` is called with a place to send from, and again once the connection is open and before any byte is
        written; raising stops the request.
        """
        before_send = before_send or (lambda: None)
        await self._take_place(connect_timeout if place_timeout is None else place_timeout)
        try:
            before_send()  # now it costs no connection
            return await self._exchange(request, timeout, connect_timeout, before_send)
        finally:
            self._places.release()

    async def _take_place(self, seconds: float) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        try:
            async with PatientTimeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise NoFreeConnection from None

    async def _exchange(
        self, request: HttpRequest, timeout: float, connect_timeout: float, before_send: BeforeSend
    ) -> HttpReply:
        limit, left = PatientTimeout(connect_timeout), False

        def leave() -> None:
            nonlocal left
            before_send()
            left = True
            limit.renew(timeout)

        token = _before_send.set(leave)
        try:
            async with limit:
                return await self._answer(request)
        except TimeoutError:
            if left:
                raise
            raise aiohttp.ConnectionTimeoutError("no connection in time") from None
        finally:
            _before_send.reset(token)

    async def _answer(self, request: HttpRequest) -> HttpReply:
        headers = ALWAYS_SENT | {name.lower(): value for name, value in request.headers.items()}
        sending = self._opened().request(
            request.method, request.url, headers=headers, data=request.body or None, allow_redirects=False
        )
        async with sending as reply:
            body = await _body(reply, self._most_bytes)
            return HttpReply(status=reply.status, headers=_headers_of(reply), body=body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections, ssl=_trusted(), keepalive_timeout=IDLE_SECONDS, socket_factory=self._socket
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                request_class=_Request,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=UNTIMED,
                auto_decompress=self._most_bytes is None,
            )
        return self._session

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _name, place = address
        if self._connects_to:
            self._connects_to(str(place[0]))
        return socket.socket(family=family, type=kind, proto=protocol)


@contextmanager
def translate_errors(provider: str, request: HttpRequest) -> Iterator[None]:
    """Raise a ProviderError instead of any exception in the block; only a cancellation of our own task passes through.

    If the request places a call, every failure after which the call may exist becomes Unconfirmed. The errors contain
    nothing of the request or reply but the host.
    """
    try:
        yield
    except ProviderError:
        raise
    except asyncio.CancelledError as exc:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise provider_error(provider, request, exc) from None
    except Exception as exc:
        raise provider_error(provider, request, exc) from None


def provider_error(provider: str, request: HttpRequest, exc: BaseException) -> ProviderError:
    """Our error for any exception of an exchange.

    Unconfirmed has no mnemonic, because a mnemonic would mean that the provider itself reported a failure.
    """
    kind, host = type(exc).__name__, _host(request)
    if isinstance(exc, NoFreeConnection):
        return _no_free_connection(provider, request, host)
    if isinstance(exc, NEVER_SENT):
        return _not_placed(Unreachable, provider, "unreachable", f"no connection to {host}: {_never_connected(exc)}")
    mnemonic, failure = _failure(exc)
    plain = isinstance(exc, BROKEN) and request.url.startswith("http:")
    detail = f"{host} {failure} ({kind})" + ("; it may want https" if plain else "")
    if request.places:
        return Unconfirmed(provider, detail, Ruling(verdict=Verdict.UNCONFIRMED, detail=detail))
    return _not_placed(NotPlaced, provider, mnemonic, detail)


def _no_free_connection(provider: str, request: HttpRequest, host: str) -> ProviderError:
    detail = f"all our connections to {host} stayed in use"
    if request.places:
        return TooLate(provider, detail, Ruling(verdict=Verdict.NOT_SENT, mnemonic="too_late", detail=detail))
    return _not_placed(NotPlaced, provider, "no_free_connection", detail)


def _not_placed(kind: type[NotPlaced], provider: str, mnemonic: str, detail: str) -> ProviderError:
    return kind(provider, detail, Ruling(verdict=Verdict.NOT_PLACED, mnemonic=mnemonic, detail=detail))


def _never_connected(cause: BaseException) -> str:
    """Why there is no connection: the name, the port, the time, or TLS with its reason."""
    system = getattr(cause, "os_error", None)
    description = getattr(system, "strerror", None) or type(cause).__name__
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return f"its name was not found (DNS: {description})"
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        faulty = getattr(cause, "certificate_error", None)
        return f"TLS: its certificate is not valid: {getattr(faulty, 'verify_message', None) or description}"
    if isinstance(cause, aiohttp.ClientSSLError):
        reason = str(getattr(system, "reason", None) or description)
        return f"TLS: {reason.lower().replace('_', ' ')}; perhaps no TLS is spoken there"
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return "none in time"
    return "refused" if isinstance(system, ConnectionRefusedError) else description


def _failure(cause: BaseException) -> tuple[str, str]:
    """Our mnemonic for a failure, and the words that follow the host in the error's detail."""
    if isinstance(cause, TIMED_OUT):
        return "timed_out", "did not answer in time"
    if isinstance(cause, BROKEN):
        return "connection_lost", "broke off before it had answered"
    if isinstance(cause, ReplyTooLarge):
        return "reply_too_large", f"gave an answer of more than {LARGEST_REPLY >> 20} MB, which was not read"
    return "unexpected", "gave an answer that could not be read"


def _host(request: HttpRequest) -> str:
    """Host and port of a request; never its path, which may hold a secret."""
    address = urlsplit(request.url)
    try:
        port = address.port or {"https": 443, "http": 80}.get(address.scheme)
    except ValueError:
        port = None
    return f"{address.hostname}:{port}" if port else str(address.hostname)
