"""A contact that is withdrawn is never called from the answer on, whatever it was about to become."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from campaigns.ledger.lists.contacts import ContactRef, NoSuchContact, Outcome
from campaigns.ledger.tables import audit
from campaigns.operations import control
from campaigns.operations.erasure import erase
from campaigns.operations.sweep import sweep
from campaigns.operations.withdrawals import BadReason, withdraw_call, withdraw_contact, withdraw_contacts
from campaigns.reporting.explain import contact_story
from campaigns.settlement.requeue import requeue
from dialer.phone import PhoneNumber
from tests.support.motion import nobody_dialing, row, start_listed
from tests.support.seeding import claim, contact, dialing, numbers, open_all, seed


def withdrawn(ledger, campaign, ref, now, **named):
    return withdraw_contact(ledger, campaign, ref, who="ann", now=now, **named)


def by_number(phone: str) -> ContactRef:
    return ContactRef(number=PhoneNumber.of_valid(phone))


def events(ledger, campaign) -> list[tuple[str, str, str]]:
    with ledger.reading() as db:
        query = select(audit.c.event, audit.c.who, audit.c.detail).where(audit.c.campaign_id == campaign)
        return [tuple(line) for line in db.execute(query.order_by(audit.c.id)) if "withdrawn" in line.event]


def test_a_waiting_contact_is_withdrawn_with_reason_and_who(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1), row(2)], now=clock())
    (done,) = withdrawn(ledger, campaign.id, ContactRef(key="A-1"), clock(), reason="cancelled by the clinic")
    assert (done.outcome, done.contact.status, done.contact.key) == (Outcome.DONE, "withdrawn", "A-1")
    assert done.contact.reason == "cancelled by the clinic"
    assert events(ledger, campaign.id) == [("contact withdrawn", "ann", "key A-1: cancelled by the clinic")]
    _, ids = claim(ledger, campaign.id, 10, now=clock())
    assert [contact(ledger, one).key for one in ids] == ["A-2"]


def test_withdrawn_again_it_stays_as_it_is(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    first = withdrawn(ledger, campaign, by_number(numbers(1)[0]), clock(), reason="moved")
    again = withdrawn(ledger, campaign, by_number(numbers(1)[0]), clock(), reason="another")
    assert [one[0].outcome for one in (first, again)] == [Outcome.DONE, Outcome.BEFORE]
    assert (again[0].contact.reason, len(events(ledger, campaign))) == ("moved", 1)


def test_a_contact_that_a_worker_has_taken_is_withdrawn_until_its_attempt_is_committed(ledger, clock):
    campaign = seed(ledger, numbers(2), now=clock())
    claim_id, ids = claim(ledger, campaign, 2, now=clock())
    (done,) = withdrawn(ledger, campaign, by_number(numbers(2)[0]), clock())
    assert (done.outcome, contact(ledger, ids[0]).claim) == (Outcome.DONE, None)
    assert len(open_all(ledger, claim_id, ids, now=clock())) == 1
    assert [contact(ledger, one).status for one in ids] == ["withdrawn", "dialing"]


def test_a_call_on_the_line_goes_on_and_is_the_last(ledger, clock):
    (attempt,) = dialing(ledger, numbers(1), now=clock())
    (done,) = withdrawn(ledger, attempt.campaign_id, ContactRef(contact_id=attempt.contact_id), clock(), reason="came")
    assert (done.outcome, done.contact.status, done.contact.withdrawal) == (Outcome.ON_A_CALL, "dialing", "came")
    assert "is the last: it was withdrawn (came)" in contact_story(ledger, attempt.contact_id, now=clock()).why
    ledger.write(requeue, attempt, clock(), now=clock())
    claim_id, ids = claim(ledger, attempt.campaign_id, 1, now=clock())
    assert (ids, open_all(ledger, claim_id, ids, now=clock())) == ([attempt.contact_id], set())
    sweep(using=nobody_dialing(ledger, clock))
    final = contact(ledger, attempt.contact_id)
    assert (final.status, final.reason, final.final_at) == ("withdrawn", "came", clock())


def test_what_is_over_stays_so(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    control.cancel(ledger, campaign, who="ann", now=clock())
    (done,) = withdrawn(ledger, campaign, by_number(numbers(1)[0]), clock())
    assert (done.outcome, done.contact.status) == (Outcome.OVER, "cancelled")


def test_many_are_withdrawn_at_once_and_those_that_nobody_knows_are_named(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(number) for number in range(1, 6)], now=clock())
    refs = [ContactRef(key="A-1"), ContactRef(key="A-9"), by_number("+14155550103"), by_number("+14155550199")]
    result = withdraw_contacts(ledger, "reminders", refs, who="ann", now=clock())
    assert [one.contact.key for one in result.contacts] == ["A-1", "A-3"]
    assert (result.campaign, list(result.unknown)) == (campaign.id, [refs[1], refs[3]])


@pytest.mark.parametrize("ref", [ContactRef(key="A-1"), ContactRef(contact_id=99), by_number("+14155550142")], ids=str)
def test_nobody_is_withdrawn_by_a_name_that_no_contact_has(ref, ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    with pytest.raises(NoSuchContact) as refused:
        withdrawn(ledger, campaign, ref, clock())
    assert "1 contact of reminders-1" in refused.value.message
    assert "+14155550142" not in refused.value.message


def test_a_call_is_withdrawn_by_its_id_alone_and_no_contact_of_a_list_is(ledger, clock):
    listed = seed(ledger, numbers(1), now=clock())
    campaign = seed(ledger, numbers(1, first=1), now=clock(), campaign="now", contacts={"standing": True})
    _, (of_list,) = claim(ledger, listed, 1, now=clock())
    _, (contact_id,) = claim(ledger, campaign, 1, now=clock())
    assert withdraw_call(ledger, contact_id, who="ann", now=clock()).contact.campaign == campaign
    for nobody in (of_list, contact_id + 1, -1, 2**70):
        with pytest.raises(NoSuchContact):
            withdraw_call(ledger, nobody, who="ann", now=clock())


def test_a_reason_is_one_short_line(ledger, clock):
    campaign = seed(ledger, numbers(1), now=clock())
    for reason in ("x" * 201, "two\nlines", "\0"):
        with pytest.raises(BadReason):
            withdrawn(ledger, campaign, by_number(numbers(1)[0]), clock(), reason=reason)


def test_an_erasure_takes_the_key_and_the_reason_with_it(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1), row(2)], now=clock())
    (done,) = withdrawn(ledger, campaign.id, ContactRef(key="A-1"), clock(), reason="Ann Lee called")
    erase(ledger, PhoneNumber.of_valid("+14155550101"), who="ann", now=clock())
    emptied = contact(ledger, done.contact.id)
    assert (emptied.key, emptied.fields) == (f"erased:{done.contact.id}", {})
    assert "Ann Lee" not in emptied.reason
