"""Status never says that it is dialing while nobody dials: each reason is provoked on one real stack.

Every door – `status`, `explain`, `start`, `watch`, the API, the pages and `/readyz` – says the same of it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import redis
from celery import Celery

from campaigns.ledger import queries
from campaigns.ledger.store import Ledger
from campaigns.reporting.glossary.sentences import plain
from campaigns.reporting.hold_reason import HoldKind, HoldReason, hold_reason
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import loopback
from tests.support.console_server import without_table
from tests.support.dialers import wait_for
from tests.support.seeding import numbers
from tests.support.shell import CAMPAIGN, SETTINGS, Shell
from workers.inspection import Inspection, surroundings
from workers.settings import Settings
from workers.stack.environment import environment
from workers.stack.info import StackInfo, running_stack

FIXED = 20  # characters, before a figure that changes
FEW_THREADS = "\n[worker]\nthreads = 3\n"
SLOW = "pace: 1.5\nretry: {max_attempts: 1}\n"  # calls enough for as long as the reasons last


@dataclass
class Scene:
    """A folder with a stack that dials a long campaign."""

    shell: Shell
    ledger: Ledger
    settings: Settings

    @property
    def info(self) -> StackInfo:
        info = running_stack(self.settings.data_dir)
        assert info is not None
        return info

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(environment(self.settings, self.info)["DIALER_REDIS__URL"], socket_timeout=30)

    def reason(self) -> HoldReason:
        with self.ledger.reading() as db:
            campaign = queries.campaign(db, "long")
            return hold_reason(db, campaign, datetime.now(UTC), surroundings(self.settings))

    def wait_until(self, kind: HoldKind) -> None:
        wait_for(lambda: self.reason().kind is kind, every=0.2)

    @property
    def console(self) -> httpx.Client:
        password = (self.settings.data_dir / "password").read_text().strip()
        return loopback.client(base_url=self.info.urls["console"], auth=("operator", password))

    def everywhere(self) -> set[str]:
        """What the doors say it is."""
        status = self.shell.run("status", "long", "--json").json["kind"]
        explained = self.shell.run("explain", "long", "--json").json["kind"]
        with self.console as http:
            return {status, explained, http.get("/api/v1/campaigns/long").json()["kind"]}

    def page(self) -> str:
        with self.console as http:
            return http.get("/campaigns/long").text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    shell = Shell.prepared(tmp_path_factory.mktemp("why"), settings=SETTINGS + FEW_THREADS)
    shell.write("long.yaml", CAMPAIGN.replace("first", "long") + SLOW)
    shell.write("long.csv", "phone,name\n" + "".join(f"{phone},Ann\n" for phone in numbers(1000, area=212)))
    data = shell.folder / ".dialer"
    up = shell.begin("up", "--sandbox", "--workers", "1", "--speed", "10")
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite3'}")
    try:
        wait_for(lambda: running_stack(data) is not None)
        scene = Scene(shell, ledger, Settings(data_dir=data))
        wait_for(lambda: surroundings(scene.settings).look() is None, every=0.5)  # the first tick has come
        started = shell.run("start", "long.yaml", "--skip-rejects", "--json")
        assert (started.code, started.json["trouble"]) == (0, None)
        yield scene
    finally:
        ledger.close()
        shell.end(up)


@contextmanager
def stopped(scene: Scene, name: str) -> Iterator[None]:
    """A program that neither works nor ends."""
    pid = scene.info.pids[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def configured(scene: Scene, name: str, value: str, before: str) -> Iterator[None]:
    """Redis with another option."""
    with scene.redis as server:
        server.config_set(name, value)
    yield
    with scene.redis as server:
        server.config_set(name, before)


@contextmanager
def a_replica(scene: Scene) -> Iterator[None]:
    """Redis as it is in the middle of a failover."""
    with scene.redis as server:
        server.replicaof("127.0.0.1", 1)
    yield
    with scene.redis as server:
        server.replicaof("NO", "ONE")


@contextmanager
def no_consumer(scene: Scene) -> Iterator[None]:
    """What Flower's button does."""
    with Celery("stranger", broker=environment(scene.settings, scene.info)["DIALER_REDIS__URL"]) as app:
        app.control.cancel_consumer("calls", reply=True)
        yield
        app.control.add_consumer("calls", reply=True)


