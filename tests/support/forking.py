"""Processes that are forked from a server which has done what takes long: imports are most of a short life.

A request on its socket is a program, arguments, folder and environment as JSON, with files for stdin, stdout and
stderr; the replies are the process's id and then its exit code. The server ends when its own stdin does, and on Linux
its processes with it. Where tests run in several processes, the one that gives them out starts the servers for all.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

from tests.support.patience import PATIENCE
from workers.stack.child import ask_kernel_for_death_with_parent

SOCKET = "PRELOADED_SOCKET"  # in the environment of a run's workers, and of what is forked
ROOT = Path(__file__).parents[2]
LISTENS_WITHIN = 300.0  # of what takes some ten seconds where nothing else runs


def environ(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without settings of ours, on a screen of 80 columns, with these variables besides."""
    clean = {key: value for key, value in os.environ.items() if not key.upper().startswith(("DIALER_", "FLOWER_"))}
    return clean | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"} | more


class Forked:
    """A process of a server, the first of a group of its own; its methods are those of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        files: Sequence[IO[bytes]],
        socket_of_server: str | None = None,
    ) -> None:
        """`arguments` are a program that the server knows, and its own; `files` are its stdin, stdout and stderr."""
        self.args = arguments
        self._code: int | None = None
        self._reading = Lock()
        connection = _connected(socket_of_server or server())
        data = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}).encode()
        socket.send_fds(connection, [len(data).to_bytes(4, "big")], [file.fileno() for file in files])
        connection.sendall(data)
        self._replies = connection.makefile("rb", buffering=0)
        connection.close()  # as soon as the file is
        self.pid = int(self._replies.readline())

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with self._reading:
            if self._code is None and self._speaks(0):
                self._code = int(self._replies.readline() or -signal.SIGKILL)
                self._replies.close()
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            left = until - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            self._speaks(min(left, 0.1))
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ends just now, and we have not heard of it
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _speaks(self, seconds: float) -> bool:
        """Whether there is something to read within so long."""
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


@cache
def server() -> str:
    """The socket of the server of this run, or of the one that has forked this process, or of this process's own."""
    return os.environ.get(SOCKET) or begin()


def _connected(path: str) -> socket.socket:
    """A connection to the server, as soon as it has the imports done."""
    until = time.monotonic() + LISTENS_WITHIN
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return connection


def begin(module: str = "tests.support.preloaded", *arguments: str) -> str:
    """Start the server that this module is, which ends with this process; the socket on which it soon listens."""
    folder = tempfile.mkdtemp(prefix="dialer-")
    path = f"{folder}/socket"
    process = subprocess.Popen(
        [sys.executable, "-m", module, path, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env=environ({}),
    )
    atexit.register(_end, process, folder)
    return path


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(PATIENCE)
    Path(folder, "socket").unlink(missing_ok=True)
    Path(folder).rmdir()


def serve(path: str) -> dict[str, Any]:
    """Fork for each request; returns in the forked process only, with what it is to do."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            sys.exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _command(connection)
        connection.close()


def _command(connection: socket.socket) -> dict[str, Any]:
    """Stay behind to tell the exit code; returns in the process that is to run the command."""
    ask_kernel_for_death_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, files, _, _ = socket.recv_fds(connection, 4, 3)
    length = int.from_bytes(head, "big")
    request: dict[str, Any] = json.loads(connection.recv(length, socket.MSG_WAITALL))
    if (pid := os.fork()) == 0:
        os.setsid()
        ask_kernel_for_death_with_parent()
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        return request
    for file in files:
        os.close(file)
    while os.getpgid(pid) != pid:  # until it has a group of its own, which can be killed
        time.sleep(0.001)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # nobody waits for it any more
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def take_on(request: Mapping[str, Any], **variables: str) -> None:
    """Have the folder, the environment and the streams that were asked for, and these variables besides."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"] | variables)
    encoding = os.environ.get("PYTHONIOENCODING")
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115


def end_at_once(ended: SystemExit) -> None:
    """End as a program does, but for its last step: to take apart what was imported lasts longer than most of them."""
    if ended.code is not None and not isinstance(ended.code, int):
        return  # the interpreter prints it
    threading._shutdown()
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit((ended.code or 0) & 0xFF)
