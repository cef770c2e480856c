"""From a checked campaign to a running one: all of it starts or nothing does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.progress import Progress, no_progress
from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition
from campaigns.launch.checks import CheckResult, NobodyToCall
from campaigns.launch.staging import StagingFile
from campaigns.ledger import drafts, queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.errors import DialerError

ADMITTED_AT_ONCE = 5000
StillWanted = Callable[[Connection, str], None]  # asked in the transaction that starts this campaign; raises to stop it


class StillGoingOn(DialerError):
    """A campaign of this name has not ended."""


def launch(
    ledger: Ledger,
    checked: CheckResult,
    *,
    rejects_folder: Path | None = None,
    again: bool = False,
    who: str,
    now: datetime,
    progress: Progress = no_progress,
    still_wanted: StillWanted = lambda db, campaign_id: None,
) -> Campaign:
    """Write a checked campaign into the ledger and start it, or leave nothing there that anybody would dial.

    What a killed launch leaves is cleared away an hour later, by the next one or by the sweep. Raises StillGoingOn when
    a campaign of this name has not ended, unless `again` asks for a second one; also then, when one that has started
    meanwhile calls some of the same contacts. Raises NobodyToCall where no row can be called, or the campaign's end
    comes before any hour of its windows.
    """
    definition = checked.definition
    checked.refuse_nobody(None)
    refuse_too_late(checked, now)
    if not again:
        refuse_second(ledger, definition)
    drafts.clear_abandoned(ledger, now)
    campaign_id = ledger.write(
        drafts.create_draft,
        name=definition.campaign,
        account=definition.account,
        definition_text=definition.model_dump_json(),
        rehearsal=checked.rehearsal,
        now=now,
    )
    try:
        spool = _admit_all(ledger, campaign_id, checked, now, progress)
        rejects_file = checked.write_rejects(rejects_folder, campaign_id) if rejects_folder else None
        ledger.write(
            _start,
            campaign_id,
            checked,
            again,
            still_wanted,
            {
                "zones": spool.zones,
                "admitted": checked.summary.will_dial,
                "rejects": checked.summary.rejected,
                "rejects_file": str(rejects_file) if rejects_file else None,
                "starts_at": definition.starts_at,
                "who": who,
                "now": now,
            },
        )
    except BaseException:
        drafts.discard(ledger, campaign_id, now)
        raise
    with ledger.reading() as db:
        return queries.campaign(db, campaign_id)


def _start(
    db: Connection,
    campaign_id: str,
    checked: CheckResult,
    again: bool,
    still_wanted: StillWanted,
    facts: Mapping[str, Any],
) -> None:
    """Start the draft, unless another of its name has started since that was asked, and calls any of its contacts."""
    name = checked.definition.campaign
    going_on = drafts.live_campaign_named(db, name, lock=True)
    if going_on and not again:
        raise _going_on(going_on, checked.definition)
    if going_on and checked.apart and (other := drafts.called_by_another_too(db, campaign_id, name)):
        raise StillGoingOn(
            f"{other} has started meanwhile, over some of these contacts", "start again: they are left out"
        )
    still_wanted(db, campaign_id)
    drafts.start(db, campaign_id, **facts)


def refuse_too_late(checked: CheckResult, now: datetime) -> None:
    """Raises NobodyToCall when no contact's windows open before the campaign's end: all would expire uncalled."""
    definition, ends_at = checked.definition, checked.definition.ends_at
    zones = checked.spool.zones if checked.spool else ()
    if ends_at is None or any(next_opening(definition, zone, now) for zone in zones):
        return
    passed = "has passed" if ends_at <= now else "comes before any hour of its windows"
    raise NobodyToCall(f"nobody can be called: the end of {definition.campaign} {passed}", "correct schedule.end")


def refuse_second(ledger: Ledger, definition: Definition) -> None:
    """Raises StillGoingOn when a campaign of this name has not ended."""
    with ledger.reading() as db:
        if going_on := drafts.live_campaign_named(db, definition.campaign):
            raise _going_on(going_on, definition)


def _going_on(campaign_id: str, definition: Definition) -> StillGoingOn:
    return StillGoingOn(
        f"{campaign_id} has not ended yet",
        f"wait for its end, or end it with: dialer cancel {campaign_id}; "
        f"to start a second one: dialer start --again {definition.file}",
    )


def _admit_all(
    ledger: Ledger, campaign_id: str, checked: CheckResult, now: datetime, progress: Progress
) -> StagingFile:
    """Admit what was checked, in transactions of bounded size: other campaigns write meanwhile."""
    if checked.spool is None:
        raise ValueError("the contacts were not kept when they were checked")
    contacts = iter(progress(checked.spool.contacts(), checked.summary.will_dial))
    while batch := list(islice(contacts, ADMITTED_AT_ONCE)):
        ledger.write(drafts.add_contacts, campaign_id, batch, fingerprint=ledger.fingerprint, now=now)
    return checked.spool
