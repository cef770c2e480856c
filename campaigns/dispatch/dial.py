"""Dials a slice of claimed contacts: takes tokens, commits the attempts, sends the requests, writes the answers.

Nobody is called twice for one attempt: its row is committed before its request leaves, and a request leaves only once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from campaigns.calendar.calling_hours import is_open_at_all, next_opening
from campaigns.dispatch import attempt_traces
from campaigns.dispatch.before_dial import cleared
from campaigns.dispatch.requests import prepared
from campaigns.dispatch.token_wait import return_claims, send_with_tokens
from campaigns.dispatch.vendor_queue import claimed_to_hand_over, otherwise_due, send_at
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opened, Opening, open_attempts
from campaigns.ledger.claims import Claimed
from campaigns.ledger.numbers.frequency_caps import cap_clears_at
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.ledger.together import Together
from campaigns.lifecycle import OPEN_ATTEMPTS, CampaignStatus, Step
from campaigns.runtime import SWEEP_MARGIN, Runtime, all_or_each, contained, own_limits
from campaigns.safeguards.budgets import keep_back_cost
from campaigns.settlement.receipts import apply_waiting
from campaigns.settlement.rulings import accept_all, is_plainly_unsent, put_back_all, rule, settle_fault
from dialer import traces
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, Slot
from dialer.calls import CallRequest
from dialer.deadline import Deadline
from dialer.log import get_logger
from dialer.transport.departure import Departure
from dialer.transport.flight import InFlightRequests, Rulings
from dialer.verdicts import Ruling, Verdict

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the request of an attempt."""

    attempt: Opened
    ruling: Ruling

    @property
    def call(self) -> str | None:
        """The provider's id of the call that was placed."""
        return self.ruling.provider_call_id


_answers = Together[Answer]()


class _HeardMeanwhile(Exception):
    """A receipt, a poll or a sweep was faster than an answer, or a contact needs a look of its own."""


def dial(
    slice_: Slice,
    *,
    using: Runtime,
    answered: Callable[[Ruling], object] = lambda _ruling: None,
) -> int:
    """Place the calls of a slice that are still ours to place; returns how many requests were sent.

    `answered` is given the answer to each, as the campaign takes it. Delivered twice, the second finds nothing left to
    do. Contacts that no token can be had for in time go back.
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
        return _names(campaign, contact_id)

    def put_off(contact_id: int, error: str) -> None:
        if account is not None:
            _put_off(slice_.claim, contact_id, error, campaign, account, using)

    return all_or_each(Step.DIAL, using.ledger, using.clock(), slice_.contact_ids, read, names, put_off)


def _names(campaign: Campaign, contact_id: int) -> dict[str, object]:
    """The names under which a fault of one contact is logged."""
    return {"account": campaign.account, "campaign": campaign.id, "contact": contact_id}


def _put_off(
    claim: UUID, contact_id: int, error: str, campaign: Campaign, account: Account, using: Runtime
) -> UUID | None:
    """An error of ours keeps a contact from being called: that is an attempt of its own, which ends at once.

    So the contact waits, ever longer, and is given up with a reason in the end. Returns the attempt's id.
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
    opened = open_attempts(db, [opening], now=now, conclude_at=now)
    for attempt in queries.attempts_by_id(db, [attempt.id for attempt in opened]).values():
        settle_fault(db, attempt, error, now=now, rng=using.rng)
    return contact.attempt_id


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
        _settle([Answer(sent[attempt_id], ruling) for attempt_id, ruling in rulings], campaign, account, using)
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
        return _names(campaign, contact.contact_id)

    faulty: set[UUID] = set()

    def put_off(contact: Claimed, error: str) -> None:
        faulty.add(contact.attempt_id)
        _put_off(contact.claim, contact.contact_id, error, campaign, account, using)

    try:
        calls = all_or_each(Step.DIAL, using.ledger, using.clock(), batch, act, names, put_off)
    except LedgerUnavailable:
        _return_tokens(batch, campaign, account)
        raise
    _return_tokens([contact for contact in batch if contact.attempt_id in faulty], campaign, account)
    opened = [attempt for _, _, attempt in calls]
    over = {attempt.id for attempt in opened} | faulty
    _hold_back([contact for contact in batch if contact.attempt_id not in over], campaign, account, using)
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


