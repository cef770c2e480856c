"""The supervisor's side of the fork server: starts it, asks it for processes, and tells how each of them ended."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock

from workers.stack.child import LAUNCHER

SERVER = "workers.stack.fork_server"
ROOM = 2048  # characters of a command line
GO_ON = b"+"
FORKED_WITHIN = 60.0  # seconds, with the imports
WAIT_SECONDS = 1.0


def can_fork(argv: Sequence[str]) -> bool:
    """Whether this is a command line that the server runs: `PYTHON -m MODULE ARGUMENT…`, of this interpreter."""
    return tuple(argv[:2]) == (sys.executable, "-m")


class ForkServer:
    """A process that has done the imports, started at the first use; the programs that it forks end with it.

    `env` is its whole environment, which anybody sees who sees those of its programs: it holds no secret. Not safe to
    use from several threads at once.
    """

    def __init__(self, env: Mapping[str, str], *, patience: float = FORKED_WITHIN) -> None:
        self._env = dict(env)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> socket.socket:
        """Start it, unless it runs; its imports are under way then. Returns its socket. Raises OSError."""
        if self._requests is not None and self._process is not None and self._process.poll() is None:
            return self._requests
        self.close()
        self._requests, theirs = socket.socketpair()
        launch = (sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), "become")
        program = (sys.executable, "-m", SERVER, str(theirs.fileno()), " " * ROOM)
        with theirs:
            self._process = subprocess.Popen(
                (*launch, *program),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what cannot be imported is told by the program that needs it
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
        return self._requests

    def fork(self, argv: Sequence[str], env: Mapping[str, str], log: int) -> ForkedProcess:
        """Run `PYTHON -m MODULE ARGUMENT…` in a session of its own, as soon as the imports are done; `log` is a file.

        Raises OSError where the server has ended, cannot fork, or does not answer within its `patience` in seconds.
        """
        requests = self.start()
        data = json.dumps({"argv": list(argv), "env": dict(env)}).encode()
        replies, status = socket.socketpair()
        with replies, status:
            socket.send_fds(requests, [len(data).to_bytes(4, "big")], [log, status.fileno()])
            requests.sendall(data)
            status.close()
            return ForkedProcess(argv, replies, self._patience)

    def close(self) -> None:
        """End it, and with it whatever it has forked. It may be started again."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class ForkedProcess:
    """A process that the server has forked, the first of a group of its own; its methods are those of `Popen`."""

    def __init__(self, argv: Sequence[str], replies: socket.socket, patience: float) -> None:
        """Return when it runs. `replies` tells its id, then its exit code. Raises OSError where it was not forked.

        One that is forked after `patience`, in seconds, finds `replies` closed, and ends.
        """
        self.args = argv
        self._reading = Lock()
        self._code: int | None = None
        self._replies = replies.makefile("rwb", buffering=0)
        try:
            self.pid = self._begin(patience)
        except OSError:
            self._replies.close()
            raise

    def poll(self) -> int | None:
        """Its exit code, or the number of the signal that ended it, below 0; None while it runs."""
        with self._reading:
            if self._code is None and self._has_spoken(0):
                self._code = self._number(without=-signal.SIGKILL)  # it has ended with the server
                self._replies.close()
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; `timeout` counts seconds. Raises TimeoutExpired."""
        until = float("inf") if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = until - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            with suppress(ValueError):  # another thread has heard it just now
                self._has_spoken(min(left, WAIT_SECONDS))
        return code

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, signal.SIGTERM)

    def _begin(self, patience: float) -> int:
        """Hear its process id, and let it go on."""
        if not self._has_spoken(patience):
            raise TimeoutError(errno.ETIMEDOUT, "the fork server does not answer")
        pid = self._number()
        if pid <= 0:
            raise OSError(-pid, os.strerror(-pid) if pid else "the fork server has ended")
        self._replies.write(GO_ON)
        return pid

    def _number(self, without: int = 0) -> int:
        """The number that is told next; another where the server has ended."""
        try:
            return int(self._replies.readline() or without)
        except ConnectionError:
            return without

    def _has_spoken(self, seconds: float) -> bool:
        """Whether there is something to read within so long."""
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
