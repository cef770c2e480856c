"""The faults: what is thrown at a stack while its campaigns run. Each says by name what it did."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random

import httpx
import redis

from tests.chaos.disk import Disk
from tests.chaos.proxy import ABSURD, CUT
from tests.chaos.stack import FaultyStack
from tests.chaos.stores import Store
from tests.support import loopback
from tests.support.hostile_replies import Hostile
from tests.support.processes import burning_cores, frozen
from workers.secrets import receipt_url

CALLS = "calls"
ABSURD_RECEIPTS = 40
REMEMBERED = 300  # tasks that may be delivered again, however old


class Faults:
    """Throws one fault after another, chosen by chance, and counts them by name."""

    def __init__(
        self, stack: FaultyStack, store: Store, disk: Disk, rng: Random, only: Sequence[str] | None = None
    ) -> None:
        self.thrown: Counter[str] = Counter()
        self._stack = stack
        self._store = store
        self._disk = disk
        self._rng = rng
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._redis = redis.Redis.from_url(stack.redis_url, socket_timeout=2, socket_connect_timeout=2)
        every: Mapping[str, tuple[int, Callable[[], None]]] = {
            "worker killed": (14, self.kill_worker),
            "worker told to stop": (3, self.end_worker),
            "worker frozen": (10, self.freeze_worker),
            "all workers frozen": (4, partial(self.freeze, "worker")),
            "beats frozen": (2, partial(self.freeze, "beat")),
            "consoles frozen": (3, partial(self.freeze, "console")),
            "cores burnt": (6, self.burn_cores),
            "beat killed": (4, self.kill_beat),
            "console killed": (6, self.kill_console),
            "Redis killed": (5, self.kill_redis),
            "Redis killed and emptied": (4, self.empty_redis),
            "Redis flushed": (8, self.flush_redis),
            "Redis connections cut": (8, self.cut_redis),
            "Redis frozen": (4, partial(self.freeze, "redis")),
            "Redis read-only": (4, self.demote_redis),
            "Redis without its replicas": (3, partial(self.set_redis, "min-replicas-to-write", 1)),
            "Redis out of memory": (4, partial(self.set_redis, "maxmemory", 1)),
            "tasks delivered again": (16, self.deliver_again),
            "requests cut or late": (20, partial(self.disturb_proxy, CUT)),
            "answers absurd": (12, partial(self.disturb_proxy, ABSURD)),
            "receipts absurd": (4, self.send_absurd_receipts),
            "disk full": (6, self.fill_disk),
            **{name: (4, partial(self._befall, fault)) for name, fault in store.faults.items()},
        }
        if stack.sentinel:
            every = {**every, "Redis failed over": (6, stack.fail_over)}
        self._choices = {name: choice for name, choice in every.items() if only is None or name in only}
        self._first = rng.sample(list(self._choices), len(self._choices))

    @property
    def kinds(self) -> Sequence[str]:
        """The names of all that may be thrown."""
        return list(self._choices)

    def throw(self) -> str:
        """Throw one fault and return its name: each kind once, then by chance."""
        names = list(self._choices)
        weights = [self._choices[one][0] for one in names]
        name = self._first.pop() if self._first else self._rng.choices(names, weights=weights)[0]
        with suppress(redis.RedisError, httpx.HTTPError, ProcessLookupError):
            self._choices[name][1]()
        self.thrown[name] += 1
        return name

    def at_the_proxy(self) -> Mapping[str, int]:
        """How many requests were cut or late."""
        counted: Mapping[str, int] = loopback.get(f"{self._stack.info.urls['proxy']}/_faults").json()
        return counted

    def kill_worker(self) -> None:
        self._stack.kill(self._one_of("worker"), self._rng.uniform(0.0, 1.0))

    def end_worker(self) -> None:
        self._stack.end(self._one_of("worker"), 0.1)

    def freeze_worker(self) -> None:
        """For longer than its claims' leases, and often in the middle of something."""
        with frozen([self._stack.pid(self._one_of("worker"))]):
            self._wait(0.5, 7.0)

    def freeze(self, kind: str) -> None:
        """All of a kind, also for longer than any deadline."""
        with frozen([self._stack.pid(name) for name in self._stack.names(kind)]):
            self._wait(0.5, 6.0)

    def burn_cores(self) -> None:
        with burning_cores():
            self._wait(1.0, 4.0)

    def kill_beat(self) -> None:
        self._stack.kill(self._one_of("beat"), self._rng.uniform(0.0, 1.0))

    def kill_console(self) -> None:
        """Receipts that come meanwhile find nobody."""
        self._stack.kill(self._one_of("console"), self._rng.uniform(0.0, 2.0))

    def kill_redis(self) -> None:
        self._stack.kill("redis", self._rng.uniform(0.0, 1.5))

    def empty_redis(self) -> None:
        self._stack.empty_redis(self._rng.uniform(0.0, 1.0))

    def flush_redis(self) -> None:
        self._redis.flushall()

    def cut_redis(self) -> None:
        self._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def demote_redis(self) -> None:
        """It follows a master that is not there: it answers, and takes no writes."""
        self._redis.replicaof("127.0.0.1", 1)
        try:
            self._wait(0.5, 3.0)
        finally:
            self._redis.replicaof("NO", "ONE")

    def set_redis(self, name: str, value: int) -> None:
        """It refuses what would write, for a while."""
        self._redis.config_set(name, value)
        try:
            self._wait(0.5, 3.0)
        finally:
            self._redis.config_set(name, 0)

    def deliver_again(self) -> None:
        """Tasks that are waiting or in work, and old ones, as a broker that forgot that it had delivered them."""
        until = time.monotonic() + 0.8
        while time.monotonic() < until:
            self._seen.extend(self._tasks())
            time.sleep(0.02)
        chosen = self._rng.sample(list(self._seen), min(40, len(self._seen)))
        for payload in chosen:
            self._redis.lpush(CALLS, payload)

    def _tasks(self) -> list[str]:
        waiting = [one.decode() for one in self._redis.lrange(CALLS, 0, -1)]
        in_work = [json.loads(one) for one in self._redis.hvals("unacked")]
        return [*waiting, *(json.dumps(message) for message, _exchange, queue in in_work if queue == CALLS)]

    def disturb_proxy(self, kinds: Sequence[str]) -> None:
        """For a second, a third of the requests meet a fault."""
        chosen = self._rng.sample(kinds, min(3, len(kinds)))
        shares = {kind: self._rng.uniform(0.06, 0.45) / len(chosen) for kind in chosen}
        self._set_faults(shares)
        self._wait(0.5, 1.5)
        self._set_faults({})

    def _set_faults(self, shares: Mapping[str, float]) -> None:
        loopback.post(f"{self._stack.info.urls['proxy']}/_faults", json=shares)

    def send_absurd_receipts(self) -> None:
        """They come to the address that the account's provider knows, and are about nobody's call."""
        vendor = self._rng.choice(list(self._stack.settings.accounts))
        hostile = Hostile(vendor, self._rng.randrange(2**32), call="nobody's")
        address = receipt_url(self._stack.settings, vendor)
        for _ in range(ABSURD_RECEIPTS):
            loopback.post(str(address), content=hostile.reply(["nobody's"]).body, timeout=5)

    def _befall(self, fault: Callable[[float], None]) -> None:
        fault(self._rng.triangular(0.3, 4.0, 0.3))

    def fill_disk(self) -> None:
        """Nobody can write a byte more: neither ledger nor log, nor Redis, nor what beat keeps."""
        pids = [self._stack.pid(name) for kind in ("worker", "beat", "console") for name in self._stack.names(kind)]
        with self._disk.full(pids):
            self._wait(0.3, 4.0)
        self._store.repair()

    def _wait(self, least: float, most: float) -> None:
        """Seldom for the most, often for the least."""
        time.sleep(self._rng.triangular(least, most, least))

    def _one_of(self, kind: str) -> str:
        return self._rng.choice(self._stack.names(kind))
