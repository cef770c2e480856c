"""Whom a finished campaign turns out to have reached, its redial does not call: nobody twice for one message."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import event, select

from campaigns.launch.redial import redial
from campaigns.ledger.claims import still_claimed
from campaigns.ledger.tables import audit, contacts
from campaigns.lifecycle import CorrectedFrom
from campaigns.settlement.corrections import CALLED_OFF, TOO_LATE, WORDS
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from tests.campaigns.settlement.test_receipts import ACCOUNT, deliver, receipt, swept
from tests.support.seeding import attempt, campaign_row, claim, contact, dial_again, dialing, fresh, numbers

UNHEARD = WORDS[CorrectedFrom.UNANSWERED]
RETRY = {"max_attempts": 3, "busy": ["5m", "5m"]}


@pytest.fixture
def first(ledger, clock):
    """The attempt of a finished campaign, of which nothing was heard in time."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY)
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    swept(ledger, clock, 400)
    assert campaign_row(ledger, one.campaign_id).status == "finished"
    return one


def again(ledger, clock, campaign_id: str) -> int:
    """A redial of the campaign; returns its only contact."""
    started = redial(ledger, campaign_id, ["unknown"], who="ann", now=clock())
    return in_campaign(ledger, started.id)


def in_campaign(ledger, campaign_id: str) -> int:
    with ledger.reading() as db:
        return db.scalars(select(contacts.c.id).where(contacts.c.campaign_id == campaign_id)).one()


def answered_late(ledger, clock, one) -> None:
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock.forward(1)), now=clock())


def noted(ledger) -> list[tuple[str, str]]:
    with ledger.reading() as db:
        told = audit.c.event.in_([CALLED_OFF, TOO_LATE])
        return [(row.event, row.detail) for row in db.execute(select(audit).where(told).order_by(audit.c.id))]


@pytest.mark.parametrize("claimed", [False, True], ids=["waiting", "with a worker"])
def test_a_late_answer_calls_off_the_redial_that_is_running(ledger, clock, first, claimed):
    waiting = again(ledger, clock, first.campaign_id)
    claim_id, ids = claim(ledger, "reminders-2", 1, now=clock()) if claimed else (None, [waiting])
    answered_late(ledger, clock, first)
    reason = "answered, told late of a call of reminders-1"
    assert (contact(ledger, waiting).status, contact(ledger, waiting).reason) == ("reached", reason)
    assert contact(ledger, first.contact_id).status == "reached"
    assert noted(ledger) == [(CALLED_OFF, f"line 2: {reason}")]
    if claim_id:
        with ledger.reading() as db:
            assert still_claimed(db, claim_id, ids, clock()) == []
    swept(ledger, clock)
    assert campaign_row(ledger, "reminders-2").status == "finished"


def test_a_call_of_the_redial_that_is_under_way_is_told_and_is_the_last(ledger, clock, first):
    waiting = again(ledger, clock, first.campaign_id)
    two = dial_again(ledger, waiting, now=clock())
    ledger.write(accept, two, "m-2", ACCOUNT, now=clock.forward(1))
    answered_late(ledger, clock, first)
    assert contact(ledger, waiting).status == "placed"
    assert noted(ledger) == [(TOO_LATE, "line 2: answered, told late of a call of reminders-1")]
    busy = Ending(outcome=Outcome.BUSY, ended_at=clock())
    ledger.write(conclude, fresh(ledger, two.id), busy, now=clock())
    assert attempt(ledger, two.id).outcome == "busy"
    assert (contact(ledger, waiting).status, contact(ledger, waiting).reason) == (
        "reached",
        "answered, told while a later call was made",
    )


def test_a_redial_of_the_redial_is_called_off_too(ledger, clock, first):
    second = again(ledger, clock, first.campaign_id)
    two = dial_again(ledger, second, now=clock())
    ledger.write(accept, two, "m-2", ACCOUNT, now=clock.forward(1))
    swept(ledger, clock, 400)
    third = again(ledger, clock, "reminders-2")
    answered_late(ledger, clock, first)
    assert [contact(ledger, one).status for one in (first.contact_id, second, third)] == [
        "reached",
        "unknown",
        "reached",
    ]


def test_another_campaign_of_the_same_name_has_another_message_and_goes_on(ledger, clock, first):
    (other,) = dialing(ledger, numbers(1), now=clock())
    answered_late(ledger, clock, first)
    assert contact(ledger, other.contact_id).status == "dialing"
    assert noted(ledger) == []


def test_who_is_told_to_have_answered_what_looks_had_not_seen_is_not_called_by_a_redial(ledger, clock):
    """A call that was over between two looks is in no list of calls in progress; a notification tells of it, late."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=RETRY)
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    seen = Ending(
        outcome=Outcome.NO_ANSWER, ended_at=clock(), evidence=Evidence.LIST, detail="it was never seen answered"
    )
    ledger.write(conclude, fresh(ledger, one.id), seen, now=clock())
    swept(ledger, clock)
    waiting = in_campaign(ledger, redial(ledger, one.campaign_id, who="ann", now=clock()).id)
    answered_late(ledger, clock, one)
    assert (attempt(ledger, one.id).outcome, attempt(ledger, one.id).detail) == (
        "answered",
        WORDS[CorrectedFrom.UNANSWERED],
    )
    assert contact(ledger, one.contact_id).reason == f"answered, {UNHEARD}"
    assert (contact(ledger, waiting).status, contact(ledger, one.contact_id).attempts) == ("reached", 1)


def test_a_late_word_that_nobody_answered_lets_the_redial_go_on(ledger, clock, first):
    waiting = again(ledger, clock, first.campaign_id)
    deliver(ledger, receipt("BUSY", "m-1", first.id, clock.forward(1)), now=clock())
    assert contact(ledger, waiting).status == "pending"


def test_a_late_answer_and_a_redial_at_once_leave_nobody_to_be_called(ledger, clock, first):
    def wait(_db, _cursor, statement, *_rest) -> None:
        if statement.startswith("INSERT INTO contacts"):
            time.sleep(0.3)

    event.listen(ledger.engine, "before_cursor_execute", wait)
    redialing = threading.Thread(target=lambda: again(ledger, clock, first.campaign_id))
    redialing.start()
    time.sleep(0.1)
    answered_late(ledger, clock, first)
    redialing.join()
    event.remove(ledger.engine, "before_cursor_execute", wait)
    with ledger.reading() as db:
        assert set(db.scalars(select(contacts.c.status))) == {"reached"}
