"""Asks for tokens, those of all waiting slices of a process together, and gives back contacts that stop waiting."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import takewhile

from campaigns.ledger import claims, queries
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import CampaignStatus
from campaigns.runtime import Runtime, own_limits
from dialer.account import Account
from dialer.bucket import CallsAsked, CampaignLimits, Urgency, acquire_each
from dialer.bucket.limits import Slots
from dialer.log import get_logger

log = get_logger()
STEP = 0.1  # how long the end of the process may go unnoticed
READ_SECONDS = 0.25  # how long a pause or a cancel may: to open an attempt, its transaction asks
KNOWN_SECONDS = 4 * READ_SECONDS  # for so long what was read of a campaign is believed
TURN_SECONDS = 0.4  # of the pace that are taken in one turn of the line; a turn for each call would cost too much
MOST_IN_TURN = 50  # more would wait too long for each other on a machine that carries less than the pace
MOST_AT_ONCE = 100  # calls for which tokens are taken before any of them has left
LATE = 0.02  # seconds, after which those ask again whose account's requests are late, or who had to wait for others


@dataclass(slots=True, kw_only=True, eq=False)
class Turn:
    """Contacts of one slice that ask for tokens together, all of one urgency, and what they got.

    granted  of so many of them, from the first on, the tokens are taken
    wait     seconds after which the others ask again
    slots    when those may leave
    error    why the bucket grants nothing
    """

    contacts: Sequence[Claimed]
    campaign: Campaign
    account: Account
    own: CampaignLimits
    granted: int = 0
    wait: float = LATE
    slots: Slots | None = None
    error: Exception | None = None

    @property
    def going(self) -> Sequence[Claimed]:
        """Those whose tokens are taken."""
        return self.contacts[: self.granted]

    @property
    def names(self) -> list[str]:
        """Their grants' ids."""
        return [str(contact.attempt_id) for contact in self.contacts]

    @property
    def urgency(self) -> Urgency:
        """Of all of them."""
        return _urgency_of_contact(self.campaign, self.contacts[0])


def take_tokens(turns: Sequence[Turn]) -> None:
    """Take the tokens that each turn can have now, in one question to the buckets of all accounts.

    No token is taken for an account while its requests are late, nor for very many calls at once: they would be too
    old by the time their requests can leave.
    """
    admission, departures = turns[0].account.admission, {turn.account.departures for turn in turns}
    late = admission.wait_for_the_loop(departures)
    asking: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.urgency):
        room = MOST_AT_ONCE - sum(len(each.contacts) for each in asking)
        if turn.account.departures not in late and (not asking or len(turn.contacts) <= room):
            asking.append(turn)
    asked = [
        CallsAsked(
            bucket=turn.account.bucket,
            grant_ids=turn.names,
            own=turn.own,
            urgency=turn.urgency,
            lead=admission.preparation,
        )
        for turn in asking
    ]
    for turn, answer in zip(asking, acquire_each(asked), strict=True):
        if isinstance(answer, Exception):
            turn.error = answer
        else:
            turn.granted, turn.wait, turn.slots = answer[0], answer[1].wait, answer[1].slots


def return_claims(contacts: Sequence[Claimed], using: Runtime, due_in: float | None = None) -> None:
    """Undo the claim on these contacts; they keep their due time, or are due in `due_in` seconds if that is later."""
    if contacts:
        due_at = using.clock() + timedelta(seconds=due_in) if due_in else None
        using.ledger.write(
            claims.give_back, contacts[0].claim, [contact.contact_id for contact in contacts], due_at=due_at
        )


def next_turn(left: Sequence[Claimed], account: Account, campaign: Campaign) -> Turn:
    """The contacts that ask for tokens together: as many as the pace allows in a moment, all of one urgency.

    Where the account limits the pace of one number (`caller_id_pace`), all are shown the same.
    """
    own = (account.settings.pace, campaign.definition.pace, account.settings.caller_id_pace)
    size = max(1, min(MOST_IN_TURN, round(min(pace for pace in own if pace) * TURN_SECONDS)))
    by_number = account.settings.caller_id_pace is not None

    def kind(contact: Claimed) -> tuple[Urgency, str | None]:
        return _urgency_of_contact(campaign, contact), contact.caller_id if by_number else None

    first = kind(left[0])
    alike = list(takewhile(lambda contact: kind(contact) == first, left[:size]))
    return Turn(contacts=alike, campaign=campaign, account=account, own=own_limits(campaign, left[0].caller_id))


def _urgency_of_contact(campaign: Campaign, contact: Claimed) -> Urgency:
    return Urgency.URGENT if contact.urgent else urgency_of(campaign, again=contact.tries > 0)


def urgency_of(campaign: Campaign, *, again: bool = False) -> Urgency:
    """How urgent a call of this campaign is; `again` for a retry."""
    if campaign.definition.urgent:
        return Urgency.URGENT
    return Urgency.SOON if again else Urgency.NORMAL


class WaitingCampaigns:
    """The statuses of the campaigns whose contacts wait for tokens in this process.

    One of the threads that wait reads them for all, in one statement, at most once in READ_SECONDS.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = -math.inf
        self._asked: set[str] = set()  # since the last time
        self._known: dict[str, tuple[float, CampaignStatus]] = {}  # with when it was read

    def is_running(self, campaign_id: str, using: Runtime) -> bool:
        """Whether the campaign runs, as far as is known; who asks each STEP learns it within two READ_SECONDS."""
        now = using.steady()
        with self._lock:
            self._asked.add(campaign_id)
            asked: set[str] = set()
            if abs(now - self._read_at) >= READ_SECONDS:
                asked, self._asked, self._read_at = self._asked, asked, now
        if asked:
            with using.ledger.reading() as db:
                statuses = queries.campaign_statuses(db, asked)
            with self._lock:
                self._known = {
                    name: known for name, known in self._known.items() if abs(now - known[0]) < KNOWN_SECONDS
                }
                self._known |= {name: (now, status) for name, status in statuses.items()}
        _, status = self._known.get(campaign_id, (now, CampaignStatus.RUNNING))
        return status is CampaignStatus.RUNNING


@cache
def _waiting(_ledger_url: str) -> WaitingCampaigns:
    return WaitingCampaigns()


def is_running(campaign: Campaign, using: Runtime) -> bool:
    """Whether a campaign whose contacts wait for tokens runs, as far as is known."""
    return _waiting(using.ledger.url).is_running(campaign.id, using)
