"""The counts that the ledger keeps are those of its rows, whatever has happened to these."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import pytest
from sqlalchemy import delete, func, insert, select, update

from campaigns.ledger import tallies
from campaigns.ledger.costs import cost_of_attempt
from campaigns.ledger.lists import drafts
from campaigns.ledger.moves import as_final, move_attempt, move_contact
from campaigns.ledger.tables import attempts, contact_tallies, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus
from campaigns.safeguards.costs import spent_of
from dialer.calls import Outcome
from tests.support.seeding import claim, definition, dialing, numbers, open_all, seed
from tests.support.statuses import as_attempt, as_contact

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
PRICES = {"currency": "EUR", "call_price": 50_000, "part_price": 100_000, "part_seconds": 60, "kept_back": 150_000}
REASONS = ("busy after 2 attempts", "refused: not a number", "said of 14155550101", None)


def differences(ledger) -> list[tallies.Difference]:
    with ledger.snapshot() as db:
        return tallies.differences(db)


def counted(ledger, campaign_id: str) -> dict[str, int]:
    by_status = select(contacts.c.status, func.count()).where(contacts.c.campaign_id == campaign_id)
    with ledger.reading() as db:
        return dict(map(tuple, db.execute(by_status.group_by(contacts.c.status))))


def shown(ledger, campaign_id: str) -> dict[str, int]:
    with ledger.reading() as db:
        return {status.value: number for status, number in tallies.contacts_by_status(db, campaign_id).items()}


def change_anything(db, campaign_id: str, rng: Random) -> None:
    """Any change of a contact or an attempt that the ledger's checks let pass, not only those that we make."""
    ids = db.scalars(select(contacts.c.id).where(contacts.c.campaign_id == campaign_id)).all()
    calls = db.scalars(select(attempts.c.id).where(attempts.c.campaign_id == campaign_id)).all()
    some = rng.sample(ids, rng.randint(0, len(ids)))
    status = rng.choice([status for status in ContactStatus if status is not ContactStatus.CLAIMED])
    facts = as_contact(status, NOW, rng.choice(REASONS))
    db.execute(update(contacts).where(contacts.c.id.in_(some)).values(**facts))
    other = rng.sample(calls, rng.randint(0, len(calls)))
    facts = as_attempt(rng.choice(list(AttemptStatus)), NOW) | {"outcome": None}
    if facts["status"] in {"ended", "unknown"}:
        facts["outcome"] = rng.choice(list(Outcome))
    facts["talk_seconds"] = rng.choice([None, 0.0, 5.0, 60.0, 61.0])
    facts |= {"verdict": rng.choice(["placed", None]), "counted": rng.random() < 0.5, "account": rng.choice("ab")}
    db.execute(update(attempts).where(attempts.c.id.in_(other)).values(**facts))
    if rng.random() < 0.2:
        db.execute(delete(attempts).where(attempts.c.id.in_(other[:1])))


def spent(ledger, campaign_id: str) -> tuple[int, int]:
    """What the campaign has spent, by the tallies, and as a sum of all its calls."""
    each = select(func.sum(cost_of_attempt())).where(attempts.c.campaign_id == campaign_id)
    with ledger.snapshot() as db:
        return spent_of(db, campaign_id).cost, int(db.scalar(each) or 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed_", range(5))
def test_after_any_history_the_tallies_are_what_a_count_says(ledger, seed_, monkeypatch):
    rng = Random(seed_)
    monkeypatch.setattr(tallies, "FOLD_FROM", 20)
    opened = [dialing(ledger, numbers(20, area=300 + 20 * n), now=NOW, campaign=name) for n, name in enumerate("ab")]
    with ledger.writing() as db:
        db.execute(update(attempts).values(**PRICES))
    for _ in range(40):
        (campaign_id,) = {one.campaign_id for one in rng.choice(opened)}
        if rng.random() < 0.3:
            tallies.fold(ledger)
        elif rng.random() < 0.3:
            with ledger.engine.connect().execution_options(writes=True) as db:  # as where a process is killed
                change_anything(db, campaign_id, rng)
                db.rollback()
        else:
            ledger.write(change_anything, campaign_id, rng)
        assert differences(ledger) == []
        assert shown(ledger, campaign_id) == counted(ledger, campaign_id)
        tallied, summed = spent(ledger, campaign_id)
        assert tallied == summed


@pytest.mark.slow
def test_many_that_end_calls_at_once_and_fold_wait_for_nobody_and_lose_no_count(ledger):
    opened = dialing(ledger, numbers(160), now=NOW)

    def end(part: int) -> None:
        for call in opened[part::8]:
            ended = {"outcome": "busy", "ended_at": NOW, "ended_by": "call_list", "counted": True}
            assert ledger.write(move_attempt, call.id, AttemptStatus.ENDED, **ended)
            assert ledger.write(move_contact, call.contact_id, ContactStatus.UNREACHED, NOW, reason="busy")
            ledger.write(tallies.fold_some, contact_tallies)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(end, range(8)))
    assert differences(ledger) == []
    assert shown(ledger, opened[0].campaign_id) == {"unreached": 160}
    with ledger.reading() as db:
        assert tallies.reasons_not_reached(db, opened[0].campaign_id) == [("unreached", "busy", 160)]
        (calls,) = tallies.attempt_counts(db, opened[0].campaign_id)
    assert calls == ("ended", "busy", True, "call_list", 160)


