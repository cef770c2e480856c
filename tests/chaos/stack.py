"""A whole stack of real processes: Redis, sandbox, proxy, consoles, workers, beats, each of which can be killed."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from pydantic import SecretStr

from dialer.providers.registry import account_settings
from dialer.redis_address import RedisAddress
from tests.support import loopback
from tests.support.dialers import wait_for
from tests.support.forked_child import ForkedChild
from tests.support.sentinel import MASTER, write_config
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings, RedisSettings, WorkerSettings
from workers.stack.environment import environment
from workers.stack.health import http_ok, redis_pings
from workers.stack.info import StackInfo
from workers.stack.ports import Ports
from workers.stack.processes import Child, Program
from workers.stack.programs import Modules, ProgramPlan
from workers.stack.redis_server import find_server

ROOT = Path(__file__).parents[2]
MEND_SECONDS = 0.3
FAILED_OVER_WITHIN = 60.0
ACCOUNT: dict[str, Any] = {"pace": 40, "timeout": 2}
WORKER = {"lease_seconds": 5, "threads": 16}
SANDBOX = {
    "points_per_minute": 1_000_000,
    "points_per_day": 10_000_000,
    "webex_tps": 60,
    "late_seconds": 4,
    "shown_talking": 0,
}


class FaultyStack:
    """Everything a campaign needs, by name: redis, sandbox, proxy, console1…, worker1…, beat1…"""

    def __init__(
        self,
        folder: Path,
        ledger_url: str,
        *,
        seed: int,
        speed: float,
        workers: int,
        modules: Modules | None = None,
        without: Sequence[str] = (),
        sentinel: bool = False,
        account: Mapping[str, Any] = ACCOUNT,
    ) -> None:
        """`modules` says what the workers run; `without` names kinds of children that this stack has none of.

        `account` is what the settings of both accounts have in common.

        `sentinel`: there are two Redis servers, and a Sentinel says which of them is the master.
        """
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.deaths: dict[str, int] = {}
        self._changing = threading.Lock()
        self._in_our_hands: set[str] = set()
        self._mending = threading.Event()
        self._at_end = ExitStack()
        self.sentinel = sentinel
        self._build(ledger_url, seed, speed, workers, modules or Modules(), account)
        for kind in without:
            self._programs = {name: one for name, one in self._programs.items() if not name.startswith(kind)}

    @property
    def sandbox_url(self) -> str:
        return self.info.urls["sandbox"]

    @property
    def redis_url(self) -> str:
        return self.info.urls["redis"]

    def names(self, kind: str) -> list[str]:
        """The children of this kind, by name."""
        return [name for name in self.children if name.startswith(kind)]

    def pid(self, name: str) -> int:
        pid = self.children[name].pid
        assert pid is not None
        return pid

    def kill(self, name: str, pause: float) -> None:
        """SIGKILL, and start again after a pause."""
        with self._left_to_us(name) as child:
            child.kill()
            time.sleep(pause)
            child.start()

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """SIGKILL, and start again at the end of the block, healthy."""
        with self._left_to_us(name) as child:
            child.kill()
            try:
                yield
            finally:
                child.start()
                child.await_health()

    def end(self, name: str, pause: float) -> None:
        """SIGTERM as an operator's, wait for its end, and start again after a pause."""
        with self._left_to_us(name) as child:
            child.stop()
            time.sleep(pause)
            child.start()

    def empty_redis(self, pause: float) -> None:
        """Kill Redis and start it with nothing of what it knew."""
        with self._left_to_us("redis") as child:
            child.kill()
            shutil.rmtree(self.folder / "redis")
            (self.folder / "redis").mkdir()
            time.sleep(pause)
            child.start()

    def fail_over(self) -> None:
        """Kill the Redis that is the master, and start it again when the Sentinel has made the other one master."""
        with redis.Redis(port=self.info.ports["sentinel"], socket_timeout=2) as watching:
            master = _master_port(watching)
            name = "redis" if master == self.info.ports["redis"] else "redis2"
            with self._left_to_us(name) as child:
                child.kill()
                wait_for(lambda: _master_port(watching) != master, FAILED_OVER_WITHIN)
                child.start()
            wait_for(lambda: _follows_a_master(self.info.ports[name]), FAILED_OVER_WITHIN)

    @contextmanager
    def _left_to_us(self, name: str) -> Iterator[Child]:
        """A child that nobody mends meanwhile."""
        with self._changing:
            self._in_our_hands.add(name)
        try:
            yield self.children[name]
        finally:
            with self._changing:
                self._in_our_hands.discard(name)

    def _build(
        self,
        ledger_url: str,
        seed: int,
        speed: float,
        workers: int,
        modules: Modules,
        account: Mapping[str, Any],
    ) -> None:
        ports = self._at_end.enter_context(Ports())
        names = ("redis", "sandbox", "proxy", "console", "flower", "console2", "redis2", "sentinel")
        taken = {name: ports.take(0).number for name in names}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in taken.items()}
        urls["redis"] = f"redis://127.0.0.1:{taken['redis']}/0"
        where = {"URL": urls["redis"]}
        if self.sentinel:
            where = {"URL": f"sentinel://127.0.0.1:{taken['sentinel']}/0", "MASTER": MASTER}
        for name in ("logs", "redis"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.info = StackInfo(
            pid=os.getpid(),
            data_dir=self.folder,
            started_at=datetime.now(UTC).isoformat(),
            sandbox=True,
            speed=speed,
            urls=urls,
            ports=taken,
        )
        self.settings = Settings(
            data_dir=self.folder,
            accounts={
                "callgear": account_settings(provider="callgear", access_token=SecretStr("x"), **account),
                "webex": account_settings(provider="webex", service_key=SecretStr("x"), **account),
            },
            ledger=LedgerSettings(url=SecretStr(ledger_url)),
            console=ConsoleSettings(public_url=urls["console"]),
            redis=RedisSettings(url=SecretStr(where["URL"]), master=where.get("MASTER")),
            worker=WorkerSettings.model_validate(WORKER),
        )
        through_proxy = replace(self.info, urls=urls | {"sandbox": urls["proxy"]})
        self.environment = {
            **environment(self.settings, through_proxy),
            "DIALER_LEDGER__URL": ledger_url,
            **{f"DIALER_REDIS__{name}": value for name, value in where.items()},
            # As a provider, the sandbox hides what happens between two polls, and the workers know it.
            **{f"DIALER_ACCOUNTS__{name}__SHOWS_EVERY_ANSWER".upper(): "false" for name in self.settings.accounts},
            **{f"DIALER_ACCOUNTS__{name}__SETTLE_SECONDS".upper(): str(60 / speed) for name in self.settings.accounts},
            "PYTHONPATH": str(ROOT),
            **{f"DIALER_WORKER__{key}".upper(): str(value) for key, value in WORKER.items()},
        }
        plan = ProgramPlan(
            settings=self.settings,
            info=self.info,
            redis=find_server(),
            redis_secrets=None,  # the faults' own connections, and those of a Redis made anew, need no password
            workers=workers,
            environment=self.environment,
            modules=modules,
        )
        programs = {program.name: program for stage in plan.stages for program in stage if program.name != "flower"}
        if self.sentinel:
            programs |= self._watched_redis(programs["redis"])
        programs["proxy"] = self._proxy_program(programs["sandbox"], seed)
        programs["console2"] = _twin(programs.pop("console"), "console2", self.info.urls, into=programs)
        programs["beat2"] = _second_beat(programs["beat"])
        self._programs = programs

    def _watched_redis(self, first: Program) -> dict[str, Program]:
        """Two servers, of which the second follows the first, and the Sentinel that watches them."""
        server, folder = find_server(), self.folder / "redis2"
        folder.mkdir(exist_ok=True)
        port, second_port, sentinel_port = (self.info.ports[name] for name in ("redis", "redis2", "sentinel"))
        following = ("--replicaof", f"127.0.0.1 {port}")
        config = write_config(self.folder, port=sentinel_port, watched=port)
        second = replace(
            first,
            name="redis2",
            argv=(*server.command(port=second_port, folder=folder), *following),
            log=first.log.with_name("redis2.log"),
            healthy=lambda: _follows_a_master(second_port),
        )
        watching = replace(
            first,
            name="sentinel",
            argv=(str(server.path), str(config), "--sentinel"),
            log=first.log.with_name("sentinel.log"),
            healthy=lambda: _has_a_replica(sentinel_port),
        )
        first = replace(first, healthy=redis_pings(RedisAddress.parse(self.redis_url)))
        return {"redis": first, "redis2": second, "sentinel": watching}

    def _proxy_program(self, sandbox: Program, seed: int) -> Program:
        command = (
            sys.executable,
            "-m",
            "tests.chaos.proxy",
            str(self.info.ports["proxy"]),
            self.sandbox_url,
            str(seed),
        )
        return replace(
            sandbox,
            name="proxy",
            argv=command,
            env=dict(sandbox.env) | {"PYTHONPATH": str(ROOT)},
            log=self.folder / "logs" / "proxy.log",
            healthy=http_ok(f"{self.info.urls['proxy']}/_faults"),
        )

    def start(self) -> None:
        """Start everything and return when each part works."""
        first, second = ("redis", "sentinel", "sandbox"), ("proxy", "console")
        for kinds in (first, second, ("worker", "beat")):
            stage = [name for name in self._programs if name.startswith(kinds)]
            for name in stage:
                self.children[name] = ForkedChild(self._programs[name])
                self.children[name].start()
            for name in stage:
                self.children[name].await_health()
        loopback.post(f"{self.sandbox_url}/_config", json=SANDBOX).raise_for_status()
        thread = threading.Thread(target=self._mend, name="mending", daemon=True)
        self._at_end.callback(thread.join)
        self._at_end.callback(self._mending.set)
        thread.start()

    def _mend(self) -> None:
        """Start again at once what has died by itself, as a supervisor would, and count it."""
        while not self._mending.wait(MEND_SECONDS):
            with self._changing:
                for name, child in self.children.items():
                    if name not in self._in_our_hands and not child.alive:
                        self.deaths[name] = self.deaths.get(name, 0) + 1
                        child.start()

    def stop(self) -> None:
        """Stop everything; nothing is left."""
        self._at_end.close()
        for kind in ("beat", "worker", "console", "proxy", "sandbox", "sentinel", "redis"):
            for name in self.names(kind):
                self.children[name].terminate()
            for name in self.names(kind):
                self.children[name].await_end()


def _master_port(watching: redis.Redis) -> int:
    port: int = watching.sentinel_get_master_addr_by_name(MASTER)[1]
    return port


def _has_a_replica(sentinel_port: int) -> bool:
    with suppress(redis.RedisError), redis.Redis(port=sentinel_port, socket_timeout=2) as watching:
        return len(watching.sentinel_slaves(MASTER)) == 1
    return False


def _follows_a_master(port: int) -> bool:
    with suppress(redis.RedisError), redis.Redis(port=port, socket_timeout=2) as server:
        return server.info("replication").get("master_link_status") == "up"
    return False


def _twin(console: Program, name: str, urls: dict[str, str], *, into: dict[str, Program]) -> Program:
    """Two consoles of one: the first keeps its port, the second gets its own."""
    into["console1"] = replace(console, name="console1", log=console.log.with_name("console1.log"))
    port = urls[name].rsplit(":", 1)[1]
    return replace(
        console,
        name=name,
        env={**console.env, "DIALER_CONSOLE__PORT": port},
        log=console.log.with_name(f"{name}.log"),
        healthy=http_ok(f"{urls[name]}/healthz"),
    )


def _second_beat(beat: Program) -> Program:
    argv = tuple(part.replace("beat@", "beat2@") for part in beat.argv)
    return replace(beat, name="beat2", argv=argv, log=beat.log.with_name("beat2.log"), healthy=lambda: True)


@contextmanager
def opened(folder: Path, ledger_url: str, **manner: Any) -> Iterator[FaultyStack]:
    """A stack for as long as the block runs."""
    stack = FaultyStack(folder, ledger_url, **manner)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
