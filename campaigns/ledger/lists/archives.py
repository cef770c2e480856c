"""Archived campaigns: what is read of an ended one for its files, and removed a few contacts at a time after that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, delete, exists, func, insert, or_, select, update

from campaigns.ledger.lists.redials import other_campaigns
from campaigns.ledger.moves import row_count
from campaigns.ledger.numbers.erasures import is_over, overwrite_deleted
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import archives, attempts, campaigns, contacts, erasures, receipts
from campaigns.ledger.tallies import keep_counting
from campaigns.lifecycle import ENDED_CAMPAIGNS

READ_AT_ONCE = 1000
MOVED: tuple[Table, ...] = (contacts, attempts, receipts)
NOT_KEPT = {"claim", "claimed_at", "lease_until"}  # columns that say nothing of a campaign that is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Where an archived campaign is. `removed_at` is None while some of it may still be in the ledger, too."""

    campaign: str
    folder: str
    manifest_hash: str
    last_receipt: int
    removed_at: datetime | None

    def file_of(self, table: str) -> Path:
        """The file that holds what the ledger had of it in this table."""
        return archive_file(Path(self.folder), self.campaign, table)


def archive_file(folder: Path, campaign: str, table: str) -> Path:
    """The file of one of MOVED in this folder."""
    return folder / f"{campaign}-archived-{table}.csv"


def archive_of(db: Connection, campaign_id: str) -> Archive | None:
    """Where the campaign's contacts went, or None: they are here."""
    row = db.execute(select(archives).where(archives.c.campaign_id == campaign_id)).first()
    return None if row is None else _archive(row)


def all_archives(db: Connection) -> list[Archive]:
    """All of them, the oldest first."""
    return [_archive(row) for row in db.execute(select(archives).order_by(archives.c.at, archives.c.campaign_id))]


def archive_of_family(db: Connection, campaign_id: str) -> Archive | None:
    """Where this campaign, or one that it is connected with by redials, went; None when all of them are here."""
    family = [campaign_id, *other_campaigns(db, campaign_id)]
    row = db.execute(select(archives).where(archives.c.campaign_id.in_(family)).limit(1)).first()
    return None if row is None else _archive(row)


def ended_before(db: Connection, moment: datetime) -> list[str]:
    """Campaigns that ended before it and are not archived, or not removed yet; the oldest first."""
    done = select(archives.c.campaign_id).where(archives.c.removed_at.is_not(None))
    ended = (campaigns.c.status.in_(ENDED_CAMPAIGNS), campaigns.c.finished_at < moment, campaigns.c.id.not_in(done))
    return list(db.scalars(select(campaigns.c.id).where(*ended).order_by(campaigns.c.finished_at, campaigns.c.id)))


def changes_still(db: Connection, campaign_id: str) -> bool:
    """Whether a contact of the campaign may still change: a call of it goes on, or its erasure waits for that."""
    of_campaign = contacts.c.campaign_id == campaign_id
    waits = exists().where(erasures.c.contact_id == contacts.c.id)
    return db.execute(select(contacts.c.id).where(of_campaign, or_(~is_over(), waits)).limit(1)).first() is not None


def kept_columns(table: Table) -> list[str]:
    """The names of the columns that a file has of this table."""
    return [column.name for column in table.c if column.name not in NOT_KEPT]


def rows_of(db: Connection, campaign_id: str, table: Table) -> Iterator[Row[Any]]:
    """The campaign's rows of one of MOVED, a few at a time: contacts as they were added, the others with theirs."""
    columns = [table.c[name] for name in kept_columns(table)]
    ids = _contacts_of(campaign_id)
    last = 0
    while batch := db.scalars(ids.where(contacts.c.id > last).limit(READ_AT_ONCE)).all():
        last = batch[-1]
        calls = select(attempts.c.id).where(attempts.c.contact_id.in_(batch))
        match table.name:
            case "contacts":
                query = select(*columns).where(contacts.c.id.in_(batch)).order_by(contacts.c.id)
            case "attempts":
                of_batch = attempts.c.contact_id.in_(batch)
                query = select(*columns).where(of_batch).order_by(attempts.c.contact_id, attempts.c.number)
            case _:
                query = select(*columns).where(receipts.c.attempt_id.in_(calls)).order_by(receipts.c.id)
        yield from db.execute(query)


def note_archive(
    db: Connection, campaign_id: str, *, folder: str, manifest_hash: str, last_receipt: int, who: str, now: datetime
) -> bool:
    """Note that these files hold all of the campaign, before anything of it is removed. False: it is noted already."""
    db.execute(select(campaigns.c.id).where(campaigns.c.id == campaign_id).with_for_update())
    if archive_of(db, campaign_id):
        return False
    facts = {"folder": folder, "manifest_hash": manifest_hash, "last_receipt": last_receipt, "who": who, "at": now}
    db.execute(insert(archives).values(campaign_id=campaign_id, **facts))
    return True


def note_rewritten(db: Connection, campaign_id: str, manifest_hash: str) -> None:
    """Note that the files were written anew without a person."""
    db.execute(update(archives).where(archives.c.campaign_id == campaign_id).values(manifest_hash=manifest_hash))


def note_removed(db: Connection, campaign_id: str, now: datetime) -> bool:
    """Note that nothing of an archived campaign is left here; False when it is noted already."""
    left = (archives.c.campaign_id == campaign_id, archives.c.removed_at.is_(None))
    return row_count(db, update(archives).where(*left).values(removed_at=now)) == 1


def contacts_left(ledger: Ledger, campaign_id: str, limit: int) -> Sequence[int]:
    """The next contacts of a campaign that are to be removed, read without a lock."""
    with ledger.reading() as db:
        return db.scalars(_contacts_of(campaign_id).limit(limit)).all()


def remove(db: Connection, contact_ids: Sequence[int], last_receipt: int) -> int:
    """Remove contacts that were archived, with their calls and the receipts up to this one; returns how many.

    Their counts stay. A receipt that came after the files were written stays too, as one of no call of ours.
    """
    overwrite_deleted(db)
    of_calls, own = attempts.c.contact_id.in_(contact_ids), contacts.c.id.in_(contact_ids)
    calls = db.scalars(select(attempts.c.id).where(of_calls).order_by(attempts.c.id).with_for_update()).all()
    db.execute(select(contacts.c.id).where(own).order_by(contacts.c.id).with_for_update()).all()
    keep_counting(db, contact_ids)
    of_receipts = receipts.c.attempt_id.in_(calls)
    db.execute(delete(receipts).where(of_receipts, receipts.c.id <= last_receipt))
    db.execute(update(receipts).where(of_receipts).values(attempt_id=None))
    db.execute(delete(attempts).where(of_calls))
    return row_count(db, delete(contacts).where(own))


def last_receipt(db: Connection) -> int:
    """The newest receipt of all; 0 where there is none."""
    return db.scalar(select(func.max(receipts.c.id))) or 0


def _contacts_of(campaign_id: str) -> Select[Any]:
    return select(contacts.c.id).where(contacts.c.campaign_id == campaign_id).order_by(contacts.c.id)


def _archive(row: Row[Any]) -> Archive:
    return Archive(
        campaign=row.campaign_id,
        folder=row.folder,
        manifest_hash=row.manifest_hash,
        last_receipt=row.last_receipt,
        removed_at=row.removed_at,
    )
