"""Finds single contacts of a campaign by number, key or id, and changes or withdraws them while they wait."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, update

from campaigns.ledger import queries
from campaigns.ledger.claims import UNCLAIMED, end_waiting
from campaigns.ledger.moves import updated_one
from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import IS_LEAVING, contacts
from campaigns.lifecycle import CALLED_CONTACTS, WAITING_CONTACTS, ContactStatus
from dialer.errors import DialerError
from dialer.phone import PhoneNumber
from dialer.plural import counted

IDS = range(1, 2**63)
WITHDRAWN = "withdrawn"  # the reason of a withdrawal for which none was given


class NoSuchContact(DialerError):
    """The campaign has no contact with this number or key, or there is none with this id."""


class SeveralContacts(DialerError):
    """Several contacts of the campaign have this number, so one of them must be named by its key."""


@dataclass(frozen=True, slots=True)
class ContactRef:
    """What names a contact of a campaign: its key, or its number, or its id in the ledger."""

    key: str | None = None
    number: PhoneNumber | None = None
    contact_id: int | None = None

    def __str__(self) -> str:
        if self.number is not None:
            return self.number.masked
        return f"key {self.key!r}" if self.key is not None else f"contact {self.contact_id}"


class Outcome(StrEnum):
    """What became of an order to withdraw or to change a contact."""

    DONE = "done"
    BEFORE = "before"  # nothing to do: it was so already
    ON_A_CALL = "on_a_call"  # a call of it is under way, which goes on
    OVER = "over"  # it has another final status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLine:
    """A contact as it stands in the ledger; `number` is masked. `line` is its line in the list, or its place after it.

    `version` is another one after each change. `withdrawal` is why it gets no further call, where it was withdrawn
    during one.
    """

    id: int
    campaign: str
    line: int
    key: str
    number: str
    status: ContactStatus
    reason: str | None
    withdrawal: str | None
    zone: str
    not_after: datetime | None
    due_at: datetime
    attempts: int
    urgent: bool
    version: str
    fields: Mapping[str, str] = field(repr=False)
    text: str | None = field(repr=False)

    @classmethod
    def of(cls, row: Row[Any]) -> ContactLine:
        """The contact of this row of the ledger."""
        same = ("id", "line", "key", "reason", "withdrawal", "zone", "not_after", "due_at", "attempts", "urgent")
        facts = {name: getattr(row, name) for name in (*same, "fields", "text")}
        status, number = ContactStatus(row.status), shown_number(row.phone)
        return cls(campaign=row.campaign_id, status=status, number=number, version=version_of(row), **facts)


def version_of(row: Row[Any]) -> str:
    """Another one after each change of a contact, and after each move of it."""
    facts = [str(getattr(row, name)) for name in ("status", "phone", "fields", "text", "voice", "zone", "not_after")]
    facts += [str(getattr(row, name)) for name in ("due_at", "attempts", "tries", "withdrawal")]
    return hashlib.blake2b("\0".join(facts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def contacts_named(
    db: Connection, campaign: Campaign, ref: ContactRef, ledger: Ledger, *, lock: bool = False
) -> Sequence[Row[Any]]:
    """The contacts that this names, the latest last; `lock` locks them until this transaction ends.

    Raises NoSuchContact.
    """
    query: Select[Any] = select(contacts).where(contacts.c.campaign_id == campaign.id, _named(ref, ledger))
    query = query.order_by(contacts.c.id)
    rows = db.execute(query.with_for_update() if lock else query).all()
    if not rows:
        raise no_such_contact(campaign, ref)
    return rows


def contact_named(
    db: Connection, campaign: Campaign, ref: ContactRef, ledger: Ledger, *, lock: bool = False
) -> Row[Any]:
    """The one contact that this names. Raises NoSuchContact, SeveralContacts."""
    first, *more = contacts_named(db, campaign, ref, ledger, lock=lock)
    if more:
        message = f"{counted(len(more) + 1, 'contact')} of {campaign.id} have the number {ref}"
        raise SeveralContacts(message, "name the one that is meant by its key")
    return first


def contact_by_id(db: Connection, contact_id: int) -> Row[Any]:
    """The contact of any campaign with this id. Raises NoSuchContact."""
    row = db.execute(select(contacts).where(contacts.c.id == contact_id)).first() if contact_id in IDS else None
    if row is None:
        raise NoSuchContact(f"no contact has the id {contact_id}", "use the id that the request was answered with")
    return row


def call_by_id(db: Connection, contact_id: int) -> Row[Any]:
    """The contact of a standing campaign with this id: single calls are asked of those alone. Raises NoSuchContact."""
    row = contact_by_id(db, contact_id)
    if not queries.campaign(db, row.campaign_id).definition.contacts.standing:
        raise no_such_call(contact_id)
    return row


def no_such_call(contact_id: int) -> NoSuchContact:
    """The error for an id that no single call has."""
    return NoSuchContact(f"no call has the id {contact_id}", "use the id that the request was answered with")


def no_such_contact(campaign: Campaign, ref: ContactRef) -> NoSuchContact:
    """The error for a name that no contact of the campaign has."""
    message = f"{ref} is not among the {counted(campaign.contacts, 'contact')} of {campaign.id}"
    if ref.key is not None and campaign.definition.contacts.key is None:
        return NoSuchContact(message, "its list has no keys (contacts.key): name the contact by its number")
    return NoSuchContact(message, f"see what it has: dialer report {campaign.id}")


def _named(ref: ContactRef, ledger: Ledger) -> ColumnElement[bool]:
    if ref.number is not None:
        return contacts.c.phone.in_([form for spelling in ref.number.spellings for form in ledger.forms(spelling)])
    if ref.key is not None:
        return (contacts.c.key == ref.key) & (contacts.c.key != "")
    return contacts.c.id == ref.contact_id


def withdraw(db: Connection, row: Row[Any], reason: str, now: datetime) -> Outcome:
    """Take a contact out of its campaign for good. `row` is locked.

    One with a call under way keeps that call, and gets no other: `end_withdrawn` withdraws it when it is put back.
    """
    if row.status in WAITING_CONTACTS:
        end_waiting(db, ContactStatus.WITHDRAWN, contacts.c.id == row.id, reason=reason, now=now)
        return Outcome.DONE
    if row.status in CALLED_CONTACTS:
        if row.withdrawal is None:
            db.execute(update(contacts).where(contacts.c.id == row.id).values(withdrawal=reason))
        return Outcome.ON_A_CALL
    return Outcome.BEFORE if row.status == ContactStatus.WITHDRAWN else Outcome.OVER


def end_withdrawn(ledger: Ledger, now: datetime) -> int:
    """Withdraw the contacts whose call, during which they were withdrawn, did not reach them; returns how many."""
    with ledger.reading() as db:
        ids = db.scalars(select(contacts.c.id).where(IS_LEAVING, contacts.c.status.in_(WAITING_CONTACTS))).all()
    to, reason = ContactStatus.WITHDRAWN, contacts.c.withdrawal
    return ledger.write(end_waiting, to, contacts.c.id.in_(ids), reason=reason, now=now) if ids else 0


def rewrite(db: Connection, contact_id: int, values: Mapping[str, Any]) -> bool:
    """Change a contact that waits for its call; False if it does not wait.

    A claim on it is undone: the worker that has it read it as it was before, and finds that it may not dial it.
    """
    waiting = (contacts.c.id == contact_id, contacts.c.status.in_(WAITING_CONTACTS))
    return updated_one(db, update(contacts).where(*waiting).values(**UNCLAIMED, given=None, **values))
