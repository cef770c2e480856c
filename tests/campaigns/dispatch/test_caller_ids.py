"""Several numbers that calls show: one for each contact and for good, and no more calls a day from one than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.redial import redial
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.reporting.explain import contact_story, explain_campaign
from campaigns.reporting.hold_reason import HoldKind
from campaigns.runtime import Runtime
from campaigns.safeguards.failover import move_on
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.deadline import Deadline
from dialer.providers.registry import account_settings
from tests.support.dialers import callgear, release_twice_at_once, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, fresh, numbers, open_all, seed

SHOWN = ["+18005550100", "+18005550101", "+18005550102"]
RETRY = {"max_attempts": 3, "busy": "5m"}
ACCOUNT = account_settings(provider="webex", service_key="k")
NOON = datetime(2035, 12, 4, 12, tzinfo=UTC)  # no request is too late by it, however long the test takes


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock(NOON)


@pytest.fixture
def using(ledger, clock, redis_url, buckets) -> Iterator[Runtime]:
    """Workers that reach no provider."""
    with working(ledger, redis_url, {"main": webex()}, clock=clock) as runtime:
        yield runtime


def shown(ledger, campaign_id: str) -> list[str | None]:
    """The number of each contact, in the list's order."""
    with ledger.reading() as db:
        query = select(contacts.c.caller_id).where(contacts.c.campaign_id == campaign_id).order_by(contacts.c.line)
        return list(db.scalars(query))


def claimed(using: Runtime) -> int:
    """How many contacts a tick claims."""
    return sum(len(one.contact_ids) for one in release(using=using))


def dial_all(using: Runtime) -> None:
    """Ticks and their calls, until a tick claims nobody."""
    for _ in range(20):
        slices = release(using=using)
        for one in slices:
            dial(one, using=using)
        if not slices:
            return
    raise AssertionError("contacts are claimed again and again, and not called")


def end_calls(ledger, outcome: Outcome, now: datetime) -> None:
    """All calls that go on end so."""
    with ledger.reading() as db:
        going_on = db.scalars(select(attempts.c.id).where(attempts.c.ended_at.is_(None))).all()
    for attempt in going_on:
        ledger.write(accept, fresh(ledger, attempt), f"call-{attempt}", ACCOUNT, now=now)
        ledger.write(conclude, fresh(ledger, attempt), Ending(outcome=outcome, ended_at=now), now=now)


def test_a_contact_is_shown_one_number_whatever_happens(ledger, redis_url, buckets, sandbox, clock):
    """Through retries, another account, other workers and a redial."""
    accounts = {"main": callgear(sandbox.base_url("callgear")), "spare": webex(sandbox.base_url("webex"))}
    given = {"caller_id": SHOWN, "retry": RETRY, "accounts": ["main", "spare"]}
    campaign_id = seed(ledger, numbers(6), now=clock(), **given)
    for account in ("main", "spare"):
        with working(ledger, redis_url, accounts, clock=clock) as using:
            dial_all(using)
        end_calls(ledger, Outcome.BUSY, clock())
        clock.forward(600)
        ledger.write(move_on, campaign_id, account, "its day is used up", clock())
    control.cancel(ledger, campaign_id, who="ann", now=clock())
    again = redial(ledger, campaign_id, ["busy"], who="ann", now=clock())
    with working(ledger, redis_url, accounts, clock=clock) as using:
        dial_all(using)
    assert shown(ledger, campaign_id) == shown(ledger, again.id)
    assert Counter(shown(ledger, campaign_id)) == dict.fromkeys(SHOWN, 2)
    calls = sandbox.calls()
    assert Counter(call["vendor"] for call in calls) == {"callgear": 6, "webex": 12}
    assert len({(call["to"], call["from"]) for call in calls}) == 6, "each saw one number, three times"


def test_each_account_shows_a_contact_one_of_its_own_numbers_and_again_the_same(
    ledger, redis_url, buckets, sandbox, clock
):
    """There and back, twice: from two numbers of the one account, and two of the other."""
    accounts = {"main": callgear(sandbox.base_url("callgear")), "spare": webex(sandbox.base_url("webex"))}
    others = ["+18005550103", "+18005550104"]
    given = {"caller_id": SHOWN[:2], "by_account": {"spare": {"caller_id": others}}, "accounts": ["main", "spare"]}
    retry = {"max_attempts": 4, "busy": ["5m", "5m", "5m"]}
    campaign_id = seed(ledger, numbers(4), now=clock(), retry=retry, **given)
    for account in ("main", "spare", "main", "spare"):
        with ledger.writing() as db:
            db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(account=account))
        with working(ledger, redis_url, accounts, clock=clock) as using:
            dial_all(using)
        end_calls(ledger, Outcome.BUSY, clock())
        clock.forward(600)
    calls = Counter((call["vendor"], call["to"], call["from"]) for call in sandbox.calls())
    assert set(calls.values()) == {2}
    assert Counter((vendor, number) for vendor, _, number in calls) == {
        **{("callgear", number): 2 for number in SHOWN[:2]},
        **{("webex", number): 2 for number in others},
    }


def test_a_worker_that_dies_between_claim_and_call_leaves_the_number(ledger, clock, using):
    campaign_id = seed(ledger, numbers(3), now=clock(), caller_id={"numbers": SHOWN, "per_day": 1})
    assert claimed(using) == 3
    given = shown(ledger, campaign_id)
    assert sorted(map(str, given)) == SHOWN
    clock.forward(using.lease + 1)
    assert sweep(using=using).claims_returned == 3
    assert claimed(using) == 3, "what was claimed and not called counts no more"
    assert shown(ledger, campaign_id) == given


