"""Calls that were answered and soon over: called again for a while, and reached in the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from campaigns.definition.loading import definition_of
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.ledger.store import Ledger
from campaigns.ledger.tallies import differences
from campaigns.lifecycle import ContactStatus
from campaigns.reporting.report import totals
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from dialer.scripts import Speech
from tests.support.seeding import DEFINITION, contact, definition, dial_again, dialing, fresh

PHONE = "+14155550101"
ACCOUNT = account_settings(provider="callgear")
RETRY: dict[str, Any] = {"max_attempts": 5, "answered_short": {"under": "50%", "then": ["1h"]}, "busy": ["5m"]}
SAID = 6.0  # seconds, as the attempts of tests have it
HOUR = timedelta(hours=1)


def talked(ledger: Ledger, attempt_id: UUID, seconds: float | None, now: datetime) -> None:
    ledger.write(accept, fresh(ledger, attempt_id), f"call-{attempt_id}", ACCOUNT, now=now)
    ending = Ending(outcome=Outcome.ANSWERED, ended_at=now, talk_seconds=seconds)
    assert ledger.write(conclude, fresh(ledger, attempt_id), ending, now=now)


def test_a_short_answer_is_tried_again_and_the_next_one_reaches_whatever_its_length(ledger, clock):
    (first,) = dialing(ledger, [PHONE], now=clock(), retry=RETRY)
    talked(ledger, first.id, SAID * 0.4, clock())
    waiting = contact(ledger, first.contact_id)
    assert (waiting.status, waiting.due_at) == (ContactStatus.PENDING, clock() + HOUR)
    clock.forward(3600)
    second = dial_again(ledger, first.contact_id, now=clock())
    talked(ledger, second.id, SAID * 0.4, clock())
    assert contact(ledger, first.contact_id).status == ContactStatus.REACHED
    shown = totals(ledger, first.campaign_id)
    assert (shown.short_answers, shown.outcomes) == (2, {"answered": 2})
    with ledger.reading() as db:
        assert differences(db) == []


@pytest.mark.parametrize("seconds", [SAID * 0.6, None])
def test_who_listened_and_of_whom_nobody_knows_is_reached(ledger, clock, seconds):
    (first,) = dialing(ledger, [PHONE], now=clock(), retry=RETRY)
    talked(ledger, first.id, seconds, clock())
    assert contact(ledger, first.contact_id).status == ContactStatus.REACHED
    assert totals(ledger, first.campaign_id).short_answers == 0


def test_a_text_that_is_said_twice_is_measured_by_one_saying():
    twice = definition(message={"tts": "Hello.", "repeat": 2}, retry=RETRY)
    assert twice.script("Hello.") == Speech(text="Hello. Hello.")
    assert twice.is_short(2.9, 12.0)
    assert not twice.is_short(3.1, 12.0)
    assert not definition(retry={"max_attempts": 2}).is_short(0.1, 12.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retry": RETRY | {"answered_short": {"under": "150%", "then": ["1h"]}}}, "must be"),
        ({"retry": RETRY | {"answered_short": {"under": "half", "then": ["1h"]}}}, "expected a number"),
        ({"retry": RETRY | {"answered_short": {"under": "50%"}}}, "is missing"),
        ({"message": {"media": "237"}, "retry": RETRY}, "needs a text"),
        ({"message": {"media": "237", "repeat": 2}}, "played once"),
        ({"message": {"tts": "Hello", "repeat": 9}}, "must be at most 5"),
    ],
)
def test_what_cannot_be_is_named(changes, said):
    with pytest.raises(DefinitionFaults, match=said):
        definition_of(DEFINITION | changes)
