"""Takes single contacts out of a running campaign: not called from the moment on at which the answer says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger import queries
from campaigns.ledger.lists.contacts import (
    WITHDRAWN,
    ContactLine,
    ContactRef,
    NoSuchContact,
    Outcome,
    call_by_id,
    contacts_named,
    withdraw,
)
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from dialer.errors import DialerError
from dialer.short_text import is_short_text

LONGEST_REASON = 200
AT_ONCE = 200


class BadReason(DialerError):
    """The reason for a withdrawal is too long, or has characters that cannot be printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What became of one contact that was to be withdrawn; `contact` is how it stands now.

    done       it was waiting, and is withdrawn
    before     it was withdrawn before
    on_a_call  a call of it is under way and goes on; it gets no other
    over       it has another final status, which stays
    """

    contact: ContactLine
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawals:
    """What became of an order to withdraw several contacts. `unknown` names no contact of the campaign."""

    campaign: str
    contacts: Sequence[Withdrawal]
    unknown: Sequence[ContactRef]


def withdraw_contacts(
    ledger: Ledger, campaign_id: str, refs: Sequence[ContactRef], *, who: str, now: datetime, reason: str | None = None
) -> Withdrawals:
    """Withdraw the contacts that these name; of a number that several have, all of them.

    A contact that waits, also one that a worker has taken already, is never called once this has returned. A call under
    way goes on, and is the last. Withdrawn again, a contact stays as it is. It is no suppression: other campaigns call
    the number. Each leaves an audit line. Raises NoSuchCampaign, BadReason.
    """
    reason = _checked(reason)
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
    done: list[Withdrawal] = []
    unknown: list[ContactRef] = []
    for first in range(0, len(refs), AT_ONCE):
        some = refs[first : first + AT_ONCE]
        withdrawals, missed = ledger.write(_withdraw, campaign.id, some, ledger, who, reason, now)
        done += withdrawals
        unknown += missed
    return Withdrawals(campaign=campaign.id, contacts=done, unknown=unknown)


def withdraw_contact(
    ledger: Ledger, campaign_id: str, ref: ContactRef, *, who: str, now: datetime, reason: str | None = None
) -> Sequence[Withdrawal]:
    """As `withdraw_contacts`, for one number, key or id. Raises NoSuchContact too."""
    result = withdraw_contacts(ledger, campaign_id, [ref], who=who, now=now, reason=reason)
    if not result.contacts:
        with ledger.reading() as db:
            contacts_named(db, queries.campaign(db, result.campaign), ref, ledger)
    return result.contacts


def withdraw_call(ledger: Ledger, contact_id: int, *, who: str, now: datetime, reason: str | None = None) -> Withdrawal:
    """As `withdraw_contact`, for a call that was placed by itself: the contact of a standing campaign with this id."""
    with ledger.reading() as db:
        campaign_id = call_by_id(db, contact_id).campaign_id
    (withdrawal,) = withdraw_contact(
        ledger, campaign_id, ContactRef(contact_id=contact_id), who=who, now=now, reason=reason
    )
    return withdrawal


def _checked(reason: str | None) -> str:
    reason = (reason or "").strip() or WITHDRAWN
    if not is_short_text(reason, LONGEST_REASON):
        raise BadReason(f"a reason is one line of up to {LONGEST_REASON} characters", "say it in fewer words")
    return reason


def _withdraw(
    db: Connection,
    campaign_id: str,
    refs: Sequence[ContactRef],
    ledger: Ledger,
    who: str,
    reason: str,
    now: datetime,
) -> tuple[list[Withdrawal], list[ContactRef]]:
    campaign = queries.campaign(db, campaign_id)
    outcomes: dict[int, Outcome] = {}
    unknown: list[ContactRef] = []
    for ref in refs:
        try:
            rows = contacts_named(db, campaign, ref, ledger, lock=True)
        except NoSuchContact:
            unknown.append(ref)
            continue
        for row in rows:
            outcome = withdraw(db, row, reason, now)
            outcomes.setdefault(row.id, outcome)
            if outcome is Outcome.DONE or (outcome is Outcome.ON_A_CALL and row.withdrawal is None):
                name = f"key {row.key}" if row.key else f"line {row.line}"
                detail = f"{name}: {reason}"
                write_audit(db, now, who=who, event="contact withdrawn", campaign_id=campaign.id, detail=detail)
    rows = db.execute(select(contacts).where(contacts.c.id.in_(list(outcomes)))).all() if outcomes else []
    lines = {row.id: ContactLine.of(row) for row in rows}
    return [Withdrawal(contact=lines[id_], outcome=outcome) for id_, outcome in outcomes.items()], unknown
