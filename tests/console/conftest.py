"""The console under test: its app served over HTTP, its ledger on both stores, a client that knows the password.

All tests of a run share one server a store and its ledger, which every test finds empty: to start both takes longer.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from campaigns.ledger.store import Ledger
from console.server.rate_limit import RateLimit
from console.server.state import AppState
from console.web.app import create_app
from tests.support import console_server, postgres
from tests.support.fixtures import HandSetClock, empty
from tests.support.ledger_copies import migrated
from workers.audit_counts import AuditCounts


@dataclass(frozen=True)
class Console:
    """A running console: `http` knows the password, `door` is where Webex Connect delivers its receipts."""

    address: str
    ledger: Ledger
    clock: HandSetClock
    http: httpx.Client
    state: AppState
    door: str = f"/receipts/bulk/{console_server.SECRET}"

    def deliver(self, body: bytes, door: str | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with console_server.client(self.address, known=False) as provider:
            reply = provider.post(door or self.door, content=body, headers=named)
        assert self.state.receipt_writer.flush(), "what was stored is applied in time"
        return reply


@pytest.fixture(scope="session")
def filed_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with its ledger on SQLite, for the whole run."""
    folder = tmp_path_factory.mktemp("console")
    yield from _served(folder, migrated(folder / "ledger.sqlite3"))


@pytest.fixture(scope="session")
def served_console(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with its ledger on PostgreSQL, for the whole run."""
    with postgres.database(postgres_url) as url:
        yield from _served(tmp_path_factory.mktemp("console"), url)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared_console(request: pytest.FixtureRequest) -> Console:
    """As the tests before have left it."""
    console: Console = request.getfixturevalue(
        {"sqlite": "filed_console", "postgresql": "served_console"}[request.param]
    )
    return console


def _served(folder: Path, url: str) -> Iterator[Console]:
    clock = HandSetClock()
    app = create_app(console_server.settings(folder, url), clock)
    with console_server.serving(app) as address, console_server.client(address) as http:
        yield Console(address=address, ledger=app.state.state.ledger, clock=clock, http=http, state=app.state.state)


@pytest.fixture
def console(shared_console: Console) -> Console:
    shared_console.clock.now = HandSetClock().now
    shared_console.state.counts.audit = AuditCounts()  # whatever earlier tests have left
    shared_console.state.guard.forget()
    shared_console.state.guard.audit = AuditCounts()
    shared_console.state.rate_limit = RateLimit()
    shared_console.state.streams.longest = 0.0  # else whoever asks for every route would read events for an hour
    shutil.rmtree(shared_console.state.settings.data_dir / "drafts", ignore_errors=True)
    empty(shared_console.ledger)
    console_server.add_user(shared_console.ledger, now=shared_console.clock())
    return shared_console
