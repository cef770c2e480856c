"""The sheets of a report as downloads."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from fastapi.responses import StreamingResponse

from campaigns.ledger.store import Ledger
from campaigns.reporting.joint.chosen_campaigns import Choice
from campaigns.reporting.joint.report_sheets import Sheet, write_sheet, write_xlsx

CHUNK = 64 << 10
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def sheet_download(
    ledger: Ledger, choice: Choice, sheet: Sheet, file_name: str | None = None, *, numbers: bool = False
) -> StreamingResponse:
    """One sheet as CSV; browsers keep it under this name. Raises NoSuchCampaign. `numbers`: whole ones in the list."""

    def write(file: IO[bytes]) -> None:
        stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
        write_sheet(ledger, choice, sheet, stream, numbers=numbers)
        stream.detach()

    return _download(write, CSV, file_name)


def workbook_download(
    ledger: Ledger, choice: Choice, sheets: Sequence[Sheet], file_name: str | None = None, *, numbers: bool = False
) -> StreamingResponse:
    """Sheets as one workbook; browsers keep it under this name. Raises NoSuchCampaign."""
    return _download(lambda file: write_xlsx(ledger, choice, sheets, file, numbers=numbers), XLSX, file_name)


def _download(write: Callable[[IO[bytes]], None], media_type: str, file_name: str | None) -> StreamingResponse:
    """What is written, once it is: a slow reader does not keep the ledger waiting."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        write(file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else None
    return StreamingResponse(_chunks(file), media_type=media_type, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
