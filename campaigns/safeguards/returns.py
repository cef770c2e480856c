"""Returns: a campaign that goes on with another account goes back to its preferred one, if it says `return_after`.

The sweep asks that account about once a minute, with a request that places no call. It has to answer each time for as
long as the campaign says; that time starts again whenever it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, exists, select, update

from campaigns.ledger.moves import move_campaign
from campaigns.ledger.queries import parse_definition
from campaigns.ledger.tables import RETURNS, breakers, campaigns, halts
from campaigns.lifecycle import LIVE_CAMPAIGNS, PROGRAM, CampaignStatus, PauseKind
from campaigns.safeguards.failover import change_account

ASKED_EVERY = timedelta(minutes=1)


def due(db: Connection, now: datetime) -> dict[str, list[str]]:
    """The campaigns for which their preferred account is to be asked, by that account's name."""
    waits = (RETURNS, campaigns.c.status.in_(LIVE_CAMPAIGNS), campaigns.c.return_asked_at <= now - ASKED_EVERY)
    asked: dict[str, list[str]] = {}
    for row in db.execute(select(campaigns.c.id, campaigns.c.definition).where(*waits).order_by(campaigns.c.id)):
        asked.setdefault(parse_definition(row.definition).account, []).append(row.id)
    return asked


def claim(db: Connection, campaign_ids: Sequence[str], now: datetime) -> list[str]:
    """Those of these campaigns for which the caller asks now; another sweep does for the others."""
    unasked = (campaigns.c.id.in_(campaign_ids), RETURNS, campaigns.c.return_asked_at <= now - ASKED_EVERY)
    return list(db.scalars(update(campaigns).where(*unasked).values(return_asked_at=now).returning(campaigns.c.id)))


def answered(db: Connection, account: str, campaign_ids: Sequence[str], now: datetime, *, healthy: bool) -> list[str]:
    """Note whether the preferred account of these campaigns is healthy; returns the campaigns that went back to it."""
    healthy = healthy and not db.scalar(select(_in_trouble(account)))
    returned = []
    columns = [campaigns.c[name] for name in ("id", "account", "definition", "pause_kind", "returns_at")]
    for row in db.execute(select(*columns).where(campaigns.c.id.in_(campaign_ids), RETURNS)).all():
        if healthy and row.returns_at <= now and _go_back(db, row, account, now):
            returned.append(row.id)
        elif not healthy and (after := parse_definition(row.definition).return_after):
            db.execute(update(campaigns).where(campaigns.c.id == row.id, RETURNS).values(returns_at=now + after))
    return returned


def _in_trouble(account: str) -> ColumnElement[bool]:
    """Whether its breaker is open, or it is known to refuse: that it answers a log-in proves nothing then."""
    halted = exists().where(halts.c.account == account, halts.c.answers_since.is_(None))
    return halted | exists().where(breakers.c.account == account)


def _go_back(db: Connection, row: Row[tuple[object, ...]], account: str, now: datetime) -> bool:
    definition = parse_definition(row.definition)
    why, event = f"it has answered for {definition.return_after}", "campaign went back to its account"
    asked_no_more = {"returns_at": None, "return_asked_at": None}
    if not change_account(db, row.id, row.account, account, why, now, event=event, **asked_no_more):
        return False
    if row.pause_kind == PauseKind.HALTED and definition.resume_after_halt:
        reason, only_from = f"from {row.account} to {account}: {why}", [CampaignStatus.PAUSED]
        move_campaign(db, row.id, CampaignStatus.RUNNING, now, who=PROGRAM, reason=reason, only_from=only_from)
    return True
