"""The texts of a workbook, which its sheets refer to by number."""

from __future__ import annotations

import re
from array import array

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.workbook.archive import Archive, Attributes, local_names, xml_parser

MAX_TEXTS = 1 << 24
MAX_TEXT_BYTES = 128 << 20
LONGEST_TEXT = 32_767  # characters, of which a spreadsheet keeps no more in one cell
NAMES = local_names("si", "t", "rPh")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """Texts by their number, kept as UTF-8 so that millions of them fit."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode()

    @classmethod
    def read(cls, archive: Archive, part: str) -> SharedStrings:
        """All texts of this part. Raises BadContactsFile when there are more than a list can need."""
        strings = cls()
        pieces: list[str] = []
        parser = xml_parser()

        def start(name: str, _: Attributes) -> None:
            kind = NAMES.get(name)
            if kind == "t":
                parser.CharacterDataHandler = pieces.append
            elif kind == "rPh":  # how the text before it is pronounced
                pieces.append(PRONUNCIATION)

        def end(name: str) -> None:
            parser.CharacterDataHandler = None
            kind = NAMES.get(name)
            if kind == "rPh":
                del pieces[pieces.index(PRONUNCIATION) :]
            elif kind == "si":
                strings._add("".join(pieces), archive)
                pieces.clear()

        parser.StartElementHandler, parser.EndElementHandler = start, end
        for chunk in archive.chunks(part):
            parser.Parse(chunk)
            if len(pieces) > LONGEST_TEXT:
                raise BadContactsFile(f"{archive.path}: the workbook is refused: a text in it has no end", REMEDY)
        parser.Parse(b"", True)
        return strings

    def _add(self, text: str, archive: Archive) -> None:
        if len(text) > LONGEST_TEXT:
            raise BadContactsFile(
                f"{archive.path}: a cell has {len(text):,} characters, more than a list can need", REMEDY
            )
        self._bytes += unescaped(text).encode("utf-8", "replace")
        self._ends.append(len(self._bytes))
        if len(self._ends) > MAX_TEXTS or len(self._bytes) > MAX_TEXT_BYTES:
            message = f"{archive.path}: the workbook is refused: its texts are longer than {MAX_TEXT_BYTES >> 20} MB"
            raise BadContactsFile(message, REMEDY)


PRONUNCIATION = "\0"  # no character of XML
REMEDY = 'save the list as "CSV UTF-8"'


def unescaped(text: str) -> str:
    """The text with the characters that workbooks write as `_x000D_`; line ends are one character."""
    if "_x" in text:
        text = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
