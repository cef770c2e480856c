"""A provider with fixed windows that begin at an unknown moment, on its own Redis: takes points, says what is left."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from dialer.verdicts import Meter

TAKE = """
local number = KEYS[1] .. math.floor((tonumber(ARGV[1]) - tonumber(ARGV[4])) / tonumber(ARGV[3]))
local limit, used = tonumber(ARGV[2]), tonumber(redis.call('HGET', number, 'used') or '0')
redis.call('HINCRBY', number, ARGV[6], 1)
if ARGV[5] == '0' then return { 0, limit - used } end
if used + 1 > limit then
  redis.call('HINCRBY', number, 'refused ' .. ARGV[6], 1)
  return { 0, limit - used }
end
redis.call('HINCRBY', number, 'used', 1)
return { 1, limit - used - 1 }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Where it is, how many points a window of so many seconds has, and when its windows begin."""

    url: str
    limit: int
    seconds: float
    phase: float

    def open(self) -> Line:
        """A connection to it."""
        return Line(self)

    def windows(self, since: float, until: float) -> list[dict[str, int]]:
        """What became of each window that lies within these moments, the sums of requests by whom and fate."""
        client = redis.Redis.from_url(self.url, decode_responses=True)
        first, last = self._number(since) + 1, self._number(until) - 1
        found = [client.hgetall(f"w{number}") for number in range(first, last + 1)]
        client.close()
        return [{key: int(value) for key, value in one.items()} for one in found]

    def _number(self, moment: float) -> int:
        return int((moment - self.phase) // self.seconds)


class Line:
    """One caller's connection to the provider."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._client = redis.Redis.from_url(vendor.url)
        self._take = self._client.register_script(TAKE)

    def request(self, *, succeeds: bool = True, by: str = "ours") -> tuple[bool, Meter]:
        """Charged or not, and the figures: whole seconds to the reset."""
        vendor, now = self._vendor, time.clock_gettime(time.CLOCK_REALTIME)
        args: Sequence[object] = [now, vendor.limit, vendor.seconds, vendor.phase, int(succeeds), by]
        charged, left = self._take(keys=["w"], args=args)
        reset = vendor.seconds - (now - vendor.phase) % vendor.seconds
        return bool(charged), Meter(minute_limit=vendor.limit, minute_remaining=left, minute_reset=float(int(reset)))


class Outsider(threading.Thread):
    """Another client of the same account, which our limiters do not see: so many requests a second."""

    def __init__(self, vendor: Vendor, rate: float) -> None:
        super().__init__(daemon=True)
        self._line, self._rate, self._enough = vendor.open(), rate, threading.Event()

    def run(self) -> None:
        while not self._enough.wait(random.expovariate(self._rate)):
            self._line.request(by="others")

    def stop(self) -> None:
        self._enough.set()
        self.join()
