"""Claims and the move to `dialing`, on both stores: one worker gets a contact, once, and every gate is asked."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from campaigns.ledger import claims
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.lifecycle import ContactStatus
from campaigns.operations import control
from tests.support.seeding import attempt, claim, contact, numbers, open_all, seed


def test_a_claim_takes_the_longest_due_first_and_no_more_than_asked(ledger, clock):
    campaign = seed(ledger, numbers(5), now=clock())
    _, first = claim(ledger, campaign, 2, now=clock())
    _, rest = claim(ledger, campaign, 10, now=clock())
    assert len(first) == 2
    assert sorted(first + rest) == list(range(first[0], first[0] + 5))


def test_a_contact_that_is_not_due_is_not_claimed(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock() + timedelta(seconds=1))
    assert claim(ledger, campaign, 1, now=clock())[1] == []


def test_many_claim_at_once_and_each_contact_is_claimed_once(ledger, clock):
    campaign = seed(ledger, numbers(60), now=clock())
    taken: list[int] = []

    def work() -> None:
        while ids := claim(ledger, campaign, 4, now=clock())[1]:
            taken.extend(ids)

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == 60
    assert len(set(taken)) == 60


def test_the_attempt_is_written_before_anything_can_be_sent(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    claim_id, ids = claim(ledger, campaign, 1, now=clock())
    (opened,) = open_all(ledger, claim_id, ids, now=clock())
    row = attempt(ledger, opened)
    assert (row.status, row.number, row.dialing_at, row.counted) == ("dialing", 1, clock(), False)
    assert contact(ledger, ids[0]).status == "dialing"


def test_a_task_delivered_twice_opens_one_attempt(ledger, clock):
    campaign = seed(ledger, numbers(3), now=clock())
    claim_id, ids = claim(ledger, campaign, 3, now=clock())
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 3
    assert open_all(ledger, claim_id, ids, now=clock()) == set()


def test_a_task_delivered_to_ten_workers_at_once_opens_one_attempt_each(ledger, clock):
    campaign = seed(ledger, numbers(20), now=clock())
    claim_id, ids = claim(ledger, campaign, 20, now=clock())
    with ledger.reading() as db:
        ours = claims.still_claimed(db, claim_id, ids, clock())
    opened: list = []
    ready = threading.Barrier(10)

    def work() -> None:
        ready.wait()
        openings = [
            Opening(contact=one, account="main", provider="callgear", caller_id="+1", script_seconds=6.0)
            for one in ours
        ]
        opened.extend(
            ledger.write(open_attempts, openings, now=clock(), conclude_at={"main": clock() + timedelta(seconds=40)})
        )

    workers = [threading.Thread(target=work) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(opened) == 20
    assert len(set(opened)) == 20


def test_an_old_task_finds_its_claim_taken_by_another(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    old, ids = claim(ledger, campaign, 1, now=clock(), lease=5)
    ledger.write(claims.give_back_stale, clock.forward(6))
    new, again = claim(ledger, campaign, 1, now=clock())
    assert again == ids
    assert open_all(ledger, old, ids, now=clock()) == set()
    assert len(open_all(ledger, new, ids, now=clock())) == 1


def test_a_lease_that_has_ended_opens_nothing(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    claim_id, ids = claim(ledger, campaign, 1, now=clock(), lease=5)
    assert open_all(ledger, claim_id, ids, now=clock.forward(6)) == set()


@pytest.mark.parametrize("action", [control.pause, control.cancel], ids=["paused", "cancelled"])
def test_a_campaign_stopped_between_claim_and_dial_dials_nothing(ledger, clock, action):
    campaign = seed(ledger, numbers(2), now=clock())
    claim_id, ids = claim(ledger, campaign, 2, now=clock())
    with ledger.reading() as db:
        ours = claims.still_claimed(db, claim_id, ids, clock())
    action(ledger, campaign, who="test", now=clock())
    openings = [
        Opening(contact=one, account="main", provider="callgear", caller_id="+1", script_seconds=6.0) for one in ours
    ]
    assert ledger.write(open_attempts, openings, now=clock(), conclude_at={"main": clock()}) == []


def test_a_number_suppressed_between_claim_and_dial_is_not_dialed(ledger, clock):
    campaign = seed(ledger, numbers(2), now=clock())
    claim_id, ids = claim(ledger, campaign, 2, now=clock())
    ledger.write(suppress, numbers(1)[0], reason="asked not to be called", source="test", now=clock())
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 1
    ledger.write(claims.suppress_held, claim_id, ids, "main", clock())
    row = contact(ledger, ids[0])
    assert (row.status, row.reason) == ("suppressed", "on the suppression list: asked not to be called")


def test_a_suppression_that_has_expired_holds_nobody(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    expired = clock() - timedelta(days=1)
    ledger.write(suppress, numbers(1)[0], reason="for a week", source="test", now=clock(), expires_at=expired)
    claim_id, ids = claim(ledger, campaign, 1, now=clock())
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 1


def test_a_contact_past_its_not_after_is_not_dialed(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock(), not_after=clock() + timedelta(seconds=10))
    claim_id, ids = claim(ledger, campaign, 1, now=clock())
    assert open_all(ledger, claim_id, ids, now=clock.forward(11)) == set()
    ledger.write(claims.expire, clock())
    assert contact(ledger, ids[0]).status == ContactStatus.EXPIRED


def test_pausing_gives_claims_back_at_once(ledger, clock):
    campaign = seed(ledger, numbers(2), now=clock())
    _, ids = claim(ledger, campaign, 2, now=clock())
    control.pause(ledger, campaign, who="test", now=clock())
    assert [contact(ledger, one).status for one in ids] == ["pending", "pending"]


def test_a_claim_given_back_is_due_when_it_is_said_to_be(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    claim_id, ids = claim(ledger, campaign, 1, now=clock())
    later = clock() + timedelta(seconds=30)
    assert ledger.write(claims.give_back, claim_id, ids, due_at=later) == 1
    assert (contact(ledger, ids[0]).status, contact(ledger, ids[0]).due_at) == ("pending", later)
