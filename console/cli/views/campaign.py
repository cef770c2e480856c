"""Campaigns for people and as JSON facts: the result of a check, summaries, progress."""

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
from console.cli.output import local_with_zone, out, print_note, short_path, table
from console.formatting import meaning, words

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
    """A check's result as JSON facts."""
    return {
        "campaign": checked.definition.campaign,
        "contacts": checked.summary.will_dial,
        "summary": dict(checked.summary.lines()),
        "rejects": str(rejects) if rejects else None,
        "bad": checked.bad_rows,
        "warnings": list(checked.warnings),
        "rejected": [
            {name: getattr(reject, name) for name in ("line", "column", "code", "reason", "suggestion")}
            for reject in checked.rejects
        ],
    }


def print_check_result(checked: CheckResult, rejects: Path | None) -> None:
    """Print a check's result: the counts, the first bad rows, and the file that has all of them."""
    out.print(f"[bold]{checked.definition.campaign}[/]  {escape(short_path(checked.audience_file))}")
    shown = table("rows", ">count")
    for label, count in checked.summary.lines():
        shown.add_row(label, count)
    out.print(shown)
    if checked.rejects:
        bad = table(">line", "column", "what is wrong", title="\nRows that are not called")
        for reject in checked.rejects[:SHOWN_REJECTS]:
            advice = f" [dim]({escape(reject.suggestion)})[/]" if reject.suggestion else ""
            bad.add_row(str(reject.line), escape(reject.column), escape(reject.reason) + advice)
        out.print(bad)
        more = checked.summary.rejected - SHOWN_REJECTS
        out.print(f"{f'… and {more:,} more. ' if more > 0 else ''}All of them: {rejects}")


def print_warnings(checked: CheckResult) -> None:
    """Print a check's warnings on standard error."""
    for warning in checked.warnings:
        print_note(warning)


def standing_facts(summary: CampaignSummary) -> dict[str, Any]:
    """A campaign for machines."""
    return {name: value for name, value in summary_facts(summary).items() if name not in NOT_IN_STATUS}


def summaries_table(summaries: Sequence[CampaignSummary]) -> Table:
    """All campaigns, a line each."""
    shown = table("campaign", "status", ">final", ">of", ">reached", "what it is doing")
    for summary in summaries:
        shown.add_row(
            summary.campaign.id,
            summary.campaign.status.value,
            summary.final,
            summary.total,
            summary.contacts.get(ContactStatus.REACHED, 0),
            escape(_activity(summary)),
        )
    return shown


def summary_panel(summary: CampaignSummary) -> RenderableType:
    """One campaign with its counts of contacts and calls."""
    facts = table("", "")
    facts.show_header = False
    rehearsal = " (rehearsal on a sandbox)" if summary.campaign.rehearsal else ""
    facts.add_row("account", summary.campaign.account + rehearsal)
    facts.add_row("status", f"{summary.campaign.status.value} since {local_with_zone(summary.campaign.since)}")
    facts.add_row("now", escape(_activity(summary)))
    facts.add_row("contacts", f"{summary.final:,} of {summary.total:,} final")
    facts.add_row(
        "calls",
        f"{summary.attempts:,} placed, {summary.in_progress:,} in progress, {summary.unconfirmed:,} unconfirmed",
    )
    return Group(
        Text(summary.campaign.id, style="bold"),
        facts,
        Text(),
        _contact_counts(summary),
        Text(),
        _outcome_counts(summary),
    )


def _activity(summary: CampaignSummary) -> str:
    return f"{summary.why} (until {local_with_zone(summary.clears_at)})" if summary.clears_at else summary.why


def _contact_counts(summary: CampaignSummary) -> Table:
    shown = table("contacts", ">", "")
    for status in ContactStatus:
        if count := summary.contacts.get(status):
            shown.add_row(Text(status.value, style=COLOURS.get(status.value, "")), count, f"[dim]{meaning(status)}[/]")
    return shown


def _outcome_counts(summary: CampaignSummary) -> Table:
    shown = table("calls ended", ">")
    for outcome, count in summary.outcomes.items():
        shown.add_row(words(outcome), count)
    return shown


def progress_table(summaries: Sequence[CampaignSummary]) -> Table:
    """A line with a bar for each campaign, for watching; 80 columns wide."""
    shown = Table.grid(padding=(0, 1))
    for summary in summaries:
        done = summary.campaign.status is CampaignStatus.FINISHED
        shown.add_row(
            Text(summary.campaign.id, style="bold"),
            ProgressBar(total=max(summary.total, 1), completed=summary.final, width=20, complete_style="green"),
            Text(f"{summary.final:,}/{summary.total:,}"),
            Text(f"{summary.contacts.get(ContactStatus.REACHED, 0):,} reached", style="green"),
            Text("finished" if done else f"{summary.in_progress:,} calling", style="dim"),
            Text("" if done else _short_reason(summary), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return shown


def _short_reason(summary: CampaignSummary) -> str:
    return "" if summary.kind is HoldKind.IN_PROGRESS else summary.why
