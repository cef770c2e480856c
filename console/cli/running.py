"""Starting a campaign and watching it, as several commands do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.live import Live

from campaigns.audience.progress import no_progress
from campaigns.launch.checks import CheckResult, check
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import launch, refuse_duplicate, refuse_too_late
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus
from campaigns.reporting.status import CampaignSummary, summarize_campaign
from console.cli import interruption, preflight
from console.cli.context import user_name
from console.cli.output import err, out
from console.cli.progress import import_bar
from console.cli.views import campaign as show
from dialer.plural import counted
from workers.settings import Settings
from workers.wiring import now_utc

Ended = Collection[CampaignStatus]
LIVE: Ended = LIVE_CAMPAIGNS


def start(
    file: Path, settings: Settings, ledger: Ledger, *, skip_rejects: bool, again: bool = False, quiet: bool = False
) -> Campaign:
    """Check, ask the provider whether the account can log in, and start; raises before anything is written."""
    checked = check_file(file, settings, ledger, quiet=quiet, keep=True)
    if not again:
        refuse_duplicate(ledger, checked.definition)
    rejects = checked.write_rejects(reports_folder(settings))
    if checked.rejects and not quiet:
        show.print_check_result(checked, rejects)
    show.print_warnings(checked)
    checked.refuse_rejects(rejects, skip=skip_rejects)
    refuse_too_late(checked, now_utc())
    preflight.check_login(checked.definition.account, settings)
    return launch(
        ledger,
        checked,
        rejects_folder=reports_folder(settings),
        again=again,
        who=user_name(),
        now=now_utc(),
        progress=no_progress if quiet else import_bar("starting", "contacts"),
    )


def check_file(file: Path, settings: Settings, ledger: Ledger, *, quiet: bool, keep: bool) -> CheckResult:
    return check(
        file,
        settings.accounts,
        exclusions_for=lambda definition: Exclusions(ledger, definition, now_utc()),
        progress=no_progress if quiet else import_bar("reading", "rows", estimated=True),
        keep=keep,
    )


def watch(ledger: Ledger, ids: Sequence[str], *, every: float = 0.5, quiet: bool = False, over: Ended = LIVE) -> None:
    """Show the campaigns' progress until each has left the statuses `over`; say nothing when `quiet`."""
    with Live(console=out, refresh_per_second=4) if not quiet else nullcontext() as live:
        while ids:
            standings = [campaign_summaries(ledger, one)[0] for one in ids]
            if live is not None:
                live.update(show.progress_table(standings))
            if all(one.campaign.status not in over for one in standings):
                return
            interruption.sleep(every)


def wait_for_calls(ledger: Ledger, campaign_id: str, *, every: float = 0.5, quiet: bool = False) -> None:
    """Wait until no call of a campaign that starts none is on the line: nobody would hear how it ended afterwards."""
    told = quiet
    while on_the_line := calls_on_the_line(campaign_summaries(ledger, campaign_id)[0]):
        if not told:
            calls = counted(on_the_line, "call is", "calls are")
            err.print(f"{calls} on the line: waiting for their end. Ctrl-C again leaves at once.")
            told = True
        interruption.sleep(every)


def calls_on_the_line(one: CampaignSummary) -> int:
    return one.in_progress + one.unconfirmed


def campaign_summaries(
    ledger: Ledger, campaign: str | None, *, live_only: bool = False, answers: bool | None = None
) -> list[CampaignSummary]:
    now = now_utc()
    with ledger.reading() as db:
        chosen = (
            [queries.campaign(db, campaign)]
            if campaign
            else queries.all_campaigns(db, LIVE_CAMPAIGNS if live_only else None)
        )
        return [summarize_campaign(db, one, now, redis_answers=answers) for one in chosen]


def reports_folder(settings: Settings) -> Path:
    """Where reports and rejects are written."""
    return settings.data_dir / "reports"
