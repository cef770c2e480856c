"""Who plays: the programs of a stack in the order they start, each with its command line and its question of health."""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from workers.settings import Settings
from workers.stack import environment as env
from workers.stack.health import file_written, http_ok, redis_pings, worker_pings
from workers.stack.info import StackInfo
from workers.stack.processes import Program
from workers.stack.redis_server import RedisServer

WORKER_STOP_SECONDS = 20.0
FOLDER = Path(__file__).parents[2]
REDIS_REMEDY = "its files hold only what can be rebuilt: if they are damaged, remove {} and start again"

Stages = tuple[tuple[Program, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """What the Python children run. The tests bring small ones of their own."""

    celery: str = "workers.app"
    console: str = "console.web:create_app"
    sandbox: str = "dialer.sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramPlan:
    """A stack about to start: where its parts will be, and what all its children are told."""

    settings: Settings
    info: StackInfo
    redis: RedisServer | None
    workers: int
    environment: dict[str, str] = field(repr=False)
    modules: Modules = Modules()

    @property
    def stages(self) -> Stages:
        """The programs: those of a stage start together, and work before the next stage starts."""
        sandbox = (self._sandbox(),) if self.info.sandbox else ()
        workers = tuple(self._worker(number) for number in range(1, self.workers + 1))
        return (*self._redis(), (*sandbox, self._console()), (*workers, self._beat(), self._flower()))

    def _redis(self) -> Stages:
        if self.redis is None:
            return ()
        folder = self.info.data_dir / "redis"
        return (
            (
                Program(
                    name="redis",
                    argv=self.redis.command(port=self.info.ports["redis"], folder=folder),
                    env=self._bare(),
                    log=self._log("redis"),
                    healthy=redis_pings(self.info.urls["redis"]),
                    remedy=REDIS_REMEDY.format(folder),
                ),
            ),
        )

    def _sandbox(self) -> Program:
        where = ("--host", "127.0.0.1", "--port", str(self.info.ports["sandbox"]), "--speed", str(self.info.speed))
        return Program(
            name="sandbox",
            argv=(sys.executable, "-m", self.modules.sandbox, *where),
            env=self._bare(),
            log=self._log("sandbox"),
            healthy=http_ok(f"{self.info.urls['sandbox']}/_health"),
        )

    def _console(self) -> Program:
        where = ("--host", self.settings.console.host, "--port", str(self.info.ports["console"]))
        # No access log: the path of a receipt ends with the account's receipt secret.
        manner = ("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "5")
        return Program(
            name="console",
            argv=(sys.executable, "-m", "uvicorn", "--factory", self.modules.console, *where, *manner),
            env=self._full(),
            log=self._log("console"),
            healthy=http_ok(f"{self.info.urls['console']}/healthz"),
        )

    def _worker(self, number: int) -> Program:
        worker = self.settings.worker
        manner = ("--pool", "threads", "--concurrency", str(worker.threads), "--without-gossip", "--without-mingle")
        node = f"worker{number}@{socket.gethostname()}"
        return Program(
            name=f"worker{number}",
            argv=self._celery("worker", *manner, "-n", f"worker{number}@%h", "-l", "INFO", *["-E"] * worker.events),
            env=self._full(),
            log=self._log(f"worker{number}"),
            healthy=worker_pings(self.environment["DIALER_REDIS__URL"], node),
            stop_seconds=WORKER_STOP_SECONDS,
        )

    def _beat(self) -> Program:
        schedule = self.info.data_dir / "beat-schedule"
        return Program(
            name="beat",
            argv=self._celery("beat", "-s", str(schedule), "--pidfile=", "-l", "INFO"),
            env=self._full(),
            log=self._log("beat"),
            healthy=file_written(f"{schedule.name}*", schedule.parent, time.time()),
        )

    def _flower(self) -> Program:
        where = (f"--address={self.settings.flower.host}", f"--port={self.info.ports['flower']}")
        return Program(
            name="flower",
            argv=self._celery("flower", *where),
            env=self._full() | {"FLOWER_BASIC_AUTH": env.flower_credentials(self.settings)},
            log=self._log("flower"),
            healthy=http_ok(f"{self.info.urls['flower']}/healthcheck"),
        )

    def _celery(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "celery", "-A", self.modules.celery, *arguments)

    def _log(self, name: str) -> Path:
        return self.info.data_dir / "logs" / f"{name}.log"

    def _full(self) -> dict[str, str]:
        """The environment of a child that reads our settings."""
        return env.inherited(os.environ, sandbox=self.info.sandbox) | self.environment | _python_environment()

    def _bare(self) -> dict[str, str]:
        """The environment of a child that does not: it has no secret to lose."""
        return env.without_settings(os.environ) | {"DIALER_DATA_DIR": str(self.info.data_dir)} | _python_environment()


def stopping_order(names: list[str]) -> list[list[str]]:
    """Who stops with whom: no new work first, then the calls in flight, and Redis last."""
    workers = [name for name in names if name.startswith("worker")]
    order = [["beat"], workers, ["flower", "console", "sandbox"], ["redis"]]
    return [present for group in order if (present := [name for name in group if name in names])]


def _python_environment() -> dict[str, str]:
    """Words go to the log at once, and our packages are found even where the current folder has namesakes of them.

    Celery and uvicorn look into the current folder first, and a folder `campaigns` there would hide ours from an
    editable installation, which has no place of its own on the path.
    """
    found = {"PYTHONUNBUFFERED": "1"}
    if str(FOLDER) not in sys.path:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH"))))
    return found
