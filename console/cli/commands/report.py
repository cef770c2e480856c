"""`dialer report`: what became of a campaign."""

from __future__ import annotations

import typer

from campaigns.reporting.report import report
from console.cli.arguments import AsJson, Name
from console.cli.context import reports_folder, settings_and_ledger
from console.cli.output import print_json
from console.cli.views.report import print_report, report_facts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(campaign: str = Name, as_json: bool = AsJson) -> None:
    """What became of a campaign: totals, and where the CSV files of its attempts and contacts are."""
    with settings_and_ledger() as (settings, ledger):
        finished_report = report(ledger, campaign, reports_folder(settings))
    if as_json:
        print_json(report_facts(finished_report))
    else:
        print_report(finished_report)
