"""Ended campaigns move into files whole: their counts stay, nobody is called twice for it, and a kill loses nothing."""

from __future__ import annotations

import csv
import json
import stat
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger import queries, tallies
from campaigns.ledger.lists import archives
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.numbers.erasures import remember_for_erasure
from campaigns.ledger.tables import attempts, audit, contacts, receipts
from campaigns.operations.erasure import erase
from campaigns.operations.file_erasure import erase_files
from campaigns.operations.retention.archiving import archive, to_archive
from campaigns.operations.retention.emptying import run
from campaigns.reporting.report import report, totals
from dialer.phone import parse
from tests.campaigns.operations.test_retention import ALL, NOTHING, SECRET, START, called, known
from tests.support.seeding import numbers

LATER = START + timedelta(days=40)
KEEPING = {"retention": NOTHING, "with_numbers": False, "who": "ann", "now": LATER}


def ended(ledger, size=12, **changes):
    campaign_id = known(ledger, numbers(size), START, **changes)
    called(ledger, campaign_id, START)
    return campaign_id


def rows(folder, campaign_id, table):
    with (folder / f"{campaign_id}-archived-{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def left(ledger):
    with ledger.reading() as db:
        return [db.scalar(select(func.count()).select_from(table)) for table in (contacts, attempts, receipts)]


def test_a_campaign_moves_into_files_and_its_figures_stay(ledger, tmp_path):
    campaign_id, folder = ended(ledger), tmp_path / "archive"
    known(ledger, numbers(3), START, campaign="other")
    before, counts = totals(ledger, campaign_id), left(ledger)
    result = archive(ledger, [campaign_id], folder, **KEEPING)
    moved = result.archived[campaign_id]
    assert (result.left, moved["contacts"], moved["receipts"] > 5) == ({}, 12, True)
    assert [counts[0] - 12, counts[1] - moved["attempts"], counts[2] - moved["receipts"]] == left(ledger) == [3, 0, 0]
    tallies.fold(ledger)
    assert totals(ledger, campaign_id) == before
    with ledger.snapshot() as db:
        assert tallies.differences(db) == []
    ledger.write(tallies.repair)
    assert totals(ledger, campaign_id) == before
    with ledger.reading() as db:
        (line,) = db.scalars(select(audit.c.detail).where(audit.c.event == "campaign archived"))
    assert line.startswith("12 contacts, 12 attempts, ")
    assert report(ledger, campaign_id, tmp_path / "reports").attempts_file.is_file()
    again = archive(ledger, [campaign_id], folder, **KEEPING)
    assert "already" in again.left[campaign_id]


def test_the_files_say_what_each_column_is_and_hold_no_number(ledger, tmp_path):
    campaign_id = ended(ledger, campaign="formula")
    with ledger.writing() as db:
        db.execute(contacts.update().where(contacts.c.line == 2).values(consent="=cmd()"))
    archive(ledger, [campaign_id], tmp_path, **KEEPING)
    written = rows(tmp_path, campaign_id, "contacts")
    assert {row["phone_hash"] for row in written} == {ledger.keyed_hash(phone) for phone in numbers(12)}
    assert (written[0]["consent"], written[1]["text"], json.loads(written[1]["fields"])) == (
        "'=cmd()",
        SECRET,
        {"name": SECRET},
    )
    everything = "".join(file.read_text() for file in tmp_path.iterdir())
    assert not [phone for phone in numbers(12) if phone[1:] in everything]
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    manifest = json.loads((tmp_path / f"{campaign_id}-archive.json").read_text())
    described = manifest["files"]["attempts"]
    assert (manifest["totals"]["contacts"], described["rows"]) == (12, len(rows(tmp_path, campaign_id, "attempts")))
    assert {"name": "dialing_at", "type": "time, RFC 3339"} in described["columns"]


def test_whole_numbers_are_written_when_they_are_asked_for(ledger, tmp_path):
    campaign_id = ended(ledger, 2)
    archive(ledger, [campaign_id], tmp_path, **KEEPING | {"with_numbers": True})
    assert [row["phone"] for row in rows(tmp_path, campaign_id, "contacts")] == list(numbers(2))
    assert all(SECRET in row["body"] for row in rows(tmp_path, campaign_id, "receipts"))


def goes_on(ledger):
    return known(ledger, numbers(2), START), NOTHING, LATER


def just_ended(ledger):
    return ended(ledger, 2), NOTHING, START + timedelta(days=30)


def to_be_emptied(ledger):
    return ended(ledger, 2), ALL, LATER


def erasure_waits(ledger):
    campaign_id = ended(ledger, 2)
    ledger.write(remember_for_erasure, next(iter(numbers(1))), who="ann", now=START)
    return campaign_id, NOTHING, LATER


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (goes_on, "has not ended"),
        (just_ended, "frequency caps"),
        (to_be_emptied, "are to be emptied from"),
        (erasure_waits, "not settled"),
    ],
)
def test_what_the_dialer_still_needs_stays(ledger, tmp_path, make, why):
    campaign_id, retention, now = make(ledger)
    before = left(ledger)
    result = archive(ledger, [campaign_id], tmp_path, **KEEPING | {"retention": retention, "now": now})
    assert why in result.left[campaign_id]
    assert (left(ledger), list(tmp_path.iterdir())) == (before, [])


