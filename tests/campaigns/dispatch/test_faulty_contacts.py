"""A contact whose every dial raises in the dialer waits ever longer and ends with a reason: neither lost nor called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, text, update

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.ledger.tables import attempts, contacts
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.safeguards import circuit_breaker
from campaigns.settlement.rulings import FAULTY_TRIES
from tests.support.dialers import webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, numbers, seed

GOOD = "+14155550107"


@pytest.fixture
def using(ledger, clock: HandSetClock, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    """Every slice carries several contacts."""
    accounts = {"main": webex(sandbox.base_url("webex"), pace=500)}
    with working(ledger, redis_url, accounts, clock=clock) as parts:
        yield parts


def spoil(using: Runtime, campaign_id: str, **columns: Any) -> int:
    """Spoil the first contact of the campaign, as no check before launch lets it be."""
    with using.ledger.writing() as db:
        of_it = contacts.c.campaign_id == campaign_id
        first = db.scalar(select(contacts.c.id).where(of_it).order_by(contacts.c.line).limit(1))
        if "fields" in columns:
            db.execute(text("UPDATE contacts SET fields = :raw WHERE id = :id"), {"raw": "no JSON", "id": first})
        else:
            db.execute(update(contacts).where(contacts.c.id == first).values(**columns))
    return int(first)


def tick(using: Runtime) -> None:
    for slice_ in release(using=using):
        dial(slice_, using=using)
    sweep(using=using)


def row(using: Runtime, contact_id: int) -> Any:
    with using.ledger.reading() as db:
        columns = (contacts.c.status, contacts.c.reason, contacts.c.due_at, contacts.c.tries, contacts.c.attempts)
        return db.execute(select(*columns).where(contacts.c.id == contact_id)).one()


SPOILT = {
    "its number is none": {"phone": "no number"},
    "its number is blank": {"phone": ""},
    "its row cannot be read": {"fields": "?"},
}


@pytest.mark.parametrize("how", SPOILT)
def test_it_waits_ever_longer_and_ends_with_a_reason_and_all_others_are_called(using, clock, sandbox, how):
    if how == "its row cannot be read" and "postgresql" in using.ledger.url:
        pytest.skip("PostgreSQL stores no JSON that cannot be read")
    campaign_id = seed(using.ledger, [GOOD, *numbers(3, area=212)], now=clock())
    faulty = spoil(using, campaign_id, **SPOILT[how])
    waits = []
    for tries in range(1, FAULTY_TRIES):
        tick(using)
        tick(using)
        told = row(using, faulty)
        assert (told.status, told.tries) == ("pending", tries), "and no try before its time"
        waits.append(round((told.due_at - clock()).total_seconds()))
        clock.now = told.due_at
    tick(using)
    told = row(using, faulty)
    assert waits == [15, 30, 60, 120, 240, 480, 960]
    assert (told.status, told.attempts, told.tries) == ("unreached", 0, FAULTY_TRIES)
    assert told.reason.startswith(
        f"not called: the dialer itself failed {FAULTY_TRIES} times; last: fault: an error of"
    )
    assert sorted(call["to"] for call in sandbox.calls()) == sorted(numbers(3, area=212))


def test_one_that_can_be_called_after_all_is_called_at_its_next_try(using, clock, sandbox):
    campaign_id = seed(using.ledger, [GOOD], now=clock())
    faulty = spoil(using, campaign_id, phone="no number")
    tick(using)
    assert row(using, faulty).status == "pending"
    spoil(using, campaign_id, phone=GOOD)
    clock.forward(16)
    tick(using)
    assert (row(using, faulty).status, len(sandbox.calls())) == ("placed", 1)


def test_its_story_tells_each_error(using, clock):
    campaign_id = seed(using.ledger, [GOOD], now=clock())
    spoil(using, campaign_id, phone="no number")
    tick(using)
    with using.ledger.reading() as db:
        (made,) = db.execute(select(attempts)).all()
    assert (made.status, made.verdict, made.mnemonic, made.counted) == ("not_placed", "not_sent", "fault", False)
    assert "an error of the dialer" in made.detail
    assert "no number" not in made.detail


def test_errors_of_ours_open_no_breaker_of_the_providers(using, clock):
    campaign_id = seed(using.ledger, numbers(25), now=clock(), breaker={"at_least": 5})
    with using.ledger.writing() as db:
        for number, contact_id in enumerate(db.scalars(select(contacts.c.id)).all()):
            db.execute(update(contacts).where(contacts.c.id == contact_id).values(phone=f"none {number}"))
    tick(using)
    using.ledger.write(circuit_breaker.watch, clock())
    assert campaign_row(using.ledger, campaign_id).status == "running"


def test_its_token_goes_back(using, clock):
    campaign_id = seed(using.ledger, [GOOD], now=clock())
    spoil(using, campaign_id, phone="no number")
    tick(using)
    assert (using.accounts["main"].bucket.peek().in_flight, using.accounts["main"].bucket.peek().calls) == (0, 0)
