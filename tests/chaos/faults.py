"""The faults: what is thrown at a stack while its campaigns run. Each says by name what it did."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import httpx
import redis

from tests.chaos.proxy import KINDS
from tests.chaos.stack import FaultyStack
from tests.chaos.stores import Store

CALLS = "calls"
REMEMBERED = 300  # tasks that may be delivered again, however old


class Faults:
    """Throws one fault after another, chosen by chance, and counts them by name."""

    def __init__(self, stack: FaultyStack, store: Store, rng: Random, only: Sequence[str] | None = None) -> None:
        self.thrown: Counter[str] = Counter()
        self._stack = stack
        self._store = store
        self._rng = rng
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._redis = redis.Redis.from_url(stack.redis_url, socket_timeout=2, socket_connect_timeout=2)
        every: Mapping[str, tuple[int, Callable[[], None]]] = {
            "worker killed": (14, self.kill_worker),
            "worker told to stop": (3, self.end_worker),
            "worker frozen": (10, self.freeze_worker),
            "beat killed": (4, self.kill_beat),
            "console killed": (6, self.kill_console),
            "Redis killed": (5, self.kill_redis),
            "Redis killed and emptied": (4, self.empty_redis),
            "Redis flushed": (8, self.flush_redis),
            "Redis connections cut": (8, self.cut_redis),
            "tasks delivered again": (16, self.deliver_again),
            "requests cut or late": (20, self.disturb_proxy),
            "database gone": (7, self.pause_store),
            "disk full": (5, self.fill_disk),
        }
        self._choices = {name: choice for name, choice in every.items() if only is None or name in only}
        self._first = rng.sample(list(self._choices), len(self._choices))

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
        counted: Mapping[str, int] = httpx.get(f"{self._stack.info.urls['proxy']}/_faults", trust_env=False).json()
        return counted

    def kill_worker(self) -> None:
        self._stack.kill(self._one_of("worker"), self._rng.uniform(0.0, 1.0))

    def end_worker(self) -> None:
        self._stack.end(self._one_of("worker"), 0.1)

    def freeze_worker(self) -> None:
        """For longer than its claims' leases, and often in the middle of something."""
        pid = self._stack.pid(self._one_of("worker"))
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._rng.uniform(0.5, 7.0))
        os.kill(pid, signal.SIGCONT)

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

    def disturb_proxy(self) -> None:
        """For a second, a third of the requests meet a fault."""
        shares = {kind: self._rng.uniform(0.02, 0.15) for kind in self._rng.sample(KINDS, 3)}
        self._set_faults(shares)
        time.sleep(self._rng.uniform(0.5, 1.5))
        self._set_faults({})

    def _set_faults(self, shares: Mapping[str, float]) -> None:
        httpx.post(f"{self._stack.info.urls['proxy']}/_faults", json=shares, trust_env=False)

    def pause_store(self) -> None:
        self._store.pause(self._rng.uniform(0.5, 3.0))

    def fill_disk(self) -> None:
        """No worker can lengthen a file: the kernel refuses it, as it does when the disk is full."""
        pids = [self._stack.pid(name) for name in self._stack.names("worker")]
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        time.sleep(self._rng.uniform(0.3, 1.5))
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def _one_of(self, kind: str) -> str:
        return self._rng.choice(self._stack.names(kind))


def memory(pid: int) -> int:
    """The bytes that a process holds in memory; 0 when it is gone."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    return 0
