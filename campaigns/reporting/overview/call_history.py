"""A campaign's calls over time, by how they ended: what its charts show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import UNFOLDED, attempt_tallies, call_times
from campaigns.ledger.tallies import HOUR, MINUTE, MINUTES_KEPT

BY_MINUTE_UP_TO = timedelta(hours=3)
LONGEST = timedelta(days=7)
FEWEST = 12  # spans, so that the first ones are no blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpan:
    """The calls that were made in one span, by how they ended; those that go on are not among them."""

    at: datetime
    outcomes: Mapping[str, int]

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHistory:
    """Calls by the minute, or by the hour where the campaign lasted longer: of its last week at the most."""

    by_minute: bool
    spans: Sequence[CallSpan]

    @property
    def most(self) -> int:
        """The calls of the busiest span."""
        return max((span.calls for span in self.spans), default=0)


def call_history(db: Connection, campaign: Campaign, now: datetime) -> CallHistory:
    """The campaign's calls over time; it costs as much as there are spans, however many calls there were."""
    since, until = campaign.started_at or campaign.created_at, max(campaign.finished_at or now, campaign.created_at)
    by_minute = until - since <= BY_MINUTE_UP_TO and since > now - MINUTES_KEPT
    span = MINUTE if by_minute else HOUR
    since = max(min(since, until - timedelta(seconds=span * (FEWEST - 1))), until - LONGEST)
    counts = _calls_by_span(db, campaign.id, span, since, until)
    first = int(since.timestamp()) // span * span
    spans = [
        CallSpan(at=datetime.fromtimestamp(starts, UTC), outcomes=counts.get(starts, {}))
        for starts in range(first, int(until.timestamp()) + 1, span)
    ]
    return CallHistory(by_minute=by_minute, spans=spans)


def _calls_by_span(
    db: Connection, campaign_id: str, span: int, since: datetime, until: datetime
) -> dict[int, dict[str, int]]:
    """The campaign's calls of this time by the second at which their span begins, and by outcome (else status)."""
    first, last = int(since.timestamp()) // span * span, int(until.timestamp())
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    times, tallies = call_times.c, attempt_tallies.c
    kept = (times.campaign_id == campaign_id, times.span == span, times.starts >= first, times.starts <= last)
    for row in db.execute(select(times.starts, times.outcome, times.number).where(*kept)):
        counts[row.starts][row.outcome] += row.number
    word = func.coalesce(func.nullif(tallies.outcome, ""), tallies.status)
    unfolded = select(tallies.minute, word, func.sum(tallies.number)).group_by(tallies.minute, word)
    of_campaign = (tallies.campaign_id == campaign_id, UNFOLDED, tallies.minute.is_not(None))
    for minute, outcome, number in db.execute(unfolded.where(*of_campaign)):
        starts = minute * MINUTE // span * span
        if first <= starts <= last:
            counts[starts][outcome] += int(number)
    return {starts: {word: number for word, number in by.items() if number > 0} for starts, by in counts.items()}
