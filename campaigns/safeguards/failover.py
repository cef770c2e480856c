"""Failover: a campaign whose account cannot dial goes on with the next of its accounts.

Only the provider's own trouble moves it: the account is halted, its breaker opens, its day is used up. Busy, declined
or wrong numbers never do, and an unconfirmed attempt stays with the account that made it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, select, update

from campaigns.definition import Definition
from campaigns.ledger.moves import UNHELD, row_count, updated_one, write_audit
from campaigns.ledger.queries import parse_definition
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import LIVE_CAMPAIGNS, PROGRAM, ContactStatus
from dialer.verdicts import Verdict

FOR_THE_DAY = timedelta(minutes=10)  # a throttle longer than this is no minute's


def move_on(db: Connection, campaign_id: str, account: str, why: str, now: datetime) -> bool:
    """Move a campaign to the account after this one; False when there is none, or it has moved already.

    Contacts that wait because of the old account are due at once.
    """
    row = db.execute(select(campaigns.c.definition, campaigns.c.account).where(campaigns.c.id == campaign_id)).one()
    following = next_account(parse_definition(row.definition), account)
    if row.account != account or following is None:
        return False
    still_there = (
        campaigns.c.id == campaign_id,
        campaigns.c.account == account,
        campaigns.c.status.in_(LIVE_CAMPAIGNS),
    )
    anew = {"account": following, "since": now, **UNHELD}  # its breaker counts anew, too
    if not updated_one(db, update(campaigns).where(*still_there).values(**anew)):
        return False
    _make_due(db, contacts.c.campaign_id == campaign_id, account, now)
    detail = f"from {account} to {following}: {why}"
    write_audit(db, now, who=PROGRAM, event="campaign moved to another account", campaign_id=campaign_id, detail=detail)
    return True


def next_account(definition: Definition, account: str) -> str | None:
    """The account that comes after this one in the order of preference."""
    names = definition.accounts
    place = names.index(account) + 1 if account in names else len(names)
    return names[place] if place < len(names) else None


def has_left(db: Connection, campaign_id: str, account: str) -> bool:
    """Whether the campaign dials with another account by now."""
    return db.scalar(select(campaigns.c.account).where(campaigns.c.id == campaign_id)) != account


def make_due(db: Connection, account: str, now: datetime) -> int:
    """Make due whom an account's throttle put off, for it takes requests again; returns how many contacts these are."""
    still_there = select(campaigns.c.id).where(campaigns.c.account == account, campaigns.c.status.in_(LIVE_CAMPAIGNS))
    return _make_due(db, contacts.c.campaign_id.in_(still_there), account, now)


def _make_due(db: Connection, of_campaigns: ColumnElement[bool], account: str, now: datetime) -> int:
    """Make contacts due that the account's throttle put off; those that wait for another reason wait on."""
    waiting = (of_campaigns, contacts.c.status == ContactStatus.PENDING, contacts.c.due_at > now)
    throttled = exists().where(
        attempts.c.contact_id == contacts.c.id,
        attempts.c.account == account,
        attempts.c.verdict == Verdict.THROTTLED,
        attempts.c.next_attempt_at == contacts.c.due_at,
    )
    return row_count(db, update(contacts).where(*waiting, throttled).values(due_at=now))
