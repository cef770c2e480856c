"""What accounts really have: small paces, many accounts, receipts while others are called.

`dialer up` as it starts by itself on two cores, with two workers, and a vendor that answers at once, on one machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select

from benchmarks.figures import Figures
from benchmarks.subjects.overload.program import RECEIPT_PATH, Program, account_of, program
from benchmarks.subjects.overload.sample import Sample, sample
from benchmarks.subjects.receipts import KINDS, deliver, receipt_of
from campaigns.ledger.tables import attempts, receipts
from tests.support.timed_vendor import TimedVendor, timed_vendor
from tests.support.webhook_receiver import Event, Told, receiving

STORES = ("SQLite", "PostgreSQL")
WORKERS = 2
PACES, PACE_SECONDS = (20, 100, 300), 30.0
SECONDS = 10.0
ASKED, ANSWER_SECONDS = (20, 100), 0.1
ACCOUNTS, EACH = 100, 10
BESIDE, RECEIPTS, RECEIPT_SECONDS = 300, 500, 8.0
APPLIED_WITHIN = 60.0


def measure() -> Iterator[Figures]:
    """Both stores, each with programs of its own."""
    paces: list[Sequence[str]] = []
    told: list[Sequence[str]] = []
    with timed_vendor() as vendor:
        for store in STORES:
            with program(
                store, vendor, {account_of(pace): pace for pace in (*PACES, BESIDE + 1)}, workers=WORKERS
            ) as running:
                paces += [
                    _row(store, f"1 of {pace}", pace, running.place(pace, vendor, PACE_SECONDS)) for pace in PACES
                ]
                paces += [_asked_before(store, pace, running, vendor) for pace in ASKED]
                told.append(_told_meanwhile(store, running, vendor))
            with program(
                store, vendor, {f"account{number}": EACH for number in range(ACCOUNTS)}, workers=WORKERS
            ) as running:
                running.start_all([f"account{number}" for number in range(ACCOUNTS)], int(EACH * (SECONDS + 60)))
                seen = sample(vendor, running.workers, SECONDS)
                paces.append(_row(store, f"{ACCOUNTS} of {EACH}", ACCOUNTS * EACH, seen))
    yield Figures(
        title="The pace that is used",
        columns=("ledger", "accounts and pace", "placed/s", "of the pace", "workers' CPU each"),
        rows=paces,
        note=f"{PACE_SECONDS:.0f} s for one account, {SECONDS:.0f} s for the others, from 1.5 s after the first call. "
        "Goals: 99 % of the pace; 4 ms at 20, 2.5 ms at 100. Asked before each call: by `before_dial`, of a program "
        f"that takes {1000 * ANSWER_SECONDS:.0f} ms for each answer.",
    )
    yield Figures(
        title=f"{RECEIPTS} receipts a second while {BESIDE} calls a second are placed",
        columns=(
            "ledger",
            "receipts",
            "until 200: median",
            "99 %",
            "all 200",
            "all applied after",
            "calls/s meanwhile",
        ),
        rows=told,
        note="Of real calls, five each, through the one console of the stack; milliseconds. Applied: the seconds from "
        "the last 200 until the ledger has followed each receipt.",
    )


def _row(store: str, what: str, asked: float, seen: Sample) -> Sequence[str]:
    return (
        store,
        what,
        f"{seen.rate:.1f}",
        f"{100 * seen.rate / asked:.1f} %",
        f"{seen.cpu_each * 1000:.2f} ms",
    )


def _asked_before(store: str, pace: int, running: Program, vendor: TimedVendor) -> Sequence[str]:
    """A campaign that asks a program before each call, which takes its time for every answer."""

    def slowly(_event: Event) -> Told:
        time.sleep(ANSWER_SECONDS)
        return 204, {}, b""

    with receiving() as asked:
        asked.answer = slowly
        seen = running.place(pace, vendor, SECONDS, more=f"before_dial: {{url: {asked.url}}}\n")
    return _row(store, f"1 of {pace}, asked before each call", pace, seen)


def _told_meanwhile(store: str, running: Program, vendor: TimedVendor) -> Sequence[str]:
    """Receipts of calls that were placed some seconds ago, while the campaign goes on."""
    account = account_of(BESIDE + 1)
    calls = round(RECEIPTS * RECEIPT_SECONDS / len(KINDS))
    with running.dialing(account, round(BESIDE * (RECEIPT_SECONDS + 25)), vendor), running.ledger() as ledger:
        query = select(attempts.c.provider_call_id, attempts.c.id).where(
            attempts.c.account == account, attempts.c.provider_call_id.is_not(None)
        )
        while True:
            with ledger.reading() as db:
                placed = [(str(row[0]), str(row[1])) for row in db.execute(query.limit(calls))]
            if len(placed) == calls:
                break
            time.sleep(0.1)
        bodies = [receipt_of(*call, kind) for call in placed for kind in range(len(KINDS))]
        door = f"{running.console}/receipts/{account}/{RECEIPT_PATH}"
        vendor.arrivals()
        with multiprocessing.get_context("spawn").Pool(1) as sender:
            began = time.time()
            waits, statuses = sender.apply(deliver_bodies, (door, bodies))
            ended = time.time()
        came = sum(1 for moment in vendor.arrivals() if began <= moment < ended)
        applied = select(func.count()).where(receipts.c.account == account, receipts.c.applied_at.is_not(None))
        while time.time() < ended + APPLIED_WITHIN:
            with ledger.reading() as db:
                if db.scalar(applied) == len(bodies):
                    break
            time.sleep(0.05)
        behind = time.time() - ended
    cuts = statistics.quantiles(waits, n=100)
    return (
        store,
        str(len(waits)),
        f"{1000 * cuts[49]:.0f}",
        f"{1000 * cuts[98]:.0f}",
        "yes" if statuses == {200} else f"no: {sorted(statuses)}",
        f"{behind:.1f} s",
        f"{came / (ended - began):.0f}",
    )


def deliver_bodies(door: str, bodies: Sequence[bytes]) -> tuple[list[float], set[int]]:
    """Post these at the rate of `RECEIPTS` a second; how long each answer took, and the statuses."""
    return asyncio.run(deliver(door, RECEIPTS, bodies))