def test_a_draft_is_counted_while_it_is_read(ledger):
    facts = {"name": "draft", "account": "main", "definition_text": definition().model_dump_json(), "now": NOW}
    campaign_id = ledger.write(drafts.create_draft, **facts)
    for line, phone in enumerate(numbers(3), start=2):
        row = drafts.NewContact(line=line, phone=phone, fields={}, text="Hello", zone="UTC", not_after=None)
        ledger.write(drafts.add_contacts, campaign_id, [row], keyed_hash=ledger.keyed_hash, now=NOW)
        assert shown(ledger, campaign_id) == {"pending": line - 1}


def test_whom_the_workers_have_is_counted_at_once(ledger):
    campaign_id = seed(ledger, numbers(3), now=NOW)
    assert shown(ledger, campaign_id) == {"pending": 3}
    claim_id, ids = claim(ledger, campaign_id, 2, now=NOW)
    assert shown(ledger, campaign_id) == {"pending": 1, "claimed": 2}
    open_all(ledger, claim_id, ids[:1], now=NOW)
    assert shown(ledger, campaign_id) == {"pending": 1, "claimed": 1, "dialing": 1}


def test_a_reason_with_a_long_number_is_not_kept_twice(ledger):
    opened = dialing(ledger, numbers(2), now=NOW)
    for call, reason in zip(opened, ("wrong: 14155550101", "wrong: 404"), strict=True):
        ledger.write(move_contact, call.contact_id, ContactStatus.REFUSED, NOW, reason=reason)
    with ledger.reading() as db:
        reasons = tallies.reasons_not_reached(db, opened[0].campaign_id)
    assert sorted(reasons) == [("refused", "", 1), ("refused", "wrong: 404", 1)]


def test_folding_leaves_one_row_for_each_key_and_none_for_what_is_nobodys_any_more(ledger, monkeypatch):
    monkeypatch.setattr(tallies, "FOLD_FROM", 0)
    opened = dialing(ledger, numbers(9), now=NOW)
    for call in opened:
        ledger.write(move_contact, call.contact_id, ContactStatus.UNKNOWN, NOW, reason="nobody knows")
    assert tallies.fold(ledger) == 9
    for call in opened:
        ledger.write(move_contact, call.contact_id, ContactStatus.REACHED, NOW, reason="answered")
    tallies.fold(ledger)
    with ledger.reading() as db:
        rows = db.execute(select(contact_tallies.c.reason, contact_tallies.c.number)).all()
    assert rows == [("answered", 9)]


def test_counts_that_are_wrong_are_named_and_mended(ledger):
    opened = dialing(ledger, numbers(2), now=NOW)
    campaign_id = opened[0].campaign_id
    ledger.write(move_contact, opened[0].contact_id, ContactStatus.REACHED, NOW, reason="answered")
    with ledger.writing() as db:
        key = {"campaign_id": campaign_id, "status": "refused", "reason": "by hand"}
        db.execute(insert(contact_tallies).values(**key, number=5, folded=False))
    assert differences(ledger) == [tallies.Difference("contact_tallies", key, 5, 0)]
    ledger.write(tallies.repair)
    assert differences(ledger) == []
    assert shown(ledger, campaign_id) == {"reached": 1, "dialing": 1}


def test_a_contact_that_is_added_as_final_and_one_that_is_removed_are_counted(ledger):
    campaign_id = seed(ledger, numbers(1), now=NOW)
    row = {"campaign_id": campaign_id, "line": 9, "phone": "+14155550199", "fields": {}, "zone": "UTC", "due_at": NOW}
    with ledger.writing() as db:
        ended = {"status": "expired", "reason": "too late", **as_final(NOW)}
        added = db.execute(insert(contacts).values(**row, **ended)).inserted_primary_key
    assert differences(ledger) == []
    with ledger.writing() as db:
        db.execute(delete(contacts).where(contacts.c.id == added[0]))
    assert differences(ledger) == []
