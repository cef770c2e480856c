"""A sandbox to speak to, and a notify URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.sandbox_clients import STILL, Clients, Receiver


@pytest.fixture
def start() -> Iterator[Callable[..., Clients]]:
    """Start sandboxes with the config given; their time all but stands still unless it says otherwise."""
    stack: list[Any] = []

    def started(**config: Any) -> Clients:
        context = running(SandboxConfig(**({"seed": 1, "speed": STILL} | config)))
        clients = Clients(context.__enter__())
        stack.append((context, clients))
        return clients

    yield started
    for context, clients in reversed(stack):
        clients.http.close()
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Clients]:
    """A sandbox that a whole module may speak to, as long as it leaves its config alone."""
    with running(SandboxConfig(seed=1, speed=1, webex_tps=10_000)) as sandbox:
        clients = Clients(sandbox)
        yield clients
        clients.http.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()
