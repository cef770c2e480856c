"""Under fire: the usual Celery recipe and the dialer, under the same faults.

The judge is the sandbox's log. `make chaos` throws more faults at more contacts.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import httpx
import redis

from benchmarks import naive
from benchmarks.figures import Figures
from dialer.sandbox.numbers import ReservedBehaviour, behaviour_of
from tests.chaos import stack as stacks
from tests.chaos.disk import Disk
from tests.chaos.faults import CALLS, Faults
from tests.chaos.stores import SqliteStore
from tests.chaos.storm import VENDORS, Plan, reserved_numbers, run
from tests.chaos.verdict import doubles
from workers.stack.programs import Modules

CONTACTS, FAULTS, EVERY, SEED = 700, 40, 0.3, 11
KINDS = (
    "worker killed",
    "worker frozen",
    "Redis killed",
    "Redis flushed",
    "Redis connections cut",
    "tasks delivered again",
    "requests cut or late",
)
FORGETTING = ("Redis killed", "Redis flushed")
NEVER_PLACED = {ReservedBehaviour.BLACKLISTED, ReservedBehaviour.REFUSED, ReservedBehaviour.CUT_BEFORE}
QUIET_SECONDS, PATIENCE = 30.0, 240.0


def measure() -> Iterator[Figures]:
    """Run both, one after the other."""
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        theirs = _naive(Path(folder), KINDS)
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        spared = _naive(Path(folder), [kind for kind in KINDS if kind not in FORGETTING])
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        plan = Plan(store="sqlite", contacts=CONTACTS, faults=FAULTS, every=EVERY, seed=SEED, only=KINDS)
        judged = run(plan, Path(folder)).judged.values()
    ours = (
        sum(one.calls for one in judged),
        sum(len(one.doubles) for one in judged),
        sum(len(one.lost) for one in judged),
        sum(one.finals.get("unknown", 0) for one in judged),
    )
    yield Figures(
        title="People called twice, people lost",
        columns=("recipe", "contacts", "calls", "called twice", "never called, and nobody knows", "named for a person"),
        rows=[
            ("one task a contact, `retry(countdown)`, late acks", str(2 * CONTACTS), *map(str, theirs), "-"),
            ("the same, its Redis never killed or flushed", str(2 * CONTACTS), *map(str, spared), "-"),
            ("ours", str(2 * CONTACTS), *map(str, ours)),
        ],
        note=f"{FAULTS} faults of {len(KINDS)} kinds at both vendors ({', '.join(KINDS)}), the same for both.",
    )


def _naive(folder: Path, kinds: Sequence[str]) -> tuple[int, int, int]:
    numbers = {vendor: reserved_numbers(CONTACTS, skip=index) for index, vendor in enumerate(VENDORS)}
    store = SqliteStore(folder / "none.sqlite3")
    modules = Modules(celery="benchmarks.naive")
    manner = {"seed": SEED, "speed": 8.0, "workers": 3, "modules": modules, "without": ("beat", "console")}
    with stacks.opened(folder / "stack", store.url, **manner) as stack:
        _publish(stack, numbers)
        faults = Faults(stack, store, Disk(folder, mounted=False), Random(SEED), kinds)
        for _ in range(FAULTS):
            faults.throw()
            time.sleep(EVERY)
        calls = _until_quiet(stack)
    twice = never = 0
    for vendor, mine in numbers.items():
        made = [call for call in calls if call["vendor"] == vendor]
        called = {str(call["to"]) for call in made}
        twice += len(doubles(made, max_attempts=1))
        never += len([to for to in mine if to not in called and behaviour_of(to) not in NEVER_PLACED])
    return len(calls), twice, never


def _publish(stack: stacks.FaultyStack, numbers: Mapping[str, Sequence[str]]) -> None:
    naive.app.conf.broker_url = stack.redis_url
    with naive.app.connection_for_write() as connection, connection.Producer() as producer:
        for vendor, mine in numbers.items():
            for to in mine:
                naive.call.apply_async((stack.info.urls["proxy"], vendor, to), producer=producer)


def _until_quiet(stack: stacks.FaultyStack) -> list[Mapping[str, object]]:
    """The sandbox's log, once nothing waits and no call has come for a while."""
    broker = redis.Redis.from_url(stack.redis_url)
    until, quiet_since, before = time.monotonic() + PATIENCE, time.monotonic(), -1
    while time.monotonic() < until:
        calls: list[Mapping[str, object]] = httpx.get(f"{stack.sandbox_url}/_calls", timeout=60, trust_env=False).json()
        if len(calls) != before or broker.llen(CALLS):
            before, quiet_since = len(calls), time.monotonic()
        if time.monotonic() - quiet_since > QUIET_SECONDS:
            break
        time.sleep(1)
    broker.close()
    return calls
