"""`dialer retention`: what is kept of people and until when, and emptying what is due now."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.operations.retention.emptying import run_on_demand, summary
from campaigns.operations.retention.plans import IN_THE_LEDGER, CampaignPlan, Plan, make_plan
from campaigns.retention_periods import Kept, Retention, words
from console.cli.arguments import AsJson
from console.cli.command_group import CommandGroup
from console.cli.confirmation import Yes, confirm
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import local_with_zone, out, print_json, print_prose, short_path, table
from dialer.plural import counted
from workers.clock import now_utc

retention_app = typer.Typer(cls=CommandGroup, help="How long what is known of people is kept.", no_args_is_help=True)

SHOWN = 50
Minutes = Annotated[
    int | None, typer.Option(min=1, max=100_000, help="Stop after so many minutes; the rest is due again.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(retention_app, name="retention")


@retention_app.command("plan")
def plan_command(as_json: bool = AsJson) -> None:
    """Show what a run would empty now, and until when the rest is kept."""
    now = now_utc()
    with settings_and_ledger() as (settings, ledger):
        plan = make_plan(ledger, settings.retention, settings.data_dir / "reports", now=now)
    if as_json:
        print_json({"retention": settings.retention, **asdict(plan)})
        return
    _print_periods(settings.retention)
    _print_plan(plan)


@retention_app.command("run")
def run_command(minutes: Minutes = None, yes: bool = Yes, as_json: bool = AsJson) -> None:
    """Empty what is due now; the workers do the same each night.

    On a terminal it shows the plan and asks first. Exit code 1 when a file could not be removed or emptied.
    """
    now = now_utc()
    with settings_and_ledger() as (settings, ledger):
        folder = settings.data_dir / "reports"
        plan = make_plan(ledger, settings.retention, folder, now=now)
        if not as_json:
            _print_due(plan)
        if _is_due(plan):
            confirm("Empty this for good?", yes=yes)
        seconds = None if minutes is None else minutes * 60.0
        result = run_on_demand(ledger, settings.retention, folder, who=user_name(), now=now, seconds=seconds)
    if as_json:
        print_json(asdict(result))
    else:
        out.print(f"Emptied: {summary(result)}." if _is_due(plan) else "Nothing was due.")
        for file in result.left:
            out.print(f"Could not be removed or emptied; delete it: {escape(short_path(file))}")
        for manifest in result.elsewhere:
            _print_elsewhere(manifest)
    if result.left:
        raise typer.Exit(1)


def _print_periods(retention: Retention) -> None:
    periods = {name: period for name in type(retention).model_fields if (period := getattr(retention, name))}
    if periods:
        written = ", ".join(f"{name} {words(period)}" for name, period in periods.items())
        print_prose(f"The settings keep: {written}. A campaign's own file may say otherwise.")
    else:
        print_prose("The settings have no [bold]retention[/]: what no campaign's file ends is kept for ever.")


def _print_plan(plan: Plan) -> None:
    _print_due(plan)
    shown = table("campaign", "ended", "texts until", "receipts until", "contacts until")
    for campaign in plan.campaigns[:SHOWN]:
        cells = [_until(campaign, kept) for kept in IN_THE_LEDGER]
        ended = local_with_zone(campaign.ended_at) if campaign.ended_at else "goes on"
        shown.add_row(campaign.campaign, ended, *cells)
    if plan.campaigns:
        out.print(shown)
        if len(plan.campaigns) > SHOWN:
            out.print(f"and {len(plan.campaigns) - SHOWN:,} more campaigns; --json lists all")
    if plan.later:
        file, until = next(iter(plan.later.items()))
        more = counted(len(plan.later), "file")
        print_prose(f"{more} of reports and lists go later, first {escape(short_path(file))}: {local_with_zone(until)}")


def _until(campaign: CampaignPlan, kept: Kept) -> str:
    if kept not in campaign.until:
        return "emptied" if campaign.ended_at else "–"
    moment = campaign.until[kept]
    first = "" if campaign.ended_at else "first "
    return "for ever" if moment is None else f"{first}{local_with_zone(moment)}"


def _print_due(plan: Plan) -> None:
    due = [line for campaign in plan.campaigns for line in _lines_of(campaign)]
    if plan.unmatched:
        due.append(("–", "receipts of no call of ours", f"{plan.unmatched:,}"))
    if plan.audit:
        due.append(("–", "lines of the audit", f"{plan.audit:,}"))
    if not due and not plan.files:
        out.print("Nothing is due.")
        return
    if due:
        shown = table("campaign", "due now", ">count")
        for line in due[:SHOWN]:
            shown.add_row(*line)
        out.print(shown)
        if len(due) > SHOWN:
            out.print(f"and {len(due) - SHOWN:,} more lines; --json lists all")
    for campaign in plan.campaigns:
        if campaign.archive and campaign.due and not campaign.archive.is_file():
            _print_elsewhere(campaign.archive)
    for file in plan.files[:SHOWN]:
        out.print(f"To be removed: {escape(short_path(file))}")
    if len(plan.files) > SHOWN:
        out.print(f"and {len(plan.files) - SHOWN:,} more files")


def _print_elsewhere(manifest: Path) -> None:
    print_prose(
        f"An archive is not on this machine, and was to be emptied: {escape(str(manifest))}. Run this where it is, or "
        "delete it there."
    )


def _lines_of(campaign: CampaignPlan) -> list[tuple[str, str, str]]:
    place = " (archive)" if campaign.archive else ""
    return [(campaign.campaign, f"{kept.value}{place}", f"{number:,}") for kept, number in campaign.due.items()]


def _is_due(plan: Plan) -> bool:
    return bool(plan.unmatched or plan.audit or plan.files or any(campaign.due for campaign in plan.campaigns))
