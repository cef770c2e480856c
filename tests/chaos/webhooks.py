"""Webhooks under fire: a receiver that is down, slow, ill or lying; workers killed, Redis emptied, the ledger away.

`python -m tests.chaos.webhooks` throws all of it at ten thousand events on each store, and judges what came.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import redis
from sqlalchemy import Connection, select, update

from campaigns.ledger.migrations import upgrade
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.ledger.tables import contacts, deliveries
from campaigns.lifecycle import ContactStatus, EventKind
from campaigns.operations.webhooks import subscriptions
from dialer.deadline import utc_now
from dialer.internal_networks import networks
from dialer.verdicts import Ruling, Verdict
from tests.chaos import stack as stacks
from tests.chaos import stores
from tests.support.seeding import dialing, numbers
from tests.support.settling import ruled
from tests.support.webhook_receiver import Event, Receiver, Told, listening

NAME = "chaos"
EVENTS_OF_A_CONTACT = 3  # its attempt, its end, and the correction of that
LOST_CALL = Ruling(verdict=Verdict.REFUSE_CONTACT, mnemonic="its_word")
TIMEOUT = 1.0
KINDS = [EventKind.ATTEMPT_FINISHED, EventKind.CONTACT_FINISHED]


class UnreliableReceiver:
    """A receiver whose manner changes; what it has taken it has answered with 204, whole."""

    def __init__(self) -> None:
        self.receiver = Receiver(answer=self.answer)
        self.taken: list[str] = []
        self.manner = "well"
        self._lock = threading.Lock()

    def answer(self, event: Event) -> Told:
        manner = self.manner
        if manner == "slow":
            time.sleep(1.5 * TIMEOUT)
        if manner == "ill":
            return 500, {}, b"x"
        if manner == "cutting":
            raise ConnectionError
        if manner == "lying":
            return 200, {"content-length": "100"}, b"half"
        with self._lock:
            self.taken.append(event.id)
        return 204, {}, b""

    @contextmanager
    def up(self, port: int = 0) -> Iterator[int]:
        with listening(self.receiver, port) as taken:
            self.receiver.url = f"http://127.0.0.1:{taken}/hook"
            yield taken


@dataclass(slots=True)
class WhatCame:
    """What came, beside what the ledger has."""

    written: int = 0
    came: int = 0
    twice: int = 0
    lost: Sequence[str] = ()
    strangers: Sequence[str] = ()
    out_of_order: Sequence[int] = ()
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.strangers or self.out_of_order)

    def told(self) -> str:
        """All of it in a line."""
        return (
            f"{self.written:,} events, {self.came:,} requests, {self.twice:,} events more than once under their ids, "
            f"{len(self.lost)} lost, {len(self.out_of_order)} contacts out of order, "
            f"{len(self.strangers)} unknown ids, {self.seconds:.0f} s, faults: {dict(self.faults)}"
        )


def judge(ledger: Ledger, receiver: UnreliableReceiver) -> WhatCame:
    """Compare what came with what the ledger's triggers have written."""
    with ledger.reading() as db:
        rows = db.execute(select(deliveries).where(deliveries.c.webhook == NAME).order_by(deliveries.c.id)).all()
    came, taken, written = receiver.receiver.came, set(receiver.taken), {row.event_id for row in rows}
    by_contact: dict[int, list[str]] = {}
    for row in rows:
        by_contact.setdefault(row.contact_id, []).append(row.event_id)
    firsts = {contact: [event.id for event in events] for contact, events in receiver.receiver.by_contact().items()}
    return WhatCame(
        written=len(rows),
        came=len(came),
        twice=sum(count > 1 for count in Counter(event.id for event in came).values()),
        lost=sorted(written - taken),
        strangers=sorted({event.id for event in came} - written),
        out_of_order=[contact for contact, ids in by_contact.items() if firsts.get(contact) != ids],
    )


def subscribe(ledger: Ledger, url: str) -> None:
    subscriptions.add(ledger, NAME, url, kinds=KINDS, allowed=networks(["127.0.0.1"]), who="chaos", now=utc_now())


def under_way(ledger: Ledger, contacts_: int) -> list[OpenAttempt]:
    """A call of each of so many contacts."""
    parts = [numbers(min(500, contacts_ - place), first=place) for place in range(0, contacts_, 500)]
    return [call for phones in parts for call in dialing(ledger, phones, now=utc_now())]


