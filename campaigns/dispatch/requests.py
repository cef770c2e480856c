"""Builds the call request for a contact, and opens its attempt if the rules allow the call at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from campaigns.calendar.calling_hours import call_evidence, is_open_at_all
from campaigns.calendar.reminders import present_reminder
from campaigns.definition import Definition
from campaigns.definition.definition import REMINDER, VARIANT
from campaigns.dispatch.vendor_queue import send_at
from campaigns.ledger.attempts import Opened, Opening, open_attempts
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.runtime import SWEEP_MARGIN, Runtime
from campaigns.safeguards.budgets import keep_back_cost
from dialer.account import Account
from dialer.call_kinds import Informer
from dialer.calls import CallRequest
from dialer.deadline import Deadline
from dialer.phone import PhoneNumber
from dialer.scripts import Script

STILL_SAID_OF = timedelta(seconds=1)  # a call, what was made ready for it so long before


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


class CallsToOpen:
    """The calls of some claimed contacts of a campaign, made ready before the transaction that opens them."""

    def __init__(self, contacts: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime) -> None:
        self.contacts, self.campaign, self.account = contacts, campaign, account
        self._notify_url = using.notify_url(account.name)
        self._prepare(using.moments())

    def _prepare(self, moments: Sequence[datetime]) -> None:
        """Only those whom the time rules allow: others may have no moment at which to be called."""
        self._moments = moments
        self._pairs = [
            (contact, *prepared(contact, self.campaign, self.account, self._notify_url, moments))
            for contact in self.contacts
            if _may_be_called(contact, self.campaign, self.account, moments)
        ]

    def allowed(self, db: Connection, moments: Sequence[datetime]) -> list[tuple[Opening, CallRequest]]:
        """Those that may be made at this moment, by the time rules and by what the campaign may cost."""
        if len(moments) != len(self._moments) or abs(moments[0] - self._moments[0]) > STILL_SAID_OF:
            self._prepare(moments)
        pairs = [
            (opening, call)
            for contact, opening, call in self._pairs
            if _may_be_called(contact, self.campaign, self.account, moments)
        ]
        limits = self.campaign.definition.limits
        if limits is None or limits.cost is None:
            return pairs
        prices = [opening.price for opening, _ in pairs]
        return pairs[: keep_back_cost(db, self.campaign, limits.cost, prices, moments[0])]


def stands_alone(definition: Definition) -> bool:
    """Whether a campaign's transaction locks numbers or costs, or asks more than others': then it shares none."""
    has_cost = definition.limits is not None and definition.limits.cost is not None
    return has_cost or bool(definition.caps) or definition.schedule.vendor_queue


def open_calls(
    db: Connection, several: Sequence[CallsToOpen], using: Runtime
) -> tuple[list[tuple[CallRequest, Opened]], Deadline]:
    """Apply the rules and write the attempts that pass; returns them with their calls, and the deadline for sending.

    The deadline counts from here, inside the write transaction: no pause was committed unnoticed before it.
    """
    moments = using.moments()
    send_by = moments[0] + timedelta(seconds=using.send_within)
    deadline = using.deadline(send_by)
    pairs = [] if using.stopping() else [pair for one in several for pair in one.allowed(db, moments)]
    calls = {call.correlation_id: call for _, call in pairs}
    settled_by = {
        one.account.name: send_by + timedelta(seconds=2 * one.account.settings.timeout + SWEEP_MARGIN)
        for one in several
    }
    caps = several[0].campaign.definition.caps if len(several) == 1 else ()
    openings = [opening for opening, _ in pairs]
    opened = open_attempts(db, openings, now=moments[0], conclude_at=settled_by, caps=caps)
    return [(calls[attempt.id], attempt) for attempt in opened], deadline


def _may_be_called(contact: Claimed, campaign: Campaign, account: Account, moments: Sequence[datetime]) -> bool:
    """Whether the time rules allow the call; the statement that opens the attempt checks the other rules."""
    if contact.due_at > moments[0]:
        return send_at(campaign.definition, account.provider, contact, moments) is not None
    past = contact.not_after is not None and contact.not_after <= max(moments)
    return not past and is_open_at_all(campaign.definition, contact.zone, moments)
