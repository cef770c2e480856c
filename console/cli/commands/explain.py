"""`dialer explain`: why nothing is being dialed, or why this contact is not, and when that passes."""

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
from console.cli.context import redis_answers, settings_and_ledger
from console.cli.output import local_time, local_with_zone, out, print_json, print_prose, table
from dialer.phone import mask
from workers.wiring import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("explain", short_help="Why nothing is dialed, or the story of a contact.")(explain_command)


def explain_command(
    campaign: Annotated[str, typer.Argument(help="The campaign's id or name.", metavar="CAMPAIGN")],
    number: Annotated[str | None, typer.Argument(help="A contact's number, with + and country code.")] = None,
    country: Annotated[str | None, typer.Option(help="Country (two letters) of a number without a plus.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say the one reason why nothing is being dialed and when it clears; or the whole story of a contact."""
    with settings_and_ledger() as (settings, ledger):
        now, answers = now_utc(), redis_answers(settings)
        if number is None:
            one, reason = explain_campaign(ledger, campaign, now=now, redis_answers=answers)
            _print_campaign(one, reason, as_json=as_json)
        else:
            who = parse_number(number, country)
            _print_contact(explain_contact(ledger, campaign, who, now=now, redis_answers=answers), as_json=as_json)


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


def _print_contact(story: ContactExplanation, *, as_json: bool) -> None:
    if as_json:
        facts = asdict(story) | {"campaign": story.campaign.id, "suppressions": len(story.suppressions)}
        print_json(facts)
        return
    out.print(f"[bold]{story.number}[/], line {story.line} of {story.campaign.id}, is {story.status.value}.")
    print_prose(
        f"Why: {escape(story.why)}" + (f", until {local_with_zone(story.clears_at)}." if story.clears_at else ".")
    )
    several = " (and elsewhere: its number does not tell)" if "," in story.zone else ""
    out.print(f"There: {story.local_time:%a %d %b %H:%M} in {story.zone.split(',')[0]}{several}.")
    if story.not_after:
        out.print(f"Not after {local_with_zone(story.not_after)}.")
    if story.consent:
        print_prose(f"Consent: {escape(story.consent)}")
    for line in story.suppressions:
        print_prose(
            f"Suppressed since {local_with_zone(line.added_at)} by {escape(line.source)}: {escape(line.reason)}"
        )
    if len(story.runs) > 1:
        out.print(_runs_table(story))
    if story.tried:
        shown = table(
            ">try", f"when, {story.tried[0].at.astimezone():%Z}", "from", "became", "next", title="\nAttempts"
        )
        for one in story.tried:
            became = escape(one.became) + (f" [dim]{escape(one.detail)}[/]" if one.detail else "")
            shown.add_row(
                _attempt_label(one, story),
                local_time(one.at),
                mask(one.caller_id),
                became,
                local_time(one.next_attempt_at),
            )
        out.print(shown)
        if allowed := story.tried[-1].allowed_by:
            print_prose(f"[dim]The last was allowed by: {escape(allowed)}[/]")
    if story.told:
        out.print(_receipts_table(story))


def _runs_table(story: ContactExplanation) -> Table:
    """What became of the number in each campaign of this name."""
    shown = table("campaign", "started", "became", title="\nCampaigns of this name")
    for one in story.runs:
        shown.add_row(
            one.campaign, local_time(one.started_at), f"{one.status.value}: {escape(one.reason or 'no end yet')}"
        )
    return shown


def _attempt_label(one: AttemptLine | ReceiptLine, story: ContactExplanation) -> str:
    """The number of a try, with its campaign's where there are several."""
    return str(one.number) if len(story.runs) == 1 else f"{one.campaign} #{one.number}"


def _receipts_table(story: ContactExplanation) -> Table:
    """What the provider told, in its own words and in ours."""
    shown = table(">try", "happened", "provider's word", "code", "which means", title="\nReceipts")
    for one in story.told:
        happened = local_time(one.occurred_at or one.received_at)
        shown.add_row(_attempt_label(one, story), happened, escape(one.word), escape(one.code or ""), one.means)
    return shown
