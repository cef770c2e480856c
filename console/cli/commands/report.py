"""`dialer report`: what became of a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from campaigns.ledger.store import Ledger
from campaigns.reporting.report import WITHOUT_NUMBERS, report, write_xlsx
from console.cli.arguments import AsJson, BadArgument, Name
from console.cli.context import reports_folder, settings_and_ledger
from console.cli.output import print_json
from console.cli.views.report import print_report, report_facts
from dialer.whole_file import part_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(
    campaign: str = Name,
    workbook: Annotated[
        Path | None,
        typer.Option(
            "--xlsx",
            metavar="FILE",
            help="Write contacts, attempts and unknown calls to a workbook, too.",
            dir_okay=False,
        ),
    ] = None,
    as_json: bool = AsJson,
) -> None:
    """What became of a campaign: totals, and where the CSV files of its attempts and contacts are."""
    with settings_and_ledger() as (settings, ledger):
        finished_report = report(ledger, campaign, reports_folder(settings))
        if workbook is not None:
            _write_workbook(ledger, finished_report.campaign, workbook)
    if as_json:
        print_json(report_facts(finished_report))
    else:
        print_report(finished_report)


def _write_workbook(ledger: Ledger, campaign_id: str, file: Path) -> None:
    try:
        with part_of(file) as part:
            with part.open("wb") as stream:
                write_xlsx(ledger, campaign_id, WITHOUT_NUMBERS, stream)
            part.replace(file)
    except OSError as exc:
        raise BadArgument(f"--xlsx: {file}: {exc.strerror}", "name a file that this user may write") from None
