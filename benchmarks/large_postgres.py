"""A ledger in PostgreSQL with millions of contacts, written by COPY: campaigns that are over, and one that goes on.

Each contact has three attempts and one receipt; a tenth of them waits for another try in the campaign that goes on.
Tables are filled without keys and indexes, and frozen: `SETTINGS` let the server write nothing ahead meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, islice
from typing import Any, cast

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
LINES_AT_ONCE = 2000
SETTINGS = (
    *("-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=8GB"),
    *("-c", "shared_buffers=2GB", "-c", "maintenance_work_mem=512MB"),
)
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s) AND indexname NOT IN
  (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u'))
"""
KEYS = """
SELECT conrelid::regclass::text, conname,
  pg_get_constraintdef(oid) || CASE contype WHEN 'f' THEN ' NOT VALID' ELSE '' END
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[]))
ORDER BY contype <> 'f'
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
MOMENTS = [str(NOW - DAY * days) for days in range(90 + ATTEMPTS + 1)]


def fill(url: str, contacts: int) -> Ledger:
    """Fill an empty database; returns its ledger. Campaign `large-N` is the one that goes on, N the highest."""
    ledger = Ledger(url)
    upgrade(ledger)
    with ledger.engine.connect() as db:
        _fill(cast(psycopg.Connection[Any], db.connection.driver_connection), _tables(ledger, contacts))
    ledger.write(tallies.repair)
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM (ANALYZE)"))
    return ledger


def _fill(driver: psycopg.Connection[Any], tables: dict[str, Iterator[str]]) -> None:
    driver.execute("SET session_replication_role = replica")  # no triggers, no look at foreign keys
    indexes = driver.execute(INDEXES, (TABLES,)).fetchall()
    keys = driver.execute(KEYS, {"tables": TABLES}).fetchall()
    for table, name, _ in keys:
        driver.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        driver.execute(f"DROP INDEX {name}")
    driver.execute(f"TRUNCATE {', '.join(TABLES)}")
    for table, lines in tables.items():
        _copy(driver, table, lines)
    for table, name, definition in reversed(keys):
        driver.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        driver.execute(definition)
    driver.execute("SELECT setval('contacts_id_seq', (SELECT max(id) FROM contacts))")
    driver.execute("SET session_replication_role = DEFAULT")
    driver.commit()


def _tables(ledger: Ledger, contacts: int) -> dict[str, Iterator[str]]:
    last = max(1, contacts // IN_A_CAMPAIGN)
    names = range(1, contacts + 1)
    return {
        "campaigns": (_campaign(number, goes_on=number == last) for number in range(1, last + 1)),
        "contacts": (_contact(number, last, ledger.keyed_hash) for number in names),
        "attempts": chain.from_iterable(_attempts(number, last) for number in names),
        "receipts": (_receipt(number) for number in names),
        "suppressions": (_line(phone(n), "asked", "bench", NOW) for n in range(1, contacts, SUPPRESSED_EVERY)),
    }


def phone(number: int) -> str:
    """The number of the contact of this id. None is dialed."""
    return f"+1{2_000_000_000 + number}"


def _attempt_id(number: int, place: int) -> str:
    """The id of a contact's attempt, spread as those of the dialer are."""
    return f"{(number * ATTEMPTS + place) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}"


def _line(*values: object) -> str:
    """A line of COPY. No value has a character that would have to be escaped."""
    return "\t".join("\\N" if value is None else str(value) for value in values)


def _campaign(number: int, *, goes_on: bool) -> str:
    definition = Definition.model_validate(DEFINITION | {"campaign": f"large-{number}"}).model_dump_json()
    status, finished = ("running", None) if goes_on else ("finished", NOW)
    begun = NOW - DAY
    of = (f"large-{number}", f"large-{number}", "main", False, status, NOW, definition.replace("\\", "\\\\"))
    return _line(*of, '["UTC"]', IN_A_CAMPAIGN, 0, begun, begun, finished)


def _place(number: int, last: int) -> tuple[str, bool]:
    """The campaign of a contact, and whether it waits for another try."""
    campaign = min(last, (number - 1) // IN_A_CAMPAIGN + 1)
    return f"large-{campaign}", campaign == last and number % 10 == 0


def _contact(number: int, last: int, keyed_hash: Callable[[str], str]) -> str:
    campaign, waits = _place(number, last)
    own, reached = phone(number), number % 4 > 0
    status = "pending" if waits else "reached" if reached else "unreached"
    reason = None if waits else "answered" if reached else "busy after 3 attempts"
    of = (number, campaign, number % IN_A_CAMPAIGN + 2, own, keyed_hash(own), '{"name": "Ann"}', "Hello Ann", "UTC")
    return _line(*of, status, reason, MOMENTS[0], ATTEMPTS, ATTEMPTS, None if waits else MOMENTS[0])


def _attempts(number: int, last: int) -> Iterator[str]:
    campaign, waits = _place(number, last)
    for place in range(ATTEMPTS):
        reached = place == ATTEMPTS - 1 and number % 4 > 0 and not waits
        outcome, at = "answered" if reached else "busy", MOMENTS[number % 90 + ATTEMPTS - place]
        yield (
            f"{_attempt_id(number, place)}\t{number}\t{campaign}\t{place + 1}\tmain\tcallgear\t+18005550100\tended\t"
            f"placed\t{outcome}\tcall-{number}-{place}\tt\t{at}\t{at}\t{at}\t{at}\t6.0\t1\t1.0\tt\tf\treceipt"
        )


def _receipt(number: int) -> str:
    call = _attempt_id(number, ATTEMPTS - 1)
    of = ("main", f"event-{number}", call, f"call-{number}-{ATTEMPTS - 1}", "ended", MOMENTS[0], MOMENTS[0], "{}")
    return _line(*of)


def _copy(driver: psycopg.Connection[Any], table: str, lines: Iterator[str]) -> None:
    frozen = " (FREEZE)" if table in TABLES else ""
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(COLUMNS[table].split())}) FROM STDIN{frozen}") as copy,
    ):
        while some := list(islice(lines, LINES_AT_ONCE)):
            copy.write("\n".join([*some, ""]))