def test_a_number_calls_so_often_a_day_by_all_campaigns_and_its_contacts_wait(ledger, clock, using):
    """Two ticks at once claim for two campaigns of the same numbers."""
    limited = {"caller_id": {"numbers": SHOWN[:2], "per_day": 4}, "retry": RETRY}
    first = seed(ledger, numbers(6), now=clock(), **limited)
    second = seed(ledger, numbers(6, area=212), now=clock(), campaign="others", **limited)
    for one in release_twice_at_once(using):
        open_all(ledger, one.claim, one.contact_ids, now=clock())
    assert claimed(using) == 0
    assert Counter(shown(ledger, first) + shown(ledger, second)) == {SHOWN[0]: 4, SHOWN[1]: 4, None: 4}
    held = next(one for one in (campaign_row(ledger, name) for name in (first, second)) if one.held_by)
    assert held.held_by == "its numbers' 4 calls a day (caller_id.per_day)"
    assert held.held_until == NOON + timedelta(hours=12)
    clock.forward(13 * 3600)
    sweep(using=using)
    release(using=using)
    assert None not in shown(ledger, first) + shown(ledger, second)


def test_whose_number_is_used_waits_for_it_and_is_told_why(ledger, redis_url, buckets, sandbox, clock):
    """Its number alone: the others have calls left, and show nothing else either."""
    limited = {"numbers": SHOWN[:2], "per_day": 2}
    with working(ledger, redis_url, {"main": webex(sandbox.base_url("webex"))}, clock=clock) as using:
        campaign_id = seed(ledger, numbers(3), now=clock(), caller_id=limited, retry=RETRY)
        dial_all(using)
        (fuller,) = [number for number, calls in Counter(shown(ledger, campaign_id)).items() if calls == 2]
        end_calls(ledger, Outcome.BUSY, clock())
        clock.forward(600)
        dial_all(using)
        with ledger.reading() as db:
            made = Counter(db.scalars(select(attempts.c.caller_id)))
            rows = db.execute(select(contacts).where(contacts.c.caller_id == fuller)).all()
        assert made == dict.fromkeys(SHOWN[:2], 2)
        assert [row.due_at for row in rows] == [NOON + timedelta(hours=12)] * 2
        story = contact_story(ledger, rows[0].id, now=clock())
        assert story.why == f"its number +1800*****{fuller[-2:]} has had its 2 calls of the day (caller_id.per_day)"
        assert (story.caller_id, story.clears_at) == (fuller, NOON + timedelta(hours=12))
        end_calls(ledger, Outcome.ANSWERED, clock())
        assert explain_campaign(ledger, campaign_id, now=clock())[1].kind in (HoldKind.CALLER_ID, HoldKind.BUDGET)
        clock.forward(12 * 3600)
        dial_all(using)
    assert len({(call["to"], call["from"]) for call in sandbox.calls()}) == 3
    assert len(sandbox.calls()) == 6


def test_by_region_the_number_of_the_area_comes_first_and_one_of_the_country_else(ledger, clock, using):
    pool = {"numbers": ["+442079460000", "+14155550190", "+12125550190"], "by": "region", "per_day": 2}
    people = ["+14155550101", "+12125550102", "+13125550103", "+442079460101", "+442079460102", "+442079460103"]
    campaign_id = seed(ledger, people, now=clock(), caller_id=pool)
    release(using=using)
    given = shown(ledger, campaign_id)
    assert given[:2] == ["+14155550190", "+12125550190"]
    assert given[2] in pool["numbers"][1:]
    assert given[3:] == ["+442079460000", "+442079460000", None], "its country's number has had its calls"
    with ledger.reading() as db:
        due = db.scalar(select(contacts.c.due_at).where(contacts.c.phone == people[-1]))
    assert due == NOON + timedelta(hours=12)


def test_a_rehearsal_uses_up_nothing_of_the_day(ledger, clock, using):
    limited = {"numbers": SHOWN[:1], "per_day": 1}
    rehearsed = seed(ledger, numbers(1), now=clock(), caller_id=limited)
    for one in release(using=using):
        open_all(ledger, one.claim, one.contact_ids, now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).where(campaigns.c.id == rehearsed).values(rehearsal=True))
    seed(ledger, numbers(2, area=212), now=clock(), campaign="earnest", caller_id=limited)
    assert claimed(using) == 1


def test_the_pace_of_a_caller_id_holds_for_each_number(ledger, clock, redis_url, buckets, sandbox):
    """A call in twenty minutes from each: no test takes so long, so each number carries one, and none carries two."""
    settings = {"main": webex(sandbox.base_url("webex"), pace=9, caller_id_pace=1 / 1200)}
    bounds: dict[str, Any] = {"send_within": 1, "deadline": partial(Deadline, wall=clock)}
    with working(ledger, redis_url, settings, clock=clock, **bounds) as using:
        seed(ledger, numbers(50), now=clock(), caller_id=SHOWN[:2])
        for _ in range(20):  # on a busy machine a call may miss its slot, and the next is in twenty minutes
            buckets.flushall()
            before = len(sandbox.calls())
            for one in release(using=using):
                dial(one, using=using)
            carried = Counter(call["from"] for call in sandbox.calls()[before:])
            assert max(carried.values(), default=0) <= 1
            if len(carried) == 2:
                return
            clock.forward(1300)
    raise AssertionError("the numbers wait for each other")
