"""Programs in processes that are forked from one which has imported what they need.

    python -m tests.support.preloaded SOCKET

A request names `dialer`, a module as for `python -m`, or `-c` and a program. A stack that a forked `dialer` starts is
forked too.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TextIO

from tests.support.forking import ROOT, SOCKET, Forked, end_at_once, environ, serve, take_on
from tests.support.patience import PATIENCE

DIALER, TEXT = "dialer", "-c"
SETTABLE_CLOCK = Path(__file__).with_name("set_clock") / "sitecustomize.py"

IMPORTED = (  # what is imported late by what needs it, and what no command imports
    *("tomllib", "alembic.command", "alembic.script", "mako.ext.pygmentplugin", "anyio._backends._asyncio", "shelve"),
    *("encodings.idna", "importlib.readers", "rich._emoji_codes", "typer._adapters"),
    *("uvicorn.main", "uvicorn.lifespan.on"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.loops.auto"),
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.concurrency.thread"),
    *("celery.worker.consumer", "celery.worker.control", "celery.worker.strategy", "kombu.transport.redis"),
    *("workers.beat", "workers.broker", "dialer.log_setup", "workers.tick_guard", "workers.wiring"),
    *("campaigns.dispatch.dial", "campaigns.dispatch.release", "campaigns.launch.recurring"),
    *("campaigns.operations.sweep", "campaigns.settlement.polling", "console.web.app", "dialer.sandbox.server"),
    "tests.support.forked_child",
)


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    given: str = "",
    encoding: str = "utf-8",
    program: Sequence[str] = (DIALER,),
) -> tuple[int, str, str]:
    """Run `dialer`, or another program; its exit code and what it wrote to stdout and stderr, in this encoding."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        running = Forked([*program, *arguments], cwd=cwd, env=env, files=(stdin, stdout, stderr))
        try:
            code = running.wait(timeout)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        return code, _written(stdout, encoding), _written(stderr, encoding)


def started(*arguments: str, env: Mapping[str, str], log: Path) -> Forked:
    """A module, or `-c` and a program, that goes on and writes into this file."""
    with Path(os.devnull).open("rb") as stdin, log.open("wb") as output:
        return Forked(arguments, cwd=ROOT, env=env, files=(stdin, output, output))


@contextmanager
def begun(*arguments: str) -> Iterator[tuple[Forked, TextIO]]:
    """A module, or `-c` and a program, that goes on, and what it writes; its stdin is open. It is killed afterwards."""
    (stdin, kept), (written, stdout) = os.pipe(), os.pipe()
    with ExitStack() as files:
        theirs = [files.enter_context(open(file, mode)) for file, mode in ((stdin, "rb"), (stdout, "wb"))]  # noqa: PTH123
        process = Forked(arguments, cwd=ROOT, env=environ({}), files=(*theirs, sys.__stderr__.buffer))
        files.enter_context(open(kept, "wb"))  # noqa: PTH123
        files.callback(process.wait, PATIENCE)
        files.callback(process.kill)
        theirs[1].close()
        yield process, files.enter_context(open(written))  # noqa: PTH123


def _written(file: IO[bytes], encoding: str) -> str:
    file.seek(0)
    return file.read().decode(encoding).replace("\r\n", "\n")


def main(path: str) -> None:
    from console.cli import commands
    from dialer.phone import parse

    names = [command.name for command in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}.")]
    for name in (*IMPORTED, *names):
        importlib.import_module(name)
    for number in ("+14155550101", "+442079460101", "+79161234567"):
        parse(number)  # the numbering plans that tests use
    gc.freeze()  # no forked process writes into what they share, to look for garbage in it
    request = serve(path)
    take_on(request, **{SOCKET: path})
    faulthandler.register(signal.SIGUSR1)  # to its stderr, whoever wants to know what it does so long
    if "CLOCK_OFFSET" in os.environ:
        runpy.run_path(str(SETTABLE_CLOCK))  # as a Python does that is started anew, with its folder on its path
    program, *arguments = request["arguments"]
    try:
        if program == DIALER:
            _run_dialer(arguments)
        else:
            _run_module(program, *arguments)
    except SystemExit as ended:
        end_at_once(ended)
        raise


def _run_dialer(arguments: Sequence[str]) -> None:
    from console.cli import main as dialer
    from tests.support.forked_child import ServerOfTests
    from workers.stack import stack

    stack.started_fork_server = ServerOfTests
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
    if module == TEXT:
        text = sys.argv.pop(1)
        exec(text, {"__name__": "__main__"})  # noqa: S102  as Python does
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
