"""A receiver for all tests of this package, and what delivers to it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from anyio.from_thread import start_blocking_portal

from campaigns.runtime import Runtime
from dialer.internal_networks import networks
from dialer.transport.signed_posts import SignedPosts
from tests.support.webhook_receiver import Receiver, receiving, taken

KEY = "a key of these tests"


@pytest.fixture(scope="package")
def served() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(served) -> Receiver:
    served.came, served.answer = [], taken
    return served


@pytest.fixture(scope="package")
def posts() -> Iterator[SignedPosts]:
    with start_blocking_portal() as loop:
        made = SignedPosts(loop, key=KEY, allowed=networks(["127.0.0.1"]))
        yield made
        loop.call(made.aclose)


@pytest.fixture
def using(ledger, clock, posts) -> Runtime:
    return Runtime(
        ledger=ledger, accounts={}, clock=clock, rng=Random(7), notify_url=lambda _: None, posts=posts, post_timeout=5
    )
