"""The report's sheets: CSV files of a campaign's attempts and contacts, which a spreadsheet opens without harm."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Row, select

from campaigns.ledger.erasures import shown
from campaigns.ledger.tables import attempts, contacts

ATTEMPT_COLUMNS = (
    "campaign_id",
    "contact_row",
    "external_id",
    "contact_masked",
    "attempt_no",
    "provider",
    "caller_id",
    "scheduled_at",
    "queued_at",
    "submitted_at",
    "answered_at",
    "ended_at",
    "talk_seconds",
    "outcome",
    "mnemonic",
    "provider_code",
    "provider_call_id",
    "cost",
    "currency",
    "next_attempt_at",
    "skipped_reason",
    "zone",
    "local_time",
    "allowed_by",
)
CONTACT_COLUMNS = (
    *("campaign_id", "contact_row", "contact_masked", "status", "reason", "attempts", "final_at", "consent"),
)
FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d*.]+$)")  # a number, masked or not, is none


def attempt_lines(db: Connection, campaign_id: str) -> Iterable[list[str]]:
    """A line for each attempt, and one for each contact that was never attempted, in the order of the list."""
    query = (
        select(
            attempts,
            contacts.c.line,
            contacts.c.phone,
            contacts.c.status.label("contact_status"),
            contacts.c.reason.label("contact_reason"),
            contacts.c.due_at,
        )
        .select_from(contacts)
        .join(attempts, attempts.c.contact_id == contacts.c.id, isouter=True)
        .where(contacts.c.campaign_id == campaign_id)
        .order_by(contacts.c.line, contacts.c.id, attempts.c.number)
        .execution_options(yield_per=1000)
    )
    return (_attempt_line(campaign_id, row) for row in db.execute(query))


def _attempt_line(campaign_id: str, row: Row[tuple[object, ...]]) -> list[str]:
    made = row.id is not None
    skipped = (
        "" if made else f"{row.contact_status}: {row.contact_reason}" if row.contact_reason else row.contact_status
    )
    cells = [
        campaign_id,
        row.line,
        row.id,
        shown(row.phone),
        row.number,
        row.provider,
        row.caller_id,
        row.scheduled_at if made else row.due_at,
        row.queued_at,
        row.dialing_at,
        row.answered_at,
        row.ended_at,
        None if row.talk_seconds is None else f"{row.talk_seconds:.1f}",
        row.outcome or (row.status if made else None),
        row.mnemonic,
        row.code,
        row.provider_call_id,
        None,  # neither vendor's calling API tells the cost
        None,
        row.next_attempt_at,
        skipped,
        row.zone,
        row.local_time,
        row.allowed_by,
    ]
    return [cell(one) for one in cells]


def contact_lines(db: Connection, campaign_id: str) -> Iterable[list[str]]:
    """A line for each contact, in the order of the list."""
    query = (
        select(contacts)
        .where(contacts.c.campaign_id == campaign_id)
        .order_by(contacts.c.line, contacts.c.id)
        .execution_options(yield_per=1000)
    )
    for row in db.execute(query):
        cells = (campaign_id, row.line, shown(row.phone), row.status, row.reason, row.attempts, row.final_at)
        yield [cell(one) for one in (*cells, row.consent)]


def cell(value: object) -> str:
    """A value as a spreadsheet may have it: times in RFC 3339 with offset, nothing that starts a formula."""
    if value is None:
        return ""
    text = value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)
    return f"'{text}" if FORMULA.match(text) else text


def write_sheet(file: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write beside and rename, so that a reader never finds half a file."""
    half = file.with_suffix(f".{uuid4().hex}.part")  # its own: another report of the campaign may be under way
    try:
        with half.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(columns)
            writer.writerows(lines)
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
