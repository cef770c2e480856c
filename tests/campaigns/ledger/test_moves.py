"""Moves of many rows lock them in the order of their ids, so that two of them never wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection, Table, select, text, update

from campaigns.ledger.moves import move_attempts, move_contacts
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus
from tests.support.lock_waits import until_it_waits
from tests.support.seeding import dialing, numbers


def _attempts(db: Connection, ids: list, now: datetime) -> int:
    return move_attempts(db, AttemptStatus.UNCONFIRMED, {attempt_id: {"answered_at": now} for attempt_id in ids})


def _contacts(db: Connection, ids: list, _now: datetime) -> int:
    return move_contacts(db, ContactStatus.PENDING, ids, claim=None, lease_until=None)


@pytest.mark.postgres
@pytest.mark.parametrize("ledger", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("table", "move"), [(attempts, _attempts), (contacts, _contacts)])
def test_who_waits_for_the_first_row_has_none_of_the_later_ones(
    ledger: Ledger, clock, table: Table, move: Callable[[Connection, list, datetime], int]
):
    dialing(ledger, numbers(6), now=clock())
    with ledger.reading() as db:
        ids = sorted(db.scalars(select(table.c.id)))
    for row_id in reversed(ids):  # a row is written anew behind the others: now they lie in the opposite order
        with ledger.writing() as db:
            db.execute(update(table).where(table.c.id == row_id).values(id=row_id))

    def as_the_rows_lie() -> None:
        with ledger.writing() as db:
            for plan in ("nestloop", "indexscan", "bitmapscan"):
                db.execute(text(f"SET LOCAL enable_{plan} = off"))
            assert move(db, ids, clock()) == len(ids)

    with ledger.writing() as first:
        first.execute(select(table.c.id).where(table.c.id == ids[0]).with_for_update())
        mover = threading.Thread(target=as_the_rows_lie)
        mover.start()
        until_it_waits(ledger, mover)
        with ledger.writing() as db:
            free = db.scalars(select(table.c.id).with_for_update(skip_locked=True)).all()
    mover.join()
    assert sorted(free) == ids[1:]
