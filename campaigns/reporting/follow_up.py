"""The follow-up file: contacts that were not reached, in the columns of the campaign's own list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, select

from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import contacts, erasures
from campaigns.lifecycle import FOLLOW_UP_CONTACTS

OWN_COLUMNS = ("_line", "_status", "_reason")


def follow_up_columns(db: Connection, campaign: Campaign) -> tuple[str, ...]:
    """The number's column, the list's other columns, then OWN_COLUMNS: the campaign file fits the result as a list."""
    row = db.execute(select(contacts.c.fields).where(_not_reached(campaign.id)).limit(1)).first()
    return (campaign.definition.contacts.phone[0], *(row.fields if row else ()), *OWN_COLUMNS)


def follow_up_lines(db: Connection, campaign: Campaign, columns: Sequence[str]) -> Iterator[list[str]]:
    """The cells of each contact that was not reached, in the order of the list. Numbers are whole, in E.164.

    Suppressed contacts are left out. `columns` is the result of `follow_up_columns`.
    """
    names = columns[1 : -len(OWN_COLUMNS)]
    query = select(contacts).where(_not_reached(campaign.id)).order_by(contacts.c.line, contacts.c.id)
    for row in db.execute(query.execution_options(yield_per=1000)):
        fields = (str(row.fields.get(name, "")) for name in names)
        yield [row.phone, *fields, str(row.line), row.status, row.reason or ""]


def _not_reached(campaign_id: str) -> ColumnElement[bool]:
    return and_(
        contacts.c.campaign_id == campaign_id,
        contacts.c.status.in_(FOLLOW_UP_CONTACTS),
        contacts.c.phone.startswith("+"),  # erased contacts have a hash here
        contacts.c.id.not_in(select(erasures.c.contact_id)),  # to be erased when their call ends
    )
