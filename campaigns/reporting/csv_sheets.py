"""The CSV files of a report: a campaign's attempts and contacts, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from campaigns.audience.formulas import harmless
from campaigns.ledger.costs import cost_of_attempt
from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.tables import attempts, contacts
from dialer.prices import amount
from dialer.whole_file import whole_file

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
    "response",
    "reminder",
    "short",
    "variant",
)
OF_ATTEMPT = (  # what a line of the ledger's attempts shows, as its columns are named
    *("id", "number", "provider", "caller_id", "status", "scheduled_at", "queued_at", "dialing_at", "answered_at"),
    *("ended_at", "talk_seconds", "outcome", "mnemonic", "code", "provider_call_id", "currency", "next_attempt_at"),
    *("zone", "local_time", "allowed_by", "response", "reminder", "short", "variant"),
)
OF_CONTACT = ("line", "phone", "status", "reason", "attempts", "final_at", "consent", "key", "response")
CONTACT_COLUMNS = (
    *("campaign_id", "contact_row", "contact_masked", "status", "reason", "attempts", "final_at", "consent", "key"),
    "response",
)


def attempt_lines(db: Connection, campaign_id: str) -> Iterable[list[str]]:
    """The cells of each attempt, and of each contact without one, in the order of the list; see ATTEMPT_COLUMNS."""
    own = attempts.c.contact_id == contacts.c.id
    if db.dialect.name == "postgresql":
        # It takes the campaign's part of an index then, and does not read all attempts of a large ledger. SQLite would
        # take that part for each contact.
        own = and_(own, attempts.c.campaign_id == campaign_id)
    query = (
        select(
            *map(attempts.c.__getitem__, OF_ATTEMPT),
            cost_of_attempt().label("cost"),
            contacts.c.line,
            contacts.c.phone,
            contacts.c.status.label("contact_status"),
            contacts.c.reason.label("contact_reason"),
            contacts.c.due_at,
        )
        .select_from(contacts)
        .join(attempts, own, isouter=True)
        .where(contacts.c.campaign_id == campaign_id)
        .order_by(contacts.c.line, contacts.c.id, attempts.c.number)
        .execution_options(yield_per=1000)
    )
    return (_attempt_line(campaign_id, row) for row in db.execute(query))


def _attempt_line(campaign_id: str, row: Row[*tuple[Any, ...]]) -> list[str]:
    attempted = row.id is not None
    skipped = (
        "" if attempted else f"{row.contact_status}: {row.contact_reason}" if row.contact_reason else row.contact_status
    )
    cells = [
        campaign_id,
        row.line,
        row.id,
        shown_number(row.phone),
        row.number,
        row.provider,
        row.caller_id,
        row.scheduled_at if attempted else row.due_at,
        row.queued_at,
        row.dialing_at,
        row.answered_at,
        row.ended_at,
        None if row.talk_seconds is None else f"{row.talk_seconds:.1f}",
        row.outcome or (row.status if attempted else None),
        row.mnemonic,
        row.code,
        row.provider_call_id,
        None if row.cost is None else amount(int(row.cost)),  # by our prices: neither vendor's calling API has it
        row.currency,
        row.next_attempt_at,
        skipped,
        row.zone,
        row.local_time,
        row.allowed_by,
        row.response,
        row.reminder,
        "yes" if row.short else None,
        row.variant,
    ]
    return [csv_cell(value) for value in cells]


def contact_lines(db: Connection, campaign_id: str) -> Iterable[list[str]]:
    """The cells of each contact, in the order of the list; see CONTACT_COLUMNS."""
    query = (
        select(*map(contacts.c.__getitem__, OF_CONTACT))
        .where(contacts.c.campaign_id == campaign_id)
        .order_by(contacts.c.line, contacts.c.id)
        .execution_options(yield_per=1000)
    )
    for row in db.execute(query):
        cells = (campaign_id, row.line, shown_number(row.phone), row.status, row.reason, row.attempts, row.final_at)
        yield [csv_cell(value) for value in (*cells, row.consent, row.key, row.response)]


def csv_cell(value: object) -> str:
    """A value as the text of a cell: times in RFC 3339 with offset, nothing that starts a spreadsheet formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")  # it begins with its year
    return harmless(str(value))


def write_csv(file: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write a CSV file whole: under another name first, which is then renamed."""
    with whole_file(file) as out:
        writer = csv.writer(out)
        writer.writerow(map(harmless, columns))
        writer.writerows(lines)
