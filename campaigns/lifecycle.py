"""The statuses of campaigns, contacts and attempts, their groups, and the moves allowed between them.

`docs/call-lifecycle.md` draws them, and a test compares the drawing with these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dialer.errors import DialerError


class CampaignStatus(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"  # its list is being read in; no calls
    SCHEDULED = "scheduled"  # started, and waits for its first hour
    RUNNING = "running"  # its contacts are called as they come due
    PAUSED = "paused"  # no new calls until it is resumed; `pause_kind` says what stopped it
    FINISHED = "finished"  # every contact is final
    CANCELLED = "cancelled"  # ended by a person before every contact was called


class ContactStatus(StrEnum):
    """Where a contact of a campaign is."""

    PENDING = "pending"  # to be called from its `due_at` on
    CLAIMED = "claimed"  # taken by a worker, until its lease ends
    DIALING = "dialing"  # an attempt is written: its request may have left
    PLACED = "placed"  # the provider has taken the call
    REACHED = "reached"  # a call of it was answered
    UNREACHED = "unreached"  # all tries are used, or no hour is left for another
    REFUSED = "refused"  # the provider calls this number never
    SUPPRESSED = "suppressed"  # on the suppression list, or erased
    EXPIRED = "expired"  # its `not_after` or its campaign's end came first
    CANCELLED = "cancelled"  # its campaign was cancelled first
    WITHDRAWN = "withdrawn"  # a person or a program took it out of its campaign
    UNKNOWN = "unknown"  # its last call may have rung, and nothing more is heard of it


class AttemptStatus(StrEnum):
    """Where one try at reaching a contact is."""

    DIALING = "dialing"  # written before its request leaves; no answer yet
    UNCONFIRMED = "unconfirmed"  # asked, and not known whether the call was placed
    PLACED = "placed"  # the provider has taken the call
    ANSWERED = "answered"  # the call goes on, and was answered
    ENDED = "ended"  # the call is over, and its outcome is known
    NOT_PLACED = "not_placed"  # surely no call
    UNKNOWN = "unknown"  # its time ran out: not known how, or whether, it ended


class PauseKind(StrEnum):
    """What paused a campaign."""

    PERSON = "person"  # an operator
    BREAKER = "breaker"  # its circuit breaker: one call tries again by itself
    CANARY = "canary"  # too few of its first contacts were reached
    BUDGET = "budget"  # a budget that does not begin anew is used up
    HALTED = "halted"  # its account cannot dial, or every call of it would fail alike
    SECOND_PERSON = "second_person"  # it is large: another person has to confirm that it starts


class ReleaseHold(StrEnum):
    """What keeps a release tick from claiming contacts of a running campaign."""

    REDIS_AWAY = "redis_away"  # Redis does not answer, so nothing is granted
    DAY_POINTS = "day_points"  # the provider's day, or the campaign's share of it
    BUCKET_EMPTY = "bucket_empty"  # a pace, the provider's minute, or a block after a refusal
    LIMIT = "limit"  # any other limit of the account: mostly calls in progress
    BUDGET = "budget"  # the campaign's own budget
    CANARY = "canary"  # the others wait for its first contacts
    ASKED_ELSEWHERE = "asked_elsewhere"  # its program, which is asked before dialing, gives no answer
    CLOCK_SET = "clock_set"  # the machine's clock was set: only what is right by both times is called


class Step(StrEnum):
    """What the dialer does by itself, again and again; a fault of one account, campaign or attempt stays with it."""

    RELEASE = "release"  # claims the contacts that may be called
    DIAL = "dial"  # sends their requests
    LOOK = "look"  # polls the calls in progress
    SETTLE = "settle"  # writes what answers and receipts mean
    SWEEP = "sweep"  # settles what is overdue
    LAUNCH = "launch"  # starts recurring campaigns, and reads the lists of drafts
    TELL = "tell"  # delivers events to webhooks


class CanaryResult(StrEnum):
    """How a campaign's canary was decided; absent while it is not, or where there is none."""

    PASSED = "passed"
    FAILED = "failed"


