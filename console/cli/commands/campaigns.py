"""The commands for campaigns that have started: status, watch, pause, resume and cancel."""

from __future__ import annotations

from collections.abc import Callable

import typer

from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus, ContactStatus
from campaigns.operations import control
from campaigns.reporting.status import CampaignSummary
from campaigns.reporting.troubled_webhooks import troubled_webhooks
from console.cli.arguments import AsJson, Name
from console.cli.confirmation import Yes, confirm
from console.cli.context import settings_and_ledger, surroundings_of, user_name
from console.cli.output import out, print_json, print_note, print_prose
from console.cli.running import (
    calls_on_the_line,
    campaign_summaries,
    print_trouble,
    watch,
)
from console.cli.views import campaign as show
from console.cli.views.webhooks import webhook_trouble
from dialer.plural import counted
from workers.clock import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status_command)
    app.command("watch")(watch_command)
    for name, action in (("pause", control.pause), ("resume", control.resume)):
        app.command(name, help=action.__doc__.split(" Raises")[0] if action.__doc__ else None)(_control_command(action))
    app.command("cancel")(cancel_command)
    app.command("close")(close_command)


def status_command(
    campaign: str | None = typer.Argument(None, help="The campaign's id or name; all of them when absent."),
    as_json: bool = AsJson,
) -> None:
    """How campaigns stand, and why nothing is being dialed when nothing is."""
    with settings_and_ledger() as (settings, ledger):
        summaries = campaign_summaries(ledger, campaign, surroundings_of(settings))
        troubled = troubled_webhooks(ledger)
    for webhook in troubled:
        print_note(webhook_trouble(webhook) or "")
    if as_json:
        facts = [show.standing_facts(summary) for summary in summaries]
        print_json(facts[0] if campaign else facts)
    elif not summaries:
        out.print("No campaign yet. Start one with: dialer start campaign.yaml")
    elif campaign:
        out.print(show.summary_panel(summaries[0]))
    else:
        out.print(show.summaries_table(summaries))


def watch_command(
    campaign: str | None = typer.Argument(None, help="The campaign's id or name; all that go on when absent."),
    every: float = typer.Option(0.5, min=0.1, max=3600, help="Seconds between two looks."),
) -> None:
    """Watch campaigns until they have ended. Leaving with Ctrl-C leaves them running."""
    with settings_and_ledger() as (settings, ledger):
        ids = [summary.campaign.id for summary in campaign_summaries(ledger, campaign, live_only=campaign is None)]
        if not ids:
            out.print("No campaign is going on.")
        watch(ledger, ids, surroundings_of(settings), every=every)


def cancel_command(campaign: str = Name, yes: bool = Yes, as_json: bool = AsJson) -> None:
    """End for good: contacts not being called become cancelled. On a terminal it asks first."""
    with settings_and_ledger() as (_, ledger):
        before = campaign_summaries(ledger, campaign)[0]
        if before.campaign.status in LIVE_CAMPAIGNS:  # else it cannot be cancelled, and is refused without a question
            confirm(f"Cancel {before.campaign.id} for good? {_left_out(before.waiting)}.", yes=yes)
        changed = control.cancel(ledger, before.campaign.id, who=user_name(), now=now_utc())
        after = campaign_summaries(ledger, changed.id)[0]
    cancelled = after.contacts.get(ContactStatus.CANCELLED, 0)
    if as_json:
        print_json({"campaign": changed.id, "status": changed.status, "cancelled": cancelled})
        return
    out.print(f"[bold]{changed.id}[/] is cancelled. {_left_out(cancelled)}.")
    if cancelled:
        print_prose(f"To call them after all: dialer redial {changed.id} --outcome cancelled")
    _print_calls_that_go_on(after)


def close_command(campaign: str = Name, as_json: bool = AsJson) -> None:
    """Let a standing campaign take no more contacts: it finishes when all that it has are final."""
    with settings_and_ledger() as (_, ledger):
        closed = control.close(ledger, campaign, who=user_name(), now=now_utc())
        summary = campaign_summaries(ledger, closed.id)[0]
    if as_json:
        print_json({"campaign": closed.id, "status": closed.status, "closed_at": closed.closed_at})
        return
    left = counted(summary.total - summary.final, "contact")
    then = f"{left} of it are still to be called" if summary.total > summary.final else "it finishes in a moment"
    out.print(f"[bold]{closed.id}[/] is closed: {then}.")


def _left_out(people: int) -> str:
    return f"{counted(people, 'person', 'people')} will not be called" if people else "Nobody is left to call"


def _control_command(action: Callable[..., Campaign]) -> Callable[[str, bool], None]:
    def command(campaign: str = Name, as_json: bool = AsJson) -> None:
        with settings_and_ledger() as (settings, ledger):
            changed = action(ledger, campaign, who=user_name(), now=now_utc())
            summary = campaign_summaries(ledger, changed.id)[0]
        if as_json:
            print_json({"campaign": changed.id, "status": changed.status})
            return
        out.print(f"[bold]{changed.id}[/] is {changed.status}.")
        if changed.status is CampaignStatus.RUNNING:
            print_trouble(surroundings_of(settings).look(), changed)
        else:
            _print_calls_that_go_on(summary)

    return command


def _print_calls_that_go_on(summary: CampaignSummary) -> None:
    if open_calls := calls_on_the_line(summary):
        calls = counted(open_calls, "call is", "calls are")
        out.print(f"{calls} on the line: nobody hangs up, each goes on to its end.")
