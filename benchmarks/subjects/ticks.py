"""A tick among thousands of live campaigns, of which few have somebody due."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection, event, insert, select, text, update

from benchmarks.figures import Figures
from benchmarks.redis_server import serving
from campaigns.dispatch.release import release
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, contacts
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_accounts
from dialer.deadline import utc_now
from tests.support import postgres
from tests.support.dialers import webex, working
from tests.support.seeding import numbers, seed

CASES = ((50, 1, 50), (500, 1, 50), (5_000, 1, 50), (1_000, 1_000, 50))  # campaigns, accounts, campaigns that are due
CONTACTS, PACE = 20, 10
TIMES = 7
LATER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Step:
    """One step, as often as it takes for a median."""

    milliseconds: float
    statements: int

    def __str__(self) -> str:
        return f"{self.milliseconds:,.0f} ms, {self.statements}"


def measure() -> Iterator[Figures]:
    """Both stores, one after the other."""
    with serving() as server:
        redis_url = server.url
        with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
            rows = [_row(f"sqlite:///{folder}/{number}", redis_url, *case) for number, case in enumerate(CASES)]
        yield _table("SQLite", rows)
        with postgres.server() as store:
            rows = []
            for case in CASES:
                with postgres.database(store) as url:
                    rows.append(_row(url, redis_url, *case))
        yield _table("PostgreSQL", rows)


def _table(store: str, rows: Sequence[Sequence[str]]) -> Figures:
    return Figures(
        title=f"Ticks over N live campaigns of {CONTACTS} contacts on {store}: milliseconds and statements",
        columns=("campaigns, accounts", "release, none due", "release of 50 due", "the next release", "sweep", "look"),
        rows=rows,
        note=f"Pace {PACE} an account. Release of 50 due: once, with its claims; the others are medians of {TIMES}. "
        "Goals: 50 of 5,000 due 50 ms, 1,000 accounts 200 ms.",
    )


def _row(url: str, redis_url: str, many: int, accounts: int, due: int) -> list[str]:
    names = [f"account-{number}" for number in range(accounts)]
    now = utc_now()
    ledger = Ledger(url)
    try:
        upgrade(ledger)
        _fill(ledger, many, names, now)
        with working(ledger, redis_url, {name: webex(pace=PACE) for name in names}) as using:
            return [f"{many:,}, {accounts:,}", *map(str, _steps(using, many, due, now))]
    finally:
        ledger.close()


def _steps(using: Runtime, many: int, due: int, now: datetime) -> Iterator[Step]:
    yield _timed(using, lambda: release(using=using))
    _make_due(using.ledger, [f"c{number}-1" for number in range(0, many, many // due)], now)
    yield _timed(using, lambda: release(using=using), times=1)
    yield _timed(using, lambda: release(using=using))
    yield _timed(using, lambda: sweep(using=using))
    yield _timed(using, lambda: poll_accounts(using=using))


def _timed(using: Runtime, step: Callable[[], object], times: int = TIMES) -> Step:
    if times > 1:
        step()  # statements are compiled, pages are at hand
    took = []
    with _counted(using.ledger) as statements:
        for _ in range(times):
            began = time.perf_counter()
            step()
            took.append(1000 * (time.perf_counter() - began))
    return Step(median(took), len(statements) // times)


@contextmanager
def _counted(ledger: Ledger) -> Iterator[list[None]]:
    statements: list[None] = []

    def add(*_: object) -> None:
        statements.append(None)

    with ExitStack() as stack:
        event.listen(ledger.engine, "before_cursor_execute", add)
        stack.callback(event.remove, ledger.engine, "before_cursor_execute", add)
        yield statements


def _fill(ledger: Ledger, many: int, accounts: Sequence[str], now: datetime) -> None:
    """Running campaigns on these accounts in turn, whose contacts are due later."""
    seed(ledger, numbers(CONTACTS), now=now, campaign="c0", account=accounts[0])
    ledger.write(_copy, many, accounts)
    with ledger.writing() as db:
        db.execute(update(contacts).values(due_at=now + LATER))
    if not ledger.has_one_writer:
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("VACUUM ANALYZE"))


def _copy(db: Connection, many: int, accounts: Sequence[str]) -> None:
    campaign = dict(db.execute(select(campaigns)).mappings().one())
    own = [
        {name: value for name, value in row.items() if name != "id"} for row in db.execute(select(contacts)).mappings()
    ]
    for number in range(1, many):
        account = accounts[number % len(accounts)]
        written = campaign["definition"].replace('"c0"', f'"c{number}"').replace(f'"{accounts[0]}"', f'"{account}"')
        copy = {"id": f"c{number}-1", "name": f"c{number}", "account": account, "definition": written}
        db.execute(insert(campaigns).values(**campaign | copy))
        db.execute(insert(contacts), [row | {"campaign_id": f"c{number}-1"} for row in own])


def _make_due(ledger: Ledger, campaign_ids: Sequence[str], now: datetime) -> None:
    with ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.campaign_id.in_(campaign_ids)).values(due_at=now))