def happen(ledger: Ledger, calls: Sequence[OpenAttempt], pause: float) -> None:
    """End each of these calls, and correct its contact later, whatever befalls the ledger meanwhile."""
    for call in calls:
        _again(lambda call=call: ruled(ledger, call, LOST_CALL, utc_now()))
        time.sleep(pause)
    for call in calls:
        _again(lambda call=call: ledger.write(_correct, call.contact_id))


def _correct(db: Connection, contact_id: int) -> None:
    corrected = update(contacts).where(contacts.c.id == contact_id)
    db.execute(corrected.values(status=ContactStatus.REACHED, reason="answered"))


def _again(write: Callable[[], object]) -> None:
    while True:
        try:
            write()
            return
        except LedgerUnavailable:
            time.sleep(0.2)


def wait_until_told(ledger: Ledger, receiver: UnreliableReceiver, seconds: float) -> None:
    """Return when nothing waits any more."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(LedgerUnavailable):
            (hook,) = subscriptions.listed(ledger)
            if not hook.backlog.waiting:
                return
        time.sleep(0.3)
    raise AssertionError("not everything was told in time")


def storm(store_name: str, folder: Path, events: int, seconds: float, seed: int) -> WhatCame:
    """All faults, at real workers, for so many seconds; then all is well and what is left is told."""
    rng, receiver, faults = Random(seed), UnreliableReceiver(), Counter[str]()
    os.environ["DIALER_WEBHOOKS__INTERNAL_NETWORKS"] = '["127.0.0.1"]'
    os.environ["DIALER_WEBHOOKS__TIMEOUT"] = str(TIMEOUT)
    with stores.opened(store_name, folder) as store:
        ledger = Ledger(store.url)
        upgrade(ledger)
        calls = under_way(ledger, events // EVENTS_OF_A_CONTACT)  # before anybody releases or settles any
        with stacks.opened(folder / "stack", store.url, seed=seed, speed=5, workers=3) as stack:
            began = time.monotonic()
            server = receiver.up()
            port = server.__enter__()
            subscribe(ledger, receiver.receiver.url)
            pause = seconds / len(calls)
            makers = [
                threading.Thread(target=happen, args=(ledger, calls[part::4], 4 * pause), daemon=True)
                for part in range(4)
            ]
            for maker in makers:
                maker.start()
            redis_ = redis.Redis.from_url(stack.redis_url)

            def down() -> None:
                nonlocal server
                server.__exit__(None, None, None)
                time.sleep(rng.uniform(1, 4))
                server = receiver.up(port)
                server.__enter__()

            def manner(name: str) -> Callable[[], None]:
                def change() -> None:
                    receiver.manner = name
                    time.sleep(rng.uniform(1, 4))
                    receiver.manner = "well"

                return change

            thrown: dict[str, Callable[[], object]] = {
                "receiver down": down,
                **{f"receiver {name}": manner(name) for name in ("slow", "ill", "cutting", "lying")},
                "worker killed": lambda: stack.kill(rng.choice(stack.names("worker")), 0.2),
                "beat killed": lambda: stack.kill(rng.choice(stack.names("beat")), 0.2),
                "console killed": lambda: stack.kill(rng.choice(stack.names("console")), 0.2),
                "Redis emptied": redis_.flushall,
                "Redis killed and emptied": lambda: stack.empty_redis(0.5),
                "ledger away": lambda: store.pause(rng.uniform(1, 3)),
            }
            while time.monotonic() < began + seconds:
                name = rng.choice(list(thrown))
                with suppress(redis.RedisError):
                    thrown[name]()
                faults[name] += 1
                time.sleep(rng.uniform(0.5, 2))
            store.repair()
            for maker in makers:
                maker.join()
            for action in (subscriptions.pause, subscriptions.resume):  # whoever mends a receiver need not wait
                _again(lambda action=action: action(ledger, NAME, who="chaos", now=utc_now()))
            wait_until_told(ledger, receiver, 600)
            verdict = judge(ledger, receiver)
            verdict.seconds, verdict.faults = time.monotonic() - began, faults
            server.__exit__(None, None, None)
        ledger.close()
    return verdict


def main() -> int:
    """0 when nothing was lost and nothing was out of order."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.webhooks")
    asked.add_argument("--store", action="append", choices=stores.STORES)
    asked.add_argument("--events", type=int, default=10_000)
    asked.add_argument("--seconds", type=float, default=120.0, help="for which faults are thrown")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    sound = True
    for store in given.store or ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="dialer-webhooks-") as folder:
            Path(folder).chmod(0o755)
            verdict = storm(store, Path(folder), given.events, given.seconds, given.seed)
        print(f"{store}: {verdict.told()}")  # noqa: T201
        sound = sound and verdict.sound
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
