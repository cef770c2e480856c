"""`dialer run`: start everything on this machine for one campaign."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape

from campaigns.lifecycle import RELEASED_CAMPAIGNS, CampaignStatus, IllegalMove
from campaigns.reporting.report import Report, report
from console.cli import interruption
from console.cli.arguments import AsJson, FilePath, SkipRejects
from console.cli.context import ledger_for, reports_folder
from console.cli.output import err, print_json, print_prose
from console.cli.running import wait_for_calls, watch
from console.cli.stack_session import settings_of_stack
from console.cli.starting import campaigns_of, start
from console.cli.views.report import print_report, report_facts
from workers.inspection import surroundings
from workers.settings import load


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("run")(run_command)


def run_command(file: Path = FilePath, skip_rejects: bool = SkipRejects, as_json: bool = AsJson) -> None:
    """Start a campaign, wait for its end, print its report. Brings everything up for it unless it is up already.

    Ctrl-C pauses the campaign and waits for the calls on the line; `dialer up` and `dialer resume` go on with it.
    """
    settings = load()
    with settings_of_stack(settings, quiet=as_json) as settings, ledger_for(settings) as ledger:
        campaign = start(file, settings, ledger, skip_rejects=skip_rejects, quiet=as_json)
        try:
            watch(ledger, [campaign.id], surroundings(settings), quiet=as_json, while_in=RELEASED_CAMPAIGNS)
        except KeyboardInterrupt:
            interruption.acknowledge()
            try:
                campaigns_of(settings, ledger).pause(campaign.id, reason="interrupted at the keyboard")
                print_prose(f"{campaign.id} is paused; go on with: dialer up, then dialer resume {campaign.id}", on=err)
            except IllegalMove:
                pass  # the campaign has ended meanwhile
            wait_for_calls(ledger, campaign.id, quiet=as_json)
            raise
        wait_for_calls(ledger, campaign.id, quiet=as_json)
        finished_report = report(ledger, campaign.id, reports_folder(settings))
    print_json(report_facts(finished_report)) if as_json else print_report(finished_report)
    _exit_unless_finished(finished_report, as_json=as_json)


def _exit_unless_finished(finished_report: Report, *, as_json: bool) -> None:
    if finished_report.status is CampaignStatus.FINISHED:
        return
    if not as_json:
        ended = f"[bold red]{finished_report.campaign} is {finished_report.status}:[/]"
        print_prose(f"{ended} {escape(finished_report.reason or '')}", on=err)
        print_prose(f"[bold]Do:[/] {_remedy(finished_report)}", on=err)
    raise typer.Exit(1)


def _remedy(finished_report: Report) -> str:
    if finished_report.status is CampaignStatus.CANCELLED:
        return f"call those who are left with: dialer redial {finished_report.campaign} --outcome cancelled"
    return f"put that right, then: dialer up, and dialer resume {finished_report.campaign}"
