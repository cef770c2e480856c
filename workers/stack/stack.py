"""The embedded stack: everything that campaigns need on one machine, started, supervised and stopped together."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dialer.errors import DialerError
from dialer.seldom import Seldom
from workers.secrets import redis_password
from workers.settings import Settings
from workers.stack import info
from workers.stack.environment import environment
from workers.stack.forking import ForkServer
from workers.stack.info import StackInfo, running_stack
from workers.stack.lock import StackIsUp, StackLock
from workers.stack.ports import Port, Ports
from workers.stack.processes import Child, ChildFailed, Program, started_fork_server
from workers.stack.programs import Modules, ProgramPlan, stopping_order
from workers.stack.redis_server import (
    PREFERRED_PORT,
    RedisServer,
    check_configured,
    find_server,
    write_password,
)
from workers.stack.supervisor_log import note

__all__ = ["ChildFailed", "Stack", "StackEvent", "StackInfo", "StackIsUp", "running_stack"]

WATCH_SECONDS = 0.3
WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104


What = Literal["moved", "starting", "up", "died", "restarted", "lacking", "stopping", "stopped"]


@dataclass(frozen=True, slots=True)
class StackEvent:
    """A change of one part of the stack, to be shown to people."""

    what: What
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}" + (f" ({self.detail})" if self.detail else "")


class Stack:
    """A context manager: inside it the whole stack is up; after it, whatever happened, no process of it runs."""

    def __init__(
        self,
        settings: Settings,
        *,
        sandbox: bool,
        speed: float = 1.0,
        workers: int | None = None,
        events: Callable[[StackEvent], None] = lambda _event: None,
        modules: Modules | None = None,
    ) -> None:
        data_dir = settings.data_dir.absolute()
        self.events = events
        self.environment: dict[str, str] = {}
        self.info = StackInfo(pid=os.getpid(), data_dir=data_dir, started_at="", sandbox=sandbox, speed=speed)
        self._settings = settings.model_copy(update={"data_dir": data_dir})
        self._workers = usual_workers() if workers is None else workers
        self._modules = modules or Modules()
        self._lock = StackLock(data_dir)
        self._children: dict[str, Child] = {}
        self._fork_server: ForkServer | None = None
        self._children_lock = threading.RLock()
        self._cleanup = ExitStack()
        self._info_is_old = False
        self._lacks = Seldom()

    def __enter__(self) -> Stack:
        """Start everything in order; each part is healthy then. Raises DialerError, and leaves nothing running."""
        self._prepare()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def watch(self, stopping: Callable[[float], bool]) -> None:
        """Restart children that have died, until told to stop; `stopping` waits so many seconds for that."""
        while not stopping(WATCH_SECONDS):
            self.restart_dead(time.monotonic())

    def restart_dead(self, now: float) -> None:
        """Check every child once: restart those that are due, put logs aside that are too large.

        `now` is the monotonic clock's.

        What the machine has no room for, on its disk or elsewhere, is told once a minute and tried again.
        """
        with self._children_lock:
            for child in self._children.values():
                self._restart_if_dead(child, now)
                self._rotate_log(child)
            if self._info_is_old:
                self._renew_info()

    def kill_worker(self, number: int = 1) -> None:
        """SIGKILL a worker, as a crash would. `watch` restarts it."""
        self._children[f"worker{number}"].kill()

    def stop(self) -> None:
        """Stop everything: beat first, then the workers, which finish their calls, Redis last. May be called again."""
        with self._children_lock:
            children, self._children = self._children, {}
            try:
                for names in stopping_order(list(children)):
                    self._stop_together([children[name] for name in names])
            finally:
                for child in children.values():
                    child.kill()
                self._cleanup.close()

    def _prepare(self) -> None:
        """Create the folders and take the lock; `stop` releases it."""
        data_dir = self.info.data_dir
        try:
            for folder in (data_dir, data_dir / "logs", data_dir / "redis"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.take()
        except OSError as exc:
            raise DialerError(f"{data_dir}: {exc.strerror}", "choose another DIALER_DATA_DIR") from None
        self._cleanup.callback(self._lock.release)
        self._cleanup.callback(info.remove_info, data_dir)
        info.remove_info(data_dir)

    def _start(self) -> None:
        redis = self._redis_to_start()
        self._choose_ports(redis)
        self.environment = environment(self._settings, self.info)
        plan = ProgramPlan(
            settings=self._settings,
            info=self.info,
            redis=redis,
            redis_secrets=self._write_redis_password() if redis else None,
            workers=self._workers,
            environment=self.environment,
            modules=self._modules,
        )
        self._fork_server = started_fork_server(plan.fork_server_environment)
        if self._fork_server is not None:
            self._cleanup.callback(self._fork_server.close)
        for stage in plan.stages:
            self._start_together(stage)
        self._write_info()

    def _redis_to_start(self) -> RedisServer | None:
        """The server to start; None when one is configured, which must answer."""
        if self._settings.redis.address is None:
            return find_server()
        check_configured(self._settings.redis.address)
        return None

    def _write_redis_password(self) -> Path:
        return write_password(self.info.data_dir / "redis", redis_password(self._settings))

    def _choose_ports(self, redis: RedisServer | None) -> None:
        ports = self._cleanup.enter_context(Ports())
        console, flower = self._settings.console, self._settings.flower
        ports_by_name = {
            "console": ports.take(console.port, console.host),
            "flower": ports.take(flower.port, flower.host),
        }
        hosts = {"console": console.host, "flower": flower.host}
        if self.info.sandbox:
            ports_by_name["sandbox"] = ports.take(self._settings.sandbox.port)
        if redis is not None:
            ports_by_name["redis"] = ports.take(PREFERRED_PORT)
        urls = {
            name: f"http://{_reachable_host(hosts.get(name, '127.0.0.1'))}:{port.number}"
            for name, port in ports_by_name.items()
        }
        urls["redis"] = self._shown_redis(ports_by_name.get("redis"))
        self.info = replace(
            self.info,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            ports={name: port.number for name, port in ports_by_name.items()},
            urls=urls,
        )
        for name, port in ports_by_name.items():
            if port.moved:
                self._emit("moved", name, f"port {port.wanted} is taken, {port.number} instead")

    def _shown_redis(self, port: Port | None) -> str:
        if port is not None:
            return f"redis://127.0.0.1:{port.number}/0"
        return str(self._settings.redis.address)

    def _start_together(self, stage: tuple[Program, ...]) -> None:
        for program in stage:
            self._emit("starting", program.name)
            self._children[program.name] = Child(program, fork_server=self._fork_server)
            self._children[program.name].start()
        for program in stage:
            self._children[program.name].await_health()
            self._emit("up", program.name, self.info.urls.get(program.name, ""))

    def _stop_together(self, children: list[Child]) -> None:
        for child in children:
            self._emit("stopping", child.name)
            child.terminate()
        for child in children:
            child.await_end()
            self._emit("stopped", child.name)

    def _restart_if_dead(self, child: Child, now: float) -> None:
        ending = child.ending
        try:
            change = child.restart_if_dead(now)
        except OSError as exc:
            self._emit_lack(child.name, exc)
            return
        if change == "restarted":
            self._renew_info()  # before the event: its receiver may read the file
        if change:
            self._emit(change, child.name, ending if change == "died" else "")

    def _rotate_log(self, child: Child) -> None:
        try:
            child.rotate_log()
        except OSError as exc:
            self._emit_lack(f"{child.name}'s log", exc)

    def _renew_info(self) -> None:
        try:
            self._write_info()
        except OSError as exc:
            self._emit_lack(info.FILE, exc)
        self._info_is_old = self.info.pids != self._pids()

    def _emit_lack(self, name: str, exc: OSError) -> None:
        if self._lacks.is_due(name, exc.errno):
            self._emit("lacking", name, f"{exc.strerror}; it is tried again")

    def _pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items() if child.pid}

    def _write_info(self) -> None:
        renewed = replace(self.info, pids=self._pids())
        renewed.write()
        self.info = renewed

    def _emit(
        self,
        what: What,
        name: str,
        detail: str = "",
    ) -> None:
        note(self.info.data_dir / "logs", self._settings.logging.format, what, name, detail)
        with suppress(OSError):  # what they are written to may be full, or gone
            self.events(StackEvent(what, name, detail))


def usual_workers() -> int:
    """Worker processes where no number is given: two, so that one follows the calls when the other dies.

    One where the machine has a single core for us.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2, cores)


def _reachable_host(host: str) -> str:
    """The host by which this machine reaches a server that listens on `host`."""
    if host in WILDCARD_HOSTS:
        return WILDCARD_HOSTS[host]
    return f"[{host}]" if ":" in host else host