def test_what_retention_has_emptied_may_go(ledger, tmp_path):
    campaign_id = ended(ledger, 2)
    late = START + timedelta(days=100)
    run(ledger, ALL, tmp_path / "reports", now=late)
    result = archive(ledger, [campaign_id], tmp_path, **KEEPING | {"retention": ALL, "now": late})
    assert (result.archived[campaign_id]["contacts"], rows(tmp_path, campaign_id, "contacts")[0]["text"]) == (2, "")


class Killed(Exception):
    """Stands for a process that is gone."""


class KilledBatches(Batches):
    """Kills the run in the middle of what it removes."""

    def write(self, ledger, act, *facts, rows=0):
        if self.held:
            raise Killed
        return super().write(ledger, act, *facts, rows=rows)


def test_a_run_that_was_killed_loses_nothing_and_the_next_goes_on(ledger, tmp_path):
    campaign_id = ended(ledger, 30)
    before = totals(ledger, campaign_id)
    with pytest.raises(Killed):
        archive(ledger, [campaign_id], tmp_path, **KEEPING, batches=KilledBatches(size=10))
    assert left(ledger)[0] == 20
    assert totals(ledger, campaign_id) == before
    with ledger.snapshot() as db:
        assert tallies.differences(db) == []
    assert to_archive(ledger, [], None, now=LATER) == [campaign_id]
    attempts_file = tmp_path / f"{campaign_id}-archived-attempts.csv"
    written = attempts_file.read_text()
    attempts_file.write_text(written[:-40])  # damaged meanwhile: what is left here stays
    result = archive(ledger, [campaign_id], tmp_path, **KEEPING)
    assert ("not as it was written" in result.left[campaign_id], left(ledger)[0]) == (True, 20)
    attempts_file.write_text(written)
    elsewhere = tmp_path / "elsewhere"  # the files are where the first run wrote them
    assert archive(ledger, [campaign_id], elsewhere, **KEEPING).archived[campaign_id]["contacts"] == 30
    assert (left(ledger), len(rows(tmp_path, campaign_id, "contacts"))) == ([0, 0, 0], 30)
    assert totals(ledger, campaign_id) == before


def test_a_receipt_that_came_after_the_files_stays(ledger, tmp_path):
    campaign_id = ended(ledger, 3)
    with ledger.reading() as db:
        (late, *_) = db.execute(select(receipts).order_by(receipts.c.id)).mappings()
        newest = archives.last_receipt(db)
    with ledger.writing() as db:
        db.execute(insert(receipts).values(**dict(late) | {"id": newest + 9, "event_id": "late"}))
    ids = archives.contacts_left(ledger, campaign_id, 10)
    assert ledger.write(archives.remove, ids, newest) == 3
    with ledger.reading() as db:
        assert db.execute(select(receipts.c.event_id, receipts.c.attempt_id)).all() == [("late", None)]


def test_nobody_is_called_again_from_what_is_archived(ledger, tmp_path):
    campaign_id = ended(ledger, 4)
    archive(ledger, [campaign_id], tmp_path, **KEEPING)
    with pytest.raises(CannotRedial, match="is archived in"):
        redial(ledger, campaign_id, who="ann", now=LATER)
    with ledger.reading() as db:
        assert queries.campaign(db, campaign_id).contacts == 4


def test_an_erasure_reaches_into_archives(ledger, tmp_path):
    campaign_id, reports = ended(ledger, 3, campaign="erased"), tmp_path / "reports"
    report(ledger, campaign_id, reports)
    archive(ledger, [campaign_id], tmp_path, **KEEPING | {"with_numbers": True})
    number = parse(list(numbers(3))[1])
    erase(ledger, number, who="ann", now=LATER)
    files = erase_files(ledger, number, reports)
    assert tmp_path / f"{campaign_id}-archive.json" in files.rewritten
    kept, gone, _ = rows(tmp_path, campaign_id, "contacts")
    assert (gone["phone"], gone["text"], gone["fields"], kept["text"]) == ("erased", "", "", SECRET)
    assert not [file for file in tmp_path.glob("*.*") if number.e164[1:] in file.read_text()]
    assert all(number.e164[1:] in file.read_text() for file in files.left)
    with ledger.reading() as db:
        (noted,) = archives.all_archives(db)
    archived = archive(ledger, [campaign_id], tmp_path, **KEEPING)
    assert ("already" in archived.left[campaign_id], noted.removed_at is not None) == (True, True)
    (tmp_path / f"{campaign_id}-archive.json").unlink()
    assert erase_files(ledger, number, reports).elsewhere == [tmp_path / f"{campaign_id}-archive.json"]


def test_all_that_ended_before_a_day_are_chosen(ledger):
    campaign_id = ended(ledger, 2)
    known(ledger, numbers(2), START, campaign="live")
    assert to_archive(ledger, [], None, now=START + timedelta(days=30)) == []
    assert to_archive(ledger, [], None, now=LATER) == [campaign_id]
    assert to_archive(ledger, [campaign_id], START, now=LATER) == []
    with pytest.raises(queries.NoSuchCampaign):
        to_archive(ledger, ["nobody-1"], None, now=LATER)
