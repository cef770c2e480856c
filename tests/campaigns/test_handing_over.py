"""The waiting is handed to the provider only where the campaign says so, and never past a window or `not_after`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaigns.dialing import dial
from campaigns.handing_over import AHEAD, due_by, otherwise_due, send_at
from campaigns.launch import check
from campaigns.ledger.claims import Claimed
from campaigns.ledger.tables import attempts, contacts
from campaigns.release import release
from campaigns.source import DefinitionFaults
from campaigns.sweeping import sweep
from dialer.deadline import utc_now
from dialer.providers import provider_for
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.campaigns.dialers import callgear, door, wait_for, webex, working
from tests.campaigns.seeding import definition, seed

NOW = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)  # a Tuesday
WINDOWS = {"zone": "UTC", "windows": {"mon-fri": "09:00-17:00"}, "vendor_queue": True}
AT_NINE = NOW.replace(hour=9)
WEBEX, CALLGEAR = provider_for(webex()), provider_for(callgear())


def claimed(due_at: datetime, not_after: datetime | None = None) -> Claimed:
    return Claimed(
        contact_id=1,
        claim=uuid4(),
        phone="+14155550101",
        text=None,
        voice={},
        zone="UTC",
        not_after=not_after,
        due_at=due_at,
        claimed_at=NOW,
        lease_until=NOW,
    )


def asked(due_at: datetime, not_after: datetime | None = None, now: datetime = NOW, **schedule: Any) -> datetime | None:
    return send_at(definition(schedule=WINDOWS | schedule), WEBEX, claimed(due_at, not_after), (now,))


CASES = [
    ("it waits for its window", AT_NINE, {}, AT_NINE),
    ("it is due", NOW, {}, None),
    ("the campaign waits by itself", AT_NINE, {"vendor_queue": False}, None),
    ("outside every window", NOW.replace(hour=8), {}, None),
    ("its window is about to close", NOW.replace(hour=16, minute=56), {}, None),
    ("well before its window closes", NOW.replace(hour=16, minute=54), {}, NOW.replace(hour=16, minute=54)),
    ("its not_after is near", AT_NINE, {"not_after": AT_NINE + timedelta(minutes=4)}, None),
    ("its not_after is past that", AT_NINE, {"not_after": AT_NINE + timedelta(minutes=6)}, AT_NINE),
    ("the campaign ends", AT_NINE, {"end": "2026-12-01T09:03"}, None),
    ("tomorrow", AT_NINE + timedelta(days=1), {}, None),
]


@pytest.mark.parametrize(("due_at", "facts", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_call_is_handed_over_only_when_its_moment_is_a_good_one(due_at, facts, expected):
    assert asked(due_at, **facts) == expected


def test_a_clock_that_nobody_believes_hands_nothing_over():
    written = definition(schedule=WINDOWS)
    assert send_at(written, WEBEX, claimed(AT_NINE), (NOW, NOW - timedelta(hours=1))) is None
    assert due_by(written, WEBEX, (NOW, NOW - timedelta(hours=1))) == NOW
    assert due_by(written, WEBEX, (NOW,)) == NOW + AHEAD


def test_a_provider_that_cannot_wait_is_handed_nothing_though_the_campaign_went_on_with_it():
    written = definition(schedule=WINDOWS)
    assert send_at(written, CALLGEAR, claimed(AT_NINE), (NOW,)) is None
    assert due_by(written, CALLGEAR, (NOW,)) == NOW


def test_who_cannot_be_handed_over_is_due_in_the_next_window_or_at_the_end():
    late = claimed(NOW.replace(hour=16, minute=58))
    assert otherwise_due(definition(schedule=WINDOWS), late) == AT_NINE + timedelta(days=1)
    ending = definition(schedule=WINDOWS | {"end": "2026-12-01T17:00"})
    assert otherwise_due(ending, late) == ending.ends_at


def test_a_provider_that_cannot_wait_is_told_of_before_launch(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "campaign: c\naccount: main\ncontacts: {file: c.csv}\nmessage: {tts: Hello}\n"
        "caller_id: '+18005550100'\nschedule: {vendor_queue: true}\n"
    )
    (tmp_path / "c.csv").write_text("phone\n+14155550101\n")
    with pytest.raises(DefinitionFaults, match="cannot be asked to wait"):
        check(file, {"main": callgear()})


def test_the_provider_waits_and_the_ledger_follows(ledger, redis_url):
    accounts: dict[str, Any] = {}
    with running(SandboxConfig(speed=20)) as sandbox, door(ledger, lambda: accounts) as notify_url:
        settings = {"main": webex(sandbox.webex_url, speed=20, settle_seconds=5)}
        with working(ledger, redis_url, settings, notify_url=notify_url) as using:
            accounts |= using.accounts
            due_at = using.clock() + timedelta(seconds=10)
            waiting = seed(ledger, ["+14155550101", "+14155550102"], now=utc_now(), schedule={"vendor_queue": True})
            near = seed(ledger, ["+14155550103"], now=utc_now(), schedule={"vendor_queue": True})
            by_itself = seed(ledger, ["+14155550104"], now=utc_now())
            with ledger.writing() as db:
                db.execute(update(contacts).values(due_at=due_at))
                soon = due_at + timedelta(minutes=1)
                db.execute(update(contacts).where(contacts.c.campaign_id == near).values(not_after=soon))
            sent = sum(dial(one, using=using) for one in release(using=using))
            assert sent == 2, "two wait at the provider, the others here"
            with ledger.reading() as db:
                rows = db.execute(select(attempts.c.campaign_id, attempts.c.status, attempts.c.send_at)).all()
            assert {(row.campaign_id, row.status, row.send_at) for row in rows} == {(waiting, "placed", due_at)}
            assert sandbox.calls() == []
            sweep(using=using)
            wait_for(lambda: len(sandbox.calls()) == 2 and _all_ended(ledger, using), 40)
            assert all(
                datetime.fromisoformat(call["placed_at"]) >= due_at.replace(microsecond=0) for call in sandbox.calls()
            )
    with ledger.reading() as db:
        told = dict(db.execute(select(contacts.c.campaign_id, contacts.c.status)).all())
    assert told[waiting] == "reached"
    assert by_itself in told


def _all_ended(ledger: Any, using: Any) -> bool:
    sweep(using=using)
    with ledger.reading() as db:
        return set(db.scalars(select(attempts.c.outcome))) == {"answered"}
