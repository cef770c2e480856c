"""A call asked for by a program: one contact, however often and by however many it is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaigns.launch.single_calls import CallRefused, CallRequested, PlacedCall, place_call
from campaigns.ledger import claims
from campaigns.ledger.lists.appends import CannotAppend
from campaigns.ledger.lists.idempotency import KeyReused
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts, idempotency_keys
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.operations.withdrawals import withdraw_call
from campaigns.reporting.explain import call_story
from tests.support.motion import ACCOUNTS, KEYLESS, nobody_dialing, row, start_listed, start_standing
from tests.support.seeding import contact
from tests.support.statements import statements

THREADS = 50


@pytest.fixture
def campaign(ledger, clock, tmp_path):
    return start_standing(ledger, tmp_path, now=clock())


def asked(
    ledger, now, to: str = "+14155550101", campaign: str = "reminders", who: str = "clinic", **facts
) -> PlacedCall:
    facts = {"fields": {"name": "Ann"}} | facts
    return place_call(ledger, campaign, CallRequested(to=to, **facts), ACCOUNTS, who=who, now=now)


def how_many(ledger, table=contacts) -> int:
    with ledger.reading() as db:
        return db.scalar(select(func.count()).select_from(table))


def test_a_call_is_a_contact_of_the_campaign_due_at_once(ledger, clock, campaign):
    until = clock() + timedelta(days=1)
    call = asked(ledger, clock(), key="visit-7", not_after=until)
    assert (call.campaign, call.account, call.fate) == (campaign.id, "main", "added")
    stored = contact(ledger, call.id)
    assert (stored.key, stored.not_after, stored.due_at, stored.status) == ("visit-7", until, clock(), "pending")
    assert stored.text == "Hello Ann, this is a reminder of your appointment tomorrow."
    story = call_story(ledger, call.id, now=clock())
    assert (story.key, story.number, story.status) == ("visit-7", "+1415*****01", "pending")


def test_without_keys_each_is_a_call_of_its_own(ledger, clock, tmp_path):
    start_standing(ledger, tmp_path, now=clock(), definition=KEYLESS)
    assert len({asked(ledger, clock()).id for _ in range(3)}) == 3


def test_the_same_key_is_the_same_call_and_changes_it_while_it_waits(ledger, clock, campaign):
    first, same = (asked(ledger, clock(), key="visit-7") for _ in range(2))
    later = asked(ledger, clock(), key="visit-7", fields={"name": "Bea"})
    assert [(one.id, one.fate) for one in (first, same, later)] == [
        (first.id, "added"),
        (first.id, "same"),
        (first.id, "changed"),
    ]
    withdraw_call(ledger, first.id, who="clinic", now=clock(), reason="cancelled")
    with pytest.raises(CallRefused, match="it is withdrawn: cancelled"):
        asked(ledger, clock(), key="visit-7", fields={"name": "Cid"})


def test_a_call_that_waits_becomes_urgent_when_it_is_asked_for_so_and_stays_it(ledger, clock, campaign):
    calls = [asked(ledger, clock(), key="visit-7", urgent=urgent) for urgent in (False, True, True, False)]
    assert [call.fate for call in calls] == ["added", "changed", "same", "same"]
    other = asked(ledger, clock(), key="visit-7", fields={"name": "Bea"})
    assert (other.fate, contact(ledger, other.id).urgent) == ("changed", True)
    with ledger.writing() as db:
        db.execute(update(contacts).values(status="placed", urgent=False))
    assert asked(ledger, clock(), key="visit-7", fields={"name": "Bea"}, urgent=True).fate == "same", (
        "it is on the line"
    )


def test_urgent_calls_are_claimed_before_the_others(ledger, clock, campaign):
    first = [asked(ledger, clock(), f"+141555501{number:02}").id for number in range(3)]
    urgent = asked(ledger, clock(), "+14155550109", urgent=True).id
    lease = {"now": clock(), "lease_until": clock() + timedelta(seconds=30)}
    ids = ledger.write(claims.claim_due, campaign.id, uuid4(), 2, may_be_urgent=True, **lease)
    assert list(ids) == [urgent, first[0]]
    with ledger.reading() as db:
        claimed = claims.still_claimed(db, contact(ledger, urgent).claim, ids, clock())
    assert {one.contact_id: one.urgent for one in claimed} == {urgent: True, first[0]: False}


def test_whoever_has_the_name_of_a_campaign_by_now_is_asked_in_its_own_words(ledger, clock, campaign, tmp_path):
    asked(ledger, clock())
    control.cancel(ledger, campaign.id, who="ann", now=clock())
    message = {"tts": "Hello, this is a reminder of your appointment tomorrow. Goodbye."}
    again = start_standing(ledger, tmp_path, now=clock.forward(0.1), message=message)
    assert asked(ledger, clock(), fields={}).campaign == again.id


def test_an_idempotency_key_gives_the_same_answer_for_a_day(ledger, clock, campaign):
    call = asked(ledger, clock(), idempotency_key="k-1")
    control.close(ledger, campaign.id, who="ann", now=clock())
    again = asked(ledger, clock() + timedelta(hours=23), idempotency_key="k-1")
    assert (again.id, again.replayed, call.replayed, how_many(ledger)) == (call.id, True, False, 1)
    with pytest.raises(KeyReused):
        asked(ledger, clock(), idempotency_key="k-1", urgent=True)
    with pytest.raises(CannotAppend):  # another program's key
        asked(ledger, clock(), who="shop", idempotency_key="k-1")


def test_what_is_sent_again_has_the_answer_of_then_whatever_it_did_and_whatever_has_the_name_by_now(
    ledger, clock, campaign, tmp_path
):
    first = asked(ledger, clock(), key="visit-7", idempotency_key="k-1")
    same = asked(ledger, clock(), key="visit-7", idempotency_key="k-2")
    changed = asked(ledger, clock(), key="visit-7", fields={"name": "Bea"}, idempotency_key="k-3")
    control.cancel(ledger, campaign.id, who="ann", now=clock())
    start_listed(ledger, tmp_path, [row(1)], now=clock.forward(1))
    again = [
        asked(ledger, clock(), key="visit-7", idempotency_key="k-1"),
        asked(ledger, clock(), key="visit-7", idempotency_key="k-2"),
        asked(ledger, clock(), key="visit-7", fields={"name": "Bea"}, idempotency_key="k-3"),
    ]
    assert again == [replace(one, replayed=True) for one in (first, same, changed)]
    with pytest.raises(KeyReused):  # it says another campaign, though it is the same one
        asked(ledger, clock(), campaign=campaign.id, key="visit-7", idempotency_key="k-1")


def test_a_field_of_the_last_moment_is_what_is_said_and_not_after_when_it_ends(ledger, clock, tmp_path):
    text = {"tts": "Hello {{ name }}, we expect you on {{ until | date }} at {{ until | time }}."}
    start_standing(ledger, tmp_path, now=clock(), message=text)
    visit, last = "2026-12-30T15:40", datetime(2026, 12, 30, 17, tzinfo=UTC)
    both = asked(ledger, clock(), fields={"name": "Ann", "until": visit}, not_after=last)
    alone = asked(ledger, clock(), fields={"name": "Ann", "until": visit}, key="2")
    assert "3:40 PM" in contact(ledger, both.id).text
    assert contact(ledger, both.id).text == contact(ledger, alone.id).text
    assert [contact(ledger, one.id).not_after for one in (both, alone)] == [
        last,
        datetime(2026, 12, 30, 23, 40, tzinfo=UTC),  # in the zone of the number
    ]


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        ({"fields": {"name": "Ann", "phone": "+14155550199"}}, "phone"),
        ({"fields": {"name": "Ann", "Phone ": "+14155550199"}}, "phone"),
        ({"fields": {"name": "Ann", "id": "A-1"}, "key": "A-2"}, "id"),
        ({"fields": {"name": "Ann", "id": "A-1"}}, "id"),
    ],
)
def test_a_field_that_says_another_thing_than_the_request_is_refused(facts, column, ledger, clock, campaign):
    with pytest.raises(CallRefused, match=f"fields.{column} says another thing") as refused:
        asked(ledger, clock(), **facts)
    assert (refused.value.facts, how_many(ledger)) == ({"column": column, "code": "twice"}, 0)
    assert asked(ledger, clock(), key="A-1", fields={"name": "Ann", "id": "A-1", "phone": "+14155550101"}).id


def test_an_idempotency_key_is_forgotten_after_a_day(ledger, clock, campaign):
    first = asked(ledger, clock(), idempotency_key="k-1")
    clock.forward(24 * 3600)
    assert asked(ledger, clock(), idempotency_key="k-1").id != first.id
    clock.forward(24 * 3600)
    sweep(using=nobody_dialing(ledger, clock))
    assert how_many(ledger, idempotency_keys) == 0


def test_one_key_raced_by_fifty_threads_makes_one_call(ledger, clock, campaign):
    others = [Ledger(ledger.url) for _ in range(3)]  # as many processes would

    def ask(number: int) -> tuple[int, int]:
        mine = asked(others[number % 3], clock(), idempotency_key="one", key="visit-1")
        own = asked(others[number % 3], clock(), f"+1415555{1000 + number}"[:8] + f"01{number:02}")
        return mine.id, own.id

    try:
        with ThreadPoolExecutor(THREADS) as threads:
            calls = list(threads.map(ask, range(THREADS)))
    finally:
        for other in others:
            other.close()
    assert len({mine for mine, _ in calls}) == 1
    assert (len({own for _, own in calls}), how_many(ledger)) == (THREADS, THREADS + 1)
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).where(contacts.c.key == "visit-1")) == 1


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        ({"to": "12"}, "phone"),
        ({"fields": {}}, "name"),
        ({"fields": {"name": {"a": 1}}}, ""),
        ({"key": ""}, "key"),
        ({"key": "x" * 201}, "key"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "\0"}, "idempotency_key"),
        ({"not_after": datetime(2026, 1, 1, tzinfo=UTC)}, "not_after"),
        ({"to": "+14155550109"}, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_call_that_could_not_be_placed_is_refused(facts, column, ledger, clock, campaign):
    ledger.write(suppress, "+14155550109", reason="asked us", source="ann", now=clock())
    with pytest.raises(CallRefused) as refused:
        asked(ledger, clock(), **facts)
    assert (refused.value.facts["column"], how_many(ledger)) == (column, 0)


def test_calls_are_taken_by_standing_campaigns_alone(ledger, clock, tmp_path, campaign):
    control.cancel(ledger, campaign.id, who="ann", now=clock())
    with pytest.raises(CannotAppend, match="is cancelled"):
        asked(ledger, clock())
    clock.forward(1)
    start_listed(ledger, tmp_path, [row(1)], now=clock())
    with pytest.raises(CannotAppend, match="no standing campaign"):
        asked(ledger, clock())


def test_a_call_costs_the_same_however_often_its_number_was_called_before(ledger, clock, campaign):
    for number in range(30):
        asked(ledger, clock(), key=f"before-{number}")
    with statements(ledger) as texts:
        asked(ledger, clock(), key="now")
    assert [text for text in texts if "contacts.phone IN" in text] == [], "the contact of its key alone is looked for"
    assert len(texts) <= 14


@pytest.mark.parametrize("account", ["main", "bulk"])
def test_a_standing_campaign_takes_calls_whatever_its_provider_has_no_word_for(ledger, clock, tmp_path, account):
    """The ledger keeps a definition with all its defaults: none of them is a key that somebody wrote."""
    start_standing(ledger, tmp_path, now=clock(), account=account)
    assert asked(ledger, clock(), key="A-1").fate == "added"


def test_a_call_by_name_goes_to_the_newest_campaign_of_the_name(ledger, clock, tmp_path, campaign):
    """Also right after the one before was closed, whatever was read of it a moment ago."""
    assert asked(ledger, clock(), key="A-1").campaign == campaign.id
    control.cancel(ledger, campaign.id, who="ann", now=clock())
    following = start_standing(ledger, tmp_path, now=clock.forward(1))
    assert asked(ledger, clock(), key="A-2").campaign == following.id
