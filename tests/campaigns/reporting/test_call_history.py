"""Calls over time are counted as they end, whoever adds the counts up, and cost a page as much as there are spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.ledger import tallies
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, call_times
from campaigns.lifecycle import AttemptStatus
from campaigns.reporting.overview.call_history import CallHistory, call_history
from tests.support.seeding import campaign_row, dialing, numbers
from tests.support.statuses import as_attempt

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
ENDS = [(0, "answered"), (0, "busy"), (1, "answered"), (1, "answered"), (65, "no_answer")]  # minutes after NOW


@pytest.fixture
def campaign(ledger: Ledger) -> str:
    """A campaign whose calls were made and ended so; a sixth call goes on."""
    calls = dialing(ledger, numbers(len(ENDS) + 1), now=NOW)
    with ledger.writing() as db:
        for call, (minute, outcome) in zip(calls, ENDS, strict=False):
            at = NOW + timedelta(minutes=minute, seconds=5)
            ended = as_attempt(AttemptStatus.ENDED, at) | {"outcome": outcome, "dialing_at": at}
            db.execute(update(attempts).where(attempts.c.id == call.id).values(**ended))
    return calls[0].campaign_id


def history_of(ledger: Ledger, campaign_id: str, now: datetime) -> CallHistory:
    with ledger.reading() as db:
        return call_history(db, campaign_row(ledger, campaign_id), now)


def told(history: CallHistory) -> dict[str, dict[str, int]]:
    return {f"{span.at:%H:%M}": dict(span.outcomes) for span in history.spans if span.calls}


def fold(ledger: Ledger) -> None:
    ledger.write(tallies.fold_some, tallies.attempt_tallies)


BY_MINUTE = {"15:00": {"answered": 1, "busy": 1}, "15:01": {"answered": 2}, "16:05": {"no_answer": 1}}
BY_HOUR = {"15:00": {"answered": 3, "busy": 1}, "16:00": {"no_answer": 1}}


@pytest.mark.parametrize(("hours", "expected"), [(2, BY_MINUTE), (5, BY_HOUR)])
def test_a_long_campaign_is_told_by_the_hour(ledger: Ledger, campaign: str, hours: int, expected: Any) -> None:
    before = history_of(ledger, campaign, NOW + timedelta(hours=hours))
    fold(ledger)
    after = history_of(ledger, campaign, NOW + timedelta(hours=hours))
    assert told(before) == told(after) == expected
    assert before.by_minute is (hours == 2)


def test_a_corrected_call_is_counted_where_it_was_made(ledger: Ledger, campaign: str) -> None:
    fold(ledger)
    with ledger.writing() as db:
        busy = attempts.c.outcome == "busy"
        db.execute(update(attempts).where(busy).values(outcome="answered", ended_at=NOW + timedelta(hours=1)))
    for _ in range(2):
        assert told(history_of(ledger, campaign, NOW + timedelta(hours=2)))["15:00"] == {"answered": 2}
        fold(ledger)


def test_minutes_of_days_ago_are_forgotten_and_hours_stay(ledger: Ledger, campaign: str) -> None:
    fold(ledger)
    later = NOW + timedelta(days=3)
    assert ledger.write(tallies.forget_minutes, later) > 0
    assert ledger.write(tallies.forget_minutes, later) == 0
    assert told(history_of(ledger, campaign, later)) == BY_HOUR


def test_what_is_counted_anew_is_what_was_counted(ledger: Ledger, campaign: str) -> None:
    fold(ledger)

    def rows() -> set[Any]:
        with ledger.reading() as db:
            return {tuple(row) for row in db.execute(select(call_times))}

    before = rows()
    ledger.write(tallies.repair)
    assert rows() == before
    assert len(before) == 4 + 3, "by the minute and by the hour"


def test_a_campaign_of_a_moment_has_a_chart_of_some_width(ledger: Ledger, campaign: str) -> None:
    assert len(history_of(ledger, campaign, NOW + timedelta(minutes=2)).spans) >= 12
    assert len(history_of(ledger, campaign, NOW + timedelta(days=400)).spans) <= 7 * 24 + 1
