"""Counts over all campaigns, for the metrics; and all attempts, for the comparison with a sandbox's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Function, Row, func, literal, or_, select

from campaigns.ledger import deliveries, webhooks
from campaigns.ledger.tables import attempt_tallies, attempts, campaigns, contacts, faults, receipts
from campaigns.ledger.tallies import contacts_by_campaign
from campaigns.lifecycle import FINAL_CONTACTS

OPEN = (attempts.c.ended_at.is_(None), attempts.c.campaign_id > "")  # every one has one; so the index is found
Rows = Sequence[Sequence[Any]]


def campaigns_by_status(db: Connection) -> Rows:
    """Rows (status, number of campaigns)."""
    return db.execute(select(campaigns.c.status, func.count()).group_by(campaigns.c.status)).all()


def contacts_by_status(db: Connection, *, ended_after: datetime) -> Rows:
    """Rows (campaign id, status, number of contacts), of campaigns not ended, or ended after `ended_after`."""
    included = or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at > ended_after)
    return [
        (campaign_id, status, number)
        for campaign_id, by_status in contacts_by_campaign(db, included).items()
        for status, number in by_status.items()
    ]


def attempts_by_result(db: Connection) -> Rows:
    """Rows (account, verdict, outcome, number of attempts); verdict and outcome are blank where there is none yet."""
    by = (attempt_tallies.c.account, attempt_tallies.c.verdict, attempt_tallies.c.outcome)
    settled = db.execute(select(*by, func.sum(attempt_tallies.c.number)).group_by(*by))
    under_way = select(attempts.c.account, attempts.c.verdict, literal(""), func.count())
    goes_on = under_way.where(*OPEN).group_by(attempts.c.account, attempts.c.verdict)
    sums = Counter[tuple[str, str, str]]()
    for account, verdict, outcome, number in (*settled, *db.execute(goes_on)):
        sums[account, verdict or "", outcome] += int(number)
    return [(*key, number) for key, number in sums.items() if number]


def receipts_waiting(db: Connection) -> Rows:
    """Rows (account, number of its receipts that are stored and not applied to an attempt yet)."""
    waiting = select(receipts.c.account, func.count()).where(receipts.c.applied_at.is_(None))
    return db.execute(waiting.group_by(receipts.c.account)).all()


def faults_by_step(db: Connection) -> Rows:
    """Rows (step, account, number of faults since the ledger began)."""
    total: Function[int] = func.sum(faults.c.times)
    by = (faults.c.step, faults.c.account)
    return db.execute(select(*by, total).group_by(*by)).all()


def events_waiting(db: Connection) -> Rows:
    """Rows (webhook, number of events that wait to be delivered to it)."""
    waiting = deliveries.backlogs(db)
    return [(name, waiting[name].waiting if name in waiting else 0) for name in webhooks.names(db)]


def events_by_result(db: Connection) -> Rows:
    """Rows (webhook, result, number): events delivered and given up, and requests that delivered nothing."""
    results = ("delivered", "refused", "given_up")
    return [
        (webhook.name, result, getattr(webhook, result)) for webhook in webhooks.all_webhooks(db) for result in results
    ]


def all_attempts(db: Connection) -> dict[str, Row[Any]]:
    """Every attempt of the ledger by its id (UUID as text). Reads all at once: for small ledgers such as a demo's."""
    return {str(row.id): row for row in db.execute(select(attempts))}


def contacts_not_final(db: Connection) -> Sequence[int]:
    """The ids of all contacts without a final status."""
    return db.scalars(select(contacts.c.id).where(contacts.c.status.not_in(FINAL_CONTACTS))).all()
