"""Halts: an account that cannot dial pauses its campaigns; its provider is asked now and then whether they can go on.

A halted account's campaigns go on with their next account, or are paused. The sweep asks such an account with a request
that places no call. Once it answers, campaigns that say `resume_after_halt` go on, and `status` says of the others that
they could.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, insert, select, update

from campaigns.ledger import queries
from campaigns.ledger.moves import move_campaign, pause, row_count, updated_one, write_audit
from campaigns.ledger.tables import campaigns, halts
from campaigns.lifecycle import PROGRAM, CampaignStatus, PauseKind
from campaigns.safeguards.failover import move_on
from dialer.retry import doubled

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)  # doubled from question to question
ASKING_TAKES = timedelta(seconds=90)  # at most; who asks and dies leaves the question to another after this
ANSWERS_AND_REFUSES = timedelta(minutes=15)  # halted anew within this, the account is asked as if it had never answered

_unanswered = halts.c.answers_since.is_(None)
_halted = and_(campaigns.c.status == CampaignStatus.PAUSED, campaigns.c.pause_kind == PauseKind.HALTED)


def halt_account(db: Connection, account: str, why: str, *, now: datetime) -> None:
    """Move every running campaign of an account that cannot dial to its next account, or pause it until it answers."""
    running = select(campaigns.c.id).where(campaigns.c.account == account, campaigns.c.status == CampaignStatus.RUNNING)
    reason = f"account {account} cannot dial: {why}"
    for campaign_id in db.scalars(running).all():
        moved = move_on(db, campaign_id, account, reason, now)
        if not moved and pause(db, campaign_id, PauseKind.HALTED, now, reason=reason):
            _note(db, campaign_id, account, now)


def _note(db: Connection, campaign_id: str, account: str, now: datetime) -> None:
    """Note when the account is asked first; later if it was, and answered, a short while ago."""
    of_campaign = halts.c.campaign_id == campaign_id
    earlier = db.execute(select(halts).where(of_campaign, halts.c.account == account)).first()
    times = earlier.times + 1 if earlier else 1
    db.execute(delete(halts).where(of_campaign))
    facts = {"campaign_id": campaign_id, "account": account, "since": now, "times": times, "answers_since": None}
    db.execute(insert(halts).values(try_at=now + _wait(times), **facts))


def _wait(times: int) -> timedelta:
    return timedelta(seconds=doubled(FIRST_WAIT.total_seconds(), times, LONGEST_WAIT.total_seconds()))


def due_accounts(db: Connection, now: datetime) -> Sequence[str]:
    """The halted accounts that should be asked whether they can dial again."""
    return db.scalars(select(halts.c.account).where(_unanswered, halts.c.try_at <= now).distinct()).all()


def forget(db: Connection, now: datetime) -> None:
    """Forget the halts of campaigns that a person has resumed, or that are over, or have gone on for a while."""
    gone_on = and_(campaigns.c.status == CampaignStatus.RUNNING, halts.c.answers_since > now - ANSWERS_AND_REFUSES)
    kept = select(halts.c.campaign_id).join(campaigns, campaigns.c.id == halts.c.campaign_id).where(_halted | gone_on)
    db.execute(delete(halts).where(halts.c.campaign_id.not_in(kept)))


def claim(db: Connection, account: str, now: datetime) -> bool:
    """Whether the caller is to ask this account now: of several processes that want to, one is."""
    due = update(halts).where(halts.c.account == account, _unanswered, halts.c.try_at <= now)
    return row_count(db, due.values(try_at=now + ASKING_TAKES)) > 0


def still_halted(db: Connection, account: str, now: datetime) -> None:
    """Note that the account does not answer yet: it is asked again after twice the time."""
    for row in db.execute(select(halts).where(halts.c.account == account, _unanswered)).all():
        later = {"times": row.times + 1, "try_at": now + _wait(row.times + 1)}
        db.execute(update(halts).where(halts.c.campaign_id == row.campaign_id, _unanswered).values(**later))


def answers_again(db: Connection, account: str, now: datetime) -> list[str]:
    """Note for each campaign of the account that it answers; those with `resume_after_halt` go on and are returned."""
    resumed = []
    for row in db.execute(select(halts).where(halts.c.account == account, _unanswered)).all():
        of_halt = (halts.c.campaign_id == row.campaign_id, _unanswered)
        if not updated_one(db, update(halts).where(*of_halt).values(answers_since=now)):
            continue
        detail = f"account {account} answers again"
        write_audit(db, now, who=PROGRAM, event="account answers again", campaign_id=row.campaign_id, detail=detail)
        campaign = queries.campaign(db, row.campaign_id)
        still = campaign.status is CampaignStatus.PAUSED and campaign.pause_kind is PauseKind.HALTED
        if still and campaign.is_readable and campaign.definition.resume_after_halt:
            only_from = [CampaignStatus.PAUSED]
            if move_campaign(
                db, campaign.id, CampaignStatus.RUNNING, now, who=PROGRAM, reason=detail, only_from=only_from
            ):
                resumed.append(campaign.id)
    return resumed
