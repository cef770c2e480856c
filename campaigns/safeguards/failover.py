"""Failover: a campaign whose account cannot dial goes on with the next of its accounts.

Only the provider's own trouble moves it: the account is halted, its breaker opens, its day is used up. Busy, declined
or wrong numbers never do, and an unconfirmed attempt stays with the account that made it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

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
    definition = parse_definition(row.definition)
    following = next_account(definition, account)
    if row.account != account or following is None:
        return False
    event, facts = "campaign moved to another account", _returning(definition, now)
    return change_account(db, campaign_id, account, following, why, now, event=event, **facts)


def change_account(
    db: Connection,
    campaign_id: str,
    account: str,
    following: str,
    why: str,
    now: datetime,
    *,
    event: str,
    **facts: Any,
) -> bool:
    """Let a live campaign go on with the account `following`, and write these facts; False: it has left `account`.

    Its breaker counts anew. `event` is what the audit says.
    """
    still_there = (
        campaigns.c.id == campaign_id,
        campaigns.c.account == account,
        campaigns.c.status.in_(LIVE_CAMPAIGNS),
    )
    anew = {"account": following, "since": now, **UNHELD, **facts}
    if not updated_one(db, update(campaigns).where(*still_there).values(**anew)):
        return False
    _make_due(db, contacts.c.campaign_id == campaign_id, account, now)
    detail = f"from {account} to {following}: {why}"
    write_audit(db, now, who=PROGRAM, event=event, campaign_id=campaign_id, detail=detail)
    return True


def began_elsewhere(db: Connection, campaign_id: str, why: str, now: datetime) -> None:
    """Note that a campaign started on another account than its preferred one, to which it goes back if it says so."""
    definition = parse_definition(db.scalar(select(campaigns.c.definition).where(campaigns.c.id == campaign_id)) or "")
    if returning := _returning(definition, now):
        db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**returning))
    write_audit(db, now, who=PROGRAM, event="accounts cannot dial", campaign_id=campaign_id, detail=why)


def _returning(definition: Definition, now: datetime) -> dict[str, datetime]:
    """From now on the preferred account has to answer for as long as the campaign says."""
    return {"returns_at": now + definition.return_after, "return_asked_at": now} if definition.return_after else {}


def next_account(definition: Definition, account: str) -> str | None:
    """The account that comes after this one in the order of preference."""
    names = definition.all_accounts
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
