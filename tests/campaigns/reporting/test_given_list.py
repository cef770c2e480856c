"""Whoever asked for the calls gets their list back as it was, with what became of each row."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import yaml
from sqlalchemy import select, update

from campaigns.launch.append import append, check_rows
from campaigns.launch.checking.checks import check
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import launch
from campaigns.launch.redial import redial
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.tables import campaigns, contacts, rejected_rows
from campaigns.operations.erasure import erase
from campaigns.operations.retention.emptying import run
from campaigns.operations.retention.personal_data import export_person
from campaigns.reporting.joint.chosen_campaigns import Choice, TooManyCampaigns
from campaigns.reporting.joint.joint_report import joint_report
from campaigns.reporting.joint.report_sheets import FOR_PEOPLE, Sheet, write_sheet, write_xlsx
from campaigns.retention_periods import InstallationRetention
from dialer.phone import parse
from tests.support.motion import ACCOUNTS
from tests.support.statuses import as_contact

DEFINITION = {
    "campaign": "clinic",
    "account": "main",
    "contacts": {"file": "list.csv", "phone": "Mobile", "country": "US", "where": "Wanted = 'yes'"},
    "message": {"tts": "Hello {{ full_name }}, this is a reminder of your appointment tomorrow."},
    "caller_id": "+18005550100",
}
HEADER = ["Patient ID", "Full Name ", "Mobile", "Home", "", "Note", "Wanted"]
ROWS = [
    ["007", "Ann Lee ", "(415) 555-0101", "415 555 0181", "x", "=1+1", "yes"],
    ["008", "Bob", "415-555-0102", "", "", "ask for 415 555 0199", "yes"],
    ["009", "Cy", "12", "", "", "N/A", "yes"],
    ["010", "Di", "415 555 0103", "", "", "", "no"],
    ["011", "Ed", "415.555.0101", "", "", "", "yes"],
    ["012", "Flo", "+1 415 555 0104", "", "", "", "yes"],
]


def start(ledger, folder: Path, now, rows=ROWS, header=HEADER, **changes):
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    (folder / "clinic.yaml").write_text(yaml.safe_dump(DEFINITION | changes), encoding="utf-8")
    checked = check(folder / "clinic.yaml", ACCOUNTS, exclusions_for=lambda named: Exclusions(ledger, named, now))
    return launch(ledger, checked, who="ann", now=now)


@pytest.fixture
def clinic(ledger, clock, tmp_path):
    """Its list has a row of each kind; the first person was reached."""
    suppress_now = clock()
    with ledger.writing() as db:
        suppress(db, "+14155550104", reason="asked us", source="ann", now=suppress_now)
    campaign = start(ledger, tmp_path, clock())
    reached = as_contact("reached", clock(), reason="answered")
    with ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.line == 2).values(**reached, attempts=2, response="confirmed"))
    return campaign


def table(ledger, *names, numbers=True, sheet=Sheet.LIST, **span) -> list[list[str]]:
    stream = io.StringIO()
    write_sheet(ledger, Choice(names, **span), sheet, stream, numbers=numbers)
    return list(csv.reader(io.StringIO(stream.getvalue())))


def test_every_row_and_column_comes_back_in_its_order_and_spelling(ledger, clinic, clock):
    header, *rows = table(ledger, clinic.id)
    assert header == [*HEADER, "_status", "_reason", "_attempts", "_reached_at", "_response"]
    assert [[cell.removeprefix("'") for cell in row[: len(HEADER)]] for row in rows] == ROWS
    assert (rows[0][5], rows[5][2]) == ("'=1+1", "'+1 415 555 0104"), "no spreadsheet runs a cell"
    reached_at = clock().isoformat(timespec="milliseconds")
    assert rows[0][len(HEADER) :] == ["reached", "answered", "2", reached_at, "confirmed"]
    assert [row[len(HEADER)] for row in rows] == ["reached", "pending", "rejected", "left_out", "rejected", "left_out"]
    reasons = [row[len(HEADER) + 1] for row in rows[2:]]
    assert "number" in reasons[0]
    assert reasons[1:3] == ["contacts.where leaves it out", "the same number stands in line 2"]
    assert "asked us" in reasons[3]


def test_without_the_right_to_see_them_no_number_is_readable_wherever_it_stands(ledger, clinic):
    text = str(table(ledger, clinic.id, numbers=False))
    for digits in ("555-0101", "555 0181", "555-0102", "555 0199", "555.0101", "555 0104"):
        assert digits not in text
    assert "(***) ***-**01" in text
    assert "Ann Lee" in text


def test_the_workbook_says_first_what_to_do_and_keeps_leading_zeros(ledger, clinic):
    stream = io.BytesIO()
    write_xlsx(ledger, Choice((clinic.id,)), FOR_PEOPLE, stream)
    book = openpyxl.load_workbook(stream)
    assert book.sheetnames == ["to-do", "list"]
    numbers = {row[1]: row[0] for row in book["to-do"].iter_rows(min_row=2, values_only=True)}
    assert sorted(numbers.values()) == [1, 2, 2], "one waits, two rows were rejected, two left out"
    assert book["list"]["A2"].value == "007"
    assert book["list"]["F2"].value == "'=1+1"


def test_a_row_that_was_appended_or_changed_stands_as_it_is_now(ledger, clinic, clock):
    rows = [{"Mobile": "+14155550107", "Full Name": "Gil", "Wanted": "yes", "Ward": "3 B"}]
    append(ledger, clinic.id, check_rows(ledger, clinic.id, rows, ACCOUNTS, now=clock()), who="ann", now=clock())
    header, *rows = table(ledger, clinic.id)
    assert header[: len(HEADER) + 1] == [*HEADER, "ward"]
    assert rows[-1][: len(HEADER) + 1] == ["", "Gil", "+14155550107", "", "", "", "yes", "3 B"]


def test_a_redial_gives_its_rows_back_in_the_same_columns(ledger, clinic, clock):
    with ledger.writing() as db:
        over = as_contact("unknown", clock(), reason="nobody knows")
        db.execute(update(contacts).where(contacts.c.status == "pending").values(**over))
        db.execute(update(campaigns).values(status="finished", finished_at=clock()))
    again = redial(ledger, clinic.id, ["unknown"], who="ann", now=clock())
    header, row = table(ledger, again.id)
    assert (header[: len(HEADER)], row[: len(HEADER)]) == (HEADER, ROWS[1])


def test_several_campaigns_give_one_table_that_says_whose_row_it_is(ledger, clinic, clock, tmp_path):
    rows = [["Hal", "4155550108"]]
    other = start(
        ledger,
        tmp_path,
        clock(),
        rows,
        ["Full Name ", "Mobile"],
        campaign="ward",
        contacts={"file": "list.csv", "phone": "Mobile", "country": "US"},
    )
    header, *rows = table(ledger, other.id, clinic.id, "ward")
    assert header[:4] == ["Full Name ", "Mobile", "Patient ID", "Home"]
    assert [row[header.index("_campaign")] for row in rows] == ["ward-1", *["clinic-1"] * 6]
    assert rows[0][:3] == ["Hal", "4155550108", ""]
    joint = joint_report(ledger, Choice(("ward", clinic.id)))
    assert (joint.contacts, joint.final, joint.rejects) == (3, {"reached": 1}, 3)
    assert [(each.kind, each.number) for each in joint.to_do] == [("rejected", 2), ("left_out", 2), ("open", 2)]


def test_a_span_has_what_started_in_it_but_rehearsals_that_nobody_named(ledger, clinic, clock, tmp_path):
    started, later = clinic.started_at, timedelta(seconds=1)
    assert len(table(ledger, since=started, until=started + later)) == 7
    with pytest.raises(NoSuchCampaign, match="started in that time"):
        table(ledger, until=started)
    with ledger.writing() as db:
        db.execute(update(campaigns).values(rehearsal=True))
    with pytest.raises(NoSuchCampaign):
        table(ledger, since=started)
    assert len(table(ledger, "clinic", since=started)) == 7
    with pytest.raises(NoSuchCampaign, match="'clinik'"):
        table(ledger, "clinik", since=started)


def test_a_span_of_too_many_campaigns_is_refused(ledger, clinic, monkeypatch):
    monkeypatch.setattr("campaigns.reporting.joint.chosen_campaigns.MOST_CAMPAIGNS", 0)
    with pytest.raises(TooManyCampaigns):
        table(ledger, since=clinic.started_at)


def test_who_was_erased_is_in_no_row_of_it_any_more(ledger, clinic, clock, tmp_path):
    number = parse("+14155550101")
    held = export_person(ledger, number, tmp_path, who="ann", now=clock())
    assert [row["line"] for row in held["rejected_rows"]] == [6]
    assert held["contacts"][0]["given"]["2"] == "(415) 555-0101"
    erase(ledger, number, who="ann", now=clock())
    _, *rows = table(ledger, clinic.id)
    assert rows[0][: len(HEADER)] == ["", "", "erased", "", "", "", ""]
    assert rows[4][: len(HEADER) + 2] == [*[""] * len(HEADER), "rejected", "erased"]
    assert rows[1][: len(HEADER)] == ROWS[1]


def test_when_its_time_is_over_nothing_of_anybody_is_left(ledger, clinic, clock, tmp_path):
    with ledger.writing() as db:
        over = as_contact("unknown", clock(), reason="nobody knows")
        db.execute(update(contacts).where(contacts.c.status == "pending").values(**over))
        db.execute(update(campaigns).values(status="finished", finished_at=clock()))
    result = run(ledger, InstallationRetention(contacts="31d"), tmp_path, now=clock() + timedelta(days=32))
    assert result.finished
    with ledger.reading() as db:
        assert set(db.scalars(select(contacts.c.given))) == {None}
        assert set(db.scalars(select(rejected_rows.c.cells))) == {None}
    assert "0101" not in str(table(ledger, clinic.id))
