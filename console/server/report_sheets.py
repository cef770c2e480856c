"""The sheets of a report as downloads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TextIO

from fastapi.responses import StreamingResponse

from campaigns.ledger.store import Ledger
from campaigns.reporting.report import Sheet, write_sheet

CHUNK = 64 << 10
MEDIA_TYPE = "text/csv; charset=utf-8"


def sheet_download(ledger: Ledger, campaign_id: str, sheet: Sheet, file_name: str | None = None) -> StreamingResponse:
    """One sheet as CSV; browsers keep it under this name. Raises NoSuchCampaign."""
    stream = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115
    try:
        write_sheet(ledger, campaign_id, sheet, stream)
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else None
    return StreamingResponse(_chunks(stream), media_type=MEDIA_TYPE, headers=headers)


def _chunks(stream: TextIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK):
            yield chunk.encode()
