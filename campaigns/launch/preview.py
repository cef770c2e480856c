"""A preview of one contact's call: the text, voice and length it would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.audience.audience import Audience
from campaigns.audience.rejects import Reject
from campaigns.audience.row_reader import ContactRow
from campaigns.definition.speech.speech_filters import SpokenValue
from campaigns.launch.checking.checks import open_audience
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.scripts import Speech


class NoSuchRow(DialerError):
    """No row of the list begins in that line, or the list has no row that can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One row of the list: the text as it will be spoken, or why there will be no call.

    `contact` is the masked number. `text` is None for a recording, and for a call that says nothing. `seconds` is an
    estimate of the message's length, `values` what the text's filters made of the row's values.
    """

    campaign: str
    line: int
    contact: str
    zone: str | None
    text: str | None = field(repr=False)
    voice: Mapping[str, str]
    seconds: float
    values: Sequence[SpokenValue] = field(default=(), repr=False)
    rejected: Reject | None = None

    @property
    def characters(self) -> int:
        """Length of the text; 0 when there is none."""
        return len(self.text or "")


def preview(path: Path, accounts: Mapping[str, AccountSettings], line: int | None = None) -> Preview:
    """The row in this line of the list, else the first contact. Raises NoSuchRow, and what `check` raises."""
    audience = open_audience(path, accounts)
    return _preview(row_at(audience, line), audience)


def row_at(audience: Audience, line: int | None) -> ContactRow | Reject:
    """The row that begins in this line of the list; the first contact when no line is named. Raises NoSuchRow."""
    last_line = 0
    for row in audience.rows():
        if row.line == line or (line is None and isinstance(row, ContactRow)):
            return row
        last_line = row.line
        if line is not None and last_line > line:
            break
    if audience.definition.contacts.standing:
        message = f"{audience.definition.campaign} is a standing campaign: it has no list, and so no row"
        raise NoSuchRow(
            message, f"start it, and append to it: dialer contact append {audience.definition.campaign} rows.csv"
        )
    if line is None:
        raise NoSuchRow(
            f"{audience.file}: no row can be called", f"see why with: dialer check {audience.definition.file}"
        )
    remedy = f"its last row is in line {last_line}; line 1 is the first of the file"
    raise NoSuchRow(f"{audience.file}: no row begins in line {line}", remedy)


def _preview(row: ContactRow | Reject, audience: Audience) -> Preview:
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
        values=row.spoken,
    )
