"""The release tick claims what the next seconds can carry, of whoever may be called now, and shares it fairly."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.dispatch.candidates import beginning
from campaigns.dispatch.claiming import sliced
from campaigns.dispatch.dial import Slice
from campaigns.dispatch.release import _start, release, release_some, take_back
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.appends import append_rows, locked_for_append
from campaigns.ledger.lists.drafts import NewContact
from campaigns.ledger.tables import campaigns, contacts
from campaigns.ledger.tallies import contacts_by_status
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from dialer.providers.registry import account_settings
from tests.support.dialers import webex, working
from tests.support.seeding import campaign_row, contact, numbers, open_all, seed
from tests.support.statuses import as_contact

TUESDAY = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def opened(ledger, clock, redis_url, buckets) -> Iterator[Any]:
    """A worker whose account `main` has these limits."""
    with ExitStack() as stack:

        def make(**limits: Any) -> Runtime:
            accounts = {"main": webex(**({"pace": 5} | limits))}
            return stack.enter_context(working(ledger, redis_url, accounts, clock=clock))

        yield make


def claimed(slices: list[Slice]) -> Counter[str]:
    """How many contacts of each campaign were claimed."""
    counts: Counter[str] = Counter()
    for one in slices:
        counts[one.campaign_id] += len(one.contact_ids)
    return counts


def placed(using: Runtime, slices: list[Slice]) -> None:
    """As if a worker had dialed them: no claim of theirs is left."""
    ids = [one for slice_ in slices for one in slice_.contact_ids]
    for slice_ in slices:
        open_all(using.ledger, slice_.claim, slice_.contact_ids, now=using.clock())
    with using.ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.id.in_(ids)).values(**as_contact("placed", using.clock())))


@pytest.mark.parametrize(("pace", "carries"), [(5, 11), (1, 3), (0.5, 2), (0.4, 1), (0.1, 1)])
def test_no_more_is_claimed_than_the_next_seconds_can_carry(ledger, clock, opened, pace, carries):
    using = opened(pace=pace)
    campaign_id = seed(ledger, numbers(40), now=clock())
    assert claimed(release(using=using))[campaign_id] == carries
    assert release(using=using) == [], "what is claimed already is on its way"


def test_workers_that_take_less_than_the_pace_get_what_they_take_and_then_as_much_as_the_pace_again(
    ledger, clock, opened
):
    """The pace carries a hundred in two seconds; the workers take ten a second of them, and then recover."""
    using, taken = opened(pace=50), list[Slice]()
    seed(ledger, numbers(900), now=clock())
    waiting = one_by_one(release(using=using))
    for _ in range(20):
        clock.forward(1)
        taken, waiting = waiting[:10], waiting[10:]
        placed(using, taken)
        waiting += one_by_one(release(using=using))
    assert claimed(waiting).total() <= 60, "six seconds of what they take"
    placed(using, waiting)
    clock.forward(1)
    assert claimed(release(using=using)).total() >= 100


def one_by_one(slices: list[Slice]) -> list[Slice]:
    return [replace(slice_, contact_ids=(contact_id,)) for slice_ in slices for contact_id in slice_.contact_ids]


@pytest.mark.parametrize("late", [0.3, 0.6, 0.9])
def test_a_tick_that_comes_late_does_not_leave_workers_that_keep_to_the_pace_without_contacts(
    ledger, clock, opened, late
):
    """One late tick made the next ones release less and less, though the workers took all they could."""
    using, waiting = opened(pace=30), list[Slice]()
    seed(ledger, numbers(900), now=clock())
    waiting = one_by_one(release(using=using))
    for tick in range(8):
        seconds = 1 + late if tick in (0, 4) else 1.0
        clock.forward(seconds)
        take = round(30 * seconds)  # the oldest first
        assert len(waiting) >= take, f"nothing was left to dial before tick {tick}"
        placed(using, waiting[:take])
        waiting = waiting[take:] + one_by_one(release(using=using))


def test_what_a_dead_worker_had_claimed_keeps_nobody_else_waiting_until_its_lease_ends(ledger, clock, opened):
    using = opened(pace=5)
    seed(ledger, numbers(40), now=clock())
    assert release(using=using)  # and nobody takes it
    clock.forward(using.lease / 2 + 1)
    assert claimed(release(using=using)).total() >= 10


def test_calls_in_progress_leave_room_for_the_rest_only(ledger, clock, opened):
    using = opened(pace=50, concurrency=4)
    seed(ledger, numbers(40), now=clock())
    assert using.accounts["main"].bucket.acquire("one in progress").granted
    assert claimed(release(using=using)).total() == 3


def test_a_slice_is_one_call_at_a_slow_pace(ledger, clock, opened):
    using = opened(pace=2)
    seed(ledger, numbers(40), now=clock())
    assert {len(one.contact_ids) for one in release(using=using)} == {1}


@pytest.mark.parametrize(
    ("many", "size", "lengths"),
    [(0, 10, []), (3, 1, [1, 1, 1]), (10, 10, [10]), (14, 10, [14]), (21, 10, [11, 10]), (26, 10, [9, 9, 8])],
)
def test_no_slice_is_much_smaller_than_the_others(many, size, lengths):
    """A task for the one contact that is left over would cost as much as one for ten."""
    assert [len(one) for one in sliced(range(many), size)] == lengths


def test_contacts_are_claimed_under_a_lease_and_longest_due_first(ledger, clock, opened):
    using = opened(pace=1)
    seed(ledger, numbers(6), now=clock())
    with ledger.writing() as db:
        for place, wait in enumerate([5, 3, 1, 6, 2, 4], start=1):
            due = clock() - timedelta(seconds=wait)
            db.execute(update(contacts).where(contacts.c.line == place + 1).values(due_at=due))
    ids = [one.contact_ids[0] for one in release(using=using)]
    lines = [contact(ledger, one).line for one in ids]
    assert lines == [5, 2, 7]
    assert {contact(ledger, one).lease_until for one in ids} == {clock() + timedelta(seconds=30)}
    with ledger.reading() as db:
        assert beginning(db).noted_at == clock()


def test_two_ticks_at_once_claim_no_contact_twice(ledger, clock, opened):
    using = opened(pace=50)
    seed(ledger, numbers(80), now=clock())
    slices: list[Slice] = []
    ready = threading.Barrier(4)

    def tick() -> None:
        ready.wait()
        slices.extend(release(using=using))

    ticks = [threading.Thread(target=tick) for _ in range(4)]
    for each in ticks:
        each.start()
    for each in ticks:
        each.join()
    ids = [one for slice_ in slices for one in slice_.contact_ids]
    assert len(ids) == len(set(ids))


# Sharing an account


def test_two_campaigns_share_an_account_evenly(ledger, clock, opened):
    using = opened(pace=5)
    first = seed(ledger, numbers(40), now=clock(), campaign="first")
    second = seed(ledger, numbers(40, area=212), now=clock(), campaign="second")
    shares = claimed(release(using=using))
    assert sorted([shares[first], shares[second]]) == [5, 6]


def test_what_a_small_campaign_leaves_is_for_the_others(ledger, clock, opened):
    """Also when the others come first by name or age: a share that nobody uses is a call not made."""
    using = opened(pace=5)
    big = seed(ledger, numbers(40), now=clock(), campaign="big")
    for name in ("idle-a", "idle-b", "idle-c"):
        seed(ledger, numbers(1, area=212), now=clock() + timedelta(hours=1), campaign=name)
    small = seed(ledger, numbers(1, area=213), now=clock(), campaign="small")
    assert claimed(release(using=using)) == {big: 10, small: 1}


def test_a_slow_campaign_keeps_its_pace_beside_a_fast_one(ledger, clock, opened):
    """The fast one has more with the workers than the slow one may ever claim: that is not the slow one's doing."""
    using = opened(pace=5)
    fast = seed(ledger, numbers(40), now=clock(), campaign="fast")
    with ledger.writing() as db:
        db.execute(update(campaigns).values(created_at=clock() - timedelta(hours=1)))
    first, second = release(using=using)
    assert (len(first.contact_ids), len(second.contact_ids)) == (6, 5)
    placed(using, [first])
    slow = seed(ledger, numbers(40, area=212), now=clock(), campaign="slow", pace=0.5)
    shares = claimed(release(using=using))
    assert shares[slow] == 2
    assert shares[fast] == 11 - 5 - 2


