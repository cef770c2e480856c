"""Delivery of receipts to the notify URL: in time, in order, and as unreliable as the config says."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from dialer.sandbox.log import PlacedCall
from dialer.sandbox.sending import Sending
from dialer.sandbox.webex.config import WebexWorld
from dialer.sandbox.webex.message import Message
from dialer.sandbox.webex.receipts import Event, body, leave_out, sequence

TRIES = 3
RETRY_SECONDS = 60.0
SHUFFLED_BY_SECONDS = (0.0, 15.0)

# https://developers.webexconnect.io/reference/outbound-webhooks-api-ref, version 6.20.0
NOT_RETRIED = frozenset(
    {200, *range(202, 209), 226, *range(300, 309), 400, 402, *range(404, 412), 414, 415, 416, 418, 505}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A receipt on its way: when it happened, when it is sent, and how many times."""

    event: Event
    happened: float
    sent: float
    copies: int


class Deliveries(Sending):
    """The receipts of all calls of one sandbox; `close` drops those still to come."""

    def __init__(self, world: WebexWorld) -> None:
        super().__init__()
        self._world = world

    def follow(self, call: PlacedCall, message: Message) -> None:
        """Send what the request asked to hear of this call, as it happens."""
        if message.notify_url and message.receipts:
            self._start(self._send_all(call, message, message.notify_url))
        url = self._world.config.responses_url or (message.notify_url or "").replace("/receipts/", "/responses/")
        if url and url != message.notify_url and call.course.key_pressed is not None:
            self._start(self._send_key(call, url, call.course.key_pressed))

    async def _send_key(self, call: PlacedCall, url: str, pressed: float) -> None:
        """Post a pressed key, as a flow of the tenant does whose last node is an HTTP request."""
        await self._world.clock.sleep_until(pressed)
        at = self._world.clock.wall(pressed).isoformat(timespec="milliseconds")
        await self._send(call, url, {"correlation_id": call.correlation_id, "key": call.course.key, "pressed_at": at})

    def _plan(self, call: PlacedCall, message: Message) -> list[Planned]:
        """What will be sent, in the order of sending; chance is asked once, here."""
        config, rng = self._world.config, self._world.chance("receipts", call.call_id)
        planned = []
        for happened, event in sequence(call.course, call.behaviour):
            lost, late, twice = (rng.random() < chance for chance in (config.loss, config.shuffle, config.duplicate))
            if event.asked_as in message.receipts and not lost:
                sent = happened + (rng.uniform(*SHUFFLED_BY_SECONDS) if late else 0.0)
                planned.append(Planned(event=event, happened=happened, sent=sent, copies=2 if twice else 1))
        return sorted(planned, key=lambda receipt: receipt.sent)

    async def _send_all(self, call: PlacedCall, message: Message, url: str) -> None:
        for receipt in self._plan(call, message):
            await self._world.clock.sleep_until(receipt.sent)
            document = body(receipt.event, call, message.callback_data, receipt.happened, self._world.clock)
            if self._world.chance("omit", call.call_id, receipt.event.code).random() < self._world.config.omit:
                leave_out(document)
            for _ in range(receipt.copies):
                if not await self._send(call, url, document):
                    self._start(self._send_again(call, url, document))

    async def _send_again(self, call: PlacedCall, url: str, document: dict[str, object]) -> None:
        for _ in range(TRIES - 1):
            await self._world.clock.sleep_until(self._world.clock.now() + RETRY_SECONDS)
            if await self._send(call, url, document):
                return

    async def _send(self, call: PlacedCall, url: str, document: dict[str, object]) -> bool:
        """Whether this receipt is done with: taken, or answered so that it is not sent again."""
        data = json.dumps(document).encode()
        headers = {"content-type": "application/json", **self._signature(data)}
        status = await self._world.post(self, url, data, headers, self._world.config.receipt_timeout)
        call.receipts_sent += status is not None
        return status in NOT_RETRIED

    def _signature(self, data: bytes) -> dict[str, str]:
        secret = self._world.config.hub_secret
        return {"x-hub-signature": hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()} if secret else {}
