"""Calls followed by looking at the provider's list: what was seen, when, and how often decides what is concluded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
import redis
from sqlalchemy import update

from campaigns.ledger import queries
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.polling import LOOKERS_LEASE, TWO_POLLERS_DEAD, poll_calls
from campaigns.settlement.rulings import accept, mark_unconfirmed, rule
from dialer.account import Account
from dialer.deadline import utc_now
from dialer.follow_timing import poll_interval, short_message_warning
from dialer.verdicts import Meter, Ruling, Verdict
from tests.support import preloaded
from tests.support.dialers import PATIENCE, ListingVendor, callgear, serving, wait_for, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.lock_waits import deadlocks, until_it_waits
from tests.support.seeding import attempt, contact, dialing, fresh, numbers, seed

RINGING, TALKING, GONE = "Redial", "Talk", "Disconnected"
SAYS_FAILED = Ruling(verdict=Verdict.UNCONFIRMED, mnemonic="internal_error", code="-32603", detail="it failed")
SAYS_NOTHING = Ruling(verdict=Verdict.UNCONFIRMED, detail="did not answer in time")


@dataclass
class Watch:
    """A call, and an account that looks at the vendor's list whenever the test says so."""

    ledger: Ledger
    clock: HandSetClock
    vendor: ListingVendor
    using: Runtime
    buckets: redis.Redis

    @property
    def account(self) -> Account:
        return self.using.accounts["main"]

    def call(self, call_id: str = "100", *, answered_after: float = 0.2, **changes: object) -> OpenAttempt:
        """A call that was placed; its message takes six seconds to say."""
        (one,) = dialing(self.ledger, numbers(1), now=self.clock(), **changes)
        self.ledger.write(accept, one, call_id, self.account.settings, now=self.clock.forward(answered_after))
        return fresh(self.ledger, one.id)

    def doubted(self, ruling: Ruling, **changes: object) -> OpenAttempt:
        """A call of which nobody knows whether it was placed."""
        (one,) = dialing(self.ledger, numbers(1), now=self.clock(), **changes)
        self.ledger.write(mark_unconfirmed, one, ruling, settle_seconds=60.0, now=self.clock.forward(0.2))
        return fresh(self.ledger, one.id)

    def end_leases(self, *, probes: bool = True) -> None:
        """Whoever comes by next may look, in a throttle too."""
        for lease in self.buckets.scan_iter("{bucket:main}:lease:look*"):
            self.buckets.delete(lease)
        if probes:
            self.buckets.hdel("{bucket:main}:state", "probe")

    def throttle(self) -> None:
        """The provider says that the minute is used up, for another forty seconds."""
        nothing_left = Meter(minute_limit=100, minute_remaining=0, minute_reset=40)
        self.account.bucket.acquire("throttled")
        self.account.bucket.settle("throttled", charged=False, meter=nothing_left, block=40.0)

    def see(self, seconds: float, *listed: tuple[str, str | None, str]) -> int:
        """Look after so many seconds, when the list is this; returns how many calls ended."""
        self.clock.forward(seconds)
        self.vendor.listed = list(listed)
        self.end_leases()
        return poll_calls(self.account, using=self.using)


@pytest.fixture
def watch(ledger: Ledger, clock: HandSetClock, redis_url: str, buckets: redis.Redis) -> Iterator[Watch]:
    vendor = ListingVendor()
    with serving(vendor.reply) as url, working(ledger, redis_url, {"main": callgear(url)}, clock=clock) as using:
        bucket = using.accounts["main"].bucket
        bucket.acquire("probe", call=False)
        bucket.settle("probe", charged=True)
        yield Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)


def test_a_call_seen_talking_and_then_gone_was_answered(watch):
    one = watch.call()
    assert watch.see(4, ("100", None, RINGING)) == 0
    assert watch.see(4, ("100", None, TALKING)) == 0
    talking_since = watch.clock()
    assert watch.see(4) == 1
    made = attempt(watch.ledger, one.id)
    assert (made.status, made.outcome, made.talk_seconds) == ("ended", "answered", 4.0)
    assert (made.answered_at, made.ended_at) == (talking_since, watch.clock())
    assert contact(watch.ledger, one.contact_id).status == "reached"


def test_a_call_seen_ringing_and_then_gone_was_not_answered(watch):
    one = watch.call()
    watch.see(4, ("100", None, RINGING))
    assert watch.see(4) == 1, "a call that was seen is gone as soon as it is missing"
    assert attempt(watch.ledger, one.id).outcome == "no_answer"


