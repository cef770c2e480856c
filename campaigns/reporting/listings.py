"""What the pages and the API list of a campaign: contacts, attempts, reasons. Every number leaves here masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from campaigns.ledger import queries
from campaigns.ledger.erasures import shown
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import CAMPAIGN_MOVES, MISSED_CONTACTS, ContactStatus
from dialer.phone import NUMBER_IN_TEXT, mask


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContact:
    """One contact, its number masked."""

    id: int
    line: int
    phone: str
    status: ContactStatus
    reason: str | None
    attempts: int
    due_at: datetime
    final_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAttempt:
    """One attempt; `result` is its outcome once it has one, its status until then."""

    at: datetime
    phone: str
    number: int
    result: str
    ended: bool
    word: str
    talk_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """Why so many contacts were not reached."""

    status: ContactStatus
    reason: str
    count: int


def campaigns_shown(db: Connection, ended: int) -> list[Campaign]:
    """Campaigns that go on, then the newest that have ended, at most so many of these."""
    every = queries.all_campaigns(db)
    over = [one for one in every if not CAMPAIGN_MOVES[one.status]]
    return [one for one in every if CAMPAIGN_MOVES[one.status]] + over[:ended]


def contacts_after(
    db: Connection, campaign_id: str, *, status: ContactStatus | None, after: int, limit: int
) -> list[ListedContact]:
    """The campaign's next contacts after this id, in the order of their ids; only those of a status when given."""
    query = select(contacts).where(contacts.c.campaign_id == campaign_id, contacts.c.id > after)
    if status is not None:
        query = query.where(contacts.c.status == status)
    return [
        ListedContact(
            id=row.id,
            line=row.line,
            phone=shown(row.phone),
            status=ContactStatus(row.status),
            reason=without_numbers(row.reason),
            attempts=row.attempts,
            due_at=row.due_at,
            final_at=row.final_at,
        )
        for row in db.execute(query.order_by(contacts.c.id).limit(limit))
    ]


def latest_attempts(db: Connection, campaign_id: str, limit: int) -> list[ListedAttempt]:
    """The campaign's latest attempts, newest first."""
    query = (
        select(attempts, contacts.c.phone)
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .where(attempts.c.campaign_id == campaign_id)
        .order_by(attempts.c.dialing_at.desc())
        .limit(limit)
    )
    return [
        ListedAttempt(
            at=row.dialing_at,
            phone=shown(row.phone),
            number=row.number,
            result=row.outcome or row.status,
            ended=row.outcome is not None,
            word=without_numbers(row.mnemonic or row.code) or "",
            talk_seconds=row.talk_seconds,
        )
        for row in db.execute(query)
    ]


def reasons(db: Connection, campaign_id: str, limit: int) -> Sequence[ReasonCount]:
    """Why contacts were not reached, the most frequent first."""
    count = func.count()
    query = (
        select(contacts.c.status, contacts.c.reason, count)
        .where(contacts.c.campaign_id == campaign_id, contacts.c.status.in_(MISSED_CONTACTS))
        .group_by(contacts.c.status, contacts.c.reason)
        .order_by(count.desc(), contacts.c.status, contacts.c.reason)
        .limit(limit)
    )
    return [
        ReasonCount(status=ContactStatus(status), reason=without_numbers(reason) or "", count=number)
        for status, reason, number in db.execute(query)
    ]


def without_numbers(text: str | None) -> str | None:
    """The text with whatever looks like a phone number masked: a provider may have quoted one."""
    return NUMBER_IN_TEXT.sub(lambda found: mask(found.group()), text) if text else text
