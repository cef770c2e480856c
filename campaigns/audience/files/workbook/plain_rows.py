"""Rewrites the rows of a sheet's XML so that the parser reports one element for a row instead of three for a cell."""

from __future__ import annotations

import re

ELEMENT = "plainRow"
ROW, END_OF_ROW = b"<row ", b"</row>"
UNLIKE_TEXT = re.compile(rb"<!(?:--|\[CDATA\[)")  # in which a row would not be a row
LONGEST_MARK = len(b"<![CDATA[")
# A cell as every program writes it: the whole, then column, style, type, and value or text. A value with a quote or a
# line end is left to the parser as it stands, because it would not be the same in an attribute.
CELLS = re.compile(
    rb"""(
    <c\ r="([A-Z]{1,3})\d+"(?:\ s="(\d+)")?(?:\ t="(\w+)")?
    (?: > (?: <v>([^<"\x00-\x1f]*)</v> | <is><t(?:\ xml:space="preserve")?>([^<"\x00-\x1f]*)</t></is> ) </c> | /> )
    )""",
    re.VERBOSE,
)


class PlainRows:
    """Rewrites a sheet piece by piece: `<row …><c r="A2" t="s"><v>7</v></c>…</row>` to `<plainRow … A="s  7"…/>`.

    An attribute holds a cell's type, style and value, with one blank between them. What is written in another way stays
    as it is, and so does a row that begins in one piece and ends in another.
    """

    def __init__(self) -> None:
        self._end, self._may_be_rows = b"", True

    def rewritten(self, piece: bytes) -> bytes:
        """The piece with its plain rows rewritten."""
        if self._may_be_rows:
            self._may_be_rows = UNLIKE_TEXT.search(self._end + piece) is None
            self._end = piece[-LONGEST_MARK:]
        if not self._may_be_rows:
            return piece
        *ended, rest = piece.split(END_OF_ROW)
        return b"".join([*map(_rewritten, ended), rest])


def _rewritten(text: bytes) -> bytes:
    """A text whose end is a row, without its end tag."""
    before, begun, row = text.rpartition(ROW)
    attributes, _, body = row.partition(b">")
    cells = CELLS.findall(body) if begun else ()
    if not cells or attributes.endswith(b"/"):
        return text + END_OF_ROW
    wholes, columns, *_ = zip(*cells, strict=True)
    if sum(map(len, wholes)) < len(body) or len(set(columns)) < len(columns):
        return text + END_OF_ROW
    values = [b' %b="%b %b %b%b"' % (column, kind, style, *value) for _, column, style, kind, *value in cells]
    return b"%b<%b %b%b/>" % (before, ELEMENT.encode(), attributes, b"".join(values))
