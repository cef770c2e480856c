"""What a call costs the ledger and Redis: as many statements and round trips for a slice of fifty as for one of two."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, insert, select, update

from campaigns.dispatch.answers import Answer, write_answers
from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.fair_share import share_day
from campaigns.ledger import moves, queries
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.claims import Claimed, still_claimed
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus
from campaigns.operations import control
from dialer.bucket import GrantResult, Limits, TokenBucket
from dialer.deadline import utc_now
from dialer.verdicts import Ruling, Verdict
from tests.support.dialers import PATIENCE, serving, webex, working
from tests.support.seeding import claim, contact, dialing, numbers, seed, sent

FEW, MANY = 2, 50
DAY = Limits(pace=5, day_points=100)
MOST_OF_A_SLICE = 20  # statements: its campaign and contacts are read, its attempts opened, its answers written twice


@contextmanager
def counted(ledger: Ledger) -> Iterator[list[str]]:
    """The statements that a server is sent: with many rows, SQLite runs one of them and PostgreSQL one for each."""
    texts: list[str] = []

    def keep(_db: Any, _cursor: Any, text: str, given: Any, _context: Any, many: bool) -> None:
        texts.extend([text] * (len(given) if many and "postgresql" in ledger.url else 1))

    event.listen(ledger.engine, "before_cursor_execute", keep)
    try:
        yield texts
    finally:
        event.remove(ledger.engine, "before_cursor_execute", keep)


def claimed(ledger: Ledger, count: int) -> tuple[Slice, list[Claimed]]:
    campaign_id = seed(ledger, numbers(count), now=utc_now())
    claim_id, ids = claim(ledger, campaign_id, count, now=utc_now())
    with ledger.reading() as db:
        contacts = still_claimed(db, claim_id, ids, utc_now())
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), contacts


def test_attempts_are_opened_in_as_many_statements_however_many_they_are(ledger):
    counts = []
    for many in (FEW, MANY):
        _, contacts = claimed(ledger, many)
        openings = [
            Opening(contact=one, account="main", provider="webex", caller_id="+18005550100", script_seconds=1.0)
            for one in contacts
        ]
        with counted(ledger) as texts:
            opened = ledger.write(open_attempts, openings, now=utc_now(), conclude_at={"main": utc_now()})
        assert len(opened) == many
        counts.append(len([text for text in texts if not text.startswith("BEGIN")]))
    assert counts == [2, 2]


def test_answers_are_written_in_as_many_statements_however_many_they_are(ledger):
    for many in (FEW, MANY):
        opened = dialing(ledger, numbers(many), now=utc_now())
        facts = {one.id: {"verdict": "placed", "placed_at": utc_now(), "provider_call_id": None} for one in opened}
        with counted(ledger) as texts, ledger.writing() as db:
            assert moves.move_attempts(db, AttemptStatus.PLACED, facts) == many
            calls = [one.contact_id for one in opened]
            assert moves.move_contacts(db, ContactStatus.PLACED, calls, attempts=1) == many
            assert moves.move_attempts(db, AttemptStatus.PLACED, facts) == 0, "they are placed already"
            assert moves.move_contacts(db, ContactStatus.PLACED, calls, attempts=1) == 0
        assert len([text for text in texts if not text.startswith("BEGIN")]) == 4


TOO_LATE = Ruling(verdict=Verdict.NOT_SENT, mnemonic="too_late", detail="the deadline passed")


def put_back(ledger: Ledger, redis_url: str, opened: Sequence[OpenAttempt]) -> None:
    """As when the requests of these attempts never left."""
    with working(ledger, redis_url, {"main": webex()}) as using:
        with ledger.reading() as db:
            campaign = queries.campaign(db, opened[0].campaign_id)
        write_answers([Answer(sent(one), TOO_LATE) for one in opened], campaign, using.accounts["main"], using)


def test_requests_that_never_left_are_put_back_in_as_many_statements_however_many_they_are(ledger, redis_url, buckets):
    counts = []
    for many in (FEW, MANY):
        opened = dialing(ledger, numbers(many), now=utc_now())
        began = utc_now()
        with counted(ledger) as texts:
            put_back(ledger, redis_url, opened)
        ended = utc_now()
        counts.append(len([text for text in texts if not text.startswith("BEGIN")]))
        rows = [contact(ledger, one.contact_id) for one in opened]
        assert {(row.status, row.attempts) for row in rows} == {("pending", 0)}
        assert all(began < row.due_at <= ended + timedelta(seconds=1.2) for row in rows)
        with ledger.reading() as db:
            told = db.execute(select(attempts).where(attempts.c.campaign_id == opened[0].campaign_id)).all()
        assert {(row.status, row.mnemonic, row.verdict) for row in told} == {("not_placed", "too_late", "not_sent")}
        assert {row.next_attempt_at for row in told} == {row.due_at for row in rows}
    assert counts[0] == counts[1]


def test_one_whose_time_is_over_is_looked_at_by_itself_and_the_others_are_put_back(ledger, redis_url, buckets):
    opened = dialing(ledger, numbers(3), now=utc_now())
    with ledger.writing() as db:
        late = update(contacts).where(contacts.c.id == opened[1].contact_id)
        db.execute(late.values(not_after=utc_now() + timedelta(seconds=0.5)))
    put_back(ledger, redis_url, opened)
    assert [contact(ledger, one.contact_id).status for one in opened] == ["pending", "expired", "pending"]


def test_nobody_is_put_back_whom_another_call_has_reached(ledger, redis_url, buckets):
    opened = dialing(ledger, numbers(3), now=utc_now())
    with ledger.writing() as db:
        earlier = select(attempts).where(attempts.c.id == opened[2].id)
        row = dict(db.execute(earlier).one()._mapping)
        ended = {"status": "ended", "outcome": "answered", "ended_at": utc_now(), "answered_at": utc_now()}
        db.execute(insert(attempts).values(**row | ended | {"id": uuid4(), "number": row["number"] + 1}))
    put_back(ledger, redis_url, opened)
    assert [contact(ledger, one.contact_id).status for one in opened] == ["pending", "pending", "reached"]


def test_a_cancelled_campaign_puts_nobody_back(ledger, redis_url, buckets):
    opened = dialing(ledger, numbers(2), now=utc_now())
    control.cancel(ledger, opened[0].campaign_id, who="test", now=utc_now())
    put_back(ledger, redis_url, opened)
    assert [contact(ledger, one.contact_id).status for one in opened] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("many", [FEW, MANY])
def test_a_slice_takes_as_many_statements_however_many_calls_it_has(ledger, redis_url, many):
    all_came, came = threading.Event(), []

    def answer(method: str, path: str, body: bytes) -> tuple[int, Any]:
        came.append(body)
        if len(came) == many:
            all_came.set()
        assert all_came.wait(PATIENCE)
        return 201, {"messageId": f"m-{len(came)}-{id(body)}", "status": "queued"}

    with serving(answer) as url, working(ledger, redis_url, {"main": webex(url, pace=5000)}, lease=300) as using:
        slice_, _ = claimed(ledger, many)
        with counted(ledger) as texts:
            assert dial(slice_, using=replace(using, alone=True, sleep=lambda _seconds: None)) == many
        answers = [text for text in texts if text.startswith("UPDATE attempts")]
        assert len([text for text in texts if not text.startswith("BEGIN")]) <= MOST_OF_A_SLICE + 3 * len(answers)
        assert len([text for text in texts if text.startswith("INSERT INTO attempts")]) <= 2


def test_contacts_are_sent_together_whatever_numbers_they_are_shown(ledger, redis_url, buckets):
    shown = ["+18005550100", "+18005550101"]
    campaign_id = seed(ledger, numbers(10), now=utc_now(), caller_id=shown)
    claim_id, ids = claim(ledger, campaign_id, 10, now=utc_now())
    with ledger.writing() as db:
        for place, contact_id in enumerate(ids):
            db.execute(update(contacts).where(contacts.c.id == contact_id).values(caller_id=shown[place % 2]))
    slice_ = Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))
    with (
        serving(lambda *_: (201, {"messageId": str(uuid4()), "status": "queued"})) as url,
        working(ledger, redis_url, {"main": webex(url, pace=5000)}, lease=300) as using,
        counted(ledger) as texts,
    ):
        assert dial(slice_, using=using) == 10
    assert len([text for text in texts if text.startswith("INSERT INTO attempts")]) == 1


def test_grants_are_taken_and_settled_in_one_round_trip_however_many_they_are(buckets):
    bucket = TokenBucket(buckets, "main", Limits(pace=5000))
    for many in (FEW, MANY):
        ids, before = [str(uuid4()) for _ in range(many)], _scripts(buckets)
        assert bucket.acquire_many(ids)[0] == many
        assert bucket.settle_all([GrantResult(grant_id=one, charged=True) for one in ids]) == many
        assert _scripts(buckets) - before <= 4, "each once, and once more where the script was not known yet"


def test_an_account_without_a_day_asks_redis_nothing_about_it(ledger, buckets):
    accounts = {"none": (Limits(pace=5), False), "own": (DAY, False), "provider's": (Limits(pace=5), True)}
    asked = set()
    for name, (limits, metered) in accounts.items():
        before = _commands(buckets)
        share_day(name, ledger, TokenBucket(buckets, name, limits, metered=metered), utc_now())
        asked |= {name} if _commands(buckets) > before else set()
    assert asked == {"own", "provider's"}


def _commands(server: Any) -> int:
    return _scripts(server) + int(server.info("commandstats").get("cmdstat_set", {}).get("calls", 0))


def _scripts(server: Any) -> int:
    stats = server.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("evalsha", "eval"))
