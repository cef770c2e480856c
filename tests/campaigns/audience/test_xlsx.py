"""A workbook is read as people see it, or refused with its name and a remedy."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from openpyxl import Workbook

from campaigns.audience.encoding import BadContactsFile
from campaigns.audience.open_list import open_table
from campaigns.audience.rejects import RejectCode
from tests.support.campaign_files import GOOD, read_list, workbook


@pytest.fixture
def audience_of(tmp_path):
    return partial(read_list, tmp_path, name="contacts.xlsx", file="contacts.xlsx")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("text", "text"),
        (" 007 ", " 007 "),
        (14155550101, "14155550101"),
        (14155550101.0, "14155550101"),
        (12.5, "12.5"),
        (7.926e15, "7.926E+15"),  # spreadsheets lose what is beyond fifteen digits
        (True, "TRUE"),
        (None, ""),
        (datetime(2026, 12, 5, 15, 0), "2026-12-05T15:00"),  # noqa: DTZ001
        (datetime(2026, 12, 5, 15, 0, 30), "2026-12-05T15:00:30"),  # noqa: DTZ001
        (datetime(2026, 12, 5), "2026-12-05"),  # noqa: DTZ001
        (date(2026, 12, 5), "2026-12-05"),
        (time(15, 0), "15:00"),
        (timedelta(hours=1), "1:00:00"),
    ],
)
def test_a_cell_is_read_as_people_see_it(tmp_path, value, seen):
    file = tmp_path / "list.xlsx"
    file.write_bytes(workbook([["phone", "value"], [GOOD, value]]))
    (row,) = open_table(file).rows()
    assert list(row.cells) == [GOOD, seen]


def test_a_number_kept_as_a_quantity_is_completed_by_its_country_or_named_as_damaged(audience_of):
    rows = [["phone", "name"], [4155550101, "Ann"], [14155550102, "Bob"], [442079460123, "Eve"]]
    audience = audience_of(workbook(rows), country="US")
    assert [contact.phone.e164 for contact in audience.contacts()] == [GOOD, "+14155550102"]
    (reject,) = audience.rejects
    assert (reject.line, reject.code) == (4, RejectCode.INVALID_NUMBER)
    assert "plus at its beginning is lost" in reject.reason


def test_a_line_is_the_rows_number_in_the_sheet(audience_of):
    audience = audience_of(workbook([[], ["phone"], [], [GOOD], [None], ["12"]]))
    assert [contact.line for contact in audience.contacts()] == [4]
    assert [reject.line for reject in audience.rejects] == [6]


def test_the_first_sheet_is_read_unless_another_is_named(tmp_path):
    book = Workbook()
    book.active.append(["phone"])
    book.active.append([GOOD])
    other = book.create_sheet("March")
    other.append(["Telephone"])
    file = tmp_path / "list.xlsx"
    book.save(file)
    assert open_table(file).names == ("phone",)
    assert open_table(file, "march").names == ("Telephone",)
    with pytest.raises(BadContactsFile, match="no sheet 'April'") as refused:
        open_table(file, "April")
    assert "March" in refused.value.remedy


def test_a_text_file_has_no_sheets(tmp_path):
    (tmp_path / "list.csv").write_text(f"phone\n{GOOD}\n")
    with pytest.raises(BadContactsFile, match="no workbook"):
        open_table(tmp_path / "list.csv", "March")


def test_an_error_that_a_formula_shows_is_never_spoken(audience_of):
    rows = [["phone", "name"], [GOOD, "#N/A"], ["+14155550102", "Ann"], ["+14155550103", "#1"]]
    audience = audience_of(workbook(rows), message={"tts": "Hello {{ name }}"})
    assert [contact.text for contact in audience.contacts()] == ["Hello Ann", "Hello #1"]
    (reject,) = audience.rejects
    assert (reject.code, reject.column) == (RejectCode.MISSING_VARIABLE, "name")
    assert "#N/A" in reject.reason


@pytest.mark.parametrize("damage", ["no workbook in it", "half of it", "bad XML"])
def test_a_workbook_that_cannot_be_read_is_named(tmp_path, damage):
    file = tmp_path / "list.xlsx"
    whole = workbook([["phone"], [GOOD]])
    if damage == "half of it":
        file.write_bytes(whole[: len(whole) // 2])
    else:
        with zipfile.ZipFile(file, "w") as made:
            made.writestr("xl/workbook.xml" if damage == "bad XML" else "note.txt", "<<<")
    with pytest.raises(BadContactsFile, match=r"list\.xlsx: the workbook cannot be read") as refused:
        open_table(file)
    assert "save it" in refused.value.remedy
