"""How a campaign stands at one moment: counts, outcomes, and the one reason why nothing is being dialed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from campaigns.calendar.calling_hours import next_opening
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tallies import attempt_counts, contacts_by_status, summed
from campaigns.lifecycle import (
    FINAL_CONTACTS,
    LIVE_CAMPAIGNS,
    SHOWN_IN_PROGRESS,
    WAITING_CONTACTS,
    AttemptStatus,
    CampaignStatus,
    ContactStatus,
)
from campaigns.reporting.hold_reason import HoldKind, hold_reason
from campaigns.reporting.standing import MOST_DUE, standing_of
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings
from campaigns.safeguards.falling_numbers import FallingNumber, falling_numbers
from campaigns.safeguards.unknown_share import too_many_unknown
from dialer.calls import Outcome

RATE_OVER = timedelta(seconds=30)
ENOUGH_FINAL = 20  # contacts, whose number of calls then tells how often the others will be called

NOT_IN_STATUS = frozenset(
    {
        *("name", "account", "since", "held_by", "held_until"),
        *("created_at", "started_at", "finished_at", "final", "rejects"),
    }
)
"""Names of `summary_facts` that `dialer status --json` leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSummary:
    """A campaign at one moment.

    contacts     contacts by status
    outcomes     attempts by outcome, the most frequent first
    attempts     attempts that the provider accepted
    in_progress  calls in progress
    unconfirmed  attempts of which it is not known whether a call was placed
    due_now      contacts that are due, counted up to MOST_DUE; `next_due_at` is when the next one is
    why          what the campaign is doing, or why nothing is being dialed; `kind` is the same for code
    clears_at    when that will pass; None where it is not known
    rate         requests a second that have left in the last RATE_OVER
    pace         how many the campaign and its account allow; None where the account is not known here
    ends_at      when its last contact is called at this rate; None where that is not to be foreseen
    falling      those of a live campaign's several numbers that are answered less than before
    """

    campaign: Campaign
    contacts: Mapping[ContactStatus, int]
    outcomes: Mapping[str, int]
    attempts: int
    in_progress: int
    unconfirmed: int
    due_now: int
    next_due_at: datetime | None
    why: str
    clears_at: datetime | None
    kind: HoldKind
    rate: float = 0.0
    pace: float | None = None
    ends_at: datetime | None = None
    falling: Sequence[FallingNumber] = ()

    @property
    def final(self) -> int:
        """Contacts that have a final status."""
        return sum(count for status, count in self.contacts.items() if status in FINAL_CONTACTS)

    @property
    def unknown_calls(self) -> int:
        """Calls that are over, and of which nobody knows how they ended."""
        return self.outcomes.get(Outcome.UNKNOWN, 0)

    @property
    def ended_calls(self) -> int:
        """Calls that are over."""
        return sum(self.outcomes.values())

    @property
    def many_unknown(self) -> bool:
        """Whether so many calls end unknown that people should look into it."""
        return too_many_unknown(self.unknown_calls, self.ended_calls)

    @property
    def many_due(self) -> bool:
        """Whether more contacts may be due than `due_now` says."""
        return self.due_now >= MOST_DUE

    @property
    def waiting(self) -> int:
        """Contacts that are to be called, and are not being called: those whom a cancellation leaves out."""
        return sum(self.contacts.get(status, 0) for status in WAITING_CONTACTS)

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.contacts.values())


