"""What the XML of a sheet may hold, read as a spreadsheet shows it, or named."""

from __future__ import annotations

import pytest

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import all_records, open_table
from tests.support.campaign_files import GOOD
from tests.support.raw_workbooks import HEADER, raw_workbook, text_cell

ROW = f"<row r='2'>{text_cell('A2', GOOD)}{{}}</row>"


@pytest.fixture
def rows_of(tmp_path):
    def read(content: bytes):
        (tmp_path / "list.xlsx").write_bytes(content)
        return list(open_table(tmp_path / "list.xlsx").rows())

    return read


@pytest.fixture
def name_in(rows_of):
    """The second cell of a row as it is read."""

    def read(cell: str, **parts: object) -> str:
        (row,) = rows_of(raw_workbook(HEADER + ROW.format(cell), **parts))
        return row.cells[1]

    return read


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Amelia_x000D_\n Smith", "Amelia\n Smith"),
        ("Amelia_x000d_", "Amelia\n"),
        ("tab_x0009_here", "tab\there"),
        ("_x0041_nn", "Ann"),
        ("_x005F_x000D_", "_x000D_"),
        ("_xD83D__xDE00_", "\N{GRINNING FACE}"),
        ("_x000_ _xZZZZ_ x0041_", "_x000_ _xZZZZ_ x0041_"),
    ],
)
@pytest.mark.parametrize("kept", ["shared", "in the cell", "of a formula"])
def test_escaped_characters_are_decoded(name_in, written, seen, kept):
    cell = {
        "shared": "<c r='B2' t='s'><v>0</v></c>",
        "in the cell": text_cell("B2", written),
        "of a formula": f"<c r='B2' t='str'><f>A1</f><v>{written}</v></c>",
    }[kept]
    assert name_in(cell, strings=[written]) == seen


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("<c r='B2' t='inlineStr'><is><r><t>An</t></r><r><t>na</t></r></is></c>", "Anna"),
        ("<c r='B2' t='inlineStr'><is><t>山田</t><rPh sb='0' eb='2'><t>ヤマダ</t></rPh></is></c>", "山田"),
        ("<c r='B2' t='b'><v>1</v></c>", "TRUE"),
        ("<c r='B2' t='b'><v>false</v></c>", "FALSE"),
        ("<c r='B2' t='str'><f>A1</f><v></v></c>", ""),
        ("<c r='B2'><f>1+1</f><v>2</v></c>", "2"),
        ("<c r='B2' t='d'><v>2026-12-05T15:00:00Z</v></c>", "46361.625"),
        ("<c r='B2' s='1' t='d'><v>2026-12-05T15:00:00.000</v></c>", "2026-12-05T15:00"),
        ("<c r='B2' s='1'><v>46361.62499999</v></c>", "2026-12-05T15:00"),
        ("<c t='inlineStr'><is><t>no reference</t></is></c>", "no reference"),
        ("<c r='B2' t='n'><v> 5 </v></c>", "5"),
        ("<!-- a remark --><c r='B2'><v>5</v><extLst><ext><x:v xmlns:x='urn:x'>6</x:v></ext></extLst></c>", "5"),
    ],
)
def test_a_cell_is_read_as_it_shows(name_in, cell, seen):
    assert name_in(cell, formats=["yyyy-mm-dd hh:mm"]) == seen


def test_how_a_shared_text_is_pronounced_is_not_read(name_in):
    strings = "<si><r><t>山田</t></r><rPh sb='0' eb='1'><t>ヤマダ</t></rPh><r><t>花子</t></r></si>"
    part = f"<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>{strings}</sst>"
    assert name_in("<c r='B2' t='s'><v>0</v></c>", others={"xl/sharedStrings.xml": part}) == "山田花子"


@pytest.mark.parametrize("kept", ["shared", "in the cell"])
def test_strict_open_xml_is_read(rows_of, kept):
    cells = "<c r='A2' t='s'><v>0</v></c>" if kept == "shared" else text_cell("A2", GOOD)
    (row,) = rows_of(raw_workbook(f"{HEADER}<row r='2'>{cells}</row>", strings=[GOOD], strict=True))
    assert list(row.cells) == [GOOD, ""]


