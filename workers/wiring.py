"""Puts the parts together, once per process: ledger, accounts, buckets, one event loop for all requests."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from random import Random

import redis
from anyio.from_thread import BlockingPortal, start_blocking_portal

from campaigns.runtime import Runtime
from dialer.account import Account, count_from_nought, limits_of
from dialer.account_settings import AccountSettings
from dialer.bucket import TokenBucket, connect
from dialer.internal_networks import networks
from dialer.providers.registry import PROVIDERS, provider_for
from dialer.transport.admission import Admission
from dialer.transport.departure import Departures
from dialer.transport.session import Session
from dialer.transport.shared_logins import SharedLogins
from dialer.transport.signed_posts import SignedPosts
from workers.clock import now_utc, possible_times
from workers.ledger import open_ledger
from workers.secrets import receipt_url, webhook_key
from workers.settings import Settings

_lock = threading.Lock()
_parts: Runtime | None = None
_closing = ExitStack()
_stopping = False


def start_no_more_calls() -> None:
    """From here on this process opens no attempt: it has been told to end. Calls being placed are finished.

    It is asked by a handler of signals, which may run within another, so it takes no lock.
    """
    global _stopping
    _stopping = True


def runtime(settings: Settings) -> Runtime:
    """The parts of this process, made at the first call and kept until `close`."""
    global _parts
    with _lock:
        if _parts is None:
            _parts = _closing.enter_context(assembled(settings))
        return _parts


def close() -> None:
    """Give everything back; requests in flight have been answered by now."""
    global _parts
    with _lock:
        _parts = None
        _closing.close()


@contextmanager
def assembled(settings: Settings) -> Iterator[Runtime]:
    """A Runtime, closed at the end of the block."""
    with ExitStack() as closing:
        ledger = open_ledger(settings)
        closing.callback(ledger.close)
        accounts = closing.enter_context(open_accounts(settings))
        count_from_nought(accounts.values())
        posts = closing.enter_context(open_posts(settings))
        yield Runtime(
            ledger=ledger,
            accounts=accounts,
            clock=now_utc,
            rng=Random(),
            notify_url=lambda account: receipt_url(settings, account),
            horizon=settings.worker.horizon_seconds,
            lease=settings.worker.lease_seconds,
            stopping=lambda: _stopping,
            posts=posts,
            post_timeout=settings.webhooks.timeout,
            keep_events=timedelta(days=settings.webhooks.keep_days),
            possible_times=possible_times,
        )


@contextmanager
def open_accounts(settings: Settings) -> Iterator[dict[str, Account]]:
    """Every account of the settings, ready to dial, on one event loop."""
    # A request leaves in its slot or not at all: its loop may not wait 5 ms for each thread that computes.
    sys.setswitchinterval(0.001)
    with start_blocking_portal() as loop:
        buckets, admission = connect(settings.redis_address), Admission(loop)
        accounts = {name: _account(name, one, buckets, loop, admission) for name, one in settings.accounts.items()}
        try:
            yield accounts
        finally:
            for account in accounts.values():
                loop.call(account.session.aclose)
            buckets.close()


@contextmanager
def open_posts(settings: Settings) -> Iterator[SignedPosts]:
    """What sends signed messages to programs of others, on an event loop of its own: they may be slow."""
    with start_blocking_portal() as loop:
        allowed = networks(settings.webhooks.internal_networks)
        posts = SignedPosts(loop, key=webhook_key(settings), allowed=allowed)
        try:
            yield posts
        finally:
            loop.call(posts.aclose)


@contextmanager
def open_buckets(settings: Settings) -> Iterator[dict[str, TokenBucket]]:
    """The token bucket of every account, for looking at: no account is logged in for it."""
    server = connect(settings.redis_address)
    try:
        yield {name: _bucket(name, one, server) for name, one in settings.accounts.items()}
    finally:
        server.close()


def _bucket(name: str, settings: AccountSettings, server: redis.Redis) -> TokenBucket:
    limits = limits_of(settings, follows=provider_for(settings).follows)
    return TokenBucket(server, name, limits, metered=PROVIDERS[settings.provider].metered)


def _account(
    name: str, settings: AccountSettings, buckets: redis.Redis, loop: BlockingPortal, admission: Admission
) -> Account:
    provider = provider_for(settings)
    bucket = _bucket(name, settings, buckets)
    return Account(
        name=name,
        settings=settings,
        provider=provider,
        bucket=bucket,
        departures=Departures(bucket),
        admission=admission,
        session=Session(provider, settings.timeout, logins=_logins(name, settings, buckets), account=name),
        loop=loop,
        clock=now_utc,
    )


def _logins(name: str, settings: AccountSettings, server: redis.Redis) -> SharedLogins | None:
    """Where the account's processes share one login; None for an account with a permanent key."""
    secret = settings.login_secret
    return None if secret is None else SharedLogins(server=server, account=name, secret=secret)
