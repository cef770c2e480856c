"""A list is read the same however a spreadsheet has written it, or refused with its name and a remedy."""

from __future__ import annotations

import codecs
import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.table import Row

ROWS = [
    ["phone", "name", "note"],
    ["+14155550101", "José Ñandú", "first line\nsecond line"],
    ["+14155550102", "Müller, Jürgen", 'says "hello"'],
    ["+14155550103", "Zoë; O'Neil | Co", "tab\there"],
]
CYRILLIC = [["телефон", "имя"], ["+79120000000", "Ирина Ёлкина"], ["+79120000001", "Пётр «Громкий» Ильин"]]


def written(rows, *, encoding="utf-8", delimiter=",", end="\r\n", quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.fixture
def table_of(tmp_path):
    def table_of(content: bytes | str):
        file = tmp_path / "contacts.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_table(file)

    return table_of


def cells(table):
    return [list(table.header), *(list(row.cells) for row in table.rows())]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "pipe"])
@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["quoted-where-needed", "quoted"])
def test_a_list_is_the_same_however_it_is_saved(table_of, encoding, delimiter, end, quoting):
    table = table_of(written(ROWS, encoding=encoding, delimiter=delimiter, end=end, quoting=quoting))
    assert cells(table) == ROWS
    assert [row.line for row in table.rows()] == [2, 4, 5]  # the first contact stands in two lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_a_cyrillic_list_is_the_same_however_it_is_saved(table_of, encoding):
    assert cells(table_of(written(CYRILLIC, encoding=encoding, delimiter=";"))) == CYRILLIC


def test_big_endian_utf16_with_its_mark_is_read(table_of):
    assert cells(table_of(codecs.BOM_UTF16_BE + written(CYRILLIC, encoding="utf-16-be"))) == CYRILLIC


@pytest.mark.slow
def test_the_encoding_is_told_from_letters_far_down_the_list(table_of):
    rows = [["phone", "name"]] + [["+14155550101", "Ann"]] * 40_000 + [["+79120000000", "Ирина"]]
    assert cells(table_of(written(rows, encoding="cp1251")))[-1] == ["+79120000000", "Ирина"]


def test_a_line_that_declares_the_delimiter_is_no_header(table_of):
    table = table_of("sep=;\r\nphone;name\r\n+14155550101;Lee, Ann, Jr, MD\r\n")
    assert cells(table) == [["phone", "name"], ["+14155550101", "Lee, Ann, Jr, MD"]]
    assert [row.line for row in table.rows()] == [3]


def test_delimiters_inside_quoted_column_names_do_not_count(table_of):
    assert table_of('phone;"name, first, last";x\n1;2;3\n').names == ("phone", "name, first, last", "x")


def test_a_list_of_one_column_needs_no_delimiter(table_of):
    assert cells(table_of("phone\n+14155550101\n")) == [["phone"], ["+14155550101"]]


def test_blank_lines_and_rows_of_empty_cells_are_no_contacts_and_keep_the_count(table_of):
    table = table_of("\n\nphone,name\n\n+14155550101,Ann\n,\n  ,\n+14155550102,Bob\n\n")
    assert [row.line for row in table.rows()] == [5, 8]


def test_blank_columns_at_the_end_of_the_header_are_none(table_of):
    assert table_of("phone,name,,\n1,2,,\n").names == ("phone", "name")


@pytest.mark.parametrize("name", ["phone_number", "Phone Number", "PHONENUMBER", " phone  number "])
def test_columns_are_found_without_case_spaces_and_underscores(table_of, name):
    assert table_of("Name,Phone_Number\n1,2\n").columns_named(name) == [1]


def test_a_file_can_be_read_more_than_once(table_of):
    table = table_of(written(ROWS))
    assert cells(table) == cells(table)


@pytest.mark.parametrize(
    ("content", "lines", "said"),
    [
        ('phone,name\n1,"Ann" Lee\n2,Bob\n', [(2, True), (3, False)], "line 2 cannot be read: there is text after"),
        ('phone,name\n1,"Ann\n2,Bob\n', [(2, True)], "lines 2 to 3 cannot be read: a quote is opened"),
        ('phone,name\n1,"Ann\n2,"Bob"\n3,Eve\n', [(2, True), (4, False)], "lines 2 to 3 cannot be read"),
    ],
    ids=["text after a quote", "never closed", "closed by the next contact's"],
)
def test_a_stray_quote_spoils_its_own_lines_and_says_so(table_of, content, lines, said):
    rows = list(table_of(content).rows())
    assert [(row.line, bool(row.parse_error)) for row in rows] == lines
    assert rows[0].parse_error.startswith(said)


