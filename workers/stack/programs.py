"""The programs of a stack in the order in which they start, each with its command line and health check."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dialer.redis_address import RedisAddress
from workers.settings import Settings
from workers.stack import environment as env
from workers.stack.health import http_ok, node_pings, redis_pings
from workers.stack.info import StackInfo
from workers.stack.processes import Program
from workers.stack.redis_server import RedisServer

WORKER_STOP_SECONDS = 20.0
HEARTBEAT_SECONDS = "5"  # Flower shows a worker as offline that has been silent for twice as long
ARENAS = "2"  # of glibc, in a process of many threads
FOLDER = Path(__file__).parents[2]
REDIS_REMEDY = "its files hold only what can be rebuilt: if they are damaged, remove {} and start again"

Stages = tuple[tuple[Program, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """The modules that the Python children run; tests replace them by small ones."""

    celery: str = "workers.app"
    console: str = "console.web"
    sandbox: str = "dialer.sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramPlan:
    """A stack that is about to start: the addresses of its parts, and the environment of its children."""

    settings: Settings
    info: StackInfo
    redis: RedisServer | None
    redis_secrets: Path | None
    workers: int
    environment: dict[str, str] = field(repr=False)
    modules: Modules = Modules()

    @property
    def stages(self) -> Stages:
        """The programs in stages: those of a stage start together, and are healthy before the next stage starts."""
        sandbox = (self._sandbox(),) if self.info.sandbox else ()
        workers = tuple(self._worker(number) for number in range(1, self.workers + 1))
        return (*self._redis(), (*sandbox, self._console()), (*workers, self._beat(), self._flower()))

    @property
    def fork_server_environment(self) -> dict[str, str]:
        """The environment of the process that forks the others, whose own are sent to it: it holds no secret."""
        return self._environment_without_settings()

    @property
    def _redis_address(self) -> RedisAddress:
        return self.settings.redis.address or RedisAddress.parse(self.environment["DIALER_REDIS__URL"])

    def _redis(self) -> Stages:
        if self.redis is None:
            return ()
        folder = self.info.data_dir / "redis"
        return (
            (
                Program(
                    name="redis",
                    argv=self.redis.command(
                        port=self.info.ports["redis"],
                        folder=folder,
                        secrets=self.redis_secrets,
                    ),
                    env=self._environment_without_settings(),
                    log=self._log("redis"),
                    healthy=redis_pings(self._redis_address),
                    remedy=REDIS_REMEDY.format(folder),
                ),
            ),
        )

    def _sandbox(self) -> Program:
        options = (
            *("--host", "127.0.0.1", "--port", str(self.info.ports["sandbox"]), "--speed", str(self.info.speed)),
            *("--log-format", self.settings.logging.format, "--knows-all"),
        )
        return Program(
            name="sandbox",
            argv=(sys.executable, "-m", self.modules.sandbox, *options),
            env=self._environment_without_settings(),
            log=self._log("sandbox"),
            healthy=http_ok(f"{self.info.urls['sandbox']}/_health"),
        )

    def _console(self) -> Program:
        return Program(
            name="console",
            argv=(sys.executable, "-m", self.modules.console),
            env=self._environment_with_settings(),
            log=self._log("console"),
            healthy=http_ok(f"{self.info.urls['console']}/readyz?need=ledger"),
        )

    def _worker(self, number: int) -> Program:
        worker = self.settings.worker
        options = (
            *("--pool", "threads", "--concurrency", str(worker.threads), "--without-gossip", "--without-mingle"),
            *("--heartbeat-interval", HEARTBEAT_SECONDS),
        )
        node = f"worker{number}@{socket.gethostname()}"
        return Program(
            name=f"worker{number}",
            argv=self._celery("worker", *options, "-n", f"worker{number}@%h", "-l", "INFO", *["-E"] * worker.events),
            env=self._environment_with_settings(),
            log=self._log(f"worker{number}"),
            healthy=node_pings(self._redis_address, node),
            stop_seconds=WORKER_STOP_SECONDS,
        )

    def _beat(self) -> Program:
        options = ("--pidfile=", "--enable-remote-control", "--hostname=beat@%h", "-l", "INFO")
        return Program(
            name="beat",
            argv=self._celery("beat", *options),
            env=self._environment_with_settings(),
            log=self._log("beat"),
            healthy=node_pings(self._redis_address, f"beat@{socket.gethostname()}"),
        )

    def _flower(self) -> Program:
        address = (f"--address={self.settings.flower.host}", f"--port={self.info.ports['flower']}")
        return Program(
            name="flower",
            argv=self._celery("flower", *address),
            env=self._environment_with_settings(),
            log=self._log("flower"),
            healthy=http_ok(f"{self.info.urls['flower']}/healthcheck"),
        )

    def _celery(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "celery", "-q", "-A", self.modules.celery, *arguments)

    def _log(self, name: str) -> Path:
        return self.info.data_dir / "logs" / f"{name}.log"

    def _environment_with_settings(self) -> dict[str, str]:
        """The environment of a child that reads the settings."""
        inherited = env.inherited(os.environ, sandbox=self.info.sandbox)
        return inherited | self.environment | self._log_format() | _python_environment()

    def _environment_without_settings(self) -> dict[str, str]:
        """The environment of a child that does not read the settings: it holds no secret."""
        own = {"DIALER_DATA_DIR": str(self.info.data_dir)} | self._log_format()
        return env.without_settings(os.environ) | own | _python_environment()

    def _log_format(self) -> dict[str, str]:
        """For what is logged before the settings are read."""
        return {"DIALER_LOGGING__FORMAT": self.settings.logging.format}


def stopping_order(names: list[str]) -> list[list[str]]:
    """Groups of names that stop together: first beat, then the workers, which finish their calls, Redis last."""
    workers = [name for name in names if name.startswith("worker")]
    order = [["beat"], workers, ["flower", "console", "sandbox"], ["redis"]]
    return [running for group in order if (running := [name for name in group if name in names])]


def _python_environment() -> dict[str, str]:
    """Output reaches the log at once, and our packages are found before namesakes in the current folder.

    Memory that one thread has given back serves the others: glibc would keep it for each of them.

    Celery and uvicorn search the current folder first; a folder `campaigns` there would hide ours, since an editable
    installation has no entry of its own on the path.
    """
    variables = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", ARENAS)}
    if str(FOLDER) not in sys.path:
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH"))))
    return variables
