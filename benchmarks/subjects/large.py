"""Large ledgers: what is asked of PostgreSQL at one size and at a larger one, three attempts a contact.

`SMALL_CONTACTS` and `LARGE_CONTACTS` set the sizes: ten million contacts take some 20 GB of disk.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from benchmarks.figures import Figures
from benchmarks.large_postgres import ATTEMPTS, SETTINGS, fill, phone
from benchmarks.subjects.fleet.workers import placed
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.numbers.suppressions import suppressed_among
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, campaigns
from campaigns.operations.erasure import erase
from campaigns.reporting.explain import explain_contact
from campaigns.reporting.report import report
from campaigns.reporting.status import summarize_campaign
from campaigns.settlement.receipts import apply_waiting
from dialer.phone import PhoneNumber
from dialer.providers.registry import account_settings
from tests.support import postgres
from tests.support.large_ledger import NOW

SMALL = int(os.environ.get("SMALL_CONTACTS", "100000"))
LARGE = int(os.environ.get("LARGE_CONTACTS", "1000000"))
TIMES = 11
AT_ONCE = 50
ACCOUNT = account_settings(provider="webex", settle_seconds=180)
LATER = NOW + timedelta(seconds=30)
Step = Callable[[], object]


def measure() -> Iterator[Figures]:
    """Both ledgers on one server, each step in turns on the one and on the other."""
    with (
        postgres.server(durable=True, settings=SETTINGS) as server,
        postgres.database(server) as small,
        postgres.database(server) as large,
        tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder,
        _filled(small, SMALL) as small_ledger,
        _filled(large, LARGE) as large_ledger,
    ):
        both = [_steps(small_ledger, SMALL, Path(folder)), _steps(large_ledger, LARGE, Path(folder))]
        yield _table([_row(name, both[0][name], both[1][name]) for name in both[0]])


def _table(rows: list[list[str]]) -> Figures:
    return Figures(
        title=f"Of {SMALL:,} contacts and of {LARGE:,}: milliseconds",
        columns=("what", f"{SMALL:,} contacts", f"{LARGE:,} contacts, {LARGE * ATTEMPTS:,} attempts", "of the first"),
        rows=rows,
        note=f"The fastest of {TIMES}, the two ledgers in turns; of two for a report. Goal: at most 1.5 of the first. "
        "No table is partitioned.",
    )


def _row(name: str, small: Step, large: Step) -> list[str]:
    times = 2 if name.startswith("report") else TIMES
    best = [1e9, 1e9]
    for _ in range(times):
        for place, step in enumerate((small, large)):
            began = time.perf_counter()
            step()
            best[place] = min(best[place], 1000 * (time.perf_counter() - began))
    return [name, f"{best[0]:,.1f}", f"{best[1]:,.1f}", f"{best[1] / best[0]:.2f}"]


@contextmanager
def _filled(url: str, contacts: int) -> Iterator[Ledger]:
    ledger = fill(url, contacts)
    try:
        yield ledger
    finally:
        ledger.close()


def _steps(ledger: Ledger, contacts: int, folder: Path) -> dict[str, Step]:
    with ledger.reading() as db:
        running = db.scalars(select(campaigns.c.id).where(campaigns.c.status == "running")).one()
    explained = PhoneNumber.of_valid(phone(contacts - 3))
    erased = (PhoneNumber.of_valid(phone(number)) for number in range(contacts - 1, 0, -7))
    checked = [phone(number) for number in range(1, contacts, contacts // 500)]
    return {
        f"claim of {AT_ONCE}": partial(_claim, ledger, running),
        f"openings of {AT_ONCE}, with their claim": partial(_open, ledger, running),
        f"{AT_ONCE} receipts, stored and applied": partial(_receive, ledger),
        "status": partial(_status, ledger, running),
        "explain of a contact": lambda: explain_contact(ledger, running, explained, now=NOW),
        "suppression check of 500 numbers": partial(_suppressed, ledger, checked),
        "erase of a number": lambda: erase(ledger, next(erased), who="bench", now=NOW),
        "report of 20,000 contacts": lambda: report(ledger, running, folder / str(contacts)),
    }


def _claimed(ledger: Ledger, campaign_id: str, claim_id: UUID) -> Sequence[int]:
    claim = (campaign_id, claim_id, AT_ONCE)
    return list(ledger.write(claims.claim_due, *claim, now=NOW, lease_until=LATER, in_list_order=False))


def _claim(ledger: Ledger, campaign_id: str) -> None:
    claim_id = uuid4()
    ids = _claimed(ledger, campaign_id, claim_id)
    ledger.write(claims.give_back, claim_id, ids)


def _open(ledger: Ledger, campaign_id: str) -> None:
    claim_id = uuid4()
    ids = _claimed(ledger, campaign_id, claim_id)
    with ledger.reading() as db:
        ours = claims.still_claimed(db, claim_id, ids, NOW)
    openings = [
        Opening(contact=contact, account="main", provider="webex", caller_id="+18005550100", script_seconds=6.0)
        for contact in ours
    ]
    ledger.write(open_attempts, openings, now=NOW, conclude_at={"main": NOW + timedelta(seconds=40)})


def _receive(ledger: Ledger) -> None:
    with ledger.reading() as db:
        dialing = select(attempts.c.id).where(attempts.c.status == "dialing").limit(AT_ONCE)
        ids = db.scalars(dialing).all()
    heard = [Delivery(account="main", heard=[placed(attempt_id, NOW)], body="{}") for attempt_id in ids]
    ledger.write(store, heard, now=NOW)
    ledger.write(apply_waiting, "main", ACCOUNT, now=NOW)


def _status(ledger: Ledger, campaign_id: str) -> None:
    with ledger.reading() as db:
        summarize_campaign(db, queries.campaign(db, campaign_id), NOW)


def _suppressed(ledger: Ledger, phones: list[str]) -> None:
    with ledger.reading() as db:
        suppressed_among(db, phones, account="main", forms=ledger.forms, now=NOW)
