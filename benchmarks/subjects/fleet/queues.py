"""A simulation of a fleet as queues: what is busy, how long a slice of calls waits, and what breaks first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SLICES = 20_000
STATIONS = ("redis", "workers", "ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Installations with accounts of their own: each with machines for workers and consoles, a ledger and a Redis."""

    installations: int = 1
    machines: int  # of each installation
    worker_cores: int  # of each machine
    ledger_cores: int

    def __str__(self) -> str:
        each = f"{self.machines} × {self.worker_cores} cores, ledger {self.ledger_cores}"
        return each if self.installations == 1 else f"{self.installations} of {each}"

    @property
    def servers(self) -> dict[str, int]:
        """How many slices each station serves at once."""
        cores = self.machines * self.worker_cores
        return {"redis": 1, "workers": cores, "ledger": self.ledger_cores}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Slices a second, and the seconds that one takes at each station."""

    slices: float
    redis: float
    workers: float
    ledger: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The share of the time for which each station is busy, and how long the slowest twentieth of slices waits."""

    busy: dict[str, float]
    wait_p95: float

    @property
    def overloaded(self) -> bool:
        """Whether more comes than a station can serve."""
        return max(self.busy.values()) >= 1

    @property
    def busiest(self) -> str:
        """The station that breaks first."""
        return max(self.busy, key=lambda name: self.busy[name])


def simulate(fleet: Fleet, load: Load, rng: Random | None = None) -> Seen:
    """Let one installation's share of slices arrive at random and pass all stations, each first come, first served."""
    rng = rng or Random(7)
    servers = fleet.servers
    busy = {name: load.slices * getattr(load, name) / servers[name] for name in STATIONS}
    if max(busy.values()) >= 1:
        return Seen(busy=busy, wait_p95=float("inf"))
    waits = sorted(_waits(servers, load, rng))
    return Seen(busy=busy, wait_p95=waits[len(waits) * 95 // 100])


def _waits(servers: dict[str, int], load: Load, rng: Random) -> Iterator[float]:
    """How long each slice waits in all queues together."""
    free = {name: [0.0] * servers[name] for name in STATIONS}
    arrivals, moment = [], 0.0
    for number in range(SLICES):
        moment += rng.expovariate(load.slices)
        arrivals.append((moment, number, 0))
    waited = [0.0] * SLICES
    while arrivals:  # at the next station, the earliest first
        at, number, place = heapq.heappop(arrivals)
        name = STATIONS[place]
        begins = max(at, heapq.heappop(free[name]))
        ends = begins + rng.expovariate(1 / getattr(load, name))
        heapq.heappush(free[name], ends)
        waited[number] += begins - at
        if place + 1 < len(STATIONS):
            heapq.heappush(arrivals, (ends, number, place + 1))
        else:
            yield waited[number]
