"""Contacts whose last call has an unknown result, with everything known about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.lifecycle import DOUBTFUL_ATTEMPTS, AttemptStatus
from campaigns.reporting.csv_sheets import csv_cell
from dialer.plural import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCall:
    """One call whose result is unknown, or of which it is not known whether it was placed; see COLUMNS for the file.

    `contact_row` is the contact's line in the list, `external_id` our correlation id. `heard` says what receipts or
    polls showed, `why` the reason kept with the attempt.
    """

    campaign_id: str
    contact_row: int
    contact_masked: str
    external_id: UUID
    provider: str
    provider_call_id: str | None
    asked_at: datetime
    status: str  # unknown: final, its time is over; unconfirmed: it is still being settled
    heard: str
    why: str

    @property
    def briefly(self) -> str:
        """What is known, in a few words for a line of a table."""
        if self.status == AttemptStatus.UNCONFIRMED:
            return f"being settled; {self.heard}"
        return f"{'has a call id' if self.provider_call_id else 'no call id'}; {self.heard}"

    @property
    def known(self) -> str:
        """What is known, in one sentence for a person."""
        call_id = f"the provider has it as call {self.provider_call_id}" if self.provider_call_id else "no call id"
        return "; ".join(part for part in (self.why, call_id, self.heard) if part)


COLUMNS = (
    "campaign_id",
    "contact_row",
    "contact_masked",
    "external_id",
    "provider",
    "provider_call_id",
    "asked_at",
    "status",
    "known",
)


def unknown_calls(db: Connection, campaign_id: str) -> Iterator[UnknownCall]:
    """The contacts of a campaign whose latest attempt is unknown or unconfirmed, in the order of the list."""
    all_attempts = attempts.alias()
    latest = select(func.max(all_attempts.c.number)).where(all_attempts.c.contact_id == contacts.c.id).scalar_subquery()
    query = (
        select(attempts, contacts.c.line, contacts.c.phone)
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .where(
            attempts.c.campaign_id == campaign_id,
            attempts.c.status.in_(DOUBTFUL_ATTEMPTS),
            attempts.c.number == latest,
        )
        .order_by(contacts.c.line, contacts.c.id)
        .execution_options(yield_per=1000)
    )
    for rows in db.execute(query).partitions():
        words = _receipt_words(db, [row.id for row in rows])
        for row in rows:
            yield _unknown_call(row, words.get(row.id, []))


def unknown_lines(db: Connection, campaign_id: str) -> Iterator[list[str]]:
    """The same as cells of COLUMNS."""
    return map(unknown_line, unknown_calls(db, campaign_id))


def unknown_line(call: UnknownCall) -> list[str]:
    """A call as cells of COLUMNS."""
    return [csv_cell(getattr(call, column)) for column in COLUMNS]


def _receipt_words(db: Connection, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The provider's words in each attempt's receipts, in the order in which they were received."""
    words: dict[UUID, list[str]] = {}
    query = select(receipts.c.attempt_id, receipts.c.word).where(receipts.c.attempt_id.in_(ids))
    for row in db.execute(query.order_by(receipts.c.id)):
        words.setdefault(row.attempt_id, []).append(row.word)
    return words


def _unknown_call(row: Row[tuple[object, ...]], words: Sequence[str]) -> UnknownCall:
    return UnknownCall(
        campaign_id=row.campaign_id,
        contact_row=row.line,
        contact_masked=shown_number(row.phone),
        external_id=row.id,
        provider=row.provider,
        provider_call_id=row.provider_call_id,
        asked_at=row.dialing_at,
        status=row.status,
        heard=_heard(row, words),
        why=row.detail or "",
    )


def _heard(row: Row[tuple[object, ...]], words: Sequence[str]) -> str:
    if words:
        return "receipts: " + ", ".join(words)
    if row.seen:
        return f"seen in progress in {counted(row.looks, 'look')}"
    return f"not seen in {counted(row.looks, 'look')}" if row.looks else "nothing heard"
