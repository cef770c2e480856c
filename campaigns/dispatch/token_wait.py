"""Waits for tokens: sends contacts as their tokens come, and gives back those that stop waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import takewhile

from campaigns.ledger import claims, queries
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import CampaignStatus
from campaigns.runtime import Runtime, own_limits
from dialer.account import Account
from dialer.bucket import BucketUnavailable, CostExceedsLimit, Slot, Urgency
from dialer.log import get_logger
from dialer.seldom import Seldom

log = get_logger()
STEP = 0.1  # how long a pause, a cancel or an answer may go unnoticed
TURN_SECONDS = 0.1  # of a fast pace that are taken in one turn of the line; a turn for each call would cost too much
MOST_IN_TURN = 50  # more would wait too long for each other on a machine that carries less than the pace

Pause = Callable[[float], None]
Send = Callable[[Sequence[tuple[Claimed, Slot | None]]], None]
_asked = Seldom(STEP)
_status: dict[tuple[str, str], CampaignStatus] = {}


def send_with_tokens(
    contacts: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime, send: Send, pause: Pause
) -> None:
    """Send contacts as their tokens come, each with the slot in which to call it.

    It waits no longer than the horizon in all. Contacts whose token would come too late, or whose campaign stops
    meanwhile, are given back, and so is their place in the queue. No token is taken while the event loop is behind:
    it would be too old by the time its request can leave.
    """
    left, patience = list(contacts), using.horizon
    try:
        while left:
            turn = _turn(left, account, campaign)
            names, own = [str(contact.attempt_id) for contact in turn], own_limits(campaign, turn[0].caller_id)
            with account.admission.admitted(account.departures.caught_up):
                granted, answer = account.bucket.acquire_many(
                    names,
                    own=own,
                    urgency=_urgency_of_contact(campaign, turn[0]),
                    lead=account.admission.preparation,
                )
                if granted:
                    slots = answer.slots
                    send([(contact, slots[place] if slots else None) for place, contact in enumerate(turn[:granted])])
            patience -= answer.wait
            if granted:
                pause(0.0)
                left = left[granted:]
                continue
            stopped = patience >= 0 and not _wait(answer.wait, campaign, using, pause)
            if stopped or patience < 0:
                account.bucket.leave_queue(names[:1], own=own)
                return_claims(left, using, due_in=None if stopped else answer.wait)
                return
    except (BucketUnavailable, CostExceedsLimit) as exc:
        log.warning("the bucket grants nothing", account=account.name, why=exc.message)
        return_claims(left, using, due_in=using.horizon)


def return_claims(contacts: Sequence[Claimed], using: Runtime, due_in: float | None = None) -> None:
    """Undo the claim on these contacts; they keep their due time, or are due in `due_in` seconds if that is later."""
    if contacts:
        due_at = using.clock() + timedelta(seconds=due_in) if due_in else None
        using.ledger.write(
            claims.give_back, contacts[0].claim, [contact.contact_id for contact in contacts], due_at=due_at
        )


def _turn(left: Sequence[Claimed], account: Account, campaign: Campaign) -> list[Claimed]:
    """The contacts that ask for tokens together: as many as the pace allows in a moment, all of one urgency.

    Where the account limits the pace of one number (`caller_id_pace`), all are shown the same.
    """
    own = (account.settings.pace, campaign.definition.pace, account.settings.caller_id_pace)
    size = max(1, min(MOST_IN_TURN, round(min(pace for pace in own if pace) * TURN_SECONDS)))
    by_number = account.settings.caller_id_pace is not None

    def kind(contact: Claimed) -> tuple[Urgency, str | None]:
        return _urgency_of_contact(campaign, contact), contact.caller_id if by_number else None

    first = kind(left[0])
    return list(takewhile(lambda contact: kind(contact) == first, left[:size]))


def _urgency_of_contact(campaign: Campaign, contact: Claimed) -> Urgency:
    return Urgency.URGENT if contact.urgent else urgency_of(campaign, again=contact.tries > 0)


def urgency_of(campaign: Campaign, *, again: bool = False) -> Urgency:
    """How urgent a call of this campaign is; `again` for a retry."""
    if campaign.definition.urgent:
        return Urgency.URGENT
    return Urgency.SOON if again else Urgency.NORMAL


def _wait(seconds: float, campaign: Campaign, using: Runtime, pause: Pause) -> bool:
    """Wait in steps, in all no longer than that; False as soon as the campaign or process is to start no more calls."""
    while seconds > 0:
        began, step = using.steady(), min(seconds, STEP)
        pause(step)
        if using.stopping() or (step == STEP and not _running(campaign, using)):
            return False
        seconds -= max(step, using.steady() - began)  # answers are written meanwhile: who is late loses its slot
    return True


def _running(campaign: Campaign, using: Runtime) -> bool:
    """Whether the campaign runs; one of the threads that wait for its tokens asks on behalf of all of them."""
    which = (using.ledger.url, campaign.id)
    if _asked.is_due(*which, now=using.steady()):
        with using.ledger.reading() as db:
            _status[which] = queries.campaign_status(db, campaign.id)
    return _status.get(which, CampaignStatus.RUNNING) is CampaignStatus.RUNNING
