"""Checking and starting a campaign, as several commands do, by the library's face."""

from __future__ import annotations

from pathlib import Path

from campaigns.audience.progress import no_progress
from campaigns.launch.checking.checks import CheckResult
from campaigns.launch.launch import refuse_duplicate, refuse_too_late
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.library import Campaigns
from console import preflight
from console.cli.context import reports_folder, user_name
from console.cli.output import print_note
from console.cli.progress import import_bar
from console.cli.views import check as show
from workers.ledger import now_utc
from workers.settings import Settings


def start(
    file: Path, settings: Settings, ledger: Ledger, *, skip_rejects: bool, again: bool = False, quiet: bool = False
) -> Campaign:
    """Check a campaign file and that one of its accounts can log in, and start it. Raises before it writes anything."""
    checked = check_file(file, settings, ledger, quiet=quiet, keep=True)
    if not again:
        refuse_duplicate(ledger, checked.definition)
    rejects = checked.write_rejects(reports_folder(settings))
    if checked.rejects and not quiet:
        show.print_check_result(checked, rejects)
    show.print_warnings(checked, now_utc())
    checked.refuse_rejects(rejects, skip=skip_rejects)
    refuse_too_late(checked, now_utc())
    account = preflight.choose_account(checked.definition, settings)
    if account.unhealthy:
        print_note(f"{account.words}.")
    return campaigns_of(settings, ledger).start(
        checked,
        skip_rejects=skip_rejects,
        again=again,
        rejects_folder=reports_folder(settings),
        progress=no_progress if quiet else import_bar("starting", "contacts"),
        account=account,
    )


def check_file(file: Path, settings: Settings, ledger: Ledger, *, quiet: bool, keep: bool) -> CheckResult:
    """Check a campaign file and its list. `keep`: keep what was read, so that the campaign can be started from it."""
    progress = no_progress if quiet else import_bar("reading", "rows", estimated=True)
    return campaigns_of(settings, ledger).check(file, keep=keep, progress=progress)


def campaigns_of(settings: Settings, ledger: Ledger) -> Campaigns:
    """What this user may do with the campaigns of the ledger."""
    above = settings.console.second_person_above
    return Campaigns(ledger, settings.accounts, who=user_name(), clock=now_utc, second_person_above=above)
