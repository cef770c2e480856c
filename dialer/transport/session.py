"""A session with one provider account: sends requests, logs in when needed, and turns every failure into a ruling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from dialer.bucket import BucketUnavailable
from dialer.calls import CallRequest
from dialer.deadline import Deadline, steady_seconds, utc_now
from dialer.errors import NotPlaced, ProviderError, TooLate, error_for
from dialer.http import HttpReply, HttpRequest
from dialer.log import get_logger
from dialer.metrics import REQUEST_TO_ANSWER, TOKEN_TO_REQUEST
from dialer.providers.bounds import reading_for
from dialer.providers.call_management import Operation
from dialer.providers.provider import CallStatus, HasMethods, Heard, Listing, Provider, TagsCalls
from dialer.providers.rules import not_offered
from dialer.scripts import Speech
from dialer.transport.departure import Departure
from dialer.transport.http_client import Carrier, HttpClient, translate_errors
from dialer.transport.keyring import Keyring, halt_if_login_refused
from dialer.transport.portal import AsyncCloseable
from dialer.transport.shared_logins import SharedLogins
from dialer.verdicts import OUR_FAULT, Ruling, Verdict

log = get_logger()

Clock = Callable[[], datetime]
Answer = TypeVar("Answer", bound=Ruling | Listing | CallStatus | Heard[Any])
T = TypeVar("T")
SlotWait = Callable[[], Awaitable[None]]
SLOT_MISSED = "slot_missed"
CONNECT_SECONDS = 3.0  # also where less is left before the deadline, which says nothing about the provider
ECHO_LENGTHS = (6, 16)  # shorter texts are not looked for; so many characters in common are no coincidence


class _SlotMissed(TooLate):
    """Nothing was sent: the request may leave in another slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query(Generic[Answer]):
    """How to build a request (None: the provider offers none), read its reply, and answer with a ruling of our own."""

    build: Callable[[], HttpRequest | None]
    read: Callable[[HttpReply], Answer]
    from_ruling: Callable[[Ruling], Answer]