def test_a_call_never_seen_with_small_gaps_was_not_answered(watch):
    one = watch.call()
    assert watch.see(3) == 0, "one look may have come too early to show it"
    assert watch.see(3) == 1
    made = attempt(watch.ledger, one.id)
    assert (made.outcome, made.detail) == ("no_answer", "it was never seen answered")


@pytest.mark.parametrize(("gap", "outcome"), [(TWO_POLLERS_DEAD - 0.5, "no_answer"), (TWO_POLLERS_DEAD, "unknown")])
def test_a_list_that_keeps_every_answer_is_not_trusted_for_as_long_as_two_pollers_may_have_died(
    ledger, clock, redis_url, buckets, gap, outcome
):
    """Each of two looks may have been the last of a worker that was killed: the list thinks that it has told."""
    vendor = ListingVendor()
    with serving(vendor.reply) as url:
        account = callgear(url, shows_every_answer=True, speed=5)
        with working(ledger, redis_url, {"main": account}, clock=clock) as using:
            watch = Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)
            one = watch.call()
            watch.see(1, ("100", None, RINGING))
            watch.see(gap)
            assert attempt(ledger, one.id).outcome == outcome


@pytest.mark.parametrize("state", [TALKING, RINGING, GONE])
def test_an_entry_with_our_call_and_anothers_attempt_shows_neither_that_it_goes_on_nor_that_it_ended(watch, state):
    one = watch.call()
    watch.see(4, ("100", None, RINGING))
    assert watch.see(3, ("100", str(uuid4()), state)) == 0
    made = attempt(watch.ledger, one.id)
    assert (made.status, made.outcome) == ("placed", None)
    assert watch.see(3, ("100", str(one.id), RINGING)) == 0
    assert watch.see(3) == 1
    assert attempt(watch.ledger, one.id).outcome == "no_answer"


@pytest.mark.parametrize("gaps", [(3, 7), (7, 3)], ids=["between two looks", "before the first look"])
def test_a_gap_longer_than_the_message_leaves_the_outcome_unknown(watch, gaps):
    one = watch.call(retry={"max_attempts": 3, "no_answer": ["1m"]})
    assert [watch.see(gap) for gap in gaps] == [0, 1]
    made, called = attempt(watch.ledger, one.id), contact(watch.ledger, one.contact_id)
    assert (made.status, made.outcome, called.status) == ("unknown", "unknown", "unknown")


def test_the_figure_of_the_gap_stays_with_the_attempt_so_that_the_report_can_add_up_reasons(watch):
    reasons, details = set(), set()
    for gap in (7, 8, 9):
        one = watch.call()
        watch.see(gap)
        watch.see(3)
        reasons.add(contact(watch.ledger, one.contact_id).reason)
        details.add(attempt(watch.ledger, one.id).detail)
    assert reasons == {"nobody looked often enough to tell whether it was answered"}
    assert "nobody looked for 8.2 s, in which the whole message could have been played" in details
    assert len(details) == 3


def test_a_slow_answer_to_the_request_is_a_gap_too(watch):
    """The call may be as old as the request: somebody may have heard the message before we were told of the call."""
    one = watch.call(answered_after=8)
    watch.see(3)
    watch.see(3)
    assert attempt(watch.ledger, one.id).outcome == "unknown"


def test_a_gap_before_the_call_was_seen_ringing_does_not_count(watch):
    one = watch.call(answered_after=8)
    watch.see(3, ("100", None, RINGING))
    watch.see(3)
    assert attempt(watch.ledger, one.id).outcome == "no_answer"


def test_a_gap_after_the_call_was_seen_ringing_counts(watch):
    one = watch.call()
    watch.see(3, ("100", None, RINGING))
    watch.see(7)
    assert attempt(watch.ledger, one.id).outcome == "unknown"


def test_a_leg_that_is_seen_hung_up_is_followed_until_it_is_gone(watch):
    one = watch.call()
    assert watch.see(3, ("100", None, GONE)) == 0
    assert watch.see(3) == 1
    assert attempt(watch.ledger, one.id).outcome == "no_answer"


def test_a_state_that_no_edition_knows_leaves_the_outcome_unknown(watch):
    one = watch.call()
    watch.see(3, ("100", None, "Levitating"))
    watch.see(3)
    assert attempt(watch.ledger, one.id).outcome == "unknown"


