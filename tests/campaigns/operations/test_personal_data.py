"""A person gets all that is held about them, from everywhere, and nothing about others."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaigns.ledger.moves import write_audit
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.tables import audit, contacts, metadata
from campaigns.operations.erasure import erase
from campaigns.operations.retention.emptying import run
from campaigns.operations.retention.personal_data import as_text, export_person
from campaigns.operations.suppression_list import add
from campaigns.settlement.receipts import apply_waiting
from dialer.phone import parse
from tests.campaigns.operations.test_retention import ALL, SECRET, called, known
from tests.campaigns.settlement.test_receipts import ACCOUNT, receipt
from tests.support.fixtures import START
from tests.support.seeding import claim, numbers, open_all

ANN, BOB = (parse(number) for number in numbers(2))


@pytest.fixture
def held(ledger, tmp_path):
    """Ann and Bob, in two campaigns each, with everything that may be held of somebody."""
    called(ledger, known(ledger, [ANN.e164, BOB.e164], START, campaign="first"), START)
    second = known(ledger, [BOB.e164, ANN.e164], START, campaign="second")
    claim_id, ids = claim(ledger, second, 2, now=START)
    told = [receipt("OFFERED", f"c-{one}", one, START) for one in open_all(ledger, claim_id, ids, now=START)]
    body = json.dumps({"to": [ANN.e164, BOB.e164], "note": "of both"})
    ledger.write(store, [Delivery(account="main", heard=told, body=body)], now=START)
    ledger.write(apply_waiting, "main", ACCOUNT, now=START)
    strange = [receipt("OFFERED", "nobody's", None, START)]
    ledger.write(store, [Delivery(account="main", heard=strange, body=f"to {ANN.digits} and {BOB.digits}")], now=START)
    add(ledger, ANN, reason="asked us by mail", who="gerda", now=START)
    with ledger.reading() as db:
        (ann_id,) = db.scalars(
            select(contacts.c.id).where(contacts.c.phone == ANN.e164, contacts.c.campaign_id == "first-1")
        )
    detail = f"contact {ann_id}"
    ledger.write(write_audit, START, who="gerda", event="number shown", campaign_id="first-1", detail=detail)
    detail = f"contact {ann_id}0"
    ledger.write(write_audit, START, who="gerda", event="number shown", campaign_id="first-1", detail=detail)
    reports = tmp_path / "reports"
    reports.mkdir()
    row = f'"(415) 555-{ANN.digits[-4:]}","Ann"\n"{BOB.e164}","Bob"\n'
    (reports / "first-1-rejects.csv").write_text('"phone","name"\n' + row, encoding="utf-8-sig")
    (reports / "first-1-contacts.csv").write_text("…")
    (tmp_path / "drafts" / "d").mkdir(parents=True)
    (tmp_path / "drafts" / "d" / "list.csv").write_text(f"phone,name\n{ANN.e164},Ann\n{BOB.e164},Bob\n")
    return lambda number=ANN: export_person(ledger, number, tmp_path, who="gerda", now=START)


def test_it_has_what_every_table_and_file_holds(held):
    data = held()
    assert [each["campaign"] for each in data["contacts"]] == ["first-1", "second-1"]
    first = data["contacts"][0]
    assert (first["phone"], first["text"], first["fields"], first["consent"]) == (
        *(ANN.e164, SECRET),
        *({"name": SECRET}, SECRET),
    )
    assert first["calls"][0]["caller_id"] == "+18005550100"
    assert [entry["reason"] for entry in data["suppressions"]] == ["asked us by mail"]
    assert len(data["receipts_of_no_call"]) == 1
    assert [line["what"] for line in data["audit"]] == ["number shown"]
    assert [entry["file"] for entry in data["rows_in_files"]] == ["reports/first-1-rejects.csv", "d/list.csv"]
    assert data["report_files"] == ["first-1-contacts.csv"]
    assert json.loads(json.dumps(data)) == data


def test_nothing_of_another_person_and_nobody_who_works_here_is_in_it(held):
    written = json.dumps(held(), ensure_ascii=False)
    assert (BOB.digits in written, "Bob" in written, "gerda" in written) == (False, False, False)
    assert ANN.digits in written
    assert "of both" in written  # a body that tells of both, without the other number


def test_it_is_written_for_people_too(held):
    text = as_text(held())
    assert text.startswith(f"What is held about {ANN.e164}\n")
    assert "contacts 1 of 2:\n  campaign: first-1\n" in text
    assert f"  text: {SECRET}\n" in text
    assert BOB.digits not in text


def test_the_audit_says_that_it_was_given_and_not_whose_number_it_is(ledger, held):
    held()
    with ledger.reading() as db:
        (line,) = db.execute(select(audit).where(audit.c.event == "person exported"))
    assert (line.who, line.detail) == ("gerda", ledger.keyed_hash(ANN.e164))
    assert "person exported" in [each["what"] for each in held()["audit"]]


def test_of_a_person_who_was_erased_or_whose_time_was_over_what_is_left(ledger, held, tmp_path):
    run(ledger, ALL, tmp_path, now=START + timedelta(days=90))
    first = held()["contacts"][0]
    assert (first["phone"].startswith("hash:"), "text" in first, first["status"]) == (True, False, first["status"])
    erase(ledger, BOB, who="gerda", now=START)
    data = held(BOB)
    assert [each["campaign"] for each in data["contacts"]] == ["first-1", "second-1"]
    assert "number erased" in [each["what"] for each in data["audit"]]
    assert [entry["number"] for entry in data["suppressions"]] == ["erased"]


def test_of_somebody_of_whom_nothing_is_held_it_says_that(held):
    data = held(parse(numbers(1, first=9)[0]))
    assert {name for name, value in data.items() if value and name not in ("number", "exported_at")} == set()
    assert "contacts: none" in as_text(data)


def test_every_table_with_a_contact_is_looked_through():
    """A new table that names a contact has to be added to the export."""
    naming = {table.name for table in metadata.sorted_tables if "contact_id" in table.c or "phone" in table.c}
    assert naming == {"contacts", "attempts", "suppressions", "erasures", "idempotency_keys", "deliveries"}
