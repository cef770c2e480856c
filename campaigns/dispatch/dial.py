"""Dials a slice of claimed contacts: takes tokens, commits the attempts, sends the requests, writes the answers.

Nobody is called twice for one attempt: its row is committed before its request leaves, and a request leaves only once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from campaigns.calendar.calling_hours import is_open_at_all
from campaigns.dispatch import attempt_traces
from campaigns.dispatch.answers import Answer, settle_answers
from campaigns.dispatch.before_dial import cleared
from campaigns.dispatch.held_back import hold_back, names_of_contact, put_off_faulty, return_tokens
from campaigns.dispatch.requests import prepared
from campaigns.dispatch.token_wait import return_claims, send_with_tokens
from campaigns.dispatch.vendor_queue import send_at
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opened, open_attempts
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.lifecycle import CampaignStatus, Step
from campaigns.runtime import SWEEP_MARGIN, Runtime, all_or_each, own_limits
from campaigns.safeguards.budgets import keep_back_cost
from dialer import traces
from dialer.account import Account
from dialer.bucket import Slot
from dialer.calls import CallRequest
from dialer.deadline import Deadline
from dialer.log import get_logger
from dialer.transport.departure import Departure
from dialer.transport.flight import InFlightRequests, Rulings
from dialer.verdicts import Ruling

log = get_logger()
SLICE_SECONDS = 0.5  # of a fast pace that are dialed by one task: a task costs as much as some calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some contacts of one claim of one campaign: what one task dials."""

    campaign_id: str
    claim: UUID
    contact_ids: tuple[int, ...]
    lines: tuple[int, ...] = ()
    """The lines of their list, for people; not what is dialed by."""


def dial(
    slice_: Slice,
    *,
    using: Runtime,
    answered: Callable[[Ruling], object] = lambda _ruling: None,
) -> int:
    """Place the calls of a slice that are still ours to place; returns how many requests were sent.

    `answered` is called with the answer to each request, its verdict as the campaign file has it. A slice that is
    delivered twice is dialed once. Contacts for which no token comes in time are given back.
    """
    with using.ledger.reading() as db:
        campaign = queries.campaign(db, slice_.campaign_id)
    account = using.accounts.get(campaign.account)
    contacts = _still_claimed(slice_, campaign, account, using)
    if (
        using.stopping()
        or campaign.status is not CampaignStatus.RUNNING
        or account is None
        or campaign.rehearsal != account.settings.sandbox
    ):
        return_claims(contacts, using)
        return 0
    return _dial(cleared(contacts, campaign, using), campaign, account, using, answered)


def _still_claimed(slice_: Slice, campaign: Campaign, account: Account | None, using: Runtime) -> list[Claimed]:
    """The contacts that are still ours; one whose row cannot be read keeps no other from being dialed."""

    def read(ids: Sequence[int]) -> list[Claimed]:
        with using.ledger.reading() as db:
            return claims.still_claimed(db, slice_.claim, ids, using.clock())

    def names(contact_id: int) -> dict[str, object]:
        return names_of_contact(campaign, contact_id)

    def put_off(contact_id: int, error: str) -> None:
        if account is not None:
            put_off_faulty(slice_.claim, contact_id, error, campaign, account, using)

    return all_or_each(Step.DIAL, using.ledger, using.clock(), slice_.contact_ids, read, names, put_off)


def _dial(
    contacts: Sequence[Claimed],
    campaign: Campaign,
    account: Account,
    using: Runtime,
    answered: Callable[[Ruling], object],
) -> int:
    """Send requests as tokens come, and take the next tokens while they are out."""
    flight, sent, in_hand_at = account.flight(), dict[UUID, Opened](), using.clock()

    def send(granted: Sequence[tuple[Claimed, Slot | None]]) -> None:
        granted_at = using.clock()
        opened = _send(granted, campaign, account, flight, using)
        sent.update((attempt.id, attempt) for attempt in opened)
        if traces.is_on():
            going = [contact for contact, _slot in granted if contact.attempt_id in sent]
            attempt_traces.tell_way_to_request(going, campaign, in_hand_at, granted_at)

    def settle(rulings: Rulings) -> None:
        settle_answers([Answer(sent[attempt_id], ruling) for attempt_id, ruling in rulings], campaign, account, using)
        for _attempt_id, ruling in rulings:
            answered(campaign.definition.override_ruling(ruling))

    def pause(seconds: float) -> None:
        if seconds:
            using.sleep(seconds)
        settle(flight.finished())

    try:
        send_with_tokens(contacts, campaign, account, using, send, pause)
    finally:
        for rulings in flight.wait_for_rest():
            settle(rulings)
    return len(sent)


