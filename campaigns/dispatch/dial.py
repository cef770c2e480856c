"""Dials a slice of claimed contacts: takes tokens, commits the attempts, sends the requests, writes the answers.

Nobody is called twice for one attempt: its row is committed before its request leaves, and a request leaves only once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from campaigns.dispatch import attempt_traces
from campaigns.dispatch.answers import Answer, settle_answers
from campaigns.dispatch.before_dial import cleared
from campaigns.dispatch.held_back import hold_back, names_of_contact, put_off_faulty, return_tokens
from campaigns.dispatch.requests import CallsToOpen, open_calls, stands_alone
from campaigns.dispatch.token_wait import Turn, dial_with_tokens, return_claims, take_tokens
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opened
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.ledger.together import Together
from campaigns.lifecycle import CampaignStatus, Step
from campaigns.runtime import Runtime, all_or_each
from dialer import traces
from dialer.account import Account
from dialer.calls import CallRequest
from dialer.deadline import Deadline
from dialer.log import get_logger
from dialer.transport.departure import Departure
from dialer.transport.flight import MOST_TOGETHER, InFlightRequests, Rulings
from dialer.verdicts import Ruling

log = get_logger()
SLICE_SECONDS = 0.5  # of the pace that are dialed by one task: a task costs as much as some calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some contacts of one claim of one campaign: what one task dials."""

    campaign_id: str
    claim: UUID
    contact_ids: tuple[int, ...]
    lines: tuple[int, ...] = ()
    """The lines of their list, for people; not what is dialed by."""


@dataclass(slots=True, eq=False)
class _Dialing:
    """A turn whose requests leave by `flight`, and the attempts that were opened for it.

    `away`: they could not be written, for the ledger was.
    """

    turn: Turn
    flight: InFlightRequests
    opened: list[Opened] = field(default_factory=list)
    is_written: bool = False
    granted_at: datetime | None = None
    away: LedgerUnavailable | None = None

    def send(self, calls: Sequence[tuple[CallRequest, Opened]], deadline: Deadline) -> None:
        """Send the requests of attempts that are written, each in the slot of its token."""
        places = {contact.contact_id: place for place, contact in enumerate(self.turn.going)}
        slots, own = self.turn.slots, self.turn.own
        self.is_written = True
        self.opened += [attempt for _, attempt in calls]
        self.flight.send(
            [
                (call, Departure(deadline, slots[places[attempt.contact_id]] if slots else None, own))
                for call, attempt in calls
            ]
        )


_turns = Together[_Dialing]()


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
    unsettled = 0.0  # seconds of pauses since answers were settled

    def take(turn: Turn) -> None:
        dialing = _Dialing(turn, flight)
        if using.alone:
            _dial_together([dialing], using)
        else:
            _turns.do(id(using.ledger), [dialing], lambda several: _dial_together(several, using))
        try:
            _see_to_the_rest(dialing, using)
        finally:  # the answers of what has been sent are waited for, whatever became of the rest
            sent.update((attempt.id, attempt) for attempt in dialing.opened)
        if traces.is_on():
            going = [contact for contact in turn.going if contact.attempt_id in sent]
            attempt_traces.tell_way_to_request(going, campaign, in_hand_at, dialing.granted_at or using.clock())

    def settle(rulings: Rulings) -> None:
        settle_answers([Answer(sent[attempt_id], ruling) for attempt_id, ruling in rulings], campaign, account, using)
        for _attempt_id, ruling in rulings:
            answered(campaign.definition.override_ruling(ruling))

    def pause(seconds: float) -> None:
        nonlocal unsettled
        if seconds:
            using.sleep(seconds)
            unsettled += seconds
        if not seconds or unsettled >= MOST_TOGETHER:
            unsettled = 0.0
            settle(flight.finished())

    try:
        dial_with_tokens(contacts, campaign, account, using, take, pause)
    finally:
        for rulings in flight.wait_for_rest():
            settle(rulings)
    return len(sent)


def _dial_together(several: Sequence[_Dialing], using: Runtime) -> None:
    """Take the tokens of turns of many slices, write their attempts in one transaction, and send their requests.

    All checks that can fail run before the commit.
    """
    take_tokens([dialing.turn for dialing in several])
    began, granted = time.monotonic(), [dialing for dialing in several if dialing.turn.granted]
    if some := _prepared(granted, using):
        try:
            calls, deadline = using.ledger.write(open_calls, [ready for _, ready in some], using)
        except LedgerUnavailable as exc:
            for dialing, _ in some:
                dialing.away = exc
        except Exception as exc:
            log.warning("the attempts of each slice are written by themselves", why=type(exc).__name__)
        else:
            _send(some, calls, deadline)
        granted[0].turn.account.admission.learn_preparation(time.monotonic() - began)


def _prepared(granted: Sequence[_Dialing], using: Runtime) -> list[tuple[_Dialing, CallsToOpen]]:
    """The calls to be opened in one transaction; those that share none, or cannot be made ready, each slice writes.

    A contact that several turns have, since their task was delivered twice, is the first one's alone.
    """
    taken: set[UUID] = set()
    together: list[tuple[_Dialing, CallsToOpen]] = []
    for dialing in granted:
        turn, dialing.granted_at = dialing.turn, using.clock()
        if stands_alone(turn.campaign.definition):
            continue
        own = [contact for contact in turn.going if contact.attempt_id not in taken]
        taken |= {contact.attempt_id for contact in own}
        try:
            ready = CallsToOpen(own, turn.campaign, turn.account, using)
        except Exception as exc:
            log.warning("the attempts of each slice are written by themselves", why=type(exc).__name__)
        else:
            together.append((dialing, ready))
    return together


def _send(
    some: Sequence[tuple[_Dialing, CallsToOpen]], calls: Sequence[tuple[CallRequest, Opened]], deadline: Deadline
) -> None:
    by_contact = {attempt.id: (call, attempt) for call, attempt in calls}
    for dialing, ready in some:
        own = [by_contact[one.attempt_id] for one in ready.contacts if one.attempt_id in by_contact]
        try:
            dialing.send(own, deadline)
        except Exception as exc:  # of this slice alone: the requests of the others leave
            dialing.turn.error = exc


def _see_to_the_rest(dialing: _Dialing, using: Runtime) -> None:
    """Write the attempts of a turn that were not written with others'; give back whom a rule holds back."""
    turn, faulty = dialing.turn, set[UUID]()
    going, campaign, account = turn.going, turn.campaign, turn.account
    if going and not dialing.is_written:
        faulty = _write_alone(dialing, using)
    over = {attempt.id for attempt in dialing.opened} | faulty
    hold_back([contact for contact in going if contact.attempt_id not in over], campaign, account, using)


def _write_alone(dialing: _Dialing, using: Runtime) -> set[UUID]:
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
    return max(1, min(100, round(pace * SLICE_SECONDS)))