class CorrectedFrom(StrEnum):
    """What an attempt, or a contact, had been taken for when a late receipt corrected it."""

    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"
    UNANSWERED = "unanswered"


class LaunchState(StrEnum):
    """Where the launch of a recurring campaign is."""

    IDLE = "idle"  # none is under way: the last one said how it went
    LAUNCHING = "launching"
    AGAIN = "again"  # launched a second time: the first launch was cut off
    ONCE_MORE = "once_more"  # launched a third time: two were cut off


class ChainEnd(StrEnum):
    """The ends of the chain of the audit's lines."""

    ANCHOR = "anchor"  # where it begins: the last line that was removed because it was old
    HEAD = "head"  # the last line that is chained


class EventKind(StrEnum):
    """What webhooks are told of."""

    ATTEMPT_FINISHED = "attempt.finished"  # an attempt has ended, or its end was corrected
    CONTACT_FINISHED = "contact.finished"  # a contact has a final status, or that was corrected
    CAMPAIGN_STARTED = "campaign.started"  # it runs for the first time
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_FINISHED = "campaign.finished"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    ALERT_BREAKER = "alert.breaker"  # a campaign is paused by its circuit breaker
    ALERT_HALT = "alert.halt"  # … because its account cannot dial, or every call of it would fail alike
    ALERT_CANARY = "alert.canary"  # … because too few of its first contacts were reached
    ALERT_BUDGET = "alert.budget"  # a budget of the campaign is used up, for the day or for good
    ALERT_DAY_LIMIT = "alert.day_limit"  # the account's day, or the campaign's share of it, is used up
    ALERT_UNKNOWN = "alert.unknown"  # of too many contacts it is not known how their calls ended
    ALERT_CALLER_ID = "alert.caller_id"  # calls that show one of its numbers are answered less than before
    ALERT_WEBHOOK = "alert.webhook"  # another webhook is paused, or has ended


class Included(StrEnum):
    """What of a person an event may name."""

    PHONE = "phone"
    TEXT = "text"
    FIELDS = "fields"


class WebhookState(StrEnum):
    """Whether events are delivered to a webhook."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person, or because its address failed for a day: its events wait
    ENDED = "ended"  # its address answered 410: nothing is written for it any more


class DeliveryState(StrEnum):
    """Where the delivery of one event to one webhook is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up, or its webhook has ended; it can be replayed


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
            ContactStatus.WITHDRAWN,
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
            ContactStatus.WITHDRAWN,
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
    # A late receipt corrects these; none of them is dialed any more.
    **{
        unreached: frozenset({ContactStatus.REACHED})
        for unreached in (
            ContactStatus.UNREACHED,
            ContactStatus.EXPIRED,
            ContactStatus.CANCELLED,
            ContactStatus.WITHDRAWN,
        )
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
    # A late receipt corrects them.
    AttemptStatus.NOT_PLACED: frozenset({AttemptStatus.ENDED}),
    AttemptStatus.UNKNOWN: frozenset({AttemptStatus.ENDED}),
}

# Groups of campaigns.
LIVE_CAMPAIGNS = (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED)  # started, and not over
RELEASED_CAMPAIGNS = (CampaignStatus.RUNNING, CampaignStatus.SCHEDULED)  # a release tick serves or starts them
FINISHABLE_CAMPAIGNS = (CampaignStatus.RUNNING, CampaignStatus.PAUSED)  # over as soon as every contact is final
ENDED_CAMPAIGNS = (CampaignStatus.FINISHED, CampaignStatus.CANCELLED)  # over for good
STOPPED_CAMPAIGNS = (CampaignStatus.PAUSED, *ENDED_CAMPAIGNS)  # no new calls, and it is known who stopped them

