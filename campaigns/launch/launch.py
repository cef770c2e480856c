"""Writes a checked campaign into the ledger and starts it: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.audience import Audience
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition
from campaigns.launch import draft_writer
from campaigns.launch.checking.checks import CheckResult, NobodyToCall, check_audience
from campaigns.launch.checking.staging import NO_ZONE
from campaigns.launch.draft_writer import DraftWriter
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.rejected_rows import add_rejected_rows
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.safeguards.failover import began_elsewhere
from campaigns.safeguards.start_account import StartAccount
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError

StillWanted = Callable[[Connection, str], None]
"""Called in the transaction that starts the campaign, with its id; raises if it is not to be started any more."""


class CampaignNotEnded(DialerError):
    """A campaign of this name has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedList:
    """An opened list that is checked while its contacts are written: in half of the time of one after the other.

    exclusions    whether rows are also checked against the ledger, as in CheckResult
    skip_rejects  whether bad rows are left out; else nothing is written from the first one on
    look          is given the result before anything starts; returns the account to dial with, None for the preferred
                  one of the campaign file; what it raises leaves nothing behind
    """

    audience: Audience
    accounts: Mapping[str, AccountSettings] = field(repr=False)
    exclusions: bool
    skip_rejects: bool = False
    look: Callable[[CheckResult], StartAccount | None] = lambda checked: None

    @property
    def definition(self) -> Definition:
        """The campaign file."""
        return self.audience.definition

    @property
    def rehearsal(self) -> bool:
        """Whether the account leads to a sandbox."""
        return self.accounts[self.definition.account].sandbox

    def write_to(
        self, draft: DraftWriter, progress: ProgressBar, now: datetime
    ) -> tuple[CheckResult, StartAccount | None]:
        """Check the list into the draft. Raises what `check_audience`, `refuse_rejects` and `refuse_too_late` raise."""
        bad_rows = self.audience.reject_store

        def add(row: ContactRow) -> None:
            if self.skip_rejects or not bad_rows.blocking:
                draft.add(row)

        checked = check_audience(self.audience, self.accounts, exclusions=self.exclusions, progress=progress, add=add)
        account = self.look(checked)
        checked.refuse_rejects(None, skip=self.skip_rejects)
        refuse_too_late(checked, now)
        return checked, account


def launch(
    ledger: Ledger,
    source: CheckResult | UncheckedList,
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
    """Write a campaign into the ledger and start it, or leave nothing there that would be dialed.

    Its list is checked, or is checked while it is written. `progress` counts the contacts that are written, or the rows
    that are read.

    One with more contacts than `second_person_above` waits, paused, until another person than `who` resumes it, or than
    the one for whom it acts (`started_for`). It dials with `account`, else with the preferred one of its list.

    `created` is given the campaign's id before its contacts are written. What a killed launch leaves is told as cut off
    after two minutes, and removed after an hour by the next launch or the sweep.

    Raises CampaignNotEnded when a campaign of this name has not ended, unless `again`; even with `again` when one that
    has started meanwhile calls some of the same contacts. Raises NobodyToCall when no row can be called, or when the
    campaign ends before any of its windows opens; of an unchecked list what `UncheckedList.write_to` raises.
    """
    definition, on = source.definition, account or StartAccount(name=source.definition.account)
    if isinstance(source, CheckResult):
        source.refuse_empty(None)
        refuse_too_late(source, now)
    if not again:
        refuse_duplicate(ledger, definition)
    drafts.clear_abandoned(ledger, now)

    def create() -> str:
        campaign_id = ledger.write(
            drafts.create_draft,
            name=definition.campaign,
            account=on.name,
            definition_text=definition.model_dump_json(),
            rehearsal=source.rehearsal,
            list_columns=source.audience.list_columns,
            now=now,
        )
        created(campaign_id)
        return campaign_id

    with DraftWriter(ledger, definition, now, create) as draft:
        if isinstance(source, CheckResult):
            checked = source
            _write_staged(checked, draft, progress)
        else:
            checked, chosen = source.write_to(draft, progress, now)
            on = chosen or on
        campaign_id = draft.finish()
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
                "zones": _zones(checked),
                "account": on.name,
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
    with ledger.reading() as db:
        return queries.campaign(db, campaign_id)


def _zones(checked: CheckResult) -> set[str]:
    """The zones of its contacts, as they are written."""
    return {zone or NO_ZONE for zone in checked.zones}


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
    if ends_at is None or (checked.definition.contacts.standing and ends_at > now):
        return
    if any(next_opening(definition, zone, now) for zone in _zones(checked)):
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
    while batch := list(islice(rows, draft_writer.ADDED_AT_ONCE)):
        ledger.write_draft(add_rejected_rows, campaign_id, batch, now)


def _write_staged(checked: CheckResult, draft: DraftWriter, progress: ProgressBar) -> None:
    if checked.staging_file is None:
        raise ValueError("the contacts were not kept when they were checked")
    draft.begin()
    for contact in progress(checked.staging_file.contacts(), checked.summary.will_dial):
        draft.write(contact)
