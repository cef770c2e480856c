"""The wire: one HTTP client per session, a last look before the bytes leave, and what its failures mean.

Whether a call may have been placed hangs on one question: had any byte of the request left? httpx's exception does not
say. Its aiohttp transport reports every broken connection as a connect timeout, also one cut after the request was
read. So what aiohttp raised decides, and only its own failures to connect count as nothing sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from dialer.errors import NotPlaced, ProviderError, Unconfirmed, Unreachable
from dialer.http import HttpReply, HttpRequest
from dialer.verdicts import Ruling, Verdict

# An idle connection that the server may be about to close turns a request into an unconfirmed one: let go of it first.
IDLE_SECONDS = 4.0
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
TIMED_OUT = (aiohttp.ServerTimeoutError, httpx.TimeoutException, TimeoutError)
BROKEN = (aiohttp.ClientError, httpx.HTTPError, OSError, asyncio.CancelledError)

BeforeSend = Callable[[], None]
_last_look: ContextVar[BeforeSend | None] = ContextVar("before_send", default=None)


class _Request(aiohttp.ClientRequest):
    """aiohttp's request, which looks at the deadline once more when it has its connection."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if look := _last_look.get():
            look()
        return await super().send(conn)


def new_client(connections: int) -> httpx.AsyncClient:
    """A client for one event loop. Building it takes some 15 ms, so keep it."""
    context = httpx.create_ssl_context(trust_env=False)

    def connect() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=connections, ssl=context, keepalive_timeout=IDLE_SECONDS)
        return aiohttp.ClientSession(
            connector=connector, request_class=_Request, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )

    transport = AiohttpTransport(verify=context, trust_env=False, client=connect)
    return httpx.AsyncClient(transport=transport, trust_env=False, headers={"user-agent": "campaign-dialer"})


async def exchange(
    client: httpx.AsyncClient,
    request: HttpRequest,
    *,
    timeout: float,
    connect_timeout: float,
    before_send: BeforeSend | None = None,
) -> HttpReply:
    """Send a request and read its reply, within both timeouts together.

    `before_send` is called once the connection is open and before any byte is written; raising stops the request.
    """
    limits = httpx.Timeout(timeout, connect=connect_timeout, pool=connect_timeout)  # aiohttp's pool covers connecting
    token = _last_look.set(before_send)
    try:
        async with asyncio.timeout(timeout + connect_timeout):
            reply = await client.request(
                request.method, request.url, headers=dict(request.headers), content=request.body, timeout=limits
            )
    finally:
        _last_look.reset(token)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return HttpReply(status=reply.status_code, headers=headers, body=reply.content)


@contextmanager
def translate_errors(provider: str, request: HttpRequest) -> Iterator[None]:
    """Turn whatever goes wrong into an error that says what may be done next.

    For a request that places a call, whatever is not known to be safe is Unconfirmed. Only a cancellation of our own
    task goes through as it is. Nothing of the request or reply gets into the error.
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
    """The error of ours for one of httpx's, aiohttp's or anybody's.

    An unconfirmed one has no mnemonic: that would be the provider's word that it failed.
    """
    cause = exc.__cause__ if isinstance(exc, httpx.HTTPError) and exc.__cause__ else exc
    kind, host = type(cause).__name__, _host(request)
    if isinstance(cause, NEVER_SENT):
        return _not_placed(Unreachable, provider, "unreachable", f"no connection to {host} ({kind})")
    mnemonic, said = _words_for(cause)
    detail = f"{host} {said} ({kind})"
    if request.places:
        return Unconfirmed(provider, detail, Ruling(verdict=Verdict.UNCONFIRMED, detail=detail))
    return _not_placed(NotPlaced, provider, mnemonic, detail)


def _not_placed(kind: type[NotPlaced], provider: str, mnemonic: str, detail: str) -> ProviderError:
    return kind(provider, detail, Ruling(verdict=Verdict.NOT_PLACED, mnemonic=mnemonic, detail=detail))


def _words_for(cause: BaseException) -> tuple[str, str]:
    if isinstance(cause, TIMED_OUT):
        return "timed_out", "did not answer in time"
    if isinstance(cause, BROKEN):
        return "connection_lost", "broke off before it had answered"
    return "unexpected", "gave an answer that could not be read"


def _host(request: HttpRequest) -> str:
    address = urlsplit(request.url)
    try:
        port = address.port or {"https": 443, "http": 80}.get(address.scheme)
    except ValueError:
        port = None
    return f"{address.hostname}:{port}" if port else str(address.hostname)
