"""Lists and finds contacts for people: of one campaign, or of all. What a page costs does not grow with the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from campaigns.ledger.tables import HAS_KEY, campaigns, contacts, ending_with
from campaigns.ledger.tallies import contacts_of_campaigns
from campaigns.lifecycle import ContactStatus
from campaigns.reporting.listings import LISTED, ListedContact, listed_contact

MOST_FOUND = 100
LOOKED_THROUGH = 1_000  # contacts, for a reason that only some of them have

Place = tuple[ContactStatus, datetime, int]
"""Where a page of a campaign's contacts ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """Some contacts of a campaign, by status and by when they are, or were, due.

    `after` is where the next page begins, None where this is the last. With a reason a page may be short of contacts
    although others follow: so many as LOOKED_THROUGH are looked at, and no more.
    """

    contacts: Sequence[ListedContact]
    after: Place | None


def page_of_contacts(
    db: Connection,
    campaign_id: str,
    *,
    limit: int,
    status: ContactStatus | None = None,
    reason: str = "",
    after: Place | None = None,
) -> ContactPage:
    """The campaign's next contacts after this place: those of one status and of one reason, where given."""
    looked_through = max(LOOKED_THROUGH, limit + 1) if reason else limit + 1
    in_order = select(*LISTED).where(contacts.c.campaign_id == campaign_id).order_by(contacts.c.due_at, contacts.c.id)
    rows: list[Row[Any]] = []
    for part in _parts(status, after):
        if len(rows) < looked_through:
            rows += db.execute(in_order.where(*part).limit(looked_through - len(rows)))
    matching = [row for row in rows if not reason or row.reason == reason]
    shown, last = matching[:limit], None
    if len(matching) > limit:
        last = shown[-1]
    elif reason and len(rows) == looked_through:
        last = rows[-1]
    return ContactPage(contacts=[listed_contact(row) for row in shown], after=last and _place(last))


def _parts(status: ContactStatus | None, after: Place | None) -> Iterator[Sequence[ColumnElement[bool]]]:
    """What follows the place, in parts to each of which the index leads at once, however many contacts lie before."""
    c, statuses = contacts.c, [status] if status else sorted(ContactStatus)
    if after is not None:
        its_status, due_at, contact_id = after
        yield c.status == its_status, c.due_at == due_at, c.id > contact_id
        yield c.status == its_status, c.due_at > due_at
        statuses = [other for other in statuses if other > its_status]
    for other in statuses:
        yield (c.status == other,)


def campaigns_with(db: Connection, status: ContactStatus, newest: int) -> list[tuple[str, int]]:
    """Of so many newest campaigns those that have contacts of this status, with their number; newest first."""
    ids = db.scalars(select(campaigns.c.id).order_by(campaigns.c.created_at.desc()).limit(newest)).all()
    counts = contacts_of_campaigns(db, ids)
    return [(id_, counts[id_][status]) for id_ in ids if counts.get(id_, {}).get(status)]


def contacts_with_number(db: Connection, forms: Sequence[str], campaign_id: str | None = None) -> list[ListedContact]:
    """The newest contacts with one of these forms of a number; of one campaign, or of all."""
    return _newest(db, [contacts.c.phone.in_(forms)], campaign_id)


def contacts_with_key(db: Connection, key: str, campaign_id: str | None = None) -> list[ListedContact]:
    """The newest contacts with this key; of one campaign, or of all."""
    with_key: list[ColumnElement[bool]] = [contacts.c.key == key, and_(HAS_KEY)]
    if campaign_id is None:  # so that the index is found, which has the campaign first
        with_key.append(contacts.c.campaign_id.in_(select(campaigns.c.id)))
    return _newest(db, with_key, campaign_id)


def contacts_ending_with(db: Connection, digits: str, campaign_id: str | None = None) -> list[ListedContact]:
    """The newest contacts whose number ends with these digits, four at the least; of one campaign, or of all."""
    return _newest(db, [ending_with(contacts, digits)], campaign_id)


def others_with_its_number(db: Connection, contact_id: int) -> list[ListedContact]:
    """The newest other contacts with the number of this one, in whatever campaign."""
    number = select(contacts.c.phone).where(contacts.c.id == contact_id).scalar_subquery()
    return _newest(db, [contacts.c.phone == number, contacts.c.id != contact_id], None)


def _newest(db: Connection, which: Sequence[ColumnElement[bool]], campaign_id: str | None) -> list[ListedContact]:
    query: Select[Any] = select(*LISTED).where(*which).order_by(contacts.c.id.desc()).limit(MOST_FOUND)
    if campaign_id is not None:
        query = query.where(contacts.c.campaign_id == campaign_id)
    return [listed_contact(row) for row in db.execute(query)]


def _place(row: Row[Any]) -> Place:
    return ContactStatus(row.status), row.due_at, row.id
