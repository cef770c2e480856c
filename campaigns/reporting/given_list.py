"""Lists of campaigns as they were given: every row and column, and beside each row what became of it."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, text

from campaigns.audience.rejects import NOT_BLOCKING
from campaigns.definition.column_names import comparable, template_name
from campaigns.ledger.lists.rejected_rows import rejected_rows_of
from campaigns.ledger.numbers.erasures import ERASED
from campaigns.ledger.queries import Campaign, list_columns_of
from campaigns.ledger.store import HASHED
from campaigns.ledger.tables import attempts, contacts, erasures
from campaigns.lifecycle import FOLLOW_UP_CONTACTS, ContactStatus
from campaigns.reporting.csv_sheets import csv_cell
from campaigns.reporting.glossary import plain
from dialer.calls import REACHED
from dialer.phone import mask_written

CAMPAIGN = "_campaign"
RESULT_COLUMNS = ("_status", "_reason", "_attempts", "_reached_at", "_response")
FOLLOW_UP_COLUMNS = ("_line", "_status", "_reason")
REJECTED, LEFT_OUT = "rejected", "left_out"  # the status of a row that became no contact
ALL_BUT_TWO_DIGITS = re.compile(r"\d(?=(?:\D*\d){2})")
READ_AT_ONCE = 500
FIELD_NAMES = {  # of contacts whose row is not in the list as it was given, those of the first contact first
    "sqlite": "json_each(contacts.fields) AS field",
    "postgresql": "json_object_keys(contacts.fields) WITH ORDINALITY AS field(key, id)",
}
plain_reason = lru_cache(maxsize=1024)(plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ListColumns:
    """The columns of one list: their names, the names of their values among a contact's fields, and which hold numbers.

    `places` are those of its columns in the table of all lists.
    """

    campaign: Campaign
    names: Sequence[str]
    fields: Sequence[str | None]
    phones: Sequence[int]
    places: Sequence[int] = ()

    @classmethod
    def of(cls, db: Connection, campaign: Campaign) -> _ListColumns:
        """Those that were given, then those that only rows have which came later."""
        wanted = campaign.definition.contacts
        columns = list_columns_of(db, campaign.id) or [(wanted.phone[0], None)]
        known = {field for _, field in columns} | {template_name(name) for name, _ in columns} | set(wanted.columns)
        columns += [(name, name) for name in _later_fields(db, campaign.id) if name not in known]
        numbers = set(map(comparable, wanted.phone))
        return cls(
            campaign=campaign,
            names=[name for name, _ in columns],
            fields=[field for _, field in columns],
            phones=[index for index, (name, _) in enumerate(columns) if comparable(name) in numbers],
        )

    def cells(self, row: Row[Any]) -> list[str]:
        """The cells of a contact's row, as they were given; of one that came later or was changed, as it is now."""
        fields = row.fields
        cells = [str(fields.get(field, "")) if field is not None else "" for field in self.fields]
        if row.is_erased or row.phone.startswith(HASHED):
            cells[self.phones[0]] = ERASED
        elif row.given is None:
            cells[self.phones[0]] = row.phone
        else:
            for index, cell in row.given.items():
                cells[int(index)] = cell
        return cells