def _send(
    granted: Sequence[tuple[Claimed, Slot | None]],
    campaign: Campaign,
    account: Account,
    flight: InFlightRequests,
    using: Runtime,
) -> list[Opened]:
    """Place the calls of contacts whose tokens are taken; returns the attempts that were opened for them.

    All checks that can fail run before the commit.
    """
    began, batch = time.monotonic(), [contact for contact, _ in granted]
    own = own_limits(campaign, batch[0].caller_id)  # they asked for tokens together
    slots = {contact.attempt_id: slot for contact, slot in granted}

    def act(some: Sequence[Claimed]) -> list[tuple[CallRequest, Departure, Opened]]:
        calls, deadline = using.ledger.write(_open, some, campaign, account, using)
        return [(call, Departure(deadline, slots[attempt.id], own), attempt) for call, attempt in calls]

    def names(contact: Claimed) -> dict[str, object]:
        return names_of_contact(campaign, contact.contact_id)

    faulty: set[UUID] = set()

    def put_off(contact: Claimed, error: str) -> None:
        faulty.add(contact.attempt_id)
        put_off_faulty(contact.claim, contact.contact_id, error, campaign, account, using)

    try:
        calls = all_or_each(Step.DIAL, using.ledger, using.clock(), batch, act, names, put_off)
    except LedgerUnavailable:
        return_tokens(batch, campaign, account)
        raise
    return_tokens([contact for contact in batch if contact.attempt_id in faulty], campaign, account)
    opened = [attempt for _, _, attempt in calls]
    over = {attempt.id for attempt in opened} | faulty
    hold_back([contact for contact in batch if contact.attempt_id not in over], campaign, account, using)
    flight.send([(call, departure) for call, departure, _ in calls])
    account.admission.learn_preparation(time.monotonic() - began)
    return opened


def _open(
    db: Connection, batch: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime
) -> tuple[list[tuple[CallRequest, Opened]], Deadline]:
    """Apply the rules and write the attempts that pass; returns them with their calls, and the deadline for sending.

    The deadline counts from here, inside the write transaction: no pause was committed unnoticed before it.
    """
    moments = using.moments()
    send_by = moments[0] + timedelta(seconds=using.send_within)
    deadline, notify_url = using.deadline(send_by), using.notify_url(account.name)
    inside = (
        []
        if using.stopping()
        else [contact for contact in batch if _may_be_called(contact, campaign, account, moments)]
    )
    pairs = [prepared(contact, campaign, account, notify_url, moments) for contact in inside]
    limits = campaign.definition.limits
    if limits is not None and limits.cost is not None:
        prices = [opening.price for opening, _ in pairs]
        pairs = pairs[: keep_back_cost(db, campaign, limits.cost, prices, moments[0])]
    openings = [opening for opening, _ in pairs]
    calls = {call.correlation_id: call for _, call in pairs}
    settled_by = send_by + timedelta(seconds=2 * account.settings.timeout + SWEEP_MARGIN)
    opened = open_attempts(db, openings, now=moments[0], conclude_at=settled_by, caps=campaign.definition.caps)
    return [(calls[attempt.id], attempt) for attempt in opened], deadline


def _may_be_called(contact: Claimed, campaign: Campaign, account: Account, moments: Sequence[datetime]) -> bool:
    """Whether the time rules allow the call; the statement that opens the attempt checks the other rules."""
    if contact.due_at > moments[0]:
        return send_at(campaign.definition, account.provider, contact, moments) is not None
    past = contact.not_after is not None and contact.not_after <= max(moments)
    return not past and is_open_at_all(campaign.definition, contact.zone, moments)


def slice_size(pace: float) -> int:
    """Contacts per task: one at the pace of most accounts, more at a pace at which a task per call costs too much."""
    return 1 if pace <= 10 else min(100, round(pace * SLICE_SECONDS))
