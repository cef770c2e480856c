"""Files that a page lets people keep."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from fastapi.responses import StreamingResponse

ROWS_AT_ONCE = 500


def csv_download(name: str, rows: Iterable[Sequence[str]]) -> StreamingResponse:
    """A CSV file of this name that spreadsheets open as it is; its rows are read while it is sent."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_text_of(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _text_of(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    left, mark = iter(rows), "\ufeff"  # else Excel takes it for a code page of Windows
    while batch := list(islice(left, ROWS_AT_ONCE)):
        part = StringIO()
        csv.writer(part, quoting=csv.QUOTE_ALL).writerows(batch)
        yield mark + part.getvalue()
        mark = ""
