"""What a rehearsal works with: the parts of a worker process, on one clock, beside a sandbox."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import redis
from anyio.from_thread import BlockingPortal

from campaigns.ledger.migrations import upgrade
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger
from campaigns.runtime import Runtime
from campaigns.settlement.receipts import apply_heard
from dialer.account import Account, limits_of
from dialer.account_settings import AccountSettings
from dialer.bucket import TokenBucket, connect
from dialer.bucket.limits import Slots
from dialer.calls import Receipt
from dialer.deadline import Deadline
from dialer.errors import DialerError
from dialer.http import HttpReply
from dialer.providers.registry import PROVIDERS, provider_for
from dialer.sandbox.shared_config import Odds
from dialer.transport.admission import Admission
from dialer.transport.departure import Departures
from dialer.transport.flight import InFlightRequests, Place
from dialer.transport.session import Session
from dialer.transport.signed_posts import Message, SignedPosts
from workers.rehearsal.sandbox import InnerSandbox, SandboxCarrier, config, receipts_url
from workers.rehearsal.virtual_time import TurnPortal, TurnQueue, Turns, VirtualLoop
from workers.secrets import hash_key
from workers.settings import Settings
from workers.stack import child
from workers.stack.redis_server import SOCKET, find_server

STARTS_WITHIN = 20.0
RECEIPTS_TOGETHER = 0.5  # seconds, by the rehearsal's clock


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of this process alone, removed at the end of the block with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="dialer-rehearsal-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def scratch_ledger(folder: Path, settings: Settings) -> Iterator[Ledger]:
    """An empty ledger in this folder; its hashes of numbers are those of the real one."""
    file = folder / "ledger.sqlite3"
    file.write_bytes(_empty_ledger())
    ledger = Ledger(f"sqlite:///{file}", hash_key=hash_key(settings), durable=False)
    try:
        yield ledger
    finally:
        ledger.close()


@cache
def _empty_ledger() -> bytes:
    """The file of a ledger in which nothing stands yet: its tables take a second to make."""
    with tempfile.TemporaryDirectory(prefix="dialer-rehearsal-") as folder:
        file = Path(folder) / "empty.sqlite3"
        ledger = Ledger(f"sqlite:///{file}", durable=False)
        try:
            upgrade(ledger)
        finally:
            ledger.close()
        return file.read_bytes()


@contextmanager
def scratch_redis(folder: Path) -> Iterator[redis.Redis]:
    """A Redis of this process alone, which never outlives it: no bucket of a real account is in it."""
    command = find_server().scratch_command(folder)
    launcher = (sys.executable, "-I", "-S", child.__file__, str(os.getpid()), "become")
    process = subprocess.Popen((*launcher, *command), stdout=subprocess.DEVNULL)
    try:
        server = connect(f"unix://{folder / SOCKET}")
        try:
            _wait_for(server, process)
            yield server
        finally:
            server.close()
    finally:
        process.terminate()
        process.wait()


def _wait_for(server: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            server.ping()
            return
        except redis.RedisError as exc:
            if process.poll() is not None or time.monotonic() > until:
                message = f"the Redis of the rehearsal does not start ({type(exc).__name__})"
                raise DialerError(message, "see that there is room in the temporary folder") from None
            time.sleep(0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The clock with its loop and turns, and what the steps of the dial path are handed."""

    loop: VirtualLoop
    turns: Turns
    runtime: Runtime


@contextmanager
def opened(
    ledger: Ledger,
    server: redis.Redis,
    accounts: Mapping[str, AccountSettings],
    chances: Odds,
    *,
    begins: datetime,
    seed: int,
    settings: Settings,
    heard: Callable[[], None],
) -> Iterator[Parts]:
    """The parts, for accounts at the sandbox (`sandbox.pointed`); `heard` is called when receipts came."""
    loop = VirtualLoop(begins)
    turns, dialing = Turns(loop), dict[str, Account]()
    name, first = next(iter(accounts.items()))
    door = _ReceiptDoor(ledger, dialing, loop, turns, heard)
    sandbox = InnerSandbox(config(first, name, chances, seed), loop, door.take)
    portal = TurnPortal(turns)
    for account_name, account in accounts.items():
        dialing[account_name] = _account(account_name, account, server, sandbox, portal, turns, loop)
    try:
        yield Parts(
            loop=loop,
            turns=turns,
            runtime=Runtime(
                alone=True,
                ledger=ledger,
                accounts=dialing,
                clock=loop.now,
                rng=Random(seed),
                notify_url=receipts_url,
                horizon=settings.worker.horizon_seconds,
                lease=settings.worker.lease_seconds,
                posts=_AllGo(portal, key=""),
                steady=loop.unix_seconds,
                sleep=turns.sleep,
                deadline=partial(Deadline, wall=loop.now, steady=loop.unix_seconds),
            ),
        )
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(sandbox.aclose())
        loop.close()


