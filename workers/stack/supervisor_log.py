"""What the supervisor does with its programs, as lines of a log of its own beside theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dialer.log_setup import LogFormat, line
from workers.stack.processes import LOG_LIMIT

EVENTS: Mapping[str, tuple[str, str]] = {  # of each change: its level, and the event
    "moved": ("warning", "a port is taken"),
    "starting": ("info", "a program starts"),
    "up": ("info", "a program is up"),
    "died": ("error", "a program has died"),
    "restarted": ("warning", "a program was started again"),
    "lacking": ("error", "the machine lacks something"),
    "stopping": ("info", "a program is told to stop"),
    "stopped": ("info", "a program has stopped"),
}


def note(folder: Path, form: LogFormat, what: str, program: str, detail: str) -> None:
    """Add a line to the log in this folder; what cannot be written ends nobody. At 10 MB it is put aside."""
    file, (level, event) = folder / "supervisor.log", EVENTS[what]
    with suppress(OSError):
        if file.exists() and file.stat().st_size > LOG_LIMIT:
            file.replace(file.with_name(f"{file.name}.1"))
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as stream:
            stream.write(line(event, level=level, process="supervisor", form=form, program=program, detail=detail))
