"""Processes that all want tokens at once: each asks, waits as long as it is told, and asks again."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.pool import Pool

from benchmarks.subjects.bucket.limiters import Limiter, Task, made, name

SIZE = 8


@dataclass(slots=True)
class Tally:
    """What one process got: moments of its grants (wall clock), how long it waited for each, round trips."""

    grants: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process: what it asks for, for how long, and how many a second it wants (None: as many as it gets).

    `bursts`: so many calls to make, at each of these moments after the start.
    """

    kind: str
    task: Task
    seconds: float
    wants: float | None = None
    bursts: tuple[int, tuple[float, ...]] | None = None


@contextmanager
def crowd() -> Iterator[Pool]:
    """Processes that are started once and used for all measurements."""
    with multiprocessing.get_context("spawn").Pool(SIZE, _warm) as pool:
        pool.map(time.sleep, [0.5] * SIZE, chunksize=1)  # all have come up
        yield pool


def _warm() -> None:
    """Import what will be measured beforehand, because importing takes longer than some measurements."""
    for library in ("limits.strategies", "limits.storage", "throttled.store", "pyrate_limiter"):
        import_module(library)


def together(pool: Pool, members: Sequence[Member]) -> list[Tally]:
    """Run all members at the same time."""
    begin = time.time() + 1.0
    return pool.starmap(_take_part, [(member, begin) for member in members], chunksize=1)


def _take_part(member: Member, begin: float) -> Tally:
    told = time.time
    start = time.monotonic() + begin - told()
    try:
        return _wanting(member, made(member.kind, member.task), start)
    finally:
        time.time = told  # it may have been set ahead


def _wanting(member: Member, limiter: Limiter, start: float) -> Tally:
    tally, real = Tally(), time.monotonic
    time.sleep(max(0.0, start - real()))
    if member.bursts:
        size, moments = member.bursts
        for moment in moments:
            time.sleep(max(0.0, start + moment - real()))
            for _ in range(size):
                _one(limiter, tally, start + moment + 100)
    else:
        done = 0
        while (now := real()) < start + member.seconds:
            if member.wants and now < start + done / member.wants:
                time.sleep(start + done / member.wants - now)
                continue
            _one(limiter, tally, start + member.seconds)
            done += 1
    tally.calls = limiter.calls
    return tally


def _one(limiter: Limiter, tally: Tally, until: float) -> None:
    began, mine = time.monotonic(), name()
    while time.monotonic() < until:
        granted, wait = asked(limiter, mine)
        if wait > 0:
            time.sleep(wait)
        if granted:
            now = time.monotonic()
            tally.grants.append(_wall(now))
            tally.waits.append(now - began)
            return


def asked(limiter: Limiter, mine: str) -> tuple[bool, float]:
    """Ask once; without Redis the answer is no, and a short wait."""
    try:
        return limiter.ask(mine)
    except Exception:  # each library wraps Redis's errors in its own
        return False, 0.05


def _wall(now: float) -> float:
    """The machine's clock, not the one that a member was given."""
    return time.clock_gettime(time.CLOCK_REALTIME) - (time.monotonic() - now)


def most_in(moments: Sequence[float], seconds: float) -> int:
    """The most that fell into any stretch of so many seconds."""
    ordered, first, most = sorted(moments), 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def at(share: float, values: Sequence[float]) -> float:
    """A quantile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
