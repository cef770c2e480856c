"""What a slice came to, in words and as an end, for whoever watches tasks."""

from __future__ import annotations

import pytest

from dialer.verdicts import Ruling, Verdict
from workers.slice_summary import WORDS, SliceEnd, SliceSummary, spans


def summed(contacts: int, *rulings: Ruling) -> SliceSummary:
    summary = SliceSummary(contacts)
    for ruling in rulings:
        summary.add(ruling)
    return summary


def ruled(verdict: Verdict, mnemonic: str | None = None, code: str | None = None) -> Ruling:
    return Ruling(verdict=verdict, mnemonic=mnemonic, code=code, detail="the text may quote +1 415 555 0100")


@pytest.mark.parametrize(
    ("rulings", "words", "end"),
    [
        ([ruled(Verdict.PLACED)] * 2, "2 placed, 1 given back", SliceEnd.AGAIN),
        ([ruled(Verdict.PLACED), ruled(Verdict.REFUSE_CONTACT, "contact_in_blacklist"), ruled(Verdict.UNCONFIRMED)],
         "1 placed, 1 unconfirmed, 1 refused (contact_in_blacklist)", SliceEnd.DONE),
        ([ruled(Verdict.PLACED), *[ruled(Verdict.THROTTLED, "limit_exceeded")] * 2],
         "1 placed, 2 throttled (limit_exceeded)", SliceEnd.AGAIN),
        ([ruled(Verdict.NOT_PLACED, code="7020"), ruled(Verdict.PLACED)], "1 placed, 1 not placed (7020), 1 given back",
         SliceEnd.AGAIN),
        ([ruled(Verdict.HALT_ACCOUNT, "auth_error"), ruled(Verdict.THROTTLED)],
         "1 throttled, 1 refused for the whole account (auth_error), 1 given back", SliceEnd.HALTED),
        ([], "3 given back", SliceEnd.AGAIN),
    ],
)  # fmt: skip
def test_it_counts_answers_by_what_they_mean_and_the_providers_word(rulings, words, end):
    summary = summed(3, *rulings)
    assert (summary.words, summary.end) == (words, end)


def test_a_slice_that_was_delivered_twice_has_nothing_left_to_do():
    assert summed(0).words == "nothing left to do"


def test_every_verdict_has_its_words():
    assert set(WORDS) == set(Verdict)


@pytest.mark.parametrize(
    ("lines", "text"),
    [((), ""), ((7,), "7"), ((9, 7, 8, 20), "7-9, 20"), (range(2, 40, 2), "2, 4, 6, 8, 10, 12, 14, 16, …")],
)
def test_lines_are_named_in_few_words(lines, text):
    assert spans(lines) == text
