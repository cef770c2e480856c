"""Writes a checked campaign into the ledger and starts it: all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition
from campaigns.launch.checking.checks import CheckResult, NobodyToCall
from campaigns.launch.staging import StagingFile
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.rejected_rows import add_rejected_rows
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.safeguards.failover import began_elsewhere
from campaigns.safeguards.start_account import StartAccount
from dialer.errors import DialerError

ADDED_AT_ONCE = 2500  # in 50 ms or so, during which nobody else writes to SQLite
StillWanted = Callable[[Connection, str], None]
"""Called in the transaction that starts the campaign, with its id; raises if it is not to be started any more."""


class CampaignNotEnded(DialerError):
    """A campaign of this name has not ended."""


def launch(
    ledger: Ledger,
    checked: CheckResult,
    *,
    rejects_folder: Path | None = None,
    again: bool = False,
    who: str,
    now: datetime,
    progress: ProgressBar = no_progress,
    created: Callable[[str], None] = lambda campaign_id: None,
    still_wanted: StillWanted = lambda db, campaign_id: None,
    second_person_above: int | None = None,
    started_for: str | None = None,
    account: StartAccount | None = None,
) -> Campaign:
    """Write a checked campaign into the ledger and start it, or leave nothing there that would be dialed.

    One with more contacts than `second_person_above` waits, paused, until another person than `who` resumes it, or than
    the one for whom it acts (`started_for`). It dials with `account`, else with the preferred one of its list.

    `created` is given the campaign's id before its contacts are written. What a killed launch leaves is told as cut off
    after two minutes, and removed after an hour by the next launch or the sweep.

    Raises CampaignNotEnded when a campaign of this name has not ended, unless `again`; even with `again` when one that
    has started meanwhile calls some of the same contacts. Raises NobodyToCall when no row can be called, or when the
    campaign ends before any of its windows opens.
    """
    definition, on = checked.definition, account or StartAccount(name=checked.definition.account)
    checked.refuse_empty(None)
    refuse_too_late(checked, now)
    if not again:
        refuse_duplicate(ledger, definition)
    drafts.clear_abandoned(ledger, now)
    campaign_id = ledger.write(
        drafts.create_draft,
        name=definition.campaign,
        account=on.name,
        definition_text=definition.model_dump_json(),
        rehearsal=checked.rehearsal,
        list_columns=checked.audience.list_columns,
        now=now,
    )
    try:
        created(campaign_id)
        staging_file = _add_contacts(ledger, campaign_id, checked, now, progress)
        _keep_rejected_rows(ledger, campaign_id, checked, now)
        drafts.suppress(ledger, campaign_id, on.name, now)
        rejects_file = checked.write_rejects(rejects_folder, campaign_id) if rejects_folder else None
        ledger.write(
            _start,
            campaign_id,
            checked,
            again,
            still_wanted,
            on,
            {
                "zones": staging_file.zones,
                "admitted": checked.summary.will_dial,
                "is_suppressed": True,
                "rejects": checked.summary.rejected,
                "rejects_file": str(rejects_file) if rejects_file else None,
                "who": who,
                "now": now,
                "second_person_above": second_person_above,
                "started_for": started_for,
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
    account: StartAccount,
    facts: Mapping[str, Any],
) -> None:
    """Start the draft, unless another campaign of its name has started since `launch` looked for one."""
    name = checked.definition.campaign
    live_campaign = drafts.live_campaign_named(db, name, lock=True)
    if live_campaign and not again:
        raise _not_ended(live_campaign, checked.definition)
    if live_campaign and checked.exclusions and (other := drafts.called_by_another_too(db, campaign_id, name)):
        raise CampaignNotEnded(
            f"{other} has started meanwhile, over some of these contacts", "start again: they are left out"
        )
    still_wanted(db, campaign_id)
    drafts.start(db, campaign_id, **facts)
    if account.unhealthy:
        began_elsewhere(db, campaign_id, account.words, facts["now"])


def refuse_too_late(checked: CheckResult, now: datetime) -> None:
    """Raises NobodyToCall when no contact's window opens before the campaign's end: all would expire uncalled."""
    definition, ends_at = checked.definition, checked.definition.ends_at
    zones = checked.staging_file.zones if checked.staging_file else ()
    if ends_at is None or (checked.definition.contacts.standing and ends_at > now):
        return
    if any(next_opening(definition, zone, now) for zone in zones):
        return
    passed = "has passed" if ends_at <= now else "comes before any hour of its windows"
    raise NobodyToCall(f"nobody can be called: the end of {definition.campaign} {passed}", "correct schedule.end")


def refuse_duplicate(ledger: Ledger, definition: Definition) -> None:
    """Raises CampaignNotEnded when a campaign of this name has not ended."""
    with ledger.reading() as db:
        if live_campaign := drafts.live_campaign_named(db, definition.campaign):
            raise _not_ended(live_campaign, definition)


def _not_ended(campaign_id: str, definition: Definition) -> CampaignNotEnded:
    return CampaignNotEnded(
        f"{campaign_id} has not ended yet",
        f"wait for its end, or end it with: dialer cancel {campaign_id}; "
        f"to start a second one: dialer start --again {definition.file}",
    )


def _keep_rejected_rows(ledger: Ledger, campaign_id: str, checked: CheckResult, now: datetime) -> None:
    rows = checked.audience.reject_store.rows()
    while batch := list(islice(rows, ADDED_AT_ONCE)):
        ledger.write_draft(add_rejected_rows, campaign_id, batch, now)


def _add_contacts(
    ledger: Ledger, campaign_id: str, checked: CheckResult, now: datetime, progress: ProgressBar
) -> StagingFile:
    """Add the checked contacts to the draft, in transactions of bounded size: other campaigns write meanwhile."""
    if checked.staging_file is None:
        raise ValueError("the contacts were not kept when they were checked")
    began = time.monotonic()
    contacts = iter(progress(checked.staging_file.contacts(), checked.summary.will_dial))
    with ThreadPoolExecutor(1) as one_thread:
        written: Future[None] | None = None
        while batch := list(islice(contacts, ADDED_AT_ONCE)):
            rows = drafts.rows_of(ledger, batch, checked.definition, now)
            if written:
                written.result()
            written_at = now + timedelta(seconds=time.monotonic() - began)
            written = one_thread.submit(ledger.write_draft, drafts.add_rows, campaign_id, rows, now, written_at)
            if ledger.has_one_writer:
                written.result()  # the others write while the next rows are made
        if written:
            written.result()
    return checked.staging_file
