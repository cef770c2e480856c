"""Campaign files and lists as people write them, for tests to read."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook

from campaigns.audience.audience import Audience, open_list, read_audience
from campaigns.audience.rows.row_texts import CheckScript
from campaigns.definition import Definition

GOOD = "+14155550101"

FULL = """\
campaign: appointments
account: main
contacts:
  file: appointments.csv
  phone: phone
  country: us
  zone: timezone
  not_after: appointment_at
message:
  tts: "Hello {{ name }}"
  voice: {language: en-US, voice: AriaNeural, gender: female}
caller_id: "+18005550100"
ring_timeout: 25
dtmf: "..1"
direction: out
schedule:
  zone: America/New_York
  windows: {mon-fri: ["09:00-12:30", "13:00-20:00"], sat: "10:00-14:00"}
  start: 2026-12-01T09:00
  end: 2026-12-05T20:00
retry:
  max_attempts: 3
  busy: [5m, 15m]
  no_answer: [30m, 2h]
  rejected: []
  failed: 1m
pace: 2.5
concurrency: 20
on_unknown: redial
"""
SMALL = """\
campaign: first
account: main
contacts:
  file: first.csv
message:
  tts: "Hello"
caller_id: "+18005550100"
"""


def workbook(rows: Iterable[Sequence[object]]) -> bytes:
    """A list as a spreadsheet keeps it (XLSX)."""
    book = Workbook()
    for line, row in enumerate(rows, start=1):
        for place, value in enumerate(row, start=1):
            cell = book.active.cell(line, place, value)
            if cell.data_type == "f":
                cell.data_type = "s"  # text that begins with =, and no formula
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def read_list(
    folder: Path,
    text: str | bytes,
    *,
    name: str = "contacts.csv",
    check_script: CheckScript | None = None,
    message: dict[str, object] | None = None,
    schedule: dict[str, object] | None = None,
    callback_data: str | None = None,
    **contacts: object,
) -> Audience:
    """Read a list, given as it would stand in its file, under a definition with these sections."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    definition = Definition.model_validate(
        {
            "campaign": "test",
            "account": "main",
            "contacts": {"file": "contacts.csv", **contacts},
            "message": message or {"tts": "Hello"},
            "caller_id": "+18005550100",
            "schedule": schedule or {},
            "callback_data": callback_data,
        }
    )
    return read_audience(definition, open_list(definition, folder), check_script=check_script)