class GivenLists:
    """The lists of some campaigns as one table: the rows of each in the order of its list.

    `columns` are those of the lists, then what became of a row; with several campaigns also whose row it is.
    `numbers`: as they were given, else masked. `follow_up`: only those who were not reached, for people to call them.
    """

    def __init__(
        self, db: Connection, campaigns: Sequence[Campaign], *, numbers: bool, follow_up: bool = False
    ) -> None:
        self._db, self._numbers, self._follow_up = db, numbers, follow_up
        places: dict[tuple[str, int], int] = {}
        self._lists = [_placed(_ListColumns.of(db, campaign), places) for campaign in campaigns]
        self._width = len(places)
        results = FOLLOW_UP_COLUMNS if follow_up else RESULT_COLUMNS
        self._results = (CAMPAIGN, *results) if len(campaigns) > 1 else results
        self.columns = (*(name for name, _ in places), *self._results)

    def lines(self) -> Iterator[list[str]]:
        """The cells of every row, safe to open in a spreadsheet. A few rows are in memory at a time."""
        for given in self._lists:
            streams = [self._contacts(given)] if self._follow_up else [self._contacts(given), self._rejected(given)]
            for _, line in heapq.merge(*streams, key=itemgetter(0)):
                yield line

    def _contacts(self, given: _ListColumns) -> Iterator[tuple[int, list[str]]]:
        for row in _rows(self._db, given.campaign.id, follow_up=self._follow_up):
            facts = {
                "_line": row.line,
                "_status": row.status,
                "_reason": self._text(plain_reason(row.reason or "")),
                "_attempts": row.attempts,
                "_reached_at": row.reached_at or (row.final_at if row.status == ContactStatus.REACHED else None),
                "_response": row.response,
            }
            yield row.line, self._line(given, given.cells(row), facts)

    def _rejected(self, given: _ListColumns) -> Iterator[tuple[int, list[str]]]:
        query = rejected_rows_of(given.campaign.id).execution_options(yield_per=READ_AT_ONCE)
        for row in self._db.execute(query):
            status = LEFT_OUT if row.code in NOT_BLOCKING else REJECTED
            facts = {"_status": status, "_reason": self._text(row.reason), "_attempts": 0}
            cells = [*(row.cells or ()), *[""] * len(given.names)]
            yield row.line, self._line(given, cells[: len(given.names)], facts)

    def _line(self, given: _ListColumns, cells: list[str], facts: Mapping[str, object]) -> list[str]:
        shown = cells if self._numbers else _masked(cells, given.phones)
        line = [""] * self._width
        for place, cell in zip(given.places, shown, strict=True):
            line[place] = csv_cell(cell)
        own = {**facts, CAMPAIGN: given.campaign.id}
        return [*line, *(csv_cell(own.get(name)) for name in self._results)]

    def _text(self, reason: str) -> str:
        return reason if self._numbers else mask_written(reason)


def _placed(given: _ListColumns, places: dict[tuple[str, int], int]) -> _ListColumns:
    """The columns with their places in the table of all lists: those of one name stand below each other."""
    seen: dict[str, int] = {}
    own: list[int] = []
    for name in given.names:
        seen[name] = seen.get(name, 0) + 1
        own.append(places.setdefault((name, seen[name]), len(places)))
    return replace(given, places=own)


def _masked(cells: Sequence[str], phones: Collection[int]) -> list[str]:
    """With all that may be a number masked; of a number's own column, whatever is written there."""
    shown = [mask_written(cell) for cell in cells]
    for index in phones:
        shown[index] = ALL_BUT_TWO_DIGITS.sub("*", cells[index])
    return shown


def _rows(db: Connection, campaign_id: str, *, follow_up: bool) -> Iterable[Row[Any]]:
    own = ("line", "phone", "fields", "given", "status", "reason", "attempts", "response", "final_at")
    answered = (attempts.c.contact_id == contacts.c.id, attempts.c.outcome.in_(REACHED))
    reached_at = select(func.max(attempts.c.answered_at)).where(*answered).correlate(contacts).scalar_subquery()
    is_erased = contacts.c.id.in_(select(erasures.c.contact_id))  # once its call has ended
    query = select(
        *(contacts.c[name] for name in own), reached_at.label("reached_at"), is_erased.label("is_erased")
    ).where(contacts.c.campaign_id == campaign_id)
    if follow_up:
        query = query.where(_to_follow_up())
    ordered = query.order_by(contacts.c.line, contacts.c.id)
    return db.execute(ordered.execution_options(yield_per=READ_AT_ONCE))


def _to_follow_up() -> ColumnElement[bool]:
    return and_(
        contacts.c.status.in_(FOLLOW_UP_CONTACTS),
        contacts.c.phone.startswith("+"),  # erased contacts have a hash here
        contacts.c.id.not_in(select(erasures.c.contact_id)),
    )


def _later_fields(db: Connection, campaign_id: str) -> list[str]:
    query = (
        f"SELECT field.key FROM contacts, {FIELD_NAMES[db.dialect.name]} "  # noqa: S608  # our own words
        "WHERE contacts.campaign_id = :campaign AND contacts.given IS NULL "
        "GROUP BY field.key ORDER BY min(contacts.id), min(field.id)"
    )
    return list(db.scalars(text(query), {"campaign": campaign_id}))
