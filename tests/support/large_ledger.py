"""A ledger with one running campaign of as many contacts as are wanted, most of them called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from campaigns.definition import Definition
from campaigns.ledger import tallies
from campaigns.ledger.lists import drafts
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger

CALLED = 0.6  # of the contacts: one attempt each; of those that are left one in ten waits for another try
NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "campaign": "large",
    "account": "main",
    "contacts": {"file": "list.csv"},
    "message": {"tts": "Hello {{ name }}, this is a reminder of your visit tomorrow at nine."},
    "caller_id": "+18005550100",
}
ROWS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {size})",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, {size}))",
}
CONTACTS = """
INSERT INTO contacts (id, campaign_id, line, phone, fields, text, zone, status, reason, due_at, final_at, not_after,
  attempts, tries)
{rows}
SELECT i, '{campaign}', i + 1, '+1' || (2000000000 + i), '{{}}', 'Hello', 'UTC',
  CASE WHEN i > {called} THEN 'pending' WHEN i % 4 = 0 THEN 'unreached' ELSE 'reached' END,
  CASE WHEN i > {called} THEN NULL WHEN i % 4 = 0 THEN 'busy after 2 attempts' ELSE 'answered' END,
  {now}, CASE WHEN i > {called} THEN NULL ELSE {now} END, {later},
  CASE WHEN i > {called} AND i % 10 > 0 THEN 0 ELSE 1 END, CASE WHEN i > {called} AND i % 10 > 0 THEN 0 ELSE 1 END
FROM n
"""
ATTEMPTS = """
INSERT INTO attempts (id, contact_id, campaign_id, number, account, provider, caller_id, status, verdict, outcome,
  counted, scheduled_at, dialing_at, placed_at, ended_at, script_seconds, looks, longest_gap, seen, puzzled, ended_by,
  currency, call_price, part_price, part_seconds, kept_back)
SELECT {uuid}, id, campaign_id, 1, 'main', 'callgear', '+18005550100', 'ended', 'placed',
  CASE WHEN status = 'reached' THEN 'answered' ELSE 'busy' END,
  true, due_at, due_at, due_at, final_at, 6.0, 1, 1.0, true, false, 'call_list',
  'EUR', 50000, 100000, 60, 150000
FROM contacts WHERE final_at IS NOT NULL AND campaign_id = '{campaign}'
"""
UUIDS = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}


@contextmanager
def large_ledger(url: str, size: int) -> Iterator[tuple[Ledger, str]]:
    """A ledger with one running campaign of so many contacts, and its id."""
    ledger = Ledger(url)
    upgrade(ledger)
    definition = Definition.model_validate(DEFINITION).model_dump_json()
    campaign_id = ledger.write(drafts.create_draft, name="large", account="main", definition_text=definition, now=NOW)
    store = ledger.engine.dialect.name

    def moment(at: datetime) -> str:
        return f"'{at:%Y-%m-%d %H:%M:%S.%f}'" + ("::timestamp AT TIME ZONE 'UTC'" if store == "postgresql" else "")

    facts = {
        "campaign": campaign_id,
        "called": int(CALLED * size),
        "now": moment(NOW),
        "later": moment(NOW + timedelta(days=1)),
        "uuid": UUIDS[store],
    }
    with ledger.writing() as db:
        db.execute(text(CONTACTS.format(rows=ROWS[store].format(size=size), **facts).replace(":", "\\:")))
        db.execute(text(ATTEMPTS.format(**facts)))
    ledger.write(
        drafts.start,
        campaign_id,
        zones=["UTC"],
        rejects=0,
        rejects_file=None,
        who="bench",
        now=NOW,
    )
    tallies.fold(ledger)
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        # In full: no ledger gets all its calls in one transaction, whose tallies leave many pages empty.
        for upkeep in ("ANALYZE",) if store == "sqlite" else ("VACUUM (FULL, ANALYZE)", "VACUUM"):
            db.execute(text(upkeep))
    try:
        yield ledger, campaign_id
    finally:
        ledger.close()
