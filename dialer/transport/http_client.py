"""One HTTP client per session, a check right before a request is written, and our errors for its failures.

Whether a call may have been placed depends on whether any byte of the request was sent. httpx's exception does not
say: its aiohttp transport reports every broken connection as a connect timeout, even one cut after the server had read
the request. So aiohttp's own exception decides, and only its failures to connect count as nothing sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from dialer.errors import NotPlaced, ProviderError, TooLate, Unconfirmed, Unreachable
from dialer.http import HttpReply, HttpRequest
from dialer.transport.patience import patient_timeout
from dialer.verdicts import Ruling, Verdict

# A server may close an idle connection just as we use it, which leaves the request unconfirmed: we close it sooner.
IDLE_SECONDS = 4.0
USER_AGENT = "campaign-dialer"
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
TIMED_OUT = (aiohttp.ServerTimeoutError, httpx.TimeoutException, TimeoutError)
BROKEN = (aiohttp.ClientError, httpx.HTTPError, OSError, asyncio.CancelledError)

BeforeSend = Callable[[], None]
_before_send: ContextVar[BeforeSend | None] = ContextVar("before_send", default=None)


class _Request(aiohttp.ClientRequest):
    """aiohttp's request, which calls the `before_send` of its exchange once it has a connection."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if check := _before_send.get():
            check()
        return await super().send(conn)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities that every client trusts: they take some 15 ms to read, so once for all."""
    return httpx.create_ssl_context(trust_env=False)


@lru_cache(maxsize=256)
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)


def _as_httpx(request: HttpRequest) -> httpx.Request:
    """The request as a stream that has been read: httpx adds no headers to it, aiohttp adds its own."""
    headers = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": USER_AGENT}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    stream = httpx.ByteStream(request.body)
    streamed = httpx.Request(request.method, _address(request.url), headers=raw, stream=stream)
    streamed.read()
    return streamed


async def _body_of(reply: httpx.Response) -> bytes:
    """The whole body. httpx's own way to it is needed where it is compressed, and takes three times as long."""
    if "content-encoding" in reply.headers or not isinstance(reply.stream, httpx.AsyncByteStream):
        return await reply.aread()
    return b"".join([chunk async for chunk in reply.stream])


def _headers_of(reply: httpx.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    encoding = reply.headers.encoding
    for raw_name, raw_value in reply.headers.raw:
        name, value = raw_name.decode(encoding).lower(), raw_value.decode(encoding)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class NoFreeConnection(Exception):
    """All connections that we allow ourselves are in use: nothing was sent, and the provider has no part in it."""


class HttpClient:
    """An HTTP client for one event loop, with so many connections at most."""

    def __init__(self, connections: int) -> None:
        context = _trusted()

        def connect() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=connections, ssl=context, keepalive_timeout=IDLE_SECONDS)
            return aiohttp.ClientSession(
                connector=connector, request_class=_Request, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )

        # Without httpx's client around it, which follows redirects and keeps cookies: neither is wanted, and it takes
        # a third of the time that a request takes.
        self._transport = AiohttpTransport(verify=context, trust_env=False, client=connect)
        self._places = asyncio.Semaphore(connections)
        self.is_closed = False

    async def aclose(self) -> None:
        """Close its connections; it sends nothing any more."""
        self.is_closed = True
        await self._transport.aclose()

    async def exchange(
        self,
        request: HttpRequest,
        *,
        timeout: float,
        connect_timeout: float,
        place_timeout: float | None = None,
        before_send: BeforeSend | None = None,
    ) -> HttpReply:
        """Send a request and read its whole reply. The timeouts are in seconds, for one thing after the other: a free
        connection of ours (None: as long as for connecting), connecting, and the reply from when the request leaves.

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
            async with patient_timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise NoFreeConnection from None

    async def _exchange(
        self, request: HttpRequest, timeout: float, connect_timeout: float, before_send: BeforeSend
    ) -> HttpReply:
        left = False

        def leave() -> None:
            nonlocal left
            before_send()
            left = True
            renew(timeout)

        token = _before_send.set(leave)
        try:
            async with patient_timeout(connect_timeout) as renew:
                reply = await self._transport.handle_async_request(_as_httpx(request))
                try:
                    body = await _body_of(reply)
                finally:
                    await reply.aclose()
        except TimeoutError:
            if left:
                raise
            raise aiohttp.ConnectionTimeoutError("no connection in time") from None
        finally:
            _before_send.reset(token)
        return HttpReply(status=reply.status_code, headers=_headers_of(reply), body=body)


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
    cause = exc.__cause__ if isinstance(exc, httpx.HTTPError) and exc.__cause__ else exc
    kind, host = type(cause).__name__, _host(request)
    if isinstance(cause, NoFreeConnection):
        return _no_free_connection(provider, request, host)
    if isinstance(cause, NEVER_SENT):
        return _not_placed(Unreachable, provider, "unreachable", f"no connection to {host}: {_never_connected(cause)}")
    mnemonic, failure = _failure(cause)
    plain = isinstance(cause, BROKEN) and request.url.startswith("http:")
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
    said = getattr(system, "strerror", None) or type(cause).__name__
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return f"its name was not found (DNS: {said})"
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        faulty = getattr(cause, "certificate_error", None)
        return f"TLS: its certificate is not valid: {getattr(faulty, 'verify_message', None) or said}"
    if isinstance(cause, aiohttp.ClientSSLError):
        reason = str(getattr(system, "reason", None) or said)
        return f"TLS: {reason.lower().replace('_', ' ')}; perhaps no TLS is spoken there"
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return "none in time"
    return "refused" if isinstance(system, ConnectionRefusedError) else said


def _failure(cause: BaseException) -> tuple[str, str]:
    """Our mnemonic for a failure, and the words that follow the host in the error's detail."""
    if isinstance(cause, TIMED_OUT):
        return "timed_out", "did not answer in time"
    if isinstance(cause, BROKEN):
        return "connection_lost", "broke off before it had answered"
    return "unexpected", "gave an answer that could not be read"


def _host(request: HttpRequest) -> str:
    """Host and port of a request; never its path, which may hold a secret."""
    address = urlsplit(request.url)
    try:
        port = address.port or {"https": 443, "http": 80}.get(address.scheme)
    except ValueError:
        port = None
    return f"{address.hostname}:{port}" if port else str(address.hostname)
