"""The sweep settles what was left behind, and however often or by however many it is done, it does it once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import redis
from sqlalchemy import select, update

from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.tables import attempts, audit, campaigns, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, mark_unconfirmed
from campaigns.settlement.timeouts import MOST_ASKED
from dialer.calls import Outcome
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.settlement.test_receipts import receipt
from tests.support.dialers import StatusVendor, callgear, serving, webex, working
from tests.support.seeding import attempt, campaign_row, claim, contact, dialing, fresh, numbers, open_all, seed
from tests.support.statuses import as_attempt

IN_DOUBT = Ruling(verdict=Verdict.UNCONFIRMED, detail="did not answer in time")


@pytest.fixture
def vendor() -> StatusVendor:
    return StatusVendor()


@pytest.fixture
def using(ledger, clock, redis_url, buckets, vendor) -> Iterator[Runtime]:
    """A worker with one account, `main`, whose calls are followed by receipts and that can be asked about a call."""
    with serving(vendor.reply) as url, working(ledger, redis_url, {"main": webex(url)}, clock=clock) as parts:
        yield parts


def placed(ledger, using, clock, count=1, **changes):
    """Calls that were placed, m-0 and so on."""
    settings = using.accounts["main"].settings
    made = dialing(ledger, numbers(count), now=clock(), **changes)
    for place, one in enumerate(made):
        ledger.write(accept, one, f"m-{place}", settings, now=clock())
    return [fresh(ledger, one.id) for one in made]


def everything(ledger):
    """All that a sweep may change."""
    with ledger.reading() as db:
        tables = (attempts, contacts, campaigns, audit)
        return [db.execute(select(table).order_by(*table.primary_key.columns)).all() for table in tables]


def kept(ledger, heard, *, now):
    """A receipt that was stored and not applied yet."""
    ledger.write(store, [Delivery(account="main", heard=[heard], body="as it came")], now=now)


def leases_are_over(buckets: redis.Redis) -> None:
    """As after some seconds, in which nobody else asks about the same call."""
    for lease in buckets.keys("*:lease:*"):
        buckets.delete(lease)


def stamped(when: datetime) -> str:
    return when.isoformat()


@pytest.fixture
def left_behind(ledger, clock, using, vendor):
    """One of everything that a dead worker, a silent provider or time can leave behind."""
    retried = {"retry": {"max_attempts": 3, "busy": ["5m"], "no_answer": ["5m"]}}
    dialing(ledger, numbers(1, first=1), now=clock(), campaign="died")
    (silent,) = placed(ledger, using, clock, campaign="silent", **retried)
    (told,) = dialing(ledger, numbers(1, first=2), now=clock(), campaign="told", **retried)
    ledger.write(accept, told, "m-busy", using.accounts["main"].settings, now=clock())
    vendor.calls["m-busy"] = {"status": "Busy", "endedAt": stamped(clock() + timedelta(seconds=9))}
    stale = seed(ledger, numbers(2, first=3), now=clock(), campaign="stale")
    claim(ledger, stale, 1, now=clock(), lease=10)
    seed(ledger, numbers(1, first=5), now=clock(), campaign="late", not_after=clock() + timedelta(minutes=1))
    cancelled = seed(ledger, numbers(1, first=6), now=clock(), campaign="cancelled")
    control.cancel(ledger, cancelled, who="test", now=clock())
    assert silent.provider_call_id == "m-0"
    clock.forward(600)


def test_a_second_sweep_finds_nothing_more(ledger, using, left_behind):
    first = sweep(using=using)
    assert (first.claims_returned, first.marked_unconfirmed, first.concluded, first.finished) == (1, 1, 2, 2)
    after = everything(ledger)
    again = sweep(using=using)
    assert (again.claims_returned, again.marked_unconfirmed, again.concluded, again.finished) == (0, 0, 0, 0)
    assert everything(ledger) == after


def test_what_nobody_swept_for_an_hour_is_settled_all_the_same(ledger, clock, using, buckets, left_behind):
    clock.forward(3600)
    sweep(using=using)
    leases_are_over(buckets)
    clock.forward(3600)
    sweep(using=using)
    with ledger.reading() as db:
        statuses = dict(db.execute(select(contacts.c.campaign_id, contacts.c.status)).all())
    assert statuses == {
        "died-1": "unknown",
        "silent-1": "unknown",
        "told-1": "pending",
        "stale-1": "pending",
        "late-1": "expired",
        "cancelled-1": "cancelled",
    }


def test_many_sweeps_at_once_do_what_one_does(ledger, using, buckets, left_behind):
    done = []
    sweeps = [threading.Thread(target=lambda: done.append(sweep(using=using))) for _ in range(6)]
    for each in sweeps:
        each.start()
    for each in sweeps:
        each.join()
    assert len(done) == 6
    leases_are_over(buckets)  # whom nobody could ask about while another sweep did comes to its turn
    done.append(sweep(using=using))
    totals = [
        sum(getattr(one, name) for one in done)
        for name in ("claims_returned", "marked_unconfirmed", "concluded", "finished")
    ]
    assert totals == [1, 1, 2, 2]
    with ledger.reading() as db:
        statuses = dict(db.execute(select(contacts.c.campaign_id, contacts.c.status)).all())
        finished = db.scalars(select(audit.c.campaign_id).where(audit.c.event == "campaign finished")).all()
    assert statuses == {
        "died-1": "dialing",
        "silent-1": "unknown",
        "told-1": "pending",
        "stale-1": "pending",
        "late-1": "expired",
        "cancelled-1": "cancelled",
    }
    assert sorted(finished) == ["late-1", "silent-1"], "each finished once, with one line in the audit"


def test_a_worker_that_died_between_commit_and_answer_leaves_a_doubt_that_is_settled(ledger, clock, using):
    (one,) = dialing(ledger, numbers(1), now=clock())
    clock.forward(39)
    assert sweep(using=using).marked_unconfirmed == 0, "its worker may still be waiting for the answer"
    clock.forward(2)
    assert sweep(using=using).marked_unconfirmed == 1
    made = attempt(ledger, one.id)
    assert (made.status, made.detail) == ("unconfirmed", "its worker stopped between the request and the answer")
    assert contact(ledger, one.contact_id).status == "dialing", "it is not due: it may be ringing"
    clock.forward(200)
    assert sweep(using=using).concluded == 1
    row = contact(ledger, one.contact_id)
    assert (row.status, row.attempts) == ("unknown", 0)
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.FINISHED


def test_a_doubt_is_settled_by_a_receipt_as_long_as_it_lasts(ledger, clock, using):
    (one,) = dialing(ledger, numbers(1), now=clock())
    clock.forward(41)
    sweep(using=using)
    told = receipt("NO_ANSWER", "m-1", one.id, clock())
    kept(ledger, told, now=clock.forward(1))  # by a console that died before applying it
    sweep(using=using)
    assert attempt(ledger, one.id).status == "placed"
    clock.forward(3)
    assert sweep(using=using).concluded == 1
    assert attempt(ledger, one.id).outcome == "no_answer"


@pytest.mark.parametrize("missing", ["died", "silent", "unconfirmed"])
def test_nobody_is_lost_when_an_account_leaves_the_settings(ledger, clock, redis_url, buckets, missing):
    (one,) = dialing(ledger, numbers(1), now=clock())
    if missing == "silent":
        ledger.write(accept, one, "m-0", webex(), now=clock())
    if missing == "unconfirmed":
        ledger.write(mark_unconfirmed, one, IN_DOUBT, settle_seconds=180.0, now=clock())
    with working(ledger, redis_url, {}, clock=clock) as using:
        for _ in range(3):
            clock.forward(300)
            sweep(using=using)
    assert contact(ledger, one.contact_id).status == "unknown"
    assert campaign_row(ledger, one.campaign_id).status == CampaignStatus.FINISHED


# Asking the provider


def due_and_told(ledger, using, clock, vendor, **answer):
    """A silent call whose time has come, and what the provider says of it when asked; returns its row."""
    (one,) = placed(ledger, using, clock, retry={"max_attempts": 2, "busy": ["5m"]})
    vendor.calls["m-0"] = answer
    clock.forward(400)
    sweep(using=using)
    return attempt(ledger, one.id)


def test_a_call_whose_receipts_never_came_is_settled_by_asking(ledger, clock, using, vendor):
    ended = clock() + timedelta(seconds=20)
    row = due_and_told(ledger, using, clock, vendor, status="Busy", endedAt=stamped(ended))
    assert (row.status, row.outcome, row.ended_at) == ("ended", "busy", ended)
    assert row.detail == "its last receipt never came: settled by asking the provider"
    assert contact(ledger, row.contact_id).due_at == ended + timedelta(minutes=5)
    assert vendor.asked == ["m-0"]


def test_a_call_that_the_provider_says_goes_on_is_not_concluded(ledger, clock, using, vendor, buckets):
    row = due_and_told(ledger, using, clock, vendor, status="In-progress", answeredAt=stamped(clock()))
    assert row.status == "answered"
    vendor.calls["m-0"] = {"status": "ANSWERED", "answeredAt": stamped(row.answered_at), "endedAt": stamped(clock())}
    vendor.calls["m-0"]["callDuration"] = 400
    clock.forward(200)
    leases_are_over(buckets)
    assert sweep(using=using).concluded == 1
    row = attempt(ledger, row.id)
    assert (row.outcome, row.talk_seconds) == ("answered", 400)


def test_a_call_that_goes_on_for_ever_is_concluded_in_the_end(ledger, clock, using, vendor, buckets):
    row = due_and_told(ledger, using, clock, vendor, status="Ringing")
    assert row.status == "placed"
    for _ in range(20):
        clock.forward(200)
        leases_are_over(buckets)
        sweep(using=using)
    assert attempt(ledger, row.id).status == "unknown"
    assert contact(ledger, row.contact_id).status == "unknown"


def test_an_unconfirmed_call_with_an_id_is_asked_about_and_counts_when_it_is_known(ledger, clock, using, vendor):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 1, "busy": ["5m"]})
    named = Ruling(verdict=Verdict.UNCONFIRMED, provider_call_id="m-0", detail="an answer nobody understands")
    ledger.write(mark_unconfirmed, one, named, settle_seconds=60.0, now=clock())
    vendor.calls["m-0"] = {"status": "Busy", "endedAt": stamped(clock())}
    clock.forward(61)
    sweep(using=using)
    made, row = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.outcome, made.counted) == ("ended", "busy", True)
    assert (row.status, row.attempts, row.reason) == ("unreached", 1, "busy after 1 attempt")


@pytest.mark.parametrize("word", ["DROPPED", "DISCONNECTED"])
def test_receipts_that_do_not_say_how_a_call_ended_are_asked_after(ledger, clock, using, vendor, word):
    """Somebody heard the message, the receipt that says so was lost: a failed call would be tried again."""
    (one,) = placed(ledger, using, clock, retry={"max_attempts": 2, "failed": ["1m"]})
    kept(ledger, receipt(word, "m-0", None, clock.forward(9)), now=clock())
    vendor.calls["m-0"] = {"status": "ANSWERED", "answeredAt": stamped(clock()), "endedAt": stamped(clock())}
    sweep(using=using)
    clock.forward(21)
    sweep(using=using)
    assert attempt(ledger, one.id).outcome == "answered"


def test_receipts_that_say_it_all_leave_nothing_to_ask(ledger, clock, using, vendor):
    (one,) = placed(ledger, using, clock)
    kept(ledger, receipt("NO_ANSWER", "m-0", None, clock.forward(9)), now=clock())
    sweep(using=using)
    clock.forward(3)
    assert sweep(using=using).concluded == 1
    assert (attempt(ledger, one.id).outcome, vendor.asked) == ("no_answer", [])


def test_a_busy_call_is_asked_after_for_it_may_have_been_declined(ledger, clock, using, vendor):
    """The two differ by one receipt, which may have been lost, and only the one is to be tried again."""
    placed(ledger, using, clock, retry={"max_attempts": 2, "busy": ["1m"]})
    kept(ledger, receipt("BUSY", "m-0", None, clock.forward(9)), now=clock())
    vendor.calls["m-0"] = {"status": "REJECTED", "endedAt": stamped(clock())}
    sweep(using=using)
    clock.forward(3)
    assert sweep(using=using).concluded == 1
    assert vendor.asked == ["m-0"]


def test_asking_keeps_to_the_accounts_pace(ledger, clock, redis_url, buckets, vendor):
    with (
        serving(vendor.reply) as url,
        working(ledger, redis_url, {"main": webex(url, pace=0.001)}, clock=clock) as using,
    ):
        placed(ledger, using, clock, count=4)
        clock.forward(400)
        assert sweep(using=using).concluded == 1
        assert sweep(using=using).concluded == 0
        assert len(vendor.asked) == 1


def test_one_sweep_asks_so_much_and_the_next_goes_on(ledger, clock, using, vendor):
    placed(ledger, using, clock, count=MOST_ASKED + 3)
    clock.forward(400)
    assert sweep(using=using).concluded <= MOST_ASKED
    while sweep(using=using).concluded:
        pass
    assert sorted(vendor.asked) == sorted(f"m-{place}" for place in range(MOST_ASKED + 3)), "each was asked about once"


def test_without_redis_nobody_is_asked_and_nothing_is_concluded_yet(ledger, clock):
    with working(ledger, "redis://127.0.0.1:1/0", {"main": webex()}, clock=clock) as using:
        (one,) = placed(ledger, using, clock)
        clock.forward(400)
        assert sweep(using=using).concluded == 0
    assert attempt(ledger, one.id).status == "placed"


def test_what_is_heard_while_the_provider_is_asked_is_not_overwritten(ledger, clock, using, vendor, redis_url):
    """The sweep found the call silent and asked; meanwhile a receipt says that it rings on."""
    (one,) = placed(ledger, using, clock)
    clock.forward(400)
    ask = vendor.reply

    def slow(method, path, body):
        later = clock() + timedelta(seconds=60)
        with ledger.writing() as db:
            db.execute(
                update(attempts)
                .where(attempts.c.id == one.id)
                .values(**as_attempt("answered", clock()), conclude_at=later)
            )
        return ask(method, path, body)

    with serving(slow) as url, working(ledger, redis_url, {"main": webex(url)}, clock=clock) as slowly:
        assert sweep(using=slowly).concluded == 0
    assert attempt(ledger, one.id).status == "answered"


# Calls known to be answered


@pytest.mark.parametrize("word", ["DISCONNECTED", "DROPPED"])
@pytest.mark.parametrize("forgotten", [True, False], ids=["forgotten by the provider", "failed at the provider"])
def test_a_call_known_to_be_answered_was_answered_whatever_its_end_is_called(
    ledger, clock, using, vendor, buckets, word, forgotten
):
    retry = {"max_attempts": 3, "failed": ["5m"], "no_answer": ["5m"]}
    (one,) = placed(ledger, using, clock, retry=retry)
    vendor.calls["m-0"] = {"status": "in_progress"}
    clock.forward(300)
    sweep(using=using)
    assert attempt(ledger, one.id).status == "answered"
    kept(ledger, receipt(word, "m-0", one.id, clock.forward(1)), now=clock())
    vendor.calls["m-0"] = {"status": "failed"}
    if forgotten:
        vendor.calls.clear()
    sweep(using=using)
    leases_are_over(buckets)
    clock.forward(300)
    assert sweep(using=using).concluded == 1
    made = attempt(ledger, one.id)
    assert (made.status, made.outcome) == ("ended", "answered")
    assert made.detail.startswith("answered; its end was told as ")
    assert contact(ledger, one.contact_id).status == "reached"


def test_a_call_answered_at_an_account_that_has_left_the_settings_was_answered(ledger, clock, redis_url, buckets):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, one, "m-0", webex(), now=clock())
    gone = {"status": "answered", "answered_at": clock(), "gone_at": clock()}
    with ledger.writing() as db:
        db.execute(update(attempts).values(**gone))
    with working(ledger, redis_url, {}, clock=clock) as using:
        clock.forward(400)
        assert sweep(using=using).concluded == 1
    assert contact(ledger, one.contact_id).status == "reached"


def test_calls_that_others_ask_about_take_nobodys_turn(ledger, clock, using, vendor):
    """The oldest are being asked about by other sweeps; this one goes on to the rest."""
    made = placed(ledger, using, clock, count=MOST_ASKED + 2)
    bucket = using.accounts["main"].bucket
    for one in made[:MOST_ASKED]:
        assert bucket.claim_lease(f"ask:{one.id}", 60)
    clock.forward(400)
    assert sweep(using=using).concluded == 2
    assert sorted(vendor.asked) == [f"m-{MOST_ASKED}", f"m-{MOST_ASKED + 1}"]


@pytest.mark.parametrize(("looks", "status"), [(0, "unknown"), (1, "unknown"), (2, "pending")])
def test_a_call_said_to_have_failed_is_no_call_only_when_enough_looks_have_missed_it(
    ledger, clock, redis_url, buckets, looks, status
):
    """A provider that named a failure of its own may have placed the call, and one look may come too early."""
    (one,) = dialing(ledger, numbers(1), now=clock())
    failed = Ruling(verdict=Verdict.UNCONFIRMED, mnemonic="internal_error")
    ledger.write(mark_unconfirmed, one, failed, settle_seconds=60.0, now=clock())
    with ledger.writing() as db:
        db.execute(update(attempts).values(looks=looks))
    clock.forward(61)
    with working(ledger, redis_url, {"main": callgear()}, clock=clock) as using:
        sweep(using=using)
    assert contact(ledger, one.contact_id).status == status


# The ends of campaigns and contacts


def test_a_campaign_is_finished_when_every_contact_is_final_and_not_before(ledger, clock, using):
    first, second = placed(ledger, using, clock, count=2)
    for one, finished in ((first, 0), (second, 1)):
        ending = Ending(outcome=Outcome.ANSWERED, ended_at=clock())
        ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
        assert sweep(using=using).finished == finished
    campaign = campaign_row(ledger, first.campaign_id)
    assert (campaign.status, campaign.reason, campaign.finished_at) == (
        CampaignStatus.FINISHED,
        "every contact is final",
        clock(),
    )


def test_a_paused_campaign_whose_last_call_ends_is_finished(ledger, clock, using):
    (one,) = placed(ledger, using, clock)
    control.pause(ledger, one.campaign_id, who="test", now=clock())
    ledger.write(
        conclude, fresh(ledger, one.id), Ending(outcome=Outcome.ANSWERED, ended_at=clock()), now=clock.forward(9)
    )
    assert sweep(using=using).finished == 1


def test_the_campaigns_end_expires_whoever_was_not_reached(ledger, clock, using):
    end = clock() + timedelta(hours=1)
    schedule = {"end": end.isoformat()}
    campaign = seed(ledger, numbers(3), now=clock(), schedule=schedule)
    claim_id, ids = claim(ledger, campaign, 2, now=clock())
    (opened,) = open_all(ledger, claim_id, ids[:1], now=clock())
    clock.now = end
    ledger.write(accept, fresh(ledger, opened), "m-0", using.accounts["main"].settings, now=clock())
    sweep(using=using)
    statuses = [contact(ledger, one).status for one in range(ids[0], ids[0] + 3)]
    assert statuses == ["placed", "expired", "expired"], "a call in progress goes on"
    assert contact(ledger, ids[1]).reason == "the campaign's end passed before it was reached"


def test_a_contact_past_its_not_after_expires_even_while_its_campaign_is_paused(ledger, clock, using):
    campaign = seed(ledger, numbers(1), now=clock(), not_after=clock() + timedelta(minutes=1))
    control.pause(ledger, campaign, who="test", now=clock())
    clock.forward(61)
    assert sweep(using=using).finished == 1


def test_a_contact_put_back_as_its_campaign_was_cancelled_is_cancelled_too(ledger, clock, using):
    """On PostgreSQL a retry and a cancellation may pass each other: each sees the ledger without the other."""
    (one,) = placed(ledger, using, clock, retry={"max_attempts": 2, "busy": ["5m"]})
    passing = fresh(ledger, one.id)
    control.cancel(ledger, one.campaign_id, who="test", now=clock())
    ledger.write(conclude, passing, Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    assert contact(ledger, one.contact_id).status == "pending"
    sweep(using=using)
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason, row.final_at) == ("cancelled", "the campaign was cancelled", clock())


def test_a_stale_claim_is_due_again_and_spends_nothing(ledger, clock, using):
    campaign = seed(ledger, numbers(1), now=clock())
    _, ids = claim(ledger, campaign, 1, now=clock(), lease=30)
    due = contact(ledger, ids[0]).due_at
    clock.forward(29)
    assert sweep(using=using).claims_returned == 0
    clock.forward(1)
    assert sweep(using=using).claims_returned == 1
    row = contact(ledger, ids[0])
    assert (row.status, row.due_at, row.tries, row.attempts) == ("pending", due, 0, 0)


def test_an_ended_call_leaves_its_place_in_the_bucket(ledger, clock, using):
    (one,) = placed(ledger, using, clock)
    bucket = using.accounts["main"].bucket
    bucket.acquire(str(one.id))
    bucket.settle(str(one.id), charged=True, call_in_progress=True)
    clock.forward(400)
    sweep(using=using)
    assert bucket.end_calls([str(one.id)]) == 0


def test_an_account_that_is_looked_at_is_not_asked(ledger, clock, redis_url, buckets):
    (one,) = dialing(ledger, numbers(1), now=clock())
    settings = callgear()
    ledger.write(accept, one, "100", settings, now=clock())
    with working(ledger, redis_url, {"main": settings}, clock=clock) as using:
        clock.forward(400)
        assert sweep(using=using).concluded == 1
    assert attempt(ledger, one.id).status == "unknown"


def test_a_suppression_does_not_touch_a_call_in_progress(ledger, clock, using):
    (one,) = placed(ledger, using, clock, retry={"max_attempts": 2, "busy": ["5m"]})
    ledger.write(suppress, one.phone, reason="asked us", source="test", now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    clock.forward(301)
    claim_id, ids = claim(ledger, one.campaign_id, 1, now=clock())
    assert open_all(ledger, claim_id, ids, now=clock()) == set(), "the retry is held"
