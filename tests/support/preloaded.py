"""Programs in processes that are forked from one which has imported what they need: imports are most of a short life.

    python -m tests.support.preloaded SOCKET

Each request on the socket is a program (`dialer`, or a module as for `python -m`), arguments, folder and environment as
JSON, with files for stdin, stdout and stderr; the replies are the process's id and then its exit code. The server ends
when its own stdin does, and on Linux its processes with it. A stack that a forked `dialer` starts is forked too. Where
tests run in several processes, the one that gives them out starts a server for all: it imports nothing for that.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
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

from workers.stack.child import ask_kernel_for_death_with_parent

DIALER = "dialer"

IMPORTED = (  # what is imported late by what needs it, and what no command imports
    *("tomllib", "alembic.command", "alembic.script", "mako.ext.pygmentplugin", "anyio._backends._asyncio", "shelve"),
    *("encodings.idna", "importlib.readers", "rich._emoji_codes", "typer._adapters"),
    *("uvicorn.main", "uvicorn.lifespan.on"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.loops.auto"),
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.concurrency.thread"),
    *("celery.worker.consumer", "celery.worker.control", "celery.worker.strategy", "kombu.transport.redis"),
    *("workers.beat", "workers.broker", "workers.logs", "workers.tick_guard", "workers.wiring"),
    *("campaigns.dispatch.dial", "campaigns.dispatch.release", "campaigns.launch.recurring"),
    *("campaigns.operations.sweep", "campaigns.settlement.polling", "console.web.app", "dialer.sandbox.server"),
    "tests.support.forked_child",
)
SOCKET = "PRELOADED_SOCKET"  # in the environment of a run's workers, and of what is forked
LISTENS_WITHIN = 60.0


def environ(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without settings of ours, on a screen of 80 columns, with these variables besides."""
    clean = {key: value for key, value in os.environ.items() if not key.upper().startswith(("DIALER_", "FLOWER_"))}
    return clean | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"} | more


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    given: str = "",
    encoding: str = "utf-8",
) -> tuple[int, str, str]:
    """Run `dialer` with these arguments; its exit code and what it wrote to stdout and to stderr, in this encoding."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        running = Forked([DIALER, *arguments], cwd=cwd, env=env, files=(stdin, stdout, stderr))
        try:
            code = running.wait(timeout)
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
            raise
        return code, _written(stdout, encoding), _written(stderr, encoding)


def _written(file: IO[bytes], encoding: str) -> str:
    file.seek(0)
    return file.read().decode(encoding).replace("\r\n", "\n")


class Forked:
    """A process of a server, the first of a group of its own; its methods are those of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], files: Sequence[IO[bytes]]
    ) -> None:
        """`arguments` are `dialer` or a module, and those it has; `files` are its stdin, stdout and stderr."""
        self.args = arguments
        self._code: int | None = None
        self._reading = Lock()
        connection = _connected()
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


def _connected() -> socket.socket:
    """A connection to the server, as soon as it has the imports done."""
    until = time.monotonic() + LISTENS_WITHIN
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(server())
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return connection


def begin() -> str:
    """Start a server, which ends with this process; the address of its socket, on which it soon listens."""
    folder = tempfile.mkdtemp(prefix="dialer-")
    path = f"{folder}/socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.preloaded", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env=environ({}),
    )
    atexit.register(_end, process, folder)
    return path


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)
    Path(folder, "socket").unlink(missing_ok=True)
    Path(folder).rmdir()


def _serve(path: str) -> dict[str, Any]:
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
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main(path: str) -> None:
    from console.cli import commands
    from dialer.phone import parse

    names = [command.name for command in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}.")]
    for name in (*IMPORTED, *names):
        importlib.import_module(name)
    for number in ("+14155550101", "+442079460101", "+79161234567"):
        parse(number)  # the numbering plans that tests use
    gc.freeze()  # no forked process writes into what they share, to look for garbage in it
    request = _serve(path)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"] | {SOCKET: path})
    encoding = os.environ.get("PYTHONIOENCODING")
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    program, *arguments = request["arguments"]
    try:
        _run_dialer(arguments) if program == DIALER else _run_module(program, *arguments)
    except SystemExit as ended:
        _end_at_once(ended)
        raise


def _end_at_once(ended: SystemExit) -> None:
    """End as a program does, but for its last step: to take apart what was imported lasts longer than most of them."""
    if ended.code is not None and not isinstance(ended.code, int):
        return  # the interpreter prints it
    threading._shutdown()
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit((ended.code or 0) & 0xFF)


def _run_dialer(arguments: Sequence[str]) -> None:
    from console.cli import main as dialer
    from tests.support.forked_child import ForkedChild
    from workers.stack import stack

    stack.Child = ForkedChild  # type: ignore[misc]
    if os.environ.get("COLUMNS") != "80":
        _look_at_the_screen()
    sys.path[0] = str(Path(sys.executable).parent)  # as for the program of that name
    sys.argv = ["dialer", *arguments]
    dialer()


def _look_at_the_screen() -> None:
    """Ask for its width and colours again, as rich does once, when it is imported."""
    from console.cli import output

    fresh = runpy.run_path(output.__file__)
    for name in ("out", "err"):
        vars(getattr(output, name)).update(vars(fresh[name]))


def _run_module(module: str, *arguments: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
