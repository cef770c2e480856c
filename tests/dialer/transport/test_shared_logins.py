"""One login for all processes of an account: got once, renewed once, never readable, given back by the last one out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from pydantic import SecretStr

from dialer.account_settings import AccountSettings
from dialer.bucket import connect
from dialer.calls import CallRequest
from dialer.deadline import Deadline, utc_now
from dialer.phone import PhoneNumber
from dialer.providers.callgear.provider import CallGear
from dialer.providers.registry import account_settings
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.scripts import Speech
from dialer.transport.session import Session
from dialer.transport.shared_logins import SharedLogins
from dialer.verdicts import Verdict

PASSWORD = "sandbox"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1)) as handle:
        yield handle


def settings(sandbox: SandboxHandle) -> AccountSettings:
    given = {"provider": "callgear", "base_url": sandbox.base_url("callgear"), "login": "sandbox", "password": PASSWORD}
    return account_settings(**given)


def shared(server: redis.Redis, password: str = PASSWORD) -> SharedLogins:
    return SharedLogins(server=server, account="main", secret=SecretStr(password))


@asynccontextmanager
async def worker(sandbox: SandboxHandle, server: redis.Redis | None):
    """One process of the account, as far as its session goes."""
    logins = shared(server) if server is not None else None
    async with Session(CallGear(settings(sandbox)), logins=logins) as session:
        yield session


async def place(session: Session) -> Verdict:
    call = CallRequest(
        correlation_id=uuid4(),
        to=PhoneNumber("+14155550101"),
        caller_id=PhoneNumber("+18005550100"),
        script=Speech(text="Hello"),
    )
    return (await session.place(call, Deadline(utc_now() + timedelta(seconds=20)))).verdict


def asked(sandbox: SandboxHandle, method: str) -> int:
    return sum(row["count"] for row in sandbox.requests() if row["method"] == method)


async def test_many_processes_log_in_once_and_the_last_one_out_logs_out(sandbox, buckets):
    async with worker(sandbox, buckets) as first:
        async with worker(sandbox, buckets) as second, worker(sandbox, buckets) as third:
            verdicts = await asyncio.gather(*(place(one) for one in (first, second, third) * 5))
            assert set(verdicts) == {Verdict.PLACED}
            assert asked(sandbox, "login.user") == 1
        assert asked(sandbox, "logout.user") == 0, "the first is still at work"
        assert await place(first) is Verdict.PLACED
    assert (asked(sandbox, "login.user"), asked(sandbox, "logout.user")) == (1, 1)
    assert shared(buckets).read() is None


async def test_a_key_that_is_refused_is_renewed_once_for_all(sandbox, buckets):
    async with worker(sandbox, buckets) as first, worker(sandbox, buckets) as second:
        await asyncio.gather(place(first), place(second))
        held = shared(buckets).read()
        assert held
        async with worker(sandbox, None) as stranger:  # somebody ends the session behind our back
            provider = stranger.provider
            assert isinstance(provider, CallGear)
            assert provider.adopt(held, utc_now())
        verdicts = await asyncio.gather(*(place(one) for one in (first, second) * 5))
        assert set(verdicts) == {Verdict.PLACED}
        assert asked(sandbox, "login.user") == 2
        renewed = shared(buckets).read()
        assert renewed
        assert renewed.token != held.token


async def test_a_key_is_renewed_before_it_ends_once_for_all(sandbox, buckets):
    later = utc_now() + timedelta(minutes=59, seconds=30)
    async with worker(sandbox, buckets) as first, worker(sandbox, buckets) as second:
        await asyncio.gather(place(first), place(second))
        await asyncio.gather(first.list_calls(now=lambda: later), second.list_calls(now=lambda: later))
        assert asked(sandbox, "login.user") == 2


async def test_a_wrong_password_is_asked_about_once_by_each_process_and_never_in_a_loop(sandbox, buckets):
    wrong = settings(sandbox).model_copy(update={"password": SecretStr("wrong")})
    async with Session(CallGear(wrong), logins=shared(buckets, "wrong")) as session:
        assert await place(session) is Verdict.HALT_ACCOUNT
    assert asked(sandbox, "login.user") == 1


async def test_without_redis_each_process_logs_in_for_itself(sandbox):
    nowhere = connect("redis://127.0.0.1:9/0")
    async with worker(sandbox, nowhere) as first, worker(sandbox, nowhere) as second:
        assert [await place(first), await place(second)] == [Verdict.PLACED] * 2
    assert (asked(sandbox, "login.user"), asked(sandbox, "logout.user")) == (2, 2)
    nowhere.close()


async def test_a_process_that_was_killed_holds_nobody_up_and_keeps_no_one_logged_in_for_ever(sandbox, buckets):
    killed = Session(CallGear(settings(sandbox)), logins=shared(buckets))
    assert await place(killed) is Verdict.PLACED
    async with worker(sandbox, buckets) as survivor:
        assert await place(survivor) is Verdict.PLACED
    assert asked(sandbox, "logout.user") == 0, "the other may still be at work"
    assert all(buckets.pttl(key) > 0 for key in buckets.scan_iter("dialer:{main}:*"))
    await killed.aclose()
    assert asked(sandbox, "logout.user") == 1


async def test_the_key_is_readable_nowhere(sandbox, buckets, caplog):
    caplog.set_level(logging.DEBUG)
    async with worker(sandbox, buckets) as session:
        await place(session)
        held = shared(buckets).read()
        assert held
        token = held.token.get_secret_value()
        stored = (
            [buckets.dump(key) for key in buckets.scan_iter("*")] if not buckets.get_encoder().decode_responses else []
        )
        stored += [buckets.get("dialer:{main}:login")]
        assert token not in str(stored)
        assert token not in repr(held) + repr(session.provider) + repr(shared(buckets)) + caplog.text
        assert shared(buckets, "another password").read() is None
