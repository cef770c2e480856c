"""Appends contacts to a campaign that has started: rows of a file or of a program, checked as a start checks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.audience import read_audience
from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.table import Table
from campaigns.audience.given_rows import given_table
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.definition import Definition
from campaigns.launch.checking.checks import CheckResult, check_audience, provider_of_started
from campaigns.launch.exclusions import Exclusions
from campaigns.ledger import queries
from campaigns.ledger.lists.appends import AppendedRow, RowFate, append_rows, locked_for_append, refuse_unless_open
from campaigns.ledger.lists.drafts import WrittenContact
from campaigns.ledger.moves import write_audit
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings
from dialer.plural import counted

APPENDED_AT_ONCE = 500
KEPT_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendResult:
    """How many rows became new contacts, changed one, were there already, were left; and how many were rejected.

    `rows` are the first rows, at most 1,000, in their order; those that were rejected are not among them.
    """

    campaign: str
    added: int
    changed: int
    same: int
    left: int
    rejected: int
    rows: Sequence[AppendedRow]


def check_rows(
    ledger: Ledger,
    campaign_id: str,
    source: Path | Sequence[Mapping[str, Any]],
    accounts: Mapping[str, AccountSettings],
    *,
    now: datetime,
    progress: ProgressBar = no_progress,
) -> CheckResult:
    """Check rows for a campaign as a start checks its list, without changing anything.

    `source` is a CSV or XLSX file with the columns of the campaign's list, or rows by the names of its columns. Raises
    NoSuchCampaign, CannotAppend, DefinitionFaults, BadContactsFile, BadRows, ListChanged, NoTempSpace.
    """
    campaign = open_for_append(ledger, campaign_id)
    definition, name = campaign.definition, campaign.id
    provider = provider_of_started(definition, accounts)
    table = _table_of(source, definition) if isinstance(source, Path) else given_table(definition, source)
    exclusions = Exclusions(ledger, definition, now, own_campaign=name)
    audience = read_audience(definition, table, check_script=provider.check_script, find_excluded=exclusions)
    return check_audience(audience, accounts, exclusions=True, progress=progress)


def append(
    ledger: Ledger,
    campaign_id: str,
    checked: CheckResult,
    *,
    who: str,
    now: datetime,
    progress: ProgressBar = no_progress,
) -> AppendResult:
    """Append the good rows of a check; they are called from the next second on.

    Appending the same rows again changes nothing: a row whose key is there is skipped, or changes its contact while
    that waits; a number without a key that is there is skipped. Raises NoSuchCampaign, CannotAppend.
    """
    if checked.staging_file is None:
        raise ValueError("the contacts were not kept when they were checked")
    campaign = open_for_append(ledger, campaign_id)
    contacts = iter(progress(checked.staging_file.contacts(), checked.summary.will_dial))
    fates, rows = Counter[RowFate](), list[AppendedRow]()
    while batch := list(islice(contacts, APPENDED_AT_ONCE)):
        done = ledger.write(_append, campaign.id, batch, ledger, who, now)
        fates.update(row.fate for row in done)
        rows += done[: KEPT_ROWS - len(rows)]
    return AppendResult(
        campaign=campaign.id,
        **{fate.value: fates[fate] for fate in RowFate},
        rejected=checked.summary.rejected,
        rows=rows,
    )


def open_for_append(ledger: Ledger, campaign_id: str) -> Campaign:
    """The campaign, which takes contacts now. Raises NoSuchCampaign, CannotAppend."""
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        refuse_unless_open(campaign)
    return campaign


def _table_of(file: Path, definition: Definition) -> Table:
    contacts = definition.contacts
    return open_table(file, contacts.sheet, contacts.phone, encoding=contacts.encoding)


def _append(
    db: Connection, campaign_id: str, batch: Sequence[WrittenContact], ledger: Ledger, who: str, now: datetime
) -> list[AppendedRow]:
    rows = append_rows(db, locked_for_append(db, campaign_id), batch, ledger=ledger, now=now)
    fates = Counter(row.fate for row in rows)
    added = [counted(fates[RowFate.ADDED], "added", "added")] if fates[RowFate.ADDED] else []
    changed = [counted(fates[RowFate.CHANGED], "changed", "changed")] if fates[RowFate.CHANGED] else []
    counts = ", ".join(added + changed)
    if counts:
        write_audit(db, now, who=who, event="contacts appended", campaign_id=campaign_id, detail=counts)
    return rows
