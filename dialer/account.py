"""An account at work: its provider, its session on the process's event loop, its token bucket."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import wait
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from anyio.from_thread import BlockingPortal

from dialer.account_settings import AccountSettings
from dialer.bucket import Limits, TokenBucket
from dialer.calls import CallRequest, Outcome
from dialer.metrics import CALLS_ENDED, OTHER, OUR_WORDS, REQUESTS, begin_at_nought, known_word
from dialer.providers.provider import ANY_OTHER, CallStatus, Follows, Listing, Provider
from dialer.transport.admission import Admission
from dialer.transport.departure import Departure, Departures
from dialer.transport.flight import InFlightRequests, Place
from dialer.transport.session import Session
from dialer.verdicts import Ruling, Verdict

Clock = Callable[[], datetime]
MEANWHILE_SECONDS = 0.5
_known: dict[str, Collection[str]] = {}
KEPT_FOR_WHAT_IS_URGENT = 0.05  # of the minute's points, less and less towards its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything needed to dial through one account. One per process; safe to use from many threads."""

    name: str
    settings: AccountSettings
    provider: Provider
    bucket: TokenBucket
    session: Session
    loop: BlockingPortal
    clock: Clock
    departures: Departures
    admission: Admission
    new_flight: Callable[[BlockingPortal, Place], InFlightRequests] | None = None

    def flight(self, came: Callable[[], object] = lambda: None) -> InFlightRequests:
        """For the requests of one slice: they are sent on the process's event loop while its thread goes on.

        `came` is called there after each answer.
        """
        if self.new_flight:
            return self.new_flight(self.loop, self._place)
        return InFlightRequests(self.loop, self._place, came=came)

    def look(self, meanwhile: Callable[[], None] = lambda: None) -> Listing:
        """All calls in progress, as the provider lists them; while that is waited for, `meanwhile` is called."""
        looking = self.loop.start_task_soon(self._look)
        while not wait([looking], MEANWHILE_SECONDS).done:
            meanwhile()
        listing = looking.result()
        return replace(listing, ruling=self.in_our_seconds(listing.ruling))

    def ask(self, provider_call_id: str) -> CallStatus:
        """What the provider says of one call."""
        return self.loop.call(self._ask, provider_call_id)

    def tags(self, provider_call_id: str) -> tuple[str, ...]:
        """The tags of one call, where the provider can be asked that."""
        return self.loop.call(self._tags, provider_call_id)

    def trace(self, attempt_id: UUID) -> Ruling:
        """The call that was placed for an attempt, where the provider can be asked that."""
        return self.loop.call(self._trace, attempt_id)

    def check(self) -> Ruling:
        """Whether the account can log in; the verdict PLACED means that it can. Places no call."""
        return self.loop.call(self._check)

    async def _place(self, call: CallRequest, departure: Departure) -> Ruling:
        """Place a call in a slot of the pace, or in a later one where it was not ready; too late for any, never."""
        wait_for_slot = partial(self.departures.wait_for_slot, str(call.correlation_id), departure)
        ruling = await self.session.place(call, departure, now=self.clock, wait_for_slot=wait_for_slot)
        REQUESTS.labels(self.name, ruling.verdict, known_word(ruling.mnemonic, _words(self.provider))).inc()
        return self.in_our_seconds(ruling)

    async def _look(self) -> Listing:
        return await self.session.list_calls(now=self.clock)

    async def _ask(self, provider_call_id: str) -> CallStatus:
        return await self.session.call_status(provider_call_id, now=self.clock)

    async def _tags(self, provider_call_id: str) -> tuple[str, ...]:
        return await self.session.call_tags(provider_call_id, now=self.clock)

    async def _trace(self, attempt_id: UUID) -> Ruling:
        return await self.session.find_call(attempt_id, now=self.clock)

    async def _check(self) -> Ruling:
        return await self.session.check_login(now=self.clock)

    def in_our_seconds(self, ruling: Ruling) -> Ruling:
        """A ruling whose waits are in seconds of our clock: those of a sandbox pass faster."""
        if self.settings.speed == 1:
            return ruling
        meter = ruling.meter and replace(
            ruling.meter,
            minute_reset=ruling.meter.minute_reset and self.scaled(ruling.meter.minute_reset),
            day_reset=ruling.meter.day_reset and self.scaled(ruling.meter.day_reset),
        )
        return replace(ruling, retry_after=ruling.retry_after and self.scaled(ruling.retry_after), meter=meter)

    def scaled(self, seconds: float) -> float:
        """Seconds of the provider's clock in seconds of ours; only a sandbox's runs faster."""
        return seconds / self.settings.speed


def _words(provider: Provider) -> Collection[str]:
    """The mnemonics that answers of this provider may have: those of its table, and ours."""
    if provider.name not in _known:
        _known[provider.name] = OUR_WORDS.keys() | {row.mnemonic for row in provider.policy()}
    return _known[provider.name]


def count_from_nought(accounts: Iterable[Account]) -> None:
    """Show what is counted of these accounts before the first of it: each verdict with the words that it may have."""
    for account in accounts:
        begin_at_nought(CALLS_ENDED, (account.name,), Outcome)
        for verdict, words in _words_by_verdict(account.provider).items():
            begin_at_nought(REQUESTS, (account.name,), (verdict,), words)


def _words_by_verdict(provider: Provider) -> dict[Verdict, set[str]]:
    """The labels that a request with each verdict may have, those of our own words included."""
    words: dict[Verdict, set[str]] = {verdict: {""} for verdict in Verdict}
    for word, verdict in OUR_WORDS.items():
        words[verdict].add(word)
    for row in provider.policy():
        words[Verdict(row.verdict)].add(OTHER if row.mnemonic == ANY_OTHER else row.mnemonic)
    return words


def limits_of(settings: AccountSettings, *, follows: Follows) -> Limits:
    """What the settings allow the account, with points kept for polls where outcomes are learnt by polling."""
    return Limits(
        pace=settings.pace,
        minute_points=settings.minute_points,
        day_points=settings.day_points,
        concurrency=settings.concurrency,
        call_points=settings.call_points,
        caller_id_pace=settings.caller_id_pace,
        reserved_share=KEPT_FOR_WHAT_IS_URGENT,
        flight_lease=3 * settings.timeout + 5,  # a request, a login, the request again
        minute_seconds=60 / settings.speed,
        day_seconds=86400 / settings.speed,
        poll_seconds=settings.poll_seconds if follows is Follows.LISTING else None,
    )