@contextmanager
def a_held_ledger(scene: Scene) -> Iterator[None]:
    """Somebody else writes and does not come to an end: every thread of the workers waits."""
    db = sqlite3.connect(scene.settings.data_dir / "ledger.sqlite3", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.rollback()
    db.close()


PROVOKED: dict[HoldKind, tuple[Callable[[Scene], AbstractContextManager[None]], str]] = {
    HoldKind.NO_CONSUMER: (no_consumer, "no consumer"),
    HoldKind.NO_BEAT: (lambda scene: stopped(scene, "beat"), "beat does not run"),
    HoldKind.NO_WORKER: (lambda scene: stopped(scene, "worker1"), "no worker runs"),
    HoldKind.WORKERS_HANG: (a_held_ledger, "all their threads wait"),
    HoldKind.LEDGER_AWAY: (lambda scene: without_table(scene.ledger, "breakers"), "breakers"),
    HoldKind.REDIS_REFUSES: (a_replica, "read-only"),
    HoldKind.REDIS_AWAY: (lambda scene: stopped(scene, "redis"), "Redis does not answer"),
}
READY_WITHOUT = {HoldKind.NO_CONSUMER}  # ticks come


@pytest.mark.parametrize("kind", PROVOKED)
def test_each_reason_is_told_by_every_door_and_passes(scene, kind):
    provoke, words = PROVOKED[kind]
    scene.wait_until(HoldKind.DIALING)
    assert scene.everywhere() == {HoldKind.DIALING}
    with provoke(scene):
        scene.wait_until(kind)
        assert words in scene.reason().words
        assert scene.everywhere() == {kind}
        assert plain(scene.reason().words)[1:FIXED] in scene.page()  # it begins with a capital there
        with scene.console as http:
            assert (http.get("/healthz").status_code, http.get("/readyz?need=ledger").status_code) == (200, 200)
            assert http.get("/readyz").status_code == (200 if kind in READY_WITHOUT else 503)
            assert (f'dialer_trouble{{kind="{kind}"}} 1.0' in http.get("/metrics").text) == (kind not in READY_WITHOUT)
    scene.wait_until(HoldKind.DIALING)


def test_a_redis_that_is_full_is_told_from_one_that_is_away(scene):
    scene.wait_until(HoldKind.DIALING)
    with configured(scene, "maxmemory", "1", "0"):
        wait_for(lambda: Inspection(scene.settings).trouble() is not None)
        trouble = Inspection(scene.settings).trouble()
    assert trouble
    assert (trouble.kind.value, "memory is used up" in trouble.words) == ("redis_refuses", True)


def test_a_readiness_that_is_asked_for_tells_how_old_the_last_tick_is(scene):
    scene.wait_until(HoldKind.DIALING)
    with scene.console as http:
        wait_for(lambda: http.get("/readyz").status_code == 200, every=0.2)
        assert http.get("/readyz").json()["tick_seconds"] < 10
        assert http.get("/readyz?need=ledger").json() == {"ready": True, "missing": []}
        assert http.get("/readyz?need=soup").status_code == 422
        http.auth = None
        assert (http.get("/readyz").status_code, http.head("/healthz").status_code) == (200, 200)


def test_where_no_stack_runs_start_says_so_at_once(tmp_path: Path):
    shell = Shell.prepared(tmp_path)
    with running(SandboxConfig()) as sandbox:
        there = {"DIALER_ACCOUNTS__MAIN__BASE_URL": f"{sandbox.url}/v4.0"}
        started = shell.run("start", "first.yaml", **there)
        assert (started.code, "the dialer is not running" in started.err, "dialer up" in started.err) == (0, True, True)
    assert shell.run("status", "first", "--json").json["kind"] == HoldKind.NO_STACK
    assert shell.run("explain", "first", "--json").json["kind"] == HoldKind.NO_STACK
    assert "the dialer is not running" in shell.run("status").out
    shell.run("pause", "first")
    resumed = shell.run("resume", "first")
    assert "the dialer is not running" in resumed.err
    shell.run("cancel", "first")
    assert "the dialer is not running" in shell.run("redial", "first", "--outcome", "cancelled").err
