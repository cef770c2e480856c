"""Many contacts are written at once: each with its own values, under the same constraints as one."""

from __future__ import annotations

import gc
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, event, func, select, update
from sqlalchemy.exc import IntegrityError

from campaigns.ledger import bulk, claims
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import DraftGone, NewContact
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from tests.support.ledger_copies import migrated
from tests.support.lock_waits import until_it_waits
from tests.support.seeding import definition, numbers

MANY = 2 * bulk.ROWS_A_STATEMENT + 3
TEXTS = (
    "",
    "O'Hara",
    'say "no"',
    "a\\b\\N",
    "tab\there",
    "two\r\nlines",
    "Zoë ☎ 𝄞",
    "\u2028\x7f\x1b",
    "{}, [%s] ? :x ?1",
)


@pytest.fixture
def draft(ledger, clock) -> str:
    return ledger.write(
        drafts.create_draft, name="many", account="main", definition_text=definition().model_dump_json(), now=clock()
    )


def add(ledger: Ledger, draft: str, rows: list[NewContact], now: datetime) -> None:
    ledger.write(drafts.add_contacts, draft, rows, keyed_hash=ledger.keyed_hash, now=now)


def values(ledger: Ledger, rows: list[NewContact], now: datetime) -> list[drafts.ContactValues]:
    return list(map(drafts.values_of(ledger, definition(), now), map(drafts.as_written, rows)))


def people(count: int) -> list[NewContact]:
    moment = datetime(2026, 12, 31, 9, 30, 0, 250_000, tzinfo=UTC)
    return [
        NewContact(
            line=line,
            phone=phone,
            fields={f"name {text}": text, "number": str(line)},
            text=text or None,
            zone="Europe/Paris",
            not_after=moment if line % 2 else None,
            consent=text or None,
            voice={"voice": text} if line % 3 else None,
        )
        for line, phone in enumerate(numbers(count), 2)
        for text in [TEXTS[line % len(TEXTS)]]
    ]


def test_every_contact_has_its_own_values(ledger, draft, clock):
    written = people(MANY)
    add(ledger, draft, written, clock())
    with ledger.reading() as db:
        rows = db.execute(select(contacts).order_by(contacts.c.id)).all()
    assert [NewContact(**{name: getattr(row, name) for name in NewContact._fields}) for row in rows] == written
    assert {(row.campaign_id, row.status, row.due_at, row.attempts, row.tries) for row in rows} == {
        (draft, "pending", clock(), 0, 0)
    }
    assert [row.phone_hash for row in rows] == [ledger.keyed_hash(row.phone) for row in rows]


@pytest.mark.parametrize("text", TEXTS)
def test_fields_are_written_as_json_dumps_writes_them(text):
    fields = {"name": text, text: "x"}
    (_, _, _, as_json, *_) = drafts.as_written(NewContact(2, "+14155550100", fields, None, "UTC", None))
    assert as_json == json.dumps(fields)


@pytest.mark.parametrize("count", [1, 2, bulk.ROWS_A_STATEMENT + 1, MANY])
@pytest.mark.parametrize("wrong", [{"status": "waiting"}, {"status": "claimed"}, {"status": "reached"}])
def test_rows_that_a_check_forbids_are_refused_however_many_they_are(ledger, draft, clock, count, wrong):
    rows = values(ledger, people(count), clock())
    due = drafts._moments(ledger.engine.dialect)(clock())
    equal = {"campaign_id": draft, "due_at": due, "attempts": 0, "tries": 0, **wrong}
    with pytest.raises(IntegrityError), ledger.writing() as db:
        bulk.insert_rows(db, contacts, equal, drafts.COLUMNS, rows)
    assert counted(ledger) == 0


def test_the_checks_concern_only_what_is_equal_in_all_rows():
    """SQLite asks them of the first row; what differs must be no part of them."""
    checks = [str(check.sqltext) for check in contacts.constraints if isinstance(check, CheckConstraint)]
    assert checks
    assert not [name for name in drafts.COLUMNS for check in checks if re.search(rf"\b{name}\b", check)]


@pytest.mark.parametrize("place", [1, bulk.ROWS_A_STATEMENT - 1, MANY - 1])
def test_a_number_that_comes_twice_is_refused_with_all_rows(ledger, draft, clock, place):
    rows = people(MANY)
    rows[place] = rows[place]._replace(phone=rows[0].phone)
    with pytest.raises(IntegrityError):
        add(ledger, draft, rows, clock())
    assert counted(ledger) == 0


@pytest.mark.parametrize("twice", [False, True], ids=["written", "refused"])
def test_the_store_checks_again_whatever_became_of_the_rows(ledger, draft, clock, twice):
    rows = people(MANY)
    with ledger.writing() as db:
        db.execute(select(1))  # the one connection that is used below
    if twice:
        with pytest.raises(IntegrityError):
            add(ledger, draft, [*rows, rows[0]], clock())
    add(ledger, draft, rows, clock())
    for wrong in ({"status": "waiting"}, {"status": "claimed"}, {"status": "reached"}):
        with pytest.raises(IntegrityError), ledger.writing() as db:
            db.execute(update(contacts).values(**wrong))


