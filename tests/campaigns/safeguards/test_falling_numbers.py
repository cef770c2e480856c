"""A number whose calls are answered less than before is named, wherever people look."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from campaigns.ledger.tables import attempts, contacts, deliveries
from campaigns.ledger.tallies import differences
from campaigns.lifecycle import AttemptStatus, EventKind
from campaigns.reporting import counts
from campaigns.reporting.overview.attention import Need, attention
from campaigns.reporting.report import report
from campaigns.reporting.status import campaign_summary, summary_facts, warnings_of
from campaigns.safeguards import falling_numbers
from console.cli.views.report import report_facts
from dialer.calls import Outcome
from tests.campaigns.operations.webhooks.test_events import subscribe
from tests.support.dialers import working
from tests.support.seeding import campaign_row, seed

FALLS, LASTS = "+18005550100", "+18005550101"


def add_calls(ledger, campaign_id: str, number: str, outcomes: list[Outcome], clock) -> None:
    """Calls that showed this number and have ended so, a second after each other."""
    with ledger.writing() as db:
        contact_id = db.scalar(select(contacts.c.id).where(contacts.c.campaign_id == campaign_id).limit(1))
        before = len(db.scalars(select(attempts.c.id)).all())
        times: dict[str, Any] = dict.fromkeys(("scheduled_at", "dialing_at", "ended_at"))
        rows = [
            {
                **dict.fromkeys(times, clock() + timedelta(seconds=place)),
                **{"id": uuid4(), "contact_id": contact_id, "campaign_id": campaign_id, "number": before + place},
                **{"account": "main", "provider": "webex", "caller_id": number, "status": AttemptStatus.ENDED},
                **{"outcome": outcome, "counted": True, "script_seconds": 6.0},
            }
            for place, outcome in enumerate(outcomes, start=1)
        ]
        db.execute(insert(attempts), rows)


@pytest.fixture
def campaign_id(ledger, clock) -> str:
    """A campaign with two numbers: one was answered by half until its last hundred calls, the other always."""
    campaign_id = seed(ledger, ["+14155550101"], now=clock(), caller_id=[FALLS, LASTS])
    half = [Outcome.ANSWERED, Outcome.NO_ANSWER]
    add_calls(ledger, campaign_id, FALLS, half * 60 + [Outcome.NO_ANSWER] * 80 + half * 10, clock)
    add_calls(ledger, campaign_id, LASTS, half * 110, clock)
    return campaign_id


def test_a_number_that_falls_is_told_of_once_and_shown(ledger, clock, campaign_id, redis_url, buckets, monkeypatch):
    monkeypatch.setattr(falling_numbers, "_looked", falling_numbers.Seldom(0.0))
    words = "of the last 100 calls that show +1800*****00 10% were answered, and 50% of those before"
    with working(ledger, redis_url, {}, clock=clock) as using:
        assert falling_numbers.alert_of_falling_numbers(using.ledger, clock()) == 0, "nobody has asked to be told"
        subscribe(ledger, kinds=[EventKind.ALERT_CALLER_ID], now=clock())
        assert [falling_numbers.alert_of_falling_numbers(using.ledger, clock()) for _ in range(2)] == [1, 0]
    with ledger.reading() as db:
        (told,) = db.execute(select(deliveries)).all()
        campaign = campaign_row(ledger, campaign_id)
        summary = campaign_summary(ledger, campaign_id, clock())
        (need,) = [one for one in attention(db, [campaign], [summary], clock()) if one.need is Need.CALLER_ID]
        assert counts.falling_caller_ids(db, [campaign_id]) == [(campaign_id, "+1800*****00", 1)]
    assert (told.reason, told.facts["caller_id"], told.facts["share"]) == (words, FALLS, 0.1)
    assert list(warnings_of(summary)) == [f"{words}: it may be marked as unwanted"]
    assert summary_facts(summary)["falling"] == [{"number": FALLS, "share": 0.1, "earlier_share": 0.5}]
    assert (need.words, need.number) == (words, 1)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_report_tells_how_many_answered_by_number(ledger, clock, campaign_id, tmp_path):
    written = report(ledger, campaign_id, tmp_path)
    calls = {FALLS: {"answered": 70, "no_answer": 150}, LASTS: {"answered": 110, "no_answer": 110}}
    assert report_facts(written)["caller_ids"] == calls
    assert written.caller_ids_file is not None
    assert list(csv.reader(written.caller_ids_file.read_text().splitlines())) == [
        ["caller_id", "calls", "answered", "answered_share"],
        [FALLS, "220", "70", "0.318"],
        [LASTS, "220", "110", "0.500"],
    ]
    with ledger.reading() as db:
        assert differences(db) == []
        of_number = {row[1:] for row in counts.calls_by_caller_id(db, [campaign_id])}
    assert ("+1800*****00", "answered", 70) in of_number


def test_a_few_answers_less_are_chance(ledger, clock):
    campaign_id = seed(ledger, ["+14155550101"], now=clock(), caller_id=[FALLS, LASTS])
    some = [Outcome.ANSWERED] + [Outcome.NO_ANSWER] * 9
    add_calls(ledger, campaign_id, FALLS, some * 20 + [Outcome.NO_ANSWER] * 100, clock)
    with ledger.reading() as db:
        assert falling_numbers.falling_numbers(db, campaign_row(ledger, campaign_id)) == []
