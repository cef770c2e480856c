"""What is asked of the ledger all day takes as much work at ten times the contacts: counted, not timed.

SQLite's work is counted in steps of its virtual machine, PostgreSQL's in the pages that a statement reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select, text, update

from campaigns.ledger import claims, queries, tallies
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.moves import move_contact
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import FOLLOWED_ATTEMPTS, ContactStatus
from campaigns.reporting import status
from campaigns.reporting.listings import latest_attempts
from campaigns.reporting.status import summarize_campaign
from campaigns.safeguards.budgets import budget_left
from console.web.ledger_metrics import ledger_metrics
from tests.support.large_ledger import NOW, large_ledger
from tests.support.postgres import database

SMALL, LARGE = 2_000, 20_000
STEPS = 10  # of SQLite's virtual machine, between two counts
LEASE = NOW + timedelta(seconds=30)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two_sizes(request, tmp_path_factory) -> Iterator[tuple[tuple[Ledger, str], tuple[Ledger, str]]]:
    """Two ledgers, one with ten times the contacts of the other, and the ids of their campaigns."""
    folder = tmp_path_factory.mktemp("scale")
    with ExitStack() as opened:
        ledgers = []
        for size in (SMALL, LARGE):
            url = f"sqlite:///{folder}/{size}"
            if request.param == "postgresql":
                url = opened.enter_context(database(request.getfixturevalue("postgres_url")))
            ledgers.append(opened.enter_context(large_ledger(url, size)))
        yield ledgers[0], ledgers[1]


def claim(ledger: Ledger, campaign_id: str) -> None:
    claim_id = uuid4()
    ids = ledger.write(claims.claim_due, campaign_id, claim_id, 50, now=NOW, lease_until=LEASE, in_list_order=False)
    assert len(ids) == 50
    ledger.write(claims.give_back, claim_id, ids)


def open_some(ledger: Ledger, campaign_id: str) -> None:
    claim_id = uuid4()
    ids = ledger.write(claims.claim_due, campaign_id, claim_id, 20, now=NOW, lease_until=LEASE, in_list_order=False)
    with ledger.reading() as db:
        ours = claims.still_claimed(db, claim_id, ids, NOW)
    openings = [
        Opening(contact=one, account="main", provider="callgear", caller_id="+18005550100", script_seconds=6.0)
        for one in ours
    ]
    assert len(ledger.write(open_attempts, openings, now=NOW, conclude_at={"main": NOW + timedelta(seconds=40)})) == 20


def end_some(ledger: Ledger, campaign_id: str) -> None:
    with ledger.reading() as db:
        pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.PENDING)
        ids = db.scalars(select(contacts.c.id).where(*pending).order_by(contacts.c.due_at).limit(20)).all()
    for contact_id in ids:
        assert ledger.write(move_contact, contact_id, ContactStatus.EXPIRED, NOW, reason="too late")


def sweep(ledger: Ledger, _campaign_id: str) -> None:
    ledger.write(claims.give_back_stale, NOW)
    ledger.write(claims.expire, NOW)
    ledger.write(claims.cancel_left, NOW)
    with ledger.reading() as db:
        queries.attempts_in(db, FOLLOWED_ATTEMPTS, conclude_by=NOW)


def ask_budgets(ledger: Ledger, campaign_id: str) -> None:
    """As a tick and a claim do of a campaign with a budget in calls and one in money."""
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
    limits = {"calls": 1_000_000, "cost": "1000000"}
    limited = replace(campaign, definition_text=json.dumps(json.loads(campaign.definition_text) | {"limits": limits}))
    with ledger.writing() as db:
        left = budget_left(db, limited, 1, NOW, None)
    assert left is not None
    assert left.calls > 0


def reading(ask: Callable[..., object]) -> Callable[[Ledger, str], None]:
    def act(ledger: Ledger, campaign_id: str) -> None:
        with ledger.reading() as db:
            ask(db, campaign_id)

    return act


DONE_ALL_DAY: dict[str, Callable[[Ledger, str], None]] = {
    "claim": claim,
    "open": open_some,
    "end": end_some,
    "budgets": ask_budgets,
    "sweep": sweep,
    "unfinished": reading(queries.unfinished),
    "status": reading(lambda db, name: summarize_campaign(db, queries.campaign(db, name), NOW)),
    "reasons": reading(tallies.reasons_not_reached),
    "attempts": reading(lambda db, name: latest_attempts(db, name, 50)),
    "metrics": reading(lambda db, _: list(ledger_metrics(db, ("main",), NOW))),
}


@pytest.mark.parametrize("name", DONE_ALL_DAY)
def test_ten_times_the_contacts_are_no_more_work(two_sizes, name, monkeypatch):
    monkeypatch.setattr(status, "MOST_DUE", 100)
    small, large = (work(ledger, DONE_ALL_DAY[name], campaign_id) for ledger, campaign_id in two_sizes)
    assert large <= 1.5 * small + 50, f"{name}: {small} at {SMALL:,} contacts, {large} at {LARGE:,}"


@pytest.fixture(scope="module")
def nobody_tried(two_sizes) -> tuple[tuple[Ledger, str], tuple[Ledger, str]]:
    """The same ledgers; nobody in them waits for another try."""
    for ledger, _ in two_sizes:
        with ledger.writing() as db:
            db.execute(update(contacts).where(contacts.c.status == ContactStatus.PENDING).values(tries=0, attempts=0))
        if not ledger.has_one_writer:
            with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
                db.execute(text("VACUUM ANALYZE contacts"))
    return two_sizes


@pytest.mark.parametrize("may_be_urgent", [False, True])
def test_a_claim_looks_through_no_first_tries_for_retries_or_urgent_contacts(nobody_tried, may_be_urgent):
    def act(ledger: Ledger, campaign_id: str) -> None:
        claim_id = uuid4()
        facts = {"now": NOW, "lease_until": LEASE, "in_list_order": False, "may_be_urgent": may_be_urgent}
        ids = ledger.write(claims.claim_due, campaign_id, claim_id, 50, **facts)
        assert len(ids) == 50
        ledger.write(claims.give_back, claim_id, ids)

    small, large = (work(ledger, act, campaign_id) for ledger, campaign_id in nobody_tried)
    assert large <= 1.5 * small + 50


def work(ledger: Ledger, act: Callable[[Ledger, str], None], campaign_id: str) -> int:
    act(ledger, campaign_id)  # plans and pages are at hand, as all day long
    count = _steps if ledger.has_one_writer else _pages
    with count(ledger) as counted:
        act(ledger, campaign_id)
    return sum(counted)


@contextmanager
def _steps(ledger: Ledger) -> Iterator[list[int]]:
    counted: list[int] = []

    def watch(dbapi: Any, *_rest: Any) -> None:
        dbapi.set_progress_handler(lambda: counted.append(1), STEPS)

    event.listen(ledger.engine, "checkout", watch)
    try:
        yield counted
    finally:
        event.remove(ledger.engine, "checkout", watch)


@contextmanager
def _pages(ledger: Ledger) -> Iterator[list[int]]:
    """The pages that each statement reads when it is run once more, but for those that add rows."""
    counted: list[int] = []
    explaining = [False]

    def explain(db: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if explaining[0] or many or not statement.lstrip().startswith(("SELECT", "UPDATE", "WITH", "DELETE")):
            return
        explaining[0] = True
        with db.begin_nested() as point:
            told = db.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).scalar()
            point.rollback()
        explaining[0] = False
        plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
        counted.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    event.listen(ledger.engine, "before_cursor_execute", explain)
    try:
        yield counted
    finally:
        event.remove(ledger.engine, "before_cursor_execute", explain)
