"""The report of a campaign: totals, and a CSV each of its attempts and of its contacts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, func, select

from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import FINAL_CONTACTS, MISSED_CONTACTS, CampaignStatus, ContactStatus
from campaigns.reporting import status
from campaigns.reporting.csv_sheets import (
    ATTEMPT_COLUMNS,
    CONTACT_COLUMNS,
    attempt_lines,
    cell,
    contact_lines,
    write_sheet,
)
from campaigns.reporting.follow_up import follow_up, header
from campaigns.reporting.unknown_calls import COLUMNS as DOUBT_COLUMNS
from campaigns.reporting.unknown_calls import UnknownCall, unknown_calls

FIRST_DOUBTS = 10  # named in the report itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a campaign. `unsure` counts contacts whose call may or may not have reached them.

    `told_by` counts ended calls by what told of their end: where that is not `receipt` or `list`, a sweep settled them.
    """

    campaign: str
    name: str
    account: str
    rehearsal: bool
    status: CampaignStatus
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    contacts: int
    final: Mapping[str, int]
    open: Mapping[str, int]
    reasons: Sequence[tuple[str, str, int]]
    outcomes: Mapping[str, int]
    told_by: Mapping[str, int]
    attempts: int
    requests: int
    unsure: int
    attempts_file: Path
    contacts_file: Path
    rejects: int
    rejects_file: str | None
    doubts: Sequence[UnknownCall]  # the first of them
    in_doubt: int  # all of them
    doubts_file: Path | None  # all of them; None when there is none
    follow_up_file: Path | None  # whom a person should get in touch with, in the list's columns


def report(ledger: Ledger, campaign_id: str, folder: Path) -> Report:
    """Write the CSV files into `folder` and return the totals. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        queries.campaign(db, campaign_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with in_turn(folder, reporting=True), ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        counts = queries.count_by_status(db, campaign.id)
        attempts_file = folder / f"{campaign.id}-attempts.csv"
        contacts_file = folder / f"{campaign.id}-contacts.csv"
        write_sheet(attempts_file, ATTEMPT_COLUMNS, attempt_lines(db, campaign.id))
        write_sheet(contacts_file, CONTACT_COLUMNS, contact_lines(db, campaign.id))
        doubtful, in_doubt, doubts_file = _write_doubts(db, campaign.id, folder)
        return Report(
            campaign=campaign.id,
            name=campaign.name,
            account=campaign.account,
            rehearsal=campaign.rehearsal,
            status=campaign.status,
            reason=campaign.reason,
            started_at=campaign.started_at,
            finished_at=campaign.finished_at,
            contacts=sum(counts.values()),
            final={one.value: counts[one] for one in FINAL_CONTACTS if counts.get(one)},
            open={one.value: count for one, count in counts.items() if one not in FINAL_CONTACTS},
            reasons=_reasons(db, campaign.id),
            outcomes=status.attempts_by(db, campaign.id, attempts.c.outcome),
            told_by=status.attempts_by(db, campaign.id, attempts.c.ended_by),
            attempts=status.count_attempts(db, campaign.id),
            requests=db.scalar(select(func.count()).where(attempts.c.campaign_id == campaign.id)) or 0,
            unsure=counts.get(ContactStatus.UNKNOWN, 0),
            attempts_file=attempts_file.absolute(),
            contacts_file=contacts_file.absolute(),
            rejects=campaign.rejects,
            rejects_file=campaign.rejects_file,
            doubts=doubtful,
            in_doubt=in_doubt,
            doubts_file=doubts_file,
            follow_up_file=_write_follow_up(db, campaign, folder),
        )


@contextmanager
def in_turn(folder: Path, *, reporting: bool = False) -> Iterator[None]:
    """Let one erasure at a time write files here, and none while reports are being written.

    What another has read before would bring the erased person back.
    """
    if not folder.is_dir():  # nothing of ours has been written here
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if reporting else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_follow_up(db: Connection, campaign: Campaign, folder: Path) -> Path | None:
    """The file of those who were not reached, their numbers whole: it is for people. None while nobody is on it."""
    file = folder / f"{campaign.id}-follow-up.csv"
    columns = header(db, campaign)
    lines = ([cell(value) for value in line] for line in follow_up(db, campaign, columns))
    first = next(lines, None)
    if first is None:
        file.unlink(missing_ok=True)
        return None
    write_sheet(file, columns, chain([first], lines))
    return file.absolute()


def _write_doubts(db: Connection, campaign_id: str, folder: Path) -> tuple[Sequence[UnknownCall], int, Path | None]:
    """The first contacts that nobody can speak for, their number, and the file of them; one out of date goes."""
    file = folder / f"{campaign_id}-unknown.csv"
    first: list[UnknownCall] = []
    count = 0

    def lines() -> Iterable[list[str]]:
        nonlocal count
        for doubt in unknown_calls(db, campaign_id):
            count += 1
            first.extend([doubt][: FIRST_DOUBTS - len(first)])
            yield [cell(getattr(doubt, column)) for column in DOUBT_COLUMNS]

    write_sheet(file, DOUBT_COLUMNS, lines())
    if not first:
        file.unlink(missing_ok=True)
    return first, count, file.absolute() if first else None


def _reasons(db: Connection, campaign_id: str) -> list[tuple[str, str, int]]:
    """Final status, reason and count, of contacts that were not reached; the most frequent first."""
    count = func.count()
    query = (
        select(contacts.c.status, func.coalesce(contacts.c.reason, ""), count)
        .where(contacts.c.campaign_id == campaign_id, contacts.c.status.in_(MISSED_CONTACTS))
        .group_by(contacts.c.status, contacts.c.reason)
        .order_by(count.desc(), contacts.c.status, contacts.c.reason)
    )
    return [(status, reason, number) for status, reason, number in db.execute(query)]
