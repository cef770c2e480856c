"""Campaigns for people and as JSON facts: summaries, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import ENDED_CAMPAIGNS, MISSED_CONTACTS, CampaignStatus, ContactStatus
from campaigns.reporting.glossary import label, meaning, plain
from campaigns.reporting.hold_reason import HoldKind
from campaigns.reporting.status import NOT_IN_STATUS, CampaignSummary, summary_facts, unknown_warning, warnings_of
from console.cli.output import local_with_zone, print_note, table
from dialer.calls import Outcome

COLOURS = {
    "reached": "green",
    "unreached": "yellow",
    "refused": "red",
    "suppressed": "magenta",
    "expired": "yellow",
    "cancelled": "dim",
    "withdrawn": "dim",
    "unknown": "bold red",
}


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
    facts.add_row("account", account_words(summary.campaign) + rehearsal)
    facts.add_row("status", f"{summary.campaign.status.value} since {local_with_zone(summary.campaign.since)}")
    facts.add_row("now", escape(_activity(summary)))
    if summary.campaign.status is CampaignStatus.RUNNING:
        facts.add_row("speed", speed(summary) or "no call has been requested lately")
    facts.add_row("contacts", f"{summary.final:,} of {summary.total:,} final")
    facts.add_row(
        "calls",
        f"{summary.attempts:,} placed, {summary.in_progress:,} in progress, {summary.unconfirmed:,} unconfirmed",
    )
    return Group(
        Text(summary.campaign.id, style="bold"),
        facts,
        *(Text(warning, style="bold red") for warning in warnings_of(summary)),
        Text(),
        _contact_counts(summary),
        Text(),
        _outcome_counts(summary),
    )


def account_words(campaign: Campaign) -> str:
    """The account with which it dials; where that is not the preferred one, which is, and when it goes back to it."""
    if not campaign.instead_of:
        return campaign.account
    words = f"{campaign.account} instead of {campaign.instead_of}"
    if campaign.returns_at is None:
        return words
    return f"{words}, to which it goes back at {local_with_zone(campaign.returns_at)} if that answers until then"


def speed(summary: CampaignSummary) -> str:
    """How fast it is being dialed beside how fast it may be, and when it will be through; blank where it is not."""
    if not summary.rate:
        return ""
    pace = f" of {summary.pace:g}" if summary.pace else ""
    end = f", through about {_clock_time(summary.ends_at)}" if summary.ends_at else ""
    return f"{summary.rate:.1f}{pace} calls/s{end}"


def _clock_time(moment: datetime) -> str:
    """A moment to the minute; with its day where that is not today."""
    local = moment.astimezone()
    return f"{local:%H:%M}" if local.date() == datetime.now().astimezone().date() else f"{local:%d %b %H:%M}"


def _activity(summary: CampaignSummary) -> str:
    why = plain(summary.why)
    return f"{why} (until {local_with_zone(summary.clears_at)})" if summary.clears_at else why


def _contact_counts(summary: CampaignSummary) -> Table:
    shown = table("contacts", ">", "")
    for status in ContactStatus:
        if count := summary.contacts.get(status):
            shown.add_row(Text(label(status), style=COLOURS.get(status.value, "")), count, f"[dim]{meaning(status)}[/]")
    return shown


def _outcome_counts(summary: CampaignSummary) -> Table:
    shown = table("calls ended", ">")
    for outcome, count in summary.outcomes.items():
        shown.add_row(label(outcome), count)
    return shown


def progress_table(summaries: Sequence[CampaignSummary]) -> RenderableType:
    """For watching, 80 columns wide: a line with a bar for each campaign, and one with what its pace and calls are."""
    shown = Table.grid(padding=(0, 1))
    for summary in summaries:
        done = summary.campaign.status in ENDED_CAMPAIGNS
        shown.add_row(
            Text(summary.campaign.id, style="bold"),
            ProgressBar(total=max(summary.total, 1), completed=summary.final, width=20, complete_style="green"),
            Text(f"{summary.final:,}/{summary.total:,}"),
            Text(f"{summary.contacts.get(ContactStatus.REACHED, 0):,} reached", style="green"),
            Text(summary.campaign.status.value if done else f"{summary.in_progress:,} calling", style="dim"),
            Text("" if done else _short_reason(summary), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return Group(shown, *(line for summary in summaries for line in _below(summary)))


def _below(summary: CampaignSummary) -> Iterator[Text]:
    """Speed and end of a campaign and whom it has not reached; and, loudly, what people should look into."""
    if parts := [part for part in (speed(summary), *_not_reached(summary)) if part]:
        words = f"  {summary.campaign.id}: {', '.join(parts)}"
        yield Text(words, style="dim", overflow="ellipsis", no_wrap=True)
    for warning in warnings_of(summary):
        yield Text(f"  {summary.campaign.id}: {warning}", style="bold red")


def _not_reached(summary: CampaignSummary) -> list[str]:
    """Counts of contacts that are final and not reached, and of calls that failed, where there are any."""
    shown = [status for status in MISSED_CONTACTS if status is not ContactStatus.CANCELLED]
    counts = [(summary.contacts.get(status, 0), label(status)) for status in shown]
    failed = summary.outcomes.get(Outcome.FAILED, 0)
    return [f"{count:,} {name}" for count, name in [*counts, (failed, "calls failed")] if count]


def print_unknown_warning(summary: CampaignSummary) -> None:
    """Print on standard error that many calls end unknown, if they do."""
    if summary.many_unknown:
        print_note(f"{unknown_warning(summary)}. See why with: dialer report {summary.campaign.id}")


def _short_reason(summary: CampaignSummary) -> str:
    return "" if summary.kind is HoldKind.IN_PROGRESS else plain(summary.why)