@pytest.mark.parametrize("cell", ["x" * 140_000, '"' + "x" * 140_000 + '"', '"' + "a, b" * 35_000 + '"'])
def test_a_cell_that_is_too_long_is_named_with_its_length(table_of, cell):
    rows = list(table_of(f"phone,name,note\n1,Ann,{cell}\n2,Bob,\n").rows())
    assert rows[0].parse_error == "line 2 cannot be read: a cell has 140,000 characters, and 131,072 are the most"
    assert rows[0].parse_remedy == "shorten it"
    assert rows[1] == Row(3, ["2", "Bob", ""])


def test_a_cell_too_long_in_many_lines_is_named_beside_the_quote_that_may_be_missing(table_of):
    row = next(table_of('phone,note\n1,"' + "x\n" * 140_000 + '"\n').rows())
    assert "a quote is opened and not closed, or a cell has more than 131,072 characters" in row.parse_error


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1, "Smith, Amelia"', ["1", "Smith, Amelia"]),
        ('1,   "Amelia"', ["1", "Amelia"]),
        (' "1", "say ""hello"""', ["1", 'say "hello"']),
        ('1,"Smith, Amelia" ', ["1", "Smith, Amelia"]),
        ('"1" ,"Smith, Amelia"  ', ["1", "Smith, Amelia"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_blanks_outside_of_the_quotes_are_no_part_of_a_cell(table_of, line, cells, end):
    (row,) = table_of(f"phone, name\n{line}{end}").rows()
    assert list(row.cells) == cells


@pytest.mark.parametrize("end", ["\n\x1a", "\x1a", "\r\n\x1a", "\n\n\x1a"])
def test_the_mark_with_which_old_programs_end_a_file_is_no_row_and_no_text(table_of, end):
    assert cells(table_of(f"phone,name\n1,Ann{end}")) == [["phone", "name"], ["1", "Ann"]]


@pytest.mark.parametrize(
    ("above", "line"),
    [("# exported 2026-11-29\n", 2), ("Customers\n", 2), ("Customers, March 2026\n\n", 3), ("A list\nof ours;\n", 3)],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_column_names_that_stand_below_a_title_are_found_there(table_of, above, line, delimiter):
    table = table_of(above + delimiter.join(["Phone", "name"]) + "\n" + delimiter.join(["1", "Ann"]) + "\n")
    assert table.line_of_header("phone") == line
    assert table.line_of_header("surname") is None


@pytest.mark.slow
def test_a_quote_that_is_never_closed_does_not_swallow_a_long_list(table_of):
    rows = list(table_of('phone,name\n1,"Ann\n' + "2,Bob\n" * 50_000).rows())
    assert rows[0].parse_error.startswith("lines 2 to ")
    assert any(not row.parse_error for row in rows)  # reading goes on below the damage


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (b"", "the list is empty", "a line of column names"),
        (b"\n\n  \n", "the list is empty", "a line of column names"),
        (b"\xef\xbb\xbf", "the list is empty", "a line of column names"),
        (b'"phone,name\n1,2\n', "1: lines 1 to 2 cannot be read", "column names"),
        (b"PK\x03\x04\x14\x00", "the workbook cannot be read", "CSV UTF-8"),  # a zip, and no XLSX
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old spreadsheet's format", ".xlsx or CSV"),  # XLS
        (b"\xff\xfep\x00h\x00\n\x00\x31", "2: bytes that are not UTF-16", "CSV UTF-8"),  # cut in a character
        (b"\xef\xbb\xbfphone\n\xff\n", "2: bytes that are not UTF-8", "CSV UTF-8"),
        (
            "phone,name\n1,José\n2,Zoë\n".encode() + b"3,Jos\xe9\n",
            "4: bytes that are not UTF-8, in a file",
            "that line",
        ),
        (b"phone,name\n1," + bytes(range(0x80, 0x100)), "2: ", "CSV UTF-8"),  # no code page has all of these
    ],
    ids=["empty", "blank", "only a mark", "broken header", "xlsx", "xls", "utf-16", "utf-8", "mixed", "bytes"],
)
def test_a_list_that_cannot_be_read_is_named_with_a_remedy(table_of, content, said, remedy):
    with pytest.raises(BadContactsFile) as refused:
        table_of(content)
    assert "contacts.csv" in refused.value.message
    assert said in refused.value.message
    assert remedy in refused.value.remedy


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadContactsFile, match=r"nothing\.csv: no such file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(BadContactsFile, match="cannot be read"):
        open_table(tmp_path)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | st.text('a",;\n\r\t\x00é\u2028', max_size=40).map(str.encode))
def test_any_bytes_at_all_are_a_table_or_a_named_error(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "fuzz.csv"
    file.write_bytes(content)
    try:
        table = open_table(file)
    except BadContactsFile:
        return
    lines = [row.line for row in table.rows()]
    assert lines == sorted(set(lines))
