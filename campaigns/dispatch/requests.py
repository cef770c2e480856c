"""Builds the call request for a contact, and what the ledger keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.calendar.calling_hours import call_evidence
from campaigns.definition import Definition
from campaigns.dispatch.vendor_queue import send_at
from campaigns.ledger.attempts import Opening
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from dialer.account import Account
from dialer.calls import CallRequest
from dialer.phone import PhoneNumber
from dialer.scripts import Script


def script_for(definition: Definition, account: str, contact: Claimed) -> Script:
    """What this contact hears from this account: the text checked before launch, or the account's own."""
    own = definition.by_account.get(account)
    if own is None or own.message is None:
        return definition.script(contact.text, contact.voice)
    template = definition.template
    return definition.script(template.render(contact.fields, contact.zone) if template else None)


def opening_for(contact: Claimed, campaign: Campaign, account: Account, moments: Sequence[datetime]) -> Opening:
    handed_over = send_at(campaign.definition, account.provider, contact, moments)
    local_time, allowed_by = call_evidence(campaign.definition, contact.zone, handed_over or moments[0])
    return Opening(
        contact=contact,
        account=account.name,
        provider=account.provider.name,
        caller_id=campaign.definition.caller_id,
        script_seconds=script_for(campaign.definition, campaign.account, contact).seconds,
        send_at=handed_over,
        local_time=local_time,
        allowed_by=allowed_by,
    )


def call_for(
    contact: Claimed, campaign: Campaign, account: Account, notify_url: str | None, moments: Sequence[datetime]
) -> CallRequest:
    definition = campaign.definition
    return CallRequest(
        correlation_id=contact.attempt_id,
        to=PhoneNumber(contact.phone),
        caller_id=PhoneNumber(definition.caller_id),
        script=script_for(definition, campaign.account, contact),
        ring_timeout=definition.ring_timeout,
        dtmf=definition.dtmf,
        direction=definition.direction,
        kind=definition.call,
        notify_url=notify_url,
        send_at=send_at(definition, account.provider, contact, moments),
    )