def _settle(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    if answers:

        def settle(some: Sequence[Answer]) -> None:
            _settle_all(some, campaign, account, using)

        _answers.do((using.ledger.url, campaign.id, account.name), answers, settle)


def _settle_all(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    heard_at = using.clock()
    try:
        _write(answers, campaign, account, using)
    except LedgerUnavailable as exc:
        lost = [str(answer.attempt.id) for answer in answers]
        log.error("answers not written: the sweep settles their attempts", attempts=lost, why=exc.message)
    for answer in answers:
        ruling = answer.ruling
        log.info(
            "call requested",
            campaign=campaign.id,
            account=account.name,
            attempt=str(answer.attempt.id),
            verdict=ruling.verdict.value,
            mnemonic=ruling.mnemonic,
            code=ruling.code,
            detail=ruling.detail or None,
        )
        attempt_traces.tell_answer(answer.attempt, ruling, campaign, heard_at, using.clock)
    with contained(Step.SETTLE, using.ledger, using.clock(), account=account.name, campaign=campaign.id):
        _settle_tokens([_settled(answer) for answer in answers], campaign, account)


def _write(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Write the answers in one transaction, or each in its own where one of them cannot be written."""

    def act(some: Sequence[Answer]) -> Sequence[None]:
        try:
            using.ledger.write(_write_answers, some, campaign, account, using)
        except _HeardMeanwhile:
            using.ledger.write(_rule, some, account, using)
        return ()

    def names(answer: Answer) -> dict[str, str]:
        return {"account": account.name, "campaign": campaign.id, "attempt": str(answer.attempt.id)}

    all_or_each(Step.SETTLE, using.ledger, using.clock(), answers, act, names)


def _write_answers(
    db: Connection, answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime
) -> None:
    """Settle the attempts by the answers to their requests; those that placed calls, or never left, in a few for all.

    Raises _HeardMeanwhile where these are no longer as they were opened.
    """
    definition, now = campaign.definition, using.clock()
    placed: list[tuple[Opened, str]] = []
    unsent: list[tuple[Opened, Ruling]] = []
    others: list[Answer] = []
    for answer in answers:
        ruling = definition.override_ruling(answer.ruling)
        if answer.call and ruling.verdict is Verdict.PLACED:
            placed.append((answer.attempt, answer.call))
        elif is_plainly_unsent(ruling):
            unsent.append((answer.attempt, ruling))
        else:
            others.append(answer)
    if others:
        _rule(db, others, account, using)
    if unsent and not put_back_all(db, campaign.id, account.name, unsent, now=now, rng=using.rng):
        raise _HeardMeanwhile
    if placed:
        if not accept_all(db, placed, definition, account.settings, now=now):
            raise _HeardMeanwhile
        _apply_receipts(db, [call for _, call in placed], account, now)


def _rule(db: Connection, answers: Sequence[Answer], account: Account, using: Runtime) -> None:
    """Settle the attempts one by one, whatever they have become."""
    now = using.clock()
    attempts = queries.attempts_by_id(db, [answer.attempt.id for answer in answers], lock=True)
    for answer in answers:
        if attempt := attempts.get(answer.attempt.id):
            rule(db, attempt, answer.ruling, account.settings, now=now, rng=using.rng)
    if calls := [answer.call for answer in answers if answer.call]:
        _apply_receipts(db, calls, account, now)


def _apply_receipts(db: Connection, calls: Sequence[str], account: Account, now: datetime) -> None:
    """Apply what came for these calls before it was known whose they are."""
    apply_waiting(db, account.name, account.settings, now=now, provider_call_ids=calls)


def _settled(answer: Answer) -> GrantResult:
    """The answer as the token bucket needs it; the call of an attempt that was handed over is not in progress yet."""
    goes_on = answer.ruling.verdict is Verdict.PLACED and answer.attempt.send_at is None
    return GrantResult.from_ruling(str(answer.attempt.id), answer.ruling, call_in_progress=goes_on)


def _settle_tokens(settled: Sequence[GrantResult], campaign: Campaign, account: Account) -> None:
    try:
        account.bucket.settle_all(settled, campaign=campaign.id)
    except BucketUnavailable as exc:
        log.warning("bucket away", account=account.name, why=exc.message)  # the leases free the tokens


def _hold_back(held: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Give back tokens and claims of contacts that a gate held back, each with its next moment or its final status."""
    if not held:
        return

    def act(some: Sequence[Claimed]) -> list[UUID]:
        return list(using.ledger.write(_write_held, some, campaign, account, using.moments()))

    def names(contact: Claimed) -> dict[str, object]:
        return _names(campaign, contact.contact_id)

    def put_off(contact: Claimed, error: str) -> None:
        _put_off(contact.claim, contact.contact_id, error, campaign, account, using)

    try:
        under_way = all_or_each(Step.DIAL, using.ledger, using.clock(), held, act, names, put_off)
    except LedgerUnavailable as exc:
        # The rest of the batch is committed and must be sent; leases free these and their tokens.
        log.warning("claims not given back", campaign=campaign.id, why=exc.message)
        return
    _return_tokens([contact for contact in held if contact.attempt_id not in under_way], campaign, account)


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


def _return_tokens(unused: Iterable[Claimed], campaign: Campaign, account: Account) -> None:
    """Give back the tokens of requests that never left."""
    _settle_tokens(
        [GrantResult(grant_id=str(contact.attempt_id), charged=False, sent=False) for contact in unused],
        campaign,
        account,
    )


def slice_size(pace: float) -> int:
    """Contacts per task: one at the pace of most accounts, more at a pace at which a task per call costs too much."""
    return 1 if pace <= 10 else min(100, round(pace * SLICE_SECONDS))