def test_a_draft_s_connection_asks_the_checks_of_one_row_and_again_where_what_is_equal_differs(ledger, draft, clock):
    rows, due = values(ledger, people(30), clock()), drafts._moments(ledger.engine.dialect)(clock())
    with ledger.drafting() as connection:
        for part in (rows[:10], rows[10:20]):
            connection.write(drafts.add_rows, draft, part, clock())
        for wrong in ("waiting", "claimed", "reached"):
            equal = {"campaign_id": draft, "status": wrong, "due_at": due, "attempts": 0, "tries": 0}
            with pytest.raises(IntegrityError):
                connection.write(bulk.insert_rows, contacts, equal, drafts.COLUMNS, rows[20:])
        with pytest.raises(IntegrityError):
            connection.write(drafts.add_rows, draft, [*rows[20:], rows[0]], clock())
        connection.write(drafts.add_rows, draft, rows[20:], clock())
    assert counted(ledger) == len(rows)
    for wrong in ("waiting", "claimed", "reached"):
        with pytest.raises(IntegrityError), ledger.writing() as db:
            db.execute(update(contacts).values(status=wrong))


def test_what_waits_to_be_written_is_nothing_that_the_garbage_collector_looks_through(ledger, clock):
    rows = values(ledger, people(10), clock())
    gc.collect()
    assert not any(map(gc.is_tracked, rows))


@pytest.mark.parametrize(
    ("rows", "even"),
    [
        (1, 1),
        (9, 9),
        (19, 19),
        (99, 99),
        (100, 100),
        (109, 100),
        (999, 990),
        (1099, 1000),
        (2500, 2500),
        (12_345, 12_000),
    ],
)
def test_rows_of_an_even_number_take_few_statements(rows, even):
    assert bulk.even_size(rows) == even
    assert len(list(bulk._parts(range(even)))) <= 18


def test_a_contact_of_no_campaign_is_refused(ledger, clock):
    with pytest.raises(DraftGone):
        add(ledger, "nobody-1", people(1), clock())
    assert counted(ledger) == 0


def counted(ledger: Ledger) -> int:
    with ledger.reading() as db:
        return db.scalar(select(func.count()).select_from(contacts)) or 0


# The indexes


@pytest.fixture
def sqlite_ledger(tmp_path) -> Iterator[Ledger]:
    ledger = Ledger(migrated(tmp_path / "ledger.sqlite3"))
    yield ledger
    ledger.close()


def plans(ledger: Ledger, function: Any, *args: Any, **named: Any) -> str:
    """How SQLite looks for the rows of the statements that a function makes."""
    seen: list[tuple[str, Any]] = []

    def note(_conn, _cursor, statement, parameters, _context, _many):
        seen.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", note)
    ledger.write(function, *args, **named)
    event.remove(ledger.engine, "before_cursor_execute", note)
    with ledger.reading() as db:
        return "\n".join(
            row.detail
            for statement, parameters in seen
            for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        )


@pytest.mark.slow
def test_numbers_and_claims_are_found_without_reading_every_contact(sqlite_ledger, clock):
    from uuid import UUID

    from campaigns.ledger.numbers import erasures

    now = clock()
    stale = plans(sqlite_ledger, claims.give_back_stale, now)
    held = plans(sqlite_ledger, claims.give_back, UUID(int=1), [])
    called = plans(sqlite_ledger, drafts.called_by_another, "many", ["+14155550100"])
    erased = plans(sqlite_ledger, erasures.lock_rows_of, ["+14155550100"])
    assert "USING INDEX ix_contacts_lease_until" in stale
    assert "USING INDEX ix_contacts_claim (claim=?" in held
    assert "(phone=?" in called
    assert "(phone=?" in erased
    for plan in (stale, held, called, erased):
        assert not re.search(r"SCAN contacts$", plan, re.MULTILINE), plan


def test_no_contact_is_left_without_its_campaign(ledger, draft, clock):
    """No foreign key holds it: who adds contacts and who removes a campaign wait for each other."""
    rows = values(ledger, people(3), clock())
    with ledger.writing() as db:
        drafts.add_rows(db, draft, rows, clock())
        removal = threading.Thread(target=drafts.discard, args=(ledger, draft, clock()))
        removal.start()
        until_it_waits(ledger, removal)
    removal.join()
    assert counted(ledger) == 0
    with pytest.raises(DraftGone):
        ledger.write(drafts.add_rows, draft, rows, clock())
    assert counted(ledger) == 0


def test_no_contact_is_added_to_a_campaign_that_is_being_removed(ledger, draft, clock):
    rows = values(ledger, people(3), clock())
    with ThreadPoolExecutor(1) as thread:
        with ledger.writing() as db:
            assert drafts.discard_draft(db, draft, clock())
            adding = thread.submit(ledger.write, drafts.add_rows, draft, rows, clock())
            with suppress(TimeoutError):
                adding.exception(timeout=0.2)  # it waits
        assert isinstance(adding.exception(), DraftGone)
    assert counted(ledger) == 0


def test_a_draft_that_was_removed_in_part_is_not_started(ledger, draft, clock, monkeypatch):
    """Its number of contacts is kept with it: a million are not counted while nobody else may write."""
    monkeypatch.setattr(drafts, "DISCARDED_AT_ONCE", 2)
    add(ledger, draft, people(5), clock())
    facts = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "who": "ann", "now": clock()}
    assert not ledger.write(drafts.discard_draft, draft, clock())
    with pytest.raises(DraftGone, match="has 3 of its 5 contacts"):
        ledger.write(drafts.start, draft, admitted=5, **facts)
    assert counted(ledger) == 3
    ledger.write(drafts.start, draft, admitted=3, **facts)
