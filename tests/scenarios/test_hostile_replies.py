"""Replies of both vendors that no document allows, through the whole path: none raises anywhere, and nobody waits long.

The recorded replies are changed at random places into what a reply never holds. Each is read by every reader of the
provider; what they make of it goes the way of any other: rulings and statuses into a ledger, figures into a bucket on a
real Redis, lists into polling, receipts into the store and onto their calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, update

from campaigns.dispatch.allowances import _held_by_limit
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import ContactStatus
from campaigns.runtime import Runtime
from campaigns.settlement.polling import _apply
from campaigns.settlement.receipts import apply_heard
from campaigns.settlement.rulings import accept, rule
from campaigns.settlement.timeouts import _conclude
from dialer.account import Account
from dialer.bucket import GrantResult
from dialer.calls import Receipt
from dialer.http import HttpReply
from dialer.providers.provider import CallStatus, Follows, Listing
from dialer.verdicts import Ruling
from tests.support.dialers import callgear, webex, working
from tests.support.draws import times
from tests.support.hostile_replies import Hostile
from tests.support.seeding import dialing, fresh, numbers

REPLIES = times(2500)  # in each of eight tests: two seeds, two vendors, two stores
LONGEST_WAIT = timedelta(days=1, hours=3)
ATTEMPTS = 40
RECORDED_CALL, RECORDED_ATTEMPT = (  # that the recorded replies are about
    "a770f205-1234-4f6e-9d0a-6dc3e388b9b5",
    UUID("6a8f7c34-0c5e-4b8e-9f0e-1f6f1f3f8a11"),
)


class Behind:
    """What lies behind the provider. Each batch is written and undone, so that the next meets the same calls."""

    def __init__(self, using: Runtime, waiting: Sequence[OpenAttempt], placed: Sequence[OpenAttempt]) -> None:
        self.using = using
        self.account: Account = using.accounts["main"]
        self.waiting, self.placed = waiting, placed
        self._ruled: set[Any] = set()
        self._seen: set[Any] = set()
        self.rulings: list[Ruling] = []
        self.metered: list[Ruling] = []
        self.listings: list[Listing] = []
        self.statuses: list[CallStatus] = []
        self.heard: list[Receipt] = []
        self.went: Counter[str] = Counter()

    def take(self, reply: HttpReply) -> None:
        """Read a reply in every way, and keep what differs from all before it in anything that code acts on."""
        provider = self.account.provider
        placing = provider.read_placing(reply)
        listing, status = provider.read_looking(reply), provider.read_asking(reply, RECORDED_CALL)
        rulings = (placing, provider.read_login(reply), provider.read_tracing(reply, RECORDED_ATTEMPT))
        provider.text_limit = None
        for ruling in (*rulings, listing.ruling, status.ruling):
            _is_sound(ruling)
            facts = (ruling.verdict, ruling.retry_after, ruling.meter)
            if facts not in self._ruled:
                self._ruled.add(facts)
                self.metered.append(ruling)
        key = (placing.verdict, placing.mnemonic is None, placing.retry_after, placing.blames_script, placing.code)
        if key not in self._seen:
            self._seen.add(key)
            self.rulings.append(placing)
        if listing.usable and listing.seen and (seen := tuple(listing.seen)) not in self._seen:
            self._seen.add(seen)
            self.listings.append(listing)
        facts = (status.progress, status.outcome, status.answered_at, status.ended_at, status.talk_seconds)
        if status.progress and facts not in self._seen:
            self._seen.add(facts)
            self.statuses.append(status)
        self.heard += [
            heard for heard in provider.read_receipts(reply.body, reply.headers) if _is_new(heard, self._seen)
        ]

    def settle(self) -> None:
        """Send all that was kept down its path."""
        now = self.using.clock()
        for batch in _batches(self.rulings, len(self.waiting)):
            with self._undone() as db:
                for attempt, ruling in zip(self.waiting, batch, strict=False):
                    rule(db, attempt, ruling, self.account.settings, now=now, rng=self.using.rng)
                pending = contacts.c.status == ContactStatus.PENDING
                latest = db.scalar(select(func.max(contacts.c.due_at)).where(pending))
                assert latest is None or latest < now + LONGEST_WAIT
        for listing in self.listings:
            with self._undone() as db:
                _apply(db, listing, now, now, self.account, self.using)
        for batch in _batches(self.statuses, len(self.placed)):
            with self._undone() as db:
                for attempt, status in zip(self.placed, batch, strict=False):
                    _conclude(db, attempt.id, status, self.using)
                _times_are_sound(db, self.using)
        for batch in _batches(self.heard, 50):
            with self._undone() as db:
                store(db, [Delivery(account="main", heard=batch, body="")], now=now)
                apply_heard(db, "main", self.account.settings, batch, now=now)
                _times_are_sound(db, self.using)
        for batch in _batches(self.metered, 200):
            self._meter(batch)
        for name in PATHS:
            self.went[name] += len(getattr(self, name))
            getattr(self, name).clear()

    def _meter(self, batch: Sequence[Ruling]) -> None:
        bucket, now = self.account.bucket, self.using.clock()
        rulings = [self.account.in_our_seconds(ruling) for ruling in batch]
        bucket.settle_all([GrantResult.from_ruling(str(n), ruling) for n, ruling in enumerate(rulings)])
        forecast = bucket.forecast(2.0)
        held = _held_by_limit(forecast, now)
        assert held is None or held.until is None or held.until < now + LONGEST_WAIT
        assert all(window.left >= 0 and window.resets_in <= 86500 for window in bucket.peek().windows)

    @contextmanager
    def _undone(self) -> Iterator[Connection]:
        with self.using.ledger.engine.connect().execution_options(writes=True) as db:
            undo = db.begin()
            try:
                yield db
            finally:
                undo.rollback()


def _is_sound(ruling: Ruling) -> None:
    assert ruling.retry_after is None or 0 <= ruling.retry_after <= 86500
    for text in (ruling.detail, ruling.mnemonic or "", ruling.code or "", ruling.provider_call_id or ""):
        assert len(text) <= 400
        assert "\0" not in text
        text.encode()


def _is_new(heard: Receipt, seen: set[Any]) -> bool:
    key = replace(heard, event_id="")
    return key not in seen and not seen.add(key)  # type: ignore[func-returns-value]


def _batches(kept: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (kept[at : at + size] for at in range(0, len(kept), size))


def _times_are_sound(db: Connection, using: Runtime) -> None:
    latest = using.clock() + timedelta(minutes=10)
    for column in (attempts.c.answered_at, attempts.c.ended_at):
        last = db.scalar(select(func.max(column)))
        assert last is None or last <= latest
    longest = db.scalar(select(func.max(attempts.c.talk_seconds)))
    assert longest is None or longest <= 86400


PATHS = ("rulings", "metered", "listings", "statuses", "heard")
ACCOUNTS = {"callgear": callgear(data_api_url="http://127.0.0.1:9/data"), "webex": webex()}


@pytest.fixture
def behind(request, ledger, clock, redis_url, buckets) -> Iterator[Behind]:
    with working(ledger, redis_url, {"main": ACCOUNTS[request.param]}, clock=clock) as using:
        waiting = dialing(ledger, numbers(ATTEMPTS), now=clock())
        placed = dialing(ledger, numbers(ATTEMPTS, first=ATTEMPTS), now=clock(), campaign="placed")
        clock.forward(1)
        for n, attempt in enumerate(placed):
            ledger.write(accept, attempt, f"call-{n}", using.accounts["main"].settings, now=clock())
        clock.forward(30)
        due = update(attempts).where(attempts.c.id.in_([one.id for one in placed])).values(conclude_at=clock())
        ledger.write(lambda db: db.execute(due))
        yield Behind(using, waiting, [fresh(ledger, one.id) for one in placed])


@pytest.mark.drawn
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("behind", ACCOUNTS, indirect=True)
def test_no_reply_whatever_it_holds_raises_anywhere(request, behind, seed):
    hostile = Hostile(request.node.callspec.params["behind"], 2 * seed + behind.using.ledger.url.startswith("sqlite"))
    ids = [*(f"call-{n}" for n in range(3)), *(str(attempt.id) for attempt in behind.placed[:3])]
    for n in range(REPLIES):
        behind.take(hostile.reply(ids))
        if n % 5000 == 4999:
            behind.settle()
    behind.settle()
    ways = [name for name in PATHS if name != "listings" or behind.account.provider.follows is Follows.LISTING]
    assert all(behind.went[name] for name in ways), f"nothing goes one of the ways: {behind.went}"
