"""A late true word turns unknown into what it was, in the ledger and the report, and never dials anybody."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import update

from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger.claims import still_claimed
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import CorrectedFrom
from campaigns.operations import control
from campaigns.reporting.report import report
from campaigns.settlement.corrections import WORDS
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.receipts import apply_heard
from campaigns.settlement.rulings import accept, mark_unconfirmed, rule
from dialer.calls import Outcome
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.settlement.test_receipts import ACCOUNT, deliver, receipt, swept
from tests.support.seeding import attempt, campaign_row, claim, contact, dial_again, dialing, fresh, numbers, open_all
from tests.support.statements import statements

LATE, BELIED = WORDS[CorrectedFrom.UNKNOWN], WORDS[CorrectedFrom.NOT_PLACED]
RETRIES = {"max_attempts": 3, "busy": ["5m"], "no_answer": ["5m"]}
LATE_WORDS = [
    ("ANSWERED", "answered", "reached"),
    ("ANSWERED RELEASED", "answered", "reached"),
    ("BUSY", "busy", "unreached"),
    ("NO_ANSWER", "no_answer", "unreached"),
    ("BUSY DISCONNECTED", "rejected", "unreached"),
    ("DISCONNECTED BUSY", "rejected", "unreached"),
    ("EXPIRED", "expired", "expired"),
]
NOTHING_SAID = ["OFFERED", "ACCEPTED", "DROPPED", "RELEASED", "DISCONNECTED", "SOMETHING_NEW"]


@pytest.fixture(params=[True, False], ids=["placed", "unconfirmed"])
def unknown(request, ledger, clock):
    """An attempt of which nothing was heard in time; the provider had named the call, or had not."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRIES)
    if request.param:
        ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    else:
        ledger.write(
            mark_unconfirmed, one, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=180.0, now=clock.forward(1)
        )
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
    assert (told.unknown_contacts, told.final, told.outcomes) == (0, {status: 1}, {outcome: 1})


@pytest.mark.parametrize("word", NOTHING_SAID)
def test_a_late_word_that_says_nothing_of_the_end_leaves_it_unknown(ledger, clock, unknown, word):
    deliver(ledger, receipt(word, "m-1", unknown.id, clock.forward(5)), now=clock())
    swept(ledger, clock, 400)
    assert attempt(ledger, unknown.id).status == "unknown"
    assert contact(ledger, unknown.contact_id).status == "unknown"


@pytest.mark.slow
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


def test_a_receipt_of_a_call_in_progress_costs_no_statement_that_corrects(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    with statements(ledger) as written:
        deliver(ledger, receipt("BUSY", "m-1", one.id, clock.forward(1)), now=clock())
    assert any("conclude_at" in statement for statement in written)
    assert not any("corrected=" in statement for statement in written)


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


def redialed(ledger, clock, one):
    """The redial that `on_unknown` asked for, placed."""
    two = dial_again(ledger, one.contact_id, now=clock())
    ledger.write(accept, two, "m-2", ACCOUNT, now=clock.forward(1))
    return fresh(ledger, two.id)


def ended(ledger, clock, one, outcome) -> None:
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=clock()), now=clock())


def throttled(ledger, clock, one) -> None:
    ruling = Ruling(verdict=Verdict.THROTTLED, mnemonic="limit_exceeded", retry_after=30.0)
    ledger.write(rule, fresh(ledger, one.id), ruling, ACCOUNT, now=clock(), rng=Random(1))


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "expired", "failed", "unknown", "rejected"])
def test_who_was_reached_after_all_during_a_redial_is_not_called_a_third_time(ledger, clock, to_be_redialed, outcome):
    one = to_be_redialed
    two = redialed(ledger, clock, one)
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    assert contact(ledger, one.contact_id).status == "placed"
    ended(ledger, clock, two, Outcome(outcome))
    called = contact(ledger, one.contact_id)
    assert (called.status, called.attempts) == ("reached", 2)
    assert called.reason == "answered, told while a later call was made"


@pytest.mark.parametrize("not_after", [None, timedelta(seconds=410)], ids=["in time", "past its not_after"])
def test_nor_when_the_provider_takes_no_second_call(ledger, clock, not_after):
    ends = not_after and clock() + not_after
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", retry=RETRIES, not_after=ends)
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    swept(ledger, clock, 400)
    two = dial_again(ledger, one.contact_id, now=clock())
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    throttled(ledger, clock, two)
    assert (contact(ledger, one.contact_id).status, attempt(ledger, two.id).status) == ("reached", "not_placed")


@pytest.mark.parametrize("first", ["the late word", "the end of the redial"])
def test_a_late_word_and_the_end_of_the_redial_may_pass_each_other(ledger, clock, to_be_redialed, first):
    one = to_be_redialed
    two = redialed(ledger, clock, one)
    told = receipt("ANSWERED", "m-1", one.id, clock.forward(1))

    def late_word(db):
        apply_heard(db, "main", ACCOUNT, [told], now=clock())

    def end(db):
        conclude(db, two, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock()), now=clock())

    before, after = (late_word, end) if first == "the late word" else (end, late_word)
    ledger.write(store, [Delivery(account="main", heard=[told], body="as it came")], now=clock())
    passing = threading.Thread(target=lambda: ledger.write(after))
    with ledger.writing() as db:
        before(db)
        passing.start()
        passing.join(0.3)
    passing.join()
    assert attempt(ledger, one.id).outcome == "answered"
    assert contact(ledger, one.contact_id).status == "reached"


