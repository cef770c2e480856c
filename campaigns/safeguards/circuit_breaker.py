"""The circuit breaker: pauses a campaign whose requests fail, and tests after a while with one probe call.

For each campaign, and for an account over all its campaigns together. The release tick runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, insert, select, update

from campaigns.calendar.calling_hours import next_opening
from campaigns.definition.sections.breaker import Breaker
from campaigns.ledger import queries
from campaigns.ledger.moves import move_campaign, pause, row_count, updated_one
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, breakers, campaigns, contacts
from campaigns.lifecycle import ENDED_CAMPAIGNS, PROGRAM, CampaignStatus, ContactStatus, PauseKind
from campaigns.safeguards.failover import move_on
from campaigns.safeguards.failure_rate import (
    FAILURES,
    NEITHER,
    Tally,
    last_failures,
    only_failures,
    requests_since,
    tally,
)

LONGEST_WAIT = timedelta(minutes=15)
LATELY = timedelta(minutes=5)  # longer than any request waits for its answer
HALF_OPEN = select(breakers).where(breakers.c.trying_since.is_not(None))
PROBES_WITHIN = timedelta(minutes=1)  # without a call by then, another campaign of the account makes the probe call
CAMPAIGN, ACCOUNT = "campaign", "account"


def watched_accounts(db: Connection, now: datetime) -> Sequence[str]:
    """The accounts that were asked for calls lately, and those of open breakers."""
    asked = select(campaigns.c.account).where(*_asked_lately(now))
    return sorted(db.scalars(asked.union(select(breakers.c.account))).all())


def _asked_lately(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which campaigns run and have requested a call lately: others cannot have come to fail since the last tick."""
    request = (attempts.c.campaign_id == campaigns.c.id, attempts.c.dialing_at >= now - LATELY)
    return campaigns.c.status == CampaignStatus.RUNNING, exists().where(*request)


def watch(db: Connection, now: datetime, accounts: Sequence[str] | None = None) -> None:
    """Close breakers whose probe call succeeded, start probe calls that are due, pause what fails too often.

    For these accounts; for all that have any when None is given.
    """
    accounts = watched_accounts(db, now) if accounts is None else accounts
    asking = select(campaigns.c.id).where(*_asked_lately(now), campaigns.c.account.in_(accounts))
    requesting = queries.campaigns_by_id(db, db.scalars(asking).all())
    _forget_where_a_person_decided(db)
    of_these = breakers.c.account.in_(accounts)
    for row in db.execute(select(breakers).where(of_these, breakers.c.trying_since.is_not(None))).all():
        _judge(db, row, now)
    _pass_on_idle_probes(db, now, of_these)
    _half_open(db, now, of_these)
    for account in accounts:
        _trip_where_it_fails(
            db, account, _guarded(campaign for campaign in requesting if campaign.account == account), now
        )


def _guarded(running: Iterable[Campaign]) -> list[Campaign]:
    return [campaign for campaign in running if campaign.is_readable and campaign.definition.breaker.enabled]


def probe_allowances(db: Connection) -> dict[str, int]:
    """How many contacts each campaign with a half-open breaker may claim: 1, or 0 while its probe call is under way."""
    rows = db.execute(HALF_OPEN).all()
    return {row.campaign_id: 0 if _under_way(db, row) else 1 for row in rows}


def _under_way(db: Connection, row: Row[Any]) -> bool:
    tried = select(attempts.c.id).where(*requests_since(row.campaign_id, row.trying_since))
    claimed = (contacts.c.campaign_id == row.campaign_id, contacts.c.status == ContactStatus.CLAIMED)
    return any(db.execute(query.limit(1)).first() for query in (tried, select(contacts.c.id).where(*claimed)))


def _forget_where_a_person_decided(db: Connection) -> None:
    """Close breakers of campaigns that a person resumed, or paused during the probe call."""
    resumed = and_(campaigns.c.status == CampaignStatus.RUNNING, breakers.c.trying_since.is_(None))
    stopped = and_(campaigns.c.status != CampaignStatus.RUNNING, breakers.c.trying_since.is_not(None))
    over = campaigns.c.status.in_(ENDED_CAMPAIGNS)
    decided = (
        select(breakers.c.campaign_id)
        .join(campaigns, campaigns.c.id == breakers.c.campaign_id)
        .where(resumed | stopped | over)
    )
    db.execute(delete(breakers).where(breakers.c.campaign_id.in_(decided)))


def _judge(db: Connection, row: Row[Any], now: datetime) -> None:
    """Open or close a breaker by the probe call's answer; nothing while it has none."""
    requests = requests_since(row.campaign_id, row.trying_since)
    verdicts = list(db.scalars(select(attempts.c.verdict).where(*requests, attempts.c.verdict.is_not(None))))
    decisive = [verdict for verdict in verdicts if verdict not in NEITHER]
    if not verdicts:
        return
    if not decisive:
        db.execute(update(breakers).where(breakers.c.campaign_id == row.campaign_id).values(trying_since=now))
    elif any(verdict in FAILURES for verdict in decisive):
        _open_again(db, row, now)
    else:
        _close(db, row, now)


def _open_again(db: Connection, row: Row[Any], now: datetime) -> None:
    campaign = queries.campaign(db, row.campaign_id)
    wait = min(campaign.definition.breaker.wait * 2**row.times, LONGEST_WAIT)
    together = _together(row)
    later = {"times": row.times + 1, "try_at": now + wait, "trying_since": None}
    if not row_count(db, update(breakers).where(together).values(**later)):
        return  # a person has decided meanwhile
    why = f"breaker: the provider still fails; last failures: {last_failures(db, [campaign.id])}"
    pause(db, campaign.id, PauseKind.BREAKER, now, reason=_reason(why, now + wait))


