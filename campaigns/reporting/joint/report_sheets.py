"""The sheets of a report, of one campaign or of several: as CSV, and as workbooks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import chain
from typing import IO, TextIO

from sqlalchemy import Connection

from campaigns.audience.formulas import harmless
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.reporting.csv_sheets import ATTEMPT_COLUMNS, CONTACT_COLUMNS, attempt_lines, contact_lines
from campaigns.reporting.given_list import GivenLists
from campaigns.reporting.joint import to_do
from campaigns.reporting.joint.chosen_campaigns import Choice, chosen_campaigns
from campaigns.reporting.joint.xlsx_sheets import SheetRows, write_workbook
from campaigns.reporting.report import CALLER_ID_COLUMNS, caller_id_lines, totals_of
from campaigns.reporting.unknown_calls import COLUMNS as UNKNOWN_COLUMNS
from campaigns.reporting.unknown_calls import unknown_lines

FIGURES = {
    *("contact_row", "attempt_no", "attempts", "talk_seconds", "cost"),
    *("calls", "answered", "answered_share"),
}  # columns of ours that are written as numbers
OF_LISTS = {"_attempts"}


class Sheet(StrEnum):
    """The tables of a report."""

    ATTEMPTS = "attempts"
    CONTACTS = "contacts"
    UNKNOWN = "unknown"
    CALLER_IDS = "caller-ids"  # of a campaign that shows several numbers
    LIST = "list"  # as it was given, with what became of each row
    FOLLOW_UP = "follow-up"  # with numbers in full
    TO_DO = "to-do"


WITHOUT_NUMBERS = (Sheet.CONTACTS, Sheet.ATTEMPTS, Sheet.UNKNOWN, Sheet.CALLER_IDS)
FOR_PEOPLE = (Sheet.TO_DO, Sheet.LIST)  # the workbook for whoever asked for the calls


def write_sheet(ledger: Ledger, choice: Choice, sheet: Sheet, stream: TextIO, *, numbers: bool = False) -> None:
    """Write one sheet as CSV; it has its header alone where there is nothing. Raises NoSuchCampaign.

    `numbers`: the list has whole numbers; else they are masked.
    """
    writer = csv.writer(stream)
    with ledger.reading() as db:
        rows = _rows_of(db, chosen_campaigns(db, choice), sheet, numbers)
        writer.writerow(map(harmless, rows.columns))
        writer.writerows(rows.rows)


def write_xlsx(
    ledger: Ledger, choice: Choice, sheets: Iterable[Sheet], stream: IO[bytes], *, numbers: bool = False
) -> None:
    """Write sheets as one workbook. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        campaigns = chosen_campaigns(db, choice)
        write_workbook(stream, (_rows_of(db, campaigns, sheet, numbers) for sheet in sheets))


def _rows_of(db: Connection, campaigns: Sequence[Campaign], sheet: Sheet, numbers: bool) -> SheetRows:
    columns: Sequence[str]
    lines: Iterable[Sequence[str]]
    ids = [campaign.id for campaign in campaigns]
    numeric = FIGURES
    match sheet:
        case Sheet.ATTEMPTS:
            columns, lines = ATTEMPT_COLUMNS, chain.from_iterable(attempt_lines(db, name) for name in ids)
        case Sheet.CONTACTS:
            columns, lines = CONTACT_COLUMNS, chain.from_iterable(contact_lines(db, name) for name in ids)
        case Sheet.UNKNOWN:
            columns, lines = UNKNOWN_COLUMNS, chain.from_iterable(unknown_lines(db, name) for name in ids)
        case Sheet.CALLER_IDS:
            columns, lines = CALLER_ID_COLUMNS, chain.from_iterable(caller_id_lines(db, each) for each in campaigns)
        case Sheet.TO_DO:
            columns, numeric = to_do.COLUMNS, {to_do.COLUMNS[0]}
            lines = to_do.lines(to_do.to_dos(totals_of(db, campaign) for campaign in campaigns))
        case Sheet.LIST | Sheet.FOLLOW_UP:
            follow_up = sheet is Sheet.FOLLOW_UP
            lists = GivenLists(db, campaigns, numbers=numbers or follow_up, follow_up=follow_up)
            columns, lines, numeric = lists.columns, lists.lines(), set()
    return SheetRows(title=sheet, columns=columns, rows=lines, numeric=numeric)