def test_a_refused_look_concludes_nothing(watch):
    one = watch.call()
    watch.see(3, ("100", None, RINGING))
    watch.vendor.refusal = "internal_error"
    assert watch.see(3) == 0
    assert watch.see(300) == 0
    assert attempt(watch.ledger, one.id).status == "placed"


def test_a_list_with_an_entry_that_cannot_be_read_concludes_nothing(watch):
    """It could be any of ours."""
    one = watch.call()
    watch.see(3, ("100", None, RINGING))
    assert watch.see(3, ("", None, RINGING)) == 0
    assert attempt(watch.ledger, one.id).status == "placed"


def test_a_call_placed_after_the_look_began_is_not_concluded_by_it(watch):
    """The list was drawn up before the call was there, and is read after."""
    waiting = watch.call()
    placed = []
    watch.vendor.before_reply = lambda: placed.append(watch.call("200")) if not placed else None
    watch.see(30, ("100", None, RINGING))
    assert attempt(watch.ledger, placed[0].id).looks == 0
    assert attempt(watch.ledger, waiting.id).looks == 1


def test_a_call_that_may_not_be_listed_yet_is_not_missed(watch):
    one = watch.call()
    for _ in range(3):
        assert watch.see(0.5) == 0
    assert attempt(watch.ledger, one.id).looks == 0


def test_a_look_that_was_overtaken_by_a_later_one_concludes_nothing(watch):
    """Its list is older than what is known."""
    one = watch.call()

    def a_later_look():
        watch.vendor.before_reply = lambda: None
        assert watch.see(4, ("100", None, RINGING)) == 0
        watch.vendor.listed = []

    watch.vendor.before_reply = a_later_look
    assert watch.see(5) == 0
    made = attempt(watch.ledger, one.id)
    assert (made.status, made.seen) == ("placed", True)
    assert made.looked_at == watch.clock().timestamp()


def test_an_unconfirmed_call_that_is_listed_was_placed(watch):
    one = watch.doubted(SAYS_NOTHING)
    watch.see(3, ("100", str(one.id), RINGING))
    made, called = attempt(watch.ledger, one.id), contact(watch.ledger, one.contact_id)
    assert (made.status, made.counted, made.provider_call_id) == ("placed", True, "100")
    assert (called.status, called.attempts) == ("placed", 1)
    assert watch.see(3) == 1
    assert attempt(watch.ledger, one.id).outcome == "no_answer"


def test_an_unconfirmed_call_that_is_listed_talking_was_answered(watch):
    one = watch.doubted(SAYS_FAILED)
    watch.see(3, ("100", str(one.id), TALKING))
    assert attempt(watch.ledger, one.id).status == "answered"
    assert watch.see(3) == 1
    assert contact(watch.ledger, one.contact_id).status == "reached"


def test_a_call_that_the_provider_said_had_failed_and_does_not_list_is_dialed_again(watch):
    one = watch.doubted(SAYS_FAILED)
    assert watch.see(3) == 0
    assert watch.see(3) == 1
    made, called = attempt(watch.ledger, one.id), contact(watch.ledger, one.contact_id)
    assert (made.status, made.counted, made.mnemonic) == ("not_placed", False, "internal_error")
    assert (called.status, called.attempts) == ("pending", 0)


def test_a_look_from_before_the_provider_said_so_is_no_sign_that_a_call_failed(watch):
    """The request may not even have left when the list was drawn up."""
    (one,) = dialing(watch.ledger, numbers(1), now=watch.clock())

    def answer_comes():
        watch.ledger.write(mark_unconfirmed, one, SAYS_FAILED, settle_seconds=60.0, now=watch.clock.forward(1))

    (other,) = dialing(watch.ledger, numbers(1, area=212), now=watch.clock())
    watch.ledger.write(accept, other, "200", watch.account.settings, now=watch.clock())
    watch.vendor.before_reply = answer_comes
    watch.see(4, ("200", None, RINGING))
    watch.vendor.before_reply = lambda: None
    assert attempt(watch.ledger, one.id).looks == 0
    watch.see(3, ("200", None, RINGING))
    assert attempt(watch.ledger, one.id).status == "unconfirmed", "only one look could have shown it"


def test_a_call_of_which_the_provider_said_nothing_is_never_dialed_again(watch):
    one = watch.doubted(SAYS_NOTHING)
    for _ in range(12):
        assert watch.see(3) == 0
    assert attempt(watch.ledger, one.id).status == "unconfirmed"
    watch.clock.forward(60)
    sweep(using=watch.using)
    row = contact(watch.ledger, one.contact_id)
    assert (row.status, row.attempts) == ("unknown", 0)
    assert row.reason == "no answer to the request is known, and nothing was heard of the call: it may have rung"


