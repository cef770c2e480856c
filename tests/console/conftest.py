"""The console under test: its app served over HTTP, its ledger on both stores, a client that knows the password."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from campaigns.ledger.store import Ledger
from console.web import create_app
from tests.conftest import HandSetClock
from tests.console import house


@dataclass(frozen=True)
class Console:
    """A running console: `http` knows the password, `door` is where Webex Connect delivers its receipts."""

    address: str
    ledger: Ledger
    clock: HandSetClock
    http: httpx.Client
    door: str = f"/receipts/bulk/{house.SECRET}"

    def deliver(self, body: bytes, door: str | None = None) -> httpx.Response:
        with house.client(self.address, known=False) as provider:
            return provider.post(door or self.door, content=body)


@pytest.fixture
def console(ledger: Ledger, ledger_url: str, tmp_path: Path, clock: HandSetClock) -> Iterator[Console]:
    app = create_app(house.settings(tmp_path / "data", ledger_url), clock)
    with house.serving(app) as address, house.client(address) as http:
        yield Console(address=address, ledger=ledger, clock=clock, http=http)
