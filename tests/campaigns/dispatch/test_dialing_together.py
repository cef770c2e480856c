"""Slices of one process that wait at the same time are opened in one transaction, whatever accounts they are of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select, update

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.dial_loop import LOOP
from campaigns.ledger.queries import campaign
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from tests.support.dialers import wait_for, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.patience import PATIENCE
from tests.support.seeding import claim, numbers, seed

ACCOUNTS = ("main", "second", "third")


@pytest.fixture
def using(ledger, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    accounts = {name: webex(sandbox.base_url("webex"), pace=20) for name in ACCOUNTS}
    with working(ledger, redis_url, accounts, clock=HandSetClock(utc_now())) as using:
        yield using


def slice_of(using: Runtime, account: str, area: int, **changes: object) -> Slice:
    campaign_id = seed(
        using.ledger, numbers(3, area=area), now=using.clock(), campaign=account, account=account, **changes
    )
    claim_id, ids = claim(using.ledger, campaign_id, 3, now=using.clock())
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))


def dial_at_once(using: Runtime, slices: Sequence[Slice]) -> list[int]:
    """Dial these so that all but the first wait for their tokens while it has its turn."""
    go_on = threading.Event()

    async def stand_still() -> None:
        go_on.wait(PATIENCE)

    using.accounts["main"].loop.start_task_soon(stand_still)
    with ThreadPoolExecutor(len(slices)) as threads:
        done = [threads.submit(dial, one, using=using) for one in slices]
        wait_for(lambda: len(LOOP._waiting) == len(slices))
        go_on.set()
        return [each.result() for each in done]


@contextmanager
def statements(using: Runtime) -> Iterator[Callable[[str], int]]:
    """How many statements that begin so have run in the block."""
    seen: list[str] = []

    def note(_db: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(using.ledger.engine, "before_cursor_execute", note)
    yield lambda beginning: sum(statement.startswith(beginning) for statement in seen)
    event.remove(using.ledger.engine, "before_cursor_execute", note)


def test_slices_of_many_accounts_are_opened_in_one_transaction(using, sandbox):
    slices = [slice_of(using, name, 212 + place) for place, name in enumerate(ACCOUNTS)]
    slices += [slice_of(using, name, 312 + place) for place, name in enumerate(ACCOUNTS)]
    with statements(using) as count:
        assert dial_at_once(using, slices) == [3] * 6
        assert count("INSERT INTO attempts") < 6
    assert len(sandbox.calls()) == 18
    with using.ledger.reading() as db:
        rows = db.execute(select(attempts.c.campaign_id, attempts.c.account)).all()
        assert {(row.account, campaign(db, row.campaign_id).account) for row in rows} == {
            (name, name) for name in ACCOUNTS
        }


def test_a_campaign_that_cannot_be_opened_keeps_no_other_of_its_transaction_from_calling(using, sandbox):
    slices = [slice_of(using, name, 212 + place) for place, name in enumerate(ACCOUNTS)]
    with using.ledger.writing() as db:
        broken = update(contacts).where(contacts.c.campaign_id == slices[1].campaign_id)
        db.execute(broken.values(zone="Nowhere/At_All"))
    assert dial_at_once(using, slices) == [3, 0, 3]
    assert len(sandbox.calls()) == 6


def test_a_campaign_that_has_left_the_account_meanwhile_is_not_called_by_it(using, sandbox):
    slices = [slice_of(using, name, 212 + place) for place, name in enumerate(ACCOUNTS[:2])]
    go_on = threading.Event()

    async def stand_still() -> None:
        go_on.wait(PATIENCE)

    using.accounts["main"].loop.start_task_soon(stand_still)
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(dial, one, using=using) for one in slices]
        wait_for(lambda: len(LOOP._waiting) == len(slices))
        with using.ledger.writing() as db:
            moved = update(campaigns).where(campaigns.c.id == slices[1].campaign_id)
            db.execute(moved.values(account="third"))
        go_on.set()
        assert [each.result() for each in done] == [3, 0]
    with using.ledger.reading() as db:
        left = select(contacts.c.status).where(contacts.c.campaign_id == slices[1].campaign_id)
        assert set(db.scalars(left)) == {"pending"}, "due again, for the account that calls now"
    assert using.accounts["second"].bucket.peek().in_flight == 0
