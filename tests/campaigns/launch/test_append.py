"""Rows appended to a running campaign: checked as at a start, once each however often, and never lost at its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from campaigns.audience.given_rows import BadRows
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.append import append, check_rows
from campaigns.ledger.lists.appends import CannotAppend
from campaigns.ledger.lists.contacts import ContactRef
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import audit, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.operations.withdrawals import withdraw_contact
from tests.support.motion import (
    ACCOUNTS,
    KEYLESS,
    appended,
    nobody_dialing,
    row,
    start_listed,
    start_standing,
)
from tests.support.seeding import campaign_row, claim, contact, open_all


def people(ledger, campaign: str) -> list[tuple[str, str, str, str]]:
    """Each contact's key, number, text and status."""
    columns = (contacts.c.key, contacts.c.phone, contacts.c.text, contacts.c.status)
    with ledger.reading() as db:
        query = select(*columns).where(contacts.c.campaign_id == campaign).order_by(contacts.c.id)
        return [tuple(one) for one in db.execute(query)]


def counts(result) -> tuple[int, int, int, int]:
    return result.added, result.changed, result.same, result.left


def test_new_rows_are_due_at_once_and_counted(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1)], now=clock())
    clock.forward(60)
    result = appended(ledger, campaign.id, [row(2), row(3, "Bob", until="2026-12-31T09:00+01:00")], now=clock())
    assert counts(result) == (2, 0, 0, 0)
    assert (campaign_row(ledger, campaign.id).contacts, [one.line for one in result.rows]) == (3, [1, 2])
    _, ids = claim(ledger, campaign.id, 10, now=clock())
    added = [contact(ledger, one) for one in ids[1:]]
    assert [(one.key, one.line, one.due_at) for one in added] == [("A-2", 3, clock()), ("A-3", 4, clock())]
    assert added[1].text == "Hello Bob, this is a reminder of your appointment tomorrow."
    with ledger.reading() as db:
        details = db.scalars(select(audit.c.detail).where(audit.c.event == "contacts appended")).all()
    assert details == ["2 added"]


def test_appended_again_the_same_row_is_skipped_and_a_changed_one_updates_its_contact(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1), row(2)], now=clock())
    again = appended(ledger, campaign.id, [row(1), row(2, "Bea"), row(3)], now=clock())
    assert counts(again) == (1, 1, 1, 0)
    once_more = appended(ledger, campaign.id, [row(1), row(2, "Bea"), row(3)], now=clock())
    assert counts(once_more) == (0, 0, 3, 0)
    texts = {key: text for key, _, text, _ in people(ledger, campaign.id)}
    assert texts["A-2"].startswith("Hello Bea,")


def test_a_changed_row_undoes_the_claim_of_a_worker_that_has_read_it_as_it_was(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1)], now=clock())
    claim_id, ids = claim(ledger, campaign.id, 1, now=clock())
    assert counts(appended(ledger, campaign.id, [row(1, "Bea")], now=clock())) == (0, 1, 0, 0)
    assert open_all(ledger, claim_id, ids, now=clock()) == set()


def test_a_contact_that_is_called_or_over_is_left_with_the_reason(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1), row(2)], now=clock())
    claim_id, ids = claim(ledger, campaign.id, 1, now=clock())
    open_all(ledger, claim_id, ids, now=clock())
    withdraw_contact(ledger, campaign.id, ContactRef(key="A-2"), who="ann", now=clock())
    result = appended(ledger, campaign.id, [row(1, "Bea"), row(2, "Bea")], now=clock())
    assert [(one.key, one.fate, one.reason) for one in result.rows] == [
        ("A-1", "left", "a call of it is under way"),
        ("A-2", "left", "it is withdrawn: withdrawn"),
    ]


def test_a_number_stands_once_in_a_list_and_with_each_key_in_a_standing_campaign(ledger, clock, tmp_path):
    listed = start_listed(ledger, tmp_path, [row(1)], now=clock())
    twice = row(1, id="A-9")
    (left,) = appended(ledger, listed.id, [twice], now=clock()).rows
    assert (left.fate, left.reason) == ("left", "the same number is in the campaign already, with the key 'A-1'")
    control.cancel(ledger, listed.id, who="ann", now=clock())
    standing = start_standing(ledger, tmp_path, now=clock())
    assert counts(appended(ledger, standing.id, [row(1), twice], now=clock())) == (2, 0, 0, 0)


def test_without_keys_a_number_that_is_there_is_skipped(ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock(), definition=KEYLESS)
    rows = [{"phone": "+14155550101", "name": "Ann"}, {"phone": "+14155550102", "Name": "Bob"}]
    assert counts(appended(ledger, campaign.id, rows, now=clock())) == (2, 0, 0, 0)
    assert counts(appended(ledger, campaign.id, [rows[0], rows[1] | {"Name": "Bea"}], now=clock())) == (0, 0, 1, 1)


