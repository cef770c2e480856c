"""Runs one program that never outlives the process that started it.

    python -I -S child.py PARENT become|watch PROGRAM ARGUMENT…

become   ask the kernel to kill this process when its parent ends (Linux), then become the program
watch    run the program as a child, watch the parent, and kill the whole process group when the parent ends

It is started by path and isolated, so that it takes some 20 ms and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

LAUNCHER = __file__
PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.2
NOT_STARTED = 127


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the program that the arguments name; see the module."""
    parent, mode, *program = arguments
    try:
        if mode == "become" and ask_kernel_for_death_with_parent():
            become(int(parent), program)
        watch(int(parent), program)
    except OSError as exc:
        sys.stderr.write(not_started(program[0], exc))
        sys.exit(NOT_STARTED)


def not_started(program: str, exc: OSError) -> str:
    """A line of the log as `dialer/log_setup.py` writes it, whose imports would take longer than this."""
    why = f"{program}: {exc.strerror}"
    if os.environ.get("DIALER_LOGGING__FORMAT") == "text":
        return f"ERROR a program cannot be started {why}\n"
    import json  # no program that starts needs it
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": "a program cannot be started", "why": why, "level": "error", "timestamp": now}) + "\n"


def ask_kernel_for_death_with_parent() -> bool:
    """True when the kernel will kill this process, and the program that it becomes, when its parent ends."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0


def become(parent: int, program: Sequence[str]) -> NoReturn:
    """Replace this process by the program, unless the parent ended before the kernel was asked."""
    if os.getppid() != parent:
        sys.exit(NOT_STARTED)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
    os.execvp(program[0], list(program))  # noqa: S606


def watch(parent: int, program: Sequence[str]) -> NoReturn:
    """Run the program, pass SIGTERM on to it, exit with its code; kill the group once the parent has ended."""
    running = subprocess.Popen(program)
    signal.signal(signal.SIGTERM, lambda *_: running.terminate())
    while True:
        try:
            code = running.wait(POLL_SECONDS)
            sys.exit(code if code >= 0 else 128 - code)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
