"""Contacts of a slice that are not called after all: a rule holds them back, or an error of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from campaigns.calendar.calling_hours import next_opening
from campaigns.dispatch.answers import see_settled
from campaigns.dispatch.vendor_queue import claimed_to_hand_over, otherwise_due, send_at
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.claims import Claimed
from campaigns.ledger.numbers.frequency_caps import cap_clears_at
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.lifecycle import OPEN_ATTEMPTS, Step
from campaigns.runtime import Runtime, all_or_each
from campaigns.settlement.rulings import settle_fault
from dialer.account import Account
from dialer.bucket import GrantResult, Settlement, settle_each
from dialer.log import get_logger

log = get_logger()


def names_of_contact(campaign: Campaign, contact_id: int) -> dict[str, object]:
    """The names under which a fault of one contact is logged."""
    return {"account": campaign.account, "campaign": campaign.id, "contact": contact_id}


def put_off_faulty(
    claim: UUID, contact_id: int, error: str, campaign: Campaign, account: Account, using: Runtime
) -> UUID | None:
    """Write an attempt that ends at once for a contact that an error of ours keeps from being called; returns its id.

    So the contact is put off, for longer each time, and given up with a reason in the end.
    """
    return using.ledger.write(_write_fault, claim, contact_id, error, campaign, account, using)


def _write_fault(
    db: Connection, claim: UUID, contact_id: int, error: str, campaign: Campaign, account: Account, using: Runtime
) -> UUID | None:
    now = using.clock()
    contact = claims.claimed_bare(db, claim, contact_id)
    if contact is None:
        return None
    opening = Opening(
        contact=contact,
        account=account.name,
        provider=account.provider.name,
        caller_id=campaign.definition.caller_id.for_contact(contact.caller_id),
        script_seconds=0.0,
    )
    opened = open_attempts(db, [opening], now=now, conclude_at={account.name: now})
    for attempt in queries.attempts_by_id(db, [attempt.id for attempt in opened]).values():
        settle_fault(db, attempt, error, now=now, rng=using.rng)
    return contact.attempt_id


def hold_back(held: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Give back tokens and claims of contacts that a gate held back, each with its next moment or its final status."""
    if not held:
        return

    def act(some: Sequence[Claimed]) -> list[UUID]:
        return list(using.ledger.write(_write_held, some, campaign, account, using.moments()))

    def names(contact: Claimed) -> dict[str, object]:
        return names_of_contact(campaign, contact.contact_id)

    def put_off(contact: Claimed, error: str) -> None:
        put_off_faulty(contact.claim, contact.contact_id, error, campaign, account, using)

    try:
        under_way = all_or_each(Step.DIAL, using.ledger, using.clock(), held, act, names, put_off)
    except LedgerUnavailable as exc:
        # The rest of the batch is committed and must be sent; leases free these and their tokens.
        log.warning("claims not given back", campaign=campaign.id, why=exc.message)
        return
    return_tokens([contact for contact in held if contact.attempt_id not in under_way], campaign, account)


def _write_held(
    db: Connection, held: Sequence[Claimed], campaign: Campaign, account: Account, moments: Sequence[datetime]
) -> set[UUID]:
    """Give back the claims of held contacts; returns the attempts that another delivery of the same task has open.

    Those keep their tokens.
    """
    claim = held[0].claim
    claims.suppress_held(db, claim, [contact.contact_id for contact in held], campaign.account, moments[0])
    for contact in held:
        claims.give_back(db, claim, [contact.contact_id], due_at=_next_moment(db, contact, campaign, account, moments))
    opened = queries.attempts_by_id(db, [contact.attempt_id for contact in held])
    return {attempt.id for attempt in opened.values() if attempt.status in OPEN_ATTEMPTS}


def _next_moment(
    db: Connection, contact: Claimed, campaign: Campaign, account: Account, moments: Sequence[datetime]
) -> datetime | None:
    """When a held contact may be called; None keeps its due time, and leaves contacts that are over to the sweep.

    While the clock is in doubt nobody is put off.
    """
    definition = campaign.definition
    queue_facts = (definition, account.provider, contact, moments)
    if claimed_to_hand_over(*queue_facts) and send_at(*queue_facts) is None:
        return otherwise_due(definition, contact)
    at = max(contact.due_at, moments[0])
    capped = cap_clears_at(db, contact.phone, definition.caps, at, rehearsal=campaign.rehearsal)
    if capped is None:
        is_due = contact.due_at <= moments[0] and len(moments) == 1
        return next_opening(definition, contact.zone, moments[0]) if is_due else None
    return next_opening(definition, contact.zone, capped[0]) or definition.ends_at


def return_tokens(unused: Iterable[Claimed], campaign: Campaign, account: Account) -> None:
    """Give back the tokens of requests that never left."""
    results = [GrantResult(grant_id=str(contact.attempt_id), charged=False, sent=False) for contact in unused]
    [said] = settle_each([Settlement(account.bucket, results, campaign.id)])
    see_settled(account, said)
