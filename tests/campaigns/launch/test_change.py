"""A contact that waits is changed as a start would read it; one that is called or over stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.launch.change import Change, ChangeRefused, change_contact
from campaigns.ledger.lists.contacts import ContactRef, NoSuchContact, Outcome, SeveralContacts
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.operations.withdrawals import withdraw_contact
from dialer.phone import PhoneNumber
from tests.support.motion import ACCOUNTS, appended, row, start_listed, start_standing
from tests.support.seeding import campaign_row, claim, contact, open_all

FIRST = ContactRef(key="A-1")


@pytest.fixture
def campaign(ledger, clock, tmp_path):
    return start_listed(ledger, tmp_path, [row(1), row(2, "Bob")], now=clock())


def changed(ledger, campaign, now, ref=FIRST, **values):
    return change_contact(ledger, campaign.id, ref, Change(**values), ACCOUNTS, who="ann", now=now)


def test_its_text_is_rendered_anew(ledger, clock, campaign):
    result = changed(ledger, campaign, clock(), fields={"Name": "Bea"})
    assert (result.outcome, result.contact.fields["name"]) == (Outcome.DONE, "Bea")
    assert result.contact.text == "Hello Bea, this is a reminder of your appointment tomorrow."
    assert changed(ledger, campaign, clock(), fields={"name": "Bea"}).outcome is Outcome.BEFORE


def test_a_worker_that_has_read_it_as_it_was_may_not_dial_it(ledger, clock, campaign):
    claim_id, ids = claim(ledger, campaign.id, 2, now=clock())
    changed(ledger, campaign, clock(), fields={"name": "Bea"})
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 1
    assert contact(ledger, ids[0]).status == "pending"
    claim_id, ids = claim(ledger, campaign.id, 2, now=clock())
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 1


def test_its_last_moment_its_number_and_its_words_are_changed(ledger, clock, campaign):
    until = datetime(2026, 12, 5, 9, tzinfo=UTC)
    result = changed(ledger, campaign, clock(), not_after=until, phone="+44 20 7946 0123", text="Come at nine.")
    stored = contact(ledger, result.contact.id)
    assert (stored.phone, stored.phone_hash) == ("+442079460123", ledger.keyed_hash("+442079460123"))
    assert (stored.not_after, stored.zone, stored.text) == (until, "Europe/London", "Come at nine.")
    assert "Europe/London" in campaign_row(ledger, campaign.id).zones
    later = changed(ledger, campaign, clock(), not_after=until + timedelta(days=1))
    assert (later.contact.text, later.contact.not_after) == ("Come at nine.", until + timedelta(days=1))
    assert changed(ledger, campaign, clock(), fields={"name": "Bea"}).contact.text.startswith("Hello Bea,")
    assert contact(ledger, result.contact.id).not_after == until + timedelta(days=1)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"fields": {"name": ""}}, "name"),
        ({"fields": {"id": "A-3"}}, "id"),
        ({"fields": {"phone": "+14155550103"}}, "phone"),
        ({"fields": {"until": "tomorrow"}}, "until"),
        ({"fields": {"name": ["a"]}}, ""),
        ({"fields": {"nmae": "Bea"}}, "nmae"),
        ({"fields": {"": "Bea"}}, ""),
        ({"phone": ""}, "phone"),
        ({"phone": " "}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": "+14155550102"}, "phone"),
        ({"phone": "+14155550109"}, "phone"),
        ({"text": " "}, "text"),
        ({"text": "\ud800"}, "text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_could_not_be_called_so_is_refused_and_it_stays_as_it_was(change, column, ledger, clock, campaign):
    ledger.write(suppress, "+14155550109", reason="asked us", source="ann", now=clock())
    with pytest.raises(ChangeRefused) as refused:
        changed(ledger, campaign, clock(), **change)
    assert refused.value.facts["column"] == column
    _, ids = claim(ledger, campaign.id, 2, now=clock())
    assert (contact(ledger, ids[0]).phone, contact(ledger, ids[0]).text[:9]) == ("+14155550101", "Hello Ann")


def test_one_that_is_called_or_over_stays_as_it_is_and_is_told_why(ledger, clock, campaign):
    claim_id, ids = claim(ledger, campaign.id, 1, now=clock())
    open_all(ledger, claim_id, ids, now=clock())
    withdraw_contact(ledger, campaign.id, ContactRef(key="A-2"), who="ann", now=clock())
    told = [changed(ledger, campaign, clock(), ContactRef(key=f"A-{n}"), fields={"name": "Bea"}) for n in (1, 2)]
    assert [(one.outcome, one.why) for one in told] == [
        (Outcome.ON_A_CALL, "a call of it is under way"),
        (Outcome.OVER, "it is withdrawn: withdrawn"),
    ]


def test_the_one_that_is_meant_is_named(ledger, clock, campaign, tmp_path):
    with pytest.raises(NoSuchContact):
        changed(ledger, campaign, clock(), ContactRef(key="A-7"), fields={})
    standing = start_standing(ledger, tmp_path, now=clock(), campaign="others")
    appended(ledger, standing.id, [row(1), row(1, id="A-9")], now=clock())
    with pytest.raises(SeveralContacts, match="2 contacts of others-1"):
        changed(ledger, standing, clock(), ContactRef(number=PhoneNumber.of_valid("+14155550101")), fields={})
