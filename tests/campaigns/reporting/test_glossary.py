"""The glossary has a word for everything that the ledger can say, and knows the sentences that the code writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import campaigns
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus, DeliveryState, WebhookState
from campaigns.reporting.glossary import label, meaning, plain
from campaigns.reporting.glossary.labels import LABELS
from campaigns.reporting.glossary.phrases import COUNTED, PHRASES
from dialer.calls import Outcome

ROOT = Path(campaigns.__file__).parents[1]
CODE = "\n".join(
    re.sub(r'"\s*\n\s*f?"', "", file.read_text("utf-8"))  # a sentence may stand on two lines
    for package in ("campaigns", "workers")
    for file in sorted((ROOT / package).rglob("*.py"))
    if "glossary" not in file.parts
)


def test_every_status_and_every_outcome_has_a_label():
    kinds = (CampaignStatus, ContactStatus, AttemptStatus, Outcome, WebhookState, DeliveryState)
    named = {member.value for kind in kinds for member in kind}
    assert named | {"rehearsal"} == set(LABELS)
    assert not [word for word in LABELS.values() if "_" in word]


def test_every_status_of_a_contact_says_what_it_means():
    assert all(meaning(status) for status in ContactStatus)


def test_a_word_that_is_not_in_the_glossary_has_its_underscores_taken_out():
    assert label("some_word") == "some word"


@pytest.mark.parametrize("sentence", [sentence for sentence in PHRASES if sentence != "{outcome}"])
def test_the_code_still_writes_the_sentences_that_the_glossary_reads(sentence: str) -> None:
    clauses = re.split(r"\{\w+\}|[,;:(] ?", sentence)  # some are put together from several
    parts = [clause.strip() for clause in clauses if len(clause.split()) > 2]
    assert [clause for clause in parts if clause.removeprefix("and ") not in CODE] == []


def test_a_phrase_has_only_the_fields_of_the_sentence_it_stands_for():
    for sentence, words in PHRASES.items():
        fields = set(re.findall(r"\{(\w+)\}", sentence))
        for form in (words, COUNTED.get(words, words)):
            assert set(re.findall(r"\{(\w+)\}", form)) <= fields, form
    assert set(COUNTED) <= set(PHRASES.values())


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("no_answer after 3 attempts", "no answer, after 3 calls"),
        ("busy after 1 attempt", "busy, after 1 call"),
        ("added by root", "added by root"),
        ("mon 09:00-18:00", "Mon 09:00-18:00"),
        ("sun glasses", "sun glasses"),
        ("ended: no_answer", "ended: no answer"),
        ("answered", "answered"),
        ("invalid_parameter_value: no such number (contact)", "no such number"),
        ("contact_in_blacklist: it is blacklisted", "it is blacklisted"),
        ("busy: a word that is no code", "busy: a word that is no code"),
        ("it is unreached: no_answer after 3 attempts", "not reached: no answer, after 3 calls"),
        ("paused by anna: a line: with colons", "paused by anna: a line: with colons"),
        ("paused: budget of the day is used up", "paused: budget of the day is used up"),
        ("its number has had its calls: at most 3 in 7 days", "its number has had its calls: at most 3 in 7 days"),
        (
            "its number has had its calls: at most 3 in 7 days, and that lasts longer than its not_after: "
            "it will not be called",
            "its number has had its calls: at most 3 in 7 days; then it is too late to call",
        ),
        ("the provider placed no call in 1,200 requests; last: {x}", "the provider made no call (1,200 times): {x}"),
        ("what a provider wrote {here}", "what a provider wrote {here}"),
        ("", ""),
    ],
)
def test_a_sentence_of_the_ledger_is_said_plainly(sentence: str, said: str) -> None:
    assert plain(sentence) == said
