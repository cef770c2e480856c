"""The rows of a draft's list that will not be called, read from the file of its last check."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from campaigns.audience.rejects import NOT_BLOCKING, OWN_COLUMNS
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger

LINE, COLUMN, CODE, REASON, SUGGESTION = OWN_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that is not called: where it is at fault, what stands there, why that is no good, what to write instead.

    `left_out` when it is not called as the campaign asks, so that nothing has to be corrected.
    """

    line: int
    column: str
    value: str = field(repr=False)
    reason: str
    suggestion: str
    left_out: bool


def first_rejected(draft: FileDraft, most: int) -> list[RejectedRow]:
    """The first rows that the last check rejected, in the order of the list; none where it rejected none."""
    try:
        with draft.rejects_file.open(encoding="utf-8-sig", newline="") as stream:
            return list(islice(_rows(csv.reader(stream)), most))
    except FileNotFoundError:
        return []


def rejects_to_download(ledger: Ledger, draft: FileDraft, *, who: str, now: datetime) -> Path | None:
    """The file of all rejected rows, whole; the audit says who has taken it. None where there is none."""
    if not draft.rejects_file.is_file():
        return None
    ledger.write(write_audit, now, who=who, event="rejects downloaded", detail=draft.id)
    return draft.rejects_file


def _rows(lines: Iterator[list[str]]) -> Iterator[RejectedRow]:
    header = next(lines)
    own = len(header) - len(OWN_COLUMNS)
    names = [name.strip() for name in header[:own]]
    for cells in lines:
        line, column, code, reason, suggestion = cells[own : own + len(OWN_COLUMNS)]
        value = cells[names.index(column.strip())] if column.strip() in names else ""
        left_out = code in NOT_BLOCKING
        yield RejectedRow(
            line=int(line), column=column, value=value, reason=reason, suggestion=suggestion, left_out=left_out
        )
