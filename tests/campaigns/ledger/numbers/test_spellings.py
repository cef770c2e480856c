"""A phone whose number has two spellings is one phone: one contact, one suppression, one cap, one erasure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaigns.audience.rejects import RejectCode
from campaigns.launch.checking.checks import check
from campaigns.launch.exclusions import Exclusions
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.claims import still_claimed
from campaigns.ledger.lists import drafts
from campaigns.ledger.numbers.frequency_caps import calls_since, cap_clears_at
from campaigns.ledger.numbers.spellings import other_spelling
from campaigns.ledger.tables import contacts, suppressions
from campaigns.operations import suppression_list
from campaigns.operations.erasure import campaigns_with_number, erase
from campaigns.reporting.explain import explain_contact
from dialer.number_identity import TWO_SPELLINGS, identity, spellings
from dialer.phone import PhoneNumber, mentions, parse
from tests.campaigns.launch.test_launch import ACCOUNTS, UNTIL, written
from tests.support.seeding import claim, contact, definition, dialing, numbers, open_all, seed

ARGENTINA = ("+5491123456789", "+541123456789")
MEXICO = ("+5215541637145", "+525541637145")
SAN_MARINO = ("+3780549886377", "+390549886377")
BY = {"reason": "asked us", "who": "ann"}
both = pytest.mark.parametrize(
    ("one", "other"),
    [pair for phone in (ARGENTINA, MEXICO, SAN_MARINO) for pair in (phone, phone[::-1])],
    ids=["AR", "AR without 9", "MX with 1", "MX", "SM", "SM by Italy's code"],
)


@both
def test_both_spellings_have_one_identity(one, other):
    assert spellings(one) == (one, other)
    assert identity(one) == identity(other)


@pytest.mark.parametrize("phone", [*numbers(1), "+541123456", "+54911234567890", "+39054988637", "+525541637"])
def test_other_numbers_have_one_spelling(phone):
    assert spellings(phone) == (phone,)
    assert identity(phone) == phone


def test_the_ledger_tells_spellings_as_we_do(ledger, clock):
    phones = [*ARGENTINA, *MEXICO, *SAN_MARINO, *numbers(1), "+541123456"]
    seed(ledger, phones, now=clock())
    with ledger.reading() as db:
        told = dict(db.execute(select(contacts.c.phone, other_spelling(contacts.c.phone))).all())
    assert told == {phone: dict(enumerate(spellings(phone))).get(1) for phone in phones}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("+54 9 11 2345-6789", "+54 11 2345-6789"),
        ("+54 11 2345-6789", "0054 9 11 2345 6789"),
        ("+378 0549 886377", "+39 0549 886377"),
    ],
)
def test_a_list_with_both_has_one_contact(tmp_path, first, second):
    file = written(tmp_path, f"{first},Ana,,{UNTIL}", f"{second},Ana,,{UNTIL}")
    file.write_text(file.read_text().replace("contacts:", "contacts:\n  country: DE"))
    found = check(file, ACCOUNTS)
    assert (found.summary.valid, found.summary.duplicate_in_file) == (1, 1)
    (reject,) = found.rejects
    assert (reject.code, reject.line) == (RejectCode.DUPLICATE, 3)
    assert reject.reason == "the same phone, which has two spellings, stands in line 2"


@both
def test_a_suppressed_phone_is_not_called_by_its_other_number(ledger, clock, one, other):
    running = seed(ledger, [one], now=clock())
    suppression_list.add(ledger, PhoneNumber(other), now=clock(), **BY)
    claim_id, ids = claim(ledger, running, 1, now=clock())
    assert not open_all(ledger, claim_id, ids, now=clock())
    seed(ledger, [one], now=clock(), campaign="later")
    with ledger.reading() as db:
        states = db.scalars(select(contacts.c.status).where(contacts.c.phone == one)).all()
        found = Exclusions(ledger, definition(campaign="new"), clock())([one])
    assert "suppressed" in states
    assert found == {one: (RejectCode.ON_DNC, "on the suppression list: asked us")}


@both
def test_a_phone_is_suppressed_once_and_taken_off_by_either_number(ledger, clock, one, other):
    assert suppression_list.add(ledger, PhoneNumber(one), now=clock(), **BY)
    assert not suppression_list.add(ledger, PhoneNumber(other), now=clock(), **BY)
    (entry,) = suppression_list.entries_of(ledger, PhoneNumber(other))
    assert entry.phone == one
    assert suppression_list.remove(ledger, PhoneNumber(other), who="ann", now=clock())
    assert suppression_list.entries_of(ledger, PhoneNumber(one)) == []


@both
def test_suppressions_written_before_in_both_numbers_are_taken_off_together(ledger, clock, one, other):
    with ledger.writing() as db:
        for phone in (one, other):
            line = {"account": "", "reason": "asked us", "source": "ann", "added_at": clock()}
            db.execute(suppressions.insert().values(phone=phone, **line))
    assert len(suppression_list.entries_of(ledger, PhoneNumber(one))) == 2
    assert suppression_list.remove(ledger, PhoneNumber(one), who="ann", now=clock())
    assert suppression_list.entries_of(ledger, PhoneNumber(other)) == []


@both
def test_a_call_to_one_number_counts_for_the_cap_of_the_other(ledger, clock, one, other):
    cap = {"per_number": "1/24h"}
    dialing(ledger, [one], now=clock(), frequency=cap)
    later = seed(ledger, [other], now=clock(), campaign="later", frequency=cap)
    claim_id, ids = claim(ledger, later, 1, now=clock())
    with ledger.reading() as db:
        (due,) = still_claimed(db, claim_id, ids, clock())
    opening = Opening(contact=due, account="main", provider="callgear", caller_id="+18005550100", script_seconds=6.0)
    until = clock() + timedelta(seconds=40)
    caps = definition(frequency=cap).caps
    assert not ledger.write(open_attempts, [opening], now=clock(), conclude_at={"main": until}, caps=caps)
    assert ledger.write(open_attempts, [opening], now=clock(), conclude_at={"main": until})
    with ledger.reading() as db:
        clears_at, _ = cap_clears_at(db, other, caps, clock(), rehearsal=False)
        earlier = calls_since(db, clock() - timedelta(days=1), rehearsal=False)
    assert clears_at == clock() + timedelta(days=1)
    assert earlier == {identity(other): [clock()] * 2}


@both
def test_an_erasure_removes_both_numbers_and_neither_is_called_again(ledger, clock, one, other):
    old = seed(ledger, [one, other], now=clock())  # as earlier versions took them
    suppression_list.add(ledger, PhoneNumber(other), now=clock(), **BY)
    result = erase(ledger, PhoneNumber(one), who="ann", now=clock())
    assert (result.contacts, result.suppressions) == (2, 1)
    with ledger.reading() as db:
        left = [*db.scalars(select(contacts.c.phone)), *db.scalars(select(suppressions.c.phone))]
    assert all(phone.startswith("hash:") for phone in left)
    assert campaigns_with_number(ledger, PhoneNumber(other)) == [old]
    for phone in (one, other):
        found = Exclusions(ledger, definition(campaign="new"), clock())([phone])
        assert found[phone][0] is RejectCode.ERASED
        suppression_list.add(ledger, PhoneNumber(phone), now=clock(), **BY)
    with ledger.reading() as db:
        assert all(phone.startswith("hash:") for phone in db.scalars(select(suppressions.c.phone)))


@both
def test_explain_finds_the_contact_by_either_number(ledger, clock, one, other):
    running = seed(ledger, [one], now=clock())
    told = explain_contact(ledger, running, PhoneNumber(other), now=clock())
    assert told.line == contact(ledger, 1).line == 2


@both
def test_a_campaign_of_the_same_name_has_the_phone_by_either_number(ledger, clock, one, other):
    running = seed(ledger, [one], now=clock())
    found = Exclusions(ledger, definition(), clock())([other])
    assert found == {other: (RejectCode.IN_CAMPAIGN, f"{running} calls this number")}
    draft = ledger.write(
        drafts.create_draft,
        name="reminders",
        account="main",
        definition_text=definition().model_dump_json(),
        now=clock(),
    )
    row = drafts.NewContact(line=2, phone=other, fields={}, text=None, zone="UTC", not_after=None)
    ledger.write(drafts.add_contacts, draft, [row], keyed_hash=ledger.keyed_hash, now=clock())
    with ledger.reading() as db:
        assert drafts.called_by_another_too(db, draft, "reminders") == running


@pytest.mark.parametrize("text", ["+54 11 2345-6789", "011 15-2345-6789", "5491123456789", "call +54 9 11 2345 6789"])
def test_a_text_mentions_a_phone_in_either_spelling(text):
    assert all(mentions(text, PhoneNumber(number)) for number in ARGENTINA)
    assert not mentions(text, parse("+541123456780"))


def test_every_pair_of_spellings_is_tried_here():
    assert len(TWO_SPELLINGS) == len({ARGENTINA, MEXICO, SAN_MARINO})
