"""Forks the Python programs of a stack from one process that has imported what they have in common.

    python -m workers.stack.fork_server SOCKET ROOM

SOCKET is the number of an inherited socket, on which `workers/stack/forking.py` asks; ROOM is blanks, over which a
forked process writes its own command line, so that `ps` tells which program it is. The server has no threads and reads
no settings; it ends when the socket is closed, and its programs end with it (Linux).
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workers.stack.child import ask_kernel_for_death_with_parent

FILES = 2  # sent with a request: what the program writes to, and a socket for its id, "go on" and its exit code
GO_ON = b"+"
IMPORTED = (  # with all that these import, and what they import late; a module that reads settings is none of them
    *(
        "celery.bin.celery",
        "celery.apps.worker",
        "celery.apps.beat",
        "celery.concurrency.thread",
        "celery.fixups.django",
    ),
    *("celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log", "celery.worker.autoscale"),
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.consumer.delayed_delivery"),
    *("celery.worker.control", "celery.worker.strategy", "billiard.pool", "flower.command", "tornado.platform.asyncio"),
    *("alembic.command", "alembic.autogenerate", "mako.ext.pygmentplugin", "sqlalchemy.dialects.postgresql"),
    *("anyio._backends._asyncio", "uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("workers.beat", "workers.broker", "workers.flower_guard", "workers.list_readings", "workers.shared_metrics"),
    *("workers.slice_summary", "workers.tick_guard", "workers.tracing", "workers.wiring"),
    *("campaigns.dispatch.dial", "campaigns.dispatch.release", "campaigns.launch.recurring"),
    *("campaigns.launch.drafts.rehearsal_notes", "campaigns.operations.retention.emptying"),
    *("campaigns.operations.sweep", "campaigns.operations.webhooks.delivering", "campaigns.settlement.polling"),
    *("console.web.__main__", "dialer.sandbox.__main__"),
)


class ForkServer:
    """Forks for each request, and tells the exit code of what has ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._status_files: dict[int, int] = {}  # of each program that runs, by its process id
        self._woken, waker = os.pipe()
        for file in (self._woken, waker):
            os.set_blocking(file, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)

    def serve(self) -> dict[str, Any]:
        """Serve until nobody asks any more; returns in a forked process only, with what that is to run."""
        while True:
            readable, _, _ = select.select([self._requests.fileno(), self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._tell_exit_codes()
            if self._requests.fileno() in readable and (request := self._fork()):
                return request

    def _fork(self) -> dict[str, Any] | None:
        """Read a request and fork; returns the request in the forked process."""
        head, files, _, _ = socket.recv_fds(self._requests, 4, FILES)
        if not head:
            sys.exit()
        length, server = int.from_bytes(head, "big"), os.getpid()
        request: dict[str, Any] = json.loads(self._requests.recv(length, socket.MSG_WAITALL))
        log, status = files
        try:
            pid = os.fork()
        except OSError as exc:
            _tell(status, -(exc.errno or 1))
            os.close(status)
        else:
            if pid == 0:
                self._requests.close()
                _become_leader(server, log, status)
                return request
            self._status_files[pid] = status
        os.close(log)
        return None

    def _tell_exit_codes(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                status = self._status_files.pop(ended[0])
                _tell(status, os.waitstatus_to_exitcode(ended[1]))
                os.close(status)


def _tell(status: int, number: int) -> None:
    with suppress(OSError):  # nobody listens any more
        os.write(status, f"{number}\n".encode())


def _become_leader(server: int, log: int, status: int) -> None:
    """Leave nothing of the server's to the process that it has forked, tell the process's id, and have its log.

    A process that nobody waits for any more ends here.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    ask_kernel_for_death_with_parent()
    if os.getppid() != server:  # it ended before the kernel was asked
        os._exit(1)
    _tell(status, os.getpid())
    if os.read(status, 1) != GO_ON:
        os._exit(1)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for file in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        with suppress(OSError):  # the listing's own is closed
            if file > 2:
                os.close(file)
    gc.enable()


def run(argv: Sequence[str], env: dict[str, str]) -> None:
    """Run a program, `PYTHON -m MODULE ARGUMENT…`, as the interpreter does that is started with this environment."""
    show_command_line(argv)
    os.environ.clear()
    os.environ.update(env)
    _python, _m, module, *arguments = argv
    sys.orig_argv, sys.argv = list(argv), ["-m", *arguments]
    _exit.code = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        _exit.code = 0
    except SystemExit as ended:
        _exit.code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise


class Exit:
    """The last step of a process, after all that others have registered: it takes no module apart.

    To do that writes into all the memory that the process shares, and takes longer than everything else at its end.
    """

    code = 0

    def __call__(self) -> None:
        """End the process, with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.code & 0xFF)


_exit = Exit()


def show_command_line(argv: Sequence[str]) -> None:
    """Write this command line over the one with which this process was started; what is too long is cut off."""
    with suppress(OSError, ValueError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begins, ends = int(fields[45]), int(fields[46])
        shown = "\0".join(argv).encode()[: ends - begins - 1]
        ctypes.memset(begins, 0, ends - begins)
        ctypes.memmove(begins, shown, len(shown))


def main(number: str, *_room: str) -> None:
    """Import, serve, and in a forked process run the program."""
    atexit.register(_exit)
    show_command_line(sys.orig_argv[:3])
    gc.disable()  # until a process is forked: no garbage leaves holes in the memory that they will share
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # no forked process writes into what they share, to look for garbage in it
    request = ForkServer(socket.socket(fileno=int(number))).serve()
    run(request["argv"], request["env"])


if __name__ == "__main__":
    main(*sys.argv[1:])