def test_a_capped_campaign_does_not_hold_the_others(ledger, clock, opened):
    using = opened(pace=5)
    capped = seed(ledger, numbers(40), now=clock(), campaign="capped", concurrency=1)
    free = seed(ledger, numbers(40, area=212), now=clock(), campaign="free")
    assert claimed(release(using=using)) == {capped: 1, free: 10}


def test_where_one_call_at_a_time_is_all_there_is_nobody_waits_for_ever(ledger, clock, opened):
    using = opened(pace=0.4)
    mine = [seed(ledger, numbers(30, area=area), now=clock(), campaign=f"c{area}") for area in (212, 213, 415)]
    turns: Counter[str] = Counter()
    for _ in range(30):
        slices = release(using=using)
        turns += claimed(slices)
        placed(using, slices)
    assert turns.total() == 30
    assert min(turns[one] for one in mine) >= 4


def test_a_campaign_of_one_account_is_not_held_by_another_account(ledger, clock, redis_url, buckets):
    accounts = {"main": webex(pace=5, concurrency=1), "second": webex(pace=5)}
    with working(ledger, redis_url, accounts, clock=clock) as using:
        using.accounts["main"].bucket.acquire("in progress")
        held = seed(ledger, numbers(9), now=clock(), campaign="held")
        free = seed(ledger, numbers(9, area=212), now=clock(), campaign="free", account="second")
        assert claimed(release(using=using)) == {free: 9}
        assert campaign_row(ledger, held).held_by == "calls in progress"
        assert campaign_row(ledger, free).held_by is None