class Session(AsyncCloseable):
    """One account's HTTP, on one event loop. A failure of the provider or network is a ruling, never an exception.

    `timeout` is in seconds, for a connection, and then again for the answer; `logins` shares a session key with the
    account's other processes; `account` is its name in the log; `client` carries its
    requests instead of its own. A cancelled method raises CancelledError; then it is
    not known whether a call was placed.
    """

    def __init__(
        self,
        provider: Provider,
        timeout: float = 10.0,
        connections: int = 100,
        logins: SharedLogins | None = None,
        account: str = "",
        client: Carrier | None = None,
    ) -> None:
        self.provider = provider
        self._account = account
        self._timeout = timeout
        self._client: Carrier = client or HttpClient(connections)
        self._keyring = Keyring(provider, self._send_without_login, logins)

    async def place(
        self,
        call: CallRequest,
        departure: Departure | Deadline,
        now: Clock = utc_now,
        wait_for_slot: SlotWait | None = None,
    ) -> Ruling:
        """Place one call. After the deadline nothing is sent: the ruling is NOT_SENT with the mnemonic `too_late`.

        Nor is it after its slot. `wait_for_slot` waits for a slot, or for another one, once all is ready to be sent;
        where it raises BucketUnavailable, or there is none to wait for, the ruling is NOT_SENT, `slot_missed`.
        """
        departure = Departure(departure) if isinstance(departure, Deadline) else departure
        provider = self.provider
        query = _Query(build=partial(provider.placing, call), read=provider.read_placing, from_ruling=_itself)
        return _without_text(await self._answer(query, now, departure, wait_for_slot), call)

    async def list_calls(self, now: Clock = utc_now) -> Listing:
        """All calls in progress; `usable` is False if the provider has no such list, or did not return it."""
        provider = self.provider
        return await self._answer(_Query(build=provider.looking, read=provider.read_looking, from_ruling=_no_list), now)

    async def call_status(self, provider_call_id: str, now: Clock = utc_now) -> CallStatus:
        """The provider's status of one call; `ruling` is about this request, and says nothing about the call."""
        provider = self.provider
        build = partial(provider.asking, provider_call_id)
        read = partial(provider.read_asking, provider_call_id=provider_call_id)
        return await self._answer(_Query(build=build, read=read, from_ruling=_no_status), now)

    async def call_tags(self, provider_call_id: str, now: Clock = utc_now) -> tuple[str, ...]:
        """The tags of one call; none where the provider has none, or did not tell."""
        provider = self.provider
        if not isinstance(provider, TagsCalls):
            return ()
        build = partial(provider.asking_tags, provider_call_id)
        read = partial(provider.read_tags, provider_call_id=provider_call_id)
        return (await self._answer(_Query(build=build, read=read, from_ruling=_no_status), now)).tags

    async def find_call(self, attempt_id: UUID, now: Clock = utc_now) -> Ruling:
        """The call that was placed for an attempt: the ruling has its provider call id, or None if there is none."""
        provider = self.provider
        build = partial(provider.tracing, attempt_id)
        read = partial(provider.read_tracing, attempt_id=attempt_id)
        return await self._answer(_Query(build=build, read=read, from_ruling=_itself), now)

    async def check_login(self, now: Clock = utc_now) -> Ruling:
        """Whether the account can log in; PLACED means yes. Places no call."""
        build, read = self.provider.checking, self.provider.read_checking
        return halt_if_login_refused(await self._once(_Query(build=build, read=read, from_ruling=_itself)))

    async def send(self, operation: Operation, now: Clock = utc_now) -> Heard[Any]:
        """Send any other request of the provider's API. Raises TypeError if the provider has no such methods."""
        provider = self.provider
        if not isinstance(provider, HasMethods):
            raise TypeError(f"{provider.name} has no such methods")
        build, read = partial(provider.request, operation), partial(provider.read, operation)
        query: _Query[Heard[Any]] = _Query(build=build, read=read, from_ruling=_no_value)
        return await self._answer(query, now) if operation.needs_key else await self._once(query)

    async def aclose(self) -> None:
        """Log out if logged in, and close. Requests in flight are lost; later ones are ruled NOT_PLACED."""
        await self._keyring.log_out()
        await self._client.aclose()

    async def _answer(
        self,
        query: _Query[Answer],
        now: Clock,
        departure: Departure | None = None,
        wait_for_slot: SlotWait | None = None,
    ) -> Answer:
        """Send a request, logged in; when the key is refused, log in again and repeat it once."""
        for _ in range(2):
            if refusal := await self._keyring.ensure_login(now):
                return query.from_ruling(refusal)
            renewals = self._keyring.renewals
            answer = await self._once(query, departure, wait_for_slot)
            if _ruling(answer).verdict is not Verdict.LOGIN_AGAIN or not self._keyring.forget_refused_key(renewals):
                break
        return (
            answer
            if _ruling(answer).verdict is not Verdict.LOGIN_AGAIN
            else query.from_ruling(halt_if_login_refused(_ruling(answer)))
        )

    async def _once(
        self, query: _Query[Answer], departure: Departure | None = None, wait_for_slot: SlotWait | None = None
    ) -> Answer:
        try:
            request = self._built(query.build)
            if request is None:
                return query.from_ruling(not_offered(self.provider.name, "be asked this"))
            with translate_errors(self.provider.name, request), reading_for(self._account):
                return query.read(await self._in_slot(request, departure, wait_for_slot))
        except ProviderError as error:
            return query.from_ruling(error.ruling)

    def _built(self, build: Callable[[], HttpRequest | None]) -> HttpRequest | None:
        """The request. One that cannot be built is an error of ours: nothing was sent."""
        try:
            return build()
        except ProviderError:
            raise
        except Exception as exc:
            detail = f"the request could not be built ({type(exc).__name__}): an error of the dialer"
            log.error("a request could not be built", account=self._account, error=type(exc).__name__)
            ruling = Ruling(verdict=Verdict.NOT_SENT, mnemonic=OUR_FAULT, detail=detail)
            raise NotPlaced(self.provider.name, detail, ruling) from exc

    async def _in_slot(
        self, request: HttpRequest, departure: Departure | None, wait_for_slot: SlotWait | None
    ) -> HttpReply:
        if wait_for_slot is None:
            return await self._exchange(request, departure)
        while True:
            try:
                await wait_for_slot()
            except BucketUnavailable as exc:
                raise self._too_late(SLOT_MISSED, exc.message) from exc
            with suppress(_SlotMissed):
                return await self._exchange(request, departure)

    async def _exchange(self, request: HttpRequest, departure: Departure | None) -> HttpReply:
        if self._client.is_closed:
            raise NotPlaced(self.provider.name, "the session is closed")
        check = partial(self._refuse_late, departure) if departure else None
        reply = await self._client.exchange(
            request,
            timeout=self._timeout,
            connect_timeout=min(self._timeout, CONNECT_SECONDS),
            place_timeout=departure.deadline.seconds_left() if departure else None,
            before_send=check,
        )
        if departure is not None:
            self._time(departure)
        return reply

    def _time(self, departure: Departure) -> None:
        """Count how long an answered request waited, before it left and for its answer."""
        REQUEST_TO_ANSWER.labels(self._account).observe(steady_seconds() - departure.left_at)
        if departure.slot is not None:
            TOKEN_TO_REQUEST.labels(self._account).observe(max(0.0, departure.left_at - departure.slot.begins))

    def _refuse_late(self, departure: Departure) -> None:
        if departure.deadline.passed():
            raise self._too_late("too_late", "the deadline passed before the request left")
        if departure.missed:
            raise self._too_late(SLOT_MISSED, "its slot of the pace passed before the request left", _SlotMissed)
        departure.left_at = steady_seconds()

    def _too_late(self, mnemonic: str, detail: str, kind: type[TooLate] = TooLate) -> TooLate:
        return kind(self.provider.name, detail, Ruling(verdict=Verdict.NOT_SENT, mnemonic=mnemonic, detail=detail))

    async def _send_without_login(
        self, build: Callable[[], HttpRequest | None], read: Callable[[HttpReply], Ruling]
    ) -> Ruling:
        return await self._once(_Query(build=build, read=read, from_ruling=_itself))