def _close(db: Connection, row: Row[Any], now: datetime) -> None:
    closed = delete(breakers).where(_together(row)).returning(breakers.c.campaign_id)
    for campaign_id in sorted(db.scalars(closed)):
        if campaign_id != row.campaign_id:
            move_campaign(
                db,
                campaign_id,
                CampaignStatus.RUNNING,
                now,
                who=PROGRAM,
                reason="the provider works again",
                only_from=[CampaignStatus.PAUSED],
            )


def _together(row: Row[Any]) -> ColumnElement[bool]:
    """The breakers that open and close with this one."""
    if row.scope == CAMPAIGN:
        campaign_id: str = row.campaign_id
        return breakers.c.campaign_id == campaign_id
    account: str = row.account
    return and_(breakers.c.scope == ACCOUNT, breakers.c.account == account)


def _half_open(db: Connection, now: datetime, of_these: ColumnElement[bool]) -> None:
    """Start one probe call: for each stopped campaign, and for an account as a whole."""
    due = select(breakers).where(of_these, breakers.c.try_at <= now, breakers.c.trying_since.is_(None))
    accounts_probing = set(
        db.scalars(select(breakers.c.account).where(breakers.c.scope == ACCOUNT, breakers.c.trying_since.is_not(None)))
    )
    for row in db.execute(due.order_by(breakers.c.try_at, breakers.c.campaign_id)).all():
        if row.scope == ACCOUNT:
            if row.account in accounts_probing or not _has_somebody_to_call(db, row.campaign_id, now):
                continue
            accounts_probing.add(row.account)
        still = (breakers.c.campaign_id == row.campaign_id, breakers.c.trying_since.is_(None))
        if updated_one(
            db, update(breakers).where(*still).values(trying_since=now)
        ):  # and no person has decided meanwhile
            move_campaign(
                db,
                row.campaign_id,
                CampaignStatus.RUNNING,
                now,
                who=PROGRAM,
                reason="one call tries whether the provider works again",
                only_from=[CampaignStatus.PAUSED],
            )


def _has_somebody_to_call(db: Connection, campaign_id: str, now: datetime) -> bool:
    campaign = queries.campaign(db, campaign_id)
    is_open = [zone for zone in campaign.zones if next_opening(campaign.definition, zone, now) == now]
    due = select(contacts.c.id).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.status == ContactStatus.PENDING,
        contacts.c.due_at <= now,
        contacts.c.zone.in_(is_open),
    )
    return db.execute(due.limit(1)).first() is not None


def _pass_on_idle_probes(db: Connection, now: datetime, of_these: ColumnElement[bool]) -> None:
    """Pause a campaign that had the account's probe call and has called nobody, if another can make it."""
    idle = select(breakers).where(of_these, breakers.c.scope == ACCOUNT, breakers.c.trying_since <= now - PROBES_WITHIN)
    for row in db.execute(idle).all():
        waiting = select(breakers.c.campaign_id).where(
            _together(row), breakers.c.trying_since.is_(None), breakers.c.try_at <= now
        )
        ready = any(_has_somebody_to_call(db, other, now) for other in db.scalars(waiting).all())
        if not ready or _under_way(db, row):
            continue
        still = (breakers.c.campaign_id == row.campaign_id, breakers.c.trying_since == row.trying_since)
        if updated_one(db, update(breakers).where(*still).values(trying_since=None, try_at=now)):
            reason = f"breaker of account {row.account}: it had nobody to call, and another campaign tries"
            pause(db, row.campaign_id, PauseKind.BREAKER, now, reason=reason)


def _trip_where_it_fails(db: Connection, account: str, requesting: Sequence[Campaign], now: datetime) -> None:
    busy = set(db.scalars(select(breakers.c.campaign_id)))
    watched = [campaign for campaign in requesting if campaign.id not in busy]
    tallies = {campaign.id: tally(db, campaign, now) for campaign in watched}
    failing = [
        campaign
        for campaign in watched
        if tallies[campaign.id].too_many(campaign.definition.breaker) or only_failures(db, campaign)
    ]
    together = Tally(
        requests=sum(tally_.requests for tally_ in tallies.values()),
        failed=sum(tally_.failed for tally_ in tallies.values()),
    )
    asking = [campaign for campaign in watched if tallies[campaign.id].requests]
    if len(asking) > 1 and (len(failing) == len(asking) or (not failing and together.too_many(Breaker()))):
        running = _guarded(queries.all_campaigns(db, [CampaignStatus.RUNNING], account=account))
        all_of_it = [campaign for campaign in running if campaign.id not in busy]
        _trip(db, ACCOUNT, f"breaker of account {account}", all_of_it, together, now)
    else:
        for campaign in failing:
            _trip(db, CAMPAIGN, "breaker", [campaign], tallies[campaign.id], now)


def _trip(db: Connection, scope: str, whose: str, failing: Sequence[Campaign], counts: Tally, now: datetime) -> None:
    failures = last_failures(db, [campaign.id for campaign in failing])
    for campaign in failing:
        try_at = now + campaign.definition.breaker.wait
        why = f"{whose}: {counts.failed} of {counts.requests} requests failed; last failures: {failures}"
        if move_on(db, campaign.id, campaign.account, why, now):
            continue
        reason = _reason(why, try_at)
        if pause(db, campaign.id, PauseKind.BREAKER, now, reason=reason):
            db.execute(
                insert(breakers).values(
                    campaign_id=campaign.id,
                    account=campaign.account,
                    scope=scope,
                    opened_at=now,
                    try_at=try_at,
                    times=1,
                    trying_since=None,
                )
            )


def _reason(why: str, try_at: datetime) -> str:
    return f"{why} – one call tries again at {try_at:%H:%M:%S} UTC"