def test_strict_dates_are_read(name_in):
    cell = "<c r='B2' s='1' t='d'><v>2026-12-05T15:00:00</v></c>"
    assert name_in(cell, formats=["dd.mm.yyyy hh:mm"], strict=True) == "2026-12-05T15:00"


def test_elements_with_a_prefix_are_read(rows_of):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = [
        f"<x:row r='{n}'><x:c t='str'><x:v>{v}</x:v></x:c></x:row>" for n, v in enumerate(["phone", GOOD], start=1)
    ]
    sheet = f"<x:worksheet xmlns:x='{space}'><x:sheetData>{''.join(cells)}</x:sheetData></x:worksheet>"
    (row,) = rows_of(raw_workbook("", others={"xl/worksheets/sheet1.xml": sheet}))
    assert (row.line, list(row.cells)) == (2, [GOOD])


@pytest.mark.parametrize("stored", ["0", "<v/>", ""])
def test_a_formula_that_a_program_left_to_the_spreadsheet_has_no_value(rows_of, stored):
    value = f"<v>{stored}</v>" if stored == "0" else stored
    content = raw_workbook(HEADER + ROW.format(f"<c r='B2'><f>1+1</f>{value}</c>"), book="<calcPr fullCalcOnLoad='1'/>")
    (row,) = rows_of(content)
    assert (row.cells[1], list(row.faults)) == ("", [1])


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ("<row r='99999999'><c r='A99999999'><v>1</v></c></row>", "row 99,999,999"),
        ("<row r='1048577'><c r='A1048577'><v>1</v></c></row>", "row 1,048,577"),
        ("<row r='3'/><row r='2'><c r='A2'><v>1</v></c></row>", "row 2 after row 3"),
        ("<row r='2'><c r='A2'><v>1</v></c></row><row r='2'><c r='A2'><v>1</v></c></row>", "row 2 after row 2"),
        ("<row r='2'><c r='A2'><v>1</v></c><c r='A2'><v>2</v></c></row>", "two cells at one place in row 2"),
        ("<row r='2'><c r='XFE2'><v>1</v></c></row>", "column 'XFE'"),
        ("<row r='2'><c r='AAAAAAA2'><v>1</v></c></row>", "column 'AAAAAAA'"),
        ("<row r='2'><c r='2'><v>1</v></c></row>", "column ''"),
        ("<row r='2'><c r='XFD2'/><c><v>1</v></c></row>", "more than 16,384 columns"),
        ("<row r='0'><c><v>1</v></c></row>", "row 0 after row"),
    ],
)
def test_a_place_that_no_sheet_has_is_named(rows_of, rows, named):
    with pytest.raises(BadContactsFile, match=r"list\.xlsx: the sheet 'List' has") as refused:
        rows_of(raw_workbook(HEADER + rows))
    assert named in str(refused.value)
    assert "save it again" in refused.value.remedy


@pytest.mark.parametrize(
    "cell", ["<c r='B2' t='s'><v>7</v></c>", "<c r='B2' t='s'><v>x</v></c>", "<c r='B2' s='9'><v>1</v></c>"]
)
def test_a_reference_to_nothing_is_named(rows_of, cell):
    with pytest.raises(BadContactsFile, match="workbook cannot be read"):
        rows_of(raw_workbook(HEADER + ROW.format(cell)))


def test_a_cell_in_the_last_column_makes_a_row_one_cell_too_long(rows_of):
    (row,) = rows_of(raw_workbook(HEADER + ROW.format("<c r='XFD2'><v>1</v></c>")))
    assert list(row.cells) == [GOOD, "1"] or list(row.cells) == [GOOD, "", "1"]


def test_an_erasure_finds_what_is_hidden_and_what_is_stored(tmp_path):
    rows = f"{HEADER}<row r='2' hidden='1'><c r='A2' s='1'><v>612345678</v></c>{text_cell('B2', 'Ann')}</row>"
    content = raw_workbook(rows, formats=['"+33"0'], before="<cols><col min='2' max='2' hidden='1'/></cols>")
    (tmp_path / "list.xlsx").write_bytes(content)
    _, row = all_records(tmp_path / "list.xlsx")
    assert set(row.cells) == {"+33612345678", "Ann", "612345678"}
