"""A workbook of ours is read by others and by ourselves as it was meant, however long it is; nothing in it runs."""

from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.files.open_list import open_table
from campaigns.audience.formulas import harmless
from campaigns.reporting.joint import xlsx_sheets
from campaigns.reporting.joint.xlsx_sheets import SheetRows, write_workbook

ODD = [
    "=1+1",
    "+1-415-555-0101",
    "O'Hara",
    "  two\nlines\t",
    "\x01\x1f",
    "_x0041_",
    "<b>&amp;</b>",
    "00123",
    "😀",
]


def written(*sheets: SheetRows) -> io.BytesIO:
    stream = io.BytesIO()
    write_workbook(stream, sheets)
    return stream


def test_texts_come_back_from_our_own_reader_and_from_another(tmp_path):
    rows = [[harmless(text), "x"] for text in ODD]
    stream = written(SheetRows(title="contacts", columns=["name", "phone"], rows=rows))
    (tmp_path / "list.xlsx").write_bytes(stream.getvalue())
    table = open_table(tmp_path / "list.xlsx")
    assert table.header == ("name", "phone")
    assert [row.cells[0] for row in table.rows()] == ODD
    read = openpyxl.load_workbook(stream).active
    assert [cell.data_type for (cell, _) in read.iter_rows(min_row=2)] == ["s"] * len(ODD), "none is a formula"
    assert [cell.value for (cell, _) in read.iter_rows(min_row=2)][:3] == ["'=1+1", "'+1-415-555-0101", "O'Hara"]


@pytest.mark.slow
@given(st.lists(st.text(alphabet="'=+-@_x0041 \t\n\x02,;<&\""), min_size=2, max_size=4))
def test_a_row_comes_back_as_it_was(tmp_path_factory, cells):
    file = tmp_path_factory.mktemp("list") / "list.xlsx"
    columns = [f"c{place}" for place in range(len(cells) + 1)]
    file.write_bytes(written(SheetRows(title="a", columns=columns, rows=[[*map(harmless, cells), "x"]])).getvalue())
    assert [list(row.cells) for row in open_table(file).rows()] == [[*cells, "x"]]


def test_figures_are_numbers_where_a_column_has_them(tmp_path):
    rows = [["2", "7.0", "14155550100"], ["", "", ""], ["012", "n/a", "5"]]
    columns = ["attempts", "talk_seconds", "phone"]
    stream = written(SheetRows(title="a", columns=columns, rows=rows, numeric={"attempts", "talk_seconds"}))
    sheet = openpyxl.load_workbook(stream).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        [2, 7.0, "14155550100"],
        [None, None, None],
        ["012", "n/a", "5"],
    ]
    (tmp_path / "list.xlsx").write_bytes(stream.getvalue())
    assert list(next(open_table(tmp_path / "list.xlsx").rows()).cells) == rows[0]


def test_what_is_too_long_for_a_sheet_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(xlsx_sheets, "MOST_ROWS", 3)
    long = SheetRows(title="calls", columns=["n"], rows=([str(number)] for number in range(5)))
    book = openpyxl.load_workbook(written(long, SheetRows(title="none", columns=["n"], rows=[])))
    assert book.sheetnames == ["calls", "calls 2", "calls 3", "none"]
    assert [[cell.value for (cell,) in sheet.iter_rows()] for sheet in book] == [
        ["n", "0", "1"],
        ["n", "2", "3"],
        ["n", "4"],
        ["n"],
    ]
