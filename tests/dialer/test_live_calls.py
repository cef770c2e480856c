"""Requests about calls in progress: their points are counted, ahead of all that waits, and never past the minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr

from dialer.account import Account
from dialer.calls import CallRequest
from dialer.deadline import Deadline, utc_now
from dialer.errors import Throttled
from dialer.live_calls import calls_at
from dialer.phone import PhoneNumber
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.scripts import Speech
from dialer.transport.departure import Departure
from tests.support.dialers import callgear
from tests.support.seeding import LONG_TEXT
from workers.settings import Settings
from workers.settings_sections import RedisSettings
from workers.wiring import open_accounts

MINUTE = 20
CALL = CallRequest(
    correlation_id=uuid4(),
    to=PhoneNumber("+14155550107"),
    caller_id=PhoneNumber("+18005550100"),
    script=Speech(text=LONG_TEXT),
)

Opened = Callable[[str], AbstractContextManager[Account]]


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, points_per_minute=MINUTE)) as handle:
        yield handle


@pytest.fixture
def opened(sandbox) -> Opened:
    """The account, with its bucket in a Redis at this address."""

    @contextmanager
    def open_it(redis_url: str) -> Iterator[Account]:
        account = callgear(sandbox.base_url("callgear"), poll_seconds=600)
        settings = Settings(accounts={"main": account}, redis=RedisSettings(url=SecretStr(redis_url)))
        with open_accounts(settings) as accounts:
            yield accounts["main"]

    return open_it


def test_a_request_takes_a_point_of_the_account_and_tells_the_bucket_what_is_left(opened, redis_url):
    with opened(redis_url) as account:
        for _ in range(3):
            calls_at(account).list_calls()
        minute = account.bucket.peek().windows[0]
    assert (minute.used, minute.left, minute.used_by_others) == (3, MINUTE - 3, 0)


def test_it_goes_ahead_of_calls_that_wait_for_the_minutes_reset(opened, redis_url):
    with opened(redis_url) as account:
        calls_at(account).list_calls()  # the minute is known
        calls = [account.bucket.take(f"call-{call}", patience=1.0) for call in range(MINUTE)]
        assert (calls[-1].granted, calls[-1].limit) == (False, "minute points")
        calls_at(account).list_calls()
        assert not account.bucket.take("another", patience=1.0).granted


def test_it_is_never_held_back_for_points_and_what_the_provider_answers_is_told(opened, redis_url, sandbox):
    """A refusal costs nothing, and perhaps there is a point after all."""
    with opened(redis_url) as account:
        calls = calls_at(account)
        for _ in range(MINUTE):
            calls.list_calls()
        with pytest.raises(Throttled, match="points of this minute or day are used up"):
            calls.list_calls()
        sandbox.configure(points_per_minute=MINUTE + 1)
        assert list(calls.list_calls()) == []


def test_a_call_is_released_while_the_account_is_throttled(opened, redis_url, sandbox):
    with opened(redis_url) as account:
        calls = calls_at(account)
        calls.list_calls()
        flight = account.flight()
        flight.send([(CALL, Departure(Deadline(utc_now() + timedelta(seconds=60))))])
        (((_, placed),),) = flight.wait_for_rest()
        account.bucket.acquire("throttled")
        account.bucket.settle("throttled", charged=False, block=40.0)
        assert not account.bucket.acquire("another call").granted
        calls.release_call(int(placed.provider_call_id))
    assert [call["released"] for call in sandbox.calls()] == [True]


def test_without_redis_calls_in_progress_can_still_be_managed(opened):
    with opened("redis://127.0.0.1:1/0") as account:
        assert calls_at(account).list_calls() is not None
