"""Rejected rows: what is wrong with each, as a caller may see it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from campaigns.audience.rejects import Reject
from console.api.campaigns import shown_text
from console.server.auth import Caller


class RejectedRow(BaseModel):
    """A row that is not called."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    column: str = Field(description="Blank: the row as a whole.")
    code: str
    reason: str
    suggestion: str


def rejected_row(reject: Reject, caller: Caller) -> RejectedRow:
    """A reject as this caller may see it."""
    row = RejectedRow.model_validate(reject)
    row.reason, row.suggestion = shown_text(row.reason, caller), shown_text(row.suggestion, caller)
    return row
