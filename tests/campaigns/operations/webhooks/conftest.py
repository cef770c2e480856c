"""A receiver for all tests of this package, and what delivers to it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from campaigns.runtime import Runtime
from dialer.transport.signed_posts import SignedPosts
from tests.support.webhook_receiver import Receiver, receiving, sending, taken


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
    with sending() as posts:
        yield posts


@pytest.fixture
def using(ledger, clock, posts) -> Runtime:
    return Runtime(
        ledger=ledger, accounts={}, clock=clock, rng=Random(7), notify_url=lambda _: None, posts=posts, post_timeout=5
    )
