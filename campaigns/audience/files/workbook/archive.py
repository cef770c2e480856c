"""The parts of a workbook's zip file, unpacked a piece at a time and never beyond bounds."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from campaigns.audience.files.encoding import BadContactsFile

CHUNK_BYTES = 1 << 16
MAX_PART_BYTES = 2 << 30
MAX_RATIO = 200  # lists are packed some 10 times smaller, empty rows with formats 30 times
RATIO_COUNTS_FROM = 16 << 20  # bytes; a smaller part does no harm
SAVE_AGAIN = 'open it in the spreadsheet and save it again, or save it as "CSV UTF-8"'
SAVE_AS_XLSX = 'in its program, save or export it as "Excel workbook (.xlsx)" or as CSV, and name that file'

NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # "Strict Open XML"
    "http://schemas.openxmlformats.org/package/2006/relationships",
)

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ExpatError,
    NotImplementedError,
    ArithmeticError,
    ValueError,
    LookupError,
)

Attributes = dict[str, str]


def local_names(*names: str) -> dict[str, str]:
    """The local name of each element as the XML parser reports it, with its namespace or without any."""
    qualified = {f"{namespace} {name}": name for namespace in NAMESPACES for name in names}
    return qualified | {name: name for name in names}


def xml_parser() -> XMLParserType:
    """A parser that reports text whole and refuses document types, and with them all entities."""
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = CHUNK_BYTES
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise ValueError("it declares a document type, which no spreadsheet does")


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Raise BadContactsFile for whatever a damaged zip or XML file raises; other errors are ours and pass."""
    try:
        yield
    except BadContactsFile:
        raise
    except DAMAGED as exc:  # NotImplementedError is a RuntimeError, so it must stand before that
        message = f"{path}: the workbook cannot be read: {exc}"
        raise BadContactsFile(message.splitlines()[0][:300], SAVE_AGAIN) from None
    except RuntimeError as exc:  # zipfile's word for it
        if "password" not in str(exc):
            raise
        raise BadContactsFile(f"{path}: the workbook has a password", "save it without one") from None


@dataclass(frozen=True, slots=True)
class Archive:
    """An open zip file. Names of parts are compared without case, as spreadsheets do."""

    path: Path
    _zip: zipfile.ZipFile
    _infos: dict[str, zipfile.ZipInfo]

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Archive]:
        """The archive in this file. Raises BadContactsFile, also for errors in the block, and OSError."""
        with read_errors(path), zipfile.ZipFile(path) as opened:
            infos = {_name(info.filename): info for info in opened.infolist()}
            yield cls(path, opened, infos)

    def __contains__(self, part: str) -> bool:
        return _name(part) in self._infos

    def names(self) -> list[str]:
        """The names of all parts, in lower case, sorted."""
        return sorted(self._infos)

    def chunks(self, part: str) -> Iterator[bytes]:
        """The content of a part, piece by piece. Raises BadContactsFile when it is, or claims to be, too large.

        What the directory claims is looked at first. The reader then ends at the claimed size and checks the sum, so a
        part that unpacks to more than it claims is found too.
        """
        info = self._infos.get(_name(part))
        if info is None:
            raise BadContactsFile(f"{self.path}: the workbook cannot be read: it has no {part}", SAVE_AGAIN)
        self._refuse_bomb(part, info)
        with self._zip.open(info) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    def _refuse_bomb(self, part: str, info: zipfile.ZipInfo) -> None:
        size, packed = info.file_size, max(info.compress_size, 1)
        if size > MAX_PART_BYTES or (size > RATIO_COUNTS_FROM and size > MAX_RATIO * packed):
            message = f"{self.path}: the workbook is refused: {part} unpacks from {packed:,} bytes to {size:,}"
            raise BadContactsFile(message, 'if it is a list, save it as "CSV UTF-8"')

    def parse(self, part: str, start: Callable[[str, Attributes], None]) -> None:
        """Call `start` for each element of a part."""
        parser = xml_parser()
        parser.StartElementHandler = start
        for chunk in self.chunks(part):
            parser.Parse(chunk)
        parser.Parse(b"", True)

    def elements(self, part: str, *names: str) -> list[tuple[str, Attributes]]:
        """The elements of these local names with their attributes, in order; for small parts."""
        local = local_names(*names)
        found: list[tuple[str, Attributes]] = []

        def start(name: str, attributes: Attributes) -> None:
            if name in local:
                found.append((local[name], attributes))

        self.parse(part, start)
        return found


def _name(part: str) -> str:
    return part.replace("\\", "/").lstrip("/").casefold()
