"""Files that people write with any editor: UTF-8, and whatever Unicode a byte order mark at their beginning names."""

from __future__ import annotations

import codecs

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the byte order mark at the beginning of a file names; None when there is none."""
    return next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)


def decoded(content: bytes) -> str:
    """The text of a whole file, without its mark. Raises UnicodeDecodeError when it is not Unicode."""
    return content.decode(marked_encoding(content) or "utf-8")
