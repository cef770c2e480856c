"""Pages of contacts are read where they stand in an index, however many contacts lie before them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, event

from campaigns.ledger.store import Ledger
from campaigns.lifecycle import ContactStatus
from campaigns.reporting import listings
from campaigns.reporting.overview import contact_search as search
from tests.support.seeding import numbers, seed

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
PENDING = ContactStatus.PENDING
Read = Callable[[Connection, str], Any]


def plans_of(ledger: Ledger, campaign_id: str, read: Read) -> list[str]:
    """How SQLite carries out each statement on contacts."""
    ran: list[tuple[str, Any]] = []

    def keep(_db: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        ran.append((statement, parameters))

    with ledger.reading() as db:
        event.listen(ledger.engine, "before_cursor_execute", keep)
        read(db, campaign_id)
        event.remove(ledger.engine, "before_cursor_execute", keep)
        return [
            " ".join(
                " ".join(map(str, row)) for row in db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
            )
            for statement, parameters in ran
            if "FROM contacts" in statement
        ]


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda db, id_: search.page_of_contacts(db, id_, limit=5), "ix_contacts_campaign_id_status_due_at_id"),
        (
            lambda db, id_: search.page_of_contacts(db, id_, limit=5, status=PENDING, after=(PENDING, NOW, 7)),
            "ix_contacts_campaign_id_status_due_at_id",
        ),
        (lambda db, _id: search.contacts_ending_with(db, "0134"), "ix_contacts_ending"),
        (lambda db, id_: search.contacts_with_key(db, "A-1", id_), "uq_contacts_key"),
        (lambda db, _id: search.contacts_with_number(db, ["+14155550134"]), "uq_contacts_phone_campaign_id_key"),
        (lambda db, id_: listings.contacts_after(db, id_, limit=5), "ix_contacts_campaign_id_id"),
        (lambda db, id_: listings.contacts_after(db, id_, limit=5, after=7), "ix_contacts_campaign_id_id"),
        (lambda db, id_: listings.contacts_after(db, id_, limit=5, key="A-1"), "uq_contacts_key"),
        (
            lambda db, id_: listings.contacts_after(db, id_, limit=5, phones=["+14155550134"]),
            "uq_contacts_phone_campaign_id_key",
        ),
    ],
)
def test_each_search_has_its_index(ledger: Ledger, read: Read, index: str) -> None:
    if not ledger.has_one_writer:
        pytest.skip("PostgreSQL chooses by its statistics, which a table of a test has none of")
    campaign_id = seed(ledger, numbers(30), now=NOW)
    plans = plans_of(ledger, campaign_id, read)
    assert plans
    for plan in plans:
        assert index in plan or "sqlite_autoindex_contacts" in plan, plan
        if "campaign_id_status" in index:
            assert "TEMP B-TREE" not in plan, plan