def test_looking_concludes_a_call_once_however_many_look(watch):
    one = watch.call(retry={"max_attempts": 3, "no_answer": ["1m"]})
    watch.see(3, ("100", None, RINGING))
    watch.clock.forward(3)
    watch.vendor.listed = []
    told: list[int] = []

    def glance():
        watch.end_leases()
        told.append(poll_calls(watch.account, using=watch.using))

    lookers = [threading.Thread(target=glance) for _ in range(5)]
    for each in lookers:
        each.start()
    for each in lookers:
        each.join()
    assert sum(told) == 1
    row = contact(watch.ledger, one.contact_id)
    assert (row.status, row.attempts) == ("pending", 1)
    assert row.due_at == watch.clock() + timedelta(minutes=1)


def test_looks_and_answers_of_the_same_calls_at_once_never_wait_for_each_other_crosswise(watch):
    """A look has the calls in the order of their dialing, and locks them in the order of all who lock."""
    made = [watch.call(f"10{place}", campaign=f"reminders{place}") for place in range(2)]
    first, second = sorted(made, key=lambda one: one.id)
    with watch.ledger.writing() as db:
        for at, one in enumerate([second, first]):
            moment = watch.clock() - timedelta(seconds=20 - at)
            db.execute(update(attempts).where(attempts.c.id == one.id).values(dialing_at=moment))
    looks = threading.Thread(target=watch.see, args=(3, ("100", None, TALKING), ("101", None, TALKING)))
    with deadlocks(watch.ledger) as found:
        with watch.ledger.writing() as db:
            queries.attempts_by_id(db, [first.id], lock=True)
            looks.start()
            until_it_waits(watch.ledger, looks)
            queries.attempts_by_id(db, [second.id], lock=True)
        looks.join(PATIENCE)
    assert found == []
    assert {attempt(watch.ledger, one.id).status for one in made} == {"answered"}


def test_without_calls_in_progress_nobody_asks_the_vendor(watch):
    seed(watch.ledger, numbers(2), now=watch.clock())
    watch.see(5)
    assert watch.vendor.requests == 0


def test_only_one_of_all_workers_looks_in_its_time(watch):
    watch.call()
    watch.see(3, ("100", None, RINGING))
    for _ in range(5):
        poll_calls(watch.account, using=watch.using)
    assert watch.vendor.requests == 1


def test_an_ended_call_leaves_its_place_in_the_bucket(watch):
    one = watch.call()
    bucket = watch.account.bucket
    bucket.acquire(str(one.id))
    bucket.settle(str(one.id), charged=True, call_in_progress=True)
    watch.see(3, ("100", None, RINGING))
    watch.see(3)
    assert bucket.end_calls([str(one.id)]) == 0, "its place was free already"


def test_after_a_throttle_looks_go_on_and_calls_of_that_time_end_as_they_ended(watch):
    one = watch.call()
    watch.throttle()
    watch.see(3, ("100", None, RINGING))
    watch.see(3, ("100", None, TALKING))
    assert watch.see(3) == 1
    assert contact(watch.ledger, one.contact_id).status == "reached"


def test_looks_that_are_refused_in_a_throttle_conclude_nothing_and_the_first_good_one_lets_calls_go_on(watch):
    one = watch.call()
    watch.see(3, ("100", None, RINGING))
    watch.throttle()
    watch.vendor.refusal = "limit_exceeded"
    for _ in range(3):
        assert watch.see(3) == 0
    assert (watch.vendor.requests, attempt(watch.ledger, one.id).status) == (4, "placed")
    watch.vendor.refusal, watch.vendor.meter = None, Meter(minute_limit=100, minute_remaining=50, minute_reset=30)
    assert not watch.account.bucket.acquire("a call").granted
    watch.see(3, ("100", None, RINGING))
    assert watch.account.bucket.acquire("a call").granted


def test_in_a_throttle_short_messages_are_looked_at_once_a_poll_all_the_same(ledger, clock, redis_url, buckets):
    vendor = ListingVendor()
    with (
        serving(vendor.reply) as url,
        working(ledger, redis_url, {"main": callgear(url, poll_seconds=600)}, clock=clock) as using,
    ):
        watch = Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)
        watch.call()
        watch.throttle()
        watch.see(3, ("100", None, RINGING))
        for _ in range(3):
            watch.end_leases(probes=False)
            poll_calls(watch.account, using=using)
    assert vendor.requests == 1