# Groups of contacts.
WAITING_CONTACTS = (ContactStatus.PENDING, ContactStatus.CLAIMED)  # no call of theirs is under way
CALLED_CONTACTS = (ContactStatus.PLACED, ContactStatus.DIALING)  # a call of theirs is under way
OPEN_CONTACTS = (*CALLED_CONTACTS, ContactStatus.CLAIMED, ContactStatus.PENDING)  # not final, nearest to it first
TAKEN_CONTACTS = (ContactStatus.CLAIMED, *CALLED_CONTACTS)  # with a worker, or called
FINAL_CONTACTS = (  # never called any more
    ContactStatus.REACHED,
    ContactStatus.UNREACHED,
    ContactStatus.REFUSED,
    ContactStatus.SUPPRESSED,
    ContactStatus.EXPIRED,
    ContactStatus.CANCELLED,
    ContactStatus.WITHDRAWN,
    ContactStatus.UNKNOWN,
)
MISSED_CONTACTS = tuple(  # final, and not reached
    status for status in FINAL_CONTACTS if status is not ContactStatus.REACHED
)
FOLLOW_UP_CONTACTS = tuple(  # missed, and worth contacting in another way: all but those who are to be left alone
    status for status in MISSED_CONTACTS if status not in (ContactStatus.SUPPRESSED, ContactStatus.WITHDRAWN)
)
REDIALED_CONTACTS = (  # missed for another reason than the outcome of their calls; a redial may name them
    ContactStatus.EXPIRED,
    ContactStatus.CANCELLED,
    ContactStatus.UNKNOWN,
)
GIVEN_UP_CONTACTS = (ContactStatus.UNREACHED, ContactStatus.EXPIRED)  # what a late outcome makes of an unknown one
NOT_YET_REACHED = (  # a late receipt of an answer makes them reached; of called ones, the call is settled first
    *WAITING_CONTACTS,
    *GIVEN_UP_CONTACTS,
    ContactStatus.CANCELLED,
    ContactStatus.WITHDRAWN,
    ContactStatus.UNKNOWN,
)
COUNTED_WITHOUT_CALL = (  # a request that placed no call can decide them: the canary then counts them as called
    ContactStatus.REFUSED,
    ContactStatus.SUPPRESSED,
    ContactStatus.UNREACHED,
)

# Groups of attempts.
OPEN_ATTEMPTS = (AttemptStatus.DIALING, AttemptStatus.UNCONFIRMED, AttemptStatus.PLACED, AttemptStatus.ANSWERED)
SHOWN_IN_PROGRESS = (AttemptStatus.DIALING, AttemptStatus.PLACED, AttemptStatus.ANSWERED)  # open, not in doubt
PLACED_CALLS = (AttemptStatus.PLACED, AttemptStatus.ANSWERED)  # the provider has the call, and it goes on
FOLLOWED_ATTEMPTS = (*PLACED_CALLS, AttemptStatus.UNCONFIRMED)  # their request was sent: their end is waited for
UNANSWERED_REQUESTS = (AttemptStatus.DIALING, AttemptStatus.UNCONFIRMED)  # it is not known whether they placed a call
DOUBTFUL_ATTEMPTS = (AttemptStatus.UNKNOWN, AttemptStatus.UNCONFIRMED)  # not known how, or whether, they ended
SETTLED_ATTEMPTS = (AttemptStatus.ENDED, AttemptStatus.NOT_PLACED, AttemptStatus.UNKNOWN)  # not open any more

LAUNCHES = (LaunchState.LAUNCHING, LaunchState.AGAIN, LaunchState.ONCE_MORE)  # in order: one more cut off for each


class ChangedMeanwhile(DialerError):
    """It is not any more as it was when the caller looked at it; nothing was done."""


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


BY_A_PERSON = "by a person"  # the reason of a move for which a person gave none
PROGRAM = "dialer"  # in the audit, where no person acts
