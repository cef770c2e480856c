"""One contact: its story, for people and as JSON facts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from campaigns.operations.retention.kept_until import KeptUntil
from campaigns.reporting.explain import AttemptLine, ContactExplanation
from campaigns.reporting.glossary import label, plain
from campaigns.reporting.receipt_history import ReceiptLine
from console.cli.output import local_time, local_with_zone, out, print_json, print_prose, table
from console.formatting import PRIORITIES
from dialer.phone import mask


def contact_facts(contact: ContactExplanation, kept: KeptUntil) -> dict[str, Any]:
    """A contact's story as JSON facts; its number is masked."""
    facts = (
        asdict(contact) | asdict(kept) | {"campaign": contact.campaign.id, "suppressions": len(contact.suppressions)}
    )
    return {name: value for name, value in facts.items() if name != "version"}


def print_contact(contact: ContactExplanation, kept: KeptUntil, *, as_json: bool) -> None:
    """Print a contact's story and until when it is kept, or its JSON facts."""
    if as_json:
        print_json(contact_facts(contact, kept))
        return
    key = f", key {escape(contact.key)}" if contact.key else ""
    place = f"line {contact.line} of {contact.campaign.id}{key}"
    out.print(f"[bold]{contact.number}[/], {place}, is {label(contact.status)}.")
    print_prose(
        f"Why: {escape(plain(contact.why))}"
        + (f", until {local_with_zone(contact.clears_at)}." if contact.clears_at else ".")
    )
    remark = " (and elsewhere: its number does not tell)" if "," in contact.zone else ""
    out.print(f"There: {contact.local_time:%a %d %b %H:%M} in {contact.zone.split(',')[0]}{remark}.")
    if contact.not_after:
        out.print(f"Not after {local_with_zone(contact.not_after)}.")
    if contact.where:
        print_prose(f"Its row met: {escape(contact.where)}")
    if contact.order:
        print_prose(f"Contacts are called by: {escape(', '.join(contact.order))}")
    if contact.consent:
        print_prose(f"Consent: {escape(contact.consent)}")
    until = f"until {local_with_zone(kept.kept_until)}, " if kept.kept_until else ""
    print_prose(f"Kept: {until}{kept.kept}.")
    if contact.caller_id:
        out.print(f"Is shown {contact.caller_id}.")
    if contact.priority:
        out.print(f"Priority: {PRIORITIES[contact.priority]}.")
    if contact.callback_data:
        print_prose(f"Sent back with each receipt: {escape(contact.callback_data)}")
    if contact.response:
        out.print(f"Pressed: {label(contact.response)}.")
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
            pressed = f", {label(attempt.response)}" if attempt.response else ""
            pressed += f" [dim]({attempt.reminder} before)[/]" if attempt.reminder else ""
            pressed += f" [dim](text {attempt.variant})[/]" if attempt.variant else ""
            pressed += f" [dim]({attempt.cost} {attempt.currency})[/]" if attempt.cost is not None else ""
            result = (
                escape(label(attempt.became))
                + pressed
                + (f" [dim]{escape(attempt.detail)}[/]" if attempt.detail else "")
            )
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
            run.campaign,
            local_time(run.started_at),
            f"{label(run.status)}: {escape(plain(run.reason or 'no end yet'))}",
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
