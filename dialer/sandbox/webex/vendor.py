"""Webex Connect as the sandbox knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.replies import Reply
from dialer.sandbox.vendor import SANDBOX_KEY, Incoming, Route, SandboxVendor
from dialer.sandbox.webex.config import WebexConfig, WebexWorld
from dialer.sandbox.webex.delivery import Deliveries
from dialer.sandbox.webex.service import Webex

MESSAGES = "/v2/messages"


class WebexService:
    """The Send Message API and the receipts of one sandbox."""

    def __init__(self, world: WebexWorld) -> None:
        self._deliveries = Deliveries(world)
        self._messages = Webex(world, self._deliveries.follow)

    def routes(self) -> Sequence[Route]:
        return [
            Route("POST", MESSAGES, self._place),
            Route("GET", f"{MESSAGES}/{{message_id}}", self._status),
        ]

    async def close(self) -> None:
        await self._deliveries.close()

    def _place(self, request: Incoming) -> Reply:
        return self._messages.place(request)

    def _status(self, request: Incoming) -> Reply:
        return self._messages.status(request.path["message_id"], request.headers, request.ip)


def account(url: str, given: Mapping[str, Any]) -> Mapping[str, str | None]:
    """By the service's key; its receipts are not signed."""
    return {"base_url": url, "service_key": SANDBOX_KEY, "jwt_issuer": None, "jwt_secret": None, "hub_secret": None}


WEBEX = SandboxVendor(
    name="webex",
    title="Webex Connect",
    open=WebexService,
    account=account,
    api_path=MESSAGES,
    config=WebexConfig,
    options={"webex_tps": int},
    accepted="201",
    replies={
        ReservedBehaviour.BLACKLISTED: "400, 9002",
        ReservedBehaviour.INTERNAL_ERROR: "500",
        ReservedBehaviour.REFUSED: "400, 7102",
        ReservedBehaviour.CUT_AFTER: "no reply",
        ReservedBehaviour.CUT_BEFORE: "no reply",
        ReservedBehaviour.UNAVAILABLE: "503",
        ReservedBehaviour.THROTTLED: "429, 7020",
    },
    notes={
        ReservedBehaviour.TO_AGENT: "",
        ReservedBehaviour.DECLINED: "7406",
        ReservedBehaviour.FAILS: "7404",
        ReservedBehaviour.EXPIRES: "7208",
    },
)
