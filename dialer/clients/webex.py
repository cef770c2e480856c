"""Webex Connect voice as a library, for code with an event loop and for code without.

    account = WebexSettings(provider="webex", service_key="…")
    with WebexConnect(account) as webex:
        message_id = webex.call(VoiceMessage(caller="+18005550100", to="+14155550100", content=Speech(text="Hello")))

Every field is examined before anything is sent. What goes wrong is one of `dialer.errors`, which say what may be done
next: after `Unconfirmed` the call may be ringing, and must not be asked for again.
"""

from __future__ import annotations

from dialer.deadline import utc_now
from dialer.errors import error_for
from dialer.http import HttpReply, HttpRequest
from dialer.providers.provider import CallStatus
from dialer.providers.webex.messages import VoiceMessage
from dialer.providers.webex.provider import Clock, Webex
from dialer.providers.webex.settings import WebexSettings
from dialer.transport.http_client import HttpClient, translate_errors
from dialer.transport.portal import AsyncCloseable, OwnLoopClient
from dialer.verdicts import Verdict

CONNECTIONS = 100


class AsyncWebexConnect(AsyncCloseable):
    """One service of a tenant, on the event loop it is used on."""

    def __init__(self, account: WebexSettings, now: Clock = utc_now) -> None:
        self.provider = Webex(account, now)
        self._timeout = account.timeout
        self._client = HttpClient(CONNECTIONS)

    async def call(self, message: VoiceMessage) -> str:
        """Ask for a call; returns the provider's message id. Raises InvalidMessage, and ProviderError's other kinds.

        Of several recipients it is the id of the request: receipts tell of each of them. Where the provider has taken
        some of them only, Unconfirmed is raised.
        """
        ruling = self.provider.read_placing(await self._exchange(self.provider.sending(message)))
        if ruling.verdict is not Verdict.PLACED or ruling.provider_call_id is None:
            raise error_for(self.provider.name, ruling)
        return ruling.provider_call_id

    async def status(self, message_id: str) -> CallStatus:
        """What the provider says of one call; its `progress` is None where it does not know."""
        return self.provider.read_asking(await self._exchange(self.provider.asking(message_id)), message_id)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _exchange(self, request: HttpRequest) -> HttpReply:
        with translate_errors(self.provider.name, request):
            return await self._client.exchange(request, timeout=self._timeout, connect_timeout=self._timeout)


class WebexConnect(OwnLoopClient):
    """One service of a tenant, for code without an event loop."""

    def __init__(self, account: WebexSettings, now: Clock = utc_now) -> None:
        self._webex = AsyncWebexConnect(account, now)
        super().__init__()
        self._at_end.callback(self._portal.call, self._webex.aclose)

    def call(self, message: VoiceMessage) -> str:
        return self._portal.call(self._webex.call, message)

    def status(self, message_id: str) -> CallStatus:
        return self._portal.call(self._webex.status, message_id)
