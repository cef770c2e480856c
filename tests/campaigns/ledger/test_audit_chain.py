"""Nobody changes, removes or inserts a line of the audit unseen, and nobody who writes one waits for the chain."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import delete, insert, select, update

from campaigns.ledger.audit_chain import chaining as chains
from campaigns.ledger.audit_chain.chaining import CHAINED_AT_ONCE, ChainPlace, chain_audit
from campaigns.ledger.audit_chain.verifying import ChainFault, Verification, verify
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, audit_chain
from tests.support.lock_waits import until_it_waits
from tests.support.statements import statements


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 12, 1, 15, tzinfo=UTC)


def write(ledger, now, count=10) -> None:
    with ledger.writing() as db:
        for line in range(count):
            write_audit(db, now + timedelta(minutes=line), who="ann", event="number shown", detail=f"contact {line}")


def chained(ledger, now, count=10) -> None:
    write(ledger, now, count)
    assert chain_audit(ledger) == count


def run(ledger, statement) -> None:
    with ledger.writing() as db:
        db.execute(statement)


def ids(ledger) -> list[int]:
    with ledger.reading() as db:
        return list(db.scalars(select(audit.c.id).order_by(audit.c.id)))


def test_a_chain_that_nobody_touched_is_intact(ledger, now):
    chained(ledger, now)
    write(ledger, now + timedelta(hours=1), 2)
    result = verify(ledger)
    assert (result.fault, result.chained, result.waiting, result.backdated) == (None, 10, 2, 0)
    assert result.head is not None
    assert result.head.place == 10


def test_an_audit_without_lines_is_intact(ledger):
    assert chain_audit(ledger) == 0
    assert verify(ledger) == Verification()


def test_lines_of_before_the_chain_are_chained_in_parts(ledger, now):
    chained(ledger, now, CHAINED_AT_ONCE + 5)
    assert verify(ledger).chained == CHAINED_AT_ONCE + 5


@pytest.mark.parametrize("column", ["at", "who", "event", "campaign_id", "detail", "hash"])
def test_a_changed_line_is_named(ledger, now, column):
    chained(ledger, now)
    other = now if column == "at" else "mallory"
    run(ledger, update(audit).where(audit.c.place == 4).values({column: other}))
    result = verify(ledger)
    assert (result.fault, result.place, result.chained) == (ChainFault.CHANGED, 4, 3)


@pytest.mark.parametrize(("place", "before"), [(1, 0), (5, 4), (10, 9)])
def test_a_removed_line_is_named(ledger, now, place, before):
    chained(ledger, now)
    run(ledger, delete(audit).where(audit.c.place == place))
    result = verify(ledger)
    assert (result.fault, result.place, result.chained) == (ChainFault.REMOVED, place, before)


def test_a_line_taken_out_of_the_chain_and_chained_again_is_named(ledger, now):
    chained(ledger, now)
    run(ledger, update(audit).where(audit.c.place == 5).values(place=None, detail="of another"))
    assert verify(ledger).fault is ChainFault.REMOVED
    chain_audit(ledger)
    result = verify(ledger)
    assert (result.fault, result.place) == (ChainFault.REMOVED, 5)


def test_an_inserted_line_is_named_wherever_it_is(ledger, now):
    chained(ledger, now)
    line = {"at": now, "who": "mallory", "event": "campaign resumed", "detail": "", "hash": "0" * 40}
    run(ledger, insert(audit).values(**line, place=11))
    assert (verify(ledger).fault, verify(ledger).place) == (ChainFault.INSERTED, 11)
    run(ledger, delete(audit).where(audit.c.place == 11))
    with ledger.writing() as db:  # in the middle: the later ones move on
        for place in range(10, 4, -1):
            db.execute(update(audit).where(audit.c.place == place).values(place=place + 1))
        db.execute(insert(audit).values(**line, place=5))
    result = verify(ledger)
    assert (result.fault, result.place, result.chained) == (ChainFault.INSERTED, 5, 4)


def test_a_line_written_later_with_an_earlier_date_is_counted(ledger, now):
    chained(ledger, now)
    run(ledger, insert(audit).values(at=now - timedelta(days=30), who="ann", event="number shown", detail=""))
    chain_audit(ledger)
    assert (verify(ledger).fault, verify(ledger).backdated) == (None, 1)


def test_whoever_lacks_the_key_can_write_no_chain_of_their_own(ledger, now):
    """As one would who rewrites everything, ends and all, by this very code."""
    chained(ledger, now)
    stranger = Ledger(ledger.url, hash_key="guessed")
    run(stranger, update(audit).values(place=None, hash=None, who="mallory"))
    run(stranger, delete(audit_chain))
    chain_audit(stranger)
    assert verify(stranger).fault is None
    stranger.close()
    assert verify(ledger).fault is ChainFault.ENDS


def test_a_chain_put_back_to_an_earlier_end_is_seen_by_whoever_noted_a_later_one(ledger, now):
    chained(ledger, now)
    with ledger.reading() as db:
        earlier = [row._asdict() for row in db.execute(select(audit_chain))]
    chained(ledger, now + timedelta(hours=1), 3)
    noted = verify(ledger).head
    assert verify(ledger, noted=noted).fault is None
    run(ledger, delete(audit).where(audit.c.place > 10))
    run(ledger, delete(audit_chain))
    run(ledger, insert(audit_chain).values(earlier))
    assert verify(ledger).fault is None
    assert verify(ledger, noted=noted).fault is ChainFault.NOTED
    chained(ledger, now + timedelta(hours=2), 5)
    assert verify(ledger, noted=noted).fault is ChainFault.NOTED
    run(ledger, delete(audit))
    run(ledger, delete(audit_chain))
    assert verify(ledger, noted=noted).fault is ChainFault.NOTED


def test_old_lines_go_and_the_rest_still_verifies(ledger, now):
    chained(ledger, now)
    assert ledger.write(chains.remove_before, ledger, now + timedelta(minutes=4), 3) == 3
    assert ledger.write(chains.remove_before, ledger, now + timedelta(minutes=4), 3) == 1
    assert ledger.write(chains.remove_before, ledger, now + timedelta(minutes=4), 3) == 0
    chained(ledger, now + timedelta(hours=1), 2)
    result = verify(ledger, noted=ChainPlace(place=2, hash="of a line that is gone"))
    assert (result.fault, result.chained, result.removed) == (None, 8, 4)
    run(ledger, delete(audit).where(audit.c.place == 5))
    assert (verify(ledger).fault, verify(ledger).place) == (ChainFault.REMOVED, 5)


def test_the_last_line_stays_however_old_it_is(ledger, now):
    chained(ledger, now)
    assert ledger.write(chains.remove_before, ledger, now + timedelta(days=900), 100) == 9
    chained(ledger, now + timedelta(days=901), 1)
    assert (verify(ledger).fault, verify(ledger).chained) == (None, 2)


def test_many_who_write_and_many_who_chain_make_one_chain(ledger, now):
    """Writers roll back, too, and leave gaps among the ids."""
    writing = threading.Event()

    def writer(seed: int) -> None:
        rng = Random(seed)
        for line in range(25):
            try:
                with ledger.writing() as db:
                    write_audit(db, now, who=f"writer {seed}", event="number shown", detail=str(line))
                    if rng.random() < 0.2:
                        raise KeyError
            except KeyError:
                pass

    def chainer() -> None:
        while not writing.is_set():
            chain_audit(ledger)

    with ThreadPoolExecutor(8) as pool:
        chainers = [pool.submit(chainer) for _ in range(3)]
        for writer_done in [pool.submit(writer, seed) for seed in range(5)]:
            writer_done.result()
        writing.set()
        for done in chainers:
            done.result()
    chain_audit(ledger)
    result = verify(ledger)
    assert (result.fault, result.chained, result.waiting) == (None, len(ids(ledger)), 0)


def test_two_that_begin_the_chain_at_once_make_one(ledger, now):
    write(ledger, now, 3)
    other = threading.Thread(target=chain_audit, args=(ledger,))
    with ledger.writing() as db:
        assert chains._chain_some(db, ledger) == 3
        other.start()
        until_it_waits(ledger, other)
    other.join()
    chained(ledger, now, 2)
    assert (verify(ledger).fault, verify(ledger).chained) == (None, 5)


def test_a_line_that_is_committed_late_waits_for_nobody_and_is_chained_later(ledger, now):
    if ledger.has_one_writer:
        pytest.skip("here nobody commits late: there is one writer at a time")
    with ledger.writing() as late:
        write_audit(late, now, who="late", event="number shown")
        chained(ledger, now, 3)
        assert verify(ledger).fault is None
    assert chain_audit(ledger) == 1
    with ledger.reading() as db:
        in_order = db.scalars(select(audit.c.who).order_by(audit.c.place)).all()
    assert (in_order, verify(ledger).fault) == (["ann", "ann", "ann", "late"], None)


def test_where_nothing_is_to_be_chained_one_look_tells(ledger, now):
    chained(ledger, now)
    with statements(ledger) as asked:
        assert chain_audit(ledger) == 0
    assert len([text for text in asked if not text.startswith("BEGIN")]) == 1
