"""The embedded stack: everything a campaign needs on one machine, started, watched and stopped together."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from kombu.utils.url import maybe_sanitize_url

from dialer.errors import DialerError
from workers.settings import Settings
from workers.stack import info as told
from workers.stack.environment import environment, flower_credentials
from workers.stack.info import StackInfo, running_stack
from workers.stack.lock import StackIsUp, StackLock
from workers.stack.ports import Port, Ports
from workers.stack.processes import Child, ChildFailed, Program
from workers.stack.programs import Modules, ProgramPlan, stopping_order
from workers.stack.redis_server import PREFERRED_PORT, RedisServer, check_configured, find_server

__all__ = ["ChildFailed", "Stack", "StackEvent", "StackInfo", "StackIsUp", "running_stack"]

WATCH_SECONDS = 0.3
WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class StackEvent:
    """Something that became of one part of the stack, for whoever tells a person."""

    what: Literal["moved", "starting", "up", "died", "restarted", "stopping", "stopped"]
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}" + (f" ({self.detail})" if self.detail else "")


class Stack:
    """A context manager: inside it the whole stack is up; after it, whatever happened, nothing of it runs."""

    def __init__(
        self,
        settings: Settings,
        *,
        sandbox: bool,
        speed: float = 1.0,
        workers: int = 1,
        events: Callable[[StackEvent], None] = lambda _happening: None,
        modules: Modules | None = None,
    ) -> None:
        data_dir = settings.data_dir.absolute()
        self.events = events
        self.environment: dict[str, str] = {}
        self.info = StackInfo(pid=os.getpid(), data_dir=data_dir, started_at="", sandbox=sandbox, speed=speed)
        self._settings = settings.model_copy(update={"data_dir": data_dir})
        self._workers = workers
        self._modules = modules or Modules()
        self._lock = StackLock(data_dir)
        self._children: dict[str, Child] = {}
        self._changing = threading.RLock()
        self._at_end = ExitStack()

    def __enter__(self) -> Stack:
        """Start everything, in order, and wait until each part works. Raises DialerError; nothing is left then."""
        self._prepare()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_why: object) -> None:
        self.stop()

    def watch(self, stop: threading.Event) -> None:
        """Start children again that have died, until `stop` is set."""
        while not stop.wait(WATCH_SECONDS):
            self.mend(time.monotonic())

    def mend(self, now: float) -> None:
        """One look at every child; `now` is the monotonic clock's."""
        with self._changing:
            for child in self._children.values():
                ending = child.ending
                became = child.mend(now)
                if became == "restarted":
                    self._write_info()  # before it is told: who hears of it may look there
                if became:
                    self._tell(became, child.name, ending if became == "died" else "")

    def kill_worker(self, number: int = 1) -> None:
        """SIGKILL a worker, as a crash would. `watch` starts it again."""
        self._children[f"worker{number}"].kill()

    def stop(self) -> None:
        """Stop everything: no new work, then the calls in flight, Redis last. Harmless when nothing runs."""
        with self._changing:
            children, self._children = self._children, {}
            try:
                for names in stopping_order(list(children)):
                    self._stop_together([children[name] for name in names])
            finally:
                for child in children.values():
                    child.kill()
                self._at_end.close()

    def _prepare(self) -> None:
        """Take the lock; from here on `stop` gives back what was taken."""
        data_dir = self.info.data_dir
        try:
            for folder in (data_dir, data_dir / "logs", data_dir / "redis"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.take()
        except OSError as exc:
            raise DialerError(f"{data_dir}: {exc.strerror}", "choose another DIALER_DATA_DIR") from None
        self._at_end.callback(self._lock.release)
        self._at_end.callback(told.remove_info, data_dir)
        told.remove_info(data_dir)

    def _start(self) -> None:
        redis = self._redis_to_start()
        flower_credentials(self._settings)
        self._find_places(redis)
        self.environment = environment(self._settings, self.info)
        plan = ProgramPlan(
            settings=self._settings,
            info=self.info,
            redis=redis,
            workers=self._workers,
            environment=self.environment,
            modules=self._modules,
        )
        for stage in plan.stages:
            self._start_together(stage)
        self._write_info()

    def _redis_to_start(self) -> RedisServer | None:
        """The server to start, unless one is configured: that one must answer."""
        if self._settings.redis.url is None:
            return find_server()
        check_configured(self._settings.redis.url.get_secret_value())
        return None

    def _find_places(self, redis: RedisServer | None) -> None:
        ports = self._at_end.enter_context(Ports())
        console, flower = self._settings.console, self._settings.flower
        taken = {"console": ports.take(console.port, console.host), "flower": ports.take(flower.port, flower.host)}
        hosts = {"console": console.host, "flower": flower.host}
        if self.info.sandbox:
            taken["sandbox"] = ports.take(self._settings.sandbox.port)
        if redis is not None:
            taken["redis"] = ports.take(PREFERRED_PORT)
        urls = {
            name: f"http://{_reachable_host(hosts.get(name, '127.0.0.1'))}:{port.got}" for name, port in taken.items()
        }
        urls["redis"] = self._shown_redis(taken.get("redis"))
        self.info = replace(
            self.info,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            ports={name: port.got for name, port in taken.items()},
            urls=urls,
        )
        for name, port in taken.items():
            if port.moved:
                self._tell("moved", name, f"port {port.wanted} is taken, {port.got} instead")

    def _shown_redis(self, port: Port | None) -> str:
        if port is not None:
            return f"redis://127.0.0.1:{port.got}/0"
        url = self._settings.redis.url
        return str(maybe_sanitize_url(url.get_secret_value())) if url else ""

    def _start_together(self, stage: tuple[Program, ...]) -> None:
        for program in stage:
            self._tell("starting", program.name)
            self._children[program.name] = Child(program)
            self._children[program.name].start()
        for program in stage:
            self._children[program.name].await_health()
            self._tell("up", program.name, self.info.urls.get(program.name, ""))

    def _stop_together(self, children: list[Child]) -> None:
        for child in children:
            self._tell("stopping", child.name)
            child.terminate()
        for child in children:
            child.await_end()
            self._tell("stopped", child.name)

    def _write_info(self) -> None:
        pids = {name: child.pid for name, child in self._children.items() if child.pid}
        self.info = replace(self.info, pids=pids)
        self.info.write()

    def _tell(
        self,
        what: Literal["moved", "starting", "up", "died", "restarted", "stopping", "stopped"],
        name: str,
        detail: str = "",
    ) -> None:
        self.events(StackEvent(what, name, detail))


def _reachable_host(host: str) -> str:
    """How this machine reaches a server that listens on that host."""
    if host in WILDCARD_HOSTS:
        return WILDCARD_HOSTS[host]
    return f"[{host}]" if ":" in host else host
