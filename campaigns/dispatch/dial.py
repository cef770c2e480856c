"""Dials a slice of claimed contacts: takes tokens, commits the attempts, sends the requests, writes the answers.

Nobody is called twice for one attempt: its row is committed before its request leaves, and a request leaves only once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from campaigns.dispatch.before_dial import cleared
from campaigns.dispatch.dial_loop import LOOP, AloneLoop, DialedTurn, Dialing
from campaigns.dispatch.held_back import hold_back, names_of_contact, put_off_faulty, return_tokens
from campaigns.dispatch.requests import CallsToOpen, open_calls
from campaigns.dispatch.token_wait import return_claims
from campaigns.ledger import claims, queries
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.lifecycle import CampaignStatus, Step
from campaigns.runtime import Runtime, all_or_each
from dialer.account import Account
from dialer.bucket import BucketUnavailable
from dialer.errors import DialerError
from dialer.log import get_logger
from dialer.verdicts import Ruling

log = get_logger()
SLOW_PACE = 3.0  # calls a second, up to which each has a task of its own, so that each is seen
SLICE_SECONDS = 1.0  # of the pace that are dialed by one task: a task costs as much as some calls


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
    """Send requests as tokens come, and take the next tokens while they are out.

    It waits no longer than the horizon in all. Contacts whose token would come too late, or whose campaign stops
    meanwhile, are given back, and so is their place in the queue.
    """
    loop = AloneLoop(using) if using.alone else LOOP
    dialing = Dialing(
        left=contacts,
        campaign=campaign,
        account=account,
        using=using,
        answered=answered,
        flight=account.flight(loop.came),
        in_hand_at=using.clock(),
        patience=using.horizon,
    )
    try:
        while dialing.left:
            loop.take_turns(dialing)
            if dialing.left and not _goes_on(dialing):
                break
    finally:  # the answers of what has been sent are waited for, whatever became of the rest
        loop.wait_for_answers(dialing)
    return len(dialing.sent)


def _goes_on(dialing: Dialing) -> bool:
    """See to a slice that its loop has returned: whether it takes more turns, or those who are left are given back."""
    account, using, turn = dialing.account, dialing.using, dialing.dialed.turn
    _see_to_the_rest(dialing.dialed, using)
    if isinstance(turn.error, DialerError):
        log.warning("the bucket grants nothing", account=account.name, why=turn.error.message)
        return_claims(dialing.left, using, due_in=using.horizon)
        return False
    if turn.error:
        raise turn.error
    if turn.granted:
        dialing.leave_out(turn)
        return True
    try:
        account.bucket.leave_queue(turn.names[:1], own=turn.own)
    except BucketUnavailable as exc:
        log.warning("the bucket grants nothing", account=account.name, why=exc.message)
    return_claims(dialing.left, using, due_in=None if dialing.is_stopped else turn.wait)
    return False


def _see_to_the_rest(dialing: DialedTurn, using: Runtime) -> None:
    """Write the attempts of a turn that were not written with others'; give back whom a rule holds back."""
    turn, faulty = dialing.turn, set[UUID]()
    going, campaign, account = turn.going, turn.campaign, turn.account
    if going and not dialing.is_written:
        faulty = _write_alone(dialing, using)
    over = {attempt.id for attempt in dialing.opened} | faulty
    hold_back([contact for contact in going if contact.attempt_id not in over], campaign, account, using)


def _write_alone(dialing: DialedTurn, using: Runtime) -> set[UUID]:
    """Write the attempts of one turn, each by itself where one raises; returns those that raised."""
    turn, faulty = dialing.turn, set[UUID]()
    campaign, account = turn.campaign, turn.account

    def act(some: Sequence[Claimed]) -> Sequence[None]:
        dialing.send(*using.ledger.write(open_calls, [CallsToOpen(some, campaign, account, using)], using))
        return ()

    def names(contact: Claimed) -> dict[str, object]:
        return names_of_contact(campaign, contact.contact_id)

    def put_off(contact: Claimed, error: str) -> None:
        faulty.add(contact.attempt_id)
        put_off_faulty(contact.claim, contact.contact_id, error, campaign, account, using)

    try:
        if dialing.away:
            raise dialing.away
        all_or_each(Step.DIAL, using.ledger, using.clock(), turn.going, act, names, put_off)
    except LedgerUnavailable:
        written = {attempt.contact_id for attempt in dialing.opened}
        return_tokens([contact for contact in turn.going if contact.contact_id not in written], campaign, account)
        raise
    return_tokens([contact for contact in turn.going if contact.attempt_id in faulty], campaign, account)
    return faulty


def slice_size(pace: float) -> int:
    """Contacts per task: one at a slow pace, more where a task for each call would cost too much."""
    return 1 if pace <= SLOW_PACE else min(100, round(pace * SLICE_SECONDS))
