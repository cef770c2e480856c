"""One contact, several reminders of its appointment: each is told once, and the next waits for its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from campaigns.dispatch.requests import reminder_for, script_for
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.lists.appends import append_rows, locked_for_append
from campaigns.ledger.lists.contacts import withdraw
from campaigns.ledger.lists.drafts import NewContact, as_written
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.ledger.tallies import differences
from campaigns.lifecycle import ContactStatus
from campaigns.reporting.report import totals
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome, Progress, Receipt
from dialer.providers.registry import account_settings
from tests.support.delivering import receive
from tests.support.seeding import campaign_row, claim, contact, fresh, seed

PHONE = "+14155550101"
ACCOUNT = account_settings(provider="callgear")
KEYS: dict[str, Any] = {
    "schedule": {"before": {"column": "at", "at": ["3d", "1d", "2h"]}},
    "message": {"tts": "This is your reminder {{ reminder }} before."},
    "retry": {"max_attempts": 2, "busy": ["1h"]},
    "responses": {"1": "confirmed", "3": "call_me"},
}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def seeded(ledger: Ledger, now: datetime, away: timedelta = 4 * DAY, **changes: Any) -> int:
    """A contact whose appointment is so far away."""
    campaign = seed(ledger, [PHONE], now=now, not_after=now + away, **KEYS | changes)
    with ledger.reading() as db:
        return db.scalars(select(contacts.c.id).where(contacts.c.campaign_id == campaign)).one()


def call(ledger: Ledger, contact_id: int, now: datetime) -> UUID:
    """A call of a contact that is due, taken by the provider; its text names the reminder."""
    row = contact(ledger, contact_id)
    definition = campaign_row(ledger, row.campaign_id).definition
    claim_id, ids = claim(ledger, row.campaign_id, 1, now=now)
    assert ids == [contact_id], "it is due"
    with ledger.reading() as db:
        (claimed,) = claims.still_claimed(db, claim_id, ids, now)
    reminder = reminder_for(definition, claimed, now)
    text = script_for(definition, "main", claimed, reminder).text
    assert text == f"This is your reminder {definition.reminder_label(reminder)} before."
    opening = Opening(
        contact=claimed,
        account="main",
        provider="callgear",
        caller_id="+18005550100",
        script_seconds=3.0,
        reminder=reminder,
    )
    (opened,) = ledger.write(open_attempts, [opening], now=now, conclude_at={"main": now + HOUR})
    ledger.write(accept, fresh(ledger, opened.id), f"call-{opened.id}", ACCOUNT, now=now)
    return opened.id


def end(ledger: Ledger, attempt_id: UUID, outcome: Outcome, now: datetime) -> bool:
    ending = Ending(outcome=outcome, ended_at=now)
    return ledger.write(conclude, fresh(ledger, attempt_id), ending, now=now)


def called(ledger: Ledger, contact_id: int, outcome: Outcome, now: datetime) -> UUID:
    attempt_id = call(ledger, contact_id, now)
    end(ledger, attempt_id, outcome, now)
    return attempt_id


def pressed(attempt_id: UUID, key: str) -> Receipt:
    named = {"provider_call_id": None, "correlation_id": attempt_id, "word": "pressed", "code": key}
    event = {"progress": Progress.ANSWERED, "outcome": None, "occurred_at": None, "pressed": (key,)}
    return Receipt(event_id=f"{attempt_id} {key}", **named, **event)


def reminders_told(ledger: Ledger) -> list[int]:
    with ledger.reading() as db:
        assert differences(db) == []
        return list(db.scalars(select(attempts.c.reminder).order_by(attempts.c.number)))


def test_each_reminder_is_told_at_its_time_and_the_contact_is_over_with_the_last(ledger, clock):
    now = clock()
    contact_id = seeded(ledger, now)
    first = contact(ledger, contact_id)
    assert (first.due_at, first.reminder) == (now + DAY, 1)
    attempt_id = called(ledger, contact_id, Outcome.ANSWERED, now + DAY)
    second = contact(ledger, contact_id)
    assert (second.status, second.due_at, second.reminder) == (ContactStatus.PENDING, now + 3 * DAY, 2)
    assert not end(ledger, attempt_id, Outcome.ANSWERED, now + DAY), "told twice, it moves nothing on"
    called(ledger, contact_id, Outcome.BUSY, now + 3 * DAY)
    assert contact(ledger, contact_id).due_at == now + 3 * DAY + HOUR
    called(ledger, contact_id, Outcome.BUSY, now + 3 * DAY + HOUR)
    assert contact(ledger, contact_id).due_at == now + 4 * DAY - 2 * HOUR, "each has tries of its own"
    called(ledger, contact_id, Outcome.NO_ANSWER, now + 4 * DAY - 2 * HOUR)
    row = contact(ledger, contact_id)
    assert row.status == ContactStatus.REACHED, "one of its reminders was answered"
    assert reminders_told(ledger) == [1, 2, 2, 3]
    told = totals(ledger, row.campaign_id).reminders
    assert told == {"3d": {"answered": 1}, "1d": {"busy": 2}, "2h": {"no_answer": 1}}


def test_who_confirms_is_not_reminded_again_and_other_answers_end_nothing(ledger, clock):
    now = clock()
    contact_id = seeded(ledger, now)
    attempt_id = call(ledger, contact_id, now + DAY)
    receive(ledger, "main", ACCOUNT, [pressed(attempt_id, "3")], "", now=now + DAY)
    end(ledger, attempt_id, Outcome.ANSWERED, now + DAY)
    assert (contact(ledger, contact_id).status, contact(ledger, contact_id).response) == ("pending", "call_me")
    receive(ledger, "main", ACCOUNT, [pressed(attempt_id, "1")], "", now=now + 2 * DAY)  # late, and it ends the rest
    row = contact(ledger, contact_id)
    assert (row.status, row.reason, row.response) == (ContactStatus.REACHED, "answered: confirmed", "confirmed")


def test_who_confirms_during_the_call_or_is_withdrawn_gets_no_other(ledger, clock):
    now = clock()
    confirms = seeded(ledger, now)
    attempt_id = call(ledger, confirms, now + DAY)
    receive(ledger, "main", ACCOUNT, [pressed(attempt_id, "1")], "", now=now + DAY)
    end(ledger, attempt_id, Outcome.ANSWERED, now + DAY)
    assert contact(ledger, confirms).status == ContactStatus.REACHED
    leaves = seeded(ledger, now)
    attempt_id = call(ledger, leaves, now + DAY)
    ledger.write(lambda db: withdraw(db, contact(ledger, leaves), "moved", now + DAY))
    end(ledger, attempt_id, Outcome.ANSWERED, now + DAY)
    assert contact(ledger, leaves).status == ContactStatus.REACHED


def test_a_retry_that_would_come_after_the_next_reminder_is_that_reminder(ledger, clock):
    now = clock()
    contact_id = seeded(ledger, now, retry={"max_attempts": 3, "busy": ["30h"]}, schedule=_at("2d", "1d"))
    called(ledger, contact_id, Outcome.BUSY, now + 2 * DAY)
    row = contact(ledger, contact_id)
    assert (row.due_at, row.reminder) == (now + 3 * DAY, 2)


def test_a_late_answer_of_one_reminder_leaves_the_contact_waiting_for_the_next(ledger, clock):
    now = clock()
    contact_id = seeded(ledger, now)
    attempt_id = called(ledger, contact_id, Outcome.UNKNOWN, now + DAY)
    waiting = contact(ledger, contact_id)
    assert (waiting.status, waiting.reminder) == (ContactStatus.PENDING, 2), "what nobody knows of is not told again"
    receive(ledger, "main", ACCOUNT, [pressed(attempt_id, "3")], "", now=now + 2 * DAY)
    after = contact(ledger, contact_id)
    assert (after.status, after.due_at, after.reminder) == (waiting.status, waiting.due_at, 2)
    with ledger.reading() as db:
        assert queries.attempts_by_id(db, [attempt_id])[attempt_id].status == "ended"


def test_the_appointment_ends_what_is_left_and_says_whether_one_was_answered(ledger, clock):
    now = clock()
    answered, nearer = seeded(ledger, now), seeded(ledger, now, away=HOUR)
    called(ledger, answered, Outcome.ANSWERED, now + DAY)
    assert contact(ledger, nearer).due_at == now + HOUR, "nearer than its last reminder: nobody calls it"
    ledger.write(claims.expire, now + 4 * DAY)
    assert contact(ledger, answered).status == ContactStatus.REACHED
    assert contact(ledger, nearer).status == ContactStatus.EXPIRED


def test_a_moved_appointment_moves_its_reminders_and_an_appended_one_has_its_own(ledger, clock):
    now = clock()
    campaign = seed(ledger, [], now=now, contacts={"standing": True, "key": "id"}, **KEYS)

    def append(key: str, away: timedelta) -> Any:
        row = NewContact(0, PHONE, {}, "text", "UTC", now + away, key=key)
        with ledger.writing() as db:
            append_rows(db, locked_for_append(db, campaign), [as_written(row)], ledger=ledger, now=now)
            return db.execute(select(contacts).where(contacts.c.key == key)).one()

    assert (append("a", 4 * DAY).due_at, append("b", 2 * DAY).reminder) == (now + DAY, 2)
    moved = append("a", 10 * DAY)
    assert (moved.due_at, moved.reminder) == (now + 7 * DAY, 1)


def _at(*at: str) -> dict[str, Any]:
    return {"before": {"column": "at", "at": list(at)}}
