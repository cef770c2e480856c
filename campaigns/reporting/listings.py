"""What the web pages and the API list: contacts, attempts, reasons. Phone numbers are masked, but where a
caller may see them (`numbers`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, tuple_

from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.tables import HAS_KEY, attempts, contacts
from campaigns.ledger.tallies import ReasonCount, reasons_not_reached
from campaigns.lifecycle import AttemptStatus, ContactStatus
from dialer.phone import NUMBER_IN_TEXT, mask

LISTED = tuple(
    contacts.c[name]
    for name in ("id", "campaign_id", "line", "key", "phone", "status", "reason", "attempts", "due_at", "final_at")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContact:
    """One contact; the names are those of the API. `line` is its line in the list."""

    id: int
    campaign: str
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
    """One attempt; the names are those of the API.

    `contact` is the contact's id, `number` is 1 for its first attempt. `result` is the attempt's outcome if it has
    `ended`, else its status. `word` is the provider's own word or code for it, blank where there is none.
    """

    id: UUID
    contact: int
    at: datetime
    phone: str
    number: int
    account: str
    result: str
    ended: bool
    ended_at: datetime | None
    word: str
    talk_seconds: float | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOnTheLine:
    """A call of ours that goes on, or may go on. `session` is the provider's name for it, once it has told it."""

    id: UUID
    at: datetime
    answered_at: datetime | None
    campaign: str
    account: str
    phone: str  # masked
    status: AttemptStatus
    session: str | None


def contacts_after(
    db: Connection,
    campaign_id: str,
    *,
    limit: int,
    status: ContactStatus | None = None,
    key: str | None = None,
    after: int | None = None,
    phones: Sequence[str] | None = None,
    numbers: bool = False,
) -> list[ListedContact]:
    """The next `limit` contacts of the campaign after the id `after`, ordered by id.

    Those of one status, with this key, and with one of these forms of a number, if given.
    """
    # Where an index of another order leads to few, the store is not to walk through all in the order of the ids.
    in_order = contacts.c.id if status is None and phones is None else contacts.c.id + 0
    query = select(*LISTED).where(contacts.c.campaign_id == campaign_id).order_by(in_order).limit(limit)
    if after is not None:
        query = query.where(in_order > after)
    if status is not None:
        query = query.where(contacts.c.status == status)
    if key is not None:
        query = query.where(contacts.c.key == key, *([HAS_KEY] if key else []))  # as its index says it
    if phones is not None:
        query = query.where(contacts.c.phone.in_(phones))
    return [listed_contact(row, numbers=numbers) for row in db.execute(query)]


def listed_contact(row: Row[Any], *, numbers: bool = False) -> ListedContact:
    """The contact of a row with the columns LISTED."""
    return ListedContact(
        id=row.id,
        campaign=row.campaign_id,
        line=row.line,
        key=row.key,
        phone=_shown(row.phone, numbers),
        status=ContactStatus(row.status),
        reason=row.reason if numbers else mask_numbers(row.reason),
        attempts=row.attempts,
        due_at=row.due_at,
        final_at=row.final_at,
    )


def latest_attempts(db: Connection, campaign_id: str, limit: int) -> list[ListedAttempt]:
    """The campaign's latest attempts, newest first; numbers are masked."""
    return _attempts(db, _of_campaign(campaign_id).order_by(attempts.c.dialing_at.desc()).limit(limit), numbers=False)


def attempts_after(
    db: Connection,
    campaign_id: str,
    *,
    limit: int,
    contact: int | None = None,
    after: tuple[datetime, UUID] | None = None,
    numbers: bool = False,
) -> list[ListedAttempt]:
    """The campaign's next `limit` attempts after this moment and id, newest first; those of one contact if given."""
    latest_first = (attempts.c.dialing_at.desc(), attempts.c.id.desc())  # those of one moment in one order, too
    query = _of_campaign(campaign_id).order_by(*latest_first).limit(limit)
    if contact is not None:
        query = query.where(attempts.c.contact_id == contact)
    if after is not None:
        query = query.where(tuple_(attempts.c.dialing_at, attempts.c.id) < tuple_(*after))
    return _attempts(db, query, numbers=numbers)


def _of_campaign(campaign_id: str) -> Select[Any]:
    joined = select(attempts, contacts.c.phone).join(contacts, contacts.c.id == attempts.c.contact_id)
    return joined.where(attempts.c.campaign_id == campaign_id)


def _attempts(db: Connection, query: Select[Any], *, numbers: bool) -> list[ListedAttempt]:
    return [
        ListedAttempt(
            id=row.id,
            contact=row.contact_id,
            at=row.dialing_at,
            phone=_shown(row.phone, numbers),
            number=row.number,
            account=row.account,
            result=row.outcome or row.status,
            ended=row.outcome is not None,
            ended_at=row.ended_at,
            word=mask_numbers(row.mnemonic or row.code) or "",
            talk_seconds=row.talk_seconds,
            next_attempt_at=row.next_attempt_at,
        )
        for row in db.execute(query)
    ]


def _shown(phone: str, numbers: bool) -> str:
    return phone if numbers and phone.startswith("+") else shown_number(phone)


def masked_reasons(db: Connection, campaign_id: str, limit: int) -> list[ReasonCount]:
    """The `limit` most frequent reasons why contacts were not reached, with phone numbers masked."""
    reasons = reasons_not_reached(db, campaign_id, limit)
    return [counted._replace(reason=mask_numbers(counted.reason) or "") for counted in reasons]


def mask_numbers(text: str | None) -> str | None:
    """The text with everything that looks like a phone number masked: a provider's message may contain one."""
    return NUMBER_IN_TEXT.sub(lambda match: mask(match.group()), text) if text else text


def calls_on_the_line(db: Connection, *, limit: int, after: tuple[datetime, UUID] | None = None) -> list[CallOnTheLine]:
    """The next `limit` calls that go on, after this moment and id, the latest first; reads open attempts only."""
    query = (
        select(attempts, contacts.c.phone)
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .where(attempts.c.ended_at.is_(None))
        .order_by(attempts.c.dialing_at.desc(), attempts.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(attempts.c.dialing_at, attempts.c.id) < tuple_(*after))
    return [
        CallOnTheLine(
            id=row.id,
            at=row.dialing_at,
            answered_at=row.answered_at,
            campaign=row.campaign_id,
            account=row.account,
            phone=shown_number(row.phone),
            status=AttemptStatus(row.status),
            session=row.provider_call_id,
        )
        for row in db.execute(query)
    ]
