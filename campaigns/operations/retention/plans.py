"""What retention would empty now, and until when the rest is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from campaigns.ledger.audit_chain import chaining as audit_chain
from campaigns.ledger.lists import retention as statements
from campaigns.ledger.lists.archives import archive_of
from campaigns.ledger.lists.kept_campaigns import KeptCampaign, kept_campaigns
from campaigns.ledger.store import Ledger
from campaigns.operations.archives.archive_erasure import rows_of_kind
from campaigns.operations.archives.archive_files import ArchiveFiles
from campaigns.operations.retention.old_files import kept_files
from campaigns.retention_periods import FOREVER, InstallationRetention, Kept

IN_THE_LEDGER = (Kept.TEXTS, Kept.RECEIPTS, Kept.CONTACTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """What is still kept of a campaign: until when, and how much of it is due to go now.

    `ended_at` is None for a standing campaign that goes on; `until` is then when the first of its contacts' goes, and
    has nothing of which no contact has ended. `archive` is the manifest of the archive that has its rows.
    """

    campaign: str
    ended_at: datetime | None
    until: Mapping[Kept, datetime | None]
    due: Mapping[Kept, int]
    archive: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would empty or remove now, and what goes later.

    unmatched  bodies of receipts that belong to no call of ours
    audit      lines of the audit
    files      files that would be removed; `later` those that go another day, with their day
    """

    campaigns: Sequence[CampaignPlan]
    unmatched: int
    audit: int
    files: Sequence[Path]
    later: Mapping[Path, datetime]


def make_plan(ledger: Ledger, general: InstallationRetention, folder: Path, *, now: datetime) -> Plan:
    """What `run` would do at this moment, and until when all else is kept. Nothing is changed."""
    with ledger.reading() as db:
        ended = list(kept_campaigns(db))
        plans = [_plan_of(db, campaign, general, now) for campaign in ended]
        before = cutoff(general.period(Kept.RECEIPTS), now)
        unmatched = len(statements.unmatched_before(db, before, 1_000_000)) if before else 0
        audit_before = cutoff(general.audit, now)
        audit = audit_chain.count_before(db, audit_before) if audit_before else 0
    files = kept_files(ledger, general, folder)
    return Plan(
        campaigns=plans,
        unmatched=unmatched,
        audit=audit,
        files=[each.file for each in files if each.until <= now],
        later={each.file: each.until for each in files if each.until > now},
    )


def due_of(campaign: KeptCampaign, general: InstallationRetention, now: datetime) -> Iterator[Kept]:
    """What is to be emptied of a campaign: with its contacts, all else of it goes.

    Of one that goes on everything that some contact's time may be over for: single contacts' end differs.
    """
    cutoffs = {kept: cutoff_of(campaign, general, kept, now) for kept in IN_THE_LEDGER if kept not in campaign.done}
    if campaign.ended_at is None:
        yield from (kept for kept, before in cutoffs.items() if before)
        return
    due = [kept for kept, before in cutoffs.items() if before and campaign.ended_at <= before]
    yield from [Kept.CONTACTS] if Kept.CONTACTS in due else due


def cutoff_of(campaign: KeptCampaign, general: InstallationRetention, kept: Kept, now: datetime) -> datetime | None:
    """Whoever ended until then has this no longer; None: it is kept for ever."""
    return cutoff(campaign.own.over(general).period(kept), now)


def _plan_of(db: Connection, campaign: KeptCampaign, general: InstallationRetention, now: datetime) -> CampaignPlan:
    ends = {
        kept: campaign.ended_at or statements.first_end(db, campaign, kept)
        for kept in IN_THE_LEDGER
        if kept not in campaign.done
    }
    archive = archive_of(db, campaign.id)
    due = {
        kept: statements.counts(db, campaign, kept, before) + ((archive and rows_of_kind(archive, kept)) or 0)
        for kept in due_of(campaign, general, now)
        if (before := cutoff_of(campaign, general, kept, now))
    }
    return CampaignPlan(
        campaign=campaign.id,
        ended_at=campaign.ended_at,
        until={kept: campaign.until(kept, general, end) for kept, end in ends.items() if end},
        due={kept: number for kept, number in due.items() if number or campaign.ended_at},
        archive=None if archive is None else ArchiveFiles.noted(archive).manifest,
    )


def cutoff(period: timedelta | None, now: datetime) -> datetime | None:
    return None if period is None or period == FOREVER else now - period
