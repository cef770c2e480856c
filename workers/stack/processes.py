"""A supervised child process: started, waited for, restarted when it dies, stopped, and never left running."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from dialer.errors import DialerError
from dialer.retry import doubled
from workers.stack.child import LAUNCHER
from workers.stack.forking import ForkedProcess, ForkServer, can_fork
from workers.stack.health import Health

LOG_LIMIT = 10 * 1024 * 1024
TAIL_BYTES, TAIL_LINES = 8192, 15
POLL_SECONDS = 0.05
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
STABLE_SECONDS = 60.0

LaunchMode = Literal["become", "watch"]
LAUNCH_MODE: LaunchMode = "become" if sys.platform == "linux" else "watch"

# For the kernel a child's parent is the *thread* that forked it. This one lives as long as the process, so that a child
# started from a thread that ends (a supervisor's, a test's) is not killed with that thread.
_forks = ThreadPoolExecutor(1, thread_name_prefix="stack-forks")


def started_fork_server(env: Mapping[str, str], mode: LaunchMode = LAUNCH_MODE) -> ForkServer | None:
    """A fork server with this environment, whose imports are under way; None where its programs could outlive it."""
    if mode != "become":
        return None
    server = ForkServer(env)
    with suppress(OSError):  # the first program that needs it tries again
        _forks.submit(server.start).result()
    return server


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program: its command line, log and health check. `env` is its whole environment, not added to ours."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    log: Path
    healthy: Health = field(repr=False)
    start_seconds: float = 45.0
    stop_seconds: float = 10.0
    restarts: bool = True
    remedy: str = ""


class ChildFailed(DialerError):
    """A child ended while it started, or was not healthy in time; the message ends with the last lines of its log."""


class Child:
    """One program and its process group. It is killed when this process ends, however this process ends.

    A program that a fork server can run is forked by it, and ends with it, too.
    """

    def __init__(
        self, program: Program, mode: LaunchMode = LAUNCH_MODE, *, fork_server: ForkServer | None = None
    ) -> None:
        self.program = program
        self._mode = mode
        self._fork_server = fork_server
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._log_start = 0
        self._started = 0.0
        self._deaths = 0
        self._restart_at: float | None = None

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process id, also of the group; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, as text; empty while it runs."""
        code = self._process.poll() if self._process else None
        if code is None:
            return ""
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def start(self) -> None:
        """Start the program; returns as soon as it runs, which is before it is healthy (see `await_health`)."""
        self._started, self._restart_at = time.monotonic(), None
        with suppress(OSError):
            self.rotate_log()
        self._process = _forks.submit(self._fork).result()

    def await_health(self) -> None:
        """Return once it is healthy. Raises ChildFailed, and leaves nothing running, when it ends or takes too long."""
        limit = time.monotonic() + self.program.start_seconds
        while not (self.alive and self.program.healthy() and self.alive):
            if not self.alive:
                self._end_group()
                raise self._failed(f"ended at its start ({self.ending})")
            if time.monotonic() > limit:
                self.kill()
                raise self._failed(f"was not up after {self.program.start_seconds:g} s")
            time.sleep(POLL_SECONDS)

    def restart_if_dead(self, now: float) -> Literal["died", "restarted"] | None:
        """Notice that it has ended, and start it again after a pause, longer after each of several quick ends.

        Raises OSError when it cannot be started; after the next pause that is tried again.
        """
        if self.alive or self._process is None or not self.program.restarts:
            return None
        if self._restart_at is None:
            self._end_group()
            self._deaths = 1 if now - self._started >= STABLE_SECONDS else self._deaths + 1
            self._restart_at = now + pause_after(self._deaths)
            return "died"
        if now < self._restart_at:
            return None
        try:
            self.start()
        except OSError:
            self._deaths += 1
            self._restart_at = now + pause_after(self._deaths)
            raise
        return "restarted"

    def rotate_log(self) -> None:
        """Rotate the log once it is too large, while the program writes on; lines of that instant may be lost.

        Raises OSError where there is no room to keep it: it is emptied all the same, so that it never fills a disk.
        """
        log = self.program.log
        if not log.exists() or log.stat().st_size <= LOG_LIMIT:
            return
        try:
            _keep_aside(log)
        finally:
            os.truncate(log, 0)  # the program appends: its next line is the first of the emptied file
            self._log_start = 0

    def terminate(self) -> None:
        """Send SIGTERM, to the program only: it ends the processes of its own pool by itself."""
        if self.alive and self._process:
            self._process.terminate()

    def await_end(self) -> None:
        """Wait for a terminated child for as long as its program allows, then kill what is left of its group."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.program.stop_seconds)
        self.kill()

    def stop(self) -> None:
        """Terminate it, and return when it has ended."""
        self.terminate()
        self.await_end()

    def kill(self) -> None:
        """Send SIGKILL to the whole group; returns when the program has ended."""
        self._end_group()
        if self._process is not None:
            self._process.wait()

    def _end_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _fork(self) -> subprocess.Popen[bytes] | ForkedProcess:
        launch = (sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), self._mode)
        with _open_log(self.program.log) as log:
            self._log_start = os.fstat(log.fileno()).st_size
            if self._fork_server is not None and can_fork(self.program.argv):
                with suppress(OSError):  # then it is started as without a server
                    return self._fork_server.fork(self.program.argv, self.program.env, log.fileno())
            return subprocess.Popen(
                (*launch, *self.program.argv),
                env=dict(self.program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _failed(self, what: str) -> ChildFailed:
        tail = _tail(self.program.log, self._log_start)
        log_text = f"; its log ends with:\n{tail}" if tail else " and its log is empty"
        return ChildFailed(f"{self.name} {what}{log_text}", self.program.remedy or f"read {self.program.log}")


def pause_after(deaths: int) -> float:
    """Seconds until the next start: half a second, doubled with each quick end, at most 30."""
    return doubled(FIRST_PAUSE_SECONDS, deaths, MAX_PAUSE_SECONDS)


def _open_log(log: Path) -> BinaryIO:
    """The log, opened for appending, readable by its owner only."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)  # also when it was there before; a device may be everybody's
    return os.fdopen(descriptor, "ab")


def _keep_aside(log: Path) -> None:
    """Copy the log to NAME.log.1, of which there is one. Raises OSError, and leaves no half of it."""
    aside = log.with_name(f"{log.name}.1")
    part = log.with_name(f"{log.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with log.open("rb") as source, os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(source, copy)
        part.replace(aside)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _tail(log: Path, start: int) -> str:
    """The last lines written since `start`, indented."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
