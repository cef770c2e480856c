"""A call to oneself: what one contact would hear, to a number that the settings list, ahead of everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.audience import Audience
from campaigns.audience.rejects import Reject
from campaigns.audience.row_reader import ContactRow
from campaigns.definition import Definition
from campaigns.launch.checks import open_audience
from campaigns.launch.preview import row_at
from campaigns.launch.staging import admitted
from campaigns.ledger import drafts, queries
from campaigns.ledger.drafts import trial_name
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.phone import PhoneNumber

UNHEARD: dict[str, Any] = {"retry": None, "frequency": None, "limits": None, "pace": None, "urgent": True}


class NotListed(DialerError):
    """The number is not one that test calls may go to."""


class RowNotCalled(DialerError):
    """The row to be heard is none that would be called."""


def trial_call(
    ledger: Ledger,
    path: Path,
    accounts: Mapping[str, AccountSettings],
    number: PhoneNumber,
    *,
    listed: Collection[PhoneNumber],
    line: int | None = None,
    who: str,
    now: datetime,
) -> Campaign:
    """Start a campaign of one call to this number, saying what the contact in this line of the list would hear.

    At any hour, once, before everybody who waits. Raises NotListed, RowNotCalled, and what `preview` raises.
    """
    if number not in listed:
        remedy = 'list it in dialer.toml, above every [section]: test_numbers = ["+…"]'
        raise NotListed(f"{number} is not among the test numbers of the settings", remedy)
    audience = open_audience(path, accounts)
    row = row_at(audience, line)
    if isinstance(row, Reject):
        raise RowNotCalled(f"{audience.file}:{row.line}: {row.reason}", row.suggestion or "choose another --row")
    rehearsal = accounts[audience.definition.account].sandbox
    return ledger.write(_start, audience, row, number, ledger.fingerprint, rehearsal, who, now)


def _start(
    db: Connection,
    audience: Audience,
    row: ContactRow,
    number: PhoneNumber,
    fingerprint: Callable[[str], str],
    rehearsal: bool,
    who: str,
    now: datetime,
) -> Campaign:
    definition = _alone(audience.definition)
    campaign_id = drafts.create_draft(
        db,
        name=definition.campaign,
        account=definition.account,
        definition_text=definition.model_dump_json(),
        rehearsal=rehearsal,
        now=now,
    )
    one = admitted(row)._replace(phone=number.e164, not_after=None)
    drafts.add_contacts(db, campaign_id, [one], fingerprint=fingerprint, now=now)
    drafts.start(db, campaign_id, zones=[one.zone], rejects=0, rejects_file=None, starts_at=None, who=who, now=now)
    return queries.campaign(db, campaign_id)


def _alone(definition: Definition) -> Definition:
    """The definition for one call now: its own schedule, retries and caps are for those on the list."""
    schedule = type(definition.schedule)(zone=definition.schedule.zone)
    return definition.model_copy(update={**UNHEARD, "campaign": trial_name(definition.campaign), "schedule": schedule})
