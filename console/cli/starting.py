"""Checking and starting a campaign, as several commands do, by the library's face."""

from __future__ import annotations

from pathlib import Path

from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.launch.checking.checks import CheckResult
from campaigns.launch.launch import refuse_too_late
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.library import Campaigns
from campaigns.safeguards.start_account import StartAccount
from console import preflight
from console.cli.context import reports_folder, surroundings_of, user_name
from console.cli.output import print_note
from console.cli.progress import import_bar
from console.cli.views import check as show
from workers.clock import now_utc
from workers.settings import Settings


def start(
    file: Path, settings: Settings, ledger: Ledger, *, skip_rejects: bool, again: bool = False, quiet: bool = False
) -> Campaign:
    """Check a campaign file and that one of its accounts can log in, and start it. What raises starts nothing."""

    def look(checked: CheckResult) -> StartAccount:
        rejects = checked.write_rejects(reports_folder(settings))
        if checked.rejects and not quiet:
            show.print_check_result(checked, rejects)
        show.print_warnings(checked, now_utc())
        checked.refuse_rejects(rejects, skip=skip_rejects)
        refuse_too_late(checked, now_utc())
        account = preflight.choose_account(checked.definition, settings)
        if account.unhealthy:
            print_note(f"{account.words}.")
        return account

    return campaigns_of(settings, ledger).start(
        file,
        skip_rejects=skip_rejects,
        again=again,
        rejects_folder=reports_folder(settings),
        progress=_rows_bar(quiet),
        look=look,
    )


def check_file(file: Path, settings: Settings, ledger: Ledger, *, quiet: bool) -> CheckResult:
    """Check a campaign file and its list; no contact is kept."""
    return campaigns_of(settings, ledger).check(file, keep=False, progress=_rows_bar(quiet))


def _rows_bar(quiet: bool) -> ProgressBar:
    return no_progress if quiet else import_bar("reading", "rows", estimated=True)


def campaigns_of(settings: Settings, ledger: Ledger) -> Campaigns:
    """What this user may do with the campaigns of the ledger."""
    above = settings.console.second_person_above
    return Campaigns(
        ledger,
        settings.accounts,
        who=user_name(),
        clock=now_utc,
        second_person_above=above,
        surroundings=surroundings_of(settings),
    )
