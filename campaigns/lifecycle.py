"""The statuses of campaigns, contacts and attempts, and the moves allowed between them.

`docs/call-lifecycle.md` draws them, and a test compares the drawing with these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dialer.errors import DialerError


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class ContactStatus(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    DIALING = "dialing"
    PLACED = "placed"
    REACHED = "reached"
    UNREACHED = "unreached"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AttemptStatus(StrEnum):
    DIALING = "dialing"
    UNCONFIRMED = "unconfirmed"
    PLACED = "placed"
    ANSWERED = "answered"
    ENDED = "ended"
    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"


CAMPAIGN_MOVES: Mapping[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.CANCELLED}),
    CampaignStatus.SCHEDULED: frozenset({CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.CANCELLED}),
    CampaignStatus.RUNNING: frozenset({CampaignStatus.PAUSED, CampaignStatus.FINISHED, CampaignStatus.CANCELLED}),
    CampaignStatus.PAUSED: frozenset({CampaignStatus.RUNNING, CampaignStatus.FINISHED, CampaignStatus.CANCELLED}),
    CampaignStatus.FINISHED: frozenset(),
    CampaignStatus.CANCELLED: frozenset(),
}

CONTACT_MOVES: Mapping[ContactStatus, frozenset[ContactStatus]] = {
    ContactStatus.PENDING: frozenset(
        {
            ContactStatus.CLAIMED,
            ContactStatus.REACHED,
            ContactStatus.SUPPRESSED,
            ContactStatus.EXPIRED,
            ContactStatus.CANCELLED,
        }
    ),
    ContactStatus.CLAIMED: frozenset(
        {
            ContactStatus.PENDING,
            ContactStatus.DIALING,
            ContactStatus.REACHED,
            ContactStatus.SUPPRESSED,
            ContactStatus.EXPIRED,
            ContactStatus.CANCELLED,
        }
    ),
    ContactStatus.DIALING: frozenset(
        {
            ContactStatus.PLACED,
            ContactStatus.PENDING,
            ContactStatus.REACHED,
            ContactStatus.UNREACHED,
            ContactStatus.REFUSED,
            ContactStatus.SUPPRESSED,
            ContactStatus.EXPIRED,
            ContactStatus.CANCELLED,
            ContactStatus.UNKNOWN,
        }
    ),
    ContactStatus.PLACED: frozenset(
        {
            ContactStatus.PENDING,
            ContactStatus.REACHED,
            ContactStatus.UNREACHED,
            ContactStatus.REFUSED,
            ContactStatus.EXPIRED,
            ContactStatus.CANCELLED,
            ContactStatus.UNKNOWN,
        }
    ),
    **{final: frozenset() for final in (ContactStatus.REACHED, ContactStatus.REFUSED, ContactStatus.SUPPRESSED)},
    # A late word makes it known; from here nobody is dialed any more.
    **{
        unreached: frozenset({ContactStatus.REACHED})
        for unreached in (ContactStatus.UNREACHED, ContactStatus.EXPIRED, ContactStatus.CANCELLED)
    },
    ContactStatus.UNKNOWN: frozenset({ContactStatus.REACHED, ContactStatus.UNREACHED, ContactStatus.EXPIRED}),
}

ATTEMPT_MOVES: Mapping[AttemptStatus, frozenset[AttemptStatus]] = {
    AttemptStatus.DIALING: frozenset(
        {
            AttemptStatus.PLACED,
            AttemptStatus.ANSWERED,
            AttemptStatus.ENDED,
            AttemptStatus.UNCONFIRMED,
            AttemptStatus.NOT_PLACED,
        }
    ),
    AttemptStatus.UNCONFIRMED: frozenset(
        {
            AttemptStatus.PLACED,
            AttemptStatus.ANSWERED,
            AttemptStatus.ENDED,
            AttemptStatus.NOT_PLACED,
            AttemptStatus.UNKNOWN,
        }
    ),
    AttemptStatus.PLACED: frozenset({AttemptStatus.ANSWERED, AttemptStatus.ENDED, AttemptStatus.UNKNOWN}),
    AttemptStatus.ANSWERED: frozenset({AttemptStatus.ENDED}),
    AttemptStatus.ENDED: frozenset(),
    # A late word belies them.
    AttemptStatus.NOT_PLACED: frozenset({AttemptStatus.ENDED}),
    AttemptStatus.UNKNOWN: frozenset({AttemptStatus.ENDED}),
}

OPEN_ATTEMPTS = (AttemptStatus.DIALING, AttemptStatus.UNCONFIRMED, AttemptStatus.PLACED, AttemptStatus.ANSWERED)

FINAL_CONTACTS = (
    ContactStatus.REACHED,
    ContactStatus.UNREACHED,
    ContactStatus.REFUSED,
    ContactStatus.SUPPRESSED,
    ContactStatus.EXPIRED,
    ContactStatus.CANCELLED,
    ContactStatus.UNKNOWN,
)
LIVE_CAMPAIGNS = (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED)


class IllegalMove(DialerError):
    """The campaign is not in a status from which it can be moved there."""


def contacts_before(to: ContactStatus) -> list[ContactStatus]:
    """The statuses from which a contact may move to `to`."""
    return [status for status, moves in CONTACT_MOVES.items() if to in moves]


def attempts_before(to: AttemptStatus) -> list[AttemptStatus]:
    """The statuses from which an attempt may move to `to`."""
    return [status for status, moves in ATTEMPT_MOVES.items() if to in moves]


def campaigns_before(to: CampaignStatus) -> list[CampaignStatus]:
    """The statuses from which a campaign may move to `to`."""
    return [status for status, moves in CAMPAIGN_MOVES.items() if to in moves]


BY_A_PERSON = "by a person"