@pytest.fixture
def three_accounts(ledger, clock, redis_url, buckets):
    """Three accounts with a campaign of three contacts each, and what works with them, by any clock."""
    accounts = {name: webex(pace=2) for name in ("main", "second", "third")}
    for area, name in enumerate(accounts, start=212):
        seed(ledger, numbers(3, area=area), now=clock(), campaign=name, account=name)
    return lambda by: working(ledger, redis_url, accounts, clock=by)


def test_what_accounts_may_call_is_handed_out_in_turns(three_accounts, clock):
    """The slices of one account wait for its pace, and would else keep every thread from the others'."""
    with three_accounts(clock) as using:
        campaigns = [one.campaign_id for one in release(using=using)]
    assert campaigns == ["main-1", "second-1", "third-1"] * 3


def test_no_claim_waits_long_for_those_of_other_accounts(ledger, three_accounts, clock):
    def slow() -> datetime:
        clock.now += timedelta(seconds=0.1)
        return clock.now

    with three_accounts(slow) as using:
        handed_out = release_some(using=using)
        first = claimed(next(handed_out))
        with ledger.reading() as db:
            assert contacts_by_status(db, "third-1") == {"pending": 3}
        rest = claimed([one for slices in handed_out for one in slices])
    assert first | rest == dict.fromkeys(("main-1", "second-1", "third-1"), 3)


# Who may be called now


def test_contacts_in_a_closed_window_are_put_off_until_it_opens(ledger, clock, opened):
    using, clock.now = opened(), TUESDAY
    schedule = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
    tokyo = seed(ledger, numbers(2), now=clock(), zone="Asia/Tokyo", schedule=schedule, campaign="tokyo")
    home = seed(ledger, numbers(2, area=212), now=clock(), schedule=schedule, campaign="home")
    assert claimed(release(using=using)) == {home: 2}
    with ledger.reading() as db:
        due = set(db.scalars(select(contacts.c.due_at).where(contacts.c.campaign_id == tokyo)))
    assert [moment.isoformat() for moment in due] == ["2026-12-02T00:00:00+00:00"]
    clock.now = due.pop()
    assert claimed(release(using=using)) == {tokyo: 2}


def test_nobody_is_claimed_before_the_campaigns_start_and_its_start_starts_it(ledger, clock, opened):
    using, clock.now = opened(), TUESDAY
    start = clock() + timedelta(hours=1)
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule={"start": start.isoformat()})
    assert campaign_row(ledger, campaign_id).status == CampaignStatus.SCHEDULED
    assert release(using=using) == []
    clock.now = start
    release(using=using)
    campaign = campaign_row(ledger, campaign_id)
    assert (campaign.status, campaign.reason) == (CampaignStatus.RUNNING, "its start came")
    assert claimed(release(using=using)) == {campaign_id: 2}


def test_a_campaign_resumed_before_its_start_still_waits_for_it(ledger, clock, opened):
    using, clock.now = opened(), TUESDAY
    start = clock() + timedelta(hours=1)
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule={"start": start.isoformat()})
    control.pause(ledger, campaign_id, who="test", now=clock())
    control.resume(ledger, campaign_id, who="test", now=clock())
    assert release(using=using) == []
    clock.now = start
    assert claimed(release(using=using)) == {campaign_id: 2}


def test_a_pause_is_not_undone_by_a_start_that_comes_at_the_same_moment(ledger, clock, opened):
    """The tick has read `scheduled`; before it writes, a person pauses the campaign."""
    using, clock.now = opened(), TUESDAY
    start = clock() + timedelta(hours=1)
    campaign_id = seed(ledger, numbers(2), now=clock(), schedule={"start": start.isoformat()})

    control.pause(ledger, campaign_id, who="test", now=clock())
    _start(campaign_id, start, using)
    assert campaign_row(ledger, campaign_id).status == CampaignStatus.PAUSED


