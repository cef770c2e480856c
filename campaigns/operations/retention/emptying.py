"""Retention: empties what is known of people when the time for which it is kept is over; figures stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from campaigns.ledger.audit_chain import chaining as audit_chain
from campaigns.ledger.lists import kept_campaigns
from campaigns.ledger.lists import retention as statements
from campaigns.ledger.lists.archives import Archive, archive_of
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.lists.kept_campaigns import KeptCampaign
from campaigns.ledger.lists.rejected_rows import empty_rejected_rows, full_rejected_rows
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import PROGRAM
from campaigns.operations.archives.archive_erasure import empty_archive
from campaigns.operations.retention.old_files import kept_files, remove_files
from campaigns.operations.retention.plans import cutoff, cutoff_of, due_of
from campaigns.retention_periods import InstallationRetention, Kept
from dialer.plural import counted

EVENT = "retention"
NIGHT_HOUR = 3  # UTC
READ_AT_ONCE = 500  # contacts, without a lock


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run has emptied and removed; the names are those of `retention run --json`.

    left      files that could not be removed; of archives, their manifests: the next run tries again
    elsewhere manifests of archives that are not on this machine, and still hold what is due
    finished  whether all that was due is done; what is not is done by the next run
    """

    campaigns: int = 0
    contacts: int = 0
    texts: int = 0
    receipts: int = 0
    audit: int = 0
    files: Sequence[Path] = ()
    left: Sequence[Path] = ()
    elsewhere: Sequence[Path] = ()
    finished: bool = True


def run(
    ledger: Ledger,
    general: InstallationRetention,
    folder: Path,
    *,
    now: datetime,
    seconds: float | None = None,
    batches: Batches | None = None,
) -> Result:
    """Empty and remove what is due, in small batches; running it again, or twice at once, does no harm.

    With `seconds` it stops some time after these; the result says so.
    """
    batches = batches or Batches(until=None if seconds is None else time.monotonic() + seconds)
    result = Result()
    with ledger.reading() as db:
        ended = list(kept_campaigns.kept_campaigns(db))
    for campaign in ended:
        due = list(due_of(campaign, general, now))
        for kept in due:
            _empty_campaign(ledger, campaign, kept, general, batches, result, now)
            if batches.over:
                result.finished = False
                return result
        result.campaigns += bool(due)
    _empty_unmatched(ledger, general, batches, result, now)
    _remove_audit(ledger, general, batches, result, now)
    old = [each.file for each in kept_files(ledger, general, folder) if each.until <= now]
    left = remove_files(old, folder)
    result.left = [*result.left, *left]
    result.files = [file for file in old if file not in left]
    return result


def run_on_demand(
    ledger: Ledger, general: InstallationRetention, folder: Path, *, who: str, now: datetime, seconds: float | None
) -> Result:
    """A run that somebody asks for, with a line in the audit."""
    result = run(ledger, general, folder, now=now, seconds=seconds)
    ledger.write(write_audit, now, who=who, event=EVENT, detail=summary(result))
    return result


def run_daily(
    ledger: Ledger, general: InstallationRetention, folder: Path, *, now: datetime, seconds: float
) -> Result | None:
    """The night's run, once from 03:00 UTC on, and made up for when nobody was there; None where it is done.

    One process does it at a time. What `seconds` do not suffice for is done by the next call. When all is done, one
    line of the audit says what the night has emptied.
    """
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    due_since = night if night <= now else night - timedelta(days=1)
    if not ledger.write(kept_campaigns.claim_night, due_since, now):
        return None
    result = Result(finished=False)
    try:
        result = run(ledger, general, folder, now=now, seconds=seconds)
        if result.finished:
            with ledger.reading() as db:
                done = kept_campaigns.done_since(db, due_since)
            for kept, (_, number) in done.items():  # those of earlier calls too
                setattr(result, kept, max(number, getattr(result, kept)))
            result.campaigns = max([result.campaigns, *(number for number, _ in done.values())])
            if general.ends or done:
                ledger.write(write_audit, now, who=PROGRAM, event=EVENT, detail=summary(result))
    finally:
        ledger.write(kept_campaigns.end_night, now, finished=result.finished)
    return result


