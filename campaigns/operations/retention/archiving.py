"""Moves ended campaigns out of the ledger: their rows are written into files, read back, and removed; counts stay.

It may be killed at any moment: nothing is removed before the ledger has noted whole files, and the next run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from campaigns.ledger import queries
from campaigns.ledger.lists import archives
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.lists.kept_campaigns import ended_campaign
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns
from campaigns.operations.archives.archive_files import ArchiveDamaged, ArchiveFiles
from campaigns.operations.retention.emptying import READ_AT_ONCE
from campaigns.operations.retention.plans import IN_THE_LEDGER
from campaigns.reporting.report import files_locked, totals
from campaigns.retention_periods import InstallationRetention, Kept
from dialer.errors import DialerError

EVENT = "campaign archived"
YOUNGEST = timedelta(days=31)  # frequency caps count the calls of so many days


class NotArchived(DialerError):
    """A campaign stays in the ledger, for now or as its rules of retention are."""


@dataclass(slots=True, kw_only=True)
class ArchiveResult:
    """What was moved out: rows by table for each campaign. `left` says why others stay, and what to do about it."""

    folder: Path
    archived: dict[str, Mapping[str, int]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def to_archive(ledger: Ledger, names: Sequence[str], before: datetime | None, *, now: datetime) -> list[str]:
    """The ids of these campaigns, or of all that ended before this moment; of both, those named that did.

    Without either, all that ended so long ago that no frequency cap counts their calls. Raises NoSuchCampaign.
    """
    with ledger.reading() as db:
        named = [queries.campaign(db, name).id for name in names]
        if named and before is None:
            return list(dict.fromkeys(named))
        ended = archives.ended_before(db, before or now - YOUNGEST)
    return [campaign_id for campaign_id in ended if not named or campaign_id in named]


def archive(
    ledger: Ledger,
    campaign_ids: Sequence[str],
    folder: Path,
    *,
    retention: InstallationRetention,
    with_numbers: bool,
    who: str,
    now: datetime,
    batches: Batches | None = None,
) -> ArchiveResult:
    """Move these campaigns into files in the folder, one after the other; those that must stay are named with why.

    Raises OSError when the folder cannot be written: what was moved before that is whole.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    result = ArchiveResult(folder=folder.absolute())
    with files_locked(folder):
        for campaign_id in campaign_ids:
            try:
                files = _files_of(ledger, campaign_id, result.folder, retention, with_numbers, who, now)
                rows = _remove(ledger, files, who, now, batches or Batches())
            except (NotArchived, ArchiveDamaged) as exc:
                result.left[campaign_id] = f"{exc.message}: {exc.remedy}"
            else:
                result.archived[campaign_id] = rows
    return result


def _files_of(
    ledger: Ledger,
    campaign_id: str,
    folder: Path,
    retention: InstallationRetention,
    with_numbers: bool,
    who: str,
    now: datetime,
) -> ArchiveFiles:
    """The campaign's files, whole and noted in the ledger: new ones, or those of a run that was killed."""
    with ledger.snapshot() as db:
        if (known := archives.archive_of(db, campaign_id)) is not None:
            if known.removed_at:
                raise NotArchived(f"it is in {known.folder} already", "nothing is to be done")
            return ArchiveFiles.noted(known)
        _refuse_what_is_needed(db, campaign_id, retention, now)
        files, last = ArchiveFiles(folder, campaign_id), archives.last_receipt(db)
        row = db.execute(select(campaigns).where(campaigns.c.id == campaign_id)).mappings().one()
        facts = {"campaign": dict(row), "totals": asdict(totals(ledger, campaign_id)), "archived_at": now}
        files.write(db, facts, with_numbers=with_numbers)
    files.verify()
    files.bring_to_disk()
    manifest_hash = files.hash()
    noted = {"folder": str(folder), "manifest_hash": manifest_hash, "last_receipt": last, "who": who, "now": now}
    if not ledger.write(archives.note_archive, campaign_id, **noted):
        raise NotArchived("another process archives it", "see there what becomes of it")
    return files


def _refuse_what_is_needed(db: Connection, campaign_id: str, retention: InstallationRetention, now: datetime) -> None:
    """Raises NotArchived while the dialer may still ask for something of the campaign, or must empty it first."""
    ended = ended_campaign(db, campaign_id)
    if ended is None or ended.ended_at is None:
        raise NotArchived("it, or a redial of it, has not ended", "wait for the end, or cancel it")
    if ended.ended_at > now - YOUNGEST:
        raise NotArchived(
            f"it ended {ended.ended_at:%Y-%m-%d}, and frequency caps count the calls of {YOUNGEST.days} days",
            f"archive it from {ended.ended_at + YOUNGEST:%Y-%m-%d} on",
        )
    for kept in IN_THE_LEDGER if Kept.CONTACTS not in ended.done else ():
        until = None if kept in ended.done else ended.until(kept, retention)
        if until is not None:
            raise NotArchived(
                f"its {kept} are to be emptied from {until:%Y-%m-%d} on",
                "archive it after that (`dialer retention run`)",
            )
    if archives.changes_still(db, campaign_id):
        raise NotArchived("a call of it is not settled", "try again when the sweep has settled it")


def _remove(ledger: Ledger, files: ArchiveFiles, who: str, now: datetime, batches: Batches) -> Mapping[str, int]:
    """Remove what the files hold from the ledger, a few contacts at a time, and let others write in between."""
    with ledger.reading() as db:
        noted = archives.archive_of(db, files.campaign)
    if noted is None:
        raise NotArchived("it is not noted as archived", "run this again")
    rows = files.verify(noted.manifest_hash)
    while ids := archives.contacts_left(ledger, files.campaign, READ_AT_ONCE):
        for part in batches.parts(ids):
            batches.write(ledger, archives.remove, part, noted.last_receipt, rows=len(part))
    ledger.write(_note_removed, files, rows, who, now)
    return rows


def _note_removed(db: Connection, files: ArchiveFiles, rows: Mapping[str, int], who: str, now: datetime) -> None:
    if archives.note_removed(db, files.campaign, now):
        counts = ", ".join(f"{number:,} {table}" for table, number in rows.items())
        detail = f"{counts} to {files.folder}"
        write_audit(db, now, who=who, event=EVENT, campaign_id=files.campaign, detail=detail)
