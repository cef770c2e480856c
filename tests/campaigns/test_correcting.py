"""A late true word turns unknown into what it was, in the ledger and the report, and never dials anybody."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from campaigns.correcting import LATE
from campaigns.ledger.claims import still_claimed
from campaigns.report import report
from campaigns.settlement import accept, doubt
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.seeding import attempt, claim, contact, dialing, numbers, open_all
from tests.campaigns.test_receiving import ACCOUNT, deliver, receipt, swept

RETRIES = {"max_attempts": 3, "busy": ["5m"], "no_answer": ["5m"]}
LATE_WORDS = [
    ("ANSWERED", "answered", "reached"),
    ("ANSWERED RELEASED", "answered", "reached"),
    ("RELEASED", "answered", "reached"),
    ("BUSY", "busy", "unreached"),
    ("NO_ANSWER", "no_answer", "unreached"),
    ("BUSY DISCONNECTED", "rejected", "unreached"),
    ("DISCONNECTED BUSY", "rejected", "unreached"),
    ("EXPIRED", "expired", "expired"),
]
NOTHING_SAID = ["OFFERED", "ACCEPTED", "DROPPED", "DISCONNECTED", "SOMETHING_NEW"]


@pytest.fixture(params=[True, False], ids=["placed", "unconfirmed"])
def unknown(request, ledger, clock):
    """An attempt of which nothing was heard in time; the provider had named the call, or had not."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRIES)
    if request.param:
        ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    else:
        ledger.write(doubt, one, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=180.0, now=clock.forward(1))
    swept(ledger, clock, 400)
    assert contact(ledger, one.contact_id).status == "unknown"
    return one


@pytest.mark.parametrize(("words", "outcome", "status"), LATE_WORDS, ids=[words for words, _, _ in LATE_WORDS])
def test_a_late_word_makes_known_what_it_was_and_nobody_is_redialed(
    ledger, clock, tmp_path, unknown, words, outcome, status
):
    for word in words.split():
        deliver(ledger, receipt(word, "m-1", unknown.id, clock.forward(5)), now=clock())
    made, called = attempt(ledger, unknown.id), contact(ledger, unknown.contact_id)
    assert (made.status, made.outcome, made.counted, made.ended_by) == ("ended", outcome, True, "receipt")
    assert (called.status, called.reason, called.attempts) == (status, f"{outcome}, {LATE}", 1)
    assert called.final_at > clock() - timedelta(seconds=60)
    before = (made, called)
    swept(ledger, clock, timedelta(days=2).total_seconds())
    assert (attempt(ledger, unknown.id), contact(ledger, unknown.contact_id)) == before
    told = report(ledger, unknown.campaign_id, tmp_path)
    assert (told.unsure, told.final, told.outcomes) == (0, {status: 1}, {outcome: 1})


@pytest.mark.parametrize("word", NOTHING_SAID)
def test_a_late_word_that_says_nothing_of_the_end_leaves_it_unknown(ledger, clock, unknown, word):
    deliver(ledger, receipt(word, "m-1", unknown.id, clock.forward(5)), now=clock())
    swept(ledger, clock, 400)
    assert attempt(ledger, unknown.id).status == "unknown"
    assert contact(ledger, unknown.contact_id).status == "unknown"


def test_the_order_of_late_words_changes_nothing(ledger, clock):
    ends = set()
    for n, words in enumerate(itertools.permutations(["DISCONNECTED", "DROPPED", "BUSY"])):
        (one,) = dialing(ledger, numbers(1), now=clock.forward(60))
        ledger.write(accept, one, f"call-{n}", ACCOUNT, now=clock.forward(1))
        swept(ledger, clock, 400)
        for word in words:
            deliver(ledger, receipt(word, f"call-{n}", one.id, clock.forward(5)), now=clock())
        ends.add((attempt(ledger, one.id).outcome, contact(ledger, one.contact_id).reason))
    assert ends == {("rejected", f"rejected, {LATE}")}


@pytest.fixture
def to_be_redialed(ledger, clock):
    """The same where the campaign asks for a redial."""
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", retry=RETRIES)
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    swept(ledger, clock, 400)
    assert contact(ledger, one.contact_id).status == "pending"
    return one


def test_a_redial_that_waits_is_called_off_when_the_contact_was_reached_after_all(ledger, clock, to_be_redialed):
    one = to_be_redialed
    claim_id, ids = claim(ledger, one.campaign_id, 1, now=clock())
    assert ids == [one.contact_id]
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    called = contact(ledger, one.contact_id)
    assert (called.status, called.attempts) == ("reached", 1)
    with ledger.reading() as db:
        assert still_claimed(db, claim_id, ids, clock()) == []


def test_a_redial_under_way_is_not_disturbed(ledger, clock, to_be_redialed):
    one = to_be_redialed
    claim_id, ids = claim(ledger, one.campaign_id, 1, now=clock())
    open_all(ledger, claim_id, ids, now=clock())
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    assert attempt(ledger, one.id).outcome == "answered"
    assert contact(ledger, one.contact_id).status == "dialing"


def test_a_redial_that_waits_goes_on_when_the_first_call_did_not_reach_anybody(ledger, clock, to_be_redialed):
    one = to_be_redialed
    deliver(ledger, receipt("BUSY", "m-1", one.id, clock.forward(1)), now=clock())
    assert attempt(ledger, one.id).outcome == "busy"
    assert contact(ledger, one.contact_id).status == "pending"