def campaign_summary(
    ledger: Ledger, campaign_id: str, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> CampaignSummary:
    """How the campaign of this id or name stands now. `surroundings` as for `hold_reason`. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        return summarize_campaign(db, queries.campaign(db, campaign_id), now, surroundings)


def summarize_campaign(
    db: Connection, campaign: Campaign, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> CampaignSummary:
    """How this campaign stands now. `surroundings` as for `hold_reason`."""
    counts = attempt_counts(db, campaign.id)
    since = max(now - RATE_OVER, campaign.since)
    standing = standing_of(db, campaign, now, requests_since=since)
    reason = hold_reason(db, campaign, now, surroundings, standing)
    by_contact_status = contacts_by_status(db, campaign.id)
    rate = _rate(standing.requests, since, now) if campaign.status is CampaignStatus.RUNNING else 0.0
    return CampaignSummary(
        campaign=campaign,
        contacts=by_contact_status,
        outcomes=summed(counts, lambda count: count.outcome),
        attempts=sum(count.number for count in counts if count.counted),
        in_progress=sum(count.number for count in counts if count.status in SHOWN_IN_PROGRESS),
        unconfirmed=sum(count.number for count in counts if count.status is AttemptStatus.UNCONFIRMED),
        due_now=standing.due_now,
        next_due_at=standing.next_due_at,
        why=reason.words,
        clears_at=reason.clears_at,
        kind=reason.kind,
        rate=rate,
        pace=_pace(campaign, surroundings),
        falling=falling_numbers(db, campaign) if campaign.status in LIVE_CAMPAIGNS else (),
        ends_at=_ends_at(campaign, by_contact_status, sum(count.number for count in counts), rate, now),
    )


def _rate(requests: int, since: datetime, now: datetime) -> float:
    """Requests a second over the last RATE_OVER, or over as long as the campaign has been running."""
    seconds = (now - since).total_seconds()
    return requests / seconds if seconds >= 1 else 0.0


def _pace(campaign: Campaign, surroundings: Surroundings) -> float | None:
    paces = [pace for pace in (campaign.stored.pace, surroundings.paces.get(campaign.account)) if pace]
    return min(paces, default=None)


def _ends_at(
    campaign: Campaign, by_status: Mapping[ContactStatus, int], requests: int, rate: float, now: datetime
) -> datetime | None:
    """When the contacts that wait have been called at this rate, each as often as those that are final.

    None where a calling window closes before.
    """
    final = sum(count for status, count in by_status.items() if status in FINAL_CONTACTS)
    waiting = sum(by_status.get(status, 0) for status in WAITING_CONTACTS)
    if not rate or not waiting or campaign.status is not CampaignStatus.RUNNING:
        return None
    calls_each = max(1.0, requests / final) if final >= ENOUGH_FINAL else 1.0
    ends_at = now + timedelta(seconds=waiting * calls_each / rate)
    last_opening = (next_opening(campaign.definition, zone, ends_at) for zone in campaign.zones)
    return ends_at if all(opening == ends_at for opening in last_opening) else None


def unknown_warning(summary: CampaignSummary) -> str:
    """What `many_unknown` means, for people."""
    ended, unknown = summary.ended_calls, summary.unknown_calls
    return f"{unknown:,} of {ended:,} calls ended unknown ({100 * unknown / ended:.0f} %): nobody knows who heard them"


def warnings_of(summary: CampaignSummary) -> Iterator[str]:
    """What people should look into: that many calls end unknown, and numbers that are answered less than before."""
    if summary.many_unknown:
        yield unknown_warning(summary)
    for falling in summary.falling:
        yield f"{falling.words}: it may be marked as unwanted"


def summary_facts(summary: CampaignSummary) -> dict[str, Any]:
    """The summary as a JSON object of the API, and of `dialer status --json` but for NOT_IN_STATUS.

    Moments are datetimes still, and `reason` and `why` may contain phone numbers.
    """
    campaign = summary.campaign
    return {
        "campaign": campaign.id,
        "name": campaign.name,
        "account": campaign.account,
        "rehearsal": campaign.rehearsal,
        "status": campaign.status,
        "reason": campaign.reason,
        "since": campaign.since,
        "why": summary.why,
        "kind": summary.kind,
        "clears_at": summary.clears_at,
        "rate": round(summary.rate, 2),
        "pace": summary.pace,
        "ends_at": summary.ends_at,
        "many_unknown": summary.many_unknown,
        "falling": [asdict(falling) for falling in summary.falling],
        "instead_of": campaign.instead_of,
        "returns_at": campaign.returns_at,
        "held_by": campaign.held_by,
        "held_until": campaign.held_until,
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "contacts": summary.total,
        "final": summary.final,
        "by_status": {status.value: count for status, count in summary.contacts.items()},
        "outcomes": dict(summary.outcomes),
        "attempts": summary.attempts,
        "in_progress": summary.in_progress,
        "unconfirmed": summary.unconfirmed,
        "due_now": summary.due_now,
        "next_due_at": summary.next_due_at,
        "rejects": campaign.rejects,
    }
