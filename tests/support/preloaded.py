"""`dialer` in processes that are forked from one which has imported it already: imports are most of a short command.

    python -m tests.support.preloaded SOCKET

Each request on the socket is arguments, folder and environment as JSON, with files for stdin, stdout and stderr; the
replies are the process's id and then its exit code. The server ends when its own stdin does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

IMPORTED_LATE = (  # by what needs them, when it does
    *("tomllib", "alembic.command", "alembic.script", "mako.ext.pygmentplugin", "anyio._backends._asyncio"),
    *("encodings.idna", "importlib.readers", "rich._emoji_codes", "typer._adapters"),
)


def environ(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without settings of ours, on a screen of 80 columns, with these variables besides."""
    clean = {key: value for key, value in os.environ.items() if not key.upper().startswith(("DIALER_", "FLOWER_"))}
    return clean | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"} | more


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, given: str = ""
) -> tuple[int, str, str]:
    """Run `dialer` with these arguments; its exit code and what it wrote to stdout and to stderr."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        request = {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}
        code = _ask(request, (stdin, stdout, stderr), timeout)
        return code, _written(stdout), _written(stderr)


def _ask(request: Mapping[str, Any], files: Sequence[IO[bytes]], timeout: float) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(_server())
        connection.settimeout(timeout)
        data = json.dumps(request).encode()
        socket.send_fds(connection, [len(data).to_bytes(4, "big")], [file.fileno() for file in files])
        connection.sendall(data)
        replies = connection.makefile("r")
        pid = int(replies.readline())
        try:
            return int(replies.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["dialer", *request["arguments"]], timeout) from None


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def _server() -> str:
    """The socket of this process's own server."""
    folder = tempfile.mkdtemp(prefix="dialer-")
    path = f"{folder}/socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.preloaded", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=environ({}),
    )
    assert server.stdin is not None
    assert server.stdout is not None
    atexit.register(_end, server, folder)
    assert server.stdout.readline() == b"ready\n"
    server.stdout.close()
    return path


def _end(server: subprocess.Popen[bytes], folder: str) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait(10)
    Path(folder, "socket").unlink(missing_ok=True)
    Path(folder).rmdir()


def _serve(path: str) -> dict[str, Any]:
    """Fork for each request; returns in the forked process only, with what it is to do."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)  # noqa: T201
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
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
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, files, _, _ = socket.recv_fds(connection, 4, 3)
    length = int.from_bytes(head, "big")
    request: dict[str, Any] = json.loads(connection.recv(length, socket.MSG_WAITALL))
    if (pid := os.fork()) == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        return request
    for file in files:
        os.close(file)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main(path: str) -> None:
    from console.cli import commands
    from console.cli import main as dialer

    for name in (
        *IMPORTED_LATE,
        *(one.name for one in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}.")),
    ):
        importlib.import_module(name)
    gc.freeze()  # no forked process writes into what they share, to look for garbage in it
    request = _serve(path)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[0] = str(Path(sys.executable).parent)  # as for the program of that name
    sys.argv = ["dialer", *request["arguments"]]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    dialer()


if __name__ == "__main__":
    main(sys.argv[1])
