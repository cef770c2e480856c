"""Builds the call request for a contact, and what the ledger keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.calendar.calling_hours import call_evidence
from campaigns.calendar.reminders import present_reminder
from campaigns.definition import Definition
from campaigns.definition.definition import REMINDER, VARIANT
from campaigns.dispatch.vendor_queue import send_at
from campaigns.ledger.attempts import Opening
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from dialer.account import Account
from dialer.call_kinds import Informer
from dialer.calls import CallRequest
from dialer.phone import PhoneNumber
from dialer.scripts import Script


def script_for(definition: Definition, account: str, contact: Claimed, reminder: int | None) -> Script:
    """What this contact hears from this account: the text checked before launch, or the account's own.

    A text that names its reminder is made for this one.
    """
    own = definition.by_account.get(account)
    has_own_message = own is not None and own.message is not None
    if not has_own_message and not definition.speaks_of_reminder:
        return definition.script(contact.text, contact.voice)
    template, fields = definition.template, contact.fields
    if label := definition.reminder_label(reminder or 1):  # a test call is of no appointment: the first of them
        fields = {**fields, REMINDER: label}
    if variant := definition.variant_for(contact.key, contact.phone):
        fields = {**fields, VARIANT: variant}
    text = template.render(fields, contact.zone) if template else None
    return definition.script(text, None if has_own_message else contact.voice)


def reminder_for(definition: Definition, contact: Claimed, now: datetime) -> int | None:
    """Which reminder of its appointment a call of this contact tells now; None where there are no several."""
    if not definition.reminders or contact.not_after is None:
        return None
    return present_reminder(definition, contact.zone, contact.not_after, first=contact.reminder or 1, now=now)


def prepared(
    contact: Claimed, campaign: Campaign, account: Account, notify_url: str | None, moments: Sequence[datetime]
) -> tuple[Opening, CallRequest]:
    """What the ledger keeps of the call of this contact, and the request that places it."""
    definition = campaign.definition
    reminder = reminder_for(definition, contact, moments[0])
    script = script_for(definition, campaign.account, contact, reminder)
    handed_over = send_at(definition, account.provider, contact, moments)
    caller_id = definition.caller_id.for_contact(contact.caller_id)
    local_time, allowed_by = call_evidence(definition, contact.zone, handed_over or moments[0])
    prices, talks = account.settings.prices, not isinstance(definition.call, Informer)
    opening = Opening(
        contact=contact,
        account=account.name,
        provider=account.provider.name,
        caller_id=caller_id,
        script_seconds=script.seconds,
        reminder=reminder,
        variant=definition.variant_for(contact.key, contact.phone),
        send_at=handed_over,
        local_time=local_time,
        allowed_by=allowed_by,
        price=None if prices is None else prices.of_call(contact.phone, script.seconds, talks=talks),
    )
    request = CallRequest(
        correlation_id=contact.attempt_id,
        to=PhoneNumber(contact.phone),
        caller_id=PhoneNumber.of_valid(caller_id),
        script=script,
        ring_timeout=definition.ring_timeout,
        dtmf=definition.dtmf,
        direction=definition.direction,
        kind=definition.call,
        notify_url=notify_url,
        priority=definition.priority,
        callback_data=definition.callback_text(contact.fields, contact.zone),
        send_at=handed_over,
    )
    return opening, request