def test_a_look_costs_one_point_whatever_a_call_costs(ledger, clock, redis_url, buckets):
    vendor = ListingVendor()
    with serving(vendor.reply) as url:
        account = {"main": callgear(url, call_points=50, minute_points=40)}
        with working(ledger, redis_url, account, clock=clock) as using:
            watch = Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)
            watch.call()
            watch.see(3, ("100", None, RINGING))
    assert vendor.requests == 1


def test_a_call_whose_worker_died_before_it_heard_the_answer_is_found_in_the_list(watch):
    """It would be doubted half a minute later, when nobody can see it any more."""
    (one,) = dialing(watch.ledger, numbers(1), now=watch.clock())
    watch.see(3, ("100", str(one.id), RINGING))
    made, called = attempt(watch.ledger, one.id), contact(watch.ledger, one.contact_id)
    assert (made.status, made.provider_call_id, called.status, called.attempts) == ("placed", "100", "placed", 1)
    watch.see(3, ("100", str(one.id), TALKING))
    watch.see(3)
    assert contact(watch.ledger, one.contact_id).status == "reached"


def test_the_answer_that_comes_after_the_list_has_shown_the_call_changes_nothing(watch):
    (one,) = dialing(watch.ledger, numbers(1), now=watch.clock())
    watch.see(3, ("100", str(one.id), RINGING))
    seen = fresh(watch.ledger, one.id)
    for late in (Ruling(verdict=Verdict.PLACED, provider_call_id="100"), SAYS_NOTHING):
        watch.ledger.write(rule, seen, late, watch.account.settings, now=watch.clock(), rng=Random(1))
    assert (attempt(watch.ledger, one.id).status, contact(watch.ledger, one.contact_id).attempts) == ("placed", 1)


def test_a_call_that_is_just_being_requested_is_neither_looked_for_nor_missed(watch):
    (one,) = dialing(watch.ledger, numbers(1), now=watch.clock())
    watch.see(0.5)
    assert watch.vendor.requests == 0
    for _ in range(3):
        assert watch.see(3) == 0
    assert (attempt(watch.ledger, one.id).status, attempt(watch.ledger, one.id).looks) == ("dialing", 0)


LOOKER = """
import sys
from campaigns.ledger.store import Ledger
from campaigns.settlement.polling import LOOKERS_LEASE, TWO_POLLERS_DEAD, poll_calls
from tests.support.dialers import callgear, working

ledger_url, redis_url, url = sys.argv[1:]
with working(Ledger(ledger_url), redis_url, {"main": callgear(url, poll_seconds=600, notifications=True)}) as using:
    poll_calls(using.accounts["main"], using=using)
"""


def test_when_a_worker_is_killed_in_the_middle_of_a_look_another_looks_soon(ledger, redis_url, buckets):
    """Not only when the next look would have been due, which is ten minutes later here."""
    vendor, asked, over = ListingVendor(), threading.Event(), threading.Event()

    def keep_waiting() -> None:
        if not asked.is_set():
            asked.set()
            over.wait(PATIENCE)

    vendor.before_reply = keep_waiting
    with serving(vendor.reply) as url:
        account = {"main": callgear(url, poll_seconds=600, notifications=True, timeout=60)}
        with working(ledger, redis_url, account) as using:
            watch = Watch(ledger=ledger, clock=HandSetClock(utc_now()), vendor=vendor, using=using, buckets=buckets)
            watch.call()
            with preloaded.begun("-c", LOOKER, ledger.url, redis_url, url):
                assert asked.wait(PATIENCE)
                poll_calls(watch.account, using=using)
                assert vendor.requests == 1, "a look is under way"
            wait_for(lambda: bool(poll_calls(watch.account, using=using)) or vendor.requests == 2)
            over.set()
            poll_calls(watch.account, using=using)
    assert vendor.requests == 2, "and then not before its time"


def test_a_look_that_takes_long_keeps_its_turn(ledger, redis_url, buckets, clock):
    """Its worker lives: two at a time would only cost points."""
    vendor = ListingVendor()
    began = threading.Event()

    def slowly() -> None:
        began.set()
        time.sleep(2.5 * LOOKERS_LEASE)

    vendor.before_reply = slowly
    with serving(vendor.reply) as url:
        account = {"main": callgear(url, poll_seconds=600, notifications=True, timeout=60)}
        with working(ledger, redis_url, account, clock=clock) as using:
            watch = Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)
            watch.call()
            looking = threading.Thread(target=poll_calls, args=(watch.account,), kwargs={"using": using})
            looking.start()
            assert began.wait(PATIENCE)
            while looking.is_alive():
                poll_calls(watch.account, using=using)
                time.sleep(0.1)
    assert vendor.requests == 1


