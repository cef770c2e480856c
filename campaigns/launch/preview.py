"""What one contact of a list would hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.audience.audience import Audience
from campaigns.audience.rejects import Reject
from campaigns.audience.row_reader import ContactRow
from campaigns.launch.checks import open_audience
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.scripts import Speech


class NoSuchRow(DialerError):
    """The list has no contact in that line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One row: the contact and the text as it will be spoken, or why there will be no call.

    `text` is None for a recording, and for a call that says nothing. `seconds` are an estimate.
    """

    campaign: str
    line: int
    contact: str
    zone: str | None
    text: str | None = field(repr=False)
    voice: Mapping[str, str]
    seconds: float
    rejected: Reject | None = None

    @property
    def characters(self) -> int:
        return len(self.text or "")


def preview(path: Path, accounts: Mapping[str, AccountSettings], line: int | None = None) -> Preview:
    """Read the list up to the row in this line, else to the first contact. Raises NoSuchRow, and as `check` does."""
    audience = open_audience(path, accounts)
    return _of(row_at(audience, line), audience)


def row_at(audience: Audience, line: int | None) -> ContactRow | Reject:
    """The row that begins in this line of the list; the first contact when no line is named. Raises NoSuchRow."""
    last = 0
    for row in audience.rows():
        if row.line == line or (line is None and isinstance(row, ContactRow)):
            return row
        last = row.line
        if line is not None and last > line:
            break
    if line is None:
        raise NoSuchRow(
            f"{audience.file}: no row can be called", f"see why with: dialer check {audience.definition.file}"
        )
    there = f"its last row is in line {last}; line 1 is the first of the file"
    raise NoSuchRow(f"{audience.file}: no row begins in line {line}", there)


def _of(row: ContactRow | Reject, audience: Audience) -> Preview:
    definition = audience.definition
    if isinstance(row, Reject):
        return Preview(
            campaign=definition.campaign,
            line=row.line,
            contact="",
            zone=None,
            text=None,
            voice={},
            seconds=0,
            rejected=row,
        )
    script = definition.script(row.text, row.voice)
    return Preview(
        campaign=definition.campaign,
        line=row.line,
        contact=row.phone.masked,
        zone=row.zone,
        text=row.text,
        voice=script.voice if isinstance(script, Speech) else {},
        seconds=script.seconds,
    )
