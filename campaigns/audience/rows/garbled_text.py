"""Texts that no person wrote: UTF-8 read as a code page (`AmÃ©lie`), letters that were lost, commands for terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping

from campaigns.audience.files.table import CellFault

SAVE_AGAIN = 'save the list again as "CSV UTF-8" where its letters are right'
COMMAND = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # no blanks, tabs or line ends
LOST = "\ufffd"  # what programs write for what they cannot read
NO_CHARACTER = re.compile(r"[\ufdd0-\ufdef\ufffe\uffff]")
# Beginnings of letters in UTF-8 as two code pages show them, each with what follows. Those that real words may have
# beside a sign, as `é…”`, `3×“` or `«В»`, are believed only twice in a row, or beside Latin letters.
ONCE = re.compile(
    r"[ÂÃÄÅÎÏÐÑ][^\x00-\x7f]|â[€„‚†–—™”][^\x00-\x7f]|ðŸ"
    r"|[ВГДЕ][^\x00-\x7fА-яЁё](?:(?<=[A-Za-z]..)|(?=[A-Za-z]))|вЂ[^\x00-\x7f]"
)
TWICE = re.compile(
    r"[×ØÙ][^\x00-\x7f][×ØÙ][^\x00-\x7f]|[ã-é][^\x00-\x7f]{2}[ã-é][^\x00-\x7f]{2}"
    r"|[ВГДЕОПРСЧШЩ][^\x00-\x7fА-я][ВГДЕОПРСЧШЩ][^\x00-\x7fА-я]|[г-й][^\x00-\x7fА-я]{2}[г-й][^\x00-\x7fА-я]{2}"
)
CLOSING = "…”’“–—»™®!),.:;?"  # behind a capital, as in `SÅ…`, they are what they seem
WRITTEN = re.compile(  # what becomes of real words by chance is of other blocks: `ТІНІ` is no `ҳͳ`
    "[ -~\u00a0-\u017f\u0218-\u021b\u0386-\u03ce\u0400-\u045f\u0490\u0491\u05d0-\u05ea\u0621-\u0652\u0660-\u0669"
    "\u067e\u0686\u06a9\u06af\u06cc\u200d-\u203a\u20ac\u2116\u2122\u3001-\u30ff\u3400-\u9fff\uac00-\ud7a3\ufe0f\U0001f300-\U0001faff]+"
)


def garbled(text: str) -> CellFault | None:
    """What shows that nobody wrote this text as it stands; None for any other text."""
    if text.isascii() and text.isprintable():
        return None
    if LOST in text:
        return CellFault(f"letters are lost, and {LOST} stands for them", "correct the cell, or export the list again")
    is_suspect = not text.isascii() and (ONCE.search(text) or TWICE.search(text))
    for word in text.split(" ") if is_suspect else ():
        if meant := _meant(word):
            return CellFault(f'"{word}" was read in a wrong encoding, and is {meant}', SAVE_AGAIN)
    if not text.isprintable() and (command := COMMAND.search(text) or NO_CHARACTER.search(text)):
        return CellFault(f"it holds U+{ord(command[0]):04X}, which is no letter or sign", "type the cell again")
    return None


def _table(page: str) -> Mapping[str, int]:
    """The byte of each character of a code page; a byte without a character is the control character of its number."""
    characters = {bytes([byte]).decode(page, "ignore") or chr(byte): byte for byte in range(256)}
    return {chr(byte): byte for byte in range(0x80, 0xA0)} | characters


TABLES = (_table("cp1252"), _table("cp1251"))


def _meant(word: str) -> str | None:
    """The word that becomes this one when its UTF-8 is read as a code page; None if there is none."""
    inner = word.rstrip(CLOSING)
    if not ONCE.search(inner) and not TWICE.search(word):
        return None
    for table in TABLES:
        try:
            meant = bytes(map(table.__getitem__, word)).decode()
        except (KeyError, UnicodeDecodeError):
            continue
        if WRITTEN.fullmatch(meant):
            return meant
    return None
