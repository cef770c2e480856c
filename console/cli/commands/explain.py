"""`dialer explain`: why a campaign, or a contact of it, is not being dialed, and until when."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import STOPPED_CAMPAIGNS
from campaigns.reporting.explain import AttemptLine, ContactExplanation, explain_campaign, explain_contact
from campaigns.reporting.hold_reason import GOING, HoldReason
from campaigns.reporting.receipt_history import ReceiptLine
from console.cli.arguments import parse_number
from console.cli.context import settings_and_ledger, surroundings_of
from console.cli.output import local_time, local_with_zone, out, print_json, print_prose, table
from console.cli.running import campaign_summaries
from console.cli.views import campaign as show
from dialer.phone import mask
from workers.ledger import now_utc


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
            _print_contact(explain_contact(ledger, campaign, phone, now=now, surroundings=around), as_json=as_json)


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
    }
    if as_json:
        print_json(facts)
        return
    if campaign.status in STOPPED_CAMPAIGNS:
        print_prose(f"[bold]{campaign.id}[/] is {escape(reason.words)}.")
    else:
        out.print(f"[bold]{campaign.id}[/] is {campaign.status.value}.")
        print_prose(("Now: " if reason.kind in GOING else "Nothing is being dialed: ") + escape(reason.words) + ".")
    if reason.since:
        out.print(f"That was on {local_with_zone(reason.since)}.")
    if reason.clears_at:
        out.print(f"It clears on {local_with_zone(reason.clears_at)}.")
    if remedy := reason.remedy(campaign):
        print_prose(f"[bold]Do:[/] {escape(remedy)}")


def _print_contact(contact: ContactExplanation, *, as_json: bool) -> None:
    if as_json:
        facts = asdict(contact) | {
            "campaign": contact.campaign.id,
            "suppressions": len(contact.suppressions),
        }
        print_json(facts)
        return
    out.print(f"[bold]{contact.number}[/], line {contact.line} of {contact.campaign.id}, is {contact.status.value}.")
    print_prose(
        f"Why: {escape(contact.why)}" + (f", until {local_with_zone(contact.clears_at)}." if contact.clears_at else ".")
    )
    remark = " (and elsewhere: its number does not tell)" if "," in contact.zone else ""
    out.print(f"There: {contact.local_time:%a %d %b %H:%M} in {contact.zone.split(',')[0]}{remark}.")
    if contact.not_after:
        out.print(f"Not after {local_with_zone(contact.not_after)}.")
    if contact.consent:
        print_prose(f"Consent: {escape(contact.consent)}")
    for line in contact.suppressions:
        print_prose(
            f"Suppressed since {local_with_zone(line.added_at)} by {escape(line.source)}: {escape(line.reason)}"
        )
    if len(contact.runs) > 1:
        out.print(_runs_table(contact))
    if contact.tried:
        shown = table(
            ">try", f"when, {contact.tried[0].at.astimezone():%Z}", "from", "became", "next", title="\nAttempts"
        )
        for attempt in contact.tried:
            result = escape(attempt.became) + (f" [dim]{escape(attempt.detail)}[/]" if attempt.detail else "")
            shown.add_row(
                _attempt_label(attempt, contact),
                local_time(attempt.at),
                mask(attempt.caller_id),
                result,
                local_time(attempt.next_attempt_at),
            )
        out.print(shown)
        if allowed := contact.tried[-1].allowed_by:
            print_prose(f"[dim]The last was allowed by: {escape(allowed)}[/]")
    if contact.told:
        out.print(_receipts_table(contact))


def _runs_table(contact: ContactExplanation) -> Table:
    """The contact's status in each campaign of this name."""
    shown = table("campaign", "started", "became", title="\nCampaigns of this name")
    for run in contact.runs:
        shown.add_row(
            run.campaign, local_time(run.started_at), f"{run.status.value}: {escape(run.reason or 'no end yet')}"
        )
    return shown


def _attempt_label(line: AttemptLine | ReceiptLine, contact: ContactExplanation) -> str:
    """An attempt's number, with its campaign where there are several."""
    return str(line.number) if len(contact.runs) == 1 else f"{line.campaign} #{line.number}"


def _receipts_table(contact: ContactExplanation) -> Table:
    """The receipts of the provider, in its words and in ours."""
    shown = table(">try", "happened", "provider's word", "code", "which means", title="\nReceipts")
    for receipt in contact.told:
        happened = local_time(receipt.occurred_at or receipt.received_at)
        shown.add_row(
            _attempt_label(receipt, contact),
            happened,
            escape(receipt.word),
            escape(receipt.code or ""),
            receipt.means,
        )
    return shown
