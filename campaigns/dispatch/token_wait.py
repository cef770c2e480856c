"""Waits for tokens: yields contacts as their tokens come, and gives back those that stop waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import takewhile

from structlog import get_logger

from campaigns.ledger import claims, queries
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import CampaignStatus
from campaigns.runtime import Runtime, own_limits
from dialer.account import Account
from dialer.bucket import BucketUnavailable, CostExceedsLimit, Urgency

log = get_logger()
STEP = 0.1  # how long a pause, a cancel or an answer may go unnoticed
TURN_SECONDS = (
    0.02  # of the pace that are taken in one turn of the line, where a turn for each call would cost too much
)

Pause = Callable[[float], None]


def batches_with_tokens(
    contacts: Sequence[Claimed], campaign: Campaign, account: Account, using: Runtime, pause: Pause
) -> Iterator[list[Claimed]]:
    """Yield contacts as their tokens come, waiting no longer than the horizon in all.

    Contacts whose token would come too late, or whose campaign stops meanwhile, are given back, and so is their place
    in the queue.
    """
    left, patience, own = list(contacts), using.horizon, own_limits(campaign)
    try:
        while left:
            turn = _turn(left, account, campaign)
            names = [str(contact.attempt_id) for contact in turn]
            granted, answer = account.bucket.acquire_many(
                names, own=own, urgency=urgency_of(campaign, again=turn[0].tries > 0)
            )
            stopped = not granted and answer.wait <= patience and not _wait(answer.wait, campaign, using, pause)
            if not granted and (stopped or answer.wait > patience):
                account.bucket.leave_queue(names[:1], own=own)
                return_claims(left, using, due_in=None if stopped else answer.wait)
                return
            if granted:
                _wait(answer.wait, campaign, using, pause)  # stopped now, the gates say so and the token goes back
                yield turn[:granted]
                left = left[granted:]
            patience -= answer.wait
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
    """The contacts that ask for tokens together: as many as the pace allows in a moment, all of one urgency."""
    pace = min(account.settings.pace, campaign.definition.pace or account.settings.pace)
    size = max(1, round(pace * TURN_SECONDS))
    return list(takewhile(lambda contact: bool(contact.tries) == bool(left[0].tries), left[:size]))


def urgency_of(campaign: Campaign, *, again: bool = False) -> Urgency:
    """How urgent a call of this campaign is; `again` for a retry."""
    if campaign.definition.urgent:
        return Urgency.URGENT
    return Urgency.SOON if again else Urgency.NORMAL


def _wait(seconds: float, campaign: Campaign, using: Runtime, pause: Pause) -> bool:
    """Wait in steps; False as soon as the campaign or this process is to start no more calls."""
    while seconds > 0:
        step = min(seconds, STEP)
        pause(step)
        seconds -= step
        if using.stopping() or (step == STEP and not _running(campaign, using)):
            return False
    return True


def _running(campaign: Campaign, using: Runtime) -> bool:
    with using.ledger.reading() as db:
        return queries.campaign(db, campaign.id).status is CampaignStatus.RUNNING
