"""Counts over all campaigns, for the metrics; and all attempts, for the comparison with a sandbox's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Function, Row, case, func, literal, or_, select

from campaigns.ledger import deliveries, queries, webhooks
from campaigns.ledger.deliveries import Backlog
from campaigns.ledger.tables import attempt_tallies, attempts, campaigns, contacts, faults, receipts
from campaigns.ledger.tallies import calls_from_numbers, contacts_of_campaigns
from campaigns.lifecycle import FINAL_CONTACTS, ContactStatus
from campaigns.safeguards.falling_numbers import falling_by_campaign
from dialer.phone import mask

OPEN = (attempts.c.ended_at.is_(None), attempts.c.campaign_id > "")  # every one has one; so the index is found
NOTHING_WAITS = Backlog(waiting=0, oldest=None)
Rows = Sequence[Sequence[Any]]


def campaigns_by_status(db: Connection) -> Rows:
    """Rows (status, number of campaigns)."""
    return db.execute(select(campaigns.c.status, func.count()).group_by(campaigns.c.status)).all()


def latest_campaigns(db: Connection, *, ended_after: datetime, limit: int) -> Sequence[Any]:
    """Rows (id, account, status, hold_kind) of the newest campaigns not ended, or ended after `ended_after`."""
    included = or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at > ended_after)
    columns = (campaigns.c.id, campaigns.c.account, campaigns.c.status, campaigns.c.hold_kind)
    query = select(*columns).where(included).order_by(campaigns.c.created_at.desc(), campaigns.c.id.desc())
    return db.execute(query.limit(limit)).all()


def contacts_by_status(db: Connection, campaign_ids: Sequence[str]) -> Rows:
    """Rows (campaign id, status, number of contacts) of these campaigns."""
    return [
        (campaign_id, status, number)
        for campaign_id, by_status in contacts_of_campaigns(db, campaign_ids).items()
        for status, number in by_status.items()
    ]


def calls_by_outcome(db: Connection, campaign_ids: Sequence[str]) -> Rows:
    """Rows (campaign id, outcome, number of settled attempts) of these campaigns; without an outcome, the status."""
    tallied = attempt_tallies.c
    word = case((tallied.outcome != "", tallied.outcome), else_=tallied.status)
    total: Function[int] = func.sum(tallied.number)
    query = select(tallied.campaign_id, word, total).where(tallied.campaign_id.in_(campaign_ids))
    rows = db.execute(query.group_by(tallied.campaign_id, word).having(total != 0))
    return [(campaign_id, outcome, int(number)) for campaign_id, outcome, number in rows]


def calls_by_caller_id(db: Connection, campaign_ids: Sequence[str]) -> Rows:
    """Rows (campaign id, masked number, outcome, number of ended calls) of the campaigns that show several."""
    rows = calls_from_numbers(db, campaign_ids)
    shown = Counter(campaign for campaign, _ in {(campaign, number) for campaign, number, _, _ in rows})
    sums = Counter[tuple[str, str, str]]()
    for campaign, number, outcome, calls in rows:
        if shown[campaign] > 1:
            sums[campaign, mask(number), outcome] += calls
    return [(*key, calls) for key, calls in sums.items()]


def falling_caller_ids(db: Connection, campaign_ids: Sequence[str]) -> Rows:
    """Rows (campaign id, masked number, 1) for numbers of these campaigns that are answered less than before."""
    falling = falling_by_campaign(db, queries.campaigns_by_id(db, campaign_ids))
    return [
        (campaign_id, number, 1)
        for campaign_id, numbers in falling.items()
        for number in sorted({mask(one.number) for one in numbers})
    ]


def oldest_due(db: Connection, campaign_ids: Sequence[str]) -> Sequence[tuple[str, datetime]]:
    """Rows (campaign id, when the contact of it that waits longest became due, or will), of these campaigns."""
    waiting = (contacts.c.campaign_id == campaigns.c.id, contacts.c.status == ContactStatus.PENDING)
    first = select(func.min(contacts.c.due_at, type_=contacts.c.due_at.type)).where(*waiting).scalar_subquery()
    rows = db.execute(select(campaigns.c.id, first).where(campaigns.c.id.in_(campaign_ids)))
    return [(campaign_id, due_at) for campaign_id, due_at in rows if due_at is not None]


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


def receipts_waiting(db: Connection) -> dict[str, int]:
    """How many receipts of each account are stored and not applied to an attempt yet, where there are any."""
    waiting = select(receipts.c.account, func.count()).where(receipts.c.applied_at.is_(None))
    return dict(db.execute(waiting.group_by(receipts.c.account)).all())


def faults_by_step(db: Connection) -> Rows:
    """Rows (step, account, number of faults since the ledger began)."""
    total: Function[int] = func.sum(faults.c.times)
    by = (faults.c.step, faults.c.account)
    return db.execute(select(*by, total).group_by(*by)).all()


def events_waiting(db: Connection) -> Sequence[tuple[str, Backlog]]:
    """Rows (webhook, what waits to be delivered to it)."""
    waiting = deliveries.backlogs(db)
    return [(name, waiting.get(name, NOTHING_WAITS)) for name in webhooks.names(db)]


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
