"""What a call's outcome means for its attempt and its contact: reached, tried again, given up, or unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.ledger import queries
from campaigns.operations import control
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.verdicts import Verdict
from tests.support.seeding import attempt, contact, dial_again, dialing, fresh, numbers
from tests.support.settling import PLACED, SETTINGS, doubted, refused, ruled

RETRY = {"retry": {"max_attempts": 3, "busy": ["5m", "15m"], "no_answer": ["30m", "2h"], "failed": ["1m", "1m", "1m"]}}
UNHEARD = "nothing was heard of it"


def ended(ledger, one, outcome, now, **facts):
    """The call was placed and has ended this way; returns its contact's row."""
    ledger.write(accept, fresh(ledger, one.id), f"call-{one.id}", SETTINGS, now=now)
    ending = Ending(outcome=outcome, ended_at=now, **facts)
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=now + timedelta(seconds=7))
    return contact(ledger, one.contact_id)


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Outcome.ANSWERED, "reached", "answered"),
        (Outcome.MACHINE, "reached", "machine"),
        (Outcome.BUSY, "pending", None),
        (Outcome.NO_ANSWER, "pending", None),
        (Outcome.FAILED, "pending", None),
        (Outcome.REJECTED, "unreached", "rejected after 1 attempt"),
        (Outcome.INVALID_NUMBER, "unreached", "invalid_number after 1 attempt"),
        (Outcome.EXPIRED, "expired", "expired at the provider"),
        (Outcome.UNKNOWN, "unknown", "outcome unknown"),
    ],
)
def test_every_outcome_has_its_effect(ledger, clock, outcome, status, reason):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, outcome, clock.forward(10))
    assert (row.status, row.reason, row.attempts) == (status, reason, 1)
    made = attempt(ledger, one.id)
    assert made.status == ("unknown" if outcome is Outcome.UNKNOWN else "ended")
    assert (made.outcome, made.conclude_at) == (outcome, None)
    assert (row.final_at is None) == (status == "pending")


def test_the_retry_clock_starts_when_the_call_ended(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock.forward(40))
    assert row.due_at == clock() + timedelta(minutes=5)
    assert attempt(ledger, one.id).next_attempt_at == row.due_at


def test_each_outcome_waits_by_its_own_count(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY["retry"] | {"max_attempts": 9})
    waits = []
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.NO_ANSWER):
        row = ended(ledger, one, outcome, clock())
        waits.append((row.due_at - clock()).total_seconds() / 60)
        one = dial_again(ledger, one.contact_id, now=clock.forward(3 * 3600))
    assert waits == [5, 30, 15, 120]
    assert ended(ledger, one, Outcome.BUSY, clock()).reason == "busy after 5 attempts"


def test_one_cap_holds_across_all_outcomes(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    for outcome in (Outcome.BUSY, Outcome.NO_ANSWER):
        assert ended(ledger, one, outcome, clock()).status == "pending"
        one = dial_again(ledger, one.contact_id, now=clock.forward(3600))
    row = ended(ledger, one, Outcome.FAILED, clock())
    assert (row.status, row.reason, row.attempts) == ("unreached", "failed after 3 attempts", 3)


def test_requests_that_placed_no_call_are_no_attempts(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    for verdict in (Verdict.NOT_PLACED, Verdict.THROTTLED, Verdict.NOT_PLACED):
        ruled(ledger, one, refused(verdict), clock())
        one = dial_again(ledger, one.contact_id, now=clock.forward(60))
    assert ended(ledger, one, Outcome.BUSY, clock()).status == "pending"
    one = dial_again(ledger, one.contact_id, now=clock.forward(600))
    assert ended(ledger, one, Outcome.BUSY, clock()).reason == "busy after 2 attempts"
    assert attempt(ledger, one.id).number == 5


@pytest.mark.parametrize("outcome", [Outcome.INVALID_NUMBER, Outcome.EXPIRED, Outcome.ANSWERED, Outcome.MACHINE])
def test_what_is_permanent_is_never_tried_again(ledger, clock, outcome):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, outcome, clock())
    assert row.final_at is not None
    assert attempt(ledger, one.id).next_attempt_at is None


def test_without_a_retry_policy_each_contact_gets_one_call(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    row = ended(ledger, one, Outcome.BUSY, clock())
    assert (row.status, row.reason) == ("unreached", "busy after 1 attempt")


@pytest.mark.parametrize(("minutes", "status"), [(4, "unreached"), (5, "unreached"), (6, "pending")])
def test_a_retry_past_its_not_after_is_not_made(ledger, clock, minutes, status):
    limit = clock() + timedelta(minutes=minutes)
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=limit, **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock())
    assert row.status == status
    assert status == "pending" or row.reason == "busy; the next try would come after its not_after"


def test_a_retry_comes_in_the_same_part_of_the_day_where_another_would_come_after_its_not_after(ledger, clock):
    retry = {"max_attempts": 2, "no_answer": ["30m"], "other_part_of_day": ["no_answer"]}
    clock.now = clock().replace(hour=9)
    limit = clock().replace(hour=11)
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=limit, retry=retry)
    ledger.write(conclude, one, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.due_at) == ("pending", clock() + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.BUSY, "cancelled"), (Outcome.ANSWERED, "reached"), (Outcome.REJECTED, "unreached")],
)
def test_a_call_in_progress_when_its_campaign_is_cancelled_is_not_left_pending(ledger, clock, outcome, status):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    control.cancel(ledger, one.campaign_id, who="test", now=clock())
    row = ended(ledger, one, outcome, clock.forward(10))
    assert row.status == status
    assert row.final_at is not None


