"""What needs a person: what does not go on by itself, and whom a campaign has lost. Typed, with the words for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, and_, exists, or_, select

from campaigns.ledger import webhooks
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import campaigns, schedules
from campaigns.lifecycle import CampaignStatus, LaunchState, PauseKind, WebhookState
from campaigns.reporting.hold_reason import TROUBLES, HoldKind
from campaigns.reporting.status import CampaignSummary
from campaigns.safeguards.account_troubles import troubles_by_account

OVERDUE = timedelta(minutes=10)  # a run that has not begun by then was missed
HOLDS = frozenset(
    {
        *(HoldKind.FAULT, HoldKind.CUT_OFF, HoldKind.VENDOR_DOWN, HoldKind.ASKED_ELSEWHERE),
        *(HoldKind.DAY_POINTS, HoldKind.LIMIT, HoldKind.BUDGET, HoldKind.CANARY),
    }
)
"""What holds a running campaign and is no part of its plan, as its hours and its pace are."""


class Need(StrEnum):
    """What needs a person, the most urgent first."""

    TROUBLE = "trouble"  # nothing is dialed, whatever the campaign
    ACCOUNT = "account"  # it cannot dial, so its campaigns are paused
    SECOND_PERSON = "second_person"  # somebody else has to start it
    PAUSED = "paused"
    HELD = "held"
    UNKNOWN = "unknown"  # too many calls ended unknown
    CALLER_ID = "caller_id"  # calls that show one of its numbers are answered less than before
    SCHEDULE = "schedule"  # its last run was missed, or refused
    WEBHOOK = "webhook"  # nothing is delivered to it
    REJECTS = "rejects"  # rows of the list that are not called


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One need. `subject` is the id of the campaign, or the name of the account, schedule or webhook.

    `words` say why, blank where the kind and the number say it all; `until` is when it passes by itself, where known.
    """

    need: Need
    subject: str
    words: str = ""
    number: int = 0
    since: datetime | None = None
    until: datetime | None = None


def attention(
    db: Connection, live: Sequence[Campaign], summaries: Sequence[CampaignSummary], now: datetime
) -> list[Attention]:
    """What needs a person now, the most urgent first, of these live campaigns and of all that is no campaign.

    `summaries` are of some of them: what holds a campaign, and how many calls ended unknown, is known of these alone.
    """
    return [
        *_troubles(summaries),
        *_accounts(db),
        *(_paused(campaign) for campaign in live if _is_paused_alone(campaign)),
        *_held(summaries),
        *_unknown(summaries),
        *_falling(summaries),
        *_schedules(db, now),
        *_webhooks(db),
        *(_rejects(campaign) for campaign in live if campaign.rejects),
    ]


def _troubles(summaries: Sequence[CampaignSummary]) -> Iterator[Attention]:
    """What keeps everything from being dialed, once for all campaigns."""
    for summary in summaries:
        if summary.campaign.status is CampaignStatus.RUNNING and summary.kind in TROUBLES:
            yield Attention(need=Need.TROUBLE, subject="", words=summary.why)
            return


def _accounts(db: Connection) -> Iterator[Attention]:
    for account, troubles in troubles_by_account(db).items():
        if troubles.halted:
            first = troubles.halted[0]
            number = len(troubles.halted)
            yield Attention(need=Need.ACCOUNT, subject=account, words=first.reason, number=number, since=first.since)


def _is_paused_alone(campaign: Campaign) -> bool:
    """Whether it is paused by itself, not with all campaigns of its account."""
    return campaign.status is CampaignStatus.PAUSED and campaign.pause_kind is not PauseKind.HALTED


def _paused(campaign: Campaign) -> Attention:
    waits = campaign.pause_kind is PauseKind.SECOND_PERSON
    need, words = (Need.SECOND_PERSON, "") if waits else (Need.PAUSED, campaign.reason or "")
    return Attention(need=need, subject=campaign.id, words=words, since=campaign.since)


def _held(summaries: Sequence[CampaignSummary]) -> Iterator[Attention]:
    for summary in summaries:
        if summary.campaign.status is CampaignStatus.RUNNING and summary.kind in HOLDS:
            yield Attention(need=Need.HELD, subject=summary.campaign.id, words=summary.why, until=summary.clears_at)


def _unknown(summaries: Sequence[CampaignSummary]) -> Iterator[Attention]:
    for summary in summaries:
        if summary.many_unknown:
            unknown = summary.unknown_calls
            yield Attention(need=Need.UNKNOWN, subject=summary.campaign.id, number=unknown)


def _falling(summaries: Sequence[CampaignSummary]) -> Iterator[Attention]:
    for summary in summaries:
        if summary.falling:
            words, number = summary.falling[0].words, len(summary.falling)
            yield Attention(need=Need.CALLER_ID, subject=summary.campaign.id, words=words, number=number)


def _schedules(db: Connection, now: datetime) -> Iterator[Attention]:
    """Those whose last run started no campaign, and those whose run is overdue."""
    started = exists().where(campaigns.c.name == schedules.c.name, campaigns.c.created_at >= schedules.c.last_at)
    idle = schedules.c.state == LaunchState.IDLE
    failed = and_(idle, schedules.c.last_at.is_not(None), ~started)
    overdue = and_(idle, schedules.c.next_at < now - OVERDUE)
    query = select(schedules.c.name, schedules.c.last_said, schedules.c.last_at, schedules.c.next_at)
    for row in db.execute(query.where(or_(failed, overdue)).order_by(schedules.c.name)):
        is_overdue = row.next_at is not None and row.next_at < now - OVERDUE
        yield Attention(
            need=Need.SCHEDULE,
            subject=row.name,
            words="" if is_overdue else row.last_said,
            since=row.next_at if is_overdue else row.last_at,
        )


def _webhooks(db: Connection) -> Iterator[Attention]:
    for webhook in webhooks.all_webhooks(db):
        if webhook.is_troubled:
            since = webhook.failing_since or webhook.since
            words = "" if webhook.state is WebhookState.ACTIVE else webhook.reason  # which says why it is in its state
            yield Attention(need=Need.WEBHOOK, subject=webhook.name, words=words, since=since)


def _rejects(campaign: Campaign) -> Attention:
    return Attention(need=Need.REJECTS, subject=campaign.id, number=campaign.rejects, since=campaign.started_at)
