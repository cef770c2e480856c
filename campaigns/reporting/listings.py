"""What the web pages and the API list: campaigns, contacts, attempts, reasons. All phone numbers are masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger import queries
from campaigns.ledger.erasures import shown_number
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.ledger.tallies import ReasonCount, reasons_not_reached
from campaigns.lifecycle import CAMPAIGN_MOVES, ContactStatus
from dialer.phone import NUMBER_IN_TEXT, mask


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContact:
    """One contact; the names are those of the API. `phone` is masked. `line` is its line in the list."""

    id: int
    line: int
    key: str
    phone: str
    status: ContactStatus
    reason: str | None
    attempts: int
    due_at: datetime
    final_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAttempt:
    """One attempt; `phone` is masked.

    `number` is 1 for the contact's first attempt. `result` is its outcome if it has `ended`, else its status. `word` is
    the provider's own word or code for it, blank where there is none.
    """

    at: datetime
    phone: str
    number: int
    result: str
    ended: bool
    word: str
    talk_seconds: float | None


def campaigns_listed(db: Connection, ended: int) -> list[Campaign]:
    """All campaigns that have not ended, then the newest ended ones, at most `ended` of these."""
    newest_first = queries.all_campaigns(db)
    over = [campaign for campaign in newest_first if not CAMPAIGN_MOVES[campaign.status]]
    return [campaign for campaign in newest_first if CAMPAIGN_MOVES[campaign.status]] + over[:ended]


def contacts_after(
    db: Connection, campaign_id: str, *, status: ContactStatus | None, after: int, limit: int
) -> list[ListedContact]:
    """The next `limit` contacts of the campaign after the id `after`, ordered by id; of one status if given."""
    query = select(contacts).where(contacts.c.campaign_id == campaign_id, contacts.c.id > after)
    if status is not None:
        query = query.where(contacts.c.status == status)
    return [
        ListedContact(
            id=row.id,
            line=row.line,
            key=row.key,
            phone=shown_number(row.phone),
            status=ContactStatus(row.status),
            reason=mask_numbers(row.reason),
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
            phone=shown_number(row.phone),
            number=row.number,
            result=row.outcome or row.status,
            ended=row.outcome is not None,
            word=mask_numbers(row.mnemonic or row.code) or "",
            talk_seconds=row.talk_seconds,
        )
        for row in db.execute(query)
    ]


def masked_reasons(db: Connection, campaign_id: str, limit: int) -> list[ReasonCount]:
    """The `limit` most frequent reasons why contacts were not reached, with phone numbers masked."""
    reasons = reasons_not_reached(db, campaign_id, limit)
    return [counted._replace(reason=mask_numbers(counted.reason) or "") for counted in reasons]


def mask_numbers(text: str | None) -> str | None:
    """The text with everything that looks like a phone number masked: a provider's message may contain one."""
    return NUMBER_IN_TEXT.sub(lambda match: mask(match.group()), text) if text else text
