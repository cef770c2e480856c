"""What an operator or a machine orders, with real workers at work: pause, stop, cancel – and a store that is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.operations import control
from tests.chaos import disk as disks
from tests.chaos import stack as stacks
from tests.chaos import stores
from tests.chaos.faults import Faults
from tests.chaos.stack import FaultyStack
from tests.chaos.storm import reserved_numbers
from tests.support import loopback
from tests.support.patience import PATIENCE
from workers.clock import now_utc
from workers.ledger import open_ledger

SPEED = 8.0
CAMPAIGN = """\
campaign: {name}
account: {vendor}
contacts: {{file: {name}.csv}}
message: {{media: "2034"}}
caller_id: "+18005550100"
pace: 6
"""
A_SECOND = timedelta(seconds=1)
TWINS = ("beat2", "console2")  # storms have them: here they would only work twice

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


class Scene:
    """A stack on one store, with campaigns that take long enough to be interfered with."""

    def __init__(self, folder: Path, stack: FaultyStack, store: stores.Store, disk: disks.Disk, ledger: Ledger) -> None:
        self.stack, self.store, self.disk, self.ledger = stack, store, disk, ledger
        self._folder = folder
        self._numbers = (number for number in reserved_numbers(15_000) if number[-2:] < "11")  # they answer

    def campaign(self, name: str, vendor: str = "webex", contacts: int = 150) -> str:
        (self._folder / f"{name}.csv").write_text("\n".join(["phone", *islice(self._numbers, contacts)]) + "\n")
        file = self._folder / f"{name}.yaml"
        file.write_text(CAMPAIGN.format(name=name, vendor=vendor))
        checked = check(file, {key: one.model_copy(update={"sandbox": True}) for key, one in self._accounts()})
        return launch(self.ledger, checked, who="test", now=now_utc()).id

    def calling(self, name: str, vendor: str = "webex") -> str:
        """A campaign that has begun to call."""
        campaign = self.campaign(name, vendor)
        self.wait_for_calls(5)
        return campaign

    def cancel(self, campaign: str) -> None:
        control.cancel(self.ledger, campaign, who="test", now=now_utc())

    def _accounts(self) -> Sequence[tuple[str, Any]]:
        return list(self.stack.settings.accounts.items())

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = loopback.get(f"{self.stack.sandbox_url}/_calls").json()
        return found

    def placed_since(self, moment: datetime) -> list[str]:
        return [call["to"] for call in self.calls() if datetime.fromisoformat(call["placed_at"]) > moment]

    def wait_for_calls(self, more: int) -> None:
        before = len(self.calls())
        self.wait(lambda: len(self.calls()) >= before + more)

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come to that in time"
            time.sleep(0.1)

    def count(self, table: Any, **where: str) -> int:
        query = select(func.count()).select_from(table)
        for column, value in where.items():
            query = query.where(table.c[column] == value)
        with self.ledger.reading() as db:
            return db.scalar(query) or 0

    def log(self, *names: str) -> str:
        return "".join((self.stack.folder / "logs" / f"{name}.log").read_text() for name in names)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("orders")
    with (
        disks.small() as disk,
        stores.opened(request.param, disk.folder) as store,
        stacks.opened(disk.folder / "stack", store.url, seed=1, speed=SPEED, workers=2, without=TWINS) as stack,
    ):
        ledger = open_ledger(stack.settings)
        try:
            yield Scene(folder, stack, store, disk, ledger)
        finally:
            ledger.close()


def restart(stack: FaultyStack, *kinds: str) -> None:
    for kind in kinds:
        for name in stack.names(kind):
            stack.kill(name, 0.0)


def test_a_pause_is_silence_a_second_later_and_outlives_every_process(scene):
    campaign = scene.calling("paused")
    control.pause(scene.ledger, campaign, who="test", now=now_utc())
    paused_at = now_utc()
    time.sleep(2.5)
    restart(scene.stack, "worker", "beat")
    time.sleep(5)
    assert scene.placed_since(paused_at + A_SECOND) == []
    scene.wait(lambda: scene.count(contacts, campaign_id=campaign, status="placed") == 0)
    assert scene.count(contacts, campaign_id=campaign, status="claimed") == 0
    control.resume(scene.ledger, campaign, who="test", now=now_utc())
    scene.wait_for_calls(3)
    scene.cancel(campaign)


def test_a_cancelled_campaign_stays_silent(scene):
    campaign = scene.calling("cancelled")
    scene.cancel(campaign)
    cancelled_at = now_utc()
    time.sleep(2)
    restart(scene.stack, "worker", "beat")
    time.sleep(4)
    assert scene.placed_since(cancelled_at + A_SECOND) == []
    assert scene.count(contacts, campaign_id=campaign, status="cancelled") > 80


def test_a_worker_that_is_told_to_stop_starts_no_call_and_cuts_none(scene):
    campaign = scene.campaign("stopped")
    loopback.post(f"{scene.stack.sandbox_url}/_config", json={"latency": 1.0}).raise_for_status()
    try:
        scene.wait_for_calls(8)
        told_at = now_utc()
        with ThreadPoolExecutor() as hands:
            list(hands.map(lambda name: scene.stack.end(name, 3.0), scene.stack.names("worker")))
        back_at = now_utc() - 3 * A_SECOND
    finally:
        loopback.post(f"{scene.stack.sandbox_url}/_config", json={"latency": 0.0}).raise_for_status()
    scene.cancel(campaign)
    since = scene.placed_since(told_at + A_SECOND)
    assert [to for to in since if to not in scene.placed_since(back_at)] == [], "only what was on its way already"
    with scene.ledger.reading() as db:
        unanswered = db.scalars(
            select(attempts.c.id).where(attempts.c.campaign_id == campaign, attempts.c.doubted_at.is_not(None))
        ).all()
    assert unanswered == [], "every request had its answer, and the ledger has it"


def test_without_its_store_nothing_is_dialed_and_it_goes_on_by_itself(scene):
    campaign = scene.calling("storeless")
    began = now_utc()
    scene.store.pause(6.0)
    back = now_utc()
    silent = [to for to in scene.placed_since(began + 2 * A_SECOND) if to not in scene.placed_since(back)]
    assert silent == []
    scene.wait_for_calls(5)
    scene.cancel(campaign)
    if scene.store.name == "PostgreSQL":
        assert "nothing is dialed" in scene.log("worker1", "worker2")


def test_while_redis_is_away_nothing_is_dialed_and_it_goes_on_by_itself(scene):
    campaign = scene.calling("redisless")
    with ThreadPoolExecutor(1) as hands:
        away = hands.submit(scene.stack.kill, "redis", 8.0)
        time.sleep(2.5)  # who had a token already has sent its request
        silent_from = now_utc()
        time.sleep(4.0)
        silent_until = now_utc()
        since = set(scene.placed_since(silent_from)) - set(scene.placed_since(silent_until))
        away.result()
    assert since == set()
    scene.wait_for_calls(5)
    scene.cancel(campaign)
    called = [call["to"] for call in scene.calls()]
    assert len(called) == len(set(called)), "each number is in one campaign once, and answers"


def test_a_redis_that_takes_no_writes_ends_no_process_and_dialing_goes_on_by_itself(scene):
    campaign = scene.calling("writeless")
    before = {name: scene.stack.pid(name) for name in scene.stack.children}
    faults = Faults(scene.stack, scene.store, scene.disk, Random(3))
    for refuse in (
        faults.demote_redis,
        lambda: faults.set_redis("min-replicas-to-write", 1),
        lambda: faults.set_redis("maxmemory", 1),
    ):
        refuse()
        scene.wait_for_calls(3)
    assert {name: scene.stack.pid(name) for name in scene.stack.children} == before
    scene.cancel(campaign)


def test_on_a_full_disk_nothing_is_half_written_and_it_goes_on_by_itself(scene):
    campaign = scene.calling("full", vendor="callgear")
    Faults(scene.stack, scene.store, scene.disk, Random(1)).fill_disk()
    scene.wait_for_calls(10)
    scene.cancel(campaign)
    with scene.ledger.reading() as db:
        known = {str(one) for one in db.scalars(select(attempts.c.id).where(attempts.c.campaign_id == campaign))}
        whole = db.exec_driver_sql("PRAGMA integrity_check").scalar() if scene.store.name == "SQLite" else "ok"
    mine = [call for call in scene.calls() if call["vendor"] == "callgear"]
    assert {call["correlation_id"] for call in mine} <= known
    assert len({call["correlation_id"] for call in mine}) == len({call["to"] for call in mine}) == len(mine)
    assert whole == "ok"
