"""What people see of campaigns: summaries, progress, reports; and the same facts for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from campaigns.launch.checks import CheckResult
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.reporting.hold_reason import HoldKind
from campaigns.reporting.status import NOT_IN_STATUS, CampaignSummary, summary_facts
from console.cli.output import err, local_with_zone, out, short_path, table

SHOWN_REJECTS = 20
COLOURS = {
    "reached": "green",
    "unreached": "yellow",
    "refused": "red",
    "suppressed": "magenta",
    "expired": "yellow",
    "cancelled": "dim",
    "unknown": "bold red",
}


def checked_facts(checked: CheckResult, rejects: Path | None) -> dict[str, Any]:
    """A check's result for machines."""
    return {
        "campaign": checked.definition.campaign,
        "contacts": checked.summary.will_dial,
        "summary": dict(checked.summary.lines()),
        "rejects": str(rejects) if rejects else None,
        "bad": checked.bad_rows,
        "warnings": list(checked.warnings),
        "rejected": [
            {name: getattr(one, name) for name in ("line", "column", "code", "reason", "suggestion")}
            for one in checked.rejects
        ],
    }


def print_check_result(checked: CheckResult, rejects: Path | None) -> None:
    """A check's result for people: the summary, the first bad rows, where all of them are."""
    out.print(f"[bold]{checked.definition.campaign}[/]  {escape(short_path(checked.audience_file))}")
    shown = table("rows", ">count")
    for label, count in checked.summary.lines():
        shown.add_row(label, str(count))
    out.print(shown)
    if checked.rejects:
        bad = table(">line", "column", "what is wrong", title="\nRows that are not called")
        for one in checked.rejects[:SHOWN_REJECTS]:
            advice = f" [dim]({escape(one.suggestion)})[/]" if one.suggestion else ""
            bad.add_row(str(one.line), escape(one.column), escape(one.reason) + advice)
        out.print(bad)
        more = checked.summary.rejected - SHOWN_REJECTS
        out.print(f"{f'… and {more} more. ' if more > 0 else ''}All of them: {rejects}")


def print_warnings(checked: CheckResult) -> None:
    """What may go wrong although nothing is, beside what a command prints."""
    for warning in checked.warnings:
        err.print(f"[yellow]Note:[/] {escape(warning)}", soft_wrap=False)


def standing_facts(summary: CampaignSummary) -> dict[str, Any]:
    """A campaign for machines."""
    return {name: value for name, value in summary_facts(summary).items() if name not in NOT_IN_STATUS}


def summaries_table(standings: Sequence[CampaignSummary]) -> Table:
    """All campaigns, a line each."""
    shown = table("campaign", "status", ">final", ">of", ">reached", "what it is doing")
    for one in standings:
        shown.add_row(
            one.campaign.id,
            one.campaign.status.value,
            str(one.final),
            str(one.total),
            str(one.contacts.get(ContactStatus.REACHED, 0)),
            escape(_activity(one)),
        )
    return shown


def summary_panel(one: CampaignSummary) -> RenderableType:
    """One campaign, whole."""
    facts = table("", "")
    facts.show_header = False
    rehearsal = " (rehearsal on a sandbox)" if one.campaign.rehearsal else ""
    facts.add_row("account", one.campaign.account + rehearsal)
    facts.add_row("status", f"{one.campaign.status.value} since {local_with_zone(one.campaign.since)}")
    facts.add_row("now", escape(_activity(one)))
    facts.add_row("contacts", f"{one.final} of {one.total} final")
    facts.add_row("calls", f"{one.attempts} placed, {one.in_progress} in progress, {one.unconfirmed} unconfirmed")
    return Group(Text(one.campaign.id, style="bold"), facts, Text(), _contact_counts(one), Text(), _outcome_counts(one))


def _activity(one: CampaignSummary) -> str:
    return f"{one.why} (until {local_with_zone(one.clears_at)})" if one.clears_at else one.why


def _contact_counts(one: CampaignSummary) -> Table:
    shown = table("contacts", ">")
    for status in ContactStatus:
        if count := one.contacts.get(status):
            shown.add_row(Text(status.value, style=COLOURS.get(status.value, "")), str(count))
    return shown


def _outcome_counts(one: CampaignSummary) -> Table:
    shown = table("calls ended", ">")
    for outcome, count in one.outcomes.items():
        shown.add_row(outcome, str(count))
    return shown


def progress_table(standings: Sequence[CampaignSummary]) -> Table:
    """A line with a bar for each campaign, for watching; 80 columns wide."""
    shown = Table.grid(padding=(0, 1))
    for one in standings:
        done = one.campaign.status is CampaignStatus.FINISHED
        shown.add_row(
            Text(one.campaign.id, style="bold"),
            ProgressBar(total=max(one.total, 1), completed=one.final, width=20, complete_style="green"),
            Text(f"{one.final}/{one.total}"),
            Text(f"{one.contacts.get(ContactStatus.REACHED, 0)} reached", style="green"),
            Text("finished" if done else f"{one.in_progress} calling", style="dim"),
            Text("" if done else _short_reason(one), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return shown


def _short_reason(one: CampaignSummary) -> str:
    return "" if one.kind is HoldKind.IN_PROGRESS else one.why
