"""A sheet says the same whether its rows are rewritten for the parser or reported to it cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.table import Row
from campaigns.audience.files.workbook.archive import read_errors
from campaigns.audience.files.workbook.merged_cells import MergedCells
from campaigns.audience.files.workbook.number_format import NumberFormat
from campaigns.audience.files.workbook.plain_rows import PlainRows
from campaigns.audience.files.workbook.sheet import CellStyles, SheetReader
from campaigns.audience.files.workbook.strings import SharedStrings

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<cols><col min="7" max="7" hidden="1"/></cols><sheetData>{rows}</sheetData></worksheet>'
)
STYLES = CellStyles(
    SharedStrings(),
    [NumberFormat("General"), NumberFormat("0.00"), NumberFormat('"No. "@')],
    from_1904=False,
    uncalculated=False,
)
ROWS = {
    "text": '<row r="2"><c r="A2" t="inlineStr"><is><t>Ann</t></is></c><c r="C2"><v>7</v></c></row>',
    "blanks around": '<row r="2"><c r="A2" t="inlineStr"><is><t xml:space="preserve">  Ann  Lee </t></is></c></row>',
    "letters": '<row r="2"><c r="A2" t="str"><v>Zoë Åsa 李</v></c></row>',
    "entities": '<row r="2"><c r="A2" t="str"><v>R&amp;D &lt;b&gt; &#10;&#34;&quot;&#x416;</v></c></row>',
    "quotes": '<row r="2"><c r="A2" t="str"><v>say "hello" to \'Ann\'</v></c></row>',
    "lines": '<row r="2"><c r="A2" t="str"><v>two\nlines\tand a tab</v></c></row>',
    "escapes": '<row r="2"><c r="A2" t="str"><v>two_x000D_lines</v></c></row>',
    "formats": '<row r="2"><c r="A2" s="1"><v>7</v></c><c r="B2" s="2" t="str"><v>7</v></c><c r="C2" s="2"/></row>',
    "kinds": '<row r="2"><c r="A2" t="b"><v>1</v></c><c r="B2" t="e"><v>#N/A</v></c><c r="C2" t="n"><v>7</v></c></row>',
    "formula": '<row r="2"><c r="A2"><v>7</v></c><c r="B2"><f>A2</f><v>8</v></c><c r="C2"><f>A2</f></c></row>',
    "hidden": '<row r="2" hidden="1"><c r="A2"><v>7</v></c><c r="G2"><v>8</v></c></row>',
    "row's own": '<row r="2" spans="1:3" ht="0" x:y="1" xmlns:x="urn:x"><c r="A2"><v>7</v></c></row>',
    "empty": '<row r="2"/><row r="3" ht="3"/><row r="4"><c r="A4" s="1"/></row><row r="5"><c r="B5"><v>7</v></c></row>',
    "out of order": '<row r="2"><c r="C2"><v>7</v></c><c r="A2"><v>8</v></c></row>',
    "no references": "<row><c><v>7</v></c><c><v>8</v></c></row><row><c><v>9</v></c></row>",
    "pretty": '<row r="2">\n  <c r="A2"><v>7</v></c>\n  <c r="B2"><v>8</v></c>\n</row>',
    "rich text": '<row r="2"><c r="A2" t="inlineStr"><is><r><t>An</t></r><r><t>n</t></r></is></c></row>',
    "pronounced": '<row r="2"><c r="A2" t="inlineStr"><is><t>東</t><rPh sb="0" eb="1"><t>ひ</t></rPh></is></c></row>',
    "comment": '<!-- <row r="2"><c r="A2"><v>7</v></c></row> --><row r="3"><c r="A3"><v>8</v></c></row>',
    "CDATA": '<row r="2"><c r="A2" t="str"><v><![CDATA[<row r="9"><c r="A9"><v>7</v></c></row>]]></v></c></row>',
    "another's": '<x:row xmlns:x="urn:x"><row r="2"><c r="A2"><v>7</v></c></row></x:row>',
    "end": '<row r="2"><c r="A2"><v>7</v></c><extLst><ext/></extLst></row><row r="3"><c r="A3"><v>8</v></c></row>',
}
DAMAGED = {
    "two at one place": '<row r="2"><c r="A2"><v>7</v></c><c r="A2"><v>8</v></c></row>',
    "a row twice": '<row r="2"><c r="A2"><v>7</v></c></row><row r="2"><c r="A2"><v>8</v></c></row>',
    "no such column": '<row r="2"><c r="XFE2"><v>7</v></c></row>',
    "no such row": '<row r="1048577"><c r="A1048577"><v>7</v></c></row>',
    "no such text": '<row r="2"><c r="A2" t="s"><v>7</v></c></row>',
    "no number": '<row r="2"><c r="A2"><v>seven</v></c></row>',
}


class Pieces:
    """A sheet that comes in pieces of this size."""

    def __init__(self, sheet: bytes, size: int) -> None:
        self.sheet, self.size = sheet, size

    def chunks(self, part: str) -> Iterator[bytes]:
        """The sheet, piece by piece."""
        return (self.sheet[at : at + self.size] for at in range(0, len(self.sheet), self.size))


def read(tmp_path, rows: str, size: int) -> list[Row]:
    reader = SheetReader("list.xlsx: the sheet 'one'", STYLES, MergedCells(), width=6)
    with read_errors(tmp_path / "list.xlsx"):
        return list(reader.rows(Pieces(SHEET.format(rows=rows).encode(), size), "sheet1.xml"))


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rewritten_rows_say_what_their_cells_say(tmp_path, rows):
    cell_by_cell = read(tmp_path, rows, 1)  # pieces so small hold no row
    assert cell_by_cell
    assert read(tmp_path, rows, 1 << 16) == cell_by_cell


@pytest.mark.slow
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_it_does_not_matter_where_a_piece_ends(tmp_path, rows):
    before = '<row r="1"><c r="A1"><v>6</v></c></row>'
    whole = read(tmp_path, before + rows, 1)
    for size in range(2, len(SHEET) + len(before + rows)):
        assert read(tmp_path, before + rows, size) == whole


@pytest.mark.parametrize("rows", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_row_is_refused_with_the_same_words(tmp_path, rows):
    messages = []
    for size in (1, 1 << 16):
        with pytest.raises(BadContactsFile) as refused:
            read(tmp_path, rows, size)
        messages.append(str(refused.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("name", ["text", "letters", "entities", "formats", "kinds", "hidden", "row's own"])
def test_the_usual_rows_are_rewritten(name):
    assert b"<c " not in PlainRows().rewritten(ROWS[name].encode())
