"""A budget of calls or points, in all or a day, is never exceeded, and the campaign says that it stopped for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from campaigns.dispatch.dial import Slice
from campaigns.dispatch.fair_share import open_time
from campaigns.dispatch.release import release
from campaigns.ledger.tables import attempts, contacts
from campaigns.runtime import Runtime, own_limits
from tests.support.dialers import webex, working
from tests.support.seeding import campaign_row, numbers, open_all, seed
from tests.support.statuses import as_attempt


@pytest.fixture
def opened(ledger, clock, redis_url, buckets) -> Iterator[Any]:
    with ExitStack() as stack:

        def make(**settings: Any) -> Runtime:
            accounts = {"main": webex(**({"pace": 50} | settings))}
            return stack.enter_context(working(ledger, redis_url, accounts, clock=clock))

        yield make


def started(using: Runtime) -> list[UUID]:
    """One tick, all of whose calls are asked for and not answered yet."""
    using.clock.forward(1)  # type: ignore[attr-defined]
    return [one for each in release(using=using) for one in _open(using, each)]


def _open(using: Runtime, one: Slice) -> set[UUID]:
    return open_all(using.ledger, one.claim, one.contact_ids, now=using.clock())


def answer(using: Runtime, ids: list[UUID], *, placed: bool) -> None:
    with using.ledger.writing() as db:
        status = "placed" if placed else "not_placed"
        db.execute(
            update(attempts)
            .where(attempts.c.id.in_(ids))
            .values(**as_attempt(status, using.clock()), counted=placed, verdict="refuse_contact")
        )
        db.execute(update(contacts).where(contacts.c.status == "dialing").values(status="placed"))


@pytest.mark.parametrize(
    ("limits", "call_points", "most"),
    [({"calls": 7}, 1, 7), ({"points": 30}, 4, 7), ({"calls": 9, "points": 28}, 4, 7)],
)
def test_a_campaign_stops_when_its_budget_is_used_up(opened, clock, limits, call_points, most):
    using = opened(call_points=call_points)
    one = seed(using.ledger, numbers(40), now=clock(), limits=limits)
    asked = started(using)
    assert len(asked) == most
    assert started(using) == [], "calls under way count until they are known to be none"
    assert campaign_row(using.ledger, one).status == "running"
    assert "budget" in campaign_row(using.ledger, one).held_by
    answer(using, asked[:2], placed=False)
    answer(using, asked[2:], placed=True)
    asked = started(using)
    assert len(asked) == 2, "two were none"
    answer(using, asked, placed=True)
    assert started(using) == []
    campaign = campaign_row(using.ledger, one)
    assert campaign.status == "paused"
    assert "is used up" in campaign.reason
    assert "(limits." in campaign.reason


def test_a_days_budget_holds_until_the_next_day_begins_where_the_campaign_is(opened, clock):
    using = opened()
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    schedule = {"zone": "America/New_York"}
    one = seed(using.ledger, numbers(40), now=clock(), limits={"day_calls": 5}, schedule=schedule)
    answer(using, started(using), placed=True)
    assert started(using) == []
    held = campaign_row(using.ledger, one)
    assert (held.status, held.held_by) == ("running", "its budget of 5 calls a day (limits.day_calls)")
    assert held.held_until == datetime(2026, 12, 2, 5, 0, tzinfo=UTC), "midnight in New York"
    clock.now = datetime(2026, 12, 2, 5, 0, tzinfo=UTC)
    assert len(started(using)) == 5


def test_contacts_with_the_workers_count_too(opened, clock):
    using = opened(pace=2)
    seed(using.ledger, numbers(40), now=clock(), limits={"calls": 6})
    claimed = [each for _ in range(3) for each in release(using=using)]
    clock.forward(5)
    claimed += release(using=using)
    assert sum(len(each.contact_ids) for each in claimed) <= 6


def test_campaigns_share_the_next_seconds_by_weight(opened, clock):
    using = opened(pace=20)
    heavy = seed(using.ledger, numbers(60), now=clock(), campaign="heavy", weight=3)
    light = seed(using.ledger, numbers(60, area=212), now=clock(), campaign="light")
    shares = {heavy: 0, light: 0}
    for each in release(using=using):
        shares[each.campaign_id] += len(each.contact_ids)
    assert shares[heavy] + shares[light] == 41
    assert shares[heavy] in {30, 31}


def test_retries_are_claimed_before_first_tries_that_are_longer_due(opened, clock):
    using = opened(pace=1)
    seed(using.ledger, numbers(40), now=clock() - timedelta(hours=5))
    with using.ledger.writing() as db:
        retry = contacts.c.line.in_([30, 31])
        db.execute(update(contacts).where(retry).values(tries=1, due_at=clock() - timedelta(seconds=5)))
    lines = []
    with using.ledger.reading() as db:
        for each in release(using=using):
            for one in each.contact_ids:
                lines.append(db.execute(contacts.select().where(contacts.c.id == one)).one().line)
    assert lines == [30, 31, 2]


def test_the_day_is_shared_by_weight_and_the_hours_that_are_open(opened, clock):
    using = opened(day_points=100, pace=500)
    clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    short = {"zone": "UTC", "windows": {"mon-sun": "15:00-21:00"}}
    seed(using.ledger, numbers(60, area=212), now=clock(), campaign="all-day")
    few = seed(using.ledger, numbers(60), now=clock(), campaign="hours", schedule=short)
    using.accounts["main"].bucket.forecast(1.0)  # the day begins
    assert open_time(campaign_row(using.ledger, few), clock(), clock() + timedelta(hours=24)) == 6.0
    release(using=using)

    forecast = using.accounts["main"].bucket.forecast(60.0, own=own_limits(campaign_row(using.ledger, few)))
    assert (forecast.calls, forecast.limit) == (20, "campaign share of the day")
