"""A ledger in PostgreSQL with millions of contacts, written by COPY: campaigns that are over, and one that goes on.

Each contact has three attempts and one receipt; a tenth of them waits for another try in the campaign that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import text

from campaigns.definition import Definition
from campaigns.ledger import tallies
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from tests.support.large_ledger import DEFINITION, NOW

IN_A_CAMPAIGN = 20_000
ATTEMPTS = 3
SUPPRESSED_EVERY = 1000  # contacts
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s) AND indexname NOT IN
  (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u'))
"""
TABLES = ["contacts", "attempts", "receipts"]
COLUMNS = {
    "campaigns": "id name account rehearsal status since definition zones contacts rejects created_at started_at "
    "finished_at",
    "contacts": "id campaign_id line phone phone_hash fields text zone status reason due_at attempts tries final_at",
    "attempts": "id contact_id campaign_id number account provider caller_id status verdict outcome provider_call_id "
    "counted scheduled_at dialing_at placed_at ended_at script_seconds looks longest_gap seen puzzled ended_by",
    "receipts": "account event_id attempt_id provider_call_id word received_at applied_at body",
    "suppressions": "phone reason source added_at",
}
DAY = timedelta(days=1)
Line = tuple[object, ...]


def fill(url: str, contacts: int) -> Ledger:
    """Fill an empty database; returns its ledger. Campaign `large-N` is the one that goes on, N the highest."""
    ledger = Ledger(url)
    upgrade(ledger)
    with ledger.engine.connect() as db:
        driver = cast(psycopg.Connection[Any], db.connection.driver_connection)
        driver.execute("SET session_replication_role = replica")  # no triggers, no look at foreign keys
        indexes = driver.execute(INDEXES, (TABLES,)).fetchall()
        for name, _ in indexes:
            driver.execute(f"DROP INDEX {name}")
        for table, lines in _tables(ledger, contacts).items():
            _copy(driver, table, lines)
        for _, definition in indexes:
            driver.execute(definition)
        driver.execute("SELECT setval('contacts_id_seq', (SELECT max(id) FROM contacts))")
        driver.execute("SET session_replication_role = DEFAULT")
        driver.commit()
    ledger.write(tallies.repair)
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE)"))
    return ledger


def _tables(ledger: Ledger, contacts: int) -> dict[str, Iterator[Line]]:
    last = max(1, contacts // IN_A_CAMPAIGN)
    names = range(1, contacts + 1)
    return {
        "campaigns": (_campaign(number, goes_on=number == last) for number in range(1, last + 1)),
        "contacts": (_contact(number, last, ledger.keyed_hash) for number in names),
        "attempts": chain.from_iterable(_attempts(number, last) for number in names),
        "receipts": (_receipt(number, last) for number in names),
        "suppressions": ((phone(n), "asked", "bench", NOW) for n in range(1, contacts, SUPPRESSED_EVERY)),
    }


def phone(number: int) -> str:
    """The number of the contact of this id. None is dialed."""
    return f"+1{2_000_000_000 + number}"


def attempt_id(number: int, place: int) -> UUID:
    """The id of a contact's attempt, spread as those of the dialer are."""
    return UUID(int=(number * ATTEMPTS + place) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))


def _campaign(number: int, *, goes_on: bool) -> Line:
    definition = Definition.model_validate(DEFINITION | {"campaign": f"large-{number}"}).model_dump_json()
    status, finished = ("running", None) if goes_on else ("finished", NOW)
    begun = NOW - DAY
    of = (f"large-{number}", f"large-{number}", "main", False, status, NOW, definition, '["UTC"]', IN_A_CAMPAIGN, 0)
    return (*of, begun, begun, finished)


def _place(number: int, last: int) -> tuple[str, bool]:
    """The campaign of a contact, and whether it waits for another try."""
    campaign = min(last, (number - 1) // IN_A_CAMPAIGN + 1)
    return f"large-{campaign}", campaign == last and number % 10 == 0


def _contact(number: int, last: int, keyed_hash: Callable[[str], str]) -> Line:
    campaign, waits = _place(number, last)
    own, reached = phone(number), number % 4 > 0
    status = "pending" if waits else "reached" if reached else "unreached"
    reason = None if waits else "answered" if reached else "busy after 3 attempts"
    of = (number, campaign, number % IN_A_CAMPAIGN + 2, own, keyed_hash(own), '{"name": "Ann"}', "Hello Ann", "UTC")
    return (*of, status, reason, NOW, ATTEMPTS, ATTEMPTS, None if waits else NOW)


def _attempts(number: int, last: int) -> Iterator[Line]:
    campaign, waits = _place(number, last)
    for place in range(ATTEMPTS):
        reached = place == ATTEMPTS - 1 and number % 4 > 0 and not waits
        at = NOW - DAY * (number % 90 + ATTEMPTS - place)
        of = (attempt_id(number, place), number, campaign, place + 1, "main", "callgear", "+18005550100", "ended")
        ended = ("placed", "answered" if reached else "busy", f"call-{number}-{place}", True, at, at, at, at)
        yield (*of, *ended, 6.0, 1, 1.0, True, False, "receipt")


def _receipt(number: int, last: int) -> Line:
    call = attempt_id(number, ATTEMPTS - 1)
    return ("main", f"event-{number}", call, f"call-{number}-{ATTEMPTS - 1}", "ended", NOW, NOW, "{}")


def _copy(driver: psycopg.Connection[Any], table: str, lines: Iterator[Line]) -> None:
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(COLUMNS[table].split())}) FROM STDIN") as copy,
    ):
        for line in lines:
            copy.write_row(line)
