"""CallGear's Call API as a library: one typed method for each of the document's, on one pool of kept-alive connections.

    with Client(login="operator", password="…") as callgear:
        placed = callgear.start_informer_call(
            virtual_phone_number="74993720692", contact="79260000000", contact_message=Speech(text="Hello")
        )
        for call in callgear.list_calls():
            print(call.call_session_id, call.legs)

Methods return values (`replies`), keep the reply's metadata, and raise `dialer.errors`: BadParameter before anything is
sent, Throttled, NotPlaced, Refused, or Unconfirmed where a telephone may be ringing. With a login, its key is got when
first needed, renewed before it ends, and given back at the end. `AsyncClient` is the same, awaited.
"""

from __future__ import annotations

from typing import Any, TypeVar

from dialer.providers.callgear.face import AsyncMethods, BlockingMethods
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.params import NAME
from dialer.providers.callgear.provider import CallGear
from dialer.providers.callgear.settings import CallGearSettings
from dialer.transport.portal import AsyncCloseable, OwnLoopClient
from dialer.transport.session import Session, value_of

T = TypeVar("T")


class AsyncClient(AsyncCloseable, AsyncMethods):
    """One account, on the event loop it is used in. `timeout` is how long to wait to connect, then for an answer."""

    def __init__(
        self,
        *,
        access_token: str | None = None,
        login: str | None = None,
        password: str | None = None,
        base_url: str | None = None,
        tts_limit: int | None = None,
        timeout: float = 10.0,
        connections: int = 10,
    ) -> None:
        given = {
            "provider": NAME,
            "access_token": access_token,
            "login": login,
            "password": password,
            "base_url": base_url,
            "tts_limit": tts_limit,
        }
        self._session = Session(CallGear(CallGearSettings.model_validate(given)), timeout, connections)

    async def ask(self, operation: Operation[T]) -> T:
        value: T = value_of(NAME, await self._session.send(operation))
        return value

    async def aclose(self) -> None:
        """Log out where we logged in, and close the connections."""
        await self._session.aclose()


class Client(OwnLoopClient, BlockingMethods):
    """One account, for code without an event loop; safe to use from many threads. Takes what AsyncClient takes."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self._client: AsyncClient = self._portal.call(lambda: AsyncClient(**given))
        self._at_end.callback(self._portal.call, self._client.aclose)

    def ask(self, operation: Operation[T]) -> T:
        return self._portal.call(self._client.ask, operation)
