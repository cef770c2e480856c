"""A contact that is withdrawn, changed or suppressed at any point of its way to a call, by ten threads at once.

The point is each statement and each commit of the release and of the dial in turn: right before it, ten threads act.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, select

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.change import Change, change_contact
from campaigns.ledger.lists.contacts import ContactRef, Outcome
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import attempts, contacts
from campaigns.operations import control
from campaigns.operations.withdrawals import withdraw_contact
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.phone import PhoneNumber
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import callgear, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import LONG_TEXT, numbers, seed

THREADS = 10
STEP = 3
HEAD_START = 0.01  # seconds that the threads have before the dial goes on; where it holds the store, they wait for it
AHEAD = utc_now() + timedelta(days=1)  # so that no request is late on a busy machine: deadlines keep to the wall
NEW_TEXT = LONG_TEXT + " Please come at ten instead."  # a length of its own: that is what the log of calls has

ACTING = "acts"


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=0.001)) as handle:
        yield handle


@pytest.fixture
def using(ledger, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    accounts = {"main": callgear(sandbox.base_url("callgear"))}
    with working(ledger, redis_url, accounts, clock=HandSetClock(AHEAD)) as parts:
        yield parts


class AtPoint:
    """Runs an act in ten threads before one statement or commit of any other thread."""

    def __init__(self, point: int, act: Callable[[], Any], threads: ThreadPoolExecutor) -> None:
        self._point, self._act, self._threads = point, act, threads
        self._passed = 0
        self.acts: list[Future[Any]] = []

    def reached(self, *_: Any) -> None:
        if threading.current_thread().name.startswith(ACTING):
            return
        if self._passed == self._point:
            self.acts = [self._threads.submit(self._act) for _ in range(THREADS)]
            wait(self.acts, timeout=HEAD_START)
        self._passed += 1


@contextmanager
def watching(using: Runtime, at: AtPoint) -> Iterator[None]:
    engine = using.ledger.engine
    event.listen(engine, "before_cursor_execute", at.reached)
    event.listen(engine, "commit", at.reached)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", at.reached)
        event.remove(engine, "commit", at.reached)


def at_every_point(using: Runtime, act: Callable[[str, str], Any], first: int) -> Iterator[tuple[str, str, list[Any]]]:
    """For every third point of a call's way, from `first` on: its campaign, number, and what the threads were told."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix=ACTING) as threads:
        for point in count(first, STEP):
            (phone,) = numbers(1, first=point)
            campaign = seed(using.ledger, [phone], now=using.clock(), campaign=f"point-{point}")
            at = AtPoint(point, lambda: act(campaign, phone), threads)  # noqa: B023  # it ends within this turn
            with watching(using, at):
                for slice_ in release(using=using):
                    dial(slice_, using=using)
            if not at.acts:
                return
            answers = [one.result() for one in at.acts]
            for slice_ in release(using=using):  # what was put back is called now, unless it is over
                dial(slice_, using=using)
            yield campaign, phone, answers
            control.cancel(
                using.ledger, campaign, who="ann", now=using.clock()
            )  # the way of the next has no more points


def calls_to(sandbox: SandboxHandle, phone: str) -> list[dict[str, Any]]:
    return [call for call in sandbox.calls() if call["to"].endswith(phone.removeprefix("+"))]


def status_of(using: Runtime, campaign: str) -> str:
    with using.ledger.reading() as db:
        return db.scalars(select(contacts.c.status).where(contacts.c.campaign_id == campaign)).one()


@pytest.mark.parametrize("first", range(STEP))
def test_whoever_was_withdrawn_is_never_dialed(first, using, sandbox):
    def act(campaign: str, phone: str) -> Outcome:
        ref = ContactRef(number=PhoneNumber.of_valid(phone))
        (done,) = withdraw_contact(using.ledger, campaign, ref, who="ann", now=using.clock())
        return done.outcome

    points = {Outcome.DONE: 0, Outcome.ON_A_CALL: 0}
    for campaign, phone, answers in at_every_point(using, act, first):
        (answer,) = set(answers) - {Outcome.BEFORE}
        points[answer] += 1
        if answer is Outcome.DONE:
            assert answers.count(Outcome.DONE) == 1, "one of the ten withdraws it, the others come after"
            assert (calls_to(sandbox, phone), status_of(using, campaign)) == ([], "withdrawn")
        else:
            assert (len(calls_to(sandbox, phone)), status_of(using, campaign)) == (1, "placed")
    assert all(points.values()), points


@pytest.mark.parametrize("first", range(STEP))
def test_whoever_was_changed_hears_the_new_text_and_is_called_once(first, using, sandbox):
    accounts = {name: account.settings for name, account in using.accounts.items()}

    def act(campaign: str, phone: str) -> Outcome:
        ref = ContactRef(number=PhoneNumber.of_valid(phone))
        change = Change(text=NEW_TEXT)
        return change_contact(using.ledger, campaign, ref, change, accounts, who="ann", now=using.clock()).outcome

    points = {Outcome.DONE: 0, Outcome.ON_A_CALL: 0}
    for campaign, phone, answers in at_every_point(using, act, first):
        first = Outcome.DONE if Outcome.DONE in answers else Outcome.ON_A_CALL  # the others may come during its call
        points[first] += 1
        (call,) = calls_to(sandbox, phone)
        heard_new = call["text_length"] == len(NEW_TEXT)
        assert (heard_new, status_of(using, campaign)) == (first is Outcome.DONE, "placed")
    assert all(points.values()), points


@pytest.mark.parametrize("first", range(STEP))
def test_whoever_was_suppressed_before_its_attempt_is_never_dialed(first, using, sandbox):
    def act(_campaign: str, phone: str) -> None:
        using.ledger.write(suppress, phone, reason="asked us", source="ann", now=using.clock())

    ends = {"suppressed": 0, "placed": 0}
    for campaign, phone, _ in at_every_point(using, act, first):
        status = status_of(using, campaign)
        ends[status] += 1
        with using.ledger.reading() as db:
            tried = db.scalars(select(attempts.c.id).where(attempts.c.campaign_id == campaign)).all()
        assert len(calls_to(sandbox, phone)) == len(tried) == (0 if status == "suppressed" else 1)
    assert all(ends.values()), ends
