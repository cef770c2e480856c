"""`dialer schedule`: recurring campaigns, which read their list anew at each launch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.definition import load_definition
from campaigns.launch import recurring, schedules
from campaigns.launch.checking.any_hour import any_hour_warning
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, surroundings_of, user_name
from console.cli.output import local_with_zone, out, print_json, print_note, print_warning, table
from workers.clock import now_utc

schedule_app = typer.Typer(
    cls=CommandGroup, help="Campaigns launched again and again, each with a fresh list.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="CAMPAIGN")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(schedule_app, name="schedule")


@schedule_app.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="The campaign file (YAML), with schedule.repeat.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Check a campaign file and launch it at its hours from now on."""
    with settings_and_ledger() as (settings, ledger):
        recurring_campaign = recurring.add(ledger, file, settings.accounts, who=user_name(), now=now_utc())
    if warning := any_hour_warning(load_definition(file), {}, now_utc()):
        print_warning(warning)
    if as_json:
        print_json(asdict(recurring_campaign))
    else:
        out.print(
            f"[bold]{recurring_campaign.name}[/] is launched next at {local_with_zone(recurring_campaign.next_at)}."
        )
        if trouble := surroundings_of(settings).look():
            print_note(f"nothing would launch it now: {trouble.words}")


@schedule_app.command("list", short_help="Say what recurs, when next, and how the last run went.")
def list_command(as_json: AsJson = False) -> None:
    """Say which campaigns recur, when next, and what the last run became."""
    with settings_and_ledger() as (_, ledger):
        recurring_campaigns = schedules.listed(ledger)
    if as_json:
        print_json([asdict(campaign) for campaign in recurring_campaigns])
    elif not recurring_campaigns:
        out.print("No campaign recurs. Add one with: dialer schedule add campaign.yaml")
    else:
        shown = table("campaign", "next", "last", "what became of it")
        for campaign in recurring_campaigns:
            shown.add_row(
                campaign.name,
                "paused" if campaign.paused_at else local_with_zone(campaign.next_at),
                local_with_zone(campaign.last_at),
                escape(campaign.last_said),
            )
        out.print(shown)


@schedule_app.command("pause")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Let its hours pass without a launch; what it has started goes on."""
    _change(schedules.pause, name, "is paused: its hours pass without a launch", as_json)


@schedule_app.command("resume")
def resume_command(name: Name, as_json: AsJson = False) -> None:
    """Launch it at its hours again. Those that have passed are not made up for."""
    _change(schedules.resume, name, "is launched at its hours again", as_json)


@schedule_app.command("run")
def run_command(name: Name, as_json: AsJson = False) -> None:
    """Launch it once, now; its hours stay as they are."""
    _change(schedules.run_now, name, "is launched by the next tick of the workers", as_json)


def _change(change: Callable[..., schedules.Schedule], name: str, done: str, as_json: bool) -> None:
    with settings_and_ledger() as (_, ledger):
        schedule = change(ledger, name, who=user_name(), now=now_utc())
    if as_json:
        print_json(asdict(schedule))
    else:
        out.print(f"[bold]{name}[/] {done}.")


@schedule_app.command("remove")
def remove_command(name: Name, as_json: AsJson = False) -> None:
    """Launch it no more; what it has started goes on."""
    with settings_and_ledger() as (_, ledger):
        schedules.remove(ledger, name, who=user_name(), now=now_utc())
    if as_json:
        print_json({"campaign": name, "removed": True})
    else:
        out.print(f"[bold]{name}[/] recurs no more.")
