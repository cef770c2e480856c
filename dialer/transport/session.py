"""A session with one provider account: it carries requests, logs in when needed, and rules on trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from dialer.calls import CallRequest
from dialer.deadline import Deadline, utc_now
from dialer.errors import NotPlaced, ProviderError, TooLate, error_for
from dialer.http import HttpReply, HttpRequest
from dialer.providers.call_management import Operation
from dialer.providers.provider import CallStatus, HasMethods, Heard, Listing, Provider
from dialer.providers.rules import not_offered
from dialer.scripts import Speech
from dialer.transport.http_client import exchange, new_client, translate_errors
from dialer.transport.keyring import Keyring, halt_if_login_refused
from dialer.transport.portal import AsyncCloseable
from dialer.transport.shared_logins import SharedLogins
from dialer.verdicts import Ruling, Verdict

Clock = Callable[[], datetime]
Answer = TypeVar("Answer", bound=Ruling | Listing | CallStatus | Heard[Any])
T = TypeVar("T")
ECHO_LENGTHS = (
    6,
    16,
)  # a text as short as the first says nothing; sharing as many characters as the second is no chance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question(Generic[Answer]):
    """What to send (None: nothing is offered), how to read the reply, and how to answer with a ruling of our own."""

    ask: Callable[[], HttpRequest | None]
    read: Callable[[HttpReply], Answer]
    ruled: Callable[[Ruling], Answer]


class Session(AsyncCloseable):
    """One account's HTTP, on one event loop. Its methods answer and never raise for what a provider or network does.

    `timeout` is how long to wait for a connection, and then again for an answer; `logins` is where a key is shared with
    the account's other processes. Cancelled, a method raises CancelledError as any does: then nobody knows whether the
    call was placed.
    """

    def __init__(
        self, provider: Provider, timeout: float = 10.0, connections: int = 100, logins: SharedLogins | None = None
    ) -> None:
        self.provider = provider
        self._timeout = timeout
        self._client = new_client(connections)
        self._keyring = Keyring(provider, self._rule, logins)

    async def place(self, call: CallRequest, deadline: Deadline, now: Clock = utc_now) -> Ruling:
        """Place one call. After the deadline nothing leaves: the ruling is NOT_SENT, its mnemonic `too_late`."""
        provider = self.provider
        question = _Question(ask=partial(provider.placing, call), read=provider.read_placing, ruled=_itself)
        return _without_text(await self._answer(question, now, deadline), call)

    async def list_calls(self, now: Clock = utc_now) -> Listing:
        """All calls in progress; not usable where the provider lists none or the list could not be had."""
        provider = self.provider
        return await self._answer(_Question(ask=provider.looking, read=provider.read_looking, ruled=_no_list), now)

    async def call_status(self, provider_call_id: str, now: Clock = utc_now) -> CallStatus:
        """The provider's word on one call; `ruling` is about the question, and says nothing about the call."""
        asking, read = partial(self.provider.asking, provider_call_id), self.provider.read_asking
        return await self._answer(_Question(ask=asking, read=read, ruled=_no_status), now)

    async def find_call(self, attempt_id: UUID, now: Clock = utc_now) -> Ruling:
        """The call that was placed for an attempt, by the provider's id; none named: it does not know of one."""
        ask, read = partial(self.provider.tracing, attempt_id), self.provider.read_tracing
        return await self._answer(_Question(ask=ask, read=read, ruled=_itself), now)

    async def check_login(self, now: Clock = utc_now) -> Ruling:
        """Whether the account can log in, placing nothing: PLACED stands for yes."""
        ask, read = self.provider.checking, self.provider.read_checking
        return halt_if_login_refused(await self._once(_Question(ask=ask, read=read, ruled=_itself)))

    async def send(self, operation: Operation, now: Clock = utc_now) -> Heard[Any]:
        """Any other request of the provider's own. Raises TypeError where the provider has no such methods."""
        provider = self.provider
        if not isinstance(provider, HasMethods):
            raise TypeError(f"{provider.name} has no such methods")
        ask, read = partial(provider.request, operation), partial(provider.read, operation)
        question: _Question[Heard[Any]] = _Question(ask=ask, read=read, ruled=_unheard)
        return await self._answer(question, now) if operation.needs_key else await self._once(question)

    async def aclose(self) -> None:
        """Log out where we logged in, and close. What is still under way is lost; what comes later is NOT_PLACED."""
        await self._keyring.give_back()
        await self._client.aclose()

    async def _answer(self, question: _Question[Answer], now: Clock, deadline: Deadline | None = None) -> Answer:
        """Ask, logged in; a refused login is renewed once."""
        for _ in range(2):
            if refused := await self._keyring.ready(now):
                return question.ruled(refused)
            renewals = self._keyring.renewals
            answer = await self._once(question, deadline)
            if _ruling(answer).verdict is not Verdict.LOGIN_AGAIN or not self._keyring.forget(renewals):
                break
        return (
            answer
            if _ruling(answer).verdict is not Verdict.LOGIN_AGAIN
            else question.ruled(halt_if_login_refused(_ruling(answer)))
        )

    async def _once(self, question: _Question[Answer], deadline: Deadline | None = None) -> Answer:
        try:
            request = question.ask()
            if request is None:
                return question.ruled(not_offered(self.provider.name, "be asked this"))
            with translate_errors(self.provider.name, request):
                return question.read(await self._exchange(request, deadline))
        except ProviderError as error:
            return question.ruled(error.ruling)

    async def _exchange(self, request: HttpRequest, deadline: Deadline | None) -> HttpReply:
        if self._client.is_closed:
            raise NotPlaced(self.provider.name, "the session is closed")
        patience = self._timeout
        if deadline:
            self._in_time(deadline)
            patience = min(patience, deadline.left())
        look = partial(self._in_time, deadline) if deadline else None
        return await exchange(
            self._client, request, timeout=self._timeout, connect_timeout=max(patience, 0.001), before_send=look
        )

    def _in_time(self, deadline: Deadline) -> None:
        if deadline.passed():
            detail = "the deadline passed before the request left"
            ruling = Ruling(verdict=Verdict.NOT_SENT, mnemonic="too_late", detail=detail)
            raise TooLate(self.provider.name, detail, ruling)

    async def _rule(self, ask: Callable[[], HttpRequest | None], read: Callable[[HttpReply], Ruling]) -> Ruling:
        return await self._once(_Question(ask=ask, read=read, ruled=_itself))


