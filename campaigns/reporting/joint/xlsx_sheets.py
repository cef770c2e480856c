"""Writes tables as the sheets of a workbook (XLSX), a row at a time: however long they are, they take no memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, count, islice
from typing import IO

from campaigns.audience.formulas import harmless

MOST_ROWS = 1 << 20  # of a sheet; what is longer goes on in another
LONGEST_TEXT = 32_767  # characters in a cell
# Characters that XML has no way to hold, and words that would be read as one.
UNHEARD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\r\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
NUMBER = re.compile(r"(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?")

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
FONT = '<sz val="11"/><name val="Calibri"/>'
STYLES = (
    f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="0.0"/>'
    '<numFmt numFmtId="165" formatCode="0.00####"/></numFmts>'
    f'<fonts count="2"><font>{FONT}</font><font><b/>{FONT}</font></fonts><fills count="2">'
    '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="165" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
HEADER_STYLE, TENTHS_STYLE, MONEY_STYLE = 1, 2, 3
HEAD = (
    f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
    ' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultColWidth="20"'
    ' defaultRowHeight="15"/><sheetData>'
)
FOOT = "</sheetData></worksheet>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRows:
    """A sheet to be: its title, its columns, and its rows. Cells of the `numeric` columns are written as numbers."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
    numeric: Collection[str] = ()


def write_workbook(stream: IO[bytes], sheets: Iterable[SheetRows]) -> None:
    """Write these sheets; one that is too long goes on in others. Nothing runs a cell of them as a formula."""
    titles: list[str] = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as book:
        for sheet in sheets:
            rows = iter(sheet.rows)
            for number in count(1):
                first = next(rows, None)
                if first is None and number > 1:
                    break
                titles.append(sheet.title if number == 1 else f"{sheet.title} {number}")
                with book.open(f"xl/worksheets/sheet{len(titles)}.xml", "w", force_zip64=True) as part:
                    _write_sheet(part, sheet, islice(chain([] if first is None else [first], rows), MOST_ROWS - 1))
        for name, text in _parts_about(titles):
            book.writestr(name, text)


def _write_sheet(part: IO[bytes], sheet: SheetRows, rows: Iterable[Sequence[str]]) -> None:
    numeric = [column in sheet.numeric for column in sheet.columns]
    part.write(HEAD.encode())
    part.write(f"<row>{''.join(_text(harmless(name), HEADER_STYLE) for name in sheet.columns)}</row>".encode())
    for row in rows:
        cells = (_number(cell) if figure else _text(cell) for cell, figure in zip(row, numeric, strict=True))
        part.write(f"<row>{''.join(cells)}</row>".encode())
    part.write(FOOT.encode())


def _text(cell: str, style: int = 0) -> str:
    if not cell:
        return "<c/>"
    text = escape(UNHEARD.sub(lambda match: f"_x{ord(match[0]):04X}_", cell[:LONGEST_TEXT]), quote=False)
    styled = f' s="{style}"' if style else ""
    return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _number(cell: str) -> str:
    if not NUMBER.fullmatch(cell):
        return _text(cell)
    style = {0: 0, 1: TENTHS_STYLE}.get(len(cell.partition(".")[2]), MONEY_STYLE)
    styled = f' s="{style}"' if style else ""
    return f"<c{styled}><v>{cell}</v></c>"


def _parts_about(titles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What a workbook says of its sheets, by the name of each part."""
    numbered = list(enumerate(titles, start=1))
    kinds = [("xl/workbook.xml", "sheet.main"), ("xl/styles.xml", "styles")]
    kinds += [(f"xl/worksheets/sheet{number}.xml", "worksheet") for number, _ in numbered]
    overrides = "".join(f'<Override PartName="/{part}" ContentType="{CONTENT}.{kind}+xml"/>' for part, kind in kinds)
    defaults = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    yield "[Content_Types].xml", f'{XML}<Types xmlns="{PACKAGE}/content-types">{defaults}{overrides}</Types>'
    yield "_rels/.rels", _relationships([("rId1", "officeDocument", "xl/workbook.xml")])
    sheets = "".join(f'<sheet name="{escape(title)}" sheetId="{n}" r:id="rId{n}"/>' for n, title in numbered)
    opened = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATED}"><bookViews><workbookView/></bookViews>'
    yield "xl/workbook.xml", f"{XML}{opened}<sheets>{sheets}</sheets></workbook>"
    targets = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered]
    yield "xl/_rels/workbook.xml.rels", _relationships([*targets, ("rId0", "styles", "styles.xml")])
    yield "xl/styles.xml", STYLES


def _relationships(targets: Iterable[tuple[str, str, str]]) -> str:
    lines = "".join(f'<Relationship Id="{id_}" Type="{RELATED}/{kind}" Target="{to}"/>' for id_, kind, to in targets)
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'