def test_who_was_given_up_is_reached_when_an_earlier_call_turns_out_answered(ledger, clock, to_be_redialed):
    one = to_be_redialed
    ended(ledger, clock, redialed(ledger, clock, one), Outcome.REJECTED)
    assert contact(ledger, one.contact_id).status == "unreached"
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    called = contact(ledger, one.contact_id)
    assert (called.status, called.reason, called.attempts) == ("reached", f"answered, {LATE}", 2)
    swept(ledger, clock)
    assert campaign_row(ledger, one.campaign_id).status == "finished"
    with pytest.raises(CannotRedial, match="no contact that ended as"):
        redial(ledger, one.campaign_id, who="ann", now=clock())


def test_who_was_cancelled_while_waiting_for_the_redial_is_reached_by_a_late_word(ledger, clock, to_be_redialed):
    one = to_be_redialed
    control.cancel(ledger, one.campaign_id, who="ann", now=clock())
    assert contact(ledger, one.contact_id).status == "cancelled"
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    assert contact(ledger, one.contact_id).status == "reached"
    with pytest.raises(CannotRedial, match="no contact that ended as cancelled"):
        redial(ledger, one.campaign_id, ["cancelled"], who="ann", now=clock())


def test_nobody_with_an_answered_call_is_redialed_whatever_the_contact_says(ledger, clock, to_be_redialed):
    """As ledgers have it that were written before late words were kept for contacts."""
    one = to_be_redialed
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    swept(ledger, clock)
    with ledger.writing() as db:
        db.execute(update(contacts).values(status="unknown"))
    with pytest.raises(CannotRedial, match="no contact that ended as unknown"):
        redial(ledger, one.campaign_id, ["unknown"], who="ann", now=clock())


@pytest.fixture
def in_doubt_twice(ledger, clock):
    """Two calls to one contact, of neither of which anything was heard; returns both."""
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", retry=RETRIES | {"max_attempts": 2})
    ruling = Ruling(verdict=Verdict.UNCONFIRMED)
    ledger.write(mark_unconfirmed, one, ruling, settle_seconds=180.0, now=clock.forward(1))
    swept(ledger, clock, 400)
    two = dial_again(ledger, one.contact_id, now=clock())
    ledger.write(mark_unconfirmed, two, ruling, settle_seconds=180.0, now=clock.forward(1))
    swept(ledger, clock, 400)
    called = contact(ledger, one.contact_id)
    assert (called.status, called.attempts) == ("unknown", 1)
    return one, two


def test_a_late_word_on_an_earlier_call_leaves_the_last_one_in_doubt(ledger, clock, in_doubt_twice):
    one, two = in_doubt_twice
    before = contact(ledger, one.contact_id)
    deliver(ledger, receipt("BUSY", "m-1", one.id, clock.forward(1)), now=clock())
    assert (attempt(ledger, one.id).outcome, attempt(ledger, two.id).status) == ("busy", "unknown")
    assert contact(ledger, one.contact_id) == before
    deliver(ledger, receipt("NO_ANSWER", "m-2", two.id, clock.forward(1)), now=clock())
    called = contact(ledger, one.contact_id)
    assert (called.status, called.attempts) == ("unreached", 2), "each was counted once"


def test_a_late_answer_on_an_earlier_call_is_counted_once(ledger, clock, in_doubt_twice):
    one, _ = in_doubt_twice
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    called = contact(ledger, one.contact_id)
    assert (called.status, called.attempts) == ("reached", 1)


@pytest.fixture
def not_placed(ledger, clock):
    """An attempt that was no call by the provider's own word, and is to be made again."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRIES)
    ruling = Ruling(verdict=Verdict.NOT_PLACED, mnemonic="http_503")
    ledger.write(rule, one, ruling, ACCOUNT, now=clock(), rng=Random(1))
    assert contact(ledger, one.contact_id).status == "pending"
    return one


def test_an_answer_belies_that_no_call_was_placed(ledger, clock, not_placed):
    one = not_placed
    for _ in range(2):
        deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    made, called = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.outcome, made.counted, made.detail) == ("ended", "answered", True, BELIED)
    assert (called.status, called.reason, called.attempts) == ("reached", f"answered, {BELIED}", 1)


def test_an_answer_that_belies_it_during_the_next_call_ends_the_calling(ledger, clock, not_placed):
    one = not_placed
    clock.forward(600)
    two = redialed(ledger, clock, one)
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())
    ended(ledger, clock, two, Outcome.BUSY)
    assert contact(ledger, one.contact_id).status == "reached"


@pytest.mark.parametrize("word", ["BUSY", "NO_ANSWER", "DROPPED", "EXPIRED", "OFFERED"])
def test_no_other_word_makes_a_call_of_what_was_none(ledger, clock, not_placed, word):
    one = not_placed
    before = contact(ledger, one.contact_id)
    deliver(ledger, receipt(word, "m-1", one.id, clock.forward(1)), now=clock())
    swept(ledger, clock)
    assert attempt(ledger, one.id).status == "not_placed"
    assert contact(ledger, one.contact_id) == before
