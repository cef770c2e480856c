"""A workbook is read as people see it, or refused with its name and a remedy."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from openpyxl import Workbook

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.audience.rejects import RejectCode
from campaigns.definition.yaml_source import DefinitionFaults
from tests.support.campaign_files import GOOD, read_list, workbook
from tests.support.raw_workbooks import HEADER, raw_workbook, text_cell


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


@pytest.fixture
def book():
    made = Workbook()
    made.active.title = "List"
    for row in (["phone", "name"], [GOOD, "Ann"], ["+12125550102", "Bo"], ["+13125550103", "Cy"]):
        made.active.append(row)
    return made


def saved(book) -> bytes:
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def opened(folder, content: bytes, *names: str):
    file = folder / "list.xlsx"
    file.write_bytes(content)
    return open_table(file, columns=names)


def test_rows_that_a_filter_hides_are_left_out_and_counted(book, audience_of):
    book.active.auto_filter.ref = "A1:B4"
    book.active.row_dimensions[3].hidden = True
    audience = audience_of(saved(book))
    assert [contact.line for contact in audience.contacts()] == [2, 4]
    (reject,) = audience.rejects
    assert (reject.line, reject.code, audience.reject_store.blocking) == (3, RejectCode.HIDDEN, 0)
    assert not reject.cells  # a rejects file that is corrected and started calls nobody who was hidden
    assert audience.remarks == ("1 row that the sheet hides: left out (show hidden rows to have them called)",)


@pytest.mark.parametrize("height", ["0", "0.0"])
def test_a_row_of_no_height_is_hidden(audience_of, height):
    rows = f"<row r='2' ht='{height}' customHeight='1'>{text_cell('A2', GOOD)}</row><row r='3' ht='15'>"
    content = raw_workbook(f"{HEADER}{rows}{text_cell('A3', '+12125550102')}{text_cell('B3', 'Bo')}</row>")
    assert [contact.line for contact in audience_of(content).contacts()] == [3]


def test_rows_of_a_collapsed_group_are_hidden(book, audience_of):
    book.active.row_dimensions.group(3, 4, hidden=True)
    assert [contact.line for contact in audience_of(saved(book)).contacts()] == [2]


def test_a_hidden_row_above_the_list_is_no_header(book, tmp_path):
    book.active.insert_rows(1)
    book.active["A1"] = "internal names"
    book.active.row_dimensions[1].hidden = True
    table = opened(tmp_path, saved(book))
    assert (table.names, table.header_line) == (("phone", "name"), 2)


def test_a_number_in_a_hidden_row_does_not_take_the_place_of_a_visible_one(book, audience_of):
    book.active["A3"] = GOOD
    book.active.row_dimensions[2].hidden = True
    assert [contact.line for contact in audience_of(saved(book)).contacts()] == [3, 4]


@pytest.mark.parametrize("how", ["hidden='1'", "hidden='true' width='9'", "width='0' customWidth='1'"])
def test_a_hidden_column_is_not_read_and_named_where_it_is_missed(audience_of, how):
    columns = f"<cols><col min='1' max='1' width='9'/><col min='2' max='16384' {how}/></cols>"
    rows = f"{HEADER}<row r='2'>{text_cell('A2', GOOD)}{text_cell('B2', 'Ann')}</row>"
    content = raw_workbook(rows, before=columns)
    with pytest.raises(DefinitionFaults, match='no column "name"') as refused:
        audience_of(content, message={"tts": "Hello {{ name }}"})
    assert "hidden in the sheet are name: unhide them" in str(refused.value)
    assert [dict(contact.fields) for contact in audience_of(content).contacts()] == [{}]


def test_of_two_columns_of_a_name_the_visible_one_counts(book, audience_of):
    for row, value in enumerate(["phone", "1", "2", "3"], start=1):
        book.active.cell(row, 3, value)
    book.active.column_dimensions["C"].hidden = True
    assert len(list(audience_of(saved(book)).contacts())) == 3


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_not_read(book, tmp_path, state):
    book.create_sheet("Old", 0).append(["phone", "old"])
    book["Old"].sheet_state = state
    table = opened(tmp_path, saved(book), "phone")
    assert table.names == ("phone", "name")
    assert "Old (hidden)" in table.elsewhere


def test_the_first_sheet_with_the_columns_is_the_list(book, tmp_path):
    book.create_sheet("Blank", 0)
    book.create_sheet("Read me", 1).append(["How to fill in this list"])
    book.create_chartsheet("Chart", 0)
    assert opened(tmp_path, saved(book), "Phone").sheet.title == "List"


def test_an_empty_first_sheet_is_passed_over_also_when_no_column_is_known(book, tmp_path):
    book.create_sheet("Blank", 0)
    assert opened(tmp_path, saved(book)).names == ("phone", "name")


def test_another_sheet_with_a_list_is_named(book, tmp_path):
    book.create_sheet("April").append(["phone"])
    book.create_sheet("Notes").append(["remarks"])
    remarks = opened(tmp_path, saved(book), "phone").remarks
    assert remarks == (
        "the sheet 'April' has such a list, too, and was not read",
        "the sheet 'List' was read: contacts.sheet names another",
    )


def test_a_column_that_no_sheet_has_is_missed_with_the_names_of_the_sheets(book, audience_of):
    book.create_sheet("Notes").append(["remarks"])
    with pytest.raises(DefinitionFaults, match='has no column "mobile"') as refused:
        audience_of(saved(book), phone="mobile")
    assert "other sheets are Notes: contacts.sheet names one" in str(refused.value)


def test_a_workbook_whose_visible_sheets_are_empty_names_the_hidden_ones(book, tmp_path):
    book.create_sheet("Front", 0)
    book["List"].sheet_state = "hidden"
    with pytest.raises(BadContactsFile, match=r"visible sheets are 'Front'.*hidden are 'List'") as refused:
        opened(tmp_path, saved(book), "phone")
    assert "contacts.sheet" in refused.value.remedy
    assert open_table(tmp_path / "list.xlsx", "list").names == ("phone", "name")


@pytest.mark.parametrize(
    ("number_format", "stored", "country", "dialed"),
    [
        ('"+33"0', 612345678, "DE", "+33612345678"),
        ("00 00 00 00 00", 612345678, "FR", "+33612345678"),
        ('"+"0', 14155550101, "DE", GOOD),
        ("(###) ###-####", 4155550101, "US", GOOD),
        ("0", 14155550101, "US", GOOD),
        ("#,##0", 14155550101, "US", GOOD),
    ],
)
def test_a_number_is_called_as_its_cell_shows_it(audience_of, book, number_format, stored, country, dialed):
    book.active.delete_rows(3, 2)
    book.active["A2"], book.active["A2"].number_format = stored, number_format
    assert [one.phone.e164 for one in audience_of(saved(book), country=country).contacts()] == [dialed]


@pytest.mark.parametrize("number_format", ["0.00E+00", "0%", '0" ext"', "yyyy-mm-dd", "# ?/?", "0.0,"])
def test_a_number_that_its_cell_does_not_show_is_refused(audience_of, book, number_format):
    book.active.delete_rows(3, 2)
    book.active["A2"], book.active["A2"].number_format = 14155550101.5, number_format
    audience = audience_of(saved(book), country="US")
    assert not list(audience.contacts())
    assert [reject.code for reject in audience.rejects] == [RejectCode.INVALID_NUMBER]


def test_an_amount_means_its_cells_value_whatever_its_digits_look_like(audience_of, book):
    amounts = [(100 / 3, "0.00", "33.33"), (12.346, "0.000", "12.35"), (1250.5, '"$"#,##0.00', "1,250.50")]
    book.active["C1"] = "due"
    for row, (stored, code, _) in enumerate(amounts, start=2):
        book.active.cell(row, 3, stored).number_format = code
    audience = audience_of(saved(book), message={"tts": '{{ due | money("USD") }}'})
    assert [contact.text for contact in audience.contacts()] == [f"{said} US dollars" for *_, said in amounts]


@pytest.mark.parametrize("formula", ['"+1"&"4155550101"', "1+1", "UPPER(B1)", "TODAY()"])
@pytest.mark.parametrize(("cell", "column"), [("A2", "phone"), ("B2", "name")])
def test_a_formula_that_was_never_calculated_is_named(audience_of, book, formula, cell, column):
    book.active[cell] = f"={formula}"
    audience = audience_of(saved(book), message={"tts": "Hello {{ name }}"})
    assert [contact.line for contact in audience.contacts()] == [3, 4]
    (reject,) = audience.rejects
    assert (reject.line, reject.column) == (2, column)
    assert "formula whose result was never stored" in reject.reason
    assert "open the workbook in a spreadsheet" in reject.suggestion


def test_a_row_of_nothing_but_uncalculated_formulas_is_no_blank_row(audience_of, book):
    book.active["A2"], book.active["B2"] = "=1", "=2"
    audience = audience_of(saved(book))
    assert len(list(audience.contacts())) == 2
    assert [reject.line for reject in audience.rejects] == [2]


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#N/A"])
@pytest.mark.parametrize(("cell", "column"), [("A2", "phone"), ("B2", "name")])
def test_a_cell_that_shows_an_error_is_named(audience_of, book, error, cell, column):
    book.active[cell] = error
    audience = audience_of(saved(book), message={"tts": "Hello {{ name }}"})
    assert len(list(audience.contacts())) == 2
    (reject,) = audience.rejects
    assert (reject.line, reject.column) == (2, column)
    assert error in reject.reason


def test_an_error_in_a_column_that_is_not_used_keeps_nobody_out(audience_of, book):
    book.active["B2"] = "#REF!"
    assert len(list(audience_of(saved(book)).contacts())) == 3


def test_of_two_numbers_the_second_counts_when_the_first_is_not_available(audience_of, book):
    for row, value in enumerate(["mobile", "#N/A", "+12125550104"], start=1):
        book.active.cell(row, 3, value)
    audience = audience_of(saved(book), phone=["mobile", "phone"])
    assert [contact.phone.e164 for contact in audience.contacts()] == [GOOD, "+12125550104", "+13125550103"]


@pytest.mark.parametrize(("block", "refused"), [("B2:B3", 3), ("A2:B2", 2), ("A3:B4", 4), ("B3:C4", 4)])
def test_a_cell_merged_with_another_is_named(audience_of, book, block, refused):
    book.active.merge_cells(block)
    audience = audience_of(saved(book), message={"tts": "Hello {{ name | default('there') }}"})
    lines = [contact.line for contact in audience.contacts()]
    assert refused not in lines
    assert all("merged" in reject.reason or reject.code == "empty_number" for reject in audience.rejects)


def test_merged_cells_above_and_below_the_list_harm_nobody(audience_of, book):
    book.active["A6"] = None
    book.active.merge_cells("A1:A1")
    book.active.merge_cells("A6:F6")
    assert len(list(audience_of(saved(book)).contacts())) == 3


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
            made.writestr("xl/workbook.xml", "<<<" if damage == "bad XML" else "<workbook/>")
    with pytest.raises(BadContactsFile, match=r"list\.xlsx: the workbook (cannot be read|has no sheet)") as refused:
        open_table(file)
    assert "save it" in refused.value.remedy
