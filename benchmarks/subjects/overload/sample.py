"""What a vendor saw of some seconds, and what they cost those who called it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.support.processes import processor_seconds
from tests.support.timed_vendor import TimedVendor, most_within

WARM_UP = 1.5
FIRST_CALL_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Calls a second, the most in any one, and the processor's seconds for each."""

    rate: float
    most: int
    cpu_each: float
    failed: int = 0
    unsent: int = 0


def sample(vendor: TimedVendor, pids: Callable[[], Sequence[int]], seconds: float) -> Sample:
    """Watch for so many seconds, from a moment after the first call has come."""
    came = _first(vendor)
    time.sleep(WARM_UP)
    began, cpu = time.time(), processor_seconds(*pids())
    time.sleep(seconds)
    ended, cpu = time.time(), processor_seconds(*pids()) - cpu
    came += vendor.arrivals()
    inside = sum(1 for moment in came if began <= moment < ended)
    return Sample(rate=inside / (ended - began), most=most_within(came), cpu_each=cpu / max(1, inside))


def with_verdicts(of: Sample, *, failed: int, unsent: int) -> Sample:
    """The sample with what the caller wrote down of its requests."""
    return replace(of, failed=failed, unsent=unsent)


def _first(vendor: TimedVendor) -> list[float]:
    until = time.monotonic() + FIRST_CALL_WITHIN
    while not (came := vendor.arrivals()):
        if time.monotonic() > until:
            raise RuntimeError("no call came")
        time.sleep(0.02)
    return came
