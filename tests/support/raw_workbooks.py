"""Workbooks written part by part, for what no library writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from html import escape

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TRANSITIONAL_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_TYPES = "http://purl.oclc.org/ooxml/officeDocument/relationships"
Part = str | Iterable[str]
HEADER = (
    "<row r='1'><c r='A1' t='inlineStr'><is><t>phone</t></is></c><c r='B1' t='inlineStr'><is><t>name</t></is></c></row>"
)


def text_cell(ref: str, text: str) -> str:
    """A cell that holds its own text."""
    return f"<c r='{ref}' t='inlineStr'><is><t xml:space='preserve'>{escape(text)}</t></is></c>"


def raw_workbook(
    rows: str,
    *,
    before: str = "",
    behind: str = "",
    formats: Sequence[str] = (),
    strings: Sequence[str] = (),
    book: str = "",
    strict: bool = False,
    others: Mapping[str, Part] | None = None,
) -> bytes:
    """A workbook of one sheet with these rows (XML); style n shows the n-th of `formats`, and 0 none.

    `others` are parts instead of the usual ones, whole or in pieces.
    """
    space, types = (STRICT, STRICT_TYPES) if strict else (TRANSITIONAL, TRANSITIONAL_TYPES)
    codes = "".join(f"<numFmt numFmtId='{170 + n}' formatCode='{escape(code)}'/>" for n, code in enumerate(formats))
    styles = "".join(f"<xf numFmtId='{170 + n}'/>" for n, _ in enumerate(formats))
    texts = "".join(f"<si><t xml:space='preserve'>{escape(text)}</t></si>" for text in strings)
    kinds = {"worksheet": "worksheets/sheet1.xml", "styles": "styles.xml", "sharedStrings": "sharedStrings.xml"}
    related = "".join(
        f"<Relationship Id='r{n}' Type='{types}/{kind}' Target='{part}'/>"
        for n, (kind, part) in enumerate(kinds.items())
    )
    parts: dict[str, Part] = {
        "_rels/.rels": f"<Relationships xmlns='{PACKAGE}'><Relationship Id='b' Type='{types}/officeDocument' "
        "Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{space}' xmlns:r='{types}'>{book}"
        "<sheets><sheet name='List' sheetId='1' r:id='r0'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{PACKAGE}'>{related}</Relationships>",
        "xl/styles.xml": f"<styleSheet xmlns='{space}'><numFmts>{codes}</numFmts><cellStyleXfs><xf numFmtId='9'/>"
        f"</cellStyleXfs><cellXfs><xf numFmtId='0'/>{styles}</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f"<sst xmlns='{space}'>{texts}</sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{space}'>{before}<sheetData>{rows}</sheetData>{behind}"
        "</worksheet>",
        **(others or {}),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            with archive.open(name, "w") as part:
                for piece in [content] if isinstance(content, str) else content:
                    part.write(piece.encode())
    return made.getvalue()
