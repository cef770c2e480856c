"""The console's pages and the API's figures at a thousand contacts and at a million"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import httpx

from benchmarks.figures import Figures
from console.web.app import create_app
from tests.support import console_server, postgres
from tests.support.large_ledger import NOW, large_ledger

SIZES = (1_000, 1_000_000)
TIMES = 15
ADDRESSES = {
    "nothing (`/healthz`)": "/healthz",
    "home": "/",
    "campaign": "/campaigns/{campaign}",
    "contacts": "/campaigns/{campaign}/contacts",
    "contacts, unreached": "/campaigns/{campaign}/contacts?status=unreached",
    "contacts of all campaigns, unreached": "/contacts?status=unreached",
    "calls on the line": "/calls",
    "accounts": "/accounts",
    "audit": "/audit",
    "campaign, by the API": "/api/v1/campaigns/{campaign}",
    "contacts, by the API": "/api/v1/campaigns/{campaign}/contacts",
    "metrics": "/metrics",
}


def measure() -> Iterator[Figures]:
    """Both stores, one after the other."""
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        folder = Path(name)
        yield _figures("SQLite", [_asked(f"sqlite:///{folder / str(size)}.sqlite3", folder, size) for size in SIZES])
    with postgres.server() as server, tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        asked = []
        for size in SIZES:
            with postgres.database(server) as url:
                asked.append(_asked(url, Path(name), size))
        yield _figures("PostgreSQL", asked)


def _figures(store: str, asked: Sequence[dict[str, str]]) -> Figures:
    return Figures(
        title=f"Pages of a campaign of N contacts on {store}: milliseconds, and those of the processor",
        columns=("page", *(f"{size:,} contacts" for size in SIZES)),
        rows=[(page, *(answers[page] for answers in asked)) for page in ADDRESSES],
        note=f"Medians of {TIMES}, with the client that asks, which is what `/healthz` takes. 60 % are called. "
        "Goal: 30 ms at a million.",
    )


def _asked(url: str, folder: Path, size: int) -> dict[str, str]:
    with large_ledger(url, size) as (_, campaign_id):
        app = create_app(console_server.settings(folder, url), lambda: NOW)
        with console_server.serving(app) as address, console_server.client(address) as http:
            return {page: _took(http, path.format(campaign=campaign_id)) for page, path in ADDRESSES.items()}


def _took(http: httpx.Client, path: str) -> str:
    walls, processor = [], []
    for _ in range(TIMES + 2):
        began, used = time.perf_counter(), time.process_time()
        reply = http.get(path)
        walls.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
        if reply.status_code != 200:
            raise RuntimeError(f"{path} answers {reply.status_code}")
    return f"{1000 * median(walls[2:]):.0f}, {1000 * median(processor[2:]):.0f}"
