"""What archives hold of people ends, too, and is handed over, as if it were in the ledger still."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaigns.ledger.lists import archives
from campaigns.ledger.moves import write_audit
from campaigns.ledger.tables import contacts
from campaigns.operations.archives.archive_files import ArchiveFiles
from campaigns.operations.retention.archiving import archive
from campaigns.operations.retention.emptying import run, run_daily
from campaigns.operations.retention.personal_data import export_person
from campaigns.operations.retention.plans import make_plan
from campaigns.reporting.report import totals
from campaigns.retention_periods import InstallationRetention, Kept
from dialer.phone import parse
from tests.campaigns.operations.test_archiving import KEEPING, LATER, ended, rows
from tests.campaigns.operations.test_retention import SECRET
from tests.support.seeding import numbers

ANN, BOB, *_ = map(parse, numbers(6))
SET_LATER = {
    Kept.TEXTS: InstallationRetention.model_validate({"texts": "30d"}),
    Kept.RECEIPTS: InstallationRetention.model_validate({"receipts": "30d"}),
    Kept.CONTACTS: InstallationRetention.model_validate({"contacts": "90d"}),
}
DUE = LATER + timedelta(days=90)


@pytest.fixture
def archived(ledger, tmp_path):
    """A campaign of six in files, with whole numbers; nothing was to end its data when it was moved out."""
    campaign_id = ended(ledger, 6)
    result = archive(ledger, [campaign_id], tmp_path / "archive", **KEEPING | {"with_numbers": True})
    assert result.archived[campaign_id]["contacts"] == 6
    return ArchiveFiles(tmp_path / "archive", campaign_id)


def written(files, table):
    return rows(files.folder, files.campaign, table)


@pytest.mark.parametrize("kept", SET_LATER)
def test_a_time_that_is_set_later_ends_what_an_archive_holds(ledger, tmp_path, archived, kept):
    before, counts = totals(ledger, archived.campaign), {name: len(written(archived, name)) for name in tables()}
    held = {name: written(archived, name) for name in tables()}
    (plan,) = make_plan(ledger, SET_LATER[kept], tmp_path, now=DUE).campaigns
    table = "receipts" if kept is Kept.RECEIPTS else "contacts"
    assert (plan.due, plan.archive) == ({kept: counts[table]}, archived.manifest)
    result = run(ledger, SET_LATER[kept], tmp_path, now=DUE)
    assert (getattr(result, kept), result.elsewhere, result.left) == (counts[table], [], [])
    assert {name: len(written(archived, name)) for name in tables()} == counts
    assert totals(ledger, archived.campaign) == before
    text = "".join(file.read_text() for file in archived.all)
    match kept:
        case Kept.TEXTS:
            assert {row["text"] for row in written(archived, "contacts")} == {""}
            assert {row["fields"] for row in written(archived, "contacts")} != {""}
            assert written(archived, "receipts") == held["receipts"]
        case Kept.RECEIPTS:
            assert {row["body"] for row in written(archived, "receipts")} == {"erased"}
            assert written(archived, "contacts") == held["contacts"]
        case _:
            assert not [phone for phone in numbers(6) if phone[1:] in text]
            assert SECRET not in text
    with ledger.reading() as db:
        (noted,) = archives.all_archives(db)
    archived.verify(noted.manifest_hash)
    again = run(ledger, SET_LATER[kept], tmp_path, now=DUE + timedelta(days=1))
    assert getattr(again, kept) == 0


def tables():
    return [table.name for table in archives.MOVED]


def test_an_archive_that_is_elsewhere_is_named_until_it_is_emptied(ledger, tmp_path, archived):
    elsewhere = archived.manifest.rename(tmp_path / "moved.json")
    general = SET_LATER[Kept.CONTACTS]
    for days in range(2):
        assert run(ledger, general, tmp_path, now=DUE + timedelta(days=days)).elsewhere == [archived.manifest]
    night = run_daily(ledger, general, tmp_path, now=DUE, seconds=60.0)
    assert (night.finished, night.elsewhere) == (True, [archived.manifest])
    elsewhere.rename(archived.manifest)
    assert run(ledger, general, tmp_path, now=DUE).contacts == 6
    assert make_plan(ledger, general, tmp_path, now=DUE).campaigns == []


def test_an_archive_that_cannot_be_read_is_left_for_the_next_run(ledger, tmp_path, archived):
    whole = archived.manifest.read_text()
    archived.manifest.write_text("{")
    general = SET_LATER[Kept.CONTACTS]
    assert run(ledger, general, tmp_path, now=DUE).left == [archived.manifest]
    archived.manifest.write_text(whole)
    assert run(ledger, general, tmp_path, now=DUE).left == []


def test_a_person_is_given_what_archives_hold_of_them_and_nothing_of_others(ledger, tmp_path, archived):
    (own,) = (row for row in written(archived, "contacts") if row["phone"] == ANN.e164)
    for who in (own["id"], f"{own['id']}0"):
        detail = f"contact {who}"
        ledger.write(write_audit, LATER, who="ann", event="number shown", campaign_id=archived.campaign, detail=detail)
    held = export_person(ledger, ANN, tmp_path, who="ann", now=LATER)
    (contact,) = held["contacts"]
    assert contact["archive"] == f"archive/{archived.manifest.name}"
    assert (contact["phone"], contact["text"], contact["fields"]) == (ANN.e164, SECRET, {"name": SECRET})
    (call,) = contact["calls"]
    assert call["number"] == 1
    in_file = [row for row in written(archived, "receipts") if row["attempt_id"] == call["id"]]
    assert [receipt["word"] for receipt in call["receipts"]] == [row["word"] for row in in_file]
    assert [line["what"] for line in held["audit"]] == ["number shown"]
    assert BOB.digits not in json.dumps(held)
    assert (held["archives_elsewhere"], held["unreadable_files"]) == ([], [])


def test_archives_that_cannot_be_looked_through_are_named(ledger, tmp_path, archived):
    whole = archived.manifest.read_text()
    contacts_file = archived.of(contacts)
    rows_of_it = contacts_file.read_text()
    contacts_file.write_text(rows_of_it.splitlines()[0] + "\n1,2\n")
    held = export_person(ledger, ANN, tmp_path, who="ann", now=LATER)
    assert (held["contacts"], held["unreadable_files"]) == ([], [f"archive/{archived.manifest.name}"])
    contacts_file.write_text(rows_of_it)
    archived.manifest.unlink()
    assert export_person(ledger, ANN, tmp_path, who="ann", now=LATER)["archives_elsewhere"] == [archived.campaign]
    archived.manifest.write_text(whole)
    with ledger.reading() as db:
        assert db.execute(select(contacts.c.id)).all() == []
