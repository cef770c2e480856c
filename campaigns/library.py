"""Campaigns as a library: what the command line does, for a program of your own. See `docs/library.md`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.definition import Definition
from campaigns.launch.append import AppendResult, append, check_rows
from campaigns.launch.change import Change, ChangeResult, change_contact
from campaigns.launch.checking.checks import CheckResult, check, open_audience
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import UncheckedList, launch
from campaigns.launch.single_calls import CallRequested, PlacedCall, place_call
from campaigns.ledger.lists.contacts import ContactRef
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.operations import control
from campaigns.operations.withdrawals import Withdrawal, Withdrawals, withdraw_call, withdraw_contacts
from campaigns.reporting.explain import ContactExplanation, call_story, explain_one
from campaigns.reporting.report import Report, report
from campaigns.reporting.status import CampaignSummary, campaign_summary
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings
from campaigns.safeguards.start_account import StartAccount
from dialer.account_settings import AccountSettings

__all__ = ["CallRequested", "Campaigns", "Change", "ContactRef"]
Rows = Sequence[Mapping[str, Any]]
Versions = Collection[str] | None


class Campaigns:
    """The campaigns of a ledger. Safe to use from many threads; workers that run on the same ledger dial them.

    `accounts` are those of the settings by their names, `who` stands in the audit. What a method raises is a
    DialerError, with a message and a remedy for people. `surroundings` is what is known beside the ledger, such as
    whether workers run: without it less is known of why nothing is being dialed. `versions`, of a campaign or contact
    as it was seen, refuse what is asked for when it has another one by now (ChangedMeanwhile).
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[str, AccountSettings],
        *,
        who: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        second_person_above: int | None = None,
        surroundings: Surroundings = NOT_ASKED,
    ) -> None:
        self.ledger = ledger
        self._surroundings = surroundings
        self._accounts, self._who, self._clock = accounts, who, clock
        self._second_person_above = second_person_above

    def check(self, file: Path | str, *, keep: bool = True, progress: ProgressBar = no_progress) -> CheckResult:
        """Read a campaign file and its whole list: what is wrong, and who can be called. `keep` it to start it."""

        return check(Path(file), self._accounts, exclusions_for=self._exclusions, keep=keep, progress=progress)

    def _exclusions(self, definition: Definition) -> Exclusions:
        return Exclusions(self.ledger, definition, self._clock())

    def start(
        self,
        campaign: CheckResult | Path | str,
        *,
        skip_rejects: bool = False,
        again: bool = False,
        rejects_folder: Path | None = None,
        progress: ProgressBar = no_progress,
        look: Callable[[CheckResult], StartAccount | None] = lambda checked: None,
    ) -> Campaign:
        """Start a checked campaign, or a campaign file. Bad rows refuse it unless `skip_rejects`.

        A file's list is checked while its contacts are written; `look` is given the result before anything starts. It
        raises if nothing is to, and returns the account to dial with, None for the preferred one.
        """
        if isinstance(campaign, CheckResult):
            campaign.refuse_rejects(None, skip=skip_rejects)
            source: CheckResult | UncheckedList = campaign
        else:
            audience = open_audience(Path(campaign), self._accounts, exclusions_for=self._exclusions)
            source = UncheckedList(
                audience=audience, accounts=self._accounts, exclusions=True, skip_rejects=skip_rejects, look=look
            )
        return launch(
            self.ledger,
            source,
            rejects_folder=rejects_folder,
            again=again,
            who=self._who,
            now=self._clock(),
            progress=progress,
            second_person_above=self._second_person_above,
        )

    def check_rows(self, campaign: str, rows: Path | Rows, *, progress: ProgressBar = no_progress) -> CheckResult:
        """Read a file, or rows by the names of their columns, as a start would read the campaign's list."""
        return check_rows(self.ledger, campaign, rows, self._accounts, now=self._clock(), progress=progress)

    def append(self, campaign: str, rows: CheckResult | Path | Rows, *, skip_rejects: bool = False) -> AppendResult:
        """Append contacts to a campaign that goes on; again, nothing more happens. Bad rows refuse all of them."""
        checked = rows if isinstance(rows, CheckResult) else self.check_rows(campaign, rows)
        if checked.bad_rows:
            checked.refuse_rejects(None, skip=skip_rejects, undone="appended")
        return append(self.ledger, campaign, checked, who=self._who, now=self._clock())

    def change(self, campaign: str, contact: ContactRef, change: Change, *, versions: Versions = None) -> ChangeResult:
        """Change a contact while it waits for its call."""
        return change_contact(self.ledger, campaign, contact, change, self._accounts, **self._facts(versions))

    def withdraw(self, campaign: str, *contacts: ContactRef, reason: str | None = None) -> Withdrawals:
        """Take contacts out of a campaign: from now on they are not called."""
        return withdraw_contacts(self.ledger, campaign, contacts, who=self._who, now=self._clock(), reason=reason)

    def show(self, campaign: str, contact: ContactRef) -> ContactExplanation:
        """A contact's whole story."""
        return explain_one(self.ledger, campaign, contact, now=self._clock(), surroundings=self._surroundings)

    def place_call(self, campaign: str, call: CallRequested) -> PlacedCall:
        """Have one call placed by a standing campaign."""
        return place_call(self.ledger, campaign, call, self._accounts, who=self._who, now=self._clock())

    def call_story(self, call: int) -> ContactExplanation:
        """What became of a call, by the id that its placing answered."""
        return call_story(self.ledger, call, now=self._clock(), surroundings=self._surroundings)

    def withdraw_call(self, call: int, *, reason: str | None = None) -> Withdrawal:
        """Withdraw a call by its id."""
        return withdraw_call(self.ledger, call, who=self._who, now=self._clock(), reason=reason)

    def pause(self, campaign: str, *, reason: str | None = None, versions: Versions = None) -> Campaign:
        """No new calls from now on."""
        return control.pause(self.ledger, campaign, reason=reason, **self._facts(versions))

    def resume(self, campaign: str, *, versions: Versions = None) -> Campaign:
        """Dial again."""
        return control.resume(self.ledger, campaign, **self._facts(versions))

    def cancel(self, campaign: str, *, reason: str | None = None, versions: Versions = None) -> Campaign:
        """End for good."""
        return control.cancel(self.ledger, campaign, reason=reason, **self._facts(versions))

    def close(self, campaign: str, *, versions: Versions = None) -> Campaign:
        """Let a standing campaign take no more contacts."""
        return control.close(self.ledger, campaign, **self._facts(versions))

    def _facts(self, versions: Versions) -> dict[str, Any]:
        return {"who": self._who, "now": self._clock(), "versions": versions}

    def status(self, campaign: str) -> CampaignSummary:
        """How a campaign stands, and the one reason why nothing is being dialed when nothing is."""
        return campaign_summary(self.ledger, campaign, self._clock(), self._surroundings)

    def report(self, campaign: str, folder: Path) -> Report:
        """What became of every contact; its files are written into `folder`."""
        return report(self.ledger, campaign, folder)
