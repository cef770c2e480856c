"""Receipts come in any order, twice, or not at all; the vendor's documented sequences are what they mean."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.calls import Outcome, Progress, Receipt
from dialer.receipts import CallSummary, summarize_receipts

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)

EVENTS = {
    "OFFERED": (Progress.PLACED, None),
    "ACCEPTED": (Progress.RINGING, None),
    "ANSWERED": (Progress.ANSWERED, None),
    "BUSY": (Progress.ENDED, Outcome.BUSY),
    "NO_ANSWER": (Progress.ENDED, Outcome.NO_ANSWER),
    "RELEASED": (Progress.ENDED, Outcome.UNKNOWN),
    "TALKED": (Progress.ENDED, Outcome.ANSWERED),
    "DISCONNECTED": (Progress.ENDED, None),
    "DROPPED": (Progress.ENDED, Outcome.UNKNOWN),
    "EXPIRED": (Progress.ENDED, Outcome.EXPIRED),
    "SOMETHING_NEW": (None, None),
}


def receipt(word: str, seconds: float | None = 0.0) -> Receipt:
    progress, outcome = EVENTS[word]
    at = None if seconds is None else T0 + timedelta(seconds=seconds)
    return Receipt(
        event_id=word,
        provider_call_id="m-1",
        correlation_id=None,
        word=word,
        code=None,
        progress=progress,
        outcome=outcome,
        occurred_at=at,
    )


def reduced(words: str) -> CallSummary:
    return summarize_receipts([receipt(word) for word in words.split()])


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param("OFFERED ACCEPTED ANSWERED DROPPED RELEASED", Outcome.ANSWERED, id="played to the end"),
        pytest.param("OFFERED ACCEPTED ANSWERED RELEASED DISCONNECTED DROPPED", Outcome.ANSWERED, id="callee hung up"),
        pytest.param("OFFERED ACCEPTED DROPPED BUSY", Outcome.BUSY, id="busy"),
        pytest.param("OFFERED ACCEPTED DROPPED NO_ANSWER", Outcome.NO_ANSWER, id="no answer"),
        pytest.param("OFFERED ACCEPTED DISCONNECTED DROPPED BUSY", Outcome.REJECTED, id="declined while ringing"),
        pytest.param("OFFERED ACCEPTED DROPPED RELEASED", Outcome.UNKNOWN, id="ANSWERED was lost"),
        pytest.param("OFFERED ACCEPTED RELEASED DISCONNECTED DROPPED", Outcome.UNKNOWN, id="ANSWERED was lost too"),
        pytest.param("OFFERED ACCEPTED DROPPED", Outcome.UNKNOWN, id="dropped, and nobody says how it ended"),
        pytest.param("TALKED NO_ANSWER", Outcome.ANSWERED, id="talked, whatever else is said"),
        pytest.param("OFFERED ACCEPTED RELEASED DROPPED BUSY", Outcome.BUSY, id="released after a rejection"),
        pytest.param("ANSWERED BUSY", Outcome.ANSWERED, id="answered, whatever else is said"),
        pytest.param("DISCONNECTED", Outcome.UNKNOWN, id="hung up, and nobody says whether it was answered"),
        pytest.param("OFFERED EXPIRED", Outcome.EXPIRED, id="expired"),
    ],
)
def test_every_order_and_every_repeat_of_a_sequence_means_the_same(words, outcome):
    names = words.split()
    for order in permutations(names):
        told = reduced(" ".join(order))
        assert (told.progress, told.outcome, told.ended) == (Progress.ENDED, outcome, True)
        assert told.tells_all is (outcome is not Outcome.UNKNOWN)
    assert reduced(f"{words} {words}").outcome is outcome


@pytest.mark.parametrize("word", ["DROPPED", "RELEASED", "DISCONNECTED"])
def test_an_end_alone_says_that_the_call_is_over_and_not_how(word):
    told = reduced(f"OFFERED ACCEPTED {word}")
    hung_up = word == "DISCONNECTED"
    assert told == CallSummary(progress=Progress.ENDED, outcome=Outcome.UNKNOWN, ended_at=T0, hung_up=hung_up)


@pytest.mark.parametrize("word", ["DROPPED", "RELEASED", "DISCONNECTED", "NO_ANSWER", "BUSY"])
def test_an_answered_call_was_answered_whatever_its_end_is_called(word):
    told = reduced(f"ANSWERED {word}")
    assert (told.progress, told.outcome, told.tells_all) == (Progress.ENDED, Outcome.ANSWERED, True)


def test_an_outcome_without_a_progress_proves_nothing():
    """Earlier versions stored 7409 as a suspicion of a failure."""
    assert summarize_receipts([replace(receipt("DROPPED"), progress=None, outcome=Outcome.FAILED)]) == CallSummary()


def test_a_call_that_is_still_talking_is_answered_and_not_ending():
    told = reduced("OFFERED ACCEPTED ANSWERED")
    assert (told.progress, told.outcome, told.ended) == (Progress.ANSWERED, Outcome.ANSWERED, False)


def test_a_ringing_call_has_no_outcome_yet():
    told = reduced("OFFERED ACCEPTED")
    assert (told.progress, told.outcome, told.ended) == (Progress.RINGING, None, False)


def test_a_ringing_receipt_after_the_hangup_is_ignored():
    assert reduced("BUSY ACCEPTED").progress is Progress.ENDED


def test_a_word_nobody_knows_moves_nothing():
    assert reduced("SOMETHING_NEW") == CallSummary()
    assert reduced("OFFERED SOMETHING_NEW") == reduced("OFFERED")


def test_no_receipts_say_nothing():
    assert summarize_receipts([]) == CallSummary()


def test_times_are_the_earliest_that_were_given():
    told = summarize_receipts(
        [receipt("RELEASED", 31), receipt("ANSWERED", 9), receipt("DISCONNECTED", 30), receipt("ANSWERED", 10)]
    )
    assert told.answered_at == T0 + timedelta(seconds=9)
    assert told.ended_at == T0 + timedelta(seconds=30)


def test_a_receipt_without_a_time_counts_all_the_same():
    told = summarize_receipts([receipt("BUSY", None)])
    assert (told.outcome, told.ended_at) == (Outcome.BUSY, None)


@pytest.mark.slow
@given(st.lists(st.sampled_from(sorted(EVENTS))), st.randoms(use_true_random=False))
def test_no_order_and_no_repeat_ever_changes_what_is_told(words: list[str], chance: random.Random):
    receipts = [receipt(word, seconds) for seconds, word in enumerate(words)]
    again = receipts + chance.sample(receipts, k=len(receipts) // 2)
    chance.shuffle(again)
    assert summarize_receipts(again) == summarize_receipts(receipts)
    assert summarize_receipts(receipts).ended is any(EVENTS[word][0] is Progress.ENDED for word in words)
