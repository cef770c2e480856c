"""Requests about calls in progress: their points are counted, ahead of all that waits, and never past the minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from pydantic import SecretStr

from dialer.account import Account
from dialer.live_calls import NoPoints, calls_at
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import callgear
from workers.settings import RedisSettings, Settings
from workers.wiring import open_accounts

MINUTE = 20

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


def test_an_empty_minute_is_named_and_the_provider_is_not_asked(opened, redis_url, sandbox):
    with opened(redis_url) as account:
        calls = calls_at(account)
        for _ in range(MINUTE):
            calls.list_calls()
        asked = len(sandbox.requests())
        with pytest.raises(NoPoints, match="minute points leave no room for another"):
            calls.list_calls()
        assert len(sandbox.requests()) == asked


def test_without_redis_calls_in_progress_can_still_be_managed(opened):
    with opened("redis://127.0.0.1:1/0") as account:
        assert calls_at(account).list_calls() is not None
