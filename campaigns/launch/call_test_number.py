"""A test call: what one contact would hear, to a test number from the settings, ahead of all other calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.audience import Audience
from campaigns.audience.rejects import Reject
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition import Definition
from campaigns.launch.checking.checks import open_audience
from campaigns.launch.checking.staging import new_contact
from campaigns.launch.preview import row_at
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import name_of_test_call
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.phone import PhoneNumber

NOT_FOR_TEST_CALLS: dict[str, Any] = {"retry": None, "frequency": None, "limits": None, "pace": None, "urgent": True}


class NotListed(DialerError):
    """The number is not among the test numbers of the settings."""


class RowNotCalled(DialerError):
    """The chosen row would not be called, so there is nothing to hear."""


def call_test_number(
    ledger: Ledger,
    path: Path,
    accounts: Mapping[str, AccountSettings],
    number: PhoneNumber,
    *,
    test_numbers: Collection[PhoneNumber],
    line: int | None = None,
    who: str,
    now: datetime,
) -> Campaign:
    """Start a campaign of one call to `number`, saying what the contact in this line of the list would hear.

    It is placed at any hour, before all waiting calls, and never retried. Without `line`, the first contact's text.
    `number` must be one of `test_numbers`. Raises NotListed, RowNotCalled, and what `preview` raises.
    """
    if number.identity not in {test_number.identity for test_number in test_numbers}:
        remedy = 'list it in dialer.toml, above every [section]: test_numbers = ["+…"]'
        raise NotListed(f"{number} is not among the test numbers of the settings", remedy)
    audience = open_audience(path, accounts)
    row = row_at(audience, line)
    if isinstance(row, Reject):
        raise RowNotCalled(f"{audience.file}:{row.line}: {row.reason}", row.suggestion or "choose another --row")
    rehearsal = accounts[audience.definition.account].sandbox
    return ledger.write(_start, audience, row, number, ledger.keyed_hash, rehearsal, who, now)


def _start(
    db: Connection,
    audience: Audience,
    row: ContactRow,
    number: PhoneNumber,
    keyed_hash: Callable[[str], str],
    rehearsal: bool,
    who: str,
    now: datetime,
) -> Campaign:
    definition = _definition_of_test_call(audience.definition)
    campaign_id = drafts.create_draft(
        db,
        name=definition.campaign,
        account=definition.account,
        definition_text=definition.model_dump_json(),
        rehearsal=rehearsal,
        now=now,
    )
    contact = new_contact(row)._replace(phone=number.e164, not_after=None)
    drafts.add_contacts(db, campaign_id, [contact], keyed_hash=keyed_hash, now=now)
    drafts.start(db, campaign_id, zones=[contact.zone], rejects=0, rejects_file=None, who=who, now=now)
    return queries.campaign(db, campaign_id)


def _definition_of_test_call(definition: Definition) -> Definition:
    """The definition without schedule, retries, caps and limits: those are for the contacts of the list."""
    schedule = type(definition.schedule)(zone=definition.schedule.zone)
    return definition.model_copy(
        update={**NOT_FOR_TEST_CALLS, "campaign": name_of_test_call(definition.campaign), "schedule": schedule}
    )