def test_an_unknown_call_is_reported_and_not_dialed_again(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    doubted(ledger, one, clock())
    ending = Ending(outcome=Outcome.UNKNOWN, ended_at=clock(), detail=f"{UNHEARD} for 6.7 s", reason=UNHEARD)
    assert ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("unknown", UNHEARD)
    assert attempt(ledger, one.id).detail == f"{UNHEARD} for 6.7 s"


def test_a_campaign_that_says_so_dials_unknown_calls_again_up_to_its_cap(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", **RETRY)
    for spent in (1, 2):
        doubted(ledger, one, clock())
        ending = Ending(outcome=Outcome.UNKNOWN, ended_at=clock())
        ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
        row = contact(ledger, one.contact_id)
        assert (row.status, row.attempts) == ("pending", spent), "it may have rung, so it counts"
        one = dial_again(ledger, one.contact_id, now=clock.forward(1))
    doubted(ledger, one, clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.UNKNOWN, ended_at=clock()), now=clock())
    assert contact(ledger, one.contact_id).status == "unknown"


def test_ending_twice_is_told_and_decides_once(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), **RETRY)
    row = ended(ledger, one, Outcome.BUSY, clock())
    again = Ending(outcome=Outcome.ANSWERED, ended_at=clock())
    assert not ledger.write(conclude, fresh(ledger, one.id), again, now=clock.forward(5))
    assert contact(ledger, one.contact_id) == row
    with ledger.reading() as db:
        assert queries.count_outcome(db, one.contact_id, Outcome.ANSWERED) == 0


def test_an_attempt_says_how_its_doubt_ended_and_what_told_of_its_end(ledger, clock):
    by_answer, by_receipt, by_nobody, undoubted = dialing(ledger, numbers(4), now=clock())
    for one in (by_answer, by_receipt, by_nobody):
        doubted(ledger, one, clock.forward(1))
    ruled(ledger, fresh(ledger, by_answer.id), PLACED, clock.forward(1))
    ledger.write(accept, fresh(ledger, by_receipt.id), "c-2", SETTINGS, now=clock(), evidence=Evidence.RECEIPT)
    ruled(ledger, undoubted, replace(PLACED, provider_call_id="c-4"), clock())
    for one, outcome, evidence in (
        (by_answer, Outcome.ANSWERED, Evidence.RECEIPT),
        (by_receipt, Outcome.BUSY, Evidence.ASKING),
        (by_nobody, Outcome.UNKNOWN, Evidence.SILENCE),
        (undoubted, Outcome.ANSWERED, Evidence.LIST),
    ):
        ending = Ending(outcome=outcome, ended_at=clock(), evidence=evidence)
        ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    told = [attempt(ledger, one.id) for one in (by_answer, by_receipt, by_nobody, undoubted)]
    assert [(row.confirmed_by, row.ended_by) for row in told] == [
        ("answer", "receipt"),
        ("receipt", "asking"),
        (None, "silence"),
        (None, "list"),
    ]
    assert [row.doubted_at is not None for row in told] == [True, True, True, False]