@pytest.mark.parametrize("action", [control.pause, control.cancel], ids=["paused", "cancelled"])
def test_a_campaign_that_was_stopped_is_not_claimed_from(ledger, clock, opened, action):
    using = opened()
    campaign_id = seed(ledger, numbers(5), now=clock())
    release(using=using)
    action(ledger, campaign_id, who="test", now=clock())
    assert release(using=using) == []
    with ledger.reading() as db:
        assert set(db.scalars(select(contacts.c.status))) <= {"pending", "cancelled"}


def test_a_resumed_campaign_goes_on_where_it_was(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(5), now=clock())
    release(using=using)
    control.pause(ledger, campaign_id, who="test", now=clock())
    control.resume(ledger, campaign_id, who="test", now=clock())
    assert claimed(release(using=using)) == {campaign_id: 5}


# When nothing can be released


def test_a_campaign_whose_account_is_not_in_the_settings_is_paused_and_says_so(ledger, clock, opened):
    using = opened()
    campaign_id = seed(ledger, numbers(1), now=clock(), account="gone")
    assert release(using=using) == []
    campaign = campaign_row(ledger, campaign_id)
    assert (campaign.status, campaign.reason) == (
        CampaignStatus.PAUSED,
        "account 'gone' is not in the settings of the workers",
    )


def test_without_redis_nothing_is_claimed_and_the_campaign_says_so(ledger, clock):
    with working(ledger, "redis://127.0.0.1:1/0", {"main": webex()}, clock=clock) as using:
        campaign_id = seed(ledger, numbers(1), now=clock())
        assert release(using=using) == []
    assert campaign_row(ledger, campaign_id).held_by == "Redis is away"


def test_the_limit_that_binds_is_noted_and_taken_back(ledger, clock, opened):
    using = opened(concurrency=1)
    bucket = using.accounts["main"].bucket
    bucket.acquire("in progress")
    campaign_id = seed(ledger, numbers(3), now=clock())
    assert release(using=using) == []
    held = campaign_row(ledger, campaign_id)
    assert (held.held_by, held.held_until) == ("calls in progress", None), "nobody knows when a call ends"
    bucket.settle("in progress", charged=True)
    assert claimed(release(using=using)) == {campaign_id: 1}
    assert campaign_row(ledger, campaign_id).held_by is None


def test_a_wiped_redis_costs_no_more_than_a_lease(ledger, clock, opened, buckets):
    """The tasks are gone, and with them whatever was claimed for them."""
    using = opened()
    campaign_id = seed(ledger, numbers(3), now=clock())
    assert claimed(release(using=using)) == {campaign_id: 3}
    buckets.flushall()
    clock.forward(31)
    sweep(using=using)
    assert claimed(release(using=using)) == {campaign_id: 3}


@pytest.mark.parametrize("rehearsal", [True, False], ids=["a rehearsal", "in earnest"])
def test_what_was_started_on_a_sandbox_is_dialed_nowhere_else_and_the_reverse(
    ledger, clock, buckets, redis_url, rehearsal
):
    campaign_id = seed(ledger, numbers(2), now=clock())
    with ledger.writing() as db:
        db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(rehearsal=rehearsal))
    account = account_settings(**{"provider": "callgear", "access_token": "k", "sandbox": not rehearsal})
    with working(ledger, redis_url, {"main": account}, clock=clock) as using:
        assert release(using=using) == []
    paused = campaign_row(ledger, campaign_id)
    assert (paused.status, "sandbox" in paused.reason) == ("paused", True)


def test_claims_whose_tasks_could_not_be_published_are_due_again_at_once(ledger, clock, opened):
    using = opened(pace=1)
    campaign_id = seed(ledger, numbers(3), now=clock())
    slices = release(using=using)
    assert take_back(slices, using=using) == claimed(slices)[campaign_id] > 0
    assert claimed(release(using=using)) == claimed(slices)


def test_an_urgent_contact_is_claimed_though_all_that_there_is_room_for_is(ledger, clock, opened):
    using = opened(pace=1)
    listed = {"contacts": {"standing": True, "key": "id"}}
    campaign_id = seed(ledger, numbers(20), now=clock(), **listed)
    assert claimed(release(using=using))[campaign_id] == 3
    urgent = [f"+1202555010{place}" for place in range(2)]
    rows = [drafts.as_written(NewContact(1, phone, {}, "Hello", "UTC", None, key=phone)) for phone in urgent]
    with ledger.writing() as db:
        campaign = locked_for_append(db, campaign_id)
        added = append_rows(db, campaign, rows, ledger=ledger, now=clock(), urgent={urgent[0]})
    (slice_,) = release(using=using)
    assert slice_.contact_ids == (added[0].contact_id,)
