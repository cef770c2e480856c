"""Finds the encoding of a list.

Unicode is recognized by a check of the whole file, a code page if its words make sense; else the user is asked."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO

from campaigns.audience.files.code_pages import guess_page
from dialer.errors import DialerError
from dialer.unicode_files import marked_encoding

CHUNK_BYTES = 1 << 18
SAMPLE_BYTES = 1 << 16
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"  # XLS, and XLSX under a password, are OLE files
SAVE_AGAIN = 'save it again as "CSV UTF-8"'
CONTACTS_ENCODING = "contacts.encoding"
SURELY_UTF8_LINES = 3  # so many lines that are not ASCII are not UTF-8 by chance


class BadContactsFile(DialerError):
    """The list cannot be read at all; the message names the file, `remedy` says what to do."""


def encoding_of(path: Path, named: str | None = None, *, setting: str = CONTACTS_ENCODING) -> str:
    """The name of a codec that reads the whole file: the one that is `named`, else as the content shows.

    `setting` is what names it, for what errors say. Raises BadContactsFile, with the line, when no codec does, or the
    content shows that it is not the one named.
    """
    with path.open("rb") as stream:
        head = stream.read(4096)
        if head.startswith(OLE_SIGNATURE):
            message = f"{path}: this is an old spreadsheet's format (XLS), or has a password"
            raise BadContactsFile(message, "save it as .xlsx or CSV, without a password, and name that")
        stream.seek(0)
        if named is not None:
            return _named(path, stream, head, named, setting)
        return _declared(path, stream, head) or _detected(path, stream, setting)


def _named(path: Path, stream: BinaryIO, head: bytes, named: str, setting: str) -> str:
    """The encoding that is named, unless the content is evidently UTF-8 or UTF-16."""
    marked = marked_encoding(head)
    shown = marked or ("utf-8" if _is_surely_utf8(stream) else None)
    if shown and codecs.lookup(named).name[:5] != shown[:5]:
        message = f"{path}: this is {shown.removesuffix('-sig').upper()}, and {setting} says {named}"
        raise BadContactsFile(message, f"remove {setting}, or correct it")
    encoding = marked or named
    if line := _undecodable(stream, encoding):
        raise BadContactsFile(f"{path}:{line}: bytes that are not {named}", f"correct {setting}, or {SAVE_AGAIN}")
    return encoding


def _is_surely_utf8(stream: BinaryIO) -> bool:
    if _undecodable(stream, "utf-8"):
        return False
    utf8_lines, *_ = _count_lines(stream)
    return utf8_lines >= SURELY_UTF8_LINES


def _declared(path: Path, stream: BinaryIO, head: bytes) -> str | None:
    """The Unicode encoding that the file's first bytes show, by a mark or as UTF-16; None when they show none."""
    encoding = marked_encoding(head) or _unmarked_utf16(head)
    if encoding and (line := _undecodable(stream, encoding)):
        raise BadContactsFile(f"{path}:{line}: bytes that are not {encoding.removesuffix('-sig').upper()}", SAVE_AGAIN)
    return encoding


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: in Latin letters every other byte is zero."""
    enough = len(head) // 10
    if head[1::2].count(0) > enough:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > enough else None


def _detected(path: Path, stream: BinaryIO, setting: str) -> str:
    """UTF-8, else the code page that fits the lines that are not UTF-8. Raises BadContactsFile."""
    if not _undecodable(stream, "utf-8"):
        return "utf-8"
    utf8_lines, other_lines, first, sample = _count_lines(stream)
    if utf8_lines >= other_lines:
        message = f"{path}:{first}: bytes that are not UTF-8, in a file that is UTF-8 elsewhere"
        raise BadContactsFile(message, f"correct that line, or {SAVE_AGAIN}")
    guess = guess_page(sample)
    if guess is None or not guess.is_certain:
        hint = f" (it may be {guess.page})" if guess else ""
        name_it = _name_it(setting, guess.page if guess else "cp1250")
        message = f"{path}:{first}: the encoding of this file cannot be told{hint}"
        raise BadContactsFile(message, f"{name_it}, or {SAVE_AGAIN}")
    if line := _undecodable(stream, guess.page):
        raise BadContactsFile(f"{path}:{line}: bytes that are neither UTF-8 nor {guess.page}", SAVE_AGAIN)
    return guess.page


def _name_it(setting: str, page: str) -> str:
    if setting == CONTACTS_ENCODING:
        return f"name it in the campaign file ({setting}: {page})"
    return f"name it ({setting} {page})"


def _undecodable(stream: BinaryIO, encoding: str) -> int | None:
    """The number of the first line that this codec cannot read; None when it reads all of them."""
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    line = 1
    while True:
        chunk = stream.read(CHUNK_BYTES)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as exc:
            return line + exc.object[: exc.start].decode(encoding, "replace").count("\n")
        except UnicodeError:  # UTF-16 and UTF-32 want a mark at the beginning
            return line
        if not chunk:
            return None
        line += text.count("\n")


def _count_lines(stream: BinaryIO) -> tuple[int, int, int, bytes]:
    """Of lines that are not ASCII: how many are UTF-8, how many are not; the first of the latter, a sample of them."""
    stream.seek(0)
    utf8_lines, first, other_lines, sample = 0, 0, 0, bytearray()
    for number, line in enumerate(iter(lambda: stream.readline(SAMPLE_BYTES), b""), start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8_lines += 1
        except UnicodeDecodeError:
            first = first or number
            other_lines += 1
            if len(sample) < SAMPLE_BYTES:
                sample += line
    return utf8_lines, other_lines, first, bytes(sample)
