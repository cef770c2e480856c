"""The sandbox of a rehearsal, in the same process: no connection is opened to it, nor to anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from dialer.account_settings import AccountSettings
from dialer.calls import Outcome
from dialer.http import HttpReply, HttpRequest
from dialer.providers.registry import PROVIDERS, account_settings
from dialer.sandbox.clock import Clock
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.sending import Sending
from dialer.sandbox.server import VendorServer
from dialer.sandbox.shared_config import Odds
from dialer.sandbox.vendors import VENDORS
from dialer.sandbox.world import World
from dialer.transport.http_client import BeforeSend
from workers.rehearsal.virtual_time import VirtualLoop

URL = "https://sandbox.invalid"  # a name that leads nowhere, should anything ever ask for it
BEHAVIOURS = {
    Outcome.ANSWERED: ReservedBehaviour.ANSWERS,
    Outcome.MACHINE: ReservedBehaviour.ANSWERS,
    Outcome.BUSY: ReservedBehaviour.BUSY,
    Outcome.NO_ANSWER: ReservedBehaviour.NO_ANSWER,
    Outcome.REJECTED: ReservedBehaviour.DECLINED,
    Outcome.EXPIRED: ReservedBehaviour.EXPIRES,
    Outcome.FAILED: ReservedBehaviour.FAILS,
    Outcome.INVALID_NUMBER: ReservedBehaviour.FAILS,
}
TakeReceipts = Callable[[str, bytes, Mapping[str, str]], Awaitable[None]]


def receipts_url(account: str) -> str:
    """Where the sandbox sends the receipts of an account."""
    return f"{URL}/receipts/{account}"


def pointed(account: AccountSettings) -> AccountSettings:
    """The same account at the sandbox, without any of its secrets; its clock and ours are one."""
    given = account.model_dump(mode="json", exclude={name for name, value in account if isinstance(value, SecretStr)})
    vendor = VENDORS[PROVIDERS[account.provider].name]
    ours = {"sandbox": True, "speed": 1.0, "shows_every_answer": False}
    return account_settings(**given | dict(vendor.account(URL, given)) | ours)


def odds(first: Mapping[Outcome, float], later: Mapping[Outcome, float]) -> Odds:
    """How the sandbox's calls go, when calls end with these weights; it has no call of which nobody knows the end."""
    return Odds(first=_by_behaviour(first), later=_by_behaviour(later))


def _by_behaviour(weights: Mapping[Outcome, float]) -> dict[ReservedBehaviour, float]:
    by_behaviour: dict[ReservedBehaviour, float] = {}
    for outcome, weight in weights.items():
        if outcome in BEHAVIOURS:
            behaviour = BEHAVIOURS[outcome]
            by_behaviour[behaviour] = by_behaviour.get(behaviour, 0.0) + weight
    return by_behaviour if sum(by_behaviour.values()) else {ReservedBehaviour.ANSWERS: 1.0}


def config(account: AccountSettings, name: str, chances: Odds, seed: int) -> SandboxConfig:
    """A sandbox with the limits of this account, which is called `name`, and with everything that it may ask for."""
    chosen: dict[str, Any] = {"seed": seed, "odds": chances, "knows_all": True, "start_points": account.call_points}
    if account.minute_points:
        chosen["points_per_minute"] = account.minute_points
    if account.day_points:
        chosen["points_per_day"] = account.day_points
    templates = PROVIDERS[account.provider].notification_templates
    if templates and account.sends_endings:
        chosen["notify_url"] = receipts_url(name)
        chosen["notify_templates"] = {event: template for event, (_title, template) in templates.items()}
    return SandboxConfig(**chosen)


class InnerSandbox:
    """A sandbox on the loop of a rehearsal; `take_receipts` is given what it sends of its own accord."""

    def __init__(self, chosen: SandboxConfig, loop: VirtualLoop, take_receipts: TakeReceipts) -> None:
        clock = Clock(chosen.speed, loop.time, loop.now())
        self._take_receipts = take_receipts
        self._server = VendorServer(World(chosen, clock, self._post))

    async def aclose(self) -> None:
        """Send nothing more."""
        await self._server.close()

    async def answer(self, request: HttpRequest) -> HttpReply:
        """The reply to a request. Raises ConnectionResetError where the connection is cut instead."""
        answer = await self._server.answer(
            request.method, urlsplit(request.url).path, dict(request.headers), request.body
        )
        if answer is None:
            raise ConnectionResetError("cut")
        status, body = answer
        return HttpReply(status=status, headers={"content-type": "application/json; charset=utf-8"}, body=body)

    async def _post(
        self, _sender: Sending, url: str, body: bytes, headers: Mapping[str, str], _seconds: float
    ) -> int | None:
        await self._take_receipts(url.rsplit("/", 1)[-1], body, headers)
        return 200


class SandboxCarrier:
    """Carries the requests of an account's session to the sandbox."""

    def __init__(self, sandbox: InnerSandbox) -> None:
        self._sandbox = sandbox

    @property
    def is_closed(self) -> bool:
        """It never is."""
        return False

    async def aclose(self) -> None:
        """Nothing is open."""

    async def exchange(
        self,
        request: HttpRequest,
        *,
        timeout: float,
        connect_timeout: float,
        place_timeout: float | None = None,
        before_send: BeforeSend | None = None,
    ) -> HttpReply:
        """As `HttpClient`; there is always a place and a connection."""
        if before_send:
            before_send()
        async with asyncio.timeout(timeout):
            return await self._sandbox.answer(request)
