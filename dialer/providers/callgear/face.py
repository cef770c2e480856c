"""The document's methods as methods of an object, which carries out the operations that they build."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from dialer.providers.callgear import managing, starting
from dialer.providers.callgear.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P, T]):
    """A function that builds an operation, as a method that also carries it out."""

    def __init__(self, build: Callable[P, Operation[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: BlockingMethods, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncMethods, kind: type) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, kind: type) -> Callable[P, Operation[T]]: ...
    def __get__(self, client: BlockingMethods | AsyncMethods | None, kind: type) -> Callable[P, Any]:
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


class BlockingMethods(Methods):
    """Methods that return when the provider has answered."""

    def ask(self, operation: Operation[T]) -> T:
        """Carry out an operation. Raises a ProviderError that says what may be done next."""
        raise NotImplementedError


class AsyncMethods(Methods):
    """Methods that are awaited."""

    async def ask(self, operation: Operation[T]) -> T:
        """Carry out an operation. Raises a ProviderError that says what may be done next."""
        raise NotImplementedError


class CarriedMethods(BlockingMethods):
    """Methods whose operations `carry` carries out: it returns the value, or raises a ProviderError."""

    def __init__(self, carry: Callable[[Operation[Any]], Any]) -> None:
        self._carry = carry

    def ask(self, operation: Operation[T]) -> T:
        value: T = self._carry(operation)
        return value
