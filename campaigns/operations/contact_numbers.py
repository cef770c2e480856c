"""Whole numbers for people: shown one by one or downloaded, each time with an audit line, and used for acts."""

from __future__ import annotations

from datetime import datetime

from campaigns.ledger import queries
from campaigns.ledger.lists.contacts import contact_by_id
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import HASHED, Ledger
from dialer.errors import DialerError
from dialer.phone import PhoneNumber


class NumberErased(DialerError):
    """The contact was erased: its number is kept nowhere."""


def number_of(ledger: Ledger, contact_id: int) -> PhoneNumber:
    """The whole number of a contact, to do something with. Raises NoSuchContact, NumberErased."""
    with ledger.reading() as db:
        phone = contact_by_id(db, contact_id).phone
    if phone.startswith(HASHED):
        raise NumberErased("this person was erased: the number is kept nowhere", "nothing is left to do")
    return PhoneNumber(phone)


def show_number(ledger: Ledger, contact_id: int, *, who: str, now: datetime) -> str:
    """The whole number of a contact, to be shown once: the audit says who saw it, and never which it is.

    Raises NoSuchContact, NumberErased.
    """
    number = number_of(ledger, contact_id)
    with ledger.writing() as db:
        campaign_id = contact_by_id(db, contact_id).campaign_id
        detail = f"contact {contact_id}"
        write_audit(db, now, who=who, event="number shown", campaign_id=campaign_id, detail=detail)
    return number.e164


def note_download(ledger: Ledger, campaign_id: str, file: str, *, who: str, now: datetime) -> None:
    """Write into the audit that somebody downloads a file with whole numbers. Raises NoSuchCampaign."""
    with ledger.writing() as db:
        own_id = queries.campaign(db, campaign_id).id
        write_audit(db, now, who=who, event="numbers downloaded", campaign_id=own_id, detail=file)
