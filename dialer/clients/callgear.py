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

from collections.abc import Awaitable, Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from dialer.account_settings import AccountSettings
from dialer.errors import error_for
from dialer.providers.callgear import managing, starting
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.params import NAME
from dialer.providers.callgear.provider import CallGear
from dialer.providers.provider import Heard
from dialer.transport.portal import AsyncCloseable, OwnLoopClient
from dialer.transport.session import Session

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P, T]):
    """A function that builds an operation, as a method that also carries it out."""

    def __init__(self, build: Callable[P, Operation[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: Face, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncFace, kind: type) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, kind: type) -> Callable[P, Operation[T]]: ...
    def __get__(self, client: Face | AsyncFace | None, kind: type) -> Callable[P, Any]:
        if client is None:
            return self._build

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.ask(self._build(*args, **kwargs))

        method.__doc__, method.__name__ = self.__doc__, self._build.__name__
        return method


class Methods:
    """The document's methods."""

    login_user = _Method(managing.login_user)
    logout_user = _Method(managing.logout_user)
    start_employee_call = _Method(starting.start_employee_call)
    start_scenario_call = _Method(starting.start_scenario_call)
    start_vnumber_call = _Method(starting.start_vnumber_call)
    start_informer_call = _Method(starting.start_informer_call)
    start_simple_call = _Method(starting.start_simple_call)
    make_call = _Method(managing.make_call)
    transfer_talk = _Method(managing.transfer_talk)
    restore_talk = _Method(managing.restore_talk)
    hold_call = _Method(managing.hold_call)
    unhold_call = _Method(managing.unhold_call)
    add_coach = _Method(managing.add_coach)
    tag_call = _Method(managing.tag_call)
    record_call = _Method(managing.record_call)
    disconnect_leg = _Method(managing.disconnect_leg)
    send_dtmf = _Method(managing.send_dtmf)
    block_contact = _Method(managing.block_contact)
    list_calls = _Method(managing.list_calls)
    list_talk_options = _Method(managing.list_talk_options)
    call_talk_option = _Method(managing.call_talk_option)
    release_call = _Method(managing.release_call)


class Face(Methods):
    """Methods that return when the provider has answered."""

    def ask(self, operation: Operation[T]) -> T:
        """Carry out an operation. Raises a ProviderError that says what may be done next."""
        raise NotImplementedError


class AsyncFace(Methods):
    """The same, awaited."""

    async def ask(self, operation: Operation[T]) -> T:
        """Carry out an operation. Raises a ProviderError that says what may be done next."""
        raise NotImplementedError


class AsyncClient(AsyncCloseable, AsyncFace):
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
        self._session = Session(CallGear(AccountSettings.model_validate(given)), timeout, connections)

    async def ask(self, operation: Operation[T]) -> T:
        return answered(await carried(self._session, operation))

    async def aclose(self) -> None:
        """Log out where we logged in, and close the connections."""
        await self._session.aclose()


class Client(OwnLoopClient, Face):
    """One account, for code without an event loop; safe to use from many threads. Takes what AsyncClient takes."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self._client: AsyncClient = self._portal.call(lambda: AsyncClient(**given))
        self._at_end.callback(self._portal.call, self._client.aclose)

    def ask(self, operation: Operation[T]) -> T:
        return self._portal.call(self._client.ask, operation)


async def carried(session: Session, operation: Operation[T]) -> Heard[T]:
    """What an account's session hears to an operation."""
    provider = session.provider
    if not isinstance(provider, CallGear):
        raise TypeError(f"{provider.name} has no such methods")
    return await session.send(
        lambda: provider.request(operation), lambda reply: provider.read(operation, reply), by_key=operation.needs_key
    )


def answered(heard: Heard[T]) -> T:
    """The value that was heard. Raises a ProviderError when there is none."""
    if heard.value is None:
        raise error_for(NAME, heard.ruling)
    return heard.value