class _ReceiptDoor:
    """Stores receipts and applies them as the console does: together with those that come while it is at it."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        loop: VirtualLoop,
        turns: Turns,
        heard: Callable[[], None],
    ) -> None:
        self._ledger, self._accounts, self._loop, self._turns, self._heard = ledger, accounts, loop, turns, heard
        self._came: list[Delivery] = []
        self._stored: asyncio.Task[None] | None = None

    async def take(self, account: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when the receipts are stored."""
        if receipts := self._accounts[account].provider.read_receipts(body, headers):
            self._came.append(Delivery(account=account, heard=receipts, body=body.decode("utf-8", "replace")))
            self._stored = self._stored or self._loop.create_task(self._store_soon())
            await asyncio.shield(self._stored)

    async def _store_soon(self) -> None:
        await asyncio.sleep(RECEIPTS_TOGETHER)
        came, self._came, self._stored = self._came, [], None
        await self._turns.run(self._store, came)
        self._heard()

    def _store(self, deliveries: Sequence[Delivery]) -> None:
        now, by_account = self._loop.now(), dict[str, list[Receipt]]()
        counts = self._ledger.write(store, deliveries, now=now)
        for delivery, new in zip(deliveries, counts, strict=True):
            if new:
                by_account.setdefault(delivery.account, []).extend(delivery.heard)
        for account, receipts in by_account.items():
            self._ledger.write(apply_heard, account, self._accounts[account].settings, receipts, now=now)


def _account(
    name: str,
    settings: AccountSettings,
    server: redis.Redis,
    sandbox: InnerSandbox,
    portal: TurnPortal,
    turns: Turns,
    loop: VirtualLoop,
) -> Account:
    provider = provider_for(settings, loop.now)
    bucket = VirtualBucket(
        server,
        name,
        limits_of(settings, follows=provider.follows),
        metered=PROVIDERS[settings.provider].metered,
        clock=loop.unix_seconds,
        sleep=turns.sleep,
    )

    def new_flight(on: BlockingPortal, place: Place) -> InFlightRequests:
        return InFlightRequests(on, place, TurnQueue(turns), turns.sleep)

    return Account(
        name=name,
        settings=settings,
        provider=provider,
        bucket=bucket,
        session=Session(provider, settings.timeout, account=name, client=SandboxCarrier(sandbox)),
        loop=portal,
        clock=loop.now,
        departures=Departures(bucket, _at_once),
        admission=_EverybodyAdmitted(),
        new_flight=new_flight,
    )


async def _at_once(ask: Callable[[], Slots]) -> Slots:
    return ask()


class VirtualBucket(TokenBucket):
    """A token bucket whose leases end by its clock: Redis has them expire by its own."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._lease_ends: dict[str, float] = {}

    def claim_lease(self, name: str, seconds: float) -> bool:
        if self._lease_ends.get(name, 0.0) > self.steady():
            return False
        self.extend_lease(name, seconds)
        return True

    def extend_lease(self, name: str, seconds: float) -> None:
        self._lease_ends[name] = self.steady() + seconds

    def release_lease(self, name: str) -> None:
        self._lease_ends.pop(name, None)

    def lease_ends(self, kind: str) -> datetime | None:
        """When the first of the leases that are held ends, of those whose name begins so; None where none is held."""
        held = (ends for name, ends in self._lease_ends.items() if name.startswith(kind))
        ends = min((ends for ends in held if ends > self.steady()), default=None)
        return None if ends is None else datetime.fromtimestamp(ends, UTC)


class _EverybodyAdmitted(Admission):
    """No machine is too busy on a clock that stands meanwhile."""

    def __init__(self) -> None:
        """It asks no loop: this one answers blocking functions in their turn only."""

    def wait_for_the_loop(self, departures: Collection[Departures] = ()) -> set[Departures]:
        return set()

    @property
    def preparation(self) -> float:
        return 0.0

    def learn_preparation(self, seconds: float) -> None:
        pass


class _AllGo(SignedPosts):
    """Answers in the place of the programs that are asked before dialing: every contact may be called."""

    def post(self, message: Message, *, now: datetime, timeout: float) -> HttpReply:
        return HttpReply(status=204)
