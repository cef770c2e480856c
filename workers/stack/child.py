"""Run one program that never outlives the process that asked for it.

    python -I -S child.py PARENT become|watch PROGRAM ARGUMENT…

become   the kernel is asked to kill this process when its parent goes (Linux), then the program takes its place
watch    the program runs beside this process, which looks after its parent and ends the whole group without it

Started by path and isolated, so that it costs some 20 ms and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.2
NOT_STARTED = 127


def main(arguments: Sequence[str]) -> NoReturn:
    parent, manner, *program = arguments
    try:
        if manner == "become" and ask_kernel_for_death_with_parent():
            become(int(parent), program)
        watch(int(parent), program)
    except OSError as exc:
        sys.stderr.write(f"{program[0]}: {exc.strerror}\n")
        sys.exit(NOT_STARTED)


def ask_kernel_for_death_with_parent() -> bool:
    """True when the kernel will kill this process, and what it becomes, with its parent."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0


def become(parent: int, program: Sequence[str]) -> NoReturn:
    """Turn into the program, unless the parent went before the kernel was asked."""
    if os.getppid() != parent:
        sys.exit(NOT_STARTED)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
    os.execvp(program[0], list(program))  # noqa: S606


def watch(parent: int, program: Sequence[str]) -> NoReturn:
    """Run the program, hand SIGTERM on to it, leave with its exit code; kill the group once the parent is gone."""
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