def test_a_bad_row_is_rejected_with_its_line_and_nothing_else_is_lost(ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock())
    ledger.write(suppress, "+14155550104", reason="asked us", source="ann", now=clock())
    rows = [row(1), row(2, ""), row(3, phone="+7 926"), row(4), row(5, ["a", "list"]), row(6, "\ud800"), row(7, id="")]
    checked = check_rows(ledger, campaign.id, rows, ACCOUNTS, now=clock())
    assert [(one.line, one.code) for one in checked.rejects] == [
        (2, "missing_variable"),
        (3, "invalid_number"),
        (4, "on_dnc"),
        (5, "broken_row"),
        (6, "broken_row"),
        (7, "bad_key"),
    ]
    result = append(ledger, campaign.id, checked, who="ann", now=clock())
    assert (counts(result), result.rejected) == ((1, 0, 0, 0), 6)


def test_a_number_that_is_suppressed_after_the_check_is_left(ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock())
    checked = check_rows(ledger, campaign.id, [row(1)], ACCOUNTS, now=clock())
    ledger.write(suppress, "+14155550101", reason="asked us", source="ann", now=clock())
    (left,) = append(ledger, campaign.id, checked, who="ann", now=clock()).rows
    assert (left.fate, left.reason) == ("left", "on the suppression list: asked us")


def test_a_file_is_appended_as_its_list_was_read(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1)], now=clock())
    more = tmp_path / "more.csv"
    more.write_text("ID;Until;Name;Phone\nA-1;2026-12-31T09:00;Ann;+14155550101\nA-2;;Bob;+14155550102\n")
    checked = check_rows(ledger, campaign.id, more, ACCOUNTS, now=clock())
    result = append(ledger, campaign.id, checked, who="ann", now=clock())
    assert (counts(result), checked.rejects) == ((1, 0, 1, 0), ())
    more.write_text("phone\n+14155550103\n")
    with pytest.raises(DefinitionFaults):
        check_rows(ledger, campaign.id, more, ACCOUNTS, now=clock())


@pytest.mark.parametrize(
    "bad",
    [[{"phone": "+14155550101", 5: "x"}], [{"Phone": "1", "phone ": "2"}], [{"phone": "1", "--": "x"}]],
    ids=["a name that is no text", "two alike", "no letter"],
)
def test_rows_without_usable_names_are_refused_as_a_whole(bad, ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock())
    with pytest.raises(BadRows):
        check_rows(ledger, campaign.id, bad, ACCOUNTS, now=clock())


def test_nothing_is_appended_to_what_is_over_or_closed(ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock())
    checked = check_rows(ledger, campaign.id, [row(1)], ACCOUNTS, now=clock())
    control.close(ledger, campaign.id, who="ann", now=clock())
    for act in (
        lambda: append(ledger, campaign.id, checked, who="ann", now=clock()),
        lambda: check_rows(ledger, campaign.id, [row(1)], ACCOUNTS, now=clock()),
    ):
        with pytest.raises(CannotAppend, match="was closed"):
            act()
    assert sweep(using=nobody_dialing(ledger, clock)).finished == 1
    with pytest.raises(CannotAppend, match="finished"):
        check_rows(ledger, campaign.id, [row(1)], ACCOUNTS, now=clock())


def test_a_campaign_that_ends_as_rows_come_finishes_with_none_of_them_left_waiting(ledger, clock, tmp_path):
    campaign = start_listed(ledger, tmp_path, [row(1)], now=clock())
    withdraw_contact(ledger, campaign.id, ContactRef(key="A-1"), who="ann", now=clock())

    def one_more(number: int) -> int:
        try:
            return appended(ledger, campaign.id, [row(number)], now=clock()).added
        except CannotAppend:
            return 0

    with ThreadPoolExecutor(5) as threads:
        ending = threads.submit(lambda: sweep(using=nobody_dialing(ledger, clock)).finished)
        added = sum(threads.map(one_more, range(2, 6)))
    statuses = [status for *_, status in people(ledger, campaign.id)]
    assert statuses.count("pending") == added == len(statuses) - 1
    finished = campaign_row(ledger, campaign.id).status is CampaignStatus.FINISHED
    assert (finished, ending.result()) == ((True, 1) if added == 0 else (False, 0))


def test_new_zones_have_their_windows(ledger, clock, tmp_path):
    campaign = start_standing(ledger, tmp_path, now=clock())
    appended(ledger, campaign.id, [row(1), row(2, phone="+442079460123")], now=clock())
    assert campaign_row(ledger, campaign.id).zones == ("America/Los_Angeles", "Europe/London")
