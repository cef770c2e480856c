"""Signed POST requests to programs of others: their addresses come from people, their answers are not trusted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anyio.from_thread import BlockingPortal

from dialer.deadline import Deadline
from dialer.errors import DialerError, ProviderError, TooLate
from dialer.http import HttpReply, HttpRequest
from dialer.internal_networks import InternalAddress, Network, is_internal
from dialer.signing import signed_headers
from dialer.transport.http_client import HttpClient, translate_errors

CONNECTIONS = 32
MOST_BYTES = 64 << 10  # of an answer that are read
ALWAYS = {"content-type": "application/json", "accept-encoding": "identity"}


class NoAnswer(DialerError):
    """The address gave no answer that could be read; `message` says why, and names nothing but its host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, under an id that stays the same however often it is sent."""

    id: str
    url: str
    body: bytes
    salts: Sequence[str]


def message_body(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """A message of this kind as JSON in UTF-8, its `timestamp` in UTC."""
    whole = {"type": kind, "timestamp": utc_text(at), "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def utc_text(at: datetime) -> str:
    """A moment as messages have it: RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SignedPosts:
    """Sends messages on an event loop; safe to use from many threads.

    No redirect is followed, no more than MOST_BYTES of an answer are read, and no connection is made to an address
    inside our own network, whatever name leads there, unless it is in `allowed`.
    """

    def __init__(self, loop: BlockingPortal, *, key: str, allowed: Collection[Network] = ()) -> None:
        self._loop = loop
        self._key = key
        self._allowed = tuple(allowed)
        self._client = HttpClient(CONNECTIONS, connects_to=self._refuse_internal, most_bytes=MOST_BYTES)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def post(self, message: Message, *, now: datetime, timeout: float) -> HttpReply:
        """Send a message; its answer, whatever its status. Raises NoAnswer."""
        return self._loop.call(self._post, message, now, timeout, None)

    def begin(self, message: Message, *, now: datetime, timeout: float, deadline: Deadline) -> Future[HttpReply]:
        """The same without waiting for the answer; nothing is sent after the deadline."""
        return self._loop.start_task_soon(self._post, message, now, timeout, deadline)

    async def _post(self, message: Message, now: datetime, timeout: float, deadline: Deadline | None) -> HttpReply:
        signed = signed_headers(
            self._key, message.salts, message_id=message.id, seconds=int(now.timestamp()), body=message.body
        )
        request = HttpRequest(method="POST", url=message.url, headers=ALWAYS | signed, body=message.body)

        def in_time() -> None:
            if deadline is not None and deadline.passed():
                raise TooLate("", "not sent in time")

        try:
            with translate_errors("", request):
                return await self._client.exchange(
                    request, timeout=timeout, connect_timeout=timeout, place_timeout=10 * timeout, before_send=in_time
                )
        except ProviderError as exc:
            raise NoAnswer(exc.ruling.detail or "no answer", "see that it runs, and is reached from here") from None

    def _refuse_internal(self, address: str) -> None:
        if is_internal(address, self._allowed):
            raise InternalAddress
