"""Each column of a table with people in it is decided upon: emptied or not, handed over or not. So is a new one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import JSON, select, update

from campaigns.ledger.tables import attempts, contacts, metadata, receipts
from campaigns.operations.archives.archive_erasure import PERSONAL
from campaigns.operations.erasure import erase
from campaigns.operations.retention.emptying import run
from campaigns.operations.retention.personal_data import ATTEMPT, CONTACT, RECEIPT, export_person
from dialer.phone import parse
from tests.campaigns.operations.test_retention import ALL, called, known
from tests.support.fixtures import START
from tests.support.seeding import numbers

PHONE = numbers(1)[0]
MARK = "of this person"
EMPTIED = {
    contacts: "phone key consent fields given text voice zone not_after withdrawal reason",
    attempts: "detail zone local_time",
    receipts: "body pressed",
}
# Figures, gates and late receipts need these: the words of our own tables, times, ids, hashes.
STAYS = {
    contacts: "id campaign_id line phone_hash status corrected response due_at reminder urgent claim claimed_at"
    " lease_until attempts tries final_at caller_id",
    attempts: "id contact_id campaign_id number account provider caller_id status verdict outcome mnemonic code"
    " corrected provider_call_id counted allowed_by scheduled_at queued_at dialing_at placed_at answered_at ended_at"
    " talk_seconds response short doubted_at confirmed_by ended_by next_attempt_at reminder variant script_seconds"
    " conclude_at looked_at send_at gone_at looks longest_gap seen puzzled currency call_price part_price part_seconds"
    " kept_back",
    receipts: "id account event_id attempt_id provider_call_id correlation_id word code progress outcome occurred_at"
    " received_at applied_at",
}
# How the dialer keeps its own course, and what stands elsewhere in what is handed over.
NOT_HANDED_OVER = {
    contacts: "id campaign_id phone_hash claim claimed_at lease_until caller_id",
    attempts: "contact_id campaign_id doubted_at conclude_at looked_at gone_at looks longest_gap seen puzzled currency"
    " call_price part_price part_seconds kept_back",
    receipts: "id event_id attempt_id provider_call_id correlation_id applied_at",
}
HANDED_OVER = {contacts: CONTACT, attempts: ATTEMPT, receipts: RECEIPT}
CHANGED_BY_ERASURE = {"corrected", "phone_hash"}
WITH_PEOPLE_OTHERWISE = {"rejected_rows", "suppressions", "erasures", "idempotency_keys", "deliveries", "audit"}
OF_NOBODY_CALLED = {
    *("campaigns", "breakers", "halts", "faults", "ticks", "schedules", "questions", "question_secrets", "webhooks"),
    *("archives", "audit_chain", "retention_done", "users", "sessions", "tokens"),
    *("contact_tallies", "attempt_tallies", "response_tallies", "cost_tallies", "call_times"),
}


def test_every_table_is_decided_upon():
    of_people = {table.name for table in EMPTIED}
    assert of_people | WITH_PEOPLE_OTHERWISE | OF_NOBODY_CALLED == set(metadata.tables)


@pytest.mark.parametrize("table", EMPTIED, ids=lambda table: table.name)
def test_every_column_is_decided_upon(table):
    assert sorted([*EMPTIED[table].split(), *STAYS[table].split()]) == sorted(table.c.keys())
    assert set(HANDED_OVER[table]) == set(table.c.keys()) - set(NOT_HANDED_OVER[table].split())


@pytest.mark.parametrize("table", EMPTIED, ids=lambda table: table.name)
def test_an_erasure_empties_the_same_in_archives(table):
    assert set(PERSONAL[table.name]) - CHANGED_BY_ERASURE == set(EMPTIED[table].split())


@pytest.fixture
def marked(ledger):
    """A person in an ended campaign: each column that is to be emptied has a mark."""
    called(ledger, known(ledger, [PHONE], START), START)
    with ledger.writing() as db:
        db.execute(update(contacts).values(status="refused"))
        for table, names in EMPTIED.items():
            columns = [table.c[name] for name in names.split() if name not in ("phone", "not_after")]
            db.execute(update(table).values({column: _mark(column) for column in columns}))
        db.execute(update(contacts).values(response="confirmed", reminder=1))
        db.execute(update(attempts).values(response="confirmed", reminder=1, variant="short", short=True))
    return _rows(ledger)


def _mark(column):
    if not isinstance(column.type, JSON):
        return MARK
    return [MARK] if column.name == "pressed" else {"name": MARK}


def _rows(ledger):
    with ledger.reading() as db:
        return {table: db.execute(select(table)).one()._asdict() for table in EMPTIED}


@pytest.mark.parametrize("way", ["retention", "erasure"])
def test_what_is_to_be_emptied_is_emptied_and_the_rest_stays(ledger, tmp_path, marked, way):
    if way == "retention":
        run(ledger, ALL, tmp_path, now=START + timedelta(days=90))
    else:
        erase(ledger, parse(PHONE), who="ann", now=START)
    left = _rows(ledger)
    for table, before in marked.items():
        for name in EMPTIED[table].split():
            assert MARK in str(before[name]) or name in ("phone", "not_after"), f"{table.name}.{name} has no mark"
            assert left[table][name] != before[name], f"{table.name}.{name}"
        assert MARK not in str(left[table])
        for name in set(STAYS[table].split()) - CHANGED_BY_ERASURE:
            assert left[table][name] == before[name], f"{table.name}.{name}"


def test_all_that_is_marked_is_handed_over(ledger, tmp_path, marked):
    held = export_person(ledger, parse(PHONE), tmp_path, who="ann", now=START)
    (contact,) = held["contacts"]
    (call,) = contact["calls"]
    for table, record in ((contacts, contact), (attempts, call), (receipts, call["receipts"][0])):
        given = {name for name, value in marked[table].items() if value not in (None, "", {})}
        assert given - set(NOT_HANDED_OVER[table].split()) <= set(record), table.name
