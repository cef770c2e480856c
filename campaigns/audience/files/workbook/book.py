"""What a workbook says about itself: its sheets, texts and formats."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.table import Row
from campaigns.audience.files.workbook.archive import SAVE_AGAIN, SAVE_AS_XLSX, Archive, Attributes
from campaigns.audience.files.workbook.builtin_formats import BUILTIN_FORMATS
from campaigns.audience.files.workbook.cell_names import COLUMNS
from campaigns.audience.files.workbook.merged_cells import MergedCells, Range, SheetScan
from campaigns.audience.files.workbook.number_format import GENERAL, NumberFormat
from campaigns.audience.files.workbook.sheet import TRUE, CellStyles, SheetReader
from campaigns.audience.files.workbook.strings import SharedStrings, unescaped
from campaigns.audience.formulas import restored

STYLE_NAMES = ("numFmt", "cellXfs", "cellStyleXfs", "dxfs", "xf")  # formats inside dxfs have ids of their own
OTHER_KINDS = (
    ("xl/workbook.bin", "a binary workbook (.xlsb)"),
    ("index/document.iwa", "a Numbers document (.numbers)"),
    ("index.zip", "a Numbers or Pages document"),
    ("word/document.xml", "a text document (.docx)"),
    ("ppt/presentation.xml", "a presentation (.pptx)"),
)
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of cells. `is_hidden`: no spreadsheet shows it."""

    title: str
    part: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook whose texts and formats have been read. `sheets` has those with cells, in their order."""

    path: Path
    sheets: tuple[Sheet, ...]
    styles: CellStyles

    @classmethod
    def read(cls, path: Path) -> Book:
        """Read all but the rows. Raises BadContactsFile, OSError."""
        with Archive.opened(path) as archive:
            root = _root(archive)
            related = _related(archive, root)
            parts = archive.elements(root, "workbookPr", "sheet", "calcPr")
            sheets = tuple(_sheets([attributes for name, attributes in parts if name == "sheet"], related))
            own = {name: attributes for name, attributes in parts if name != "sheet"}
            from_1904 = own.get("workbookPr", {}).get("date1904") in TRUE
            by_kind = dict(related.values())
            strings = by_kind.get("sharedStrings", "")
            styles = CellStyles(
                SharedStrings.read(archive, strings) if strings in archive else SharedStrings(),
                _formats(archive, by_kind.get("styles"), from_1904=from_1904),
                from_1904=from_1904,
                uncalculated=own.get("calcPr", {}).get("fullCalcOnLoad") in TRUE,
            )
        if not sheets:
            raise BadContactsFile(f"{path}: the workbook has no sheet of cells", SAVE_AGAIN)
        return cls(path, sheets, styles)

    @property
    def visible(self) -> list[Sheet]:
        """The sheets that people see."""
        return [sheet for sheet in self.sheets if not sheet.is_hidden]

    def scan(self, sheet: Sheet) -> SheetScan:
        """The merged cells of a sheet, and about how many rows it has. Raises BadContactsFile, OSError."""
        with Archive.opened(self.path) as archive:
            return SheetScan(archive.chunks(sheet.part))

    def rows(
        self, sheet: Sheet, merged: Sequence[Range] = (), *, width: int = COLUMNS, everything: bool = False
    ) -> Iterator[Row]:
        """The rows of a sheet that are not blank, as `SheetReader` reads them. Raises BadContactsFile, OSError."""
        place = f"{self.path}: the sheet {sheet.title!r}"
        reader = SheetReader(place, self.styles, MergedCells(merged), width=width, everything=everything)
        with Archive.opened(self.path) as archive:
            for row in reader.rows(archive, sheet.part):
                yield row._replace(cells=restored(row.cells)) if "'" in "".join(row.cells) else row


def _root(archive: Archive) -> str:
    """The part that lists the sheets. Raises BadContactsFile that names what the file is instead of a workbook."""
    _refuse_other_kinds(archive)
    if "_rels/.rels" in archive:
        parts = (part for kind, part in _relationships(archive, "_rels/.rels", "").values() if kind == "officeDocument")
        return next(parts, "xl/workbook.xml")
    return "xl/workbook.xml"


def _refuse_other_kinds(archive: Archive) -> None:
    kind = next((kind for part, kind in OTHER_KINDS if part in archive), None)
    if "mimetype" in archive:
        mimetype = b"".join(archive.chunks("mimetype"))
        if mimetype.startswith(OPEN_DOCUMENT):
            kind = "an OpenDocument spreadsheet (.ods)" if b"spreadsheet" in mimetype else "an OpenDocument text"
    if kind is not None:
        raise BadContactsFile(f"{archive.path}: this is {kind}, which is not read here", SAVE_AS_XLSX)
    names = archive.names()
    if not any(name.endswith(".rels") or name.startswith("xl/") for name in names):
        content = ", ".join(names[:3]) or "nothing"
        message = f"{archive.path}: this is a zip archive, and no workbook: it holds {content}"
        raise BadContactsFile(message, "unpack it, and name the list itself")


def _relationships(archive: Archive, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """By id: the last word of the relationship's type, and the part that it leads to."""
    return {
        one.get("Id", ""): (
            one.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, one.get("Target", "").replace("\\", "/"))).lstrip("/"),
        )
        for _, one in archive.elements(part, "Relationship")
        if one.get("TargetMode") != "External"
    }


def _related(archive: Archive, root: str) -> Mapping[str, tuple[str, str]]:
    folder, _, name = root.rpartition("/")
    part = posixpath.join(folder, "_rels", f"{name}.rels")
    return _relationships(archive, part, folder) if part in archive else {}


def _sheets(found: Sequence[Attributes], related: Mapping[str, tuple[str, str]]) -> Iterator[Sheet]:
    """The sheets of cells; charts, dialogs and macros have sheets of other kinds."""
    for attributes in found:
        id_of_relation = next((value for name, value in attributes.items() if name.endswith(" id")), "")
        kind, part = related.get(id_of_relation, ("", ""))
        if kind == "worksheet":
            yield Sheet(unescaped(attributes.get("name", "")), part, attributes.get("state", "visible") != "visible")


def _formats(archive: Archive, part: str | None, *, from_1904: bool) -> list[NumberFormat]:
    """The number format of each style of cells."""
    codes: dict[int, str] = dict(BUILTIN_FORMATS)
    ids: list[int] = []
    counts = False
    for name, attributes in archive.elements(part, *STYLE_NAMES) if part and part in archive else ():
        if name == "numFmt":
            codes[int(attributes["numFmtId"])] = unescaped(attributes.get("formatCode", GENERAL))
        elif name == "xf" and counts:
            ids.append(int(attributes.get("numFmtId", 0)))
        else:
            counts = name == "cellXfs"
    compiled = {one: NumberFormat(codes.get(one, GENERAL), from_1904=from_1904) for one in {0, *ids}}
    return [compiled[one] for one in ids] or [compiled[0]]
