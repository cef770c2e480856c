"""`dialer explain`: why a campaign, or a contact of it, is not being dialed, and until when."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import LIVE_CAMPAIGNS, STOPPED_CAMPAIGNS
from campaigns.operations.retention.kept_until import kept_until
from campaigns.reporting.explain import explain_campaign, explain_contact
from campaigns.reporting.glossary import plain
from campaigns.reporting.hold_reason import GOING, HoldReason
from console.cli.arguments import parse_number
from console.cli.context import settings_and_ledger, surroundings_of
from console.cli.output import local_with_zone, out, print_json, print_prose
from console.cli.running import campaign_summaries
from console.cli.views import campaign as show
from console.cli.views.contact import print_contact
from workers.clock import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("explain")(explain_command)


def explain_command(
    campaign: Annotated[str, typer.Argument(help="The campaign's id or name.", metavar="CAMPAIGN")],
    number: Annotated[str | None, typer.Argument(help="A contact's number, with + and country code.")] = None,
    country: Annotated[str | None, typer.Option(help="Country (two letters) of a number without a plus.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say the one reason why nothing is being dialed and when it clears; or the whole story of a contact."""
    with settings_and_ledger() as (settings, ledger):
        now, around = now_utc(), surroundings_of(settings)
        if number is None:
            found_campaign, reason = explain_campaign(ledger, campaign, now=now, surroundings=around)
            _print_campaign(found_campaign, reason, as_json=as_json)
            if not as_json:
                show.print_unknown_warning(campaign_summaries(ledger, found_campaign.id)[0])
        else:
            phone = parse_number(number, country)
            contact = explain_contact(ledger, campaign, phone, now=now, surroundings=around)
            print_contact(contact, kept_until(ledger, contact, settings.retention), as_json=as_json)


def _print_campaign(campaign: Campaign, reason: HoldReason, *, as_json: bool) -> None:
    facts = {
        "campaign": campaign.id,
        "status": campaign.status,
        "kind": reason.kind,
        "why": reason.words,
        "clears_at": reason.clears_at,
        "by": reason.by,
        "since": reason.since,
        "remedy": reason.remedy(campaign) or None,
        "account": campaign.account,
        "instead_of": campaign.instead_of,
        "returns_at": campaign.returns_at,
    }
    if as_json:
        print_json(facts)
        return
    if campaign.status in STOPPED_CAMPAIGNS:
        print_prose(f"[bold]{campaign.id}[/] is {escape(plain(reason.words))}.")
    else:
        out.print(f"[bold]{campaign.id}[/] is {campaign.status.value}.")
        print_prose(
            ("Now: " if reason.kind in GOING else "Nothing is being dialed: ") + escape(plain(reason.words)) + "."
        )
    if reason.since:
        out.print(f"That was on {local_with_zone(reason.since)}.")
    if reason.clears_at:
        out.print(f"It clears on {local_with_zone(reason.clears_at)}.")
    if campaign.instead_of and campaign.status in LIVE_CAMPAIGNS:
        print_prose(f"It dials with {show.account_words(campaign)}.")
    if remedy := reason.remedy(campaign):
        print_prose(f"[bold]Do:[/] {escape(remedy)}")
