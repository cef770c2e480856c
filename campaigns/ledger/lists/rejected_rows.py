"""Rows of a campaign's list that became no contact: kept for its reports, and emptied as contacts are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from campaigns.ledger import bulk
from campaigns.ledger.lists.drafts import refuse_unless_draft
from campaigns.ledger.moves import row_count
from campaigns.ledger.numbers.erasures import ERASED, overwrite_deleted
from campaigns.ledger.tables import rejected_rows
from dialer.phone import PhoneNumber, mentions

COLUMNS = ("line", "code", "reason", "cells")


def add_rejected_rows(db: Connection, campaign_id: str, rows: Sequence[Sequence[Any]], created_at: datetime) -> None:
    """Keep rows of a draft's list, their values in the order of COLUMNS. Raises DraftGone when it is no draft."""
    refuse_unless_draft(db, campaign_id, created_at)
    written = [(line, code, reason, None if cells is None else json.dumps(cells)) for line, code, reason, cells in rows]
    bulk.insert_rows(db, rejected_rows, {"campaign_id": campaign_id}, COLUMNS, written)


def rejected_rows_of(campaign_id: str) -> Select[Any]:
    """The rows of a campaign, in the order of its list."""
    return select(rejected_rows).where(_of(campaign_id)).order_by(rejected_rows.c.line, rejected_rows.c.id)


def rejected_by_code(db: Connection, campaign_id: str) -> dict[str, int]:
    """How many rows of a campaign there are for each code."""
    by_code = (
        select(rejected_rows.c.code, func.count().label("number"))
        .where(_of(campaign_id))
        .group_by(rejected_rows.c.code)
    )
    return {row.code: row.number for row in db.execute(by_code)}


def last_rejected_line(db: Connection, campaign_id: str) -> int:
    """The line of the last of a campaign's rows; 0 where it has none."""
    return db.scalar(select(func.max(rejected_rows.c.line)).where(_of(campaign_id))) or 0


def rejected_rows_with(db: Connection, number: PhoneNumber) -> Iterator[Row[Any]]:
    """The rows of all campaigns in which a cell contains this number, however it is written."""
    rows = db.execute(select(rejected_rows).where(_is_full()).execution_options(yield_per=1000))
    return (row for row in rows if any(mentions(cell, number) for cell in row.cells))


def full_rejected_rows(db: Connection, campaign_id: str, limit: int) -> list[int]:
    """The next rows of a campaign that are not emptied."""
    query = select(rejected_rows.c.id).where(_of(campaign_id), _is_full()).order_by(rejected_rows.c.line)
    return list(db.scalars(query.limit(limit)))


def empty_rejected_rows(db: Connection, ids: Sequence[int]) -> int:
    """Empty these rows, but for their line and what was wrong with them; returns how many."""
    overwrite_deleted(db)
    emptied = update(rejected_rows).where(rejected_rows.c.id.in_(ids)).values(cells=None, reason=ERASED)
    return row_count(db, emptied)


def _of(campaign_id: str) -> ColumnElement[bool]:
    return rejected_rows.c.campaign_id == campaign_id


def _is_full() -> ColumnElement[bool]:
    return rejected_rows.c.cells.is_not(None)