def value_of(provider: str, heard: Heard[T]) -> T:
    """The value that a provider returned. Raises a ProviderError when there is none."""
    if heard.value is None:
        raise error_for(provider, heard.ruling)
    return heard.value


def _itself(ruling: Ruling) -> Ruling:
    return ruling


def _no_list(ruling: Ruling) -> Listing:
    return Listing(ruling=ruling, usable=False)


def _no_value(ruling: Ruling) -> Heard[Any]:
    return Heard(ruling=ruling)


def _no_status(ruling: Ruling) -> CallStatus:
    return CallStatus(ruling=ruling)


def _ruling(answer: Ruling | Listing | CallStatus | Heard[Any]) -> Ruling:
    return answer if isinstance(answer, Ruling) else answer.ruling


def _without_text(ruling: Ruling, call: CallRequest) -> Ruling:
    """The ruling, its detail removed when it repeats the text of the call, which may hold personal data."""
    text = " ".join(call.script.text.split()) if isinstance(call.script, Speech) else ""
    shared = min(ECHO_LENGTHS[1], len(text))
    starts = range(len(ruling.detail) - shared + 1) if shared >= ECHO_LENGTHS[0] else ()
    echoed = any(ruling.detail[start : start + shared] in text for start in starts)
    return replace(ruling, detail="(the provider repeats the text)") if echoed else ruling