def test_an_account_that_is_followed_by_receipts_is_not_looked_at(ledger, clock, redis_url, buckets):
    (one,) = dialing(ledger, numbers(1), now=clock())
    answered = Ruling(verdict=Verdict.PLACED, provider_call_id="m-1")
    with working(ledger, redis_url, {"main": webex()}, clock=clock) as using:
        account = using.accounts["main"]
        ledger.write(rule, one, answered, account.settings, now=clock(), rng=Random(1))
        clock.forward(60)
        assert poll_calls(account, using=using) == 0
    assert attempt(ledger, one.id).status == "placed"


def test_a_sighting_is_as_old_as_its_question_even_when_the_call_was_doubted_meanwhile(watch):
    """The list that shows it ringing was slow; a whole message fits between that question and the next answer."""
    watch.call("99")
    changes = {"campaign": "doubted", "retry": {"max_attempts": 2, "no_answer": ["1m"]}}
    (one,) = dialing(watch.ledger, numbers(1, area=212), now=watch.clock(), **changes)

    def doubt_it() -> None:
        watch.vendor.before_reply = lambda: None
        watch.ledger.write(mark_unconfirmed, one, SAYS_NOTHING, settle_seconds=60.0, now=watch.clock.forward(2.5))

    watch.vendor.before_reply = doubt_it
    watch.see(1, ("99", None, RINGING), ("100", str(one.id), RINGING))
    assert attempt(watch.ledger, one.id).status == "placed"
    watch.see(5, ("99", None, RINGING))
    made, called = attempt(watch.ledger, one.id), contact(watch.ledger, one.contact_id)
    assert (made.outcome, called.status) == ("unknown", "unknown"), "so nobody may call again"


# How often


@pytest.mark.parametrize(
    ("message", "given", "heard", "seconds"),
    [
        (30.0, {}, None, 5.0),  # poll_seconds: a long message is looked at twice anyhow
        (6.0, {}, None, 3.0),
        (2.0, {}, None, 1.0),
        (2.0, {"poll_seconds": 0.5}, None, 0.5),
        (2.0, {"minute_points": 60}, None, 4.0),  # a quarter of the minute's points for looks
        (2.0, {"minute_points": 10}, None, 5.0),
        (2.0, {"minute_points": 60}, 600, 1.0),  # the provider's own word
        (6.0, {"speed": 2}, None, 1.5),
        (2.0, {"notifications": True}, None, 5.0),  # they tell how calls ended
        (2.0, {"data_api_url": "http://127.0.0.1:9/v2.0"}, None, 5.0),
    ],
)
def test_short_messages_are_looked_at_oftener_within_the_providers_points(message, given, heard, seconds):
    assert poll_interval(callgear(**given), message, heard) == pytest.approx(seconds)


def test_a_short_message_is_looked_at_while_a_long_ones_turn_lasts(ledger, clock, redis_url, buckets):
    vendor = ListingVendor()
    with (
        serving(vendor.reply) as url,
        working(ledger, redis_url, {"main": callgear(url, poll_seconds=600)}, clock=clock) as using,
    ):
        watch = Watch(ledger=ledger, clock=clock, vendor=vendor, using=using, buckets=buckets)
        watch.call()
        wait_for(lambda: bool(poll_calls(watch.account, using=using)) or vendor.requests >= 2, every=0.2)


@pytest.mark.parametrize(
    ("message", "given", "said"),
    [
        (2.4, {}, "every 1.2 s (poll_seconds is 5)"),
        (4.0, {}, None),
        (4.0, {"minute_points": 60}, "every 4.0 s"),
        (2.4, {"notifications": True}, None),
        (2.4, {"data_api_url": "http://127.0.0.1:9/v2.0"}, None),
    ],
)
def test_a_message_that_may_be_missed_all_the_same_is_named_with_the_remedy(message, given, said):
    warning = short_message_warning(callgear(**given), message)
    assert (warning is None) == (said is None)
    if warning and said:
        named = (f"{message:.1f} s", said, "unknown", "dialer notifications", "data_api_url", "poll_seconds")
        assert all(word in warning for word in named)
    assert short_message_warning(webex(), message) is None
