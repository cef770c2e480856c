"""What starts no call is not held back by our books: refusals cost no points, and only an answer tells what is left."""

from __future__ import annotations

import pytest
import redis

from dialer.bucket import Limits, TokenBucket, Urgency
from dialer.verdicts import Meter

POLL = 5.0
EMPTY = Meter(minute_limit=150, minute_remaining=0, minute_reset=40, day_limit=750, day_remaining=500, day_reset=3000)
PLENTY = Meter(minute_limit=150, minute_remaining=90, minute_reset=30, day_limit=750, day_remaining=500, day_reset=2990)


class Account:
    """A metered account whose clock is ours, with calls in progress that are looked at every five seconds."""

    def __init__(self, buckets: redis.Redis) -> None:
        self.now = 1_800_000_000.0
        limits = Limits(pace=20, poll_seconds=POLL, reserved_share=0.05)
        self.bucket = TokenBucket(buckets, "main", limits, metered=True, clock=lambda: self.now)
        self.asked = 0
        self.answered(self.call(), meter=PLENTY)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def call(self) -> str | None:
        """A call that may start now, by its id."""
        return self._acquire(call=True)

    def look(self) -> str | None:
        return self._acquire(call=False)

    def operator(self) -> str | None:
        return self._acquire(call=False, urgency=Urgency.URGENT)

    def _acquire(self, **what: object) -> str | None:
        self.asked += 1
        self.pass_by(0.2)
        return f"{self.asked}" if self.bucket.acquire(f"{self.asked}", **what).granted else None

    def answered(self, request: str | None, meter: Meter | None = None) -> None:
        assert request
        self.bucket.settle(request, charged=True, meter=meter)

    def throttled(self, request: str | None, seconds: float = 40.0, meter: Meter | None = EMPTY) -> None:
        assert request
        self.bucket.settle(request, charged=False, meter=meter, block=seconds)


@pytest.fixture
def account(buckets: redis.Redis) -> Account:
    return Account(buckets)


def test_after_a_throttle_one_look_each_poll_goes_on_and_no_call(account):
    account.throttled(account.call())
    looks = 0
    while account.bucket.peek().blocked_for > 5:
        assert account.call() is None
        if look := account.look():
            looks += 1
            account.throttled(look, account.bucket.peek().blocked_for)
    assert 6 <= looks <= 8, "one in five of thirty-five seconds"


def test_looks_that_are_refused_meanwhile_neither_slow_the_account_nor_prolong_its_wait(account):
    account.throttled(account.call(), 20.0, meter=None)
    pace = account.bucket.peek().pace
    for _ in range(3):
        account.pass_by(POLL)
        account.throttled(account.look(), 1.0, meter=None)
    assert account.bucket.peek().pace == pytest.approx(pace)
    assert account.bucket.peek().blocked_for < 5
    account.pass_by(POLL)
    assert account.call()


def test_the_first_look_that_succeeds_tells_what_is_left_and_calls_go_on(account):
    account.throttled(account.call())
    account.answered(account.look(), meter=PLENTY)
    assert account.bucket.peek().windows[0].left == 90
    assert account.call()


def test_a_minute_that_is_empty_by_our_books_alone_is_read_again_too(account):
    """No request was refused: another user's points came back, or a figure was wrong."""
    account.answered(account.look(), meter=EMPTY)
    assert account.call() is None
    account.answered(account.look(), meter=PLENTY)
    assert account.call()


def test_a_day_that_is_used_up_is_read_again_too(account):
    used_up = Meter(
        minute_limit=150, minute_remaining=90, minute_reset=30, day_limit=750, day_remaining=0, day_reset=9000
    )
    account.throttled(account.call(), 9000.0, meter=used_up)
    assert account.call() is None
    account.pass_by(4)
    account.answered(account.look(), meter=PLENTY)
    assert account.call()


def test_the_provider_is_believed_when_it_refuses_again_what_the_look_had_promised(account):
    """Perhaps it refuses calls only, and no figure shows it."""
    account.throttled(account.call())
    account.answered(account.look(), meter=PLENTY)
    account.throttled(account.call(), 30.0)
    account.pass_by(POLL)
    account.answered(account.look(), meter=PLENTY)
    assert account.call() is None
    assert account.bucket.peek().blocked_for > 20
    account.pass_by(POLL)
    assert account.look(), "and who follows calls looks on"


def test_a_look_that_newer_figures_have_overtaken_tells_nothing_new(account):
    calls = [account.call() for _ in range(3)]
    account.throttled(calls[0])
    look = account.look()
    account.throttled(calls[1])
    account.answered(look, meter=PLENTY)
    assert account.bucket.peek().windows[0].left == 0
    assert account.call() is None


@pytest.mark.parametrize("short", ["throttled", "throttled without figures", "minute empty", "answer awaited"])
def test_what_an_operator_does_with_a_call_is_never_held_back_by_us(account, buckets, short):
    match short:
        case "throttled":
            account.throttled(account.call())
        case "throttled without figures":
            account.throttled(account.call(), meter=None)
        case "minute empty":
            account.answered(account.look(), meter=EMPTY)
        case _:
            buckets.flushall()
            assert account.call(), "the one that learns the provider's figures"
    assert account.call() is None
    assert all(account.operator() for _ in range(5))


def test_calls_in_progress_are_looked_at_while_the_first_answer_of_an_emptied_redis_is_awaited(account, buckets):
    buckets.flushall()
    assert account.call()
    assert account.look()
    assert account.look() is None, "but not more often than ever"


def test_where_nothing_is_followed_by_looks_none_is_let_through(buckets):
    unfollowed = TokenBucket(buckets, "other", Limits(pace=20), metered=True)
    unfollowed.acquire("a")
    unfollowed.settle("a", charged=False, meter=EMPTY, block=40.0)
    assert not unfollowed.acquire("question", call=False).granted