def value_of(provider: str, heard: Heard[T]) -> T:
    """The value that was heard from a provider. Raises a ProviderError when there is none."""
    if heard.value is None:
        raise error_for(provider, heard.ruling)
    return heard.value


def _itself(ruling: Ruling) -> Ruling:
    return ruling


def _no_list(ruling: Ruling) -> Listing:
    return Listing(ruling=ruling, usable=False)


def _unheard(ruling: Ruling) -> Heard[Any]:
    return Heard(ruling=ruling)


def _no_status(ruling: Ruling) -> CallStatus:
    return CallStatus(ruling=ruling)


def _ruling(answer: Ruling | Listing | CallStatus | Heard[Any]) -> Ruling:
    return answer if isinstance(answer, Ruling) else answer.ruling


def _without_text(ruling: Ruling, call: CallRequest) -> Ruling:
    """The ruling without the words of the call's own text, should the provider repeat them."""
    text = " ".join(call.script.text.split()) if isinstance(call.script, Speech) else ""
    shared = min(ECHO_LENGTHS[1], len(text))
    starts = range(len(ruling.detail) - shared + 1) if shared >= ECHO_LENGTHS[0] else ()
    echoed = any(ruling.detail[start : start + shared] in text for start in starts)
    return replace(ruling, detail="(the provider repeats the text)") if echoed else ruling
