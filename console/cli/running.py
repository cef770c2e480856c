"""Watching campaigns, as several commands do, and saying that one has started."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext

from rich.live import Live

from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus
from campaigns.reporting.glossary import plain
from campaigns.reporting.hold_reason import reason_of
from campaigns.reporting.status import CampaignSummary, summarize_campaign
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings, Trouble
from console.cli import interruption
from console.cli.context import surroundings_of
from console.cli.output import err, out, print_json, print_note
from console.cli.views import campaign as show
from dialer.plural import counted
from workers.clock import now_utc
from workers.settings import Settings


def print_started(campaign: Campaign, settings: Settings, *, as_json: bool) -> None:
    """Print that a campaign has started, and at once what keeps it from being dialed, if it is known."""
    trouble = surroundings_of(settings).look()
    if as_json:
        facts = {"campaign": campaign.id, "status": campaign.status, "contacts": campaign.contacts}
        print_json(facts | {"trouble": trouble.kind if trouble else None})
        return
    if campaign.awaits_contacts:
        out.print(f"Started [bold]{campaign.id}[/]: it stands by, and calls whoever is appended to it.")
        print_trouble(trouble, campaign)
        out.print(f"Append to it with: dialer contact append {campaign.id} rows.csv")
        return
    out.print(f"Started [bold]{campaign.id}[/]: {counted(campaign.contacts, 'contact')}.")
    print_trouble(trouble, campaign)
    out.print(f"Follow it with: dialer watch {campaign.id}")


def print_trouble(trouble: Trouble | None, campaign: Campaign) -> None:
    """Print what keeps everything from being dialed and what can be done about it, if there is anything."""
    if reason := reason_of(trouble):
        print_note(f"nothing is dialed yet: {plain(reason.words)}. {reason.remedy(campaign).capitalize()}")


def watch(
    ledger: Ledger,
    ids: Sequence[str],
    surroundings: Surroundings = NOT_ASKED,
    *,
    every: float = 0.5,
    quiet: bool = False,
    while_in: Collection[CampaignStatus] = LIVE_CAMPAIGNS,
) -> None:
    """Show the campaigns' progress until none has a status of `while_in`; print nothing when `quiet`."""
    with Live(console=out, refresh_per_second=4) if not quiet else nullcontext() as live:
        while ids:
            summaries = [campaign_summaries(ledger, campaign_id, surroundings)[0] for campaign_id in ids]
            if live is not None:
                live.update(show.progress_table(summaries))
            if all(summary.campaign.status not in while_in for summary in summaries):
                return
            interruption.sleep(every)


def wait_for_calls(ledger: Ledger, campaign_id: str, *, every: float = 0.5, quiet: bool = False) -> None:
    """Wait until no call of a campaign is in progress; without workers its outcome would not be learned."""
    announced = quiet
    while on_the_line := calls_on_the_line(campaign_summaries(ledger, campaign_id)[0]):
        if not announced:
            calls = counted(on_the_line, "call is", "calls are")
            err.print(f"{calls} on the line: waiting for their end. Ctrl-C again leaves at once.")
            announced = True
        interruption.sleep(every)


def calls_on_the_line(summary: CampaignSummary) -> int:
    """How many calls are in progress, or may be."""
    return summary.in_progress + summary.unconfirmed


def campaign_summaries(
    ledger: Ledger, campaign: str | None, surroundings: Surroundings = NOT_ASKED, *, live_only: bool = False
) -> list[CampaignSummary]:
    """One campaign's summary, or all campaigns'. Without `surroundings` less is known of why nothing is dialed."""
    now = now_utc()
    with ledger.reading() as db:
        selected = (
            [queries.campaign(db, campaign)]
            if campaign
            else queries.all_campaigns(db, LIVE_CAMPAIGNS if live_only else None)
        )
        return [summarize_campaign(db, row, now, surroundings) for row in selected]