def summary(result: Result) -> str:
    """What was emptied, in words without anybody's number."""
    parts = (
        counted(result.contacts, "contact"),
        counted(result.texts, "text"),
        counted(result.receipts, "receipt"),
        counted(len(result.files), "file"),
        counted(result.audit, "line of the audit", "lines of the audit"),
    )
    words = ", ".join(part for part in parts if not part.startswith("0 ")) or "nothing was due"
    return words if result.finished else f"{words}; the rest follows"


def _empty_campaign(
    ledger: Ledger,
    campaign: KeptCampaign,
    kept: Kept,
    general: InstallationRetention,
    batches: Batches,
    result: Result,
    now: datetime,
) -> None:
    before = cutoff_of(campaign, general, kept, now)
    assert before is not None  # noqa: S101  # it is due
    after, emptied, whole = None, 0, True
    while not batches.over:
        with ledger.reading() as db:
            page = statements.next_page(db, campaign, kept, before, READ_AT_ONCE, after)
        if page is None:
            break
        for ids in batches.parts(page.receipt_ids):
            number = batches.write(ledger, statements.empty_receipts, ids, page.own, rows=len(ids))
            emptied += number if kept is Kept.RECEIPTS else 0
        for contact_ids in batches.parts(list(page.phones)) if kept is not Kept.RECEIPTS else ():
            phones = {contact_id: page.phones[contact_id] for contact_id in contact_ids}
            done = batches.write(ledger, statements.empty, ledger, campaign, kept, phones, rows=len(phones))
            whole = whole and done is not None
            emptied += done or 0
        after = page.last
    while kept is Kept.CONTACTS and campaign.ended_at and not batches.over:
        with ledger.reading() as db:
            rejected = full_rejected_rows(db, campaign.id, batches.size)
        if not rejected:
            break
        batches.write(ledger, empty_rejected_rows, rejected, rows=len(rejected))
    with ledger.reading() as db:
        whole = whole and not statements.is_left(db, campaign, kept, before)
        archive = archive_of(db, campaign.id)
    if archive is not None and whole and not batches.over:
        in_archive = _empty_archive(ledger, archive, kept, result)
        whole, emptied = in_archive is not None, emptied + (in_archive or 0)
    setattr(result, kept, getattr(result, kept) + emptied)
    if whole and not batches.over and (campaign.ended_at or emptied):
        batches.write(ledger, kept_campaigns.note_done, campaign, kept, emptied, now)


def _empty_archive(ledger: Ledger, archive: Archive, kept: Kept, result: Result) -> int | None:
    """Empty what an archived campaign has in its files; returns the rows, None where they could not be emptied."""
    walked = empty_archive(ledger, archive, kept)
    result.elsewhere = [*result.elsewhere, *(files.manifest for files in walked.elsewhere)]
    result.left = [*result.left, *(files.manifest for files in walked.damaged)]
    return next((rows for _, rows in walked.done), None)


def _empty_unmatched(
    ledger: Ledger, general: InstallationRetention, batches: Batches, result: Result, now: datetime
) -> None:
    before = cutoff(general.period(Kept.RECEIPTS) or general.period(Kept.CONTACTS), now)
    while before is not None:
        with ledger.reading() as db:
            ids = statements.unmatched_before(db, before, batches.size)
        if not ids:
            return
        result.receipts += batches.write(ledger, statements.empty_receipts, ids, frozenset(ids), rows=len(ids))


def _remove_audit(
    ledger: Ledger, general: InstallationRetention, batches: Batches, result: Result, now: datetime
) -> None:
    before = cutoff(general.audit, now)
    while before is not None:
        removed = batches.write(ledger, audit_chain.remove_before, ledger, before, batches.size, rows=batches.size)
        result.audit += removed
        if not removed:
            return
